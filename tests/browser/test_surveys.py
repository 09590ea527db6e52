"""The form of a survey for everybody: in the language of whoever is asked, from right to left, with what was answered kept."""

from playwright.async_api import expect

from shared.ids import uuid7
from tests.browser.axe import assert_for_everybody
from tests.browser.conftest import Visits
from tests.browser.test_report import visited
from tests.running import Mission


async def test_a_survey_is_asked_in_another_language_and_keeps_what_was_answered(mission: Mission, visits: Visits) -> None:
    form = (
        f"/surveys/{uuid7()}/interview?case={uuid7()}&person={uuid7()}&round={uuid7()}&instrument=rss_demo_equal_weights&version=1"
    )
    page = await visited(mission, visits, "receiving-office-tr", form, scripts=True)
    await assert_for_everybody(page)
    await page.locator('[id="answer.home"] input').first.check()
    await page.get_by_role("button", name="فارسی", exact=True).click()
    await expect(page.locator('[id="answer.home"] legend span')).to_have_attribute("dir", "rtl")
    await expect(page.locator('[id="answer.home"] input').first).to_be_checked()
    await assert_for_everybody(page)
    await page.locator("button.main").click()
    await expect(page.get_by_role("alert").first).to_contain_text("This was not recorded")
    await expect(page.locator('[id="answer.home"] input').first).to_be_checked()
    await assert_for_everybody(page)


async def test_rounds_averages_and_spot_checks_are_for_everybody(mission: Mission, visits: Visits) -> None:
    manager = await visited(mission, visits, "manager", "/survey-rounds", scripts=True)
    for path in ("/surveys/averages?instrument=satisfaction_demo", "/spot-checks", f"/do/reintegration/plan_round/{uuid7()}", f"/do/reintegration/draw_spot_check/{uuid7()}"):
        await assert_for_everybody(manager)
        await manager.goto(mission.addresses.portal + path)
    await assert_for_everybody(manager)
