"""What `verify` finds when the log was written to by a login that may append and did so past the rules."""

import json
from uuid import UUID

import asyncpg
import pytest

from shared.ids import uuid7
from shared.revisions import OtherRevision, newest_of
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
    findings = await house.findings()
    assert len([found for found in findings.differences if "no kind that this service has" in found]) == 2
    assert not findings.sound


async def test_a_database_at_another_revision_is_not_verified(house: House) -> None:
    await house.line()
    migrating = await asyncpg.connect(house.made.logins.migrate)
    await migrating.execute("SET ROLE reintegration_owner")
    await migrating.execute("UPDATE alembic_version SET version_num = 'reintegration_1'")
    with pytest.raises(OtherRevision) as other:
        await house.findings()
    assert other.value.reason == f"the database is at reintegration_1, this program knows {newest_of('reintegration')}"
    await migrating.execute("DROP POLICY reintegration_verify ON alembic_version")
    await migrating.execute("REVOKE ALL ON alembic_version FROM reintegration_verify")
    await migrating.close()
    with pytest.raises(OtherRevision):
        await house.findings()


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
