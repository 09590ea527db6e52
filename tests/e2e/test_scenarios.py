"""How return cases go otherwise than hoped, from the first conversation on, as the field tells it, over the public APIs."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from ops.demo_year import travelling
from ops.demo_year.granting import euro
from ops.demo_year.people import Household, Member, day_of, moment
from ops.demo_year.script import Journey
from services.reintegration.domain.plan import RecordOwnPlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.returns.domain.case_application import ApproveCase
from services.returns.domain.case_corrections import AskForCorrection
from services.returns.domain.case_departure_asked import AskToConfirmDeparture, ConfirmDeparture
from services.returns.domain.case_evidence import RecordExitFormalities
from services.returns.domain.case_journey import RecordDeparture, RecordNotDeparted
from services.returns.domain.case_preparation import ClearToBoard, MarkReadyToTravel
from services.returns.domain.case_reopening import ReopenCase
from services.returns.domain.case_screening import RecordBestInterests
from services.returns.domain.case_tickets import RecordTicketCost
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from shared.ids import uuid7
from tests.e2e.child_alone import ChildAlone
from tests.e2e.conftest import Mission
from tests.e2e.test_consent_taken_back import depart, lines_of, on_the_eve
from tests.e2e.test_main_line import OFFICE, Line, mother_and_child


async def state_of(mission: Mission, case_id: UUID) -> dict[str, Any]:
    """The case as the coordinator reads it."""
    answer = await mission.read("returns", "coordinator", f"/v1/cases/{case_id}")
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()["state"]
    return state


async def figures(mission: Mission, first: int, last: int) -> dict[str, int]:
    """What returns counts of these days."""
    period = f"from={day_of(first)}&to={day_of(last)}"
    answer = await mission.read("returns", "manager", f"/v1/statistics?{period}")
    assert answer.status_code == 200, answer.text
    return {figure["key"]: figure["value"] for figure in answer.json()["figures"]}


async def test_a_child_alone_without_its_guardians_consent_does_not_get_ready_and_is_held_where_it_is_to_remain(
    mission: Mission,
) -> None:
    child = ChildAlone(mission, seed=51)
    await child.apply(agreed=("child", "family"))
    case_id = child.case_id
    approval = await mission.refused("returns", "coordinator", case_id, ApproveCase(), moment(13, 9))
    assert approval == (409, "screening_not_settled")
    await mission.done("returns", "protection", case_id, child.best_interests(moment(13, 10)), moment(13, 10))
    await child.prepare()
    disagrees = child.best_interests(moment(28, 9), agreed=("child", "family"))
    await mission.done("returns", "protection", case_id, disagrees, moment(28, 9))
    ready = await mission.refused("returns", "operations", case_id, MarkReadyToTravel(), moment(28, 10))
    assert ready == (409, "screening_not_settled")
    assert await child.status() == "preparing"

    remain = child.best_interests(moment(28, 12), "remain")
    await mission.done("returns", "protection", case_id, remain, moment(28, 12))
    assert await child.status() == "on_hold"
    assert await mission.refused("returns", "operations", case_id, MarkReadyToTravel(), moment(28, 13)) == (409, "hold_stands")
    await _the_consulate_sees_nothing(mission, child)


async def _the_consulate_sees_nothing(mission: Mission, child: ChildAlone) -> None:
    """To an embassy a case that there is looks like one that there is not, wherever it asks, and each look is on record."""
    case_ref, unknown = (await state_of(mission, child.case_id))["case_ref"], uuid7()
    paths = (
        ("returns", "/v1/cases/{}", child.case_id, unknown), ("returns", "/v1/cases/{}/timeline", child.case_id, unknown),
        ("returns", "/v1/status/{}?purpose=reception", case_ref, "AAAA-AAAA-AAA"),
        ("returns", "/v1/cases?status={}", "on_hold", "departed"), ("returns", "/v1/arrivals?days={}", 14, 15),
        ("counselling", "/v1/persons/{}", child.child_id, unknown), ("counselling", "/v1/intentions/{}", child.case_id, unknown),
        ("reintegration", "/v1/cases/{}", child.case_id, unknown),
    )  # fmt: skip
    for service, path, here, nowhere in paths:
        seen = await mission.read(service, "consular-post-tr", path.format(here))
        not_there = await mission.read(service, "consular-post-tr", path.format(nowhere))
        assert (seen.status_code, seen.content) == (not_there.status_code, not_there.content), path
        assert seen.status_code == 403, path
    refusals = await mission.read("returns", "auditor", "/v1/log?kind=avrr.returns.access.refused.v1&actor=staff:consular-post-tr")
    assert len(refusals.json()["items"]) >= 1


async def _looks(mission: Mission, path: str, at: datetime) -> tuple[int, Any]:
    """What the receiving office is answered at a moment."""
    answer = await mission.raw("GET", "returns", path, OFFICE, Avrr_Now=at.isoformat())
    return answer.status_code, answer.json()


async def _is_unknown_abroad(mission: Mission, case_id: UUID, case_ref: str, at: datetime) -> None:
    """To its office the case is what no case at all is: by its id, by its reference, in the lists."""
    assert await _looks(mission, f"/v1/cases/{case_id}", at) == await _looks(mission, f"/v1/cases/{uuid7()}", at)
    known, unknown = (f"/v1/status/{ref}?purpose=reception" for ref in (case_ref, "AAAA-AAAA-AAA"))
    assert await _looks(mission, known, at) == await _looks(mission, unknown, at)
    # In the order of their ids it would stand first after this one.
    here = f"after={UUID(int=case_id.int - 1)}&limit=1"
    for path in (f"/v1/cases?{here}", f"/v1/cases?status=not_coming&{here}", "/v1/arrivals?limit=100", "/v1/arrivals/to-confirm?limit=100"):
        status, listed = await _looks(mission, path, at)
        assert (status, str(case_id) in str(listed), case_ref in str(listed)) == (200, False, False), path


async def _nothing_is_set_aside_for(mission: Mission, case_id: UUID, lines: tuple[PlannedLine, ...]) -> None:
    """Neither seat nor reception, and no money: reintegration takes no grant of the case, and nobody's attempt goes on."""
    state = await state_of(mission, case_id)
    booked = ("departs_at", "flight", "booked_person_ids", "reception_arranged_at", "holds_until")
    assert [state[name] for name in booked] == [None, None, [], None, None]
    plan = RecordOwnPlan(case_id=case_id, person_ids=tuple(line.person_id for line in lines), lines=lines, method="signed")
    refused = await mission.refused("reintegration", "counsellor-3", uuid7(), plan, moment(100, 9))
    assert refused == (409, "case_ended")
    shared = await mission.read("reintegration", "coordinator", f"/v1/cases/{case_id}")
    assert shared.json()["state"]["status"] == "ended"
    attempt = await mission.read("counselling", "coordinator", f"/v1/intentions/{case_id}")
    assert attempt.json()["state"]["status"] == "ended"


async def test_who_withdraws_at_the_gate_stays_the_ticket_is_accounted_for_and_the_office_knows_of_nobody(
    mission: Mission,
) -> None:
    line = Line(mission, household := mother_and_child(), seed=54)
    case_id = await on_the_eve(line, uuid7(), lines := lines_of(line))
    await mission.done("returns", "operations", case_id, ClearToBoard(), moment(30, 7, 30))
    case_ref = (await state_of(mission, case_id))["case_ref"]
    path = f"/v1/status/{case_ref}?purpose=reception"
    assert (await _looks(mission, path, moment(30, 8)))[1]["status"] == "travel_scheduled"

    at_the_gate = moment(30, 9, 50)
    await mission.done("returns", "operations", case_id, WithdrawCase(), at_the_gate)
    await mission.caller.drained()
    assert await line.status(case_id) == "withdrawn"
    boarding = await mission.refused("returns", "operations", case_id, ClearToBoard(), at_the_gate)
    assert boarding == (409, "case_ended")
    await _nothing_is_set_aside_for(mission, case_id, lines)
    # The bill comes when nobody flies any more, and the carrier gives some of it back.
    bill = RecordTicketCost(booking=1, cost=euro(Decimal("640.00")), refunded=euro(Decimal("180.00")))
    await mission.done("returns", "operations", case_id, bill, moment(33, 9))
    assert (await state_of(mission, case_id))["ticket_costs"] == [
        {"booking": 1, "cost": {"amount": "640.00", "currency": "EUR"}, "refunded": {"amount": "180.00", "currency": "EUR"}}
    ]
    # Whoever was to meet them is told once that nobody comes, and from the next day on knows of nothing.
    told = await _looks(mission, f"/v1/cases/{case_id}", moment(30, 11))
    assert told[1]["state"] == {
        "case_ref": case_ref, "status": "not_coming", "destination_country": household.country, "persons": [],
        "departs_at": None, "arrives_at": None, "flight": None, "needs": [], "departure_asked_at": None,
        "departure_confirmed_at": None,
    }  # fmt: skip
    await _is_unknown_abroad(mission, case_id, case_ref, moment(31, 12))


async def test_an_office_asks_thirty_days_after_a_departure_and_that_nobody_departed_is_said_for_good(
    mission: Mission,
) -> None:
    line = Line(mission, household := mother_and_child(), seed=55)
    case_id = await on_the_eve(line, uuid7(), lines := lines_of(line))
    await depart(line, case_id)
    case_ref = (await state_of(mission, case_id))["case_ref"]
    assert (await _looks(mission, f"/v1/status/{case_ref}?purpose=reception", moment(31, 8)))[1]["status"] == "departed"
    ask = AskToConfirmDeparture()
    assert await mission.refused("returns", OFFICE, case_id, ask, moment(59, 12)) == (409, "too_early")
    stranger = await mission.refused("returns", "receiving-office-ma", case_id, ask, moment(60, 12))
    assert stranger == (404, "not_found")

    async def asked_about() -> bool:
        rows = (await mission.read("returns", "coordinator", "/v1/cases?departure_asked=true")).json()["items"]
        return str(case_id) in [row["id"] for row in rows]

    assert not await asked_about()
    await mission.done("returns", OFFICE, case_id, ask, moment(60, 12))
    assert await asked_about()
    assert (await state_of(mission, case_id))["departure_asked_at"] == moment(60, 12).isoformat().replace("+00:00", "Z")
    await mission.done("returns", "coordinator", case_id, RecordNotDeparted(), moment(61, 9))
    await mission.caller.drained()

    assert not await asked_about()
    state = await state_of(mission, case_id)
    assert (state["status"], [one["travel"] for one in state["persons"]]) == ("not_departed", ["expected", "expected"])
    await _nothing_is_set_aside_for(mission, case_id, lines)
    mother = household.principal.person_id
    left = RecordDeparture(person_ids=(mother,), departed_at=moment(62, 9))
    wrong = AskForCorrection(person_id=mother, of="departure")
    for persona, order in (
        ("operations", left), ("operations", wrong), ("coordinator", ReopenCase(reason="contact_regained")),
        ("coordinator", ConfirmDeparture()), ("counsellor-3", WithdrawCase()),
    ):  # fmt: skip
        refused = await mission.refused("returns", persona, case_id, order, moment(63, 9))
        assert refused[0] == 409, type(order).__name__
    assert await line.status(case_id) == "not_departed"
    assert (await _looks(mission, f"/v1/cases/{case_id}", moment(61, 10)))[1]["state"]["status"] == "not_coming"
    await _is_unknown_abroad(mission, case_id, case_ref, moment(62, 11))


async def test_of_a_family_of_four_one_adult_stays_behind_and_three_are_counted(mission: Mission) -> None:
    mother, father = Member(uuid7(), "female", 1988, "principal"), Member(uuid7(), "male", 1985, "spouse")
    children = (Member(uuid7(), "female", 2014, "child"), Member(uuid7(), "male", 2017, "child"))
    together = Household((mother, father, *children), "TR", "tur", "trc_borici", "counsellor-3", "returned")
    line = Line(mission, together, seed=53)
    before = await figures(mission, 30, 32)
    case_id = await on_the_eve(line, uuid7(), lines_of(line))
    stays = WithdrawPerson(person_id=father.person_id)
    await mission.done("returns", "counsellor-3", case_id, stays, moment(30, 15))
    assert await line.status(case_id) == "preparing"
    assert (await mission.refused("returns", "operations", case_id, ClearToBoard(), moment(30, 16)))[0] == 409

    # What was best for the children beside both parents is found anew, and the others are booked without him.
    going = replace(together, members=(mother, *children))
    journey = Journey(line.dice)
    for child in children:
        at = moment(30, 17)
        found = RecordBestInterests(
            record_id=uuid7(), person_id=child.person_id, procedure="assessment", outcome="return", established_at=at,
            agreed=("child", "family", "guardian"),
        )  # fmt: skip
        journey.give(at, "protection", case_id, found)
    travelling.book(journey, going, case_id, 31, 32)
    await line.go(journey)
    # Nor do they go without him before he agrees to it.
    journey, at = Journey(line.dice), moment(31, 16)
    journey.give(at, "operations", case_id, RecordExitFormalities(person_ids=going.person_ids, recorded_at=at))
    await line.go(journey)
    assert await mission.refused("returns", "operations", case_id, MarkReadyToTravel(), moment(31, 16, 30)) == (409, "other_parent_open")
    journey = Journey(line.dice)
    travelling.settle_other_parent(journey, going, case_id, 29)
    travelling.on_the_eve(journey, going, case_id, 32)
    travelling.depart(journey, going, case_id, 32)
    travelling.arrive(journey, going, case_id, 32)
    await line.go(journey)

    state = await state_of(mission, case_id)
    assert state["status"] == "arrived"
    assert {one["person_id"]: one["travel"] for one in state["persons"]} == {
        str(father.person_id): "withdrawn", **{str(one.person_id): "arrived" for one in going.members},
    }  # fmt: skip
    after = await figures(mission, 30, 32)
    expected = {
        "departures": 3, "returns": 3, "returns_TR": 3, "female": 2, "male": 1, "children": 2, "own_plans": 3,
        "returned_cases": 1, "withdrawn_persons": 1, "withdrawn_cases": 0,
    }  # fmt: skip
    assert {key: after[key] - before.get(key, 0) for key in expected} == expected
