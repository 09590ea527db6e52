"""A plan at its pages, without JavaScript: drafted, confirmed, shared before arrival; revised, its versions beside each other, completed."""

from datetime import UTC, datetime
from uuid import UUID

from playwright.async_api import expect

from ops.demo_year import granting, script, travelling
from ops.demo_year.people import Dice, Household, Member
from ops.demo_year.script import Journey
from services.reintegration.domain.grant import CancelGrant
from services.reintegration.domain.plan import RecordOwnPlan
from shared.ids import uuid7
from tests.browser.conftest import Visits
from tests.browser.days import today
from tests.browser.test_finance import fit
from tests.browser.test_journey import Walk, path_of
from tests.e2e.test_policy_matrix import go, ground
from tests.running import Mission


async def in_preparation(mission: Mission, seed: int) -> tuple[UUID, UUID]:
    """A case whose person agreed that the office is told of them, and who has no plan yet: case and person."""
    member = Member(uuid7(), "female", 1990, "principal")
    household = Household((member,), "GE", "kat", "trc_borici", "counsellor-3", "returned")
    journey = Journey(Dice(seed))
    script.register(journey, household, 10)
    case_id = script.express_intention(journey, household, 10)
    await go(mission, journey)
    journey = Journey(Dice(seed))
    script.screen(journey, household, case_id, 11)
    script.apply_for(journey, household, case_id, 12)
    travelling.approve(journey, case_id, 13)
    lines = granting.plan_lines(journey.dice, household, {})
    travelling.prepare(journey, household, case_id, uuid7(), lines, 14)
    journey.steps[:] = [step for step in journey.steps if not isinstance(step.order, RecordOwnPlan)]
    await go(mission, journey)
    return case_id, member.person_id


async def test_a_plan_is_drafted_confirmed_and_read_by_the_office_once_it_is_shared(mission: Mission, visits: Visits) -> None:
    case_id, person_id = await in_preparation(mission, 91)
    walk, case = Walk(mission, visits, {}), f"/cases/{case_id}"
    await walk.do(
        "counsellor-3", case, "Draft the own plan",
        {"lines.0.person_id": str(person_id), "lines.0.dimension": "economic", "lines.0.category": "business",
         "lines.0.planned.amount": "900", "lines.0.activity": "new_business", "lines.0.objectives": "To bake bread."},
    )  # fmt: skip
    page = await walk.go("counsellor-3", case)
    await page.locator('main a[href^="/plans/"]').first.click()
    plan = path_of(page, "plans")
    await expect(page.locator("main")).to_contain_text("draft")
    await walk.do("counsellor-3", plan, "Change the draft", {"lines.0.objectives": "To bake and sell bread."})
    await walk.do("counsellor-3", plan, "Confirm the own plan", {"method": "verbal"})
    page = await walk.go("counsellor-3", plan)
    for said in ("own plan", "by word of mouth", "To bake and sell bread.", "new business", "900.00 EUR"):
        await expect(page.locator("main")).to_contain_text(said)
    office = await walk.go("receiving-office-ge", plan)
    await expect(office.locator("main")).not_to_contain_text("bread")
    await walk.do("counsellor-3", plan, "Share the plan", {})
    office = await walk.go("receiving-office-ge", case)
    await office.locator('main a[href^="/plans/"]').first.click()
    await expect(office.locator("main")).to_contain_text("To bake and sell bread.")
    await expect(office.locator("main")).to_contain_text("shared with the office")
    await office.get_by_role("link", name="Versions").click()
    await expect(office.locator("table")).to_contain_text("Version 1, own plan")
    await fit(mission, visits, "receiving-office-ge", plan, f"{plan}/versions")


async def test_a_plan_is_revised_for_a_reason_its_versions_stand_side_by_side_and_it_is_completed(
    mission: Mission, visits: Visits
) -> None:
    found = await ground(mission, "AM", 93)
    walk, plan = Walk(mission, visits, {}), f"/plans/{found.plan_id}"
    await walk.do(
        "receiving-office-am", plan, "Revise the plan",
        {"lines.1.planned.amount": "1234", "lines.1.provider": "VENDOR-7", "agreed_on": str(today()), "method": "signed",
         "reason": "price_changed"},
    )  # fmt: skip
    page = await walk.go("receiving-office-am", f"{plan}/versions")
    heads = page.get_by_role("columnheader")
    await expect(heads).to_have_text(["For", "Version 3, agreed anew", "Version 2, agreed", "Version 1, own plan"])
    changed = page.locator("tbody tr", has_text="VENDOR-7")
    await expect(changed.locator("td").nth(0).locator("strong")).to_have_text(["changed", "1,234.00 EUR", "VENDOR-7"])
    await expect(changed.locator("td").nth(1).locator("strong")).to_have_count(0)
    await expect(page.locator("main")).to_contain_text("the price changed")
    refused = await walk.go("receiving-office-am", plan)
    await refused.get_by_text("What you cannot do now, and why").click()
    await expect(refused.locator("main")).to_contain_text("A grant of this plan is still under way")
    await mission.done("reintegration", "coordinator", found.grant_id, CancelGrant(reason="not_needed"), datetime.now(UTC))
    said = {
        f"otherwise.{number}.{name}": value
        for number, line in enumerate(found.lines)
        for name, value in (("line_id", str(line.line_id)), ("outcome", "referred"))
    }
    await walk.do("receiving-office-am", plan, "Complete the plan", said)
    page = await walk.go("receiving-office-am", plan)
    await expect(page.locator("dl.summary").first).to_contain_text("completed")
    await expect(page.locator("table").first).to_contain_text("referred to others")
    await fit(mission, visits, "receiving-office-am", plan, f"{plan}/versions", f"/do/reintegration/revise_plan/{found.plan_id}")
