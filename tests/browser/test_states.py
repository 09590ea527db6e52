"""Whatever state a command's page is in, it is for everybody: questions, faults, answers to check, done, refused."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from ops.screenshots import RIGHT_TO_LEFT
from shared.ids import uuid7
from tests.browser.axe import assert_for_everybody, stops
from tests.browser.conftest import Visits, sign_in
from tests.browser.days import written
from tests.running import Mission

DAY, CLOCK = written(datetime.now(UTC).replace(second=0) - timedelta(minutes=30))


@pytest.mark.parametrize("language", ["en-GB", RIGHT_TO_LEFT])
async def test_every_state_of_a_form_is_for_everybody(mission: Mission, visits: Visits, language: str) -> None:
    portal = mission.addresses.portal
    page = await visits.open(languages=language)
    await sign_in(page, portal, "counsellor-3")
    path = f"/do/counselling/hold_session/{uuid7()}"
    await page.goto(portal + path)
    await assert_for_everybody(page)
    await page.locator("button.main").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await assert_for_everybody(page)
    await page.locator("#faults a").first.click()
    await fill_in(page)
    await page.locator("button.main").click()
    await expect(page.locator("dl.summary")).to_be_visible()
    await assert_for_everybody(page)
    await page.locator('button[value="change"]').click()
    await expect(page.locator('[name="held_at.time"]')).to_have_value(CLOCK)
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("status")).to_be_visible()
    await assert_for_everybody(page)
    await page.goto(portal + path)
    await fill_in(page)
    await page.locator("button.main").click()
    await page.locator("button.main").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await assert_for_everybody(page)
    await page.goto(f"{portal}/cases/{uuid7()}")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await assert_for_everybody(page)


async def test_a_form_is_filled_in_and_sent_by_keyboard_alone(mission: Mission, visits: Visits) -> None:
    page = await visits.open(scripts=False)
    await sign_in(page, mission.addresses.portal, "counsellor-3")
    await page.goto(f"{mission.addresses.portal}/do/counselling/hold_session/{uuid7()}")
    assert (await stops(page))[0].name == "To the content"
    await fill_in(page)
    await page.locator('[name="held_at.time"]').press("Enter")
    await expect(page.get_by_text("Check what will be recorded.")).to_be_visible()
    await page.locator("button.main").press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("recorded")


async def fill_in(page: Page) -> None:
    await page.locator('[name="present"][value="alone"]').check()
    await page.locator('[name="outcome"]').select_option("information_only")
    await page.locator('[name="held_at.time"]').fill(CLOCK)
    await page.locator('[name="held_at.day"]').fill(DAY)
