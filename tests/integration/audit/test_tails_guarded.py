"""What was signed, or kept by two persons' word, is set apart by nothing and nobody, and what somebody puts in is an alarm."""

import json

import asyncpg
import pytest

from services.audit.examining import Examining
from services.audit.exceptions import MANY_READS
from services.audit.searching import MOST_OF_AN_ID
from shared.ids import uuid7
from tests.integration.audit.archived_log import LOG
from tests.integration.audit.broken_log import Checkpointer, note_of
from tests.integration.audit.signed_log import Signed, foreign
from tests.integration.audit.test_breaks import ZONE
from tests.integration.audit.test_findings import listed
from tests.integration.audit.test_integrity import told


async def test_an_entry_that_was_signed_is_set_apart_by_nothing_and_two_histories_stay_an_alarm(signed: Signed) -> None:
    archived = signed.archived
    await archived.change("UPDATE event_log SET leaf = $1 WHERE idx = 4", foreign((await archived.leaves())[4]))
    await signed.sign(1)
    await archived.happen(1)
    leaves = await archived.leaves()
    # The archive goes on in its own history and in the stream's, and either is another one than was signed.
    await signed.take(leaves[6], leaves[7])
    assert await signed.look() == "root_unlike_archive"
    assert await signed.tails() == []
    await signed.take(foreign(leaves[-1]))
    await signed.sign(3)
    await archived.archive()
    assert await signed.look() is None
    assert (await signed.tails(), await signed.stopped()) == ([], "other")
    assert {"entries_root", "entries_other", "archive_stopped_other"} <= set(await signed.alarms())


async def test_what_was_kept_where_the_log_was_set_back_is_set_apart_by_nothing(signed: Signed) -> None:
    archived = signed.archived
    checkpointer = Checkpointer(archived, signed.note)
    await checkpointer.set_back(3)
    assert await checkpointer.look() is None
    await archived.archive()
    # The checkpoint that covered it was set apart with what was lost.
    await archived.change("UPDATE event_log SET leaf = $1 WHERE idx = 1", foreign((await archived.leaves())[1]))
    signed.note = str(note_of(await archived.leaves(), 2))
    assert await signed.look() == "root_unlike_archive"
    assert await signed.tails() == []
    connection = await asyncpg.connect(archived.made.logins.worker)
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(
            "INSERT INTO archive_tails (log, number, generation, kept, size, root, note) VALUES ($1, 1, 2, 1, 6, $2, $3)", LOG, bytes(32), signed.note
        )
    await connection.close()


@pytest.mark.parametrize("login", ["worker", "migrate"])
async def test_nobody_sets_anything_apart_but_what_no_kept_checkpoint_covers(signed: Signed, login: str) -> None:
    await signed.take(foreign((await signed.archived.leaves())[-1]))
    await signed.sign(1)
    assert await signed.look() is None
    values = "1, {}, 9, decode(repeat('00', 32), 'hex'), 'x')"
    columns = "INSERT INTO archive_tails (log, number, generation, kept, size, root, note) VALUES "
    connection = await asyncpg.connect(getattr(signed.archived.made.logins, login))
    try:
        if login == "migrate":
            await connection.execute("SET ROLE audit_owner")
        for statement in (
            f"UPDATE archive_entries SET log = '{LOG}.t1' WHERE idx = 5 AND log = '{LOG}'",
            f"UPDATE archive_checkpoints SET log = '{LOG}.t2'",
            "DELETE FROM archive_tails", "UPDATE archive_tails SET kept = 1", "TRUNCATE archive_tails",
            f"{columns} ('{LOG}', 2, {values.format(5)}", f"{columns} ('{LOG}', 3, {values.format(6)}", f"{columns} ('{LOG}', 2, {values.format(6)}",
        ):  # fmt: skip
            with pytest.raises(asyncpg.PostgresError) as refused:
                await connection.execute(statement)
            assert refused.value.sqlstate in ("42501", "AV002", "23001"), statement
    finally:
        await connection.close()
    api = await asyncpg.connect(signed.archived.made.logins.api)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(f"{columns} ('{LOG}', 2, {values.format(6)}")
        assert await api.fetchval("SELECT count(*) FROM archive_tails") == 0, "whoever has no scope sees none"
    finally:
        await api.close()


async def test_a_tail_that_was_put_in_is_an_alarm_and_what_it_set_apart_is_there(signed: Signed) -> None:
    archived = signed.archived
    await archived.happen(1)
    await archived.archive()
    connection = await asyncpg.connect(archived.made.logins.worker)
    await connection.execute(
        "INSERT INTO archive_tails (log, number, generation, kept, size, root, note) VALUES ($1, 1, 1, 6, 7, $2, $3)", LOG, bytes(32), signed.note
    )
    await connection.close()
    assert {"tail_unproven", "entries_tail"} <= set(await signed.alarms())
    (row,) = await listed(archived)
    assert (row["finding"], row["first"], row["last"], row["sightings"]) == ("tail", 6, 6, 1)
    assert [row["position"] for row in (await archived.get("/v1/archive", service=f"{LOG}.t1")).json()["items"]] == [6]
    assert (await told(archived))["tails"] == []


async def test_what_was_set_apart_is_set_apart_once_more_by_nothing(signed: Signed) -> None:
    await signed.take(foreign((await signed.archived.leaves())[-1]))
    await signed.sign(1)
    assert await signed.look() is None
    connection = await asyncpg.connect(signed.archived.made.logins.worker)
    for log in (f"{LOG}.t1", f"{LOG}.1"):
        for statement in (
            "INSERT INTO archive_tails (log, number, generation, kept, size, root, note) VALUES ($1, 1, 1, 6, 7, decode('00', 'hex'), 'x')",
            "INSERT INTO archive_breaks (log, generation, kept, proof, apart) VALUES ($1, 2, 6, '', true)",
        ):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(statement, log)
    await connection.close()
    assert len(await signed.held(f"{LOG}.t1")) == 1


async def test_what_stands_there_of_a_log_that_there_is_not_is_an_alarm_of_the_archives_own(signed: Signed) -> None:
    connection = await asyncpg.connect(signed.archived.made.logins.worker)
    await connection.execute("INSERT INTO archive_breaks (log, generation, kept, proof, apart) VALUES ('nowhere', 2, 0, '', false)")
    await connection.close()
    found = {one["log"]: one["alarms"] for one in (await signed.archived.get("/v1/archive/integrity")).json()}
    assert [one["detail"] for one in found["audit"] if one["code"] == "break_unproven"] == ["nowhere 2"]
    assert not any(one["code"] == "break_unproven" for one in found[LOG])


async def test_however_much_nobody_signed_with_the_id_of_an_event_it_hides_neither_the_event_nor_a_cause(signed: Signed) -> None:
    archived, case = signed.archived, uuid7()
    await archived.happen()
    cause = (await archived.leaves())[-1]
    await archived.archive()
    await signed.sign()
    assert await signed.look() is None
    same = [json.dumps({**json.loads(cause), "data": {"number": number}}).encode() for number in range(MOST_OF_AN_ID + 2)]
    await signed.take(*same)
    # The log names the event itself as a cause, and what was never signed.
    by_true, by_false = await archived.happen(case=case, cause=cause) + await archived.happen(case=case, cause=same[-1])
    await signed.sign()
    assert await signed.look() is None
    await archived.archive()
    path = f"/v1/archive/events/{json.loads(cause)['id']}"
    for asked in ({}, {"log": LOG}, {"log": LOG, "position": 6}, {"position": 6}):
        found = (await archived.get(path, **asked)).json()
        assert (found["log"], found["position"], found["leaf"].encode()) == (LOG, 6, cause)
        assert len(found["also"]) == MOST_OF_AN_ID - 1
    last = 7 + len(same) - 1
    assert (await archived.get(path, log=f"{LOG}.t1", position=last)).json()["leaf"].encode() == same[-1]
    assert (await archived.get(path, log=LOG, position=7)).status_code == 404
    links = [(await archived.get(f"/v1/archive/events/{one}/links")).json()["cause"] for one in (by_true, by_false)]
    assert [(one["entry"]["log"], one["entry"]["position"], one["agrees"]) for one in links] == [(LOG, 6, True), (f"{LOG}.t1", last, True)]
    chain = (await archived.get(f"/v1/archive/cases/{case}/chain")).json()["items"]
    assert {one["entry"]["id"]: "cause_unsigned" in one["findings"] for one in chain} == {str(by_true): False, str(by_false): True}


async def test_what_nobody_signed_counts_for_nobody_among_what_they_read(signed: Signed) -> None:
    archived, worker = signed.archived, signed.archived.made.worker
    await archived.happen(kind="access.record_read", about=str(uuid7()), shown=[])
    await archived.archive()
    await signed.sign()
    assert await signed.look() is None
    like = json.loads((await archived.leaves())[-1])
    read = [{**like, "id": str(uuid7()), "data": {"about": str(uuid7()), "shown": []}} for _ in range(MANY_READS + 3)]
    await signed.take(*(json.dumps(one).encode() for one in read))
    examining = Examining(worker, ZONE)
    # Before it is set apart it waits to be signed, and behind that it is looked at as what it is.
    await examining.round()
    asked = await archived.get("/v1/archive/exceptions")
    assert (asked.json()["waiting"], asked.json()["items"]) == (len(read), [])
    await signed.sign(1)
    assert await signed.look() is None
    await archived.archive()
    await signed.sign()
    assert await signed.alarms() == ["entries_tail"]
    await examining.round()
    asked = await archived.get("/v1/archive/exceptions")
    assert (examining.fault, asked.json()["waiting"], asked.json()["items"]) == (None, 0, [])
    assert await signed.alarms() == ["entries_tail"]
