"""How return cases go otherwise than hoped, from the first conversation on, as the field tells it, over the public APIs."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from ops.demo_year import travelling
from ops.demo_year.people import Household, Member, day_of, moment
from ops.demo_year.script import Journey
from services.returns.domain.case_application import ApproveCase
from services.returns.domain.case_preparation import ClearToBoard, MarkReadyToTravel
from services.returns.domain.case_screening import RecordBestInterests
from services.returns.domain.case_withdrawal import WithdrawPerson
from shared.ids import uuid7
from tests.e2e.child_alone import ChildAlone
from tests.e2e.conftest import Mission
from tests.e2e.test_consent_taken_back import lines_of, on_the_eve
from tests.e2e.test_main_line import Line


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
    journey = Journey(line.dice)
    travelling.report_the_exit(journey, going, case_id, 29)
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
