"""Thousands of attempts of a service that lies to add to a commitment what nobody may: keys and CHECKs refuse each, as a control shows."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.authority import NameDeputy
from services.reintegration.domain.commitment_orders import AddToCommitment
from services.reintegration.domain.policies import EXAMPLE, PublishPolicy
from services.reintegration.domain.rates import CorrectRate, RecordRate
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import AUTHORITY, FUNDING_POLICY, RATE
from shared.actors import Actor
from shared.ids import uuid7
from shared.money import Money
from tests.integration.reintegration.office import EARLY, REQUESTER, House, authority_for
from tests.integration.reintegration.test_hostile import (
    CONNECTIONS,
    DEPUTY,
    LATE,
    NOBODY,
    OTHER,
    ROW_SECURITY,
    SECOND,
    SMALL,
    Columns,
    Connection,
    Lie,
    goes_through,
    insert,
)
from tests.unit.reintegration.examples import APPROVER, CHIEF, ENDORSER, MANAGER, RECONCILER, TODAY, eur


@dataclass(frozen=True)
class Stage:
    """Two grants in marks from a fund in euros, each approved by two; to the first 1.00 was added."""

    house: House
    added: UUID
    bare: UUID
    another_fund: UUID


@pytest.fixture
async def stage(house: House) -> Stage:
    house.authority_id, house.policy_id = uuid7(), uuid7()
    rules = PublishPolicy.model_validate({**dict(EXAMPLE), "programme": "default", "required_papers": (), "quotations_above": eur("100000.00")})
    await house.give(FUNDING_POLICY, uuid7(), rules, MANAGER, EARLY)
    given: dict[str, UUID] = {}
    for holder, limit in ((APPROVER, "5000"), (SECOND, "5000"), (SMALL, "1000"), (OTHER, "5000"), (REQUESTER, "5000"), (ENDORSER, "5000")):
        given[holder.person_id] = uuid7()
        await house.give(AUTHORITY, given[holder.person_id], authority_for(holder, limit), CHIEF, EARLY)
    for deputy, holder, until in (
        (DEPUTY, OTHER, date(2030, 1, 1)), (LATE, OTHER, date(2023, 5, 1)), (NOBODY, ENDORSER, date(2030, 1, 1)),
    ):  # fmt: skip
        named = NameDeputy(deputy_id=deputy.person_id, valid_from=EARLY.date(), valid_until=until)
        await house.give(AUTHORITY, given[holder.person_id], named, CHIEF, EARLY)
    rate, rate_id = RecordRate(currency="BAM", base="EUR", effective_on=TODAY, rate=Decimal(2), source="central_bank"), uuid7()
    await house.give(RATE, rate_id, rate, RECONCILER)
    fund_id, another, grants = await house.fund(), await house.fund(), []
    for _ in range(2):
        (line,) = await house.lines("business", currency="BAM")
        request = line.request("2400.00")
        marks = Money(amount=Decimal("2400.00"), currency="BAM")
        in_marks = request.model_copy(
            update={
                "money": marks, "modality": "cash_instalment", "tranches": (request.tranches[0].model_copy(update={"money": marks}),),
                "budget_lines": (request.budget_lines[0].model_copy(update={"money": marks}),),
            }
        )
        grants.append(await house.endorsed(in_marks))
        for approver in (APPROVER, SECOND):
            await house.give(GRANT, grants[-1], await house.approval(grants[-1], fund_id), approver)
    # By 1.99 a euro what is left costs 6.03 more than was committed.
    await house.give(RATE, rate_id, CorrectRate(rate=Decimal("1.99"), source="central_bank", reason="mistyped"), RECONCILER)
    await house.give(GRANT, grants[0], AddToCommitment(money=eur("1.00")), APPROVER)
    return Stage(house, grants[0], grants[1], another)


@pytest.fixture
async def owner(stage: Stage) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(stage.house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    yield connection
    await connection.close()


async def lies(stage: Stage, owner: Connection) -> tuple[Lie, list[Lie]]:
    """A second addition as it would be true, and everything that it is not."""
    first = await owner.fetchrow("SELECT * FROM commitment_additions WHERE grant_id = $1", stage.added)
    posted = await owner.fetchrow("SELECT * FROM fund_postings WHERE grant_id = $1 AND kind = 'add'", stage.added)
    assert first is not None
    assert posted is not None
    terms = {row["acting_id"]: row for row in await owner.fetch("SELECT * FROM authority_terms ORDER BY terms_no")}
    before, total = first["total"], first["total"] + 2
    second = {
        **dict(first), "addition_no": 2, "former_no": 1, "begun_with": None, "former_total": before, "added": Decimal(2),
        "total": total, "in_authority": total, "weighed": total,
    }  # fmt: skip

    def by(acting: Actor, **changes: object) -> dict[str, object]:
        one = terms[acting.person_id]
        return {
            **second, "adder_id": acting.person_id, "authority_id": one["authority_id"], "terms_no": one["terms_no"],
            "authority_holder_id": one["holder_id"], "authority_role": one["role"], "authority_currency": one["currency"],
            "authority_up_to": one["up_to"], "authority_valid_from": one["valid_from"],
            "authority_valid_until": one["valid_until"], **changes,
        }  # fmt: skip

    def lie(constraint: str, row: Columns, actor: str | None = None) -> Lie:
        named = constraint if constraint == ROW_SECURITY else constraint.replace("_", "_commitment_additions_", 1)
        return Lie(named, *insert("commitment_additions", row), actor or str(row["adder_id"]))

    def of_bare(**changes: object) -> dict[str, object]:
        """The first addition to the other grant, which has none."""
        return by(
            OTHER, grant_id=stage.bare, content_hash=hashed, addition_no=1, former_no=None, begun_with=Decimal(1200),
            former_total=Decimal(1200), total=Decimal(1202), in_authority=Decimal(1202), weighed=Decimal(1202), **changes,
        )  # fmt: skip

    hashed = await owner.fetchval("SELECT content_hash FROM grants WHERE id = $1", stage.bare)
    assert (first["begun_with"], before) == (Decimal("1200.00"), Decimal("1201.00"))
    more = {"total": total + 1, "in_authority": total + 1, "weighed": total + 1}
    false = [
        lie("ck_adder_not_involved", by(REQUESTER)),
        lie("ck_adder_not_involved", by(ENDORSER)),
        lie("ck_holder_not_involved", by(NOBODY)),
        lie("fk_as_endorsed", by(REQUESTER, requester_id="staff:somebody")),
        lie("fk_as_endorsed", by(ENDORSER, endorser_id="staff:somebody")),
        lie("fk_as_endorsed", by(OTHER, counsellor_id="staff:somebody")),
        lie("fk_as_endorsed", by(OTHER, request_version=2)),
        lie("ck_total_is_added_up", by(OTHER, **more)),
        lie("ck_total_is_added_up", by(OTHER, added=Decimal(0), former_total=total)),
        lie("ck_total_as_added", by(OTHER, in_authority=Decimal(1))),
        lie("ck_within_authority", by(SMALL)),
        lie("fk_by_authority", by(SMALL, authority_up_to=Decimal(5000))),
        lie("fk_by_authority", by(OTHER, adder_id="staff:stranger")),
        lie("ck_authority_in_force", by(LATE)),
        lie("fk_by_authority", by(LATE, authority_valid_until=date(2030, 1, 1))),
        lie("ck_strong_and_fresh", by(OTHER, strength="password")),
        lie("ck_strong_and_fresh", by(OTHER, auth_age_seconds=301)),
        lie("ck_one_after_the_other", by(OTHER, former_no=None)),
        lie("ck_one_after_the_other", by(OTHER, addition_no=3)),
        # It begins with less than was committed, or goes on from another total than there was.
        lie("fk_begun_with", of_bare() | {"begun_with": Decimal(1199), "former_total": Decimal(1199), "added": Decimal(3)}),
        lie("fk_former", by(OTHER, former_total=before - 1, added=Decimal(3))),
        lie("ck_levels_enough", by(OTHER, levels_needed=1)),
        lie("ck_weighed_with_the_rest", by(OTHER, weighed=Decimal(400), levels_needed=1)),
        lie("ck_else_by_the_chief", by(OTHER, weighed=Decimal(2001), levels_needed=3)),
        lie("fk_to_commitment", by(OTHER, weighed=Decimal(2001), levels_needed=3, levels_given=3)),
        lie("fk_to_commitment", by(OTHER, weighed=Decimal(2001), two_approvers_up_to=Decimal(9000))),
        lie("fk_to_commitment", by(OTHER, fund_id=stage.another_fund)),
        lie("fk_to_commitment", by(OTHER, fund_currency="USD", in_authority=Decimal(1))),
        lie(ROW_SECURITY, by(OTHER), SECOND.person_id),
        lie(ROW_SECURITY, by(OTHER), APPROVER.person_id),
    ]
    of_grant = "UPDATE grants SET {} WHERE id = $1"
    false += [
        Lie(constraint, of_grant.format(change), (grant_id,))
        for constraint, change, grant_id in (
            ("fk_grants_as_added", "fund_total = fund_total + 1, fund_committed = fund_committed + 1", stage.added),
            ("ck_grants_paid_within_commitment", "fund_committed = fund_committed + 1", stage.added),
            ("ck_grants_total_is_added_up", "fund_total = fund_total + 1", stage.bare),
            ("fk_grants_as_approved", "fund_amount = fund_amount + 1, fund_total = fund_total + 1", stage.bare),
            ("fk_grants_currency_of_the_fund", "fund_currency = 'USD'", stage.bare),
            ("ck_grants_same_currency_same_amounts", "fund_currency = 'BAM'", stage.bare),
        )
    ]
    false += [
        Lie(constraint, *insert("fund_postings", {**dict(posted), "posting_no": 9, **changes}))
        for constraint, changes in (
            ("fk_fund_postings_currency_of_the_fund", {"fund_currency": "USD"}),
            ("ck_fund_postings_amount_above_zero", {"amount": Decimal(1)}),
            ("ck_fund_postings_amount_above_zero", {"amount_in_fund": Decimal(-1)}),
            ("ck_fund_postings_kind_is_known", {"kind": "difference"}),
            ("ck_fund_postings_same_currency_same_amount", {"currency": "EUR"}),
        )
    ]
    return lie("", by(OTHER)), false


async def test_no_lie_about_an_addition_goes_through_and_without_the_constraints_each_does(
    stage: Stage, owner: Connection, pytestconfig: pytest.Config
) -> None:
    true, false = await lies(stage, owner)
    connections = [await asyncpg.connect(stage.house.made.logins.api) for _ in range(CONNECTIONS)]
    for connection in connections:
        await connection.execute("SELECT set_config('app.countries', 'PK', false)")
    assert await goes_through(connections[0], true) == "INSERT 0 1"
    outcomes: Counter[tuple[str, str]] = Counter()
    count = pytestconfig.getoption("--hostile") // 2
    numbers = iter(range(count))

    async def some(connection: Connection) -> None:
        for number in numbers:
            tried = false[number % len(false)]
            outcomes[tried.constraint, await goes_through(connection, tried)] += 1

    await asyncio.gather(*(some(connection) for connection in connections))
    assert all(expected == got for expected, got in outcomes), outcomes
    assert sum(outcomes.values()) == count
    assert (await stage.house.findings()).differences == []

    # The control: the same from the same login, once nothing of that holds any more.
    dropped = await owner.fetch(
        "SELECT conrelid::regclass::text AS t, conname AS name FROM pg_constraint WHERE contype IN ('c', 'f') "
        "AND conrelid::regclass::text IN ('commitment_additions', 'grants', 'fund_postings')"
    )
    for row in dropped:
        await owner.execute(f'ALTER TABLE {row["t"]} DROP CONSTRAINT {row["name"]} CASCADE')
    await owner.execute("ALTER TABLE commitment_additions DISABLE ROW LEVEL SECURITY")
    assert {await goes_through(connections[0], tried) for tried in false} == {"INSERT 0 1", "UPDATE 1"}
    for connection in connections:
        await connection.close()
