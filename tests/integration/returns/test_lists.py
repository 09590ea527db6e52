"""Lists of cases: what they hold, in which order, and that no list walks past cases that it does not show."""

import itertools
from collections.abc import Mapping
from uuid import UUID

import asyncpg
import pytest

from services.returns import queries
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_withdrawal import WithdrawCase
from services.returns.domain.person import RecordConsent
from services.returns.domain.window import statuses_of
from services.returns.queries import abroad
from shared.db import Sql
from shared.handling import transact
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.returns.mission import ANNA, BERIN, Mission, somebody

COMBINATIONS = [
    combination
    for how_many in range(6)
    for combination in itertools.combinations(("case_ref", "status", "destination_country", "counsellor_id", "open"), how_many)
    if not {"open", "status"} <= set(combination)
]


async def ids(mission: Mission, sql: Sql, limit: int = 100, after: UUID | None = None, **values: object) -> list[UUID]:
    scope = EVERYWHERE.scope(ANNA)
    rows = await transact(mission.database.api, scope, lambda unit: unit.rows(sql, after=after, limit=limit, **values))
    return [row["id"] for row in rows]


async def listed(mission: Mission, limit: int = 100, after: UUID | None = None, **filters: str) -> list[UUID]:
    return await ids(mission, queries.cases(filters), limit, after, **filters)


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


async def test_ones_own_cases_and_open_ones_are_left_of_all(mission: Mission) -> None:
    mine, ended = await mission.opened(), await mission.opened()
    other = await mission.opened(counsellor=BERIN)
    await mission.order(ended.id, WithdrawCase(reason="not_stated"), ANNA)
    assert await listed(mission, counsellor_id=ANNA.person_id) == [mine.id, ended.id]
    assert await listed(mission, open="true") == [mine.id, other.id]
    assert await listed(mission, open="true", counsellor_id=ANNA.person_id) == [mine.id]
    assert await listed(mission, status="withdrawn", counsellor_id=BERIN.person_id) == []
    assert await listed(mission, case_ref=case_ref(other.id), counsellor_id=ANNA.person_id) == []


async def test_pages_hold_every_case_once(mission: Mission) -> None:
    expected = [(await mission.opened()).id for _ in range(5)]
    pages: list[list[UUID]] = [await listed(mission, limit=2)]
    while pages[-1]:
        pages.append(await listed(mission, limit=2, after=pages[-1][-1]))
    assert list(itertools.chain(*pages)) == expected


async def explained(connection: "asyncpg.Connection[asyncpg.Record]", sql: Sql, values: Mapping[str, object]) -> str:
    plan = await connection.fetch(
        "EXPLAIN " + sql.text, *sql.arguments({"after": None, "limit": 51, **values})
    )
    return "\n".join(row[0] for row in plan)


async def fill(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.execute(
        "INSERT INTO cases (id, version, case_ref, status, destination_country, principal_id, counsellor_id, persons, "
        "expressed_at, last_contact_at, contact_tried_at, booked_person_ids, needs, transit_visa_needed, times_missed, grants, holds, screening, supports, ticket_costs, split_into) "
        "SELECT gen_random_uuid(), 1, overlay(upper(lpad(to_hex(n), 8, '0')) placing '-' from 5 for 0) || '-000', "
        "'intention', (ARRAY['TR', 'IQ', 'MA', 'PK'])[1 + n % 4], gen_random_uuid(), 'staff:c' || n % 40, '[]', now(), now(), "
        "'{}', '{}', '{}', false, 0, '[]', '[]', '[]', '[]', '[]', '{}' FROM generate_series(1, 4000) n"
    )
    await connection.execute("ANALYZE cases")


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_every_list_walks_an_index_in_its_own_order(mission: Mission, mode: str) -> None:
    values = {
        "case_ref": "0000-0001-000", "status": "intention", "destination_country": "IQ", "counsellor_id": "staff:c7",
        "open": "true",
    }  # fmt: skip
    async with mission.owner() as connection:
        await fill(connection)
        await connection.execute(f"SET plan_cache_mode = {mode}")
        for names in COMBINATIONS:
            filters = {name: values[name] for name in names}
            plan = await explained(connection, queries.cases(filters), filters)
            assert "Seq Scan" not in plan
            if "case_ref" in names:
                assert "uq_cases_case_ref" in plan
            elif "counsellor_id" in names:
                assert "counsellor_id" in plan.partition("Index Cond")[0]
            else:
                assert "Sort" not in plan
                assert ("destination_country_" in plan) == ("destination_country" in names)
                assert "open" not in names or "ix_cases_open" in plan


@pytest.mark.parametrize("filters", [(), ("statuses",)])
async def test_a_receiving_office_walks_only_its_own_countries(mission: Mission, filters: tuple[str, ...]) -> None:
    values = {"statuses": statuses_of("in_preparation")}
    given: dict[str, object] = {name: values[name] for name in filters}
    async with mission.owner() as connection:
        await fill(connection)
        plan = await explained(
            connection, abroad.cases_abroad(filters), {"countries": ["TR"], "not_coming_since": NOON, "today": NOON.date(), **given}
        )
        assert "destination_country_" in plan
        assert "Seq Scan on cases" not in plan


async def test_where_no_adult_goes_everybodys_consent_is_looked_at(mission: Mission) -> None:
    attempt = await mission.brought_to("ready_to_travel", somebody("female"), somebody("male", "child"))
    mother, child = attempt.ids
    for consent in (
        RecordConsent(consent="data", active=True), RecordConsent(consent="transfer", active=True, recipient_country="TR"),
    ):
        await mission.note(mother, consent)
    await mission.note(child, RecordConsent(consent="data", active=False))
    listed = {"countries": ["TR"], "not_coming_since": NOON, "today": NOON.date(), "after": None, "limit": 51}
    due = {"now": NOON, "zone": "Europe/Sarajevo", "after": UUID(int=0), "limit": 51}

    async def found(connection: "asyncpg.Connection[asyncpg.Record]") -> tuple[bool, bool]:
        answers = [
            await connection.fetch(sql.text, *sql.arguments(values))
            for sql, values in ((abroad.cases_abroad(()), listed), (queries.DUE_CLEARANCES, due))
        ]
        return bool(answers[0]), bool(answers[1])

    async with mission.owner() as connection:
        assert await found(connection) == (True, False)
        # Two children, of whom one is the principal.
        await connection.execute(
            "UPDATE cases SET persons = (SELECT jsonb_agg(p || '{\"age_group\": \"child\"}') FROM jsonb_array_elements(persons) p)"
        )
        assert await found(connection) == (False, True)
    for consent in (
        RecordConsent(consent="data", active=True), RecordConsent(consent="transfer", active=True, recipient_country="TR"),
    ):
        await mission.note(child, consent)
    async with mission.owner() as connection:
        assert await found(connection) == (True, False)
