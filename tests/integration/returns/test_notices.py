"""What offices were told of arrivals is held against the log with each case, and never all of it at once."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from alembic import command
from sqlalchemy.exc import DBAPIError

from ops import databases
from ops.supervisor import Running
from services.returns.domain.case_corrections import AskForCorrection, CorrectDeparture
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_withdrawal import WithdrawCase
from services.returns.wiring import WIRING
from shared.access import RecordStatusAsked
from shared.contracts.access import Told
from shared.db import Scope, Sql
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.returns.api import Api, Register
from tests.integration.returns.mission import ANKARA, ANNA, ARRIVES, DEPARTS, OLEG, ZORAN, Mission

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


async def test_an_office_that_was_told_a_second_time_that_somebody_comes_is_told_a_second_time_that_nobody_does(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("ready_to_travel")
    await register.agree(attempt)

    async def answered(at: datetime) -> str:
        answer = await api.get(f"status/{case_ref(attempt.id)}", ANKARA, at, purpose="reception")
        return str(answer.json()["status"] if answer.is_success else answer.json()["code"])

    assert await answered(NOON) == "travel_scheduled"
    await mission.order(attempt.id, WithdrawCase(), ANNA)
    assert await answered(NOON) == "not_coming"
    # Somebody is said to have left all the same, and did not.
    await mission.order(attempt.id, RecordDeparture(person_ids=attempt.ids, departed_at=DEPARTS, record_id=uuid7()), OLEG, ARRIVES)
    assert await answered(ARRIVES) == "departed"
    assert await differing(mission) == set()
    await mission.order(attempt.id, AskForCorrection(person_id=attempt.ids[0], of="departure"), OLEG, ARRIVES)
    await mission.order(attempt.id, CorrectDeparture(person_id=attempt.ids[0], record_id=uuid7()), ZORAN, ARRIVES)
    assert [row["status"] for row in (await api.get("cases", ANKARA, ARRIVES)).json()["items"]] == ["not_coming"]
    assert await answered(ARRIVES + timedelta(hours=23)) == "not_coming"
    assert await answered(ARRIVES + timedelta(hours=25)) == "not_found"
    assert await differing(mission) == set()


async def set_back(mission: Mission, servers: Running) -> str:
    """Takes back what sets right who was told before; answers by which address it is done again."""
    url = mission.database.logins.migrate
    admin = await asyncpg.connect(servers.postgres.url, database=url.rpartition("/")[2])
    await admin.execute("GRANT CREATE ON SCHEMA public TO returns_owner, returns_lookup, returns_eraser")
    await admin.close()
    await asyncio.to_thread(command.downgrade, databases.alembic_config("returns", url), "returns_40")
    return url


async def test_who_was_told_anew_before_is_owed_a_notice_anew_from_the_upgrade_on(mission: Mission, servers: Running) -> None:
    anew, over = [(await mission.brought_to("approved")).id for _ in range(2)]
    for case_id, status in ((anew, "departed"), (anew, "not_coming"), (anew, "departed"), (over, "departed"), (over, "not_coming")):
        await told(mission, case_id, status)
    url = await set_back(mission, servers)
    async with mission.owner() as connection:
        await connection.execute("UPDATE arrival_notices SET not_coming_at = $1", NOON)
        await asyncio.to_thread(databases.upgrade, "returns", url)
        rows = await connection.fetch("SELECT case_id FROM arrival_notices WHERE not_coming_at IS NOT NULL")
    assert [row["case_id"] for row in rows] == [over]
    assert await differing(mission) == set()


async def test_an_upgrade_that_breaks_off_goes_on_after_the_notices_that_it_has_set_right(mission: Mission, servers: Running) -> None:
    first = (await mission.brought_to("approved")).id
    between = [UUID(int=first.int + place) for place in range(1, 51)]
    last = (await mission.brought_to("approved")).id
    for case_id in (first, last):
        await told(mission, case_id, "departed")
    url = await set_back(mission, servers)

    async def still_noted() -> set[UUID]:
        async with mission.owner() as connection:
            return {row["case_id"] for row in await connection.fetch("SELECT case_id FROM arrival_notices WHERE not_coming_at IS NOT NULL")}

    async with mission.owner() as connection:
        await connection.executemany("INSERT INTO arrival_notices VALUES ($1, 'TR', now())", [(one,) for one in between])
        await connection.execute("UPDATE arrival_notices SET not_coming_at = $1", NOON)
        async with connection.transaction():
            await connection.execute("SELECT FROM arrival_notices WHERE case_id = $1 FOR UPDATE", last)
            with pytest.raises(DBAPIError, match="lock timeout"):
                await asyncio.to_thread(command.upgrade, databases.alembic_config("returns", url), "head")
    assert await still_noted() == {*between, last}
    await asyncio.to_thread(databases.upgrade, "returns", url)
    assert await still_noted() == set(between)


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


@pytest.mark.parametrize("name", ["arrival notices", "told support of erased persons", "concealed about erased persons"])
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
