"""A corrected year of birth finds the open case of the person, takes what rests on it away, and is in the figures."""

from datetime import timedelta
from uuid import uuid4

from services.returns.domain.case_supervision import RecordGuardian
from shared.contracts.counselling import AgeGroup, BirthYearCorrected
from shared.messages import Concealed
from tests.given import NOON
from tests.integration.returns.mission import DEPARTS, PETRA, Mission
from tests.integration.returns.test_family_changed import both_parents, log, told


def corrected(age_group: AgeGroup | None) -> BirthYearCorrected:
    digest = Concealed.model_validate("ywlSGYfyfTqtyNZyZrrbbNWO7lUDT6W0zuLSNG4GhSs")
    return BirthYearCorrected(birth_year=digest, reason="document_seen", age_group=age_group)


async def test_who_is_a_child_after_all_takes_the_readiness_of_their_case_away_and_of_no_other(mission: Mission) -> None:
    attempt, other = await both_parents(mission), await both_parents(mission)
    _, _, father = attempt.ids
    await told(mission, father, corrected("child"))
    case = await mission.case(attempt.id)
    person = case.person(father)
    assert person is not None
    assert (case.status, person.age_group, person.declared_by) == ("preparing", "child", None)
    assert (await mission.case(other.id)).status == "ready_to_travel"
    events = len(await log(mission))
    # Told again it changes nothing, nor does a year that makes nobody a child.
    await told(mission, father, corrected("child"))
    await told(mission, father, corrected(None))
    await told(mission, uuid4(), corrected("child"))
    assert len(await log(mission)) == events
    found = await mission.verified()
    assert found.sound, found.differences


async def test_who_left_is_counted_as_what_they_are_and_protection_is_called_where_no_adult_is_beside_them(
    mission: Mission,
) -> None:
    attempt = await both_parents(mission, "cleared_to_board")
    mother, _, father = attempt.ids
    await mission.depart(attempt)
    days = DEPARTS.date(), DEPARTS.date()
    before = await mission.figures(*days)
    for parent, called in ((father, False), (mother, True)):
        await told(mission, parent, corrected("child"), DEPARTS + timedelta(hours=1))
        assert ((await mission.case(attempt.id, DEPARTS)).protection_since is not None) == called
    after = await mission.figures(*days)
    changed = {key for key in after if before[key] != after[key]}
    assert all("child" in key or "adult" in key for key in changed), changed
    found = await mission.verified()
    assert found.sound, found.differences


async def test_a_guardian_who_is_a_child_after_all_stands_up_for_nobody(mission: Mission) -> None:
    attempt, guardian = await both_parents(mission, "screening"), uuid4()
    child_id = attempt.ids[1]
    await mission.order(attempt.id, RecordGuardian(person_id=child_id, guardian_id=guardian), PETRA)
    await told(mission, guardian, corrected("child"), NOON)
    child = (await mission.case(attempt.id)).person(child_id)
    assert child is not None
    assert child.guardian_id is None
    assert (await mission.verified()).sound
