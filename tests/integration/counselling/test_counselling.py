"""Counselling's commands on a real database: what is kept, what is refused, and what holds under concurrency."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from services.counselling.domain.erasure import PlaceLegalHold
from services.counselling.domain.family import RegisterFamily
from services.counselling.domain.group_session import RecordGroupSession
from services.counselling.domain.intention import (
    ExpressIntention,
    RecordAttemptEnded,
    RecordReopeningAsked,
)
from services.counselling.domain.person import GiveConsent, RegisterPerson
from services.counselling.domain.session import AmendSession, HoldSession
from services.counselling.figures import figures as of_counselling
from services.counselling.wiring import FAMILY, GROUP_SESSION, INTENTION, PERSON, SESSION, WIRING
from shared.aggregate import AnyAggregate
from shared.contracts.counselling import FamilyMember
from shared.db import Database, UnitOfWork
from shared.errors import RuleViolation, Stale
from shared.handling import Handled, Repeat, handle, read, transact
from shared.ids import uuid7
from shared.messages import Command, Context, Origin
from shared.policy import EVERYWHERE
from shared.statistics import Period
from shared.verify import verify
from tests.given import staff
from tests.integration.conftest import MakeDatabase, ServiceDatabase
from tests.integration.registering import given

NOW = datetime(2023, 5, 2, 12, 0, tzinfo=UTC)
ANNA = staff("anna", "counsellor")


async def give(
    database: Database, aggregate: AnyAggregate, id: UUID, order: Command, key: str | None = None,
    expected: int | None = None, body: bytes = b"",
) -> Handled:
    repeat = Repeat.of(key or str(uuid7()), type(order).__name__, id, body)
    return await transact(
        database, EVERYWHERE.scope(ANNA),
        lambda unit: given(unit, aggregate, id, order, Context(ANNA, NOW), expected_version=expected, repeat=repeat),
        WIRING.refusals,
    )  # fmt: skip


async def attempts(database: ServiceDatabase, person_id: UUID) -> int:
    """How many attempts of a person go on."""
    connection = await asyncpg.connect(database.logins.worker)
    found = await connection.fetchval("SELECT count(*) FROM active_attempts WHERE person_id = $1", person_id)
    await connection.close()
    assert isinstance(found, int)
    return found


async def noted(database: ServiceDatabase, id: UUID, order: Command) -> bool:
    """Takes note of something about a wish as a reaction does, with the worker's login and no key; whether it changed it."""

    async def work(unit: UnitOfWork) -> Handled:
        return await handle(unit, INTENTION, id, order, Context(ANNA, NOW), Origin("test-correlation"), reach=EVERYWHERE)

    return (await transact(database.worker, EVERYWHERE.scope(ANNA), work)).changed


def somebody() -> RegisterPerson:
    return RegisterPerson(sex="male", birth_year=1990, country_of_origin="TR", site="trc_lipa")


async def known(database: Database) -> UUID:
    person_id = uuid7()
    await give(database, PERSON, person_id, somebody())
    await give(
        database, PERSON, person_id,
        GiveConsent(consent="data", text_version="v1", language="tur", method="signature", given_at=NOW),
    )  # fmt: skip
    return person_id


async def heard(database: Database, *person_ids: UUID) -> UUID:
    session_id = uuid7()
    await give(
        database, SESSION, session_id,
        HoldSession(
            session_type="individual", modality="in_person", site="trc_lipa", language="tur", interpreter="none", present=("not_known",),
            person_ids=person_ids, held_at=NOW, outcome="intention_expressed",
        ),
    )  # fmt: skip
    return session_id


def wish(session_id: UUID, *person_ids: UUID) -> ExpressIntention:
    return ExpressIntention(
        session_id=session_id, principal_id=person_ids[0], person_ids=person_ids, destination_country="TR"
    )


async def test_a_command_leaves_row_event_and_concealed_value_that_agree(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = await known(database.api)
    leaf = await _leaves(database.worker)
    # An id may have these digits.
    assert not any("1990" in json.dumps(json.loads(one)["data"]) for one in leaf)
    findings = await verify(database.verify, "counselling", WIRING.by_name, WIRING.checks)
    assert (findings.events, findings.rows, findings.differences) == (2, 1, [])
    found = await transact(
        database.api, EVERYWHERE.scope(ANNA),
        lambda unit: read(unit, PERSON, person_id, Context(ANNA, NOW), reach=EVERYWHERE),
    )  # fmt: skip
    assert (found.version, found.state.sex) == (2, "male")


async def test_who_was_present_in_a_session_is_set_right_and_row_and_log_agree(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = await known(database.api)
    session_id = await heard(database.api, person_id)
    amended = AmendSession(present=("alone",), interpreter="phone", interpreter_kind="professional", reason="learnt_since")
    assert (await give(database.api, SESSION, session_id, amended)).changed
    assert not (await give(database.api, SESSION, session_id, amended)).changed
    found = await transact(
        database.api, EVERYWHERE.scope(ANNA),
        lambda unit: read(unit, SESSION, session_id, Context(ANNA, NOW), reach=EVERYWHERE),
    )  # fmt: skip
    assert (found.state.present, found.state.interpreter_kind, found.version) == (("alone",), "professional", 2)
    assert (await verify(database.verify, "counselling", WIRING.by_name, WIRING.checks)).differences == []


async def test_the_same_key_gives_the_first_answer_again_and_changes_nothing(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = uuid7()
    first = await give(database.api, PERSON, person_id, somebody(), key="key-1")
    again = await give(database.api, PERSON, person_id, somebody(), key="key-1")
    assert (first.repeated, again.repeated) == (False, True)
    assert (again.version, again.created) == (first.version, first.created)
    assert len(await _leaves(database.worker)) == 1


async def test_a_key_used_for_something_else_is_refused(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = uuid7()
    await give(database.api, PERSON, person_id, somebody(), key="key-1", body=b"one")
    with pytest.raises(RuleViolation, match="idempotency_key_reused"):
        await give(database.api, PERSON, person_id, somebody(), key="key-1", body=b"two")


async def test_sixteen_repeats_at_once_leave_one_event(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = uuid7()
    answers = await asyncio.gather(
        *(give(database.api, PERSON, person_id, somebody(), key="same-key") for _ in range(16))
    )
    assert {answer.version for answer in answers} == {1}
    assert sum(not answer.repeated for answer in answers) == 1
    assert len(await _leaves(database.worker)) == 1


async def test_a_version_that_has_moved_on_is_stale(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = await known(database.api)
    order = GiveConsent(consent="data", text_version="v2", language="tur", method="signature", given_at=NOW)
    with pytest.raises(Stale):
        await give(database.api, PERSON, person_id, order, expected=1)
    await give(database.api, PERSON, person_id, order, expected=2)


async def test_a_refused_command_leaves_nothing(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = uuid7()
    await give(database.api, PERSON, person_id, somebody())
    with pytest.raises(RuleViolation, match="data_consent_missing"):
        await heard(database.api, person_id)
    assert len(await _leaves(database.worker)) == 1


async def test_a_person_who_wishes_to_return_twice_at_once_begins_one_attempt(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = await known(database.api)
    sessions = [await heard(database.api, person_id) for _ in range(8)]
    answers = await asyncio.gather(
        *(give(database.api, INTENTION, uuid7(), wish(session, person_id)) for session in sessions),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, RuleViolation)]
    assert len(refused) == 7
    assert {refusal.code for refusal in refused} == {"attempt_already_active"}


async def test_when_an_attempt_has_ended_the_person_may_begin_another(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = await known(database.api)
    first = uuid7()
    await give(database.api, INTENTION, first, wish(await heard(database.api, person_id), person_id))
    await give(database.api, INTENTION, first, RecordAttemptEnded(person_ids=(person_id,)))
    await give(database.api, INTENTION, uuid7(), wish(await heard(database.api, person_id), person_id))
    assert (await verify(database.verify, "counselling", WIRING.by_name, WIRING.checks)).sound


async def test_an_attempt_goes_on_when_the_case_is_taken_up_again_but_not_beside_another(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = await known(database.api)
    first, over, again = uuid7(), RecordAttemptEnded(person_ids=(person_id,)), RecordReopeningAsked(person_ids=(person_id,))
    await give(database.api, INTENTION, first, wish(await heard(database.api, person_id), person_id))
    await give(database.api, INTENTION, first, over)
    await noted(database, first, again)
    assert await attempts(database, person_id) == 1
    with pytest.raises(RuleViolation, match="attempt_already_active"):
        await give(database.api, INTENTION, uuid7(), wish(await heard(database.api, person_id), person_id))
    await give(database.api, INTENTION, first, over)
    await give(database.api, INTENTION, uuid7(), wish(await heard(database.api, person_id), person_id))
    await noted(database, first, again)
    assert await attempts(database, person_id) == 1
    assert (await verify(database.verify, "counselling", WIRING.by_name, WIRING.checks)).sound


async def test_nobody_is_registered_in_two_families_at_once(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    principal, other = await known(database.api), await known(database.api)
    order = RegisterFamily(
        members=(
            FamilyMember(person_id=principal, relation="principal"), FamilyMember(person_id=other, relation="spouse"),
        )
    )  # fmt: skip
    answers = await asyncio.gather(
        *(give(database.api, FAMILY, uuid7(), order) for _ in range(6)), return_exceptions=True
    )
    assert sum(isinstance(answer, Handled) for answer in answers) == 1


async def test_a_wish_names_both_parents_of_a_child_as_its_family_has_them(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    father, mother, son = await known(database.api), await known(database.api), uuid7()
    await give(database.api, PERSON, son, somebody().model_copy(update={"birth_year": 2015}))
    members = (
        FamilyMember(person_id=father, relation="principal"), FamilyMember(person_id=mother, relation="spouse"),
        FamilyMember(person_id=son, relation="child"),
    )  # fmt: skip
    await give(database.api, FAMILY, uuid7(), RegisterFamily(members=members))
    intention_id = uuid7()
    await give(database.api, INTENTION, intention_id, wish(await heard(database.api, father), father, mother, son))
    (told,) = [json.loads(leaf) for leaf in await _leaves(database.worker) if b"intention.expressed" in leaf]
    named = {one["person_id"]: one["parent_ids"] for one in told["data"]["persons"]}
    assert named == {str(father): [], str(mother): [], str(son): [str(father), str(mother)]}


async def test_a_row_changed_by_hand_is_found(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = await known(database.api)
    connection = await asyncpg.connect(database.logins.migrate)
    await connection.execute("SET ROLE counselling_owner")
    await connection.execute("UPDATE persons SET site = 'trc_borici' WHERE id = $1", person_id)
    await connection.close()
    findings = await verify(database.verify, "counselling", WIRING.by_name, WIRING.checks)
    assert findings.differences == [f"person {person_id}: the row differs from its events"]


async def test_a_concealed_value_changed_by_hand_is_found(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    await give(database.api, PERSON, await known(database.api), PlaceLegalHold(reason="complaint"))
    connection = await asyncpg.connect(database.logins.migrate)
    await connection.execute("SET ROLE counselling_owner")
    assert await connection.execute("UPDATE disclosure SET value = 'inspection'") == "UPDATE 1"
    await connection.close()
    findings = await verify(database.verify, "counselling", WIRING.by_name, WIRING.checks)
    assert len(findings.differences) == 1
    assert findings.differences[0].endswith("does not match its digest")


async def test_the_database_refuses_a_status_that_cannot_follow(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = await known(database.api)
    session_id = await heard(database.api, person_id)
    connection = await asyncpg.connect(database.logins.migrate)
    await connection.execute("SET ROLE counselling_owner")
    with pytest.raises(asyncpg.PostgresError) as refused:
        await connection.execute(
            "UPDATE sessions SET status = 'scheduled', held_at = NULL WHERE id = $1", session_id
        )
    assert refused.value.sqlstate == "AV003"
    await connection.close()


async def test_a_command_takes_five_statements_or_four_without_facts(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = uuid7()
    # The first of all makes the key under which rows are sealed.
    await give(database.api, PERSON, uuid7(), somebody())
    # To register somebody takes two more: whether there is a key already, and the key.
    for statements, order in ((6, somebody()), (4, PlaceLegalHold(reason="complaint"))):
        before = database.api.counts.statements
        await give(database.api, PERSON, person_id, order)
        assert database.api.counts.statements - before == statements
    person_id = await known(database.api)
    before = database.api.counts.statements
    await heard(database.api, person_id)
    assert database.api.counts.statements - before == 5


async def test_the_report_counts_held_individual_sessions_and_distinct_persons(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = await known(database.api)
    await give(database.api, INTENTION, uuid7(), wish(await heard(database.api, person_id), person_id))
    await give(
        database.api, SESSION, uuid7(),
        HoldSession(
            session_type="legal_information", modality="in_person", site="trc_lipa", language="tur",
            interpreter="none", present=("not_known",), held_at=NOW, outcome="information_only",
        ),
    )  # fmt: skip
    period = Period(date(2023, 5, 2), date(2023, 5, 2), "Europe/Sarajevo")
    figures = await transact(database.api, EVERYWHERE.scope(ANNA), lambda unit: of_counselling(unit, period))
    values = {figure.key: figure.value for figure in figures}
    assert (values["sessions"], values["virtual_sessions"], values["intentions"]) == (1, 0, 1)


async def test_sessions_of_each_kind_are_counted_by_site_too(make_database: MakeDatabase) -> None:
    database = await make_database("counselling")
    person_id = await known(database.api)
    for _ in range(2):
        await heard(database.api, person_id)
    for site, at in (("trc_lipa", NOW), ("remote", NOW), ("remote", NOW - timedelta(days=1))):
        group = RecordGroupSession(
            site=site, language="tur", held_at=at, participants=10, female=2, male=8, children=1
        )  # fmt: skip
        await give(database.api, GROUP_SESSION, uuid7(), group)
    period = Period(date(2023, 5, 2), date(2023, 5, 2), "Europe/Sarajevo")
    figures = await transact(database.api, EVERYWHERE.scope(ANNA), lambda unit: of_counselling(unit, period))
    counted = {figure.key: (figure.value, figure.of) for figure in figures if figure.unit == "sessions"}
    assert counted == {
        "sessions": (2, None), "virtual_sessions": (0, 2), "group_sessions": (2, None), "sessions_at_trc_lipa": (2, 2),
        "group_sessions_at_remote": (1, 2), "group_sessions_at_trc_lipa": (1, 2),
    }  # fmt: skip
    assert next(figure.value for figure in figures if figure.key == "group_participants") == 20


async def _leaves(database: Database) -> list[bytes]:
    connection = await asyncpg.connect(database.url)
    rows = await connection.fetch("SELECT leaf FROM event_log ORDER BY idx")
    await connection.close()
    return [bytes(row["leaf"]) for row in rows]
