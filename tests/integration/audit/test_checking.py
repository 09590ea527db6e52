"""The archive held against itself: whatever a superuser changed in it beside the bytes is found, and nobody else can."""

import json

import asyncpg
import pytest

from services.audit.checking import Checking
from services.audit.findings import COMPARED, Difference, settle
from shared.tlog.tiles import TILE_WIDTH
from tests.integration.audit.archived_log import LOG, WORKER, ArchivedLog
from tests.integration.audit.test_integrity import codes, noted, told


async def checked(archived: ArchivedLog, rounds: int = 1) -> list[tuple[object, ...]]:
    """What is found by so many whole rounds of a process that has just been started."""
    checking = Checking(archived.made.worker, (LOG,))
    while checking.logs[LOG].rounds < rounds:
        await checking.look(LOG)
        assert checking.logs[LOG].fault is None
    return await archived.differences()


async def test_an_archive_as_it_was_written_has_no_finding_at_any_size(archived: ArchivedLog) -> None:
    cause = None
    for count in (1, 254, 1, 1, 300):
        await archived.happen(count, cause=cause)
        await archived.archive()
        cause = (await archived.leaves())[-1]
        assert await checked(archived) == []


@pytest.mark.parametrize("change", [
    "subject = gen_random_uuid()", "partitionkey = gen_random_uuid()", "actorid = 'staff:nobody'", "type = 'avrr.returns.case.closed.v1'",
    "time = time + interval '1 day'", "reason = 'invented'", "id = gen_random_uuid()", "leaf_hash = sha256('x'::bytea)",
])  # fmt: skip
async def test_a_column_that_says_other_than_the_bytes_is_found(archived: ArchivedLog, change: str) -> None:
    await archived.happen(5)
    await archived.archive()
    async with archived.beside_the_archive() as superuser:
        await superuser.execute(f"UPDATE archive_entries SET {change} WHERE idx = 3")
    assert await checked(archived) == [("column", 3, 3)]


async def test_a_cause_that_the_database_was_made_to_say_is_found_and_gone_once_it_is_put_right(archived: ArchivedLog) -> None:
    await archived.happen(2, cause=(await _one_leaf(archived)))
    await archived.archive()
    async with archived.beside_the_archive() as superuser:
        await superuser.execute("ALTER TABLE archive_entries ALTER COLUMN causationid DROP EXPRESSION")
        await superuser.execute("UPDATE archive_entries SET causationid = NULL WHERE idx = 2")
        assert await checked(archived) == [("column", 2, 2)]
        said = json.loads((await archived.leaves())[2])["causationid"]
        await superuser.execute("UPDATE archive_entries SET causationid = cast($1::text AS uuid) WHERE idx = 2", said)
    assert await checked(archived) == []


@pytest.mark.parametrize(
    "change", ["DELETE FROM archive_mentions", "UPDATE archive_mentions SET access = true", "UPDATE archive_mentions SET type = 'another'"]
)
async def test_an_id_that_an_event_names_and_by_which_it_is_not_found_any_more_is_found(archived: ArchivedLog, change: str) -> None:
    await archived.happen(3)
    await archived.archive()
    async with archived.beside_the_archive() as superuser:
        await superuser.execute(f"{change} WHERE idx = 1")
    assert await checked(archived) == [("column", 1, 1)]


@pytest.mark.parametrize(("level", "index", "place", "found"), [
    (0, 0, 7, ("tile", 7, 7)), (0, 2, 3, ("tile", 515, 515)), (1, 0, 0, ("tile", 0, 255)), (1, 0, 1, ("tile", 256, 511)),
])  # fmt: skip
async def test_a_hash_of_the_tree_that_is_not_that_of_the_entries_is_found(
    archived: ArchivedLog, level: int, index: int, place: int, found: tuple[object, ...]
) -> None:
    await archived.happen(2 * TILE_WIDTH + 9)
    await archived.archive()
    async with archived.beside_the_archive() as superuser:
        await superuser.execute(
            "UPDATE archive_tiles SET hashes = overlay(hashes placing sha256('x'::bytea) from $3 for 32) WHERE level = $1 AND idx = $2",
            level, index, place * 32 + 1,
        )  # fmt: skip
    assert await checked(archived) == [found]


async def test_a_tile_and_an_entry_that_were_taken_out_are_found(archived: ArchivedLog) -> None:
    await archived.happen(TILE_WIDTH + 2)
    await archived.archive()
    async with archived.beside_the_archive() as superuser:
        await superuser.execute("DELETE FROM archive_tiles WHERE level = 1")
        await superuser.execute("DELETE FROM archive_entries WHERE idx = 256")
    assert await checked(archived) == [("tile", 0, 255), ("archive", 256, 256)]


async def test_a_history_that_was_rewritten_with_its_hashes_and_its_tiles_is_found_by_its_checkpoint(archived: ArchivedLog) -> None:
    await archived.happen(3)
    signed = await archived.signed(await archived.archive())
    await archived.told(signed)
    async with archived.beside_the_archive() as superuser:
        leaf = (await archived.leaves())[1].replace(b"staff:anna", b"staff:hana")
        await superuser.execute(
            "UPDATE archive_entries SET leaf = $1, actorid = 'staff:hana', leaf_hash = sha256('\\x00'::bytea || $1) WHERE idx = 1", leaf
        )
        await superuser.execute(
            "UPDATE archive_tiles SET hashes = overlay(hashes placing sha256('\\x00'::bytea || $1::bytea) from 33 for 32)", leaf
        )
    assert await checked(archived) == []
    await archived.told(signed)
    assert await archived.differences() == [("root", 0, 2)]


async def test_a_round_goes_on_where_the_process_before_it_stopped(archived: ArchivedLog) -> None:
    await archived.happen(3 * TILE_WIDTH)
    signed = await archived.signed(await archived.archive())
    await noted(archived, signed)
    async with archived.beside_the_archive() as superuser:
        await superuser.execute("UPDATE archive_watched SET check_next = 2")
    checking = Checking(archived.made.worker, (LOG,), elapsed=iter(range(10_000)).__next__)
    await checking.look(LOG)
    assert checking.logs[LOG].next == 2


async def test_a_place_that_was_taken_out_or_set_back_hides_nothing_is_put_right_and_stays_known(archived: ArchivedLog) -> None:
    await archived.happen(6)
    size = await archived.archive()
    signed = await archived.signed(size)
    async with archived.beside_the_archive() as superuser:
        await superuser.execute("DELETE FROM cursor")
        leaf = (await archived.leaves())[4]
        await archived.change("UPDATE event_log SET leaf = leaf || '\\x20' WHERE idx = 4")
        await archived.comparing.look(LOG)
        assert await archived.differences() == [("other", 4, 4)]
        assert ("place", 0, 5) in await checked(archived)
        await archived.change("UPDATE event_log SET leaf = $1 WHERE idx = 4", leaf)
        await superuser.execute("UPDATE cursor SET last_idx = 3")
        await archived.happen(1)
        # What comes next is archived behind what is there, and nothing a second time.
        assert await archived.archive() == size + 1
        assert await superuser.fetchval("SELECT last_idx FROM cursor") == size
    assert ("place", 4, 5) in await archived.differences()
    await noted(archived, signed)
    assert codes(await told(archived)).count("entries_place") == 2


async def test_one_id_in_two_places_is_found_and_each_event_is_shown(archived: ArchivedLog) -> None:
    first, _, _ = await archived.happen(3)
    await archived.archive()
    leaf = (await archived.leaves())[0]
    other = leaf.replace(b"staff:anna", b"staff:hana")
    async with archived.beside_the_archive() as superuser:
        await superuser.execute(
            "INSERT INTO archive_entries (log, idx, id, type, subject, partitionkey, actorid, time, reason, leaf, leaf_hash) "
            "SELECT 'audit', 0, id, type, subject, partitionkey, 'staff:hana', time, reason, $1, sha256('\\x00'::bytea || $1) "
            "FROM archive_entries WHERE log = $2 AND idx = 0", other, LOG,
        )  # fmt: skip
    for _ in range(2):
        assert await checked(archived, rounds=2) == [("twice", 0, 0)]
        assert await archived.sightings() == {("twice", 0): 1}
    shown = (await archived.get(f"/v1/archive/events/{first}")).json()
    assert (shown["log"], shown["also"]) == ("audit", [{"log": LOG, "position": 0}])
    asked = (await archived.get(f"/v1/archive/events/{first}", log=LOG, position=0)).json()
    assert (asked["leaf"].encode(), asked["also"]) == (leaf, [{"log": "audit", "position": 0}])
    assert (await archived.get(f"/v1/archive/events/{first}", log="returns")).status_code == 404
    # An effect names its cause by the hash as well, so that the one of the same id does not stand for it.
    (effect,) = await archived.happen(cause=leaf)
    await archived.archive()
    cause = (await archived.get(f"/v1/archive/events/{effect}/links")).json()["cause"]
    assert (cause["entry"]["log"], cause["agrees"]) == (LOG, True)


async def test_what_crosses_the_edge_of_what_is_looked_at_is_gone_when_all_of_it_was_looked_at(archived: ArchivedLog) -> None:
    database = archived.made.worker
    for first, end, found, left in (
        (1_990, 2_020, [Difference("other", 1_995, 2_010)], [("other", 1_995, 2_010)]),
        (0, 2_000, [], [("other", 2_000, 2_010)]),
        (2_000, 2_005, [Difference("missing", 2_001, 2_001)], [("missing", 2_001, 2_001), ("other", 2_005, 2_010)]),
        (2_006, 2_007, [], [("missing", 2_001, 2_001), ("other", 2_005, 2_005), ("other", 2_007, 2_010)]),
        (2_000, 4_000, [], []),
    ):
        await database.attempt(WORKER, lambda unit: settle(unit, LOG, COMPARED, first, end, found))  # noqa: B023 -- at once
        assert await archived.differences() == left


async def test_a_log_with_many_findings_hides_no_other_and_no_other_kind(archived: ArchivedLog) -> None:
    many = [Difference("other", 2 * number, 2 * number) for number in range(300)]
    for name, found in (("audit", many), (LOG, [*many, Difference("missing", 9_000, 9_001)]), ("returns", [Difference("tile", 1, 1)])):
        await archived.made.worker.attempt(WORKER, lambda unit: settle(unit, name, COMPARED, 0, 1, found))  # noqa: B023 -- at once
    rows = {row["log"]: row["alarms"] for row in (await archived.get("/v1/archive/integrity")).json()}
    assert [alarm["code"] for alarm in rows["returns"] if alarm["code"].startswith("entries")] == ["entries_tile"]
    shown = [(alarm["code"], alarm["detail"], alarm["last"]) for alarm in rows[LOG] if alarm["code"].startswith("entries")]
    assert ("entries_missing", None, 9_001) in shown and ("entries_more", "other: 275", None) in shown
    assert len(shown) == 27


@pytest.mark.parametrize(("statement", "worker"), [
    ("UPDATE archive_tiles SET hashes = overlay(hashes placing '\\x00' from 1 for 1)", "23001"),
    ("UPDATE archive_tiles SET hashes = substr(hashes, 1, 32)", "23001"),
    ("DELETE FROM archive_tiles", "42501"),
    ("UPDATE archive_checkpoints SET note = ''", "42501"),
    ("UPDATE archive_checkpoints SET again = 'another' || note", "23001"),
    ("UPDATE archive_checkpoints SET kept_at = kept_at - interval '1 day', again = note", "23001"),
    ("DELETE FROM archive_checkpoints", "42501"),
    ("DELETE FROM archive_differences", "42501"),
])  # fmt: skip
async def test_what_was_kept_is_changed_neither_by_the_worker_nor_by_the_owner(archived: ArchivedLog, statement: str, worker: str) -> None:
    await archived.happen(3)
    await archived.told(await archived.signed(await archived.archive()))
    for url, state in ((archived.made.logins.worker, {worker}), (archived.made.logins.migrate, {"23001", "AV002"})):
        connection = await asyncpg.connect(url)
        if url == archived.made.logins.migrate:
            await connection.execute("SET ROLE audit_owner")
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute(statement)
        assert refused.value.sqlstate in state
        await connection.close()


async def test_the_latest_signature_of_a_size_is_kept_beside_the_first_and_one_told_again_is_no_newer(archived: ArchivedLog) -> None:
    await archived.happen(2)
    size = await archived.archive()
    first, later = await archived.signed(size), await archived.signed(size, at=9)
    async with archived.beside_the_archive() as superuser:
        kept = []
        for note in (first, later, later):
            await archived.told(note)
            kept += await superuser.fetch("SELECT note, again, kept_at FROM archive_checkpoints")
    assert [(row["note"], row["again"]) for row in kept] == [(first, None), (first, later), (first, later)]
    assert kept[0]["kept_at"] < kept[1]["kept_at"] == kept[2]["kept_at"]
    assert (await archived.get(f"/v1/archive/{LOG}/checkpoint")).text == later


async def test_what_is_late_is_an_alarm_with_its_own_bound(archived: ArchivedLog) -> None:
    await archived.happen(2)
    await noted(archived, await archived.signed(await archived.archive()))
    assert codes(await told(archived)) == []
    async with archived.beside_the_archive() as superuser:
        for column, late in (("round_ended_at", "comparison_late"), ("check_ended_at", "check_late")):
            for value in ("now() - interval '25 hours'", "NULL"):
                await superuser.execute(f"UPDATE archive_watched SET {column} = {value}, since = now() - interval '25 hours'")
                assert codes(await told(archived)) == [late]
            await superuser.execute(f"UPDATE archive_watched SET {column} = now()")


async def _one_leaf(archived: ArchivedLog) -> bytes:
    await archived.happen()
    return (await archived.leaves())[-1]
