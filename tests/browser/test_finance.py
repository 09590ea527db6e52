"""Finance at its pages, without JavaScript: from the queue to the review, the check and the approval; who may not, and why."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from ops.browser import touch_key
from ops.demo_year.people import moment
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.domain.grant import ApproveGrant, EndorseGrant
from services.reintegration.domain.rates import CorrectRate, RecordRate
from shared.ids import uuid7
from shared.money import Money
from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits, sign_in
from tests.browser.days import today
from tests.e2e.test_policy_matrix import Ground, ground, request_for, shown, submitted
from tests.running import Mission


@dataclass(frozen=True)
class Desk:
    """Two grants of one family that wait for an approval, and funds of which one can pay them."""

    grant: UUID
    endorsed_by_deputy: UUID
    fund: UUID
    in_marks: UUID
    amount: Decimal


@pytest.fixture(scope="module")
async def desk(mission: Mission) -> Desk:
    found = await ground(mission, "TN", 77)
    second = uuid7()
    office = "receiving-office-tn"
    request = request_for(found.case_id, found.household, found.plan_id, found.lines, 1)
    await submitted(mission, office, second, request, moment(46, 10))
    for grant_id, endorser in ((found.grant_id, "coordinator"), (second, "deputy")):
        order = EndorseGrant.model_validate(await shown(mission, grant_id))
        await mission.done("reintegration", endorser, grant_id, order, moment(47, 9))
    fund = await opened(mission, "DESK", "5000.00")
    await opened(mission, "DESK-SMALL", "20.00")
    await opened(mission, "DESK-OVER", "5000.00", last=date(2023, 12, 31))
    in_marks = await opened(mission, "DESK-KM", "5000.00", currency="BAM")
    return Desk(found.grant_id, second, fund, in_marks, amount_of(found))


def amount_of(found: Ground) -> Decimal:
    amount: Decimal = found.lines[0].planned.amount
    return amount


async def opened(mission: Mission, project: str, granted: str, currency: str = "EUR", last: date | None = None) -> UUID:
    fund = uuid7()
    order = OpenFund(
        project=project, donor="DONOR", granted=Money(amount=Decimal(granted), currency=currency),
        valid_from=date(2023, 1, 1), valid_until=last or date(today().year + 1, 12, 31),
    )  # fmt: skip
    await mission.done("reintegration", "manager", fund, order, datetime.now(UTC))
    await mission.done("reintegration", "chief-of-mission", fund, ConfirmFund(change_no=1), datetime.now(UTC))
    return fund


async def at_desk(mission: Mission, visits: Visits, persona: str, path: str = "/queue") -> Page:
    page = await visits.open(scripts=False)
    await sign_in(page, mission.addresses.portal, persona)
    await page.goto(mission.addresses.portal + path)
    return page


async def fit(mission: Mission, visits: Visits, persona: str, *paths: str) -> None:
    """No fault that axe finds on these pages, nothing too wide at 320 px, in either direction."""
    for languages in ("en-GB", "ar-XB"):
        page = await visits.open(width=320, languages=languages)
        await sign_in(page, mission.addresses.portal, persona)
        for path in paths:
            await page.goto(mission.addresses.portal + path)
            await assert_for_everybody(page)


async def test_who_endorsed_it_herself_reads_why_in_place_of_a_button(mission: Mission, visits: Visits, desk: Desk) -> None:
    page = await at_desk(mission, visits, "deputy")
    row = page.locator("tr", has=page.locator(f'a[href="/grants/{desk.endorsed_by_deputy}"]'))
    await expect(row).to_contain_text("You endorsed this grant, so somebody else has to approve it.")
    other = page.locator("tr", has=page.locator(f'a[href="/grants/{desk.grant}"]'))
    await expect(other).to_contain_text("Approve")
    await expect(other).not_to_contain_text("somebody else")
    await row.get_by_role("link").click()
    await expect(page.locator("main")).to_contain_text("Approve: You endorsed this grant, so somebody else has to approve it.")
    assert await page.locator('a[href*="/approve_grant/"]').count() == 0
    await fit(mission, visits, "deputy", "/queue", f"/grants/{desk.endorsed_by_deputy}")


async def test_from_the_queue_by_review_and_check_to_the_approval(mission: Mission, visits: Visits, desk: Desk) -> None:
    amount = f"{desk.amount:,.2f} EUR"
    await fit(mission, visits, "finance-approver", f"/grants/{desk.grant}", f"/do/reintegration/approve_grant/{desk.grant}")
    page = await at_desk(mission, visits, "deputy")
    await page.locator(f'main a[href="/grants/{desk.grant}"]').click()
    review = page.locator("main")
    for said in (amount, "business", "staff:coordinator", "staff:receiving-office-tn", f"{5000 - desk.amount:,.2f} EUR"):
        await expect(review).to_contain_text(said)
    await page.get_by_role("link", name="Approve", exact=True).click()
    await expect(page.locator("dl.summary").first).to_contain_text(amount)
    await page.wait_for_load_state()
    offered = await page.locator("main form").inner_text()
    assert "DESK (DONOR)" in offered and "DESK-KM (DONOR)" not in offered.partition("What cannot be chosen")[0]
    for left_out, why in (("DESK-SMALL", "does not hold enough"), ("DESK-OVER", "from 2023-01-01 to 2023-12-31"), ("DESK-KM", "no rate is recorded")):
        reason = page.locator("details li", has_text=f"{left_out} (DONOR)")
        assert why in (await reason.text_content() or "")
    chosen = page.locator(f'select[name="fund_id"] option[value="{desk.fund}"], input[name="fund_id"][value="{desk.fund}"]')
    if await page.locator('select[name="fund_id"]').count():
        await page.locator('select[name="fund_id"]').select_option(str(desk.fund))
    else:
        await chosen.check()
    await page.locator("button.main").click()
    checked = page.locator("dl.summary")
    for said in (amount, "DESK (DONOR)", "Available after this approval", f"{5000 - desk.amount:,.2f} EUR"):
        await expect(checked).to_contain_text(said)
    assert (await state_of(mission, desk.grant))["status"] == "endorsed"
    await page.locator("button.main").click()
    # She signed in without her key; once it is touched, what was checked is there to be read and sent again.
    await touch_key(page)
    await expect(page.locator("dl.summary")).to_contain_text(amount)
    assert (await state_of(mission, desk.grant))["status"] == "endorsed"
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    await expect(page.locator("main")).to_contain_text("staff:deputy")
    approved = await state_of(mission, desk.grant)
    assert (approved["status"], approved["fund_id"], Decimal(approved["committed"])) == ("approved", str(desk.fund), desk.amount)
    await page.goto(f"{mission.addresses.portal}/queue")
    assert await page.locator(f'main a[href="/grants/{desk.grant}"]').count() == 0
    await page.get_by_role("link", name="My decisions").click()
    for kind, how_many in (("approved", 1), ("endorsed", 0)):
        await page.get_by_label("Decision", exact=True).select_option(kind)
        await page.get_by_role("button", name="Show").click()
        row = page.locator("#found tbody tr", has=page.locator(f'a[href="/grants/{desk.grant}"]'))
        await expect(row).to_have_count(how_many)
        if how_many:
            await expect(row).to_contain_text(amount)
    await fit(mission, visits, "deputy", "/my-decisions")


async def test_who_pays_sees_the_money_and_who_decided_and_what_she_confirms(mission: Mission, visits: Visits, desk: Desk) -> None:
    if (await state_of(mission, desk.grant))["status"] == "endorsed":
        money = Money(amount=desk.amount, currency="EUR")
        approve = ApproveGrant.model_validate({**await shown(mission, desk.grant), "fund_id": desk.fund, "money": money})
        await mission.done("reintegration", "finance-approver", desk.grant, approve, datetime.now(UTC))
    page = await at_desk(mission, visits, "finance-payer")
    await expect(page.locator(f'main a[href="/grants/{desk.grant}"]')).to_contain_text("Release a tranche")
    await page.locator(f'main a[href="/grants/{desk.grant}"]').click()
    await expect(page.locator("main")).to_contain_text((await state_of(mission, desk.grant))["approver_id"])
    assert "business" not in await page.locator("main").inner_text()
    await mission.done("reintegration", "finance-payer", desk.grant, await mission.release(1, "TN"), datetime.now(UTC))
    await page.goto(f"{mission.addresses.portal}/do/reintegration/confirm_payment/{desk.grant}")
    await page.locator('[name="reference"]').fill(f"DESK-{desk.grant.hex[:8]}")
    await page.locator("button.main").click()
    await expect(page.locator("dl.summary")).to_contain_text(f"{desk.amount:,.2f} EUR")


async def state_of(mission: Mission, grant: UUID) -> dict[str, str]:
    found: dict[str, str] = (await mission.read("reintegration", "finance-approver", f"/v1/grants/{grant}")).json()["state"]
    return found


async def test_a_fund_in_marks_pays_by_the_rate_of_today_and_is_added_to_once_that_moved(
    mission: Mission, visits: Visits, desk: Desk
) -> None:
    grant, now, rate = desk.endorsed_by_deputy, datetime.now(UTC), uuid7()
    recorded = RecordRate(currency="BAM", base="EUR", effective_on=today(), rate=Decimal(2), source="paying_bank")
    await mission.done("reintegration", "finance-reconciler", rate, recorded, now)
    page = await at_desk(mission, visits, "finance-approver", f"/grants/{grant}")
    amount = (await state_of(mission, grant))["amount"]
    in_marks = Decimal(amount) * 2
    row = page.get_by_role("row").filter(has_text="DESK-KM")
    await expect(row).to_contain_text(f"{5000 - in_marks:,.2f} BAM")
    approve = ApproveGrant.model_validate(
        {**await shown(mission, grant), "fund_id": desk.in_marks, "money": {"amount": amount, "currency": "EUR"}}
    )
    await mission.done("reintegration", "finance-approver", grant, approve, now)
    moved = CorrectRate(rate=Decimal("2.1"), source="paying_bank", reason="source_corrected")
    await mission.done("reintegration", "finance-reconciler", rate, moved, now)
    missing = Decimal(amount) / 10
    payer = await at_desk(mission, visits, "finance-payer", f"/grants/{grant}")
    for reader in (payer, page):
        await reader.reload()
        costs = reader.locator("dl.summary div").filter(has_text="What is not released costs the fund today")
        await expect(costs).to_contain_text(f"{in_marks + missing:,.2f} BAM")
    await fit(mission, visits, "finance-approver", f"/grants/{grant}", f"/do/reintegration/add_to_commitment/{grant}")
    await page.get_by_role("link", name="Add to the commitment").click()
    await expect(page.locator('[name="money.amount"]')).to_have_value(f"{missing:.2f}")
    await page.locator("button.main").click()
    await touch_key(page)
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    await expect(page.locator("main")).to_contain_text(f"{missing:,.2f} BAM added to the commitment")
    await payer.reload()
    still = payer.locator("dl.summary div").filter(has_text="Still committed of the fund")
    await expect(still).to_contain_text(f"{in_marks + missing:,.2f} BAM")
    # Nothing is missing any more.
    await page.goto(f"{mission.addresses.portal}/grants/{grant}")
    await expect(page.get_by_role("link", name="Add to the commitment")).to_have_count(0)
    await fit(mission, visits, "finance-approver", f"/grants/{grant}")
    await fit(mission, visits, "manager", f"/funds/{desk.in_marks}")
