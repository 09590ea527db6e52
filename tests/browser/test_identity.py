"""Who a person is, at the pages without JavaScript: recorded in two scripts, masked for others, corrected, shown for a purpose.

The person is invented. Nothing of who they are stands in the address of any request, or in the title of a page.
"""

from datetime import UTC, timedelta
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from services.counselling.domain.identity import RecordIdentity
from services.counselling.domain.identity_parts import Document
from services.counselling.domain.person import GiveConsent
from tests.browser.conftest import Visits, sign_in
from tests.browser.test_bad_network import end_session
from tests.browser.test_persons import NOW, Desk, heard_alone, registered
from tests.running import Mission

LATIN, ARABIC = ("Kanariova", "Zaynab-Test"), ("الكناري", "زينب التجريبية")
INITIALS = ("Z… K…", "ز… \N{ARABIC LETTER ALEF}…")
PHONE = "+387 00 000 123"
# Which of a page's texts runs to which side, as the browser lays it out: the edge at which the name's first letter stands.
_SIDE = """([text]) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const at = walker.currentNode.data.indexOf(text);
    if (at < 0) continue;
    const side = (index) => { const range = document.createRange(); range.setStart(walker.currentNode, at + index);
      range.setEnd(walker.currentNode, at + index + 1); return range.getBoundingClientRect().left; };
    return side(0) < side(text.length - 1) ? "ltr" : "rtl";
  }
  return "absent";
}"""


@pytest.fixture
async def desk(mission: Mission, visits: Visits) -> Desk:
    return Desk(mission, visits, await visits.open())


async def agreed(mission: Mission, year: int) -> UUID:
    person_id = await registered(mission, year)
    order = GiveConsent(
        consent="data", text_version="2023-01", language="ara", method="signature",
        given_at=(NOW - timedelta(minutes=5)).astimezone(UTC),
    )  # fmt: skip
    await mission.done("counselling", "counsellor-3", person_id, order, NOW.astimezone(UTC))
    return person_id


async def test_somebody_of_another_site_is_found_by_a_document_and_by_how_the_name_sounds(desk: Desk) -> None:
    person_id = await agreed(desk.mission, 1975)
    document = Document(document_type="passport", document_number="TEST 0075", issuing_country="BT")
    order = RecordIdentity(
        family_name="Kanarizada", given_names="Ghulam", family_name_own_script="کناری‌زاده", documents=(document,)
    )
    await desk.mission.done("counselling", "counsellor-3", person_id, order, NOW.astimezone(UTC))
    page = await desk.arrived("counsellor-4")
    await page.goto(f"{desk.portal}/persons")
    await page.locator("#document_number").fill("test-0075")
    await desk.follow(page, "Look for the document")
    await expect(page.get_by_role("alert")).to_contain_text("choose its country")
    await page.locator("#issuing_country").select_option("BT")
    await desk.follow(page, "Look for the document")
    row = page.locator("tbody tr")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("the same document")
    await page.locator("#document_number").fill("")
    await page.locator("#family_name").fill("Kanari-Zadeh")
    await page.locator("#given_names").fill("Gholam")
    await page.locator("#born").fill("1976")
    await page.locator("#born_within").select_option("1")
    # What is looked for is found after a sign-in that came between.
    await end_session(desk.mission, page)
    await page.get_by_role("button", name="Look for the name").click()
    await expect(row).to_contain_text("of 100")
    for text in ("G… K…", "ک…"):
        await expect(row).to_contain_text(text)
    assert LATIN[0][:5] not in await page.locator("table").inner_text()
    await desk.look_at(page)
    await desk.follow(page, str(person_id)[-6:])
    assert desk.telling() == []


async def test_the_status_here_is_recorded_and_shown_for_a_purpose_only(desk: Desk) -> None:
    person_id = await agreed(desk.mission, 1976)
    page = await desk.arrived("counsellor-3")
    await page.goto(f"{desk.portal}/persons/{person_id}")
    await desk.follow(page, "Record the status here")
    await page.locator('[name="host_status"]').select_option("rejected")
    await desk.send(page)
    await expect(page.locator("main")).not_to_contain_text("rejected")
    await desk.follow(page, "Show the status")
    await desk.follow(page, "Show the status")
    await expect(page.get_by_role("alert")).to_contain_text("Say what you need it for.")
    await page.get_by_label("work on the person's case").check()
    await desk.follow(page, "Show the status")
    await expect(page.get_by_role("heading", name="rejected")).to_be_visible()
    assert desk.telling() == []


async def state_names(page: Page) -> None:
    for name, value in zip(("family_name", "given_names"), LATIN, strict=True):
        await page.locator(f"#{name}").fill(value)
    for name, value in zip(("family_name_own_script", "given_names_own_script"), ARABIC, strict=True):
        await page.locator(f"#{name}").fill(value)


async def sides(page: Page) -> tuple[str, str]:
    """The direction in which the Latin and the Arabic name are laid out."""
    return await page.evaluate(_SIDE, [LATIN[0]]), await page.evaluate(_SIDE, [ARABIC[0]])


@pytest.mark.parametrize("languages", ["en-GB", "ar-XB"])
async def test_names_in_two_scripts_are_recorded_checked_and_shown_each_in_its_own_direction(
    desk: Desk, visits: Visits, languages: str
) -> None:
    person_id = await agreed(desk.mission, 1971 + (languages == "ar-XB"))
    page = await visits.open(scripts=False, languages=languages)
    page.context.on("request", desk.note)
    await sign_in(page, desk.portal, "counsellor-3")
    await page.goto(f"{desk.portal}/persons/{person_id}")
    await expect(page.get_by_text("Nothing is recorded yet.")).to_be_visible()
    await desk.follow(page, "Record who this is")
    await state_names(page)
    await page.locator('input[name="languages"][value="ara"]').check()
    await page.locator('[name="nationalities.0.nationality"]').select_option("BT")
    await page.locator('input[name="contacts.0.kind"][value="phone"]').check()
    await page.locator('[name="contacts.0.contact"]').fill(PHONE)
    await page.locator('input[name="contacts.0.safe"][value="no"]').check()
    await desk.follow(page, "Check the answers")
    assert await sides(page) == ("ltr", "rtl")
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    await page.wait_for_load_state()
    # Whoever has not spoken with the person sees initials.
    main = page.locator("main")
    # The last dots stand behind the last letter, on whichever side of the page that is.
    assert await page.evaluate(_SIDE, [INITIALS[0]]) == "ltr"
    assert await page.evaluate(_SIDE, [INITIALS[1]]) == "rtl"
    assert await sides(page) == ("absent", "absent")
    await desk.look_at(page)

    await desk.follow(page, "Show everything")
    await desk.follow(page, "Show everything")
    await expect(page.get_by_role("alert")).to_contain_text("Say what you need it for.")
    await page.get_by_label("a travel document").check()
    await desk.follow(page, "Show everything")
    assert await sides(page) == ("ltr", "rtl")
    for text in (PHONE, "not safe", "Bhutan", "Arabic", "not known more exactly"):
        await expect(main).to_contain_text(text)
    assert desk.telling() == []


async def test_a_correction_needs_a_reason_and_keeps_what_was_believed(desk: Desk) -> None:
    person_id = await agreed(desk.mission, 1973)
    page = await desk.arrived("counsellor-3")
    await page.goto(f"{desk.portal}/persons/{person_id}")
    await desk.follow(page, "Record who this is")
    await state_names(page)
    await desk.send(page)
    await desk.follow(page, "Correct it or add to it")
    await expect(page.locator("dl.summary")).to_contain_text("Family name, in Latin letters")
    await expect(page.locator("#family_name")).to_have_value("")
    await page.locator("#family_name").fill("Canarskaya")
    # A name is shown as it was typed, also one that is the code of a country.
    await page.locator('[name="other_names.0.other_name"]').fill("NO")
    await desk.follow(page, "Check the answers")
    await expect(page.locator("dl.summary bdi").get_by_text("NO", exact=True)).to_be_visible()
    await page.locator("button.main").click()
    await expect(page.get_by_role("alert")).to_contain_text("Say for which reason.")
    await expect(page.locator("#family_name")).to_have_value("Canarskaya")
    await page.get_by_label("a document was seen").check()
    await desk.send(page)
    await desk.follow(page, "Show everything")
    await page.get_by_label("to see whether it is right").check()
    # What it is for is not asked twice if a sign-in came between.
    await end_session(desk.mission, page)
    await page.get_by_role("button", name="Show everything").click()
    await expect(page.locator("dl.summary").first).to_contain_text("Zaynab-Test Canarskaya")
    await expect(page.locator("section").last).to_contain_text("Kanariova")
    await expect(page.locator("section").first).to_contain_text("a document was seen")
    await desk.look_at(page)
    assert desk.telling() == []


async def test_who_counsels_the_person_sees_the_name_and_another_site_nothing(desk: Desk) -> None:
    person_id = await agreed(desk.mission, 1974)
    page = await desk.arrived("counsellor-3")
    await page.goto(f"{desk.portal}/persons/{person_id}")
    await desk.follow(page, "Record a session with this person")
    await heard_alone(page, "information_only")
    await desk.send(page)
    await desk.follow(page, "Record who this is")
    await state_names(page)
    # What was typed is there again after a sign-in that came between.
    await end_session(desk.mission, page)
    await page.get_by_role("button", name="Check the answers").click()
    await expect(page.locator("#family_name_own_script")).to_have_value(ARABIC[0])
    await desk.send(page)
    assert await sides(page) == ("ltr", "rtl")
    assert LATIN[0] not in await page.title()
    page = await desk.arrived("counsellor-4")
    await page.goto(f"{desk.portal}/persons/{person_id}")
    await desk.look_at(page)
    await expect(page.get_by_role("heading", name="Who this is")).to_have_count(0)
    await page.goto(f"{desk.portal}/persons/{person_id}/identity")
    await page.get_by_label("work on the person's case").check()
    await desk.follow(page, "Show everything")
    assert await sides(page) == ("absent", "absent")
    await expect(page.locator("h1")).not_to_have_text("Who this is")
    assert desk.telling() == []
