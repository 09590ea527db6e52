"""What somebody who asks is told of a session in which they were not, and of a family or a wish that they are part of no more."""

import json
from uuid import UUID

from services.counselling.domain.family import (
    AddFamilyMember,
    NameGuardian,
    RegisterFamily,
    RemoveFamilyMember,
)
from services.counselling.domain.intention import ExpressIntention, RecordAttemptEnded, RecordReopeningAsked
from services.counselling.domain.session import AmendSession, HoldSession, ScheduleSession
from services.counselling.wiring import FAMILY, INTENTION, SESSION, WIRING
from shared.actors import Actor
from shared.contracts.counselling import FamilyMember
from shared.handling import transact
from shared.held import Held
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.counselling.desk import ANNA, Desk, next_id
from tests.integration.counselling.test_identity import COORDINATOR

HERE = Actor.service("counselling")


async def held(desk: Desk, person_id: UUID) -> Held:
    return await transact(
        desk.database.api, EVERYWHERE.scope(ANNA, log=True),
        lambda unit: WIRING.teller.held(unit, person_id, desk.database.person_keys),
    )


def of(told: Held, aggregate: str) -> list[str]:
    """The events of an aggregate of which somebody is told, in short."""
    kinds = (event.kind.split(".") for event in told.history)
    return [kind[3] for kind in kinds if kind[2] == aggregate]


async def scheduled(desk: Desk, *person_ids: UUID) -> UUID:
    session_id = next_id()
    order = ScheduleSession(
        session_type="individual", modality="in_person", site="trc_lipa", language="tur", person_ids=person_ids,
        scheduled_for=NOON.replace(month=6),
    )  # fmt: skip
    await desk.give(SESSION, session_id, order)
    return session_id


async def took_place(desk: Desk, session_id: UUID, *person_ids: UUID) -> None:
    order = HoldSession(
        session_type="individual", modality="in_person", site="trc_lipa", language="tur", interpreter="none", present=("not_known",),
        person_ids=person_ids, held_at=NOON, topics=("temporary_protection",),
        outcome="intention_expressed" if person_ids else "follow_up",
    )  # fmt: skip
    await desk.give(SESSION, session_id, order)


async def test_of_a_session_that_was_held_without_them_somebody_is_told_that_they_had_been_named(desk: Desk) -> None:
    husband, wife = await desk.agreed(), await desk.agreed(sex="female")
    session_id = await scheduled(desk, husband, wife)
    assert [row["id"] for row in (await held(desk, husband)).records["sessions"]] == [str(session_id)]
    await took_place(desk, session_id, wife)
    amended = AmendSession(interpreter="none", present=("alone",), reason="recorded_by_mistake")
    await desk.give(SESSION, session_id, amended)
    assert (await desk.get(f"sessions/{session_id}", {}, COORDINATOR)).status_code == 200

    told = await held(desk, husband)
    assert "sessions" not in told.records
    (event,) = (event for event in told.history if event.kind.startswith("avrr.counselling.session."))
    assert event.kind == "avrr.counselling.session.scheduled.v1"
    assert event.said == {"person_ids": [str(husband), "another_person"]}
    text = told.model_dump_json()
    assert not [word for word in (str(session_id), "temporary_protection", "intention_expressed", "read_session") if f'"{word}"' in text]

    told = await held(desk, wife)
    assert [(row["id"], row["topics"]) for row in told.records["sessions"]] == [(str(session_id), ["temporary_protection"])]
    assert of(told, "session") == ["scheduled", "held", "amended"]
    assert "read_session" in [one.operation for one in told.readers]
    assert str(husband) not in json.dumps(told.records)


async def test_of_a_session_in_which_everybody_stayed_anonymous_nobody_is_told_more(desk: Desk) -> None:
    person_id = await desk.agreed()
    session_id = await scheduled(desk, person_id)
    await took_place(desk, session_id)
    told = await held(desk, person_id)
    assert "sessions" not in told.records
    assert of(told, "session") == ["scheduled"]


async def registered(desk: Desk, *members: FamilyMember) -> UUID:
    family_id = next_id()
    await desk.give(FAMILY, family_id, RegisterFamily(members=members))
    return family_id


async def test_whoever_left_a_family_is_told_of_it_up_to_there_and_again_once_they_are_back(desk: Desk) -> None:
    principal, spouse, child, uncle = [await desk.agreed(year) for year in (1985, 1987, 2015, 1970)]
    family_id = await registered(
        desk, FamilyMember(person_id=principal, relation="principal"),
        FamilyMember(person_id=spouse, relation="spouse", guardian_of=(child,)), FamilyMember(person_id=child, relation="child"),
    )  # fmt: skip
    await desk.give(FAMILY, family_id, RemoveFamilyMember(person_id=spouse, reason="separated"))
    joins = AddFamilyMember(person_id=uncle, relation="guardian", guardian_of=(child,), reason="guardian_appointed")
    await desk.give(FAMILY, family_id, joins)
    await desk.give(FAMILY, family_id, NameGuardian(person_id=principal, guardian_of=(child,)))

    told = await held(desk, spouse)
    assert "families" not in told.records
    assert of(told, "family") == ["registered", "member_left"]
    # Whose guardian went is named by that as well, and stays.
    told = await held(desk, child)
    assert [row["id"] for row in told.records["families"]] == [str(family_id)]
    assert of(told, "family") == ["registered", "member_joined"]

    back = AddFamilyMember(person_id=spouse, relation="spouse", reason="united")
    await desk.give(FAMILY, family_id, back)
    told = await held(desk, spouse)
    assert [row["id"] for row in told.records["families"]] == [str(family_id)]
    assert of(told, "family")[-1] == "member_joined"


async def test_a_family_that_ended_with_its_principal_stays_theirs_alone(desk: Desk) -> None:
    principal, spouse = await desk.agreed(), await desk.agreed()
    family_id = await desk.family(principal, spouse)
    for one in (spouse, principal):
        await desk.give(FAMILY, family_id, RemoveFamilyMember(person_id=one, reason="separated"))
    told = await held(desk, principal)
    assert [row["id"] for row in told.records["families"]] == [str(family_id)]
    assert of(told, "family") == ["registered", "member_left"]
    told = await held(desk, spouse)
    assert "families" not in told.records
    assert of(told, "family") == ["registered", "member_left"]


async def wished(desk: Desk, *person_ids: UUID) -> UUID:
    """The wish of a family to return, which its first member leads."""
    session_id, intention_id = next_id(), next_id()
    await took_place(desk, session_id, *person_ids)
    order = ExpressIntention(session_id=session_id, principal_id=person_ids[0], person_ids=person_ids, destination_country="TR")
    await desk.give(INTENTION, intention_id, order)
    return intention_id


async def test_whoever_withdrew_is_told_of_the_wish_up_to_there_and_not_when_that_of_the_others_ended(desk: Desk) -> None:
    father, mother = await desk.agreed(), await desk.agreed(sex="female")
    await desk.family(father, mother)
    intention_id = await wished(desk, father, mother)
    await desk.give(INTENTION, intention_id, RecordAttemptEnded(person_ids=(mother,)), HERE)
    for ended in (False, True):
        if ended:
            await desk.give(INTENTION, intention_id, RecordAttemptEnded(person_ids=(father,)), HERE)
        told = await held(desk, mother)
        assert "intentions" not in told.records
        assert of(told, "intention") == ["expressed", "attempt_ended"]
        told = await held(desk, father)
        assert [row["id"] for row in told.records["intentions"]] == [str(intention_id)]
    assert of(told, "intention") == ["expressed", "attempt_ended", "attempt_ended"]


async def test_a_wish_that_ended_for_everybody_together_stays_theirs_until_it_goes_on_without_them(desk: Desk) -> None:
    father, mother = await desk.agreed(), await desk.agreed(sex="female")
    await desk.family(father, mother)
    intention_id = await wished(desk, father, mother)
    await desk.give(INTENTION, intention_id, RecordAttemptEnded(person_ids=(father, mother)), HERE)
    for one in (father, mother):
        told = await held(desk, one)
        assert [row["id"] for row in told.records["intentions"]] == [str(intention_id)]
    await desk.give(INTENTION, intention_id, RecordReopeningAsked(person_ids=(father,)), HERE)
    told = await held(desk, mother)
    assert "intentions" not in told.records
    assert of(told, "intention") == ["expressed", "attempt_ended"]
    assert of(await held(desk, father), "intention") == ["expressed", "attempt_ended", "attempt_reopened"]
    await desk.give(INTENTION, intention_id, RecordReopeningAsked(person_ids=(father, mother)), HERE)
    told = await held(desk, mother)
    assert [row["id"] for row in told.records["intentions"]] == [str(intention_id)]
    assert of(told, "intention")[-1] == "attempt_reopened"
