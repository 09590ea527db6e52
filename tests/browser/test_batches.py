"""What goes to the bank on its pages, without JavaScript: an account by two reconcilers, a batch by two signatures, its file."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import fromstring

from playwright.async_api import Page, expect

from ops.browser import touch_key
from services.reintegration.bank.pain001 import NAMESPACE
from services.reintegration.domain.batch import ApproveBatch, MakeBatch, TakeBatchFile
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.domain.grant import ApproveGrant, EndorseGrant
from services.reintegration.domain.own_accounts import ConfirmOwnAccount, RegisterOwnAccount
from shared.ids import uuid7
from shared.money import Money
from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits
from tests.browser.test_report import visited
from tests.e2e.test_policy_matrix import ground, shown
from tests.running import Mission

# Invented, with check digits that are right.
IBAN = "BA39 1290 0794 0102 8494"


async def waits_for_the_bank(mission: Mission, seed: int) -> tuple[UUID, Decimal]:
    """An attempt to pay by the bank, of a grant in Georgia that no other test has, and its amount in euros."""
    at, now = await ground(mission, "GE", seed), datetime.now(UTC)
    await mission.done("reintegration", "coordinator", at.grant_id, EndorseGrant.model_validate(await shown(mission, at.grant_id)), now)
    money: Money = at.lines[0].planned
    fund = uuid7()
    opened = OpenFund(
        project=f"BATCH-{seed}", donor="DONOR", granted=Money(amount=Decimal(9000), currency="EUR"), valid_from=date(2023, 1, 1),
        valid_until=date(now.year + 1, 12, 31),
    )  # fmt: skip
    await mission.done("reintegration", "manager", fund, opened, now)
    await mission.done("reintegration", "chief-of-mission", fund, ConfirmFund(change_no=1), now)
    approve = ApproveGrant.model_validate({**await shown(mission, at.grant_id), "fund_id": fund, "money": money})
    await mission.done("reintegration", "finance-approver", at.grant_id, approve, now)
    order = (await mission.release(1, "GE")).model_copy(update={"method": "bank_file"})
    await mission.done("reintegration", "finance-payer", at.grant_id, order, now)
    return order.attempt_id, money.amount


async def confirmed_account(mission: Mission, iban: str = IBAN) -> UUID:
    """An account of the mission's that can be paid from."""
    account_id, now = uuid7(), datetime.now(UTC)
    order = RegisterOwnAccount(account_kind="bank", currency="EUR", holder="Invented Branch", iban=iban, bank_code="INVTBA22")
    await mission.done("reintegration", "finance-reconciler", account_id, order, now)
    await mission.done("reintegration", "finance-reconciler-2", account_id, ConfirmOwnAccount(), now)
    return account_id


async def sent_to_the_bank(mission: Mission, account_id: UUID, attempt_id: UUID, amount: Decimal) -> None:
    """Puts an attempt into a batch of its own, signed by two and taken to the bank."""
    batch_id, now = uuid7(), datetime.now(UTC)
    totals: dict[str, Any] = {"expected_count": 1, "expected_sums": (Money(amount=amount, currency="EUR"),)}
    made = MakeBatch(own_account_id=account_id, execution_on=(now + timedelta(1)).date(), attempts=(attempt_id,), **totals)
    await mission.done("reintegration", "finance-payer", batch_id, made, now)
    state = (await mission.read("reintegration", "finance-payer-2", f"/v1/payment-batches/{batch_id}")).json()["state"]
    signed = ApproveBatch(file_sha256=state["file_sha256"], **totals)
    await mission.done("reintegration", "finance-payer-2", batch_id, signed, now)
    await mission.done("reintegration", "finance-payer", batch_id, TakeBatchFile(), now)


async def stated(page: Page, amount: Decimal) -> None:
    """The control totals of one payment in euros, typed."""
    await page.locator('[name="expected_count"]').fill("1")
    await page.locator('[name="expected_sums.0.amount"]').fill(f"{amount:.2f}")
    await page.locator('[name="expected_sums.0.currency"]').fill("EUR")


async def test_one_registers_an_account_of_our_own_and_another_confirms_it_on_its_pages(mission: Mission, visits: Visits) -> None:
    page = await visited(mission, visits, "finance-reconciler", "/own-accounts", scripts=True)
    await page.get_by_role("link", name="Register an account of our own").click()
    for name, text in (("holder", "Invented Mission"), ("iban", IBAN), ("bank_code", "INVTBA22")):
        await page.locator(f'[name="{name}"]').fill(text)
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    await assert_for_everybody(page)
    second = await visited(mission, visits, "finance-reconciler-2", "/own-accounts", scripts=True)
    await second.get_by_role("link", name="Invented Mission …8494").click()
    await expect(second.locator("main")).to_contain_text(IBAN.replace(" ", ""))
    await assert_for_everybody(second)
    await second.get_by_role("link", name="Confirm the account", exact=True).click()
    await second.locator("button.main").click()
    await touch_key(second)
    await expect(second.get_by_role("status")).to_contain_text("recorded")


async def test_a_batch_takes_two_signatures_by_totals_typed_anew_and_then_there_is_a_file(mission: Mission, visits: Visits) -> None:
    await confirmed_account(mission, "BA33 1290 0000 0000 7777")
    attempt_id, amount = await waits_for_the_bank(mission, 83)
    payer = await visited(mission, visits, "finance-payer", "/payment-batches")
    await payer.locator('select[name="account"]').select_option(label="Invented Branch …7777, EUR")
    await payer.get_by_role("button", name="Make a payment batch").click()
    await expect(payer.locator(f'[name="attempts"][value="{attempt_id}"], option[value="{attempt_id}"]')).to_have_count(1)
    await stated(payer, amount + 1)
    await payer.locator("button.main").click()
    await expect(payer.locator("dl.summary")).to_contain_text(f"1: {amount:,.2f} EUR")
    await payer.locator("button.main").click()
    await touch_key(payer)
    await expect(payer.get_by_role("alert")).to_contain_text("another number or other sums")
    await stated(payer, amount)
    await payer.locator("button.main").click()
    await payer.locator("button.main").click()
    await expect(payer.get_by_role("status")).to_contain_text("recorded")
    row = payer.locator("#found tbody tr").filter(has_text="…7777")
    await expect(row).to_contain_text("waits for a second signature")
    await row.get_by_role("link").click()
    path = payer.url.removeprefix(mission.addresses.portal)
    assert await payer.get_by_role("link", name="Take the file for the bank", exact=True).count() == 0

    signing = await visited(mission, visits, "finance-payer-2", path)
    await signing.get_by_role("link", name="Approve the batch", exact=True).click()
    await expect(signing.locator("dl.summary").first).to_contain_text(f"{amount:,.2f} EUR")
    await stated(signing, amount)
    await signing.locator("button.main").click()
    await signing.locator("button.main").click()
    await touch_key(signing)
    await expect(signing.get_by_role("status")).to_contain_text("recorded")

    await payer.reload()
    assert await payer.get_by_role("link", name="The file for the bank", exact=True).count() == 0
    await payer.get_by_role("link", name="Take the file for the bank", exact=True).click()
    await payer.locator("button.main").click()
    await expect(payer.get_by_role("status")).to_contain_text("recorded")
    await expect(payer.locator("main")).to_contain_text("taken to the bank")
    async with payer.expect_download() as to_come:
        await payer.get_by_role("link", name="The file for the bank", exact=True).click()
    file = fromstring(Path(await (await to_come.value).path()).read_bytes())  # noqa: S314 -- we wrote it
    assert file.findtext(".//EndToEndId", namespaces={"": NAMESPACE}) == attempt_id.hex
    chief = await visited(mission, visits, "chief-of-mission", "/payment-batches", scripts=True)
    for address in ("/payment-batches", path):
        await chief.goto(mission.addresses.portal + address)
        await assert_for_everybody(chief)
