"""Rows that a script fetches into a page: what becomes of the page where they do not come, with our policy for scripts in place."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visits, sign_in
from tests.browser.test_bad_network import end_session
from tests.running import Mission


async def test_after_the_session_ended_whoever_narrows_a_list_signs_in_and_is_at_it_again(mission: Mission, visits: Visits) -> None:
    page = await visits.open()
    await sign_in(page, mission.addresses.portal, "counsellor-3", "/cases")
    await end_session(mission, page)
    # The provider still knows them, and leads back at once.
    async with page.expect_navigation(url=f"{mission.addresses.portal}/cases"):
        await page.get_by_role("button", name="Show").click()
    await page.get_by_label("Which cases").select_option("all")
    await page.get_by_role("button", name="Show").click()
    await page.wait_for_url(f"{mission.addresses.portal}/cases?**whose=all")
    await expect(page.get_by_role("heading", name="Cases")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_list_that_cannot_be_narrowed_so_becomes_the_page_that_says_it(mission: Mission, visits: Visits, scripts: bool) -> None:
    page = await visits.open(scripts=scripts)
    await sign_in(page, mission.addresses.portal, "counsellor-3", "/cases")
    await page.get_by_label("Reference").fill("x" * 41)
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    await page.get_by_role("link", name="Go to the start page").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
