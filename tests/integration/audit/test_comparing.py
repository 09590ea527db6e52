"""A service's own log, asked of the service, is held against the archive, and whatever differs is named."""

import asyncpg

from ops.supervisor import Running
from shared.endpoints import PROGRAM_READS
from tests.integration.audit.archived_log import LOG, PROGRAM, URL, ArchivedLog
from tests.integration.returns.api import AUDITOR


async def test_a_log_that_is_as_it_was_archived_has_no_differences_and_grows_by_no_comparison(archived: ArchivedLog) -> None:
    await archived.happen(12)
    size = await archived.archive()
    await archived.comparing.look(LOG)
    compared = archived.comparing.logs[LOG]
    assert (compared.rounds, compared.differences, compared.fault) == (1, 0, None)
    assert await archived.differences() == []
    assert len(await archived.leaves()) == size


async def test_a_row_that_a_superuser_changed_is_found_by_the_next_look_and_named(archived: ArchivedLog) -> None:
    await archived.happen(12)
    await archived.archive()
    kept = (await archived.leaves())[7]
    await archived.change("UPDATE event_log SET leaf = $1 WHERE idx = 7", kept.replace(b"staff:anna", b"staff:hana"))
    await archived.comparing.look(LOG)
    assert await archived.differences() == [("other", 7, 7)]
    status = archived.comparing.status()[LOG]
    assert isinstance(status, dict)
    assert status["differences"] == 1
    # What is put right again is no difference any more; that it was one stays.
    await archived.change("UPDATE event_log SET leaf = $1 WHERE idx = 7", kept)
    await archived.comparing.look(LOG)
    assert await archived.differences() == []
    assert archived.comparing.logs[LOG].differences == 0
    connection = await asyncpg.connect(archived.made.logins.verify)
    assert await connection.fetchval("SELECT count(*) FROM archive_differences WHERE gone_at IS NOT NULL") == 1
    await connection.close()


async def test_rows_that_a_superuser_took_out_are_named_and_nothing_behind_them(archived: ArchivedLog) -> None:
    await archived.happen(12)
    await archived.archive()
    await archived.change("DELETE FROM event_log WHERE idx IN (3, 4, 11)")
    await archived.comparing.look(LOG)
    assert await archived.differences() == [("missing", 3, 4), ("missing", 11, 11)]


async def test_what_a_superuser_changed_or_took_out_of_the_archive_is_found_as_well(
    archived: ArchivedLog, servers: Running
) -> None:
    address = servers.postgres
    await archived.happen(12)
    size = await archived.archive()
    connection = await asyncpg.connect(
        address.url_for(archived.made.logins.api.rpartition("/")[2], address.user, address.password)
    )
    await connection.execute("ALTER TABLE archive_entries DISABLE TRIGGER ALL")
    await connection.execute("UPDATE archive_entries SET leaf = leaf || '\\x20' WHERE idx = 2")
    await connection.execute("DELETE FROM archive_entries WHERE idx IN (5, 6)")
    await archived.comparing.look(LOG)
    assert await archived.differences() == [("other", 2, 2), ("archive", 5, 6)]
    await connection.execute("DELETE FROM archive_entries")
    await archived.comparing.look(LOG)
    assert ("archive", 0, size - 1) in await archived.differences()
    await connection.close()


async def test_what_was_not_archived_yet_is_no_difference(archived: ArchivedLog) -> None:
    await archived.happen(3)
    await archived.archive()
    await archived.happen(3)
    await archived.comparing.look(LOG)
    assert await archived.differences() == []


async def test_a_service_that_does_not_answer_is_waited_for(archived: ArchivedLog) -> None:
    await archived.happen(3)
    await archived.archive()
    archived.comparing._urls = {LOG: "http://127.0.0.1:1"}
    await archived.comparing.look(LOG)
    assert archived.comparing.logs[LOG].fault == "ConnectError"
    assert await archived.differences() == []


async def test_the_archives_program_reads_a_log_and_nothing_else_and_an_auditors_reading_is_on_record(archived: ArchivedLog) -> None:
    await archived.happen(2)
    answer = await archived.get("/v1/events", PROGRAM, URL)
    assert (answer.status_code, answer.content) == (200, b"".join(leaf + b"\n" for leaf in await archived.leaves()))
    assert len(await archived.leaves()) == 2
    for path in ("/v1/log", "/v1/persons"):
        assert (await archived.get(path, PROGRAM, URL)).status_code == 403
    before = len(await archived.leaves())
    assert (await archived.get("/v1/events", AUDITOR, URL, limit=1)).status_code == 200
    assert len(await archived.leaves()) == before + 1


async def test_somebody_else_who_reads_a_log_in_the_archives_name_is_counted_and_told(archived: ArchivedLog) -> None:
    await archived.happen(3)
    await archived.archive()
    compared = archived.comparing.logs[LOG]
    # What was read before the archive began to ask may have been read by the archive of before.
    await archived.get("/v1/events", PROGRAM, URL)
    for _ in range(3):
        await archived.comparing.look(LOG)
        assert compared.read_by_others == 0
    for times in (1, 2):
        await archived.get("/v1/events", PROGRAM, URL, limit=1)
        # An auditor's reading is an event and is not counted among them.
        assert PROGRAM_READS not in (await archived.get("/v1/events", AUDITOR, URL, limit=1)).headers
        await archived.comparing.look(LOG)
        assert compared.read_by_others == times
