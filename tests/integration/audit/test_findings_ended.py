"""Nobody ends a finding that nothing clears by writing where findings are noted, and one that was ended so rings again."""

import asyncio

import asyncpg
import pytest
from alembic import command

from ops import databases
from ops.supervisor import Running
from services.audit.findings import CHECKED, Difference, Kind, Standing, settle
from tests.integration.audit.archived_log import LOG, WORKER, ArchivedLog
from tests.integration.audit.signed_log import Signed
from tests.integration.audit.test_findings import found, listed, ringing
from tests.integration.audit.test_tails_before import opened

BEFORE = "audit_25"
LASTING: list[Kind] = ["place", "root", "note", "exception", "tail"]
END = "UPDATE archive_differences SET gone_at = clock_timestamp()"


@pytest.mark.parametrize("kind", LASTING)
async def test_with_the_workers_password_nobody_ends_it_or_makes_it_smaller(archived: ArchivedLog, kind: Kind) -> None:
    await found(archived, Difference(kind, 0, 4, "one"))
    connection = await asyncpg.connect(archived.made.logins.worker)
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(f"{END} WHERE kind = $1", kind)
    await connection.execute("UPDATE archive_differences SET last_idx = -1, seen_at = clock_timestamp()")
    await connection.close()
    assert await ringing(archived) == Standing(ringing=1)
    (row,) = await listed(archived)
    assert (row["finding"], row["first"], row["last"]) == (kind, 0, 4)


@pytest.mark.parametrize("kind", LASTING)
async def test_found_again_of_fewer_entries_it_is_seen_again_and_no_smaller(archived: ArchivedLog, kind: Kind) -> None:
    for last, expected in ((4, 4), (2, 4), (7, 7)):
        await found(archived, Difference(kind, 0, last, f"to {last}"))
        (row,) = await listed(archived)
        assert row["last"] == expected
    assert row["sightings"] == 3


async def test_what_stands_twice_is_ended_by_the_look_that_finds_it_no_more(archived: ArchivedLog) -> None:
    await found(archived, Difference("twice", 1, 3, "one"))
    await archived.made.worker.attempt(WORKER, lambda unit: settle(unit, LOG, CHECKED, 0, 3, ()))
    assert await archived.differences() == [("twice", 3, 3)]
    await archived.made.worker.attempt(WORKER, lambda unit: settle(unit, LOG, CHECKED, 0, 4, ()))
    assert await archived.differences() == []


async def test_what_somebody_had_ended_before_this_was_so_rings_again(signed: Signed, servers: Running) -> None:
    archived = signed.archived
    await found(archived, Difference("root", 0, 4, "one"), Difference("other", 1, 1))
    url = await opened(signed, servers)
    await asyncio.to_thread(command.downgrade, databases.alembic_config("audit", url), BEFORE)
    connection = await asyncpg.connect(archived.made.logins.worker)
    await connection.execute(END)
    await connection.close()
    assert await archived.differences() == []
    await asyncio.to_thread(databases.upgrade, "audit", url)
    assert await archived.differences() == [("root", 0, 4)]
