"""A family that parts and comes together again on the running system: attempts, cases and reintegration follow each other."""

import json
from typing import Any
from uuid import UUID

from ops.demo_year import granting, script, travelling
from ops.demo_year.people import Household, Member, moment
from ops.demo_year.script import Journey
from services.returns.domain.case_families import JoinFamily, SplitFamily
from services.returns.domain.case_withdrawal import WithdrawCase
from shared.ids import uuid7
from tests.e2e.conftest import Mission
from tests.e2e.test_held import held_by
from tests.e2e.test_main_line import Line

AT = moment(20, 9)


def family() -> Household:
    members = (
        Member(uuid7(), "female", 1990, "principal"), Member(uuid7(), "male", 2015, "child"),
        Member(uuid7(), "male", 1988, "spouse"),
    )  # fmt: skip
    return Household(members, "TR", "tur", "trc_borici", "counsellor-3", "returned")


async def prepared(line: Line) -> UUID:
    """A family's case that is in preparation, with its own plan."""
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
    lines = granting.plan_lines(dice, household, {household.members[0].person_id: ("business",)})
    travelling.prepare(journey, household, case_id, uuid7(), lines, 14)
    await line.go(journey)
    return case_id


async def case_of(mission: Mission, case_id: UUID) -> dict[str, Any]:
    answer = await mission.read("returns", "coordinator", f"/v1/cases/{case_id}")
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()["state"]
    return state


async def attempt_of(mission: Mission, person_id: UUID) -> str | None:
    """The id of the intention by which somebody's attempt goes on, as counselling's list has it."""
    answer = await mission.read("counselling", "counsellor-3", f"/v1/persons/{person_id}")
    assert answer.status_code == 200, answer.text
    found: str | None = answer.json()["intention_id"]
    return found


async def test_a_father_goes_ahead_the_others_follow_and_nobody_is_without_a_case_or_in_two(mission: Mission) -> None:
    line = Line(mission, household := family(), seed=29)
    mother, child, father = (member.person_id for member in household.members)
    case_id = await prepared(line)
    apart = uuid7()
    split = SplitFamily(new_case_id=apart, person_ids=(father,), principal_id=father)
    await mission.done("returns", "counsellor-3", case_id, split, AT)
    await mission.caller.drained()
    stayed, ahead = await case_of(mission, case_id), await case_of(mission, apart)
    assert [one["person_id"] for one in stayed["persons"]] == [str(mother), str(child)]
    assert [one["person_id"] for one in ahead["persons"]] == [str(father)]
    assert (stayed["status"], ahead["status"]) == ("preparing", "preparing")
    assert ahead["case_ref"] != stayed["case_ref"]
    assert await attempt_of(mission, father) == str(apart)
    assert await attempt_of(mission, mother) == str(case_id)

    # The others withdraw; what became of them is not told to the father, nor where they are now.
    await mission.done("returns", "counsellor-3", case_id, WithdrawCase(), AT)
    await mission.caller.drained()
    assert await attempt_of(mission, mother) is None
    assert await attempt_of(mission, father) == str(apart)
    for service in ("counselling", "returns", "reintegration"):
        answer = await held_by(mission, service, father)
        assert answer.status_code == 200, answer.text
        told = json.dumps(answer.json())
        assert str(mother) not in told
        # Of whoever parted from the others, and of those who stayed, none learns how to ask for the other's case.
        assert (await held_by(mission, service, mother)).text.count(str(apart)) == 0
        kinds = {event["kind"] for event in answer.json()["history"]}
        assert "avrr.returns.case.withdrawn.v1" not in kinds
        assert "avrr.counselling.intention.attempt_ended.v1" not in kinds
    answer = await held_by(mission, "returns", father)
    assert [one["id"] for one in answer.json()["records"]["cases"]] == [str(apart)]
    kinds = {event["kind"] for event in answer.json()["history"]}
    assert {"avrr.returns.case.opened.v1", "avrr.returns.case.family_split.v1", "avrr.returns.case.split_off.v1"} <= kinds


async def test_a_family_that_parted_travels_together_again(mission: Mission) -> None:
    line = Line(mission, household := family(), seed=30)
    mother, child, father = (member.person_id for member in household.members)
    case_id = await prepared(line)
    apart = uuid7()
    split = SplitFamily(new_case_id=apart, person_ids=(father,), principal_id=father)
    await mission.done("returns", "coordinator", case_id, split, AT)
    await mission.caller.drained()
    await mission.done("returns", "coordinator", apart, JoinFamily(into_case_id=case_id), AT)
    await mission.caller.drained()
    together, ended = await case_of(mission, case_id), await case_of(mission, apart)
    assert {one["person_id"] for one in together["persons"]} == {str(mother), str(child), str(father)}
    assert (together["status"], ended["status"]) == ("preparing", "joined")
    assert {await attempt_of(mission, one) for one in (mother, child, father)} == {str(case_id)}
