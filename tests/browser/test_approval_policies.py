"""Approval policies at their pages, without JavaScript: published, read, and published anew."""

from playwright.async_api import expect

from shared.ids import uuid7
from tests.browser.conftest import Visits
from tests.browser.test_finance import at_desk, fit
from tests.running import Mission


async def test_a_policy_is_published_from_the_example_and_its_next_version_from_the_first(mission: Mission, visits: Visits) -> None:
    page = await at_desk(mission, visits, "manager", "/approval-policies")
    await expect(page.locator("main")).to_contain_text("An example, never an IOM rule")
    await page.get_by_role("link", name="Publish a policy").click()
    await page.locator("[name=programme]").fill("avrr-desk")
    await page.locator("[name='cap_per_person.amount']").fill("2800,00")
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    await page.get_by_role("link", name="avrr-desk").click()
    of_policy = page.url.removeprefix(mission.addresses.portal)
    await expect(page.locator("main")).to_contain_text("2,800.00 EUR")
    await page.get_by_role("link", name="Publish the next version").click()
    await page.locator("[name='quotations_above.amount']").fill("1500")
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("heading", level=2)).to_have_text(["Version 2", "Version 1"])
    for said in ("1,500.00 EUR", "1,000.00 EUR", "business plan", "staff:manager"):
        await expect(page.locator("main")).to_contain_text(said)
    await fit(mission, visits, "manager", "/approval-policies", of_policy, f"/do/reintegration/publish_policy/{uuid7()}")
    reader = await at_desk(mission, visits, "finance-payer", of_policy)
    await expect(reader.get_by_role("heading", level=1)).to_contain_text("avrr-desk")
    assert await reader.locator("main a[href^='/do/']").count() == 0
