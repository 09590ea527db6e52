"""Erasing a person on PostgreSQL: everything personal goes in one transaction, and nothing about them ever begins again."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.counselling.domain.case_guardian import RecordCaseGuardian, RecordCaseGuardianEnded
from services.counselling.domain.erasure import (
    ApproveErasure,
    RecordErasureConfirmed,
    RecordPapersEnd,
    RequestErasure,
)
from services.counselling.domain.family import NameGuardian, RegisterFamily
from services.counselling.domain.intention import ExpressIntention, RecordAttemptEnded
from services.counselling.domain.person import GiveConsent
from services.counselling.domain.session import HoldSession, MarkSessionNotHeld, ScheduleSession
from services.counselling.tables import PERSONAL_TABLES
from services.counselling.wiring import FAMILY, INTENTION, PERSON, SESSION, WIRING
from shared.actors import Actor
from shared.aggregate import AnyAggregate
from shared.contracts.counselling import FamilyMember, Relation
from shared.db import Sql
from shared.errors import Refusal
from shared.handling import handle, transact
from shared.ids import uuid7
from shared.messages import Command, Context, Origin
from shared.policy import EVERYWHERE
from tests.given import NOON, staff
from tests.integration.bus.house import until
from tests.integration.counselling.desk import ANNA, Desk
from tests.integration.counselling.test_consents import agree, send
from tests.integration.counselling.test_identity import AT_LIPA, WHOLE
from tests.integration.returns.api import SERVICE, token

HERE = Actor.service("counselling")
DPO, CHIEF = staff("dpo", "data_protection"), staff("chief", "chief_of_mission")
_PERSONAL = ("person_keys", *(table.name for table in PERSONAL_TABLES))
_WAITING = Sql("SELECT pid FROM pg_locks WHERE NOT granted")


def held(*person_ids: UUID) -> HoldSession:
    return HoldSession(
        session_type="individual", modality="in_person", site="trc_lipa", language="tur", interpreter="none", present=("not_known",),
        person_ids=person_ids, held_at=NOON, topics=(), outcome="intention_expressed",
    )  # fmt: skip


def wish(session_id: UUID, person_id: UUID) -> ExpressIntention:
    return ExpressIntention(session_id=session_id, principal_id=person_id, person_ids=(person_id,), destination_country="TR")


async def asked_for(desk: Desk, person_id: UUID) -> None:
    await desk.give(PERSON, person_id, RequestErasure(ground="person_asked"), DPO)


async def erased(desk: Desk) -> UUID:
    person_id = await desk.agreed()
    await asked_for(desk, person_id)
    answer = await desk.post(f"persons/{person_id}/approve-erasure", {}, CHIEF)
    assert answer.status_code == 200, answer.text
    return person_id


async def tried(desk: Desk, aggregate: AnyAggregate, id: UUID, order: Command, by: Actor = ANNA) -> str:
    """What became of a command: ``done``, or the code by which it was refused."""
    try:
        await transact(
            desk.database.api, EVERYWHERE.scope(by),
            lambda unit: handle(unit, aggregate, id, order, Context(by, NOON), Origin("test"), reach=EVERYWHERE),
            WIRING.refusals,
        )  # fmt: skip
    except Refusal as refusal:
        return refusal.code
    return "done"


async def heard(desk: Desk, child: UUID, order: Command) -> str:
    """Takes note of something about a child as a reaction does, by the login that has no key of any person."""
    await transact(
        desk.database.worker, EVERYWHERE.scope(HERE),
        lambda unit: handle(unit, PERSON, child, order, Context(HERE, NOON), Origin("test"), reach=EVERYWHERE), WIRING.refusals,
    )  # fmt: skip
    return "done"


@contextlib.asynccontextmanager
async def half_done(desk: Desk, aggregate: AnyAggregate, id: UUID, order: Command, by: Actor = ANNA) -> AsyncIterator[None]:
    """A command whose changes are made and which commits when the block ends."""
    login = desk.database.worker if by == HERE else desk.database.api
    async with login.unit_of_work(EVERYWHERE.scope(by)) as unit:
        await handle(unit, aggregate, id, order, Context(by, NOON), Origin("test"), reach=EVERYWHERE)
        await unit.flush()
        yield


async def waits(desk: Desk, second: "asyncio.Task[str]") -> None:
    async def somebody() -> bool:
        async with desk.database.worker.unit_of_work(EVERYWHERE.scope(ANNA)) as unit:
            return second.done() or bool(await unit.rows(_WAITING))

    await until(somebody)
    assert not second.done(), "the second command did not wait for the first"


async def left_of(desk: Desk, person_id: UUID) -> dict[str, int]:
    """How many rows of each place still are about somebody."""
    connection = await asyncpg.connect(desk.database.logins.migrate)
    await connection.execute("SET ROLE counselling_owner")
    counts = {
        table: await connection.fetchval(f"SELECT count(*) FROM {table} WHERE person_id = $1", person_id)
        for table in _PERSONAL
    }
    counts["disclosure"] = await connection.fetchval(
        "SELECT count(*) FROM disclosure d JOIN event_log e ON e.id = d.event_id WHERE e.subject = $1", person_id
    )
    counts["answers"] = await connection.fetchval("SELECT count(*) FROM idempotency WHERE resource_id = $1", person_id)
    await connection.close()
    return counts


async def test_two_persons_erase_somebody_and_nothing_personal_is_left(desk: Desk) -> None:
    person_id, other = await desk.agreed(), await desk.agreed()
    for one in (person_id, other):
        assert (await desk.post(f"persons/{one}/record-identity", WHOLE, AT_LIPA)).status_code == 200
        status = await desk.post(f"persons/{one}/record-host-status", {"host_status": "irregular"}, AT_LIPA)
        assert status.status_code == 200, status.text
        assert (await send(desk, one, await agree(desk, one))).status_code == 200
    assert (await desk.post(f"persons/{person_id}/place-legal-hold", {"reason": "complaint"}, DPO)).status_code == 200
    before = await left_of(desk, person_id)
    assert min(before.values()) > 0

    async def asked(name: str, by: Actor, body: object) -> tuple[int, Any]:
        answer = await desk.post(f"persons/{person_id}/{name}", body, by)  # type: ignore[arg-type]
        return answer.status_code, answer.json().get("code")

    ground = {"ground": "person_asked"}
    assert await asked("request-erasure", AT_LIPA, ground) == (403, "not_permitted")
    assert await asked("request-erasure", DPO, ground) == (409, "legal_hold")
    assert await asked("lift-legal-hold", DPO, {"reason": "over"}) == (200, None)
    assert await asked("request-erasure", DPO, ground) == (200, None)
    assert await asked("approve-erasure", DPO, {}) == (409, "four_eyes")
    assert await asked("approve-erasure", replace(CHIEF, acr="pwd"), {}) == (401, "insufficient_user_authentication")
    (waiting,) = (await desk.get("erasures", {}, CHIEF)).json()["items"]
    assert (waiting["id"], waiting["status"]) == (str(person_id), "requested")
    assert await asked("approve-erasure", CHIEF, {}) == (200, None)

    # Only the answer to the approval itself is remembered, which says nothing.
    assert await left_of(desk, person_id) == {**dict.fromkeys(before, 0), "answers": 1}
    assert await left_of(desk, other) != dict.fromkeys(before, 0)
    view = (await desk.get(f"persons/{person_id}/erasure", {}, DPO)).json()
    assert (view["state"]["erasure"]["status"], view["state"]["legal_hold"]) == ("approved", False)
    assert [one["service"] for one in view["state"]["erasure"]["confirmed"]] == ["counselling"]
    assert {action["reason"] for action in view["actions"] if action["reason"] != "not_permitted"} == {"person_erased"}
    assert (await desk.get(f"persons/{person_id}/identity", {}, AT_LIPA)).status_code == 404
    view = (await desk.get(f"persons/{person_id}", {}, AT_LIPA)).json()
    assert (view["birth_year"], view["state"]["identity_fields"], view["state"]["data_consent"]) == (None, [], False)
    found = await desk.get("persons", {"country_of_origin": "TR", "birth_year": "1990"}, AT_LIPA)
    assert [row["id"] for row in found.json()["items"]] == [str(other)]
    assert await asked("record-identity", AT_LIPA, WHOLE) == (409, "person_erased")
    assert (await left_of(desk, person_id))["person_keys"] == 0
    verified = await desk.verified()
    assert verified.sound, verified.differences
    # What an event of the erasure says is what was deleted.
    connection = await asyncpg.connect(desk.database.worker.url)
    leaf = await connection.fetchval("SELECT leaf FROM event_log WHERE type = 'avrr.counselling.person.erased.v1'")
    await connection.close()
    deleted = {one["what"]: one["count"] for one in json.loads(leaf)["data"]["deleted"]}
    assert deleted == {table: before[table] for table in _PERSONAL}


async def test_receipts_are_listed_as_kept_until_they_were_deleted_too(desk: Desk) -> None:
    person_id, last, service = await erased(desk), date(2033, 3, 31), Actor.service("counselling")
    for holder, kept in (("returns", 0), ("reintegration", 2)):
        confirmed = RecordErasureConfirmed(
            service=holder, erased_at=NOON, kept=kept, kept_until=last if kept else None
        )
        await desk.give(PERSON, person_id, confirmed, service)

    async def kept_until() -> object:
        (row,) = (await desk.get("erasures", {"status": "completed"}, DPO)).json()["items"]
        return row["kept_until"]

    assert await kept_until() == "2033-03-31"
    await desk.give(PERSON, person_id, RecordPapersEnd(service="reintegration", ended_on=date(2033, 4, 1)), service)
    assert await kept_until() is None
    state = (await desk.get(f"persons/{person_id}/erasure", {}, DPO)).json()["state"]["erasure"]
    assert [(one["kept"], one["ended_on"]) for one in state["confirmed"]] == [(0, None), (0, None), (2, "2033-04-01")]
    assert (await desk.verified()).sound


async def test_verify_finds_what_was_left_of_somebody_erased(desk: Desk) -> None:
    person_id = await erased(desk)
    assert (await desk.verified()).sound
    await desk.by_hand("ALTER TABLE identities DISABLE TRIGGER goes_with_the_person")
    await desk.by_hand(
        "INSERT INTO identities (person_id, version, number, site, recorded_by, recorded_at, stated, emptied) "
        f"VALUES ('{person_id}', 2, 1, 'trc_lipa', 'staff:anna', now(), '{{}}', '{{}}')"
    )
    assert any(found == f"erased persons: {person_id}" for found in (await desk.verified()).differences)


async def test_nobody_is_erased_past_the_rules(desk: Desk) -> None:
    """Not even by whoever has taken over a login: the row needs a second person's approval, and no open case."""
    person_id = await desk.agreed()
    await asked_for(desk, person_id)
    session_id, intention_id = uuid7(), uuid7()
    await desk.give(SESSION, session_id, held(person_id))
    for said in (
        "", ", erasure = erasure || jsonb_build_object('approved_by', erasure ->> 'requested_by')",
    ):  # fmt: skip
        with pytest.raises(asyncpg.CheckViolationError):
            await desk.by_hand(f"UPDATE persons SET erased_at = now(){said} WHERE id = '{person_id}'")
    await desk.give(INTENTION, intention_id, wish(session_id, person_id))
    assert await tried(desk, PERSON, person_id, ApproveErasure(), CHIEF) == "case_open"
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await desk.by_hand(
            "UPDATE persons SET erased_at = now(), "
            f"erasure = erasure || '{{\"approved_by\": \"staff:chief\"}}' WHERE id = '{person_id}'"
        )
    assert refused.value.constraint_name == "erased_has_no_open_case"


async def test_the_guardian_of_a_child_who_is_about_to_return_is_not_erased(desk: Desk) -> None:
    """Who need not travel has no case, and is the only one who may speak for the child."""
    principal, child, uncle = [await desk.agreed(year) for year in (1985, 2015, 1970)]
    members = (
        FamilyMember(person_id=principal, relation="principal"), FamilyMember(person_id=child, relation="child"),
        FamilyMember(person_id=uncle, relation="guardian", guardian_of=(child,)),
    )  # fmt: skip
    await desk.give(FAMILY, uuid7(), RegisterFamily(members=members))
    await asked_for(desk, uncle)
    session_id, intention_id = uuid7(), uuid7()
    await desk.give(SESSION, session_id, held(principal, child))
    going = ExpressIntention(
        session_id=session_id, principal_id=principal, person_ids=(principal, child), destination_country="TR"
    )
    await desk.give(INTENTION, intention_id, going)
    assert await tried(desk, PERSON, uncle, ApproveErasure(), CHIEF) == "case_open"
    refused = await desk.post(f"persons/{principal}/request-erasure", {"ground": "person_asked"}, DPO)
    assert refused.json()["code"] == "case_open"
    ended = RecordAttemptEnded(person_ids=(child,))
    await desk.give(INTENTION, intention_id, ended, Actor.service("counselling"))
    assert await tried(desk, PERSON, uncle, ApproveErasure(), CHIEF) == "done"
    assert (await desk.verified()).sound


async def test_who_stands_up_for_a_child_in_its_case_is_not_erased_while_that_is_open_also_without_a_family(desk: Desk) -> None:
    """As returns noted it; and of who was erased meanwhile returns is told that they do not."""
    child, guardian, other = [await desk.agreed(year) for year in (2008, 1970, 1971)]
    session_id, intention_id = uuid7(), uuid7()
    noted = RecordCaseGuardian(guardian_id=guardian, case_id=intention_id)
    await desk.give(SESSION, session_id, held(child))
    await desk.give(INTENTION, intention_id, wish(session_id, child))
    for one in (guardian, other):
        await asked_for(desk, one)
    async with half_done(desk, PERSON, child, noted, HERE):
        second = asyncio.ensure_future(tried(desk, PERSON, guardian, ApproveErasure(), CHIEF))
        await waits(desk, second)
    assert await second == "case_open"
    refused = await desk.post(f"persons/{guardian}/request-erasure", {"ground": "person_asked"}, DPO)
    assert refused.json()["code"] == "erasure_requested"
    async with half_done(desk, PERSON, other, ApproveErasure(), CHIEF):
        second = asyncio.ensure_future(heard(desk, child, RecordCaseGuardian(guardian_id=other, case_id=intention_id)))
        await waits(desk, second)
    assert await second == "done"
    # Whoever took their place and was erased at that moment is nobody's guardian, and neither is kept.
    assert await tried(desk, PERSON, guardian, ApproveErasure(), CHIEF) == "done"
    assert (await desk.verified()).sound


async def test_our_services_are_told_who_is_a_registered_adult_and_nobody_else_is(desk: Desk) -> None:
    adult, child, gone = await desk.registered(1990), await desk.registered(2005), await erased(desk)
    headers = {"Authorization": f"Bearer {token(SERVICE)}", "Avrr-Now": NOON.isoformat()}
    asked = {"person_id": [str(one) for one in (adult, child, gone, uuid7())]}
    answer = await desk.client.get("/v1/adults", params=asked, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"adults": [str(adult)]})
    # The doubt protects until the last day on which somebody could still be taken for a child.
    for at, known in ((datetime(2023, 12, 31, 12, tzinfo=UTC), [adult]), (datetime(2024, 1, 1, 12, tzinfo=UTC), [adult, child])):
        answer = await desk.client.get("/v1/adults", params=asked, headers={**headers, "Avrr-Now": at.isoformat()})
        assert set(answer.json()["adults"]) == {str(one) for one in known}
    for by in (ANNA, DPO, CHIEF):
        assert (await desk.get("adults", {"person_id": str(adult)}, by)).status_code == 403


async def test_a_guardian_of_a_case_is_erased_once_it_has_ended_or_they_are_none_any_more(desk: Desk) -> None:
    for ended in (RecordAttemptEnded, RecordCaseGuardianEnded):
        child, guardian, session_id, intention_id = await desk.agreed(2008), await desk.agreed(1970), uuid7(), uuid7()
        await desk.give(SESSION, session_id, held(child))
        await desk.give(INTENTION, intention_id, wish(session_id, child))
        await heard(desk, child, RecordCaseGuardian(guardian_id=guardian, case_id=intention_id))
        refused = await desk.post(f"persons/{guardian}/request-erasure", {"ground": "person_asked"}, DPO)
        assert refused.json()["code"] == "case_open"
        if ended is RecordAttemptEnded:
            await desk.give(INTENTION, intention_id, RecordAttemptEnded(person_ids=(child,)), HERE)
        else:
            await heard(desk, child, RecordCaseGuardianEnded(guardian_id=guardian, case_id=intention_id))
        await asked_for(desk, guardian)
        assert await tried(desk, PERSON, guardian, ApproveErasure(), CHIEF) == "done"
    assert (await desk.verified()).sound


async def test_a_parent_who_does_not_travel_is_not_erased_while_the_childs_case_is_open_unless_another_is_named(
    desk: Desk,
) -> None:
    """Where nobody is named as its guardian, it is the parents who agree for the child, also the one who stays."""
    mother, child, father, uncle, grown = [await desk.agreed(year) for year in (1985, 2015, 1980, 1970, 2000)]
    relations: tuple[tuple[UUID, Relation], ...] = (
        (mother, "principal"), (child, "child"), (father, "spouse"), (uncle, "other_dependant"), (grown, "child"),
    )  # fmt: skip
    family_id, session_id, intention_id = uuid7(), uuid7(), uuid7()
    members = tuple(FamilyMember(person_id=id, relation=relation) for id, relation in relations)
    await desk.give(FAMILY, family_id, RegisterFamily(members=members))
    for one in (mother, uncle):
        await asked_for(desk, one)
    going = (father, child, grown)
    await desk.give(SESSION, session_id, held(*going))
    wish_of_three = ExpressIntention(
        session_id=session_id, principal_id=father, person_ids=going, destination_country="TR"
    )
    async with half_done(desk, INTENTION, intention_id, wish_of_three):
        second = asyncio.ensure_future(tried(desk, PERSON, mother, ApproveErasure(), CHIEF))
        await waits(desk, second)
    assert await second == "case_open"
    assert await tried(desk, PERSON, uncle, ApproveErasure(), CHIEF) == "done"
    # Who has grown up agrees alone, and for the child it is another's part now.
    await desk.give(FAMILY, family_id, NameGuardian(person_id=father, guardian_of=(child,)))
    assert await tried(desk, PERSON, mother, ApproveErasure(), CHIEF) == "done"
    assert (await desk.verified()).sound


async def test_nobody_agrees_for_a_child_any_more_who_was_erased(desk: Desk) -> None:
    mother, child = await desk.agreed(1985), await desk.registered(2015)
    await desk.family(mother, child, "child")
    await asked_for(desk, mother)
    assert await tried(desk, PERSON, mother, ApproveErasure(), CHIEF) == "done"
    body = {
        "consent": "data", "text_version": "v1", "language": "tur", "method": "signature",
        "given_at": NOON.isoformat().replace("+00:00", "Z"), "given_by": str(mother),
    }  # fmt: skip
    answer = await desk.post(f"persons/{child}/give-consent", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_a_guardian")


Household = tuple[UUID, UUID, UUID, UUID]


async def household(desk: Desk, *, named: bool = True) -> Household:
    """A mother, her child, an uncle who need not travel and may be named as its guardian, and their family."""
    mother, child, uncle = [await desk.agreed(year) for year in (1985, 2015, 1970)]
    members = (
        FamilyMember(person_id=mother, relation="principal"), FamilyMember(person_id=child, relation="child"),
        FamilyMember(person_id=uncle, relation="guardian", guardian_of=(child,)) if named
        else FamilyMember(person_id=uncle, relation="other_dependant"),
    )  # fmt: skip
    family_id = uuid7()
    await desk.give(FAMILY, family_id, RegisterFamily(members=members))
    return mother, child, uncle, family_id


async def going_home(desk: Desk, made: Household) -> tuple[AnyAggregate, UUID, Command]:
    """The wish of mother and child, which the session before it makes possible."""
    session_id, both = uuid7(), made[:2]
    await desk.give(SESSION, session_id, held(*both))
    order = ExpressIntention(session_id=session_id, principal_id=made[0], person_ids=both, destination_country="TR")
    return INTENTION, uuid7(), order


def media(given_by: UUID) -> GiveConsent:
    return GiveConsent(consent="media", text_version="v1", language="tur", method="signature", given_at=NOON, given_by=given_by)


async def test_a_parent_agrees_for_a_child_whose_named_guardian_was_erased(desk: Desk) -> None:
    mother, child, uncle, _ = await household(desk)
    assert await tried(desk, PERSON, child, media(mother)) == "not_a_guardian"
    await asked_for(desk, uncle)
    assert await tried(desk, PERSON, uncle, ApproveErasure(), CHIEF) == "done"
    assert await tried(desk, PERSON, child, media(uncle)) == "not_a_guardian"
    assert await tried(desk, PERSON, child, media(mother)) == "done"
    assert (await desk.verified()).sound


async def test_who_erases_a_guardian_and_who_relies_on_them_take_turns(desk: Desk) -> None:
    """Of the two the later one waits, then judges by what the other made true."""

    async def begun() -> tuple[UUID, tuple[tuple[AnyAggregate, UUID, Command], ...]]:
        _, child, uncle, family_id = made = await household(desk)
        await asked_for(desk, uncle)
        named = NameGuardian(person_id=uncle, guardian_of=(child,))
        return uncle, (await going_home(desk, made), (PERSON, child, media(uncle)), (FAMILY, family_id, named))

    # The erasure first. The child's wish, which nobody else has to agree to, waits and stands: it is as if spoken after it.
    for number, expected in enumerate(("done", "not_a_guardian", "person_erased")):
        uncle, relying = await begun()
        aggregate, id, order = relying[number]
        async with half_done(desk, PERSON, uncle, ApproveErasure(), CHIEF):
            second = asyncio.ensure_future(tried(desk, aggregate, id, order))
            await waits(desk, second)
        assert await second == expected, type(order).__name__

    # The other first: with a case of the child's nobody erases the guardian, and what they agreed to before stands.
    for number, expected in ((0, "case_open"), (1, "done")):
        uncle, relying = await begun()
        async with half_done(desk, *relying[number]):
            second = asyncio.ensure_future(tried(desk, PERSON, uncle, ApproveErasure(), CHIEF))
            await waits(desk, second)
        assert await second == expected
    # And somebody is made the guardian of a child that is about to go home, at the moment of their own erasure.
    _, _, uncle, family_id = made = await household(desk, named=False)
    await desk.give(*await going_home(desk, made))
    await asked_for(desk, uncle)
    async with half_done(desk, FAMILY, family_id, NameGuardian(person_id=uncle, guardian_of=(made[1],))):
        second = asyncio.ensure_future(tried(desk, PERSON, uncle, ApproveErasure(), CHIEF))
        await waits(desk, second)
    assert await second == "case_open"
    verified = await desk.verified()
    assert verified.sound, verified.differences


async def test_nothing_about_somebody_erased_begins_also_not_at_the_same_moment(desk: Desk) -> None:
    """Of an approval and whatever else is begun, the later one waits, then sees the other's truth and refuses."""
    gone = await erased(desk)
    scheduled = ScheduleSession(
        session_type="individual", modality="in_person", site="trc_lipa", language="tur", person_ids=(gone,),
        scheduled_for=NOON.replace(year=2024),
    )  # fmt: skip
    family = RegisterFamily(
        members=(
            FamilyMember(person_id=gone, relation="principal"),
            FamilyMember(person_id=await desk.agreed(), relation="spouse"),
        )
    )
    refused: tuple[tuple[AnyAggregate, Command], ...] = ((SESSION, held(gone)), (SESSION, scheduled), (FAMILY, family))
    for aggregate, order in refused:
        assert await tried(desk, aggregate, uuid7(), order) == "person_erased"

    # The approval is half done when the others have read that nothing stands against them.
    for number in range(3):
        person_id, session_id = await desk.agreed(), uuid7()
        await desk.give(SESSION, session_id, held(person_id))
        await asked_for(desk, person_id)
        begun: tuple[tuple[AnyAggregate, Command], ...] = (
            (SESSION, held(person_id)), (INTENTION, wish(session_id, person_id)),
            (FAMILY, RegisterFamily(members=(
                FamilyMember(person_id=person_id, relation="principal"),
                FamilyMember(person_id=await desk.agreed(), relation="spouse"),
            ))),
        )  # fmt: skip
        aggregate, order = begun[number]
        before = desk.database.api.counts.transactions
        async with half_done(desk, PERSON, person_id, ApproveErasure(), CHIEF):
            second = asyncio.ensure_future(tried(desk, aggregate, uuid7(), order))
            await waits(desk, second)
        assert await second == "person_erased", type(order).__name__
        # Neither was a victim of the other's locks and began anew.
        assert desk.database.api.counts.transactions - before == 2

    # And the other way round: a wish is half done when the person's erasure is approved.
    person_id, session_id = await desk.agreed(), uuid7()
    await desk.give(SESSION, session_id, held(person_id))
    await asked_for(desk, person_id)
    async with half_done(desk, INTENTION, uuid7(), wish(session_id, person_id)):
        second = asyncio.ensure_future(tried(desk, PERSON, person_id, ApproveErasure(), CHIEF))
        await waits(desk, second)
    assert await second == "case_open"
    verified = await desk.verified()
    assert verified.sound, verified.differences


async def test_an_appointment_with_somebody_erased_can_still_be_recorded_as_not_held(desk: Desk) -> None:
    person_id, session_id = await desk.agreed(), uuid7()
    order = ScheduleSession(
        session_type="individual", modality="in_person", site="trc_lipa", language="tur", person_ids=(person_id,),
        scheduled_for=NOON.replace(year=2024),
    )  # fmt: skip
    await desk.give(SESSION, session_id, order)
    await asked_for(desk, person_id)
    assert await tried(desk, PERSON, person_id, ApproveErasure(), CHIEF) == "done"
    assert await tried(desk, SESSION, session_id, held(person_id)) == "person_erased"
    assert await tried(desk, SESSION, session_id, MarkSessionNotHeld(reason="cancelled_by_migrant")) == "done"
    verified = await desk.verified()
    assert verified.sound, verified.differences
