"""A log that is taken home: every byte of it in order, read ahead, in few transactions that wait for nobody."""

import contextlib

import asyncpg
import pytest

from ops.supervisor import Running
from shared import log_stream
from shared.appending import Leaf
from shared.db import Scope
from shared.ids import uuid7
from shared.log_stream import log_lines
from tests.integration.conftest import MakeDatabase, ServiceDatabase

EVENTS = 45
AUDITOR = Scope("auditor", log=True)
_OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND usename = 'counselling_api' AND xact_start IS NOT NULL"


@pytest.fixture
async def database(make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> ServiceDatabase:
    """A log of invented leaves, of which ten are a piece, and two of these tens are read in one transaction."""
    monkeypatch.setattr(log_stream, "_PIECE", 10)
    monkeypatch.setattr(log_stream, "_TOGETHER", 20)
    made = await make_database("counselling")
    async with made.api.unit_of_work(Scope("service:counselling")) as unit:
        unit.append(*(Leaf(uuid7(), "avrr.counselling.session.held.v1", uuid7(), 1, leaf(number)) for number in range(EVENTS)))
    return made


def leaf(number: int) -> bytes:
    return b'{"invented":"%04d"}' % number


async def taken(database: ServiceDatabase, first: int = 0, limit: int = 1_000_000) -> bytes:
    return b"".join([piece async for piece in log_lines(database.api, AUDITOR, first, limit)])


async def test_every_leaf_comes_once_and_in_order_over_the_ends_of_pieces_and_of_transactions(database: ServiceDatabase) -> None:
    whole = [leaf(number) + b"\n" for number in range(EVENTS)]
    assert await taken(database) == b"".join(whole)
    assert await taken(database, first=7, limit=23) == b"".join(whole[7:30])
    assert await taken(database, first=EVENTS) == b""
    assert await taken(database, limit=20) == b"".join(whole[:20])


async def test_a_log_takes_a_transaction_for_many_pieces_and_not_for_each(database: ServiceDatabase) -> None:
    before = database.api.counts.transactions
    await taken(database)
    # Twenty, twenty, the last five, and that there is nothing more.
    assert database.api.counts.transactions - before == 4


async def test_what_is_read_together_is_no_longer_than_its_bytes_and_one_piece(database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_stream, "_TOGETHER_BYTES", 10 * len(leaf(0)))
    before = database.api.counts.transactions
    pieces = [piece async for piece in log_lines(database.api, AUDITOR, 0, 1_000_000)]
    # One piece each time, and that there is nothing more.
    assert database.api.counts.transactions - before == len(pieces) + 1 == 6
    assert b"".join(pieces) == b"".join(leaf(number) + b"\n" for number in range(EVENTS))


async def test_a_log_from_which_somebody_took_leaves_is_told_with_all_others(database: ServiceDatabase, servers: Running) -> None:
    left = [0, 9, 31, 44]
    name = database.logins.api.rpartition("/")[2]
    connection = await asyncpg.connect(servers.postgres.url_for(name, servers.postgres.user, servers.postgres.password))
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("DELETE FROM event_log WHERE NOT idx = ANY($1)", left)
    await connection.close()
    assert await taken(database) == b"".join(leaf(number) + b"\n" for number in left)
    assert await taken(database, first=1, limit=2) == leaf(9) + b"\n" + leaf(31) + b"\n"


async def test_whoever_takes_a_log_slowly_or_leaves_holds_no_transaction_open(
    database: ServiceDatabase, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    name = database.logins.api.rpartition("/")[2]
    async with contextlib.aclosing(log_lines(database.api, AUDITOR, 0, 1_000_000)) as lines:
        assert (await anext(lines)).count(b"\n") == 10
        # What is read ahead ends by itself, whether anybody takes more or not.
        while await admin.fetchval(_OPEN, name):
            pass
    assert await admin.fetchval(_OPEN, name) == 0


async def test_nobody_who_may_not_read_the_log_is_told_of_it(database: ServiceDatabase) -> None:
    assert [piece async for piece in log_lines(database.api, Scope("counsellor"), 0, 10)] == []
