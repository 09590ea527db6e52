"""What counselling sets right about a family finds the cases that rest on it, wherever their persons have gone on."""

from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest

from services.counselling.domain.person import RegisterPerson
from services.returns.domain.case_families import SplitFamily
from services.returns.domain.case_supervision import RecordGuardian
from services.returns.domain.case_withdrawal import WithdrawCase
from services.returns.domain.person import RecordErasure
from services.returns.wiring import WIRING
from shared.clock import Clock
from shared.contracts.counselling import AttemptMayMove, CaseGuardianNoted, FamilyMemberLeft, PersonErased
from shared.db import UnitOfWork
from shared.errors import Refusal
from shared.handling import transact
from shared.ids import uuid7
from shared.messages import Envelope, Event
from shared.policy import EVERYWHERE
from shared.reacting import reacting
from tests.given import NOON
from tests.integration.returns.api import APP, Api, Register, asking, away, problem, runtime
from tests.integration.returns.mission import (
    ANNA,
    DEPARTS,
    PETRA,
    RETURNS,
    Attempt,
    Mission,
    Stretch,
    somebody,
)
from tests.integration.returns.test_families import answered


async def told(mission: Mission, subject: UUID, event: Event, at: datetime = NOON) -> None:
    """Lets returns hear a fact of counselling as its consumer does."""
    apply = reacting("returns", WIRING.heard, WIRING.reactions, WIRING.by_name, Clock("replay"), WIRING.concerning)
    envelope = Envelope(
        id=uuid7(), source="/counselling", type=event.kind, subject=subject, partitionkey=subject, time=at, dataschema="urn:any",
        aggregateversion=1, actorid="staff:anna", actorrole="counsellor", actororg="avrr", actorcountry="", actoracr="",
        correlationid="any", data=event.model_dump(mode="json"),
    )  # fmt: skip

    async def work(unit: UnitOfWork) -> None:
        await apply(unit, envelope, b"\x01" * 32)

    await transact(mission.database.worker, EVERYWHERE.scope(RETURNS), work, WIRING.refusals)


async def both_parents(mission: Mission, stretch: Stretch = "ready_to_travel") -> Attempt:
    mother, father = somebody("female"), somebody("male")
    child = somebody("male", "child").model_copy(update={"parent_ids": (mother.person_id, father.person_id)})
    return await mission.brought_to(stretch, mother, child, father)



async def asked(mission: Mission, case_id: UUID, child_id: UUID) -> bool:
    child = (await mission.case(case_id)).person(child_id)
    assert child is not None
    known = child.has("other_parent")
    return known is not None and known.conditions == ("not_both_parents",)


async def test_a_parent_who_is_none_takes_the_readiness_of_the_case_away_and_no_others(mission: Mission) -> None:
    attempt, other = await both_parents(mission), await both_parents(mission)
    _, child, father = attempt.ids
    left = FamilyMemberLeft(person_id=father, reason="recorded_by_mistake")
    await told(mission, uuid7(), left)
    assert (await mission.case(attempt.id)).status == "preparing"
    assert await asked(mission, attempt.id, child)
    assert (await mission.case(other.id)).status == "ready_to_travel"
    events = len(await log(mission))
    await told(mission, uuid7(), left)
    assert len(await log(mission)) == events
    found = await mission.verified()
    assert found.sound, found.differences


async def test_it_follows_a_child_into_the_case_in_which_it_goes_on(mission: Mission) -> None:
    attempt = await both_parents(mission, "preparing")
    mother, child, father = attempt.ids
    apart, going = uuid7(), (mother, child)
    await mission.order(attempt.id, SplitFamily(new_case_id=apart, person_ids=going, principal_id=mother), ANNA)
    await answered(mission, attempt.id, AttemptMayMove(to_id=apart, person_ids=going, principal_id=mother))
    await told(mission, uuid7(), FamilyMemberLeft(person_id=father, reason="separated"))
    assert await asked(mission, apart, child)
    assert (await mission.verified()).sound


async def test_protection_is_called_for_a_child_under_way_and_of_a_case_that_has_ended_nothing_is_recorded(mission: Mission) -> None:
    attempt, ended = await both_parents(mission, "cleared_to_board"), await both_parents(mission, "preparing")
    await mission.depart(attempt)
    await mission.order(ended.id, WithdrawCase(reason="changed_mind"), ANNA)
    for one in (attempt, ended):
        left = FamilyMemberLeft(person_id=one.ids[2], reason="recorded_by_mistake")
        await told(mission, uuid7(), left, DEPARTS + timedelta(hours=1))
    assert (await mission.case(attempt.id, DEPARTS)).protection_since is not None
    assert not await asked(mission, ended.id, ended.ids[1])
    assert (await mission.verified()).sound


async def test_who_was_erased_is_nobodys_guardian_in_any_case(mission: Mission) -> None:
    first, second, guardian = await both_parents(mission, "screening"), await both_parents(mission, "screening"), uuid7()
    for one in (first, second):
        await mission.order(one.id, RecordGuardian(person_id=one.ids[1], guardian_id=guardian), PETRA)
    await told(mission, guardian, PersonErased(erased_at=NOON, deleted=()))
    for one in (first, second):
        child = (await mission.case(one.id)).person(one.ids[1])
        assert child is not None
        assert child.guardian_id is None
    assert (await mission.verified()).sound


async def test_somebody_erased_or_a_child_of_another_case_is_recorded_as_nobodys_guardian(mission: Mission) -> None:
    attempt, other, gone = await both_parents(mission, "screening"), await both_parents(mission, "screening"), uuid7()
    await mission.note(gone, RecordErasure())
    for guardian, code in ((gone, "guardian_erased"), (other.ids[1], "guardian_is_a_child")):
        with pytest.raises(Refusal) as refused:
            await mission.order(attempt.id, RecordGuardian(person_id=attempt.ids[1], guardian_id=guardian), PETRA)
        assert refused.value.code == code
    # As of a case that has ended the child may have grown up since, counselling says whether it has.
    await mission.order(other.id, WithdrawCase(), ANNA)
    await mission.order(attempt.id, RecordGuardian(person_id=attempt.ids[1], guardian_id=other.ids[1]), PETRA)
    await told(mission, attempt.ids[1], CaseGuardianNoted(guardian_id=other.ids[1], stands=False))
    child = (await mission.case(attempt.id)).person(attempt.ids[1])
    assert child is not None
    assert child.guardian_id is None
    assert (await mission.verified()).sound


async def test_only_a_registered_adult_is_recorded_as_a_guardian_and_nobody_while_counselling_does_not_answer(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt, adult, child = await both_parents(mission, "screening"), uuid7(), uuid7()
    for one, year in ((adult, 1970), (child, 2015)):
        await register._give(one, RegisterPerson(sex="female", birth_year=year, country_of_origin="TR", site="trc_lipa"))
    path, key = f"cases/{attempt.id}/record-guardian", str(uuid7())

    def named(guardian: UUID) -> dict[str, str]:
        return {"person_id": str(attempt.ids[1]), "guardian_id": str(guardian)}

    for one in (uuid7(), child):
        assert problem(await api.post(path, named(one), PETRA)) == (409, "guardian_not_registered")
    answer = await api.post(path, named(adult), PETRA, key=key)
    assert answer.status_code == 200, answer.text
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=away)) as nobody:
        APP.state.runtime = runtime(mission, asking(nobody))
        refused = await api.post(path, named(adult), PETRA)
        assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
        # What was answered stays answered.
        again = await api.post(path, named(adult), PETRA, key=key)
        assert (again.status_code, again.json()["repeated"]) == (200, True)
    assert (await mission.verified()).sound


async def log(mission: Mission) -> list[UUID]:
    async with mission.owner() as connection:
        return [row["id"] for row in await connection.fetch("SELECT id FROM event_log ORDER BY idx")]
