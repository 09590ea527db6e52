"""Screening at its pages, without JavaScript: what a counsellor hears waits on protection's board until it is dealt with."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from playwright.async_api import expect

from ops.demo_year import script
from ops.demo_year.people import Dice, Household, Member
from ops.demo_year.script import Journey
from services.returns.domain.case_application import StartScreening
from shared.ids import uuid7
from tests.browser.conftest import Visits
from tests.browser.test_journey import Walk, fit_for_everybody
from tests.e2e.test_policy_matrix import go
from tests.running import Mission


async def opened(mission: Mission, seed: int) -> tuple[UUID, Household]:
    """An invented mother and her child whose screening has begun."""
    members = (Member(uuid7(), "female", 1990, "principal"), Member(uuid7(), "male", 2015, "child"))
    household = Household(members, "MA", "ara", "trc_borici", "counsellor-3", "returned")
    journey = Journey(Dice(seed))
    script.register(journey, household, 10)
    case_id = script.express_intention(journey, household, 10)
    await go(mission, journey)
    now = datetime.now(UTC)
    await mission.done("returns", "counsellor-3", case_id, StartScreening(), now)
    return case_id, household


async def test_what_a_counsellor_hears_waits_on_the_board_until_protection_has_dealt_with_it(
    mission: Mission, visits: Visits
) -> None:
    case_id, household = await opened(mission, 73)
    case, mother, child = f"/cases/{case_id}", *(str(member.person_id) for member in household.members)
    walk, heard = Walk(mission, visits, {}), datetime.now(UTC) - timedelta(minutes=3)
    page = await walk.go("counsellor-3", case)
    await page.get_by_role("link", name="Screening").first.click()
    await expect(page.locator("main")).to_contain_text("Nothing that you are shown.")
    of_mother, of_child = f"{case}/screening/{mother}", f"{case}/screening/{child}"
    await walk.do(
        "counsellor-3", of_child, "Record what the wish rests on",
        {"answered_by": mother, "assessed_at": heard, "free": True, "informed": True, "capable": True, "company": "guardian",
         "interpreter": "professional", "child_heard": "heard", "legal_consequences_explained": True,
         "alternatives_explained": True},
    )  # fmt: skip
    await walk.do("counsellor-3", of_mother, "Record vulnerability", {"noted_at": heard, "indicators": "gbv"})
    await walk.do("counsellor-3", of_mother, "Record the answer on fear of return", {"asked_at": heard, "fears_return": True})
    page = await walk.go("counsellor-3", of_mother)
    await expect(page.locator("main")).to_contain_text("survivor of gender-based violence")
    # What was noted stands in the form that takes its place; who answers for a child stands in none.
    await page.get_by_role("link", name="Record vulnerability").click()
    await expect(page.locator('[name="indicators"][value="gbv"]')).to_be_checked()
    page = await walk.go("counsellor-3", of_child)
    await page.get_by_role("link", name="Record what the wish rests on").click()
    await expect(page.locator('[name="answered_by"]')).not_to_be_checked()
    page = await walk.go("counsellor-3", of_mother)
    assert await page.get_by_role("link", name="Close this alert").count() == 0

    page = await walk.go("operations", case)
    await expect(page.locator("main")).to_contain_text("on hold")
    for told in ("survivor", "fears to return", "protection since"):
        await expect(page.locator("main")).not_to_contain_text(told)
    await expect(page.locator("main")).to_contain_text("What screening asks for settled")

    page = await walk.go("protection", "/")
    await page.get_by_role("link", name="Protection board").first.click()
    row = page.get_by_role("row").filter(has=page.locator(f'a[href="{case}"]'))
    await expect(row).to_contain_text("fears to return")
    await walk.do("protection", case, "Record a child's best interests", {
        "person_id": child, "procedure": "assessment", "outcome": "return", "established_at": heard, "agreed": "guardian",
    })  # fmt: skip
    for path in (of_mother, "/protection", "/"):
        await fit_for_everybody(walk, "protection", path)
    for _ in range(2):
        page = await walk.go("protection", of_mother)
        await page.get_by_role("link", name="Close this alert").first.click()
        await walk.answer(page, "outcome", "support_arranged")
        await walk.send(page)
    page = await walk.go("protection", case)
    await page.get_by_role("link", name="Lift this hold").click()
    await walk.answer(page, "outcome", "resolved")
    await walk.send(page)
    page = await walk.go("protection", "/protection")
    await expect(page.locator("main")).not_to_contain_text(mother[-6:])
