"""What counselling sets right about a family, and whom it knows as no guardian, reaches the case on the running system."""

from typing import Any
from uuid import UUID

from ops.demo_year.people import moment
from services.counselling.domain.family import AddFamilyMember, RemoveFamilyMember
from services.returns.domain.case_supervision import RecordGuardian
from shared.ids import uuid7
from tests.e2e.conftest import Mission
from tests.e2e.test_families import AT, case_of, family, prepared
from tests.e2e.test_main_line import Line


async def lines_of(mission: Mission, case_id: UUID) -> dict[str, bool]:
    """What of the checklist is asked of the child alone, and whether it holds."""
    answer = await mission.read("returns", "counsellor-3", f"/v1/cases/{case_id}/departure-gate")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["conditions"]
    return {line["code"]: line["met"] for line in found if line["code"] == "other_parent_open"}


async def test_a_stepfather_recorded_as_a_spouse_is_none_of_a_childs_parents_once_that_is_set_right(mission: Mission) -> None:
    line = Line(mission, household := family(), seed=33)
    _, child, stepfather = (member.person_id for member in household.members)
    case_id = await prepared(line)
    assert await lines_of(mission, case_id) == {}
    person = await mission.read("counselling", "counsellor-3", f"/v1/persons/{stepfather}")
    family_id = UUID(person.json()["family_id"])
    mistaken = RemoveFamilyMember(person_id=stepfather, reason="recorded_by_mistake")
    await mission.done("counselling", "counsellor-3", family_id, mistaken, AT)
    await mission.caller.drained()
    assert await lines_of(mission, case_id) == {"other_parent_open": False}

    # Nobody is registered under this id; an adult who is stands, until it is said that they are dead.
    at = moment(20, 10)
    mistyped = RecordGuardian(person_id=child, guardian_id=uuid7())
    assert await mission.refused("returns", "protection", case_id, mistyped, at) == (409, "guardian_not_registered")
    named = RecordGuardian(person_id=child, guardian_id=stepfather)
    await mission.done("returns", "protection", case_id, named, at)
    await mission.caller.drained()
    assert await guardian_of(mission, case_id, child) == str(stepfather)
    again = AddFamilyMember(
        person_id=stepfather, relation="guardian", guardian_of=(child,), reason="guardian_appointed"
    )
    await mission.done("counselling", "counsellor-3", family_id, again, at)
    died = RemoveFamilyMember(person_id=stepfather, reason="died")
    await mission.done("counselling", "counsellor-3", family_id, died, at)
    await mission.caller.drained()
    assert await guardian_of(mission, case_id, child) is None


async def guardian_of(mission: Mission, case_id: UUID, child_id: UUID) -> str | None:
    persons = (await case_of(mission, case_id))["persons"]
    (found,) = (one["guardian_id"] for one in persons if one["person_id"] == str(child_id))
    guardian: str | None = found
    return guardian
