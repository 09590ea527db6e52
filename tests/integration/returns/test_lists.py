"""Lists of cases: what they hold, in which order, and that no list walks past cases that it does not show."""

import itertools
from collections.abc import Mapping
from uuid import UUID

import asyncpg
import pytest

from services.returns import queries
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_withdrawal import WithdrawCase
from services.returns.wiring import CASE
from shared.db import Sql
from shared.handling import transact
from shared.policy import EVERYWHERE, Reach
from tests.integration.returns.mission import ANKARA, ANNA, Mission, somebody

COMBINATIONS = [
    combination
    for how_many in range(4)
    for combination in itertools.combinations(("case_ref", "status", "destination_country"), how_many)
]


async def ids(mission: Mission, sql: Sql, limit: int = 100, after: UUID | None = None, **values: object) -> list[UUID]:
    scope = EVERYWHERE.scope(ANNA)
    rows = await transact(mission.database.api, scope, lambda unit: unit.rows(sql, after=after, limit=limit, **values))
    return [row["id"] for row in rows]


async def listed(mission: Mission, limit: int = 100, after: UUID | None = None, **filters: str) -> list[UUID]:
    return await ids(mission, queries.cases(filters), limit, after, **filters)


async def abroad(mission: Mission, *countries: str, limit: int = 100, after: UUID | None = None) -> list[UUID]:
    return await ids(mission, queries.CASES_ABROAD, limit, after, countries=list(countries))


async def test_each_filter_leaves_out_what_it_should(mission: Mission) -> None:
    turkey = await mission.opened()
    iraq = await mission.opened(country="IQ")
    screened = await mission.brought_to("screening", country="IQ")
    assert await listed(mission) == [turkey.id, iraq.id, screened.id]
    assert await listed(mission, destination_country="IQ") == [iraq.id, screened.id]
    assert await listed(mission, status="intention") == [turkey.id, iraq.id]
    assert await listed(mission, status="intention", destination_country="IQ") == [iraq.id]
    assert await listed(mission, case_ref=case_ref(turkey.id)) == [turkey.id]
    assert await listed(mission, case_ref=case_ref(turkey.id), destination_country="IQ") == []


async def test_pages_hold_every_case_once(mission: Mission) -> None:
    expected = [(await mission.opened()).id for _ in range(5)]
    pages: list[list[UUID]] = [await listed(mission, limit=2)]
    while pages[-1]:
        pages.append(await listed(mission, limit=2, after=pages[-1][-1]))
    assert list(itertools.chain(*pages)) == expected


async def test_a_receiving_office_lists_its_own_countries_from_approval_on(mission: Mission) -> None:
    await mission.brought_to("applied")
    approved = await mission.brought_to("approved")
    other = await mission.brought_to("approved", country="IQ")
    left = await mission.opened()
    await mission.depart(left)
    assert await abroad(mission, "TR") == [approved.id, left.id]
    assert await abroad(mission, "TR", "IQ") == [approved.id, other.id, left.id]
    assert await abroad(mission, "TR", "IQ", limit=1, after=approved.id) == [other.id]
    assert await abroad(mission) == []


async def test_the_list_and_the_reader_agree_on_what_is_known_abroad(mission: Mission) -> None:
    attempts = [
        await mission.opened(), await mission.brought_to("applied"), await mission.brought_to("approved"),
        await mission.brought_to("ready_to_travel", somebody()),
    ]  # fmt: skip
    gone, withdrawn = await mission.opened(), await mission.opened()
    await mission.depart(gone)
    await mission.order(withdrawn.id, WithdrawCase(), ANNA)
    approved_then_withdrawn = await mission.brought_to("approved")
    await mission.order(approved_then_withdrawn.id, WithdrawCase(), ANNA)
    attempts += [gone, withdrawn, approved_then_withdrawn]
    turkey = Reach(frozenset({"TR"}))
    known = [attempt.id for attempt in attempts if CASE.within(await mission.case(attempt.id), turkey, ANKARA)]
    assert sorted(known) == await abroad(mission, "TR")
    assert len(known) == 4


async def test_a_state_from_outside_gathers_every_status_that_looks_like_it(mission: Mission) -> None:
    await mission.opened()
    preparing = await mission.brought_to("preparing")
    scheduled = await mission.brought_to("cleared_to_board")

    async def at(state: queries.PublicState) -> list[UUID]:
        return await ids(mission, queries.CASES_ABROAD_AT, countries=["TR"], statuses=queries.statuses_of(state))

    assert await at("in_preparation") == [preparing.id]
    assert await at("travel_scheduled") == [scheduled.id]
    assert await at("closed") == []


async def explained(connection: "asyncpg.Connection[asyncpg.Record]", sql: Sql, values: Mapping[str, object]) -> str:
    plan = await connection.fetch(
        "EXPLAIN " + sql.text, *sql.arguments({"after": None, "limit": 51, **values})
    )
    return "\n".join(row[0] for row in plan)


async def fill(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.execute(
        "INSERT INTO cases (id, version, case_ref, status, destination_country, principal_id, counsellor_id, persons, "
        "expressed_at, last_contact_at, contact_tried_at, booked_person_ids, times_missed, grants) "
        "SELECT gen_random_uuid(), 1, overlay(upper(lpad(to_hex(n), 8, '0')) placing '-' from 5 for 0) || '-000', "
        "'intention', (ARRAY['TR', 'IQ', 'MA', 'PK'])[1 + n % 4], gen_random_uuid(), 'staff:anna', '[]', now(), now(), "
        "'{}', '{}', 0, '[]' FROM generate_series(1, 4000) n"
    )
    await connection.execute("ANALYZE cases")


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_every_list_walks_an_index_in_its_own_order(mission: Mission, mode: str) -> None:
    values = {"case_ref": "0000-0001-000", "status": "intention", "destination_country": "IQ"}
    async with mission.owner() as connection:
        await fill(connection)
        await connection.execute(f"SET plan_cache_mode = {mode}")
        for names in COMBINATIONS:
            filters = {name: values[name] for name in names}
            plan = await explained(connection, queries.cases(filters), filters)
            assert "Seq Scan" not in plan
            if "case_ref" in names:
                assert "uq_cases_case_ref" in plan
            elif "destination_country" in names:
                assert "ix_cases_destination_country" in plan
                assert "Sort" not in plan
            else:
                assert "Sort" not in plan


async def test_a_receiving_office_walks_only_its_own_countries(mission: Mission) -> None:
    async with mission.owner() as connection:
        await fill(connection)
        statuses = list(queries.statuses_of("in_preparation"))
        for sql, more in ((queries.CASES_ABROAD, {}), (queries.CASES_ABROAD_AT, {"statuses": statuses})):
            plan = await explained(connection, sql, {"countries": ["TR"], **more})
            assert "ix_cases_destination_country" in plan
            assert "Seq Scan on cases" not in plan
