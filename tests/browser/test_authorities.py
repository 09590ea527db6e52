"""Authorities at their pages, without JavaScript: given, read, a deputy named, ended; and who is offered none of it."""

from datetime import timedelta

from playwright.async_api import expect

from shared.ids import uuid7
from tests.browser.conftest import Visits
from tests.browser.days import today
from tests.browser.test_finance import at_desk, fit
from tests.running import Mission

# Whoever approves in this mission has theirs already.
HOLDER = "staff:finance-approver-9"


async def test_an_authority_is_given_a_deputy_named_and_it_is_ended(mission: Mission, visits: Visits) -> None:
    page = await at_desk(mission, visits, "chief-of-mission", "/authorities")
    await expect(page.locator("main")).to_contain_text("Each approval is held against it")
    await page.get_by_role("link", name="Give authority").click()
    # What a manager gives is not offered here.
    assert await page.locator("[name=role]").count() == 1
    await page.locator("[name=holder_id]").fill(HOLDER)
    offered = page.locator("[name='up_to.currency']")
    assert await offered.evaluate("field => [...field.list.options].filter(one => ['TND', 'USD'].includes(one.value)).length") == 2
    await page.locator("[name='up_to.amount']").fill("2500,00")
    await page.locator("button.main").click()
    for said in (HOLDER, "2,500.00 EUR", "finance approver", str(today())):
        await expect(page.locator("dl.summary")).to_contain_text(said)
    # The chief signed in with the key a moment ago.
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    row = page.get_by_role("row").filter(has_text=HOLDER)
    for said in ("finance approver", "2,500.00 EUR", "counts today", "staff:chief-of-mission"):
        await expect(row).to_contain_text(said)
    await row.get_by_role("link", name=HOLDER).click()
    of_authority = page.url.removeprefix(mission.addresses.portal)

    reader = await at_desk(mission, visits, "finance-payer", of_authority)
    await expect(reader.get_by_role("heading", level=1)).to_contain_text(HOLDER)
    assert await reader.locator("main a[href^='/do/']").count() == 0
    manager = await at_desk(mission, visits, "manager", of_authority)
    await expect(manager.locator("main")).to_contain_text("The chief of mission gives authority to those who approve for finance.")
    assert await manager.locator("main a[href*='/name_deputy/']").count() == 0

    await page.get_by_role("link", name="Name a deputy").click()
    await expect(page.locator("dl.summary").first).to_contain_text("2,500.00 EUR")
    await page.locator("[name=deputy_id]").fill("staff:chief-of-mission")
    await page.locator("[name=valid_until]").fill(str(today()))
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("alert")).to_contain_text("Nobody gives authority to themselves")
    await page.locator("[name=deputy_id]").fill("staff:deputy")
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    await expect(page.get_by_role("row").filter(has_text="staff:deputy")).to_contain_text("counts today")
    await fit(mission, visits, "chief-of-mission", "/authorities", of_authority, f"/do/reintegration/give_authority/{uuid7()}")

    await page.get_by_role("link", name="End the authority").click()
    await page.get_by_label("left the post").check()
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.locator("dl.summary")).to_contain_text("left the post")
    await page.goto(f"{mission.addresses.portal}/authorities")
    assert await page.get_by_role("row").filter(has_text=HOLDER).count() == 0
    await page.get_by_role("link", name="Those that were ended as well").click()
    await expect(page.get_by_role("row").filter(has_text=HOLDER)).to_contain_text("ended")


async def test_a_manager_gives_the_chief_of_mission_theirs(mission: Mission, visits: Visits) -> None:
    page = await at_desk(mission, visits, "manager", "/authorities")
    await page.get_by_role("link", name="Give authority").click()
    await page.locator("[name=holder_id]").fill("staff:acting-chief")
    await page.locator("[name='up_to.amount']").fill("50000")
    await page.locator("[name=valid_until]").fill(str(today() + timedelta(days=1)))
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_contain_text("recorded")
    await expect(page.get_by_role("row").filter(has_text="staff:acting-chief")).to_contain_text("50,000.00 EUR")
