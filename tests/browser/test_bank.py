"""What the bank says on its pages, without JavaScript: a file is brought, a payment settled by it, and a line explained."""

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

from playwright.async_api import expect

from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits
from tests.browser.test_batches import confirmed_account, sent_to_the_bank, waits_for_the_bank
from tests.browser.test_report import visited
from tests.running import Mission
from tests.unit.reintegration.bank.answers import Account, Detail, Entry, camt053
from tests.unit.reintegration.bank.examples import OURS


async def test_a_file_of_the_banks_is_brought_once_and_what_it_settles_and_what_waits_is_shown(mission: Mission, visits: Visits) -> None:
    attempt_id, amount = await waits_for_the_bank(mission, 84)
    # Another account than the one of batches, since one mission serves all of these tests.
    await sent_to_the_bank(mission, await confirmed_account(mission, OURS.value), attempt_id, amount)
    today = f"<BookgDt><Dt>{datetime.now(UTC):%Y-%m-%d}</Dt></BookgDt>"
    lines = [
        Entry(f"-{amount}", [Detail(attempt_id.hex, str(amount))], reference="B-1", booked=today),
        Entry("-3.50", reference="B-2", booked=today),
    ]
    content = camt053(Account(lines, id="BROWSER-1", number=f"<IBAN>{OURS.value}</IBAN>", opening="100000.00"))
    file = {"name": "statement.xml", "mimeType": "application/xml", "buffer": content}
    page = await visited(mission, visits, "finance-reconciler", "/bank-files")
    await page.locator("#file").set_input_files(file)  # type: ignore[arg-type]
    await page.get_by_role("button", name="Import").click()
    await expect(page.locator("main")).to_contain_text("It counts once another person found the same at the bank")
    address = page.url
    await expect(page.locator("dl.summary")).to_contain_text("its file waits for a second person: 2")
    await expect(page.locator("dl.summary")).not_to_contain_text(sha256(content).hexdigest())
    await expect(page.get_by_role("link", name="Confirm the file")).to_have_count(0)
    second = await visited(mission, visits, "finance-approver-2", address.removeprefix(mission.addresses.portal))
    await second.get_by_role("link", name="Confirm the file").click()
    closing = Decimal(100_000) - amount - Decimal("3.50")
    # Balances and numbers are the same where a line names another payment; the copy is another one.
    changed = {**file, "buffer": content.replace(attempt_id.hex.encode(), b"0" * 32)}
    await second.locator('[name="statements.0.closing"]').fill(str(closing))
    await second.locator('[name="statements.0.line_count"]').fill("2")
    await second.locator("button.main").click()
    await expect(second.locator("#faults")).to_contain_text("Choose the file")
    for copy, answer in ((changed, "another one than was imported"), (file, "the lines of this file count")):
        await second.locator("#file").set_input_files(copy)  # type: ignore[arg-type]
        await second.locator("button.main").click()
        await expect(second.locator("body")).to_contain_text(answer)
    await second.get_by_role("button", name="Settle what fits now").click()
    await expect(second.get_by_role("status")).to_contain_text("Payments settled by it: 1")
    await page.goto(address)
    await expect(page.locator("dl.summary")).to_contain_text(sha256(content).hexdigest())
    await page.locator("main").get_by_role("link", name="Lines of the bank").click()
    await expect(page.locator("#found")).to_contain_text("it names no payment of ours")
    await page.get_by_role("link", name="B-2").click()
    await page.get_by_role("link", name="Say what it is", exact=True).click()
    await page.locator('[name="explanation"]').select_option("charges")
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    await expect(page.locator("dl.summary")).to_contain_text("charges of the bank")
    await page.goto(f"{mission.addresses.portal}/bank-files")
    await page.locator("#file").set_input_files(file)  # type: ignore[arg-type]
    await page.get_by_role("button", name="Import").click()
    await expect(page.locator("#faults")).to_contain_text("was imported already")
    watching = await visited(mission, visits, "auditor", "/bank-files", scripts=True)
    for path in ("/bank-files", address.removeprefix(mission.addresses.portal), "/bank-lines", "/bank-lines?state=matched"):
        await watching.goto(mission.addresses.portal + path)
        await assert_for_everybody(watching)
