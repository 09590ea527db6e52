"""Data protection asks that somebody is erased, another person decides with the key, and both see what is kept."""

from uuid import UUID

import pytest
from playwright.async_api import expect

from ops.demo_year.people import moment
from ops.screenshots import RIGHT_TO_LEFT
from services.counselling.domain.identity import RecordIdentity
from services.counselling.domain.person import GiveConsent, RegisterPerson
from shared.ids import uuid7
from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits, sign_in
from tests.running import Mission

AT = moment(210, 9)


@pytest.fixture
async def somebody(mission: Mission) -> UUID:
    person_id = uuid7()
    for order in (
        RegisterPerson(sex="female", birth_year=1991, country_of_origin="TR", site="trc_usivak"),
        GiveConsent(consent="data", text_version="v1", language="tur", method="signature", given_at=AT),
        RecordIdentity(family_name="Kanarivogel"),
    ):
        await mission.done("counselling", "counsellor-1", person_id, order, AT)
    return person_id


async def test_one_asks_another_approves_and_the_person_is_told_what_is_kept(
    mission: Mission, visits: Visits, somebody: UUID
) -> None:
    portal = mission.addresses.portal
    page = await visits.open(scripts=False)
    await sign_in(page, portal, "data-protection")
    await page.get_by_role("link", name="Ask for an erasure or a legal hold").click()
    await page.get_by_label("Id of the person").fill("0190")
    await page.get_by_role("button", name="Look").click()
    await expect(page.get_by_role("alert")).to_contain_text("36 characters")
    await page.get_by_label("Id of the person").fill(str(somebody))
    await page.get_by_role("button", name="Look").click()
    await expect(page.locator("main")).to_contain_text("Nobody has asked for it.")
    await page.get_by_role("link", name="Ask for the erasure").click()
    await page.get_by_label("the person asked for it").check()
    await page.get_by_role("button", name="Check the answers").click()
    await page.get_by_role("button", name="Ask for the erasure").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    # Who asked is told that another person must decide.
    await page.get_by_text("What you cannot do now, and why").click()
    await expect(page.locator("main")).to_contain_text("Who asked for an erasure cannot decide on it.")
    assert await page.get_by_role("link", name="Approve the erasure").count() == 0

    chief = await visits.open(width=320, languages=RIGHT_TO_LEFT)
    await sign_in(chief, portal, "chief-of-mission")
    await chief.goto(f"{portal}/erasures/{somebody}")
    await assert_for_everybody(chief)
    await chief.get_by_role("link", name="Approve the erasure").click()
    await expect(chief.locator("main")).to_contain_text("Nobody can undo this.")
    await chief.get_by_role("button", name="Approve the erasure").last.click()
    await expect(chief.get_by_role("status")).to_contain_text("recorded")
    await mission.caller.drained()
    await chief.reload()
    await expect(chief.locator("main")).to_contain_text("Everything that tells who you are is erased.")
    for service in ("counselling", "returns", "reintegration"):
        await expect(chief.get_by_role("listitem").filter(has_text=f"{service}:")).to_be_visible()
    await assert_for_everybody(chief)

    # Who counselled the person is told no more than that they were erased.
    counsellor = await visits.open(scripts=False)
    await sign_in(counsellor, portal, "counsellor-1")
    await counsellor.goto(f"{portal}/persons/{somebody}")
    await expect(counsellor.locator("main")).to_contain_text("This person was erased.")
    # The heading ends with digits of an id, which may be those of any year.
    said = (await counsellor.locator("main").inner_text()).removeprefix(await counsellor.locator("main h1").inner_text())
    assert not [told for told in ("1991", "Kanarivogel", "female") if told in said]
