"""What offices were told of arrivals is held against the log with each case, and never all of it at once."""

from uuid import UUID

import asyncpg
import pytest

from services.returns.wiring import WIRING
from shared.access import RecordStatusAsked
from shared.contracts.access import Told
from shared.db import Scope, Sql
from shared.ids import uuid7
from tests.integration.returns.mission import ANKARA, Mission

_SCOPE = Scope("verify:returns")


async def told(mission: Mission, case_id: UUID, status: str) -> None:
    order = RecordStatusAsked(
        actor_id=ANKARA.person_id, operation="look_up_status", purpose="reception", reason="told", about=case_id,
        told=(Told(case_id=case_id, country="TR", status=status),),
    )  # fmt: skip
    await mission.order(uuid7(), order, ANKARA, aggregate=WIRING.access)


async def differing(mission: Mission) -> set[str]:
    return {one for one in (await mission.verified()).differences if one.startswith("arrival notices")}


async def test_what_an_office_was_told_is_what_is_noted(mission: Mission) -> None:
    awaited, missed, other = [(await mission.brought_to("approved")).id for _ in range(3)]
    for case_id, status in ((awaited, "travel_scheduled"), (missed, "departed"), (missed, "not_coming"), (other, "approved")):
        await told(mission, case_id, status)
    assert await differing(mission) == set()
    nobody = uuid7()
    async with mission.owner() as connection:
        await connection.execute("DELETE FROM arrival_notices WHERE case_id = $1", awaited)
        await connection.execute("UPDATE arrival_notices SET not_coming_at = NULL WHERE case_id = $1", missed)
        for case_id in (other, nobody):
            await connection.execute("INSERT INTO arrival_notices VALUES ($1, 'TR', now())", case_id)
    assert await differing(mission) == {
        *(f"arrival notices: {case_id}" for case_id in (awaited, missed, other)), f"arrival notices of no case: {nobody}",
    }  # fmt: skip


async def test_a_value_that_keeps_a_check_from_being_answered_is_told_of_its_case_and_ends_no_verification(mission: Mission) -> None:
    case_id, other = [(await mission.brought_to("approved")).id for _ in range(2)]
    await told(mission, other, "travel_scheduled")
    api = await asyncpg.connect(mission.database.logins.api)
    await api.execute(
        "SELECT append_events(ARRAY[$1::uuid], ARRAY['avrr.returns.access.status_asked.v1'], ARRAY[$2::uuid], ARRAY[1], "
        "ARRAY[convert_to($3, 'UTF8')])",
        uuid7(), uuid7(), f'{{"data":{{"about":"{case_id}","told":5}}}}',
    )  # fmt: skip
    await api.close()
    assert await differing(mission) == {f"arrival notices: {case_id}"}


@pytest.mark.parametrize("name", ["arrival notices", "told support of erased persons"])
async def test_what_is_checked_with_its_aggregate_reads_the_log_by_the_ids_that_are_asked_for(mission: Mission, name: str) -> None:
    await told(mission, (await mission.brought_to("approved")).id, "travel_scheduled")
    (check,) = (one for one in WIRING.checks if one.name == name)
    assert check.by_id
    async with mission.database.verify.unit_of_work(_SCOPE) as unit:
        await unit.rows(Sql("SELECT set_config('enable_seqscan', 'off', true)"))
        explained = Sql("SELECT 1")
        explained.text, explained._names = f"EXPLAIN {check.sql.text}", check.sql._names
        plan = " ".join(row[0] for row in await unit.rows(explained, ids=[uuid7()]))
    assert "(about = " in plan and "(idx = m.idx)" in plan, plan
    assert "Join Filter: (m.idx" not in plan and "Hash" not in plan, plan
