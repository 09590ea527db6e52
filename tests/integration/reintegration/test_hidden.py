"""What lies in a country that the actor does not see: it is not shown, and it counts all the same."""

import json
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.grant import DraftGrant
from services.reintegration.domain.plan import AgreeFirstPlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import FUND, PLAN
from shared.errors import NotFound, RuleViolation
from shared.ids import uuid7
from shared.policy import EVERYWHERE, Reach
from tests.given import NOON
from tests.integration.reintegration.office import OFFICE, REQUESTER, House, Line
from tests.unit.reintegration.examples import MANAGER, TODAY, eur

PAKISTAN, TURKEY = (Reach(frozenset({country})) for country in ("PK", "TR"))
BOTH = frozenset({"PK", "TR"})
OFFICES, ASKER = replace(OFFICE, countries=BOTH), replace(REQUESTER, countries=BOTH)


async def also_in(house: House, country: str, line: Line) -> Line:
    """A line for the same person in a case that goes elsewhere."""
    case_id, plan_id, line_id = await house.case(line.person_id, country=country), uuid7(), uuid7()
    planned = PlannedLine(
        line_id=line_id, person_id=line.person_id, dimension="economic", category=line.category, planned=eur("3000.00")
    )
    await house.give(
        PLAN, plan_id, AgreeFirstPlan(case_id=case_id, person_ids=(line.person_id,), lines=(planned,), agreed_on=TODAY, method="signed"), OFFICES
    )
    return Line(case_id, line.person_id, plan_id, line_id, line.category)


async def ask(house: House, request: DraftGrant, reach: Reach) -> UUID:
    return await house.submitted(request, by=ASKER, reach=reach)


async def test_the_cap_of_a_person_counts_grants_of_a_country_that_the_office_does_not_see(house: House) -> None:
    here, beside = await house.lines("business", "housing")
    there = await also_in(house, "TR", here)
    grant_id = await ask(house, there.request("2500.00"), TURKEY)
    with pytest.raises(NotFound):
        await house.read(GRANT, grant_id, ASKER, reach=PAKISTAN)
    with pytest.raises(RuleViolation, match="beyond_cap"):
        await ask(house, here.request("600.00"), PAKISTAN)
    await ask(house, beside.request("500.00"), PAKISTAN)
    assert (await house.findings()).differences == []


async def test_the_sum_that_counts_elsewhere_is_told_and_nothing_else(house: House) -> None:
    here = await house.line()
    await ask(house, (await also_in(house, "TR", here)).request("2500.00"), TURKEY)
    connection = await asyncpg.connect(house.made.logins.api)
    row = await connection.fetchrow("SELECT * FROM support_in(ARRAY[$1::uuid], $2, $3)", here.person_id, uuid7(), NOON)
    assert row is not None
    assert json.loads(row["support_in"]) == [{"currency": "EUR", "amount": "2500.00"}]
    assert await connection.fetch("SELECT * FROM grants") == []
    await connection.close()


async def test_to_begin_something_under_an_id_that_a_hidden_row_has_is_refused_as_for_a_row_that_is_seen(
    house: House,
) -> None:
    line = await house.line()
    other = await also_in(house, "TR", line)
    grant_id = uuid7()
    await house.give(GRANT, grant_id, other.request("100.00"), ASKER, reach=TURKEY)
    refused = []
    for reach in (PAKISTAN, TURKEY, EVERYWHERE):
        with pytest.raises(RuleViolation, match="already_exists") as caught:
            await house.give(GRANT, grant_id, line.request("100.00"), ASKER, reach=reach)
        refused.append((caught.value.code, caught.value.sentence))
    assert len(set(refused)) == 1


async def test_an_id_that_another_kind_of_thing_has_is_refused_as_taken(house: House) -> None:
    line = await house.line()
    with pytest.raises(RuleViolation, match="already_exists"):
        await house.give(GRANT, line.plan_id, line.request("100.00"), ASKER)
    fund_id = await house.fund()
    assert (await house.read(FUND, fund_id, MANAGER)).version == 2


async def test_a_command_on_a_hidden_row_is_answered_as_if_there_were_none(house: House) -> None:
    line = await house.line()
    for plan_id in (line.plan_id, uuid7()):
        with pytest.raises(NotFound):
            await house.read(PLAN, plan_id, OFFICE, reach=TURKEY)
