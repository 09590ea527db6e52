"""One process of all has a turn, and the next takes over when its session ends; nothing else gives it to two."""

from collections.abc import AsyncIterator
from contextlib import nullcontext

import asyncpg
import pytest

from ops.supervisor import Running
from shared.turn import Turn
from tests.integration.bus.house import until
from tests.integration.conftest import MakeDatabase

LOCK = b"avrr-try"


@pytest.fixture
async def worker(make_database: MakeDatabase) -> str:
    return (await make_database("counselling")).logins.worker


@pytest.fixture
async def superuser(servers: Running, worker: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    address = servers.postgres
    connection = await asyncpg.connect(address.url_for(worker.rpartition("/")[2], address.user, address.password))
    yield connection
    await connection.close()


async def ended(superuser: "asyncpg.Connection[asyncpg.Record]", name: str) -> None:
    """The session of this name is gone, as with a machine that vanishes."""
    await superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()", name
    )


async def test_a_turn_is_of_one_process_until_it_gives_it_back(worker: str) -> None:
    first, second, other = Turn(worker, "first", LOCK), Turn(worker, "second", LOCK), Turn(worker, "other", b"avrr-oth")
    try:
        assert [await first.taken(), await first.taken(), await second.taken(), await other.taken()] == [True, True, False, True]
        assert await first.session.fetchval("SELECT true")
        with pytest.raises(LookupError):
            _ = second.session
        first.given_back()
        assert not first.held
        await until(second.taken)
        assert not await first.taken()
    finally:
        for turn in (first, second, other):
            turn.given_back()


async def test_whose_session_ended_has_no_turn_and_asks_for_it_anew(
    worker: str, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    first, second = Turn(worker, "first", LOCK), Turn(worker, "second", LOCK)
    try:
        assert await first.taken()
        await ended(superuser, "first")
        await until(second.taken)
        assert not await first.taken()
        assert not first.held
    finally:
        first.given_back()
        second.given_back()


async def test_of_two_that_work_by_turns_one_works_and_the_other_takes_over(
    worker: str, superuser: "asyncpg.Connection[asyncpg.Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.turn.TURN_SECONDS", 0.05)
    first, second = Turn(worker, "first", LOCK), Turn(worker, "second", LOCK)
    worked: list[str] = []

    def working(name: str) -> "nullcontext[None]":
        worked.append(name)
        return nullcontext()

    async def asks(name: str) -> bool:
        """Whether the process of this name asked for its turn and was refused it."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE '%advisory%' AND state = 'idle'"
        return bool(await superuser.fetchval(query, name))

    async with first.working(lambda: working("first")):
        await until(lambda: first.held)
        async with second.working(lambda: working("second")):
            await until(lambda: asks("second"))
            assert (first.held, second.held, worked) == (True, False, ["first"])
            # Whoever has the turn loses it with the connection, and may be the next one again.
            while not second.held:
                await ended(superuser, "first")
                await until(lambda: first.held or second.held)
            await until(lambda: not first.held)
            assert worked[-1] == "second"
