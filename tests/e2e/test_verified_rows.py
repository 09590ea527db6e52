"""Rows of a running system that a superuser changes past the log: each is found within a minute, named, and not forgotten."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.ids import uuid7
from shared.topology import LOGS, SERVICES
from tests.e2e.conftest import Mission
from tests.e2e.test_archive import read, until

NAMES = [service.name for service in SERVICES]


async def rows_of(mission: Mission, log: str) -> tuple[list[tuple[str, str]], list[str]]:
    """What auditors are told of a service's rows: each alarm with what it is about, and what is no more."""
    logs: list[dict[str, Any]] = (await read(mission, "/v1/archive/integrity")).json()
    (found,) = (one for one in logs if one["log"] == log)
    alarms = [(alarm["code"], alarm["detail"]) for alarm in found["alarms"] if alarm["code"].startswith("rows_")]
    return alarms, [gone["detail"] for gone in (found["verified"] or {"gone": []})["gone"]]


async def test_whatever_was_done_to_the_system_no_row_differs_from_its_events(mission: Mission) -> None:
    async def verified() -> bool:
        return not any([(await rows_of(mission, log.name))[0] for log in LOGS])

    await until(verified)


@pytest.fixture(params=NAMES)
async def past_the_log(request: pytest.FixtureRequest, mission: Mission) -> AsyncIterator[tuple[str, "asyncpg.Connection[asyncpg.Record]"]]:
    postgres = mission.running.postgres
    superuser = await asyncpg.connect(postgres.url_for(request.param, postgres.user, postgres.password))
    # No trigger and no rule stands in its way.
    await superuser.execute("SET session_replication_role = replica")
    yield request.param, superuser
    await superuser.close()


async def test_a_row_changed_taken_out_and_put_in_by_a_superuser_are_each_found_and_named_until_put_right(
    mission: Mission, past_the_log: tuple[str, "asyncpg.Connection[asyncpg.Record]"]
) -> None:
    service, superuser = past_the_log
    # Whoever is refused is in a row of their own.
    for _ in range(2):
        assert (await mission.read(service, "counsellor-1", f"/v1/log/chain/{uuid7()}")).status_code == 403
    rows = await superuser.fetch("SELECT id, to_jsonb(a)::text AS row FROM accesses a ORDER BY id DESC LIMIT 2")
    (changed, before), (taken_out, whole) = [(row["id"], row["row"]) for row in rows]
    put_in = uuid7()
    await superuser.execute("UPDATE accesses SET outcome = 'read', actor_id = 'somebody' WHERE id = $1", changed)
    await superuser.execute("DELETE FROM accesses WHERE id = $1", taken_out)
    await enter(superuser, json.dumps({**json.loads(whole), "id": str(put_in)}))
    told = {
        ("rows_other", f"access {changed} (outcome, actor_id)"), ("rows_missing", f"access {taken_out}"),
        ("rows_unlogged", f"access {put_in}"),
    }  # fmt: skip

    async def named() -> bool:
        return set((await rows_of(mission, service))[0]) == told

    async def put_right() -> bool:
        alarms, gone = await rows_of(mission, service)
        return not alarms and {detail for _, detail in told} <= set(gone)

    try:
        await until(named)
        figures = (await mission.client.get(f"{mission.addresses.services[service]}/metrics")).text
        assert "avrr_verify_differences 3.0" in figures
        assert (await mission.client.get(f"{mission.addresses.services[service]}/readyz")).status_code == 200
    finally:
        await take_out(superuser, put_in, changed)
        await enter(superuser, before)
        await enter(superuser, whole)
    await until(put_right)


async def enter(superuser: "asyncpg.Connection[asyncpg.Record]", row: str) -> None:
    await superuser.execute("INSERT INTO accesses SELECT (jsonb_populate_record(NULL::accesses, $1::jsonb)).*", row)


async def take_out(superuser: "asyncpg.Connection[asyncpg.Record]", *ids: UUID) -> None:
    await superuser.execute("DELETE FROM accesses WHERE id = ANY($1::uuid[])", list(ids))
