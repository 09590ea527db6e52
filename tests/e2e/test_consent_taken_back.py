"""A transfer consent taken back on the way and counselling stopped: what the receiving office meets on the running system."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from ops.demo_year import granting, script, travelling
from ops.demo_year.people import moment
from ops.demo_year.script import Journey
from services.counselling.domain.person import GiveConsent, WithdrawConsent
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.domain.grant import ApproveGrant, DraftGrant, EndorseGrant, SubmitGrant
from services.reintegration.domain.grant_facts import RequestedTranche
from services.reintegration.domain.plan import AgreePlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.domain.tranches import (
    ConfirmDelivery,
    ConfirmPayment,
    ReconcileTranche,
)
from services.returns.domain.case_journey import ConfirmArrival
from shared.ids import uuid7
from shared.messages import Command
from tests.e2e.conftest import Mission
from tests.e2e.test_main_line import OFFICE, Line, mother_and_child

NO, LATER = (404, "not_found"), (503, "unavailable")


def lines_of(line: Line) -> tuple[PlannedLine, ...]:
    """What the household plans: a shop, and something for the child."""
    return granting.plan_lines(line.dice, line.household, {line.household.members[0].person_id: ("business",)})


async def on_the_eve(line: Line, plan_id: UUID, lines: tuple[PlannedLine, ...]) -> UUID:
    """A case whose persons leave tomorrow, of which the office has been told nothing so far."""
    household, dice = line.household, line.dice
    journey = Journey(dice)
    script.register(journey, household, 10)
    case_id = script.express_intention(journey, household, 10)
    await line.go(journey)
    journey = Journey(dice)
    script.screen(journey, household, case_id, 11)
    script.apply_for(journey, household, case_id, 12)
    await line.go(journey)
    journey = Journey(dice)
    travelling.approve(journey, case_id, 13)
    travelling.prepare(journey, household, case_id, plan_id, lines, 14)
    await line.go(journey)
    journey = Journey(dice)
    travelling.book(journey, household, case_id, 24, 30)
    await line.go(journey)
    journey = Journey(dice)
    travelling.on_the_eve(journey, household, case_id, 30)
    await line.go(journey)
    return case_id


async def depart(line: Line, case_id: UUID) -> None:
    journey = Journey(line.dice)
    travelling.depart(journey, line.household, case_id, 30)
    await line.go(journey)


async def pay(mission: Mission, case_id: UUID, plan_id: UUID, grant_id: UUID, wanted: PlannedLine) -> None:
    """A grant that the office asks for is decided on and paid, and nothing of it accounted for."""
    fund_id, money = uuid7(), wanted.planned
    request = DraftGrant(
        case_id=case_id, person_id=wanted.person_id, plan_id=plan_id, plan_line_id=wanted.line_id, category=wanted.category,
        modality="in_kind_vendor", money=money, tranches=(RequestedTranche(number=1, money=money),),
        **granting.budget(grant_id, wanted.category, money),
    )  # fmt: skip
    read = {"request_version": 1, "content_hash": granting.hash_of(request)}
    opened = OpenFund(
        project="AVRR-2", donor="DONOR-2", granted=money, valid_from=moment(0, 0).date(), valid_until=moment(364, 0).date()
    )
    paid = ConfirmPayment(number=1, reference=f"E2E-{grant_id.hex[:12]}", paid_on=moment(39, 9).date())
    orders: tuple[tuple[str, UUID, Command, int], ...] = (
        ("manager", fund_id, opened, 1), ("chief-of-mission", fund_id, ConfirmFund(change_no=1), 1), (OFFICE, grant_id, request, 35),
        (OFFICE, grant_id, SubmitGrant.model_validate(read), 35),
        ("coordinator", grant_id, EndorseGrant.model_validate(read), 36),
        ("finance-approver", grant_id, ApproveGrant.model_validate({**read, "fund_id": fund_id, "money": money}), 37),
        ("finance-payer", grant_id, await mission.release(1, "TR"), 38), ("finance-payer", grant_id, paid, 39),
    )  # fmt: skip
    for persona, id, order, day in orders:
        await mission.done("reintegration", persona, id, order, moment(day, 9))


async def test_the_office_meets_whom_it_was_told_of_and_keeps_its_own_records_while_money_is_owed(mission: Mission) -> None:
    line = Line(mission, household := mother_and_child(), seed=46)
    mother, child = household.members
    plan_id, grant_id = uuid7(), uuid7()
    lines = lines_of(line)
    case_id = await on_the_eve(line, plan_id, lines)

    async def seen(service: str, path: str) -> tuple[int, str]:
        # Not by the caller's way, which asks for half a minute again where a service says that it cannot answer now.
        answer = await mission.raw("GET", service, f"/v1/{path}", OFFICE)
        return answer.status_code, answer.json().get("code", "") if isinstance(answer.json(), dict) else ""

    async def all_seen(paths: Sequence[str]) -> set[tuple[int, str]]:
        return {await seen("reintegration", path) for path in paths}

    assert await seen("returns", f"cases/{case_id}") == (200, "")
    await depart(line, case_id)
    back = WithdrawConsent(consent="transfer")
    await mission.done("counselling", household.counsellor, mother.person_id, back, moment(30, 20))
    assert await seen("returns", f"cases/{case_id}") == NO
    first, second = (
        ConfirmArrival(person_id=member.person_id, arrived_at=moment(31, 5), known_by="met") for member in (mother, child)
    )
    await mission.done("returns", OFFICE, case_id, first, moment(31, 9))
    await mission.caller.drained()
    # The plan that they made before departure the office did not record.
    theirs, own = f"plans/{plan_id}", (f"plans/{plan_id}", f"grants/{grant_id}", f"grants/{grant_id}/evidence")
    assert await seen("reintegration", theirs) == NO
    again = GiveConsent(
        consent="transfer", text_version="2023-01", language="tur", method="signature", given_at=moment(32, 8),
        recipient_country="TR",
    )  # fmt: skip
    await mission.done("counselling", household.counsellor, mother.person_id, again, moment(32, 8) + timedelta(hours=1))
    assert await seen("reintegration", theirs) == (200, "")
    agreed = AgreePlan(lines=lines, agreed_on=moment(34, 9).date(), method="signed")
    await mission.done("reintegration", OFFICE, plan_id, agreed, moment(34, 9))
    await pay(mission, case_id, plan_id, grant_id, lines[0])
    await mission.caller.drained()

    await mission.done("counselling", household.counsellor, mother.person_id, back, moment(40, 9))
    assert await all_seen(own) == {(200, "")}
    case = f"cases/{case_id}"
    assert {await seen("returns", case), await seen("reintegration", case)} == {NO}
    other = DraftGrant(
        case_id=case_id, person_id=child.person_id, plan_id=plan_id, plan_line_id=lines[1].line_id, category="other",
        modality="in_kind_goods", money=lines[1].planned, tranches=(RequestedTranche(number=1, money=lines[1].planned),),
    )  # fmt: skip
    assert await mission.refused("reintegration", OFFICE, uuid7(), other, moment(40, 10)) == NO
    await mission.running.stop("counselling")
    try:
        await mission.done("returns", OFFICE, case_id, second, moment(41, 9))
        assert {await seen("returns", case), await seen("reintegration", case)} == {NO}
        assert await all_seen(own) == {(200, "")}
        assert await seen("returns", "cases") == LATER
        await mission.done("reintegration", OFFICE, grant_id, ConfirmDelivery(number=1), moment(41, 10))
    finally:
        await mission.running.start("counselling")
    await mission.caller.drained()
    assert await all_seen(own) == {(200, "")}
    # Once the money is accounted for they are as unknown as everything else of the case.
    await mission.done("reintegration", "finance-reconciler", grant_id, ReconcileTranche(number=1), moment(42, 9))
    assert await all_seen(own) == {NO}
