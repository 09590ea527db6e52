"""Who a person is, over HTTP: kept sealed beside its event, shown as far as its reader may see, each reading on record.

All persons here are invented.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from services.counselling.domain.identity import FIELDS
from services.counselling.domain.intention import ExpressIntention, RecordAttemptEnded
from services.counselling.domain.session import HoldSession, MarkSessionNotHeld, ScheduleSession
from services.counselling.wiring import INTENTION, SESSION
from shared.actors import Actor
from shared.contracts.counselling import Site
from shared.handling import Repeat, opened_fingerprint
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from shared.row_keys import is_sealed
from tests.given import NOON, staff
from tests.integration.counselling.desk import Desk

AT_LIPA = replace(staff("amira", "counsellor"), sites=frozenset({"trc_lipa"}))
ELSEWHERE = replace(staff("berta", "counsellor"), sites=frozenset({"trc_usivak"}))
COORDINATOR = staff("ceca", "coordinator")
PROTECTION = staff("dana", "protection")
# Strings that stand nowhere else, in each of the fields.
WHOLE: Mapping[str, Any] = {
    "family_name": "Kanarifamily", "given_names": "Kanarigiven", "family_name_own_script": "کناری‌پرنده",
    "given_names_own_script": "قناریپرنده", "other_names": [{"other_name": "Канарейка"}], "birth_date": "1990-11-23",
    "nationalities": [{"nationality": "AF"}, {"nationality": "PK"}], "languages": ["prs", "pus"],
    "contacts": [{"kind": "phone", "contact": "+38700777555", "safe": True, "preferred": True}],
    "documents": [
        {"document_type": "passport", "document_number": "P0777 123", "issuing_country": "AF", "expires_on": "2031-07-19"}
    ],
    "education": "tertiary", "occupation": "kanari keeper", "skills": [{"skill": "kanari breeding"}],
}  # fmt: skip
CANARIES = (
    "P0777", "2031-07", "tertiary",
    "Kanarifamily", "Kanarigiven", "کناری", "قناری", "Канарейка", "1990-11", "+38700777555", '"prs"', '"PK"', "kanari",
)  # fmt: skip
MASKED: Mapping[str, Any] = {
    "family_name": "K…", "given_names": "K…", "family_name_own_script": "ک…", "given_names_own_script": "ق…",
    "other_names": ["\N{CYRILLIC CAPITAL LETTER KA}…"], "birth_date": "1990", "birth_date_precision": "year", "nationalities": [], "stateless": None,
    "languages": [], "contacts": [], "documents": [], "education": None, "occupation": None, "skills": [],
}  # fmt: skip
NAMES: Mapping[str, Any] = {
    **MASKED, "other_names": ["Канарейка"],
    **{name: WHOLE[name] for name in WHOLE if name.startswith(("family", "given"))},
}  # fmt: skip
EVERYTHING: Mapping[str, Any] = {
    **NAMES, "birth_date": "1990-11-23", "birth_date_precision": "day", "nationalities": ["AF", "PK"], "stateless": False,
    "languages": ["prs", "pus"], "contacts": WHOLE["contacts"], "documents": WHOLE["documents"], "education": "tertiary",
    "occupation": "kanari keeper", "skills": ["kanari breeding"],
}  # fmt: skip


async def recorded(desk: Desk, body: Mapping[str, Any] = WHOLE, by: Actor = AT_LIPA) -> UUID:
    person_id = await desk.agreed()
    answer = await desk.post(f"persons/{person_id}/record-identity", body, by)
    assert answer.status_code == 200, answer.text
    return person_id


async def seen(desk: Desk, person_id: UUID, by: Actor = AT_LIPA, **query: str) -> Any:
    answer = await desk.get(f"persons/{person_id}/identity", query, by)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def heard(desk: Desk, person_id: UUID, by: Actor, site: Site = "trc_usivak") -> UUID:
    session_id = uuid7()
    order = HoldSession(
        session_type="individual", modality="in_person", site=site, language="tur", interpreter="none", present=("not_known",),
        person_ids=(person_id,), held_at=NOON, topics=(), outcome="intention_expressed",
    )  # fmt: skip
    await desk.give(SESSION, session_id, order, by)
    return session_id


async def everything_kept(desk: Desk) -> str:
    """Every row of every table, sealed bytes too, as text and with what its bytes say."""
    connection = await asyncpg.connect(desk.database.logins.migrate)
    await connection.execute("SET ROLE counselling_owner")
    tables = [row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    said: list[str] = []
    for table in tables:
        for row in await connection.fetch(f'SELECT * FROM "{table}"'):
            said += [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in row.values()]
    await connection.close()
    assert {"identities", "event_log", "disclosure", "idempotency", "person_keys"} <= set(tables)
    return "\n".join(said)


async def test_it_is_masked_without_a_purpose_and_whole_with_one_and_each_reading_is_on_record(desk: Desk) -> None:
    person_id = await recorded(desk)
    for reader in (AT_LIPA, COORDINATOR, PROTECTION):
        view = await seen(desk, person_id, reader)
        assert (view["shown"], view["identity"], view["versions"]) == ("masked", MASKED, [])
        assert (view["number"], view["known"]) == (1, list(FIELDS))
        for purpose in ("casework", "travel_document", "medical", "correction"):
            view = await seen(desk, person_id, reader, purpose=purpose)
            assert (view["shown"], view["identity"]) == ("all", EVERYTHING)
    said = [(row["operation"], row["about"], row["purpose"]) for row in await desk.readings()]
    purposes = [None, "casework", "travel_document", "medical", "correction"]
    assert said == [("read_identity", str(person_id), purpose) for purpose in purposes] * 3
    assert (await desk.verified()).sound


async def test_what_is_no_purpose_is_malformed_and_nobody_may_say_that_they_counsel(desk: Desk) -> None:
    person_id = await recorded(desk)
    for purpose in ("", "curiosity", "counselling"):
        answer = await desk.get(f"persons/{person_id}/identity", {"purpose": purpose}, AT_LIPA)
        assert answer.status_code == 422
    assert await desk.readings() == []


async def test_no_value_stands_in_any_table_event_or_log_line(desk: Desk) -> None:
    with capture_logs() as lines:
        person_id = await recorded(desk)
        await desk.post(f"persons/{person_id}/record-identity", WHOLE, AT_LIPA)
        await desk.post(f"persons/{person_id}/record-identity", {**WHOLE, "reason": "misspelt"}, AT_LIPA)
        wrong = await desk.post(f"persons/{person_id}/record-identity", {"family_name": "Kanari<family"}, AT_LIPA)
        assert wrong.status_code == 422
        await seen(desk, person_id, purpose="casework")
    said = await everything_kept(desk) + json.dumps(lines, default=str, ensure_ascii=False) + wrong.text
    assert "identity_recorded" in said
    assert lines
    assert [canary for canary in CANARIES if canary in said] == []


async def test_the_same_sent_again_is_recorded_once_and_another_body_under_its_key_is_refused(desk: Desk) -> None:
    person_id, key = await desk.agreed(), str(uuid7())
    path = f"persons/{person_id}/record-identity"
    first, again = await desk.post(path, WHOLE, AT_LIPA, key), await desk.post(path, WHOLE, AT_LIPA, key)
    assert (first.json()["repeated"], again.json()["repeated"]) == (False, True)
    assert first.json()["version"] == again.json()["version"] == 3
    other = await desk.post(path, {"family_name": "Other"}, AT_LIPA, key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert (await seen(desk, person_id, all="true"))["number"] == 1


async def test_the_body_is_remembered_in_a_way_that_nobody_can_try_names_against(desk: Desk) -> None:
    person_id, key, name = await desk.agreed(), str(uuid7()), {"family_name": "Kanarifamily"}
    answer = await desk.post(f"persons/{person_id}/record-identity", name, AT_LIPA, key)
    connection = await asyncpg.connect(desk.database.logins.migrate)
    await connection.execute("SET ROLE counselling_owner")
    remembered = await connection.fetchval("SELECT fingerprint FROM idempotency WHERE key = $1", key)
    await connection.close()
    bare = Repeat.of(key, "record_identity", person_id, answer.request.content).fingerprint
    assert is_sealed(remembered.decode()) and bare.hex().encode() not in remembered
    # What is sealed with the row's key, which others have as well, is made under the person's.
    async with desk.database.api.unit_of_work(EVERYWHERE.scope(AT_LIPA)) as unit:
        kept = await opened_fingerprint(unit, "counselling", AT_LIPA.person_id, key, remembered)
    assert len(kept) == 32 and kept != bare


async def test_sent_several_times_at_once_it_is_recorded_once_and_of_two_first_ones_the_later_is_a_correction(
    desk: Desk,
) -> None:
    one, other, key = await desk.agreed(), await desk.agreed(), str(uuid7())
    again = await asyncio.gather(*(desk.post(f"persons/{one}/record-identity", WHOLE, AT_LIPA, key) for _ in range(4)))
    assert [answer.status_code for answer in again] == [200] * 4
    assert sorted(answer.json()["repeated"] for answer in again) == [False, True, True, True]
    names = [{"family_name": f"Kanari{letter}"} for letter in "abc"]
    rivals = await asyncio.gather(*(desk.post(f"persons/{other}/record-identity", name, AT_LIPA) for name in names))
    assert sorted(answer.status_code for answer in rivals) == [200, 409, 409]
    assert {answer.json().get("code") for answer in rivals} == {None, "correction_reason_missing"}
    assert (await seen(desk, one))["number"] == (await seen(desk, other))["number"] == 1
    assert (await desk.verified()).sound


async def test_a_refused_command_leaves_no_key_behind(desk: Desk) -> None:
    person_id = await desk.registered()
    for id in (person_id, uuid7()):
        assert (await desk.post(f"persons/{id}/record-identity", WHOLE, AT_LIPA)).status_code in (404, 409)
    connection = await asyncpg.connect(desk.database.logins.migrate)
    await connection.execute("SET ROLE counselling_owner")
    # The one is what the year of birth is sealed under.
    assert [row["person_id"] for row in await connection.fetch("SELECT person_id FROM person_keys")] == [person_id]
    await connection.close()


async def test_a_correction_adds_a_version_and_keeps_what_was_believed_with_author_and_reason(desk: Desk) -> None:
    person_id = await recorded(desk, {"family_name": "Kanarifamily", "birth_date": "1990"})
    path = f"persons/{person_id}/record-identity"
    refused = await desk.post(path, {"family_name": "Canarsky"}, COORDINATOR)
    assert (refused.status_code, refused.json()["code"]) == (409, "correction_reason_missing")
    correction = {"family_name": "Canarsky", "given_names": "Ana", "reason": "document_seen"}
    assert (await desk.post(path, correction, COORDINATOR)).status_code == 200
    view = await seen(desk, person_id, purpose="casework", all="true")
    latest = view["identity"]
    assert (latest["family_name"], latest["given_names"], latest["birth_date"]) == ("Canarsky", "Ana", "1990")
    first, second = view["versions"]
    assert (first["number"], first["recorded_by"], first["reason"], first["corrected"]) == (1, "staff:amira", None, [])
    assert first["identity"]["family_name"] == "Kanarifamily"
    assert (second["number"], second["recorded_by"], second["reason"]) == (2, "staff:ceca", "document_seen")
    assert (second["stated"], second["corrected"]) == (["family_name", "given_names"], ["family_name"])
    masked = await seen(desk, person_id, all="true")
    assert [one["identity"]["family_name"] for one in masked["versions"]] == ["K…", "C…"]
    emptied = {"emptied": ["family_name", "birth_date"], "reason": "recorded_by_mistake"}
    assert (await desk.post(path, emptied, COORDINATOR)).status_code == 200
    view = await seen(desk, person_id, purpose="casework", all="true")
    assert (view["known"], view["identity"]["family_name"], view["identity"]["birth_date"]) == (["given_names"], None, None)
    third = view["versions"][2]
    assert (third["stated"], third["emptied"], third["reason"]) == ([], emptied["emptied"], "recorded_by_mistake")
    assert view["versions"][1]["identity"]["family_name"] == "Canarsky"
    assert (await desk.verified()).sound


async def test_another_site_neither_records_nor_reads_it_and_the_refusal_is_like_that_of_nobody(desk: Desk) -> None:
    person_id = await recorded(desk)
    for path in (f"persons/{person_id}/identity", f"persons/{uuid7()}/identity"):
        answer = await desk.get(path, {"purpose": "casework"}, ELSEWHERE)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await desk.post(f"persons/{person_id}/record-identity", {"given_names": "Ana"}, ELSEWHERE)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await desk.get(f"persons/{person_id}", {}, ELSEWHERE)).json()["identity_shown"] is None
    connection = await asyncpg.connect(desk.database.worker.url)
    refusals = await connection.fetchval("SELECT count(*) FROM event_log WHERE type LIKE '%access.refused.v1'")
    await connection.close()
    assert refusals == 3


async def test_who_counsels_the_person_sees_the_names_without_being_asked_why_on_record(desk: Desk) -> None:
    person_id = await recorded(desk)
    await heard(desk, person_id, ELSEWHERE)
    assert (await desk.get(f"persons/{person_id}", {}, ELSEWHERE)).json()["identity_shown"] == "names"
    view = await seen(desk, person_id, ELSEWHERE)
    assert (view["shown"], view["identity"]) == ("names", NAMES)
    assert (await desk.readings())[-1]["purpose"] == "counselling"
    assert (await seen(desk, person_id, AT_LIPA))["shown"] == "masked"


async def test_who_heard_a_family_wish_counsels_all_of_it_until_the_attempt_has_ended(desk: Desk) -> None:
    person_id, speaker = await recorded(desk), await desk.agreed(1985)
    await desk.family(speaker, person_id)
    session_id, intention_id = await heard(desk, speaker, ELSEWHERE), uuid7()
    assert (await desk.get(f"persons/{person_id}/identity", {}, ELSEWHERE)).status_code == 404
    wish = ExpressIntention(
        session_id=session_id, principal_id=speaker, person_ids=(speaker, person_id), destination_country="TR"
    )
    await desk.give(INTENTION, intention_id, wish, ELSEWHERE)
    assert (await seen(desk, person_id, ELSEWHERE))["shown"] == "names"
    await desk.give(INTENTION, intention_id, RecordAttemptEnded(person_ids=(person_id,)), ELSEWHERE)
    assert (await desk.get(f"persons/{person_id}/identity", {}, ELSEWHERE)).status_code == 404


async def test_a_session_that_was_not_held_is_no_counselling(desk: Desk) -> None:
    person_id, session_id = await recorded(desk), uuid7()
    order = ScheduleSession(
        session_type="individual", modality="in_person", site="trc_usivak", language="tur", person_ids=(person_id,),
        scheduled_for=NOON.replace(hour=14),
    )  # fmt: skip
    await desk.give(SESSION, session_id, order, ELSEWHERE)
    assert (await seen(desk, person_id, ELSEWHERE))["shown"] == "names"
    await desk.give(SESSION, session_id, MarkSessionNotHeld(reason="no_show"), ELSEWHERE, NOON.replace(hour=15))
    assert (await desk.get(f"persons/{person_id}/identity", {}, ELSEWHERE)).status_code == 404


# Each field's value is put in place of each other's of the same row, so that two stand wrong at a time.
SWAPS = {
    **{
        f"{field} and another column": f"UPDATE identities SET {field} = {other}, {other} = {field} "
        "WHERE person_id = '{one}' AND number = 1"
        for field, other in zip(FIELDS, (*FIELDS[1:], FIELDS[0]), strict=True)
    },
    **{
        f"{field} of another person": f"UPDATE identities i SET {field} = (SELECT o.{field} FROM identities o "
        "WHERE o.person_id = '{other}') WHERE person_id = '{one}' AND number = 1"
        for field in FIELDS
    },
    "another version": "UPDATE identities i SET family_name = (SELECT o.family_name FROM identities o WHERE o.person_id = "
    "i.person_id AND o.number = 1) WHERE person_id = '{one}' AND number = 2",
    "another key": "UPDATE person_keys k SET wrapped = (SELECT o.wrapped FROM person_keys o WHERE o.person_id = '{other}') "
    "WHERE person_id = '{one}'",
    "no key": "DELETE FROM person_keys WHERE person_id = '{one}'",
}


async def test_a_sealed_value_put_elsewhere_is_refused_on_reading(desk: Desk) -> None:
    other = await recorded(desk)
    for swap, statement in SWAPS.items():
        one = await recorded(desk)
        correction = {"family_name": "Canarsky", "reason": "misspelt"}
        assert (await desk.post(f"persons/{one}/record-identity", correction, AT_LIPA)).status_code == 200
        await desk.by_hand(statement.format(one=one, other=other))
        answer = await desk.get(f"persons/{one}/identity", {"purpose": "casework"}, AT_LIPA)
        assert (answer.status_code, answer.json()["code"]) == (500, "not_as_it_was_sealed"), swap
        assert "Kanari" not in answer.text
    assert await desk.readings() == []
    assert (await seen(desk, other, purpose="casework"))["identity"] == EVERYTHING


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM identities", "UPDATE identities SET reason = 'misspelt'", "UPDATE identities SET site = 'trc_blazuj'",
        "UPDATE identities SET recorded_by = 'staff:other'", "UPDATE identities SET number = 2",
        "UPDATE identities SET emptied = '{contacts}'", "UPDATE identities SET languages = NULL, stated = array_remove(stated, 'languages')",
    ],
)  # fmt: skip
async def test_verify_finds_rows_that_are_not_what_the_log_says(desk: Desk, change: str) -> None:
    await recorded(desk)
    assert (await desk.verified()).sound
    await desk.by_hand(change)
    assert not (await desk.verified()).sound


async def test_a_version_holds_what_it_says_that_it_states(desk: Desk) -> None:
    await recorded(desk)
    with pytest.raises(asyncpg.CheckViolationError):
        await desk.by_hand("UPDATE identities SET languages = NULL")


async def test_what_was_believed_is_never_changed_through_the_api(desk: Desk) -> None:
    await recorded(desk)
    connection = await asyncpg.connect(desk.database.logins.api)
    for statement in ("UPDATE identities SET reason = NULL", "DELETE FROM identities"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_reading_asks_the_database_little(desk: Desk) -> None:
    person_id = await recorded(desk)
    await seen(desk, person_id)
    before = desk.database.api.counts.statements
    await seen(desk, person_id, purpose="casework", all="true")
    # Who asks (1), what is kept and its key (2), the reading on record (2), each in a transaction with two of its own.
    assert desk.database.api.counts.statements - before == 1 + 2 + 2 + 3 * 2
