"""Rates of exchange at their pages, without JavaScript: recorded, read, tried on an amount, corrected."""

import pytest
from playwright.async_api import Page, expect

from shared.ids import uuid7
from tests.browser.conftest import Visits
from tests.browser.days import today
from tests.browser.test_finance import at_desk, fit
from tests.running import Mission


@pytest.mark.parametrize("persona", ["finance-approver", "finance-payer"])
async def test_who_only_reads_rates_is_offered_no_recording(mission: Mission, visits: Visits, persona: str) -> None:
    page = await at_desk(mission, visits, persona, "/rates")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Rates")
    assert await page.locator("a[href*='/record_rate/']").count() == 0


async def test_a_rate_is_recorded_tried_corrected_and_taken_out(mission: Mission, visits: Visits) -> None:
    page = await at_desk(mission, visits, "finance-reconciler", "/rates")
    await page.get_by_role("link", name="Record a rate").click()
    await page.locator("select[name=currency]").select_option("XOF")
    await page.get_by_label("EUR", exact=True).check()
    await page.locator("[name=rate]").fill("0")
    await page.get_by_label("fixed by law").check()
    await page.locator("button.main").click()
    await expect(page.get_by_role("alert")).to_contain_text("This cannot be read.")
    # In one place these are thousands, in another a part.
    await page.locator("[name=rate]").fill("655,957")
    await page.locator("button.main").click()
    await expect(page.get_by_role("alert")).to_contain_text("This can be read in two ways.")
    # As it is written here; what is sent is what is read.
    await page.locator("[name=rate]").fill("655,9570")
    await page.locator("button.main").click()
    for said in ("XOF", "EUR", "655.9570", str(today())):
        await expect(page.locator("dl.summary")).to_contain_text(said)
    # She signed in with her key a moment ago.
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    await expect(page.get_by_role("region", name="What counts today")).to_contain_text("1 EUR = 655.9570 XOF")
    await page.get_by_label("Amount, such as 1250.00").fill("1.250")
    await page.get_by_label("Into the currency").fill("xof")
    await page.get_by_role("button", name="Convert").click()
    await expect(page.get_by_role("alert")).to_contain_text("This can be read in two ways.")
    await page.get_by_label("Amount, such as 1250.00").fill("1250,00")
    await page.get_by_label("Into the currency").fill("xof")
    await page.get_by_role("button", name="Convert").click()
    await expect(page.locator("dl.summary")).to_contain_text("819,946 XOF")
    await page.get_by_label("Into the currency").fill("PKR")
    await page.get_by_role("button", name="Convert").click()
    await expect(page.get_by_role("alert")).to_contain_text("No rate is recorded")
    for typed, shown in (("xof", 1), ("francs", 0)):
        await page.get_by_label("Of the currency").fill(typed)
        await page.get_by_role("button", name="Show").click()
        await expect(page.locator("#found tbody tr")).to_have_count(shown)
    await expect(page.get_by_role("alert")).to_contain_text("No currency has this code.")
    await page.get_by_role("region", name="What counts today").get_by_role("link", name="655.9570 XOF").click()
    of_rate = page.url.removeprefix(mission.addresses.portal)
    await page.get_by_role("link", name="Correct the rate").click()
    await expect(page.locator("dl.summary").first).to_contain_text("1 EUR = 655.9570 XOF")
    await page.locator("[name=rate]").fill("655.9580")
    await page.get_by_label("it was typed wrongly").check()
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("1 EUR = 655.9580 XOF")
    for said in ("655.957", "655.958", "it was typed wrongly", "staff:finance-reconciler"):
        await expect(page.locator("tbody")).to_contain_text(said)
    await slips_and_is_taken_out(page, mission.addresses.portal, of_rate)
    await fit(mission, visits, "finance-reconciler", "/rates?amount=1250&into=XOF&of=XOF", of_rate, f"/do/reintegration/record_rate/{uuid7()}")


async def slips_and_is_taken_out(page: Page, portal: str, of_rate: str) -> None:
    # A slip of the finger is asked about.
    await page.get_by_role("link", name="Correct the rate").click()
    await page.locator("[name=rate]").fill("6559.58")
    await page.get_by_label("it was typed wrongly").check()
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("alert")).to_contain_text("more than twice")
    await page.goto(portal + of_rate)
    await page.get_by_role("link", name="Take the rate out").click()
    await expect(page.locator("dl.summary").first).to_contain_text("1 EUR = 655.9580 XOF")
    await page.get_by_label("it is of another currency").check()
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("main")).to_contain_text("This rate was taken out")
    await expect(page.locator("tbody")).to_contain_text("taken out: it is of another currency")
    await page.goto(portal + "/rates")
    await expect(page.get_by_role("region", name="What counts today").get_by_role("link", name="XOF")).to_have_count(0)
