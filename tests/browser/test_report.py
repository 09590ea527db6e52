"""Funds and the annual report at their pages: what they hold and count, in every state, for the screen and for paper."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from services.counselling.domain.group_session import RecordGroupSession
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from shared.ids import uuid7
from shared.money import Money
from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits, sign_in
from tests.browser.days import today
from tests.running import Mission

# The mission's day, which the report goes by: late in the evening it is not the day of UTC any more.

@pytest.fixture(scope="module", autouse=True)
async def counted(mission: Mission) -> None:
    """A group session of this year, so that there is a report of it."""
    group = RecordGroupSession(
        site="trc_lipa", language="tur", held_at=datetime.now(UTC), participants=12, female=2, male=10, children=1
    )
    await mission.done("counselling", "counsellor-1", uuid7(), group, datetime.now(UTC))


async def opened(mission: Mission, project: str, first: date, last: date) -> UUID:
    fund = uuid7()
    order = OpenFund(
        project=project, donor="DONOR", granted=Money(amount=Decimal("5000.00"), currency="EUR"), valid_from=first,
        valid_until=last,
    )  # fmt: skip
    await mission.done("reintegration", "manager", fund, order, datetime.now(UTC))
    await mission.done("reintegration", "chief-of-mission", fund, ConfirmFund(change_no=1), datetime.now(UTC))
    return fund


async def visited(
    mission: Mission, visits: Visits, persona: str, path: str, languages: str = "en-GB", *, scripts: bool = False
) -> Page:
    page = await visits.open(scripts=scripts, languages=languages)
    await sign_in(page, mission.addresses.portal, persona)
    await page.goto(mission.addresses.portal + path)
    return page


async def confirmed_by_the_chief(mission: Mission, visits: Visits, project: str) -> bool:
    """The chief of mission confirms what a manager asked for, from the page of the fund."""
    page = await visited(mission, visits, "chief-of-mission", "/funds")
    await page.get_by_role("link", name=project, exact=True).click()
    await expect(page.locator("main")).to_contain_text("What waits for a second person")
    await page.get_by_role("link", name="Confirm", exact=True).click()
    await expect(page.locator("dl.summary").first).to_contain_text("1,234.50 EUR")
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    return True


async def test_the_manager_opens_a_fund_and_finds_what_it_holds(mission: Mission, visits: Visits) -> None:
    project = f"OPENED-{uuid7().hex[-8:]}"
    page = await visited(mission, visits, "manager", "/funds")
    await page.get_by_role("link", name="Open a fund", exact=True).click()
    for name, value in (("project", project), ("donor", "DONOR"), ("granted.amount", "1234.50")):
        await page.locator(f'[name="{name}"]').fill(value)
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    row = page.locator("tr", has=page.get_by_role("link", name=project, exact=True))
    await expect(row).to_contain_text("waits for a second person")
    assert await confirmed_by_the_chief(mission, visits, project)
    await page.goto(f"{mission.addresses.portal}/funds")
    await expect(row).to_contain_text("open")
    bar = row.get_by_role("img", name="Of 1,234.50 EUR granted, 0.00 EUR are spent, 0.00 EUR committed and 1,234.50 EUR available.")
    await expect(bar).to_be_visible()
    await page.get_by_role("link", name=project, exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(project)
    await expect(page.locator("dl.summary")).to_contain_text("1,234.50 EUR")


async def test_only_who_opens_funds_is_offered_to(mission: Mission, visits: Visits) -> None:
    page = await visited(mission, visits, "auditor", "/funds")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Funds")
    assert await page.get_by_role("link", name="Open a fund").count() == 0


@pytest.mark.parametrize("language", ["en-GB", "ar-XB"])
async def test_a_fund_says_for_everybody_why_nothing_is_approved_from_it(
    mission: Mission, visits: Visits, language: str
) -> None:
    over = await opened(mission, "OVER", today() - timedelta(days=60), today() - timedelta(days=2))
    ahead = await opened(mission, "AHEAD", today() + timedelta(days=2), today() + timedelta(days=60))
    page = await visited(mission, visits, "finance-approver", f"/funds/{over}", language, scripts=True)
    await expect(page.locator("main")).to_contain_text("No grant can be approved from it any more")
    await assert_for_everybody(page)
    await page.goto(f"{mission.addresses.portal}/funds/{ahead}")
    await expect(page.locator("main")).to_contain_text("No grant can be approved from it before")
    await assert_for_everybody(page)
    await page.goto(f"{mission.addresses.portal}/funds")
    await assert_for_everybody(page)


async def test_a_fund_that_does_not_exist_is_a_page_that_says_so(mission: Mission, visits: Visits) -> None:
    page = await visited(mission, visits, "manager", f"/funds/{uuid7()}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("This page cannot be shown")


@pytest.mark.parametrize("language", ["en-GB", "ar-XB"])
async def test_the_report_is_for_everybody_in_every_state(mission: Mission, visits: Visits, language: str) -> None:
    await opened(mission, "OF-THE-YEAR", date(today().year, 1, 1), date(today().year, 12, 31))
    page = await visited(mission, visits, "manager", "/report", language, scripts=True)
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Annual report {today().year}")
    await expect(page.locator("main")).to_contain_text("OF-THE-YEAR")
    await expect(page.get_by_role("row", name="Lipa")).to_be_visible()
    await assert_for_everybody(page)
    await page.get_by_label("Year", exact=True).fill("2001")
    await page.get_by_label("Year", exact=True).press("Enter")
    await expect(page.locator("main")).to_contain_text("Nothing was recorded in this year.")
    await expect(page.locator("main")).to_contain_text("There was no fund in this year.")
    await assert_for_everybody(page)
    await page.get_by_label("Year", exact=True).fill("next")
    await page.get_by_label("Year", exact=True).press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("four digits")
    await expect(page.get_by_label("Year", exact=True)).to_have_value("next")
    await assert_for_everybody(page)


async def test_on_paper_there_is_the_report_and_nothing_to_press(mission: Mission, visits: Visits) -> None:
    page = await visited(mission, visits, "chief-of-mission", "/report")
    await expect(page.get_by_role("navigation")).to_be_visible()
    await page.emulate_media(media="print")
    for gone in (page.locator("header"), page.locator("form.filter"), page.locator(".skip")):
        await expect(gone).to_be_hidden()
    for name in ("Counselling", "Returns", "Reintegration", "Money"):
        await expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    # As wide as A4 between its margins, where nothing can be scrolled to.
    await page.set_viewport_size({"width": 680, "height": 1000})
    cut = "() => [...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth + 1).length"
    assert await page.evaluate(cut) == 0
    assert await page.evaluate("() => getComputedStyle(document.body).backgroundColor") in ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)")


async def test_who_coordinates_reads_the_counts_and_is_told_whose_the_money_is(mission: Mission, visits: Visits) -> None:
    page = await visited(mission, visits, "coordinator", "/")
    await page.get_by_role("link", name="Annual report").click()
    await expect(page.get_by_role("heading", name="Money")).to_be_visible()
    await expect(page.locator("main")).to_contain_text("What funds hold is shown to")


async def test_who_may_not_read_figures_is_told_so(mission: Mission, visits: Visits) -> None:
    page = await visited(mission, visits, "counsellor-3", "/")
    assert await page.get_by_role("link", name="Annual report").count() == 0
    answer = await page.goto(f"{mission.addresses.portal}/report")
    assert answer is not None and answer.status == 403
    await expect(page.get_by_role("heading", level=1)).to_have_text("This page cannot be shown")


async def test_a_part_that_does_not_answer_leaves_its_section_out(mission: Mission, visits: Visits) -> None:
    page = await visited(mission, visits, "manager", "/", scripts=True)
    await mission.running.stop("reintegration")
    try:
        await page.goto(f"{mission.addresses.portal}/report")
        away = "does not answer just now"
        for name, left_out in (("Counselling", False), ("Returns", False), ("Reintegration", True), ("Money", True)):
            said = await page.get_by_role("region", name=name, exact=True).first.inner_text()
            assert (away in said) == left_out, name
        await assert_for_everybody(page)
    finally:
        await mission.running.start("reintegration")


async def test_a_month_is_closed_and_reopened_by_two_persons_on_its_pages(mission: Mission, visits: Visits) -> None:
    page = await visited(mission, visits, "finance-reconciler", "/periods", scripts=True)
    await page.get_by_role("link", name="Close a month", exact=True).click()
    await page.locator('[name="month"]').fill("2001-03")
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    await page.goto(f"{mission.addresses.portal}/periods")
    await assert_for_everybody(page)
    await page.get_by_role("link", name="2001-03", exact=True).click()
    await page.get_by_role("link", name="Ask to reopen", exact=True).click()
    await page.get_by_text("an audit found something", exact=True).click()
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    chief = await visited(mission, visits, "chief-of-mission", "/periods", scripts=True)
    await expect(chief.get_by_role("row", name="2001-03")).to_contain_text("a reopening waits for a second person")
    await chief.get_by_role("link", name="2001-03", exact=True).click()
    await assert_for_everybody(chief)
    await chief.get_by_role("link", name="Confirm the reopening", exact=True).click()
    await chief.locator("button.main").click()
    await expect(chief.get_by_role("status")).to_contain_text("recorded")
    await chief.goto(f"{mission.addresses.portal}/periods")
    await expect(chief.get_by_role("row", name="2001-03")).to_contain_text("reopened")
