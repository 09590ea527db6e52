"""What `verify` finds when the log was written to by a login that may append and did so past the rules."""

import json
from uuid import UUID

import asyncpg

from shared.ids import uuid7
from tests.integration.reintegration.office import House


async def append(house: House, kind: str, subject: UUID, version: int, leaf: dict[str, object]) -> None:
    connection = await asyncpg.connect(house.made.logins.api)
    await connection.execute(
        "SELECT append_events(ARRAY[$1::uuid], ARRAY[$2::text], ARRAY[$3::uuid], ARRAY[$4::integer], ARRAY[$5::bytea])",
        uuid7(), kind, subject, version, json.dumps(leaf).encode(),
    )  # fmt: skip
    await connection.close()


async def test_events_of_no_kind_that_the_service_has_are_told_and_nothing_stops(house: House) -> None:
    line = await house.line()
    await append(house, "avrr.reintegration.treasure.found.v1", uuid7(), 1, {"data": {}})
    await append(house, "avrr.reintegration.plan.burnt.v1", line.plan_id, 2, {"data": {}})
    differences = (await house.findings()).differences
    assert len([found for found in differences if "no kind that this service has" in found]) == 2


async def test_a_leaf_that_says_something_else_than_the_log_beside_it_is_told(house: House) -> None:
    line, other = await house.line(), await house.line()
    told = {
        "type": "avrr.reintegration.case.end_noted.v1", "subject": str(other.case_id), "aggregateversion": 3, "data": {},
    }  # fmt: skip
    await append(house, "avrr.reintegration.case.seal_refused.v1", line.case_id, 3, {**told, "data": {"live_grants": 1}})
    differences = (await house.findings()).differences
    assert f"case {line.case_id}: the leaf of version 3 says something else than the log" in differences


async def test_a_leaf_that_cannot_be_read_is_told(house: House) -> None:
    line = await house.line()
    connection = await asyncpg.connect(house.made.logins.api)
    await connection.execute(
        "SELECT append_events(ARRAY[$1::uuid], ARRAY['avrr.reintegration.case.sealed.v1'], ARRAY[$2::uuid], ARRAY[3], "
        "ARRAY['\\xff'::bytea])",
        uuid7(), line.case_id,
    )  # fmt: skip
    await connection.close()
    assert any("says something else" in found for found in (await house.findings()).differences)
