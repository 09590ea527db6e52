"""Funds and the annual report at their pages: what they hold and count, in every state, for the screen and for paper."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from services.reintegration.domain.fund import OpenFund
from shared.ids import uuid7
from shared.money import Money
from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits, sign_in
from tests.running import Mission

TODAY = datetime.now(UTC).date()


async def opened(mission: Mission, project: str, first: date, last: date) -> UUID:
    fund = uuid7()
    order = OpenFund(
        project=project, donor="DONOR", granted=Money(amount=Decimal("5000.00"), currency="EUR"), valid_from=first,
        valid_until=last,
    )  # fmt: skip
    await mission.done("reintegration", "manager", fund, order, datetime.now(UTC))
    return fund


async def visited(
    mission: Mission, visits: Visits, persona: str, path: str, languages: str = "en-GB", *, scripts: bool = False
) -> Page:
    page = await visits.open(scripts=scripts, languages=languages)
    await sign_in(page, mission.addresses.portal, persona)
    await page.goto(mission.addresses.portal + path)
    return page


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
    over = await opened(mission, "OVER", TODAY - timedelta(days=60), TODAY - timedelta(days=2))
    ahead = await opened(mission, "AHEAD", TODAY + timedelta(days=2), TODAY + timedelta(days=60))
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
