"""Support on the way at its pages, without JavaScript: planned, given, and fit to be used by everybody."""


from playwright.async_api import expect

from tests.browser.conftest import Visits
from tests.browser.days import today
from tests.browser.test_journey import Walk, fit_for_everybody
from tests.browser.test_screening import opened
from tests.running import Mission


async def test_who_cares_plans_what_tells_of_health_and_operations_give_a_bed_and_see_no_more(
    mission: Mission, visits: Visits
) -> None:
    case_id, household = await opened(mission, 74)
    case, mother, child = f"/cases/{case_id}", *(str(member.person_id) for member in household.members)
    walk, day = Walk(mission, visits, {}), str(today())
    await walk.do("counsellor-3", case, "Plan support on the way", {"person_id": mother, "need": "psychological_counselling"})
    await walk.do(
        "operations", case, "Plan support on the way",
        {"person_id": child, "need": "nights_before_departure", "needed_from": day, "needed_until": day},
    )  # fmt: skip
    page = await walk.go("operations", case)
    await page.get_by_role("link", name="Record that support was given").click()
    for name, value in (
        ("provider", "hostel-borici"), ("cost.amount", "35.50"), ("budget_line", "AVRR-3.4"), ("outcome", "need_met"),
    ):  # fmt: skip
        await walk.answer(page, name, value)
    await walk.send(page)
    main = (await walk.go("operations", case)).locator("main")
    await expect(main).to_contain_text("35.50 EUR")
    await expect(main).not_to_contain_text("psychological")
    main = (await walk.go("counsellor-3", case)).locator("main")
    await expect(main).to_contain_text("psychological counselling")
    await expect(main).to_contain_text("Support planned")
    for persona, path in (
        ("counsellor-3", case), ("operations", f"/do/returns/plan_support/{case_id}"),
        ("counsellor-3", f"/do/returns/give_support/{case_id}"), ("counsellor-3", f"/do/returns/cancel_support/{case_id}"),
    ):  # fmt: skip
        await fit_for_everybody(walk, persona, path)
