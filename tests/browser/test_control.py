"""Exceptions on their page, without JavaScript: of the last days or of those that are asked for."""

from playwright.async_api import expect

from tests.browser.conftest import Visits
from tests.browser.days import today
from tests.browser.test_finance import at_desk, fit
from tests.running import Mission


async def test_who_looks_over_the_money_asks_for_days_and_reads_what_is_to_be_looked_at(mission: Mission, visits: Visits) -> None:
    page = await at_desk(mission, visits, "manager", "/exceptions")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Exceptions")
    await expect(page.get_by_label("To day")).to_have_value(str(today()))
    for first, alert in (("1. 1. 2020", "a year at most"), ("soon", "2023-05-02")):
        await page.get_by_label("From day").fill(first)
        await page.get_by_role("button", name="Show").click()
        await expect(page.get_by_role("alert")).to_contain_text(alert)
    await page.get_by_label("From day").fill("2023-01-01")
    await page.get_by_label("To day").fill("31.12.2023.")
    await page.get_by_role("button", name="Show").click()
    assert await page.get_by_role("alert").count() == 0
    await expect(page.get_by_label("To day")).to_have_value("2023-12-31")
    await page.get_by_role("link", name="Nobody may decide").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Grants that nobody may decide on")
    await fit(mission, visits, "manager", "/exceptions?from=2023-01-01&to=2023-12-31", "/undecidable")
