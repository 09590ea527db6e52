"""Answers are remembered for ninety days, and then forgotten by the service itself."""

import asyncpg
import pytest

from shared.answers import REMEMBERED_DAYS, forget_answers
from tests.integration.conftest import MakeDatabase

ROWS = (
    "INSERT INTO idempotency (actor_id, key, fingerprint, status, resource_id, version, at) "
    "SELECT 'staff:anna', 'key-' || days, '', 201, gen_random_uuid(), 1, clock_timestamp() - make_interval(days => days) "
    "FROM unnest($1::integer[]) days"
)


async def test_what_was_answered_long_ago_is_forgotten_and_nothing_else(make_database: MakeDatabase) -> None:
    made = await make_database("returns")
    connection = await asyncpg.connect(made.logins.migrate)
    await connection.execute("SET ROLE returns_owner")
    await connection.execute(ROWS, [0, 1, REMEMBERED_DAYS - 1, REMEMBERED_DAYS + 1, REMEMBERED_DAYS + 2, 400])
    assert [await forget_answers(made.worker, "returns", most=2) for _ in range(3)] == [2, 1, 0]
    # Whoever has taken over the worker's login makes no command be done twice.
    worker = await asyncpg.connect(made.logins.worker)
    assert await worker.execute("DELETE FROM idempotency") == "DELETE 0"
    await worker.close()
    left = [row["key"] for row in await connection.fetch("SELECT key FROM idempotency ORDER BY at DESC")]
    await connection.close()
    assert left == ["key-0", "key-1", f"key-{REMEMBERED_DAYS - 1}"]


async def test_who_gives_answers_cannot_take_them_back(make_database: MakeDatabase) -> None:
    made = await make_database("returns")
    connection = await asyncpg.connect(made.logins.api)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM idempotency")
    await connection.close()
