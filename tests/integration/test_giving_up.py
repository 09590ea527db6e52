"""Requests that are given up: nothing of them is left, and the pool serves the next as if they had never been."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.ids import uuid7
from shared.metrics import Metrics
from shared.problems import install_problems
from shared.surroundings import Bounds, Surroundings
from tests.integration.conftest import MakeDatabase, ServiceDatabase

_TAKE = Sql(
    "INSERT INTO idempotency (actor_id, key, fingerprint, status, resource_id, version) "
    "VALUES ('staff:somebody', CAST(CAST(:key AS uuid) AS text), '', 200, :key, 1)"
)
_TAKEN = Sql("SELECT count(*) AS taken FROM idempotency WHERE actor_id = 'staff:somebody'")
_SLEEP = Sql("SELECT pg_sleep(30)")
_ASLEEP = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid()"
SOMEBODY = Scope("staff:somebody")


@pytest.fixture
async def made(make_database: MakeDatabase) -> ServiceDatabase:
    return await make_database("reintegration")


@asynccontextmanager
async def pool_of(made: ServiceDatabase, size: int, queue_seconds: float = 2.0) -> AsyncIterator[Database]:
    database = Database(made.logins.api, "reintegration-api", size, queue_seconds=queue_seconds)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def take(unit: UnitOfWork) -> None:
    unit.write(Write(_TAKE, {"key": uuid7()}))


async def taken(database: Database) -> int:
    async with database.unit_of_work(SOMEBODY) as unit:
        row = await unit.row(_TAKEN)
    assert row is not None
    return int(row["taken"])


def service(database: Database, bounds: Bounds) -> httpx.AsyncClient:
    """A service with a route that writes, and one that writes and then does not come back for long."""
    app = FastAPI(openapi_url=None)

    @app.post("/take")
    async def take_one() -> None:
        await database.attempt(SOMEBODY, take)

    @app.post("/sleep")
    async def take_one_and_sleep() -> None:
        async def work(unit: UnitOfWork) -> None:
            await take(unit)
            await unit.flush()
            await unit.rows(_SLEEP)

        await database.attempt(SOMEBODY, work)

    install_problems(app)
    app.add_middleware(Surroundings, metrics=Metrics("test"), bounds=bounds)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


async def test_a_statement_that_lasts_too_long_is_ended_in_the_server_too(made: ServiceDatabase) -> None:
    async with pool_of(made, 1) as database, service(database, Bounds(seconds=0.3)) as client:
        answer = await client.post("/sleep")
        assert (answer.status_code, answer.json()["code"]) == (503, "timed_out")
        admin = await asyncpg.connect(made.logins.migrate)
        async with asyncio.timeout(10):
            while await admin.fetchval(_ASLEEP):  # noqa: ASYNC110 -- the server tells nobody.
                await asyncio.sleep(0.01)
        await admin.close()
        # The only connection there is works, and what was written before the statement is gone.
        assert await taken(database) == 0
        async with service(database, Bounds()) as patient:
            assert (await patient.post("/take")).status_code == 200
        assert await taken(database) == 1


async def test_a_request_that_gets_no_connection_in_time_is_told_to_come_again(made: ServiceDatabase) -> None:
    async with pool_of(made, 1, queue_seconds=1.0) as database, service(database, Bounds()) as client:
        async with database.unit_of_work(SOMEBODY):
            answer = await client.post("/take")
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        assert (await client.post("/take")).status_code == 200


class CancelledAt:
    """Awaits some work and has its task cancelled while it waits for these times, counted from the first."""

    def __init__(self, work: Coroutine[Any, Any, object], *waits: int) -> None:
        self._work = work
        self._waits = waits
        self.waited = 0

    def __await__(self) -> Generator[Any, None, None]:
        failed: BaseException | None = None
        while True:
            try:
                future = self._work.send(None) if failed is None else self._work.throw(failed)
            except StopIteration:
                return
            if self.waited in self._waits:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            self.waited += 1
            failed = None
            try:
                yield future
            except BaseException as error:  # noqa: BLE001 -- whatever it is belongs to the work.
                failed = error


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
@pytest.mark.parametrize("again_after", [None, 1, 2])
async def test_cancelled_at_any_moment_a_change_is_whole_or_is_not_there(
    made: ServiceDatabase, *, warm: bool, again_after: int | None
) -> None:
    async with pool_of(made, 1) as database:
        before = await taken(database)
        for wait in range(1000):
            if not warm:
                await database.dispose()
            waits = (wait,) if again_after is None else (wait, wait + again_after)
            work = CancelledAt(database.attempt(SOMEBODY, take), *waits)
            outcome: BaseException | None = None
            try:
                await asyncio.create_task(_awaited(work))
            except asyncio.CancelledError as cancelled:
                outcome = cancelled
            now = await taken(database)
            if outcome is None:
                # It came to its end before it could be cancelled: every moment was tried.
                assert (now - before, work.waited <= wait) == (1, True)
                return
            # While it was being committed nobody can say; before that, nothing may be there.
            assert now - before in (0, 1)
            before = now
    raise AssertionError("the work never came to its end")


async def _awaited(work: CancelledAt) -> None:
    await work


@pytest.mark.parametrize("size", [1, 3])
async def test_many_given_up_at_once_leave_the_whole_pool(made: ServiceDatabase, size: int) -> None:
    async with pool_of(made, size, queue_seconds=60.0) as database:

        async def sleep(unit: UnitOfWork) -> None:
            await take(unit)
            await unit.rows(_SLEEP)

        tasks = [asyncio.create_task(database.attempt(SOMEBODY, sleep)) for _ in range(3 * size)]
        async with asyncio.timeout(10):
            while database.counts.transactions < size:  # noqa: ASYNC110 -- nobody is told when a transaction begins.
                await asyncio.sleep(0.005)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
        async with asyncio.TaskGroup() as group:
            for _ in range(2 * size):
                group.create_task(database.attempt(SOMEBODY, take))
        assert await taken(database) == 2 * size
