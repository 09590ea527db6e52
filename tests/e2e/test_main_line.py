"""One family's way from the first conversation to a grant accounted for, through the public APIs of three services."""

from datetime import datetime
from uuid import UUID

from ops.demo_year import granting, script, travelling
from ops.demo_year.people import Dice, Household, Member, moment
from ops.demo_year.script import Journey
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.domain.grant import ApproveGrant, DraftGrant, EndorseGrant, SubmitGrant
from services.reintegration.domain.grant_facts import RequestedTranche
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ConfirmPayment,
    ReconcileTranche,
)
from services.returns.domain.case_application import ApproveCase
from services.returns.domain.case_holds import LiftHold, PutOnHold
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture
from services.returns.domain.case_preparation import ClearToBoard, ConfirmVoluntariness, MarkReadyToTravel
from services.returns.domain.case_reintegration import RequestClosing
from services.returns.domain.case_reopening import ReopenCase
from services.returns.domain.case_withdrawal import WithdrawCase
from shared.ids import uuid7
from tests.e2e.conftest import Mission

OFFICE = "receiving-office-tr"


class Line:
    """Runs the steps of a journey and asks returns where the case stands."""

    def __init__(self, mission: Mission, household: Household, seed: int) -> None:
        self.mission = mission
        self.household = household
        self.dice = Dice(seed)

    async def go(self, journey: Journey) -> None:
        for step in journey.in_order():
            await self.mission.done(step.service, step.persona, step.id, step.order, step.at)
        await self.mission.caller.drained()

    async def status(self, case_id: UUID) -> str:
        answer = await self.mission.read("returns", "coordinator", f"/v1/cases/{case_id}")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["state"]["status"])


def mother_and_child() -> Household:
    members = (Member(uuid7(), "female", 1990, "principal"), Member(uuid7(), "male", 2015, "child"))
    return Household(members, "TR", "tur", "trc_borici", "counsellor-3", "returned")


async def test_a_mother_and_her_child_go_home_and_open_a_shop(mission: Mission) -> None:
    line = Line(mission, household := mother_and_child(), seed=11)
    mother, child = household.members
    plan_id, fund_id, grant_id = uuid7(), uuid7(), uuid7()
    lines = granting.plan_lines(line.dice, household, {mother.person_id: ("business",)})

    journey = Journey(line.dice)
    script.register(journey, household, 10)
    case_id = script.express_intention(journey, household, 10)
    await line.go(journey)
    assert await line.status(case_id) == "intention"

    journey = Journey(line.dice)
    script.screen(journey, household, case_id, 11)
    script.apply_for(journey, household, case_id, 12)
    await line.go(journey)
    assert await line.status(case_id) == "applied"
    counsellor_decides = await mission.refused("returns", "counsellor-3", case_id, ApproveCase(), moment(13, 9))
    assert counsellor_decides == (403, "not_permitted")

    journey = Journey(line.dice)
    travelling.approve(journey, case_id, 13)
    travelling.prepare(journey, household, case_id, plan_id, lines, 14)
    await line.go(journey)
    eve = moment(29, 13)
    assert await mission.refused("returns", "operations", case_id, MarkReadyToTravel(), eve) == (409, "booking_missing")

    journey = Journey(line.dice)
    travelling.book(journey, household, case_id, 24, 30)
    journey.give(eve, "operations", case_id, MarkReadyToTravel())
    await line.go(journey)
    assert await line.status(case_id) == "ready_to_travel"
    await _held(mission, line, case_id)
    await mission.done("returns", "operations", case_id, MarkReadyToTravel(), moment(29, 13, 40))
    boarding = moment(30, 7, 30)
    assert await mission.refused("returns", "operations", case_id, ClearToBoard(), boarding) == (
        409, "voluntariness_not_fresh",
    )  # fmt: skip
    at = moment(29, 14)
    await mission.done(
        "returns", "operations", case_id, ConfirmVoluntariness(person_id=mother.person_id, confirmed_at=at), at
    )
    await mission.done("returns", "operations", case_id, ClearToBoard(), boarding)
    await mission.done(
        "returns", "operations", case_id,
        RecordDeparture(person_ids=household.person_ids, departed_at=moment(30, 10)), moment(30, 10, 20),
    )  # fmt: skip
    assert await line.status(case_id) == "departed"
    assert await mission.refused("returns", "counsellor-3", case_id, WithdrawCase(), moment(30, 11)) == (
        409, "departed_already",
    )  # fmt: skip

    await mission.done(
        "reintegration", "manager", fund_id,
        OpenFund(
            project="AVRR-1", donor="DONOR-1", granted=granting.euro(lines[0].planned.amount * 2),
            valid_from=moment(0, 0).date(), valid_until=moment(364, 0).date(),
        ),
        moment(1, 9),
    )  # fmt: skip
    await mission.done("reintegration", "chief-of-mission", fund_id, ConfirmFund(change_no=1), moment(1, 10))
    for member in (mother, child):
        order = ConfirmArrival(person_id=member.person_id, arrived_at=moment(31, 5), known_by="met")
        assert await mission.refused("returns", "receiving-office-ma", case_id, order, moment(31, 9)) == (
            404, "not_found",
        )  # fmt: skip
        await mission.done("returns", OFFICE, case_id, order, moment(31, 9))
    await mission.caller.drained()
    assert await line.status(case_id) == "arrived"

    journey = Journey(line.dice)
    granting.agree(journey, household, plan_id, lines, 45)
    await line.go(journey)
    assert await line.status(case_id) == "reintegrating"

    await _grant(mission, line, case_id, plan_id, fund_id, grant_id, mother.person_id, lines[0])


async def _held(mission: Mission, line: Line, case_id: UUID) -> None:
    """Protection stops the case before boarding: nobody is cleared, and outside nobody learns of it, or why."""
    hold_id = uuid7()
    at = moment(29, 13, 10)
    await mission.done("returns", "protection", case_id, PutOnHold(hold_id=hold_id, reason="protection"), at)
    assert await line.status(case_id) == "on_hold"
    assert await mission.refused("returns", "operations", case_id, ClearToBoard(), at) == (409, "hold_stands")
    state = (await mission.read("returns", "operations", f"/v1/cases/{case_id}")).json()["state"]
    assert [(hold["reason"], hold["placed_by"]) for hold in state["holds"]] == [(None, None)]
    office = await mission.read("returns", OFFICE, f"/v1/cases/{case_id}")
    assert (office.status_code, office.json()["state"]["status"]) == (200, "in_preparation")
    for path in (f"/v1/cases/{case_id}", f"/v1/status/{state['case_ref']}?purpose=reception"):
        assert (await mission.read("returns", "consular-post-tr", path)).status_code == 403
    lift = LiftHold(hold_id=hold_id, outcome="unfounded")
    assert await mission.refused("returns", "operations", case_id, lift, at) == (409, "hold_of_others")
    await mission.done("returns", "protection", case_id, lift, moment(29, 13, 30))
    assert await line.status(case_id) == "preparing"


async def _grant(
    mission: Mission, line: Line, case_id: UUID, plan_id: UUID, fund_id: UUID, grant_id: UUID, person_id: UUID,
    wanted: PlannedLine,
) -> None:  # fmt: skip
    half = granting.euro(wanted.planned.amount / 2)
    request = DraftGrant(
        case_id=case_id, person_id=person_id, plan_id=plan_id, plan_line_id=wanted.line_id, category="business",
        modality="in_kind_vendor", money=wanted.planned,
        tranches=(RequestedTranche(number=1, money=half), RequestedTranche(number=2, money=half)),
        **granting.budget(grant_id, "business", wanted.planned),
    )  # fmt: skip
    await mission.done("reintegration", OFFICE, grant_id, request, moment(46, 9))
    read = {"request_version": 1, "content_hash": granting.hash_of(request)}
    await mission.done("reintegration", OFFICE, grant_id, SubmitGrant.model_validate(read), moment(46, 9, 30))
    approve = ApproveGrant.model_validate({**read, "fund_id": fund_id, "money": request.money})
    assert await mission.refused("reintegration", "finance-approver", grant_id, approve, moment(46, 10)) == (
        409, "wrong_status",
    )  # fmt: skip
    await mission.done("reintegration", "coordinator", grant_id, EndorseGrant.model_validate(read), moment(46, 11))
    await mission.done("reintegration", "finance-approver", grant_id, approve, moment(47, 9))
    await mission.caller.drained()
    assert await line.status(case_id) == "grant_approved"
    closing = RequestClosing(reason="completed")
    assert await mission.refused("returns", "coordinator", case_id, closing, moment(48, 9)) == (409, "live_grants")

    for number in (1, 2):
        day = 50 + 10 * number
        await mission.done("reintegration", "finance-payer", grant_id, await mission.release(number, "TR"), moment(day, 9))
        paid = ConfirmPayment(number=number, reference=f"E2E-{grant_id.hex[:12]}-{number}", paid_on=moment(day, 9).date())
        await mission.done("reintegration", "finance-payer", grant_id, paid, moment(day, 10))
        # With another tranche still planned the payer is told to release that one first.
        nothing_twice = (409, "tranche_not_released" if number == 1 else "paid_already")
        assert await mission.refused("reintegration", "finance-payer", grant_id, paid, moment(day, 11)) == nothing_twice
        await mission.done("reintegration", OFFICE, grant_id, ConfirmDelivery(number=number), moment(day + 1, 9))
        if number == 2:
            await mission.caller.drained()
            assert await line.status(case_id) == "grant_disbursed"
        await mission.done(
            "reintegration", "finance-reconciler", grant_id, ReconcileTranche(number=number), moment(day + 2, 9)
        )
    await mission.caller.drained()
    assert await line.status(case_id) == "monitoring"
    assert await mission.refused("returns", "coordinator", case_id, closing, moment(90, 8)) == (409, "final_report_missing")
    await mission.done("returns", OFFICE, case_id, granting.final_report(case_id, 80), moment(90, 8, 30))
    await mission.done("returns", "coordinator", case_id, closing, moment(90, 9))
    await mission.caller.drained()
    assert await line.status(case_id) == "closed"
    await _taken_up_again(mission, line, case_id)


async def _taken_up_again(mission: Mission, line: Line, case_id: UUID) -> None:
    """A closed case goes on in all three services, and is closed once more."""

    async def attempt() -> str:
        answer = await mission.read("counselling", "coordinator", f"/v1/intentions/{case_id}")
        return str(answer.json()["state"]["status"])

    assert await attempt() == "ended"
    await mission.done("returns", "coordinator", case_id, ReopenCase(reason="support_goes_on"), moment(100, 9))
    await mission.caller.drained()
    assert (await line.status(case_id), await attempt()) == ("monitoring", "active")
    again = granting.final_report(case_id, 110).model_copy(update={"report_id": uuid7()})
    await mission.done("returns", "coordinator", case_id, again, moment(120, 8))
    # Reintegration seals no case twice, so that this one closes says that it had been unsealed.
    await mission.done("returns", "coordinator", case_id, RequestClosing(reason="completed"), moment(120, 9))
    await mission.caller.drained()
    assert (await line.status(case_id), await attempt()) == ("closed", "ended")


async def test_whoever_withdrew_may_begin_again(mission: Mission) -> None:
    line = Line(mission, household := mother_and_child(), seed=12)
    journey = Journey(line.dice)
    script.register(journey, household, 100)
    first = script.express_intention(journey, household, 100)
    await line.go(journey)
    again = Journey(line.dice)
    script.express_intention(again, household, 103)
    *sessions, wish = again.in_order()
    for session in sessions:
        await mission.done(session.service, session.persona, session.id, session.order, session.at)
    assert await mission.refused(wish.service, wish.persona, wish.id, wish.order, wish.at) == (
        409, "attempt_already_active",
    )  # fmt: skip
    await mission.done("returns", "counsellor-3", first, WithdrawCase(), at := moment(104, 9))
    await mission.caller.drained()
    await mission.done(wish.service, wish.persona, wish.id, wish.order, later(at))
    await mission.caller.drained()
    assert await line.status(first) == "withdrawn"
    assert await line.status(wish.id) == "intention"


def later(at: datetime) -> datetime:
    return at.replace(hour=at.hour + 1)
