"""Thousands of attempts to approve what one may not, sixteen at a time: each is refused by its own code, and none succeeds.

A third of them go through the rules, as anybody would; the rest go to the database past them, from a service that lies. That
the database's keys and CHECKs are what refuses these, a control shows: without them each goes through.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.authority import NameDeputy
from services.reintegration.domain.fund import ChangeFund, DropFundChange
from services.reintegration.domain.grant import ApproveGrant
from services.reintegration.domain.policies import EXAMPLE, PublishPolicy
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import AUTHORITY, FUND, FUNDING_POLICY
from shared.actors import Actor, Role
from shared.db import Database
from shared.errors import Refusal
from shared.handling import Repeat, handle, transact
from shared.ids import uuid7
from shared.messages import Context, Origin
from shared.policy import EVERYWHERE
from tests.given import NOON, SIGNED_IN, staff
from tests.integration.reintegration.office import EARLY, REQUESTER, House, authority_for
from tests.unit.reintegration.examples import APPROVER, CHIEF, COUNSELLOR, ENDORSER, MANAGER, eur

CONNECTIONS = 16
ROW_SECURITY = "row security"
UNTIL = date(2025, 12, 31)
SECOND, SMALL, DEPUTY, LATE, NOBODY, OTHER = (
    staff(name, "finance_approver") for name in ("second", "small", "deputy", "late", "nobody", "other")
)
Columns = Mapping[str, object]
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True)
class Stage:
    """A request that waits for its first approval, one that has it, and how they would be approved by whoever may."""

    house: House
    fresh: UUID
    half: UUID
    order: ApproveGrant
    of_fresh: ApproveGrant
    empty_fund: UUID
    waiting_fund: UUID


@pytest.fixture
async def stage(house: House) -> Stage:
    house.authority_id, house.policy_id = uuid7(), uuid7()
    rules = PublishPolicy.model_validate({**dict(EXAMPLE), "programme": "default", "required_papers": (), "quotations_above": eur("100000.00")})
    await house.give(FUNDING_POLICY, uuid7(), rules, MANAGER, EARLY)
    given: dict[str, UUID] = {}
    for holder, limit in ((APPROVER, "5000"), (SECOND, "5000"), (SMALL, "1000"), (OTHER, "5000"), (REQUESTER, "5000"), (ENDORSER, "5000")):
        given[holder.person_id] = uuid7()
        await house.give(AUTHORITY, given[holder.person_id], authority_for(holder, limit), CHIEF, EARLY)
    last = date(2023, 5, 1)
    for deputy, holder, until in (
        (DEPUTY, APPROVER, date(2030, 1, 1)), (LATE, OTHER, last), (NOBODY, ENDORSER, date(2030, 1, 1)),
    ):  # fmt: skip
        named = NameDeputy(deputy_id=deputy.person_id, valid_from=EARLY.date(), valid_until=until)
        await house.give(AUTHORITY, given[holder.person_id], named, CHIEF, EARLY)
    fund_id, empty = await house.fund(), await house.fund("10.00")
    fresh, half = [await house.endorsed((await house.line()).request("1200.00")) for _ in range(2)]
    order, of_fresh = [await house.approval(grant_id, fund_id) for grant_id in (half, fresh)]
    await house.give(GRANT, half, order, APPROVER)
    # Of this fund a change was declined, and another waits.
    waiting = await house.fund()
    change = ChangeFund(granted=eur("20000.00"), valid_until=UNTIL, reason="donor_adds")
    for order_of_fund, by in ((change, MANAGER), (DropFundChange(change_no=2), CHIEF), (change, MANAGER)):
        await house.give(FUND, waiting, order_of_fund, by)
    return Stage(house, fresh, half, order, of_fresh, empty, waiting)


def also(actor: Actor) -> Actor:
    return replace(actor, roles=actor.roles | {Role.FINANCE_APPROVER})


def attempts(stage: Stage) -> list[tuple[str, UUID, ApproveGrant, Actor]]:
    """What is tried by the rules: the code that must refuse it, on which request, the order, and by whom."""
    half, fresh, order, of_fresh = stage.half, stage.fresh, stage.order, stage.of_fresh
    return [
        *(("four_eyes", grant_id, of_it, also(somebody)) for somebody in (REQUESTER, ENDORSER, COUNSELLOR)
          for grant_id, of_it in ((half, order), (fresh, of_fresh))),
        ("approved_by_you", half, order, APPROVER),
        ("stands_in_for_one_involved", half, order, DEPUTY),
        ("stands_in_for_one_involved", fresh, of_fresh, NOBODY),
        ("amount_changed", half, order.model_copy(update={"money": eur("1199.99")}), SECOND),
        ("version_changed", half, order.model_copy(update={"request_version": 2}), SECOND),
        ("content_changed", half, order.model_copy(update={"content_hash": "0" * 64}), SECOND),
        ("content_changed", half, order.model_copy(update={"content_hash": of_fresh.content_hash}), SECOND),
        ("beyond_authority", half, order, SMALL),
        ("authority_not_in_force", fresh, of_fresh, LATE),
        ("no_authority", fresh, of_fresh, staff("stranger", "finance_approver")),
        ("fund_exhausted", fresh, of_fresh.model_copy(update={"fund_id": stage.empty_fund}), SECOND),
    ]  # fmt: skip


async def spread(count: int, one: Callable[[int], Awaitable[None]]) -> None:
    """So many calls, sixteen of them at any moment."""
    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(some() for _ in range(CONNECTIONS)))


async def test_no_attempt_by_the_rules_succeeds(stage: Stage, pytestconfig: pytest.Config) -> None:
    house = stage.house
    pool = Database(house.made.logins.api, "hostile", CONNECTIONS, queue_seconds=60.0)
    pool.keys = house.made.person_keys
    await pool.open()
    kinds = attempts(stage)
    outcomes: Counter[tuple[str, str]] = Counter()

    async def one(number: int) -> None:
        expected, grant_id, order, by = kinds[number % len(kinds)]
        repeat = Repeat.of(str(uuid7()), "ApproveGrant", grant_id, b"")
        try:
            await transact(
                pool, EVERYWHERE.scope(by),
                lambda unit: handle(
                    unit, GRANT, grant_id, order, Context(by, NOON, SIGNED_IN), Origin("hostile"), repeat=repeat, reach=EVERYWHERE
                ),
            )  # fmt: skip
            outcomes[expected, "succeeded"] += 1
        except Refusal as refusal:
            outcomes[expected, refusal.code] += 1

    count = pytestconfig.getoption("--hostile") // 3
    try:
        await spread(count, one)
    finally:
        await pool.close()
    assert {got for _, got in outcomes} == {expected for expected, *_ in kinds}
    assert all(expected == got for expected, got in outcomes), outcomes
    assert sum(outcomes.values()) == count
    assert [len((await house.grant(grant_id)).approvals) for grant_id in (stage.fresh, stage.half)] == [0, 1]
    assert (await house.findings()).differences == []


@dataclass(frozen=True)
class Lie:
    """A statement of a service that lies, with its values, for whom it says it acts, and what must refuse it."""

    constraint: str
    sql: str
    values: tuple[object, ...]
    actor: str = "staff:second"


def insert(table: str, row: Columns) -> tuple[str, tuple[object, ...]]:
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", tuple(row.values())


async def lies(stage: Stage, owner: Connection) -> tuple[Lie, list[Lie]]:
    """The second approval as it would be true, and everything that it is not."""
    given = await owner.fetchrow("SELECT * FROM grant_approvals WHERE grant_id = $1", stage.half)
    assert given is not None
    terms = {
        row["acting_id"]: row
        for row in await owner.fetch("SELECT * FROM authority_terms ORDER BY terms_no")
    }

    def by(acting: Actor, **changes: object) -> dict[str, object]:
        one = terms[acting.person_id]
        return {
            **dict(given), "level": 2, "approver_id": acting.person_id, "authority_id": one["authority_id"],
            "terms_no": one["terms_no"], "authority_holder_id": one["holder_id"], "authority_role": one["role"],
            "authority_currency": one["currency"], "authority_up_to": one["up_to"], "authority_valid_from": one["valid_from"],
            "authority_valid_until": one["valid_until"], **changes,
        }  # fmt: skip

    def lie(constraint: str, row: Columns, actor: str | None = None) -> Lie:
        return Lie(constraint, *insert("grant_approvals", row), actor or str(row["approver_id"]))

    false = [
        lie("ck_grant_approvals_approver_not_involved", by(REQUESTER)),
        lie("ck_grant_approvals_approver_not_involved", by(ENDORSER)),
        lie("ck_grant_approvals_holder_not_involved", by(NOBODY)),
        # Who asked or endorsed is not who the version and the endorsement say.
        lie("fk_grant_approvals_as_endorsed", by(REQUESTER, requester_id="staff:somebody")),
        lie("fk_grant_approvals_as_endorsed", by(ENDORSER, endorser_id="staff:somebody")),
        lie("fk_grant_approvals_as_endorsed", by(SECOND, counsellor_id="staff:somebody")),
        lie("uq_grant_approvals_person_once", by(APPROVER)),
        lie("uq_grant_approvals_authority_once", by(DEPUTY)),
        lie("fk_grant_approvals_as_endorsed", by(SECOND, amount=Decimal("1199.99"), in_authority=Decimal("1199.99"))),
        lie("ck_grant_approvals_amount_as_approved", by(SECOND, in_authority=Decimal("1.00"))),
        lie("fk_grant_approvals_as_endorsed", by(SECOND, request_version=2)),
        lie("fk_grant_approvals_as_endorsed", by(SECOND, content_hash="0" * 64)),
        lie("ck_grant_approvals_within_authority", by(SMALL)),
        lie("fk_grant_approvals_by_authority", by(SMALL, authority_up_to=Decimal(5000))),
        lie("fk_grant_approvals_by_authority", by(SECOND, approver_id="staff:stranger")),
        lie("ck_grant_approvals_authority_in_force", by(LATE)),
        lie("fk_grant_approvals_by_authority", by(LATE, authority_valid_until=date(2030, 1, 1))),
        lie("ck_grant_approvals_strong_and_fresh", by(SECOND, strength="password")),
        lie("ck_grant_approvals_strong_and_fresh", by(SECOND, auth_age_seconds=301)),
        lie("ck_grant_approvals_strong_and_fresh", by(SECOND, auth_age_seconds=-31)),
        lie("ck_grant_approvals_third_is_the_chief", by(SECOND, level=3, levels_needed=3)),
        lie("ck_grant_approvals_level_of_those_needed", by(SECOND, levels_needed=1)),
        # Nobody approves in another's name.
        lie(ROW_SECURITY, by(SECOND), APPROVER.person_id),
        lie(ROW_SECURITY, by(APPROVER), SECOND.person_id),
    ]
    commitment = {
        "grant_id": stage.half, "request_version": 1, "destination_country": "PK", "fund_id": given["fund_id"],
        "amount": given["amount"], "currency": "EUR", "levels_needed": 2, "level_1": 1, "level_2": 2, "level_3": None,
        "policy_programme": "default", "policy_version": 1, "policy_currency": "EUR", "one_approver_up_to": Decimal(500),
        "two_approvers_up_to": Decimal(2000), "weighed": Decimal(1200), "fund_currency": "EUR", "fund_amount": given["amount"],
    }  # fmt: skip
    of_one = {"levels_needed": 1, "level_2": None}
    false += [
        Lie(constraint, *insert("grant_commitments", {**commitment, **changes}))
        for constraint, changes in (
            ("fk_grant_commitments_level_2", {}),
            ("ck_grant_commitments_every_level", {"level_2": None}),
            ("ck_grant_commitments_levels_enough", of_one),
            ("ck_grant_commitments_weighed_with_the_rest", {**of_one, "weighed": Decimal(400)}),
            ("fk_grant_commitments_by_policy", {**of_one, "one_approver_up_to": Decimal(1500)}),
            ("ck_grant_commitments_example_without_policy",
             {**of_one, "policy_programme": None, "policy_version": None, "one_approver_up_to": Decimal(1500)}),
        )
    ]  # fmt: skip
    approved = "UPDATE grants SET status = 'approved', version = version + 1, approver_id = 'staff:second', approved_at = now(), fund_id = $2, committed = amount, fund_currency = 'EUR', fund_amount = amount, fund_total = amount, fund_committed = amount, fund_paid = 0, {} WHERE id = $1"
    false += [
        Lie("ck_grants_version_is_approved", approved.format("paid = 0"), (stage.half, given["fund_id"])),
        Lie("fk_grants_as_approved", approved.format("approved_version = 1"), (stage.half, given["fund_id"])),
        Lie("fk_grants_approved_before", approved.format("approved_before = 1"), (stage.half, given["fund_id"])),
        Lie("fk_grants_as_submitted", "UPDATE grants SET amount = amount - 1 WHERE id = $1", (stage.half,)),
        Lie(
            "ck_fund_balances_within_granted",
            "UPDATE fund_balances SET committed = committed + granted + 0.01 WHERE fund_id = $1",
            (stage.empty_fund,),
        ),
    ]
    return lie("", by(SECOND)), [*false, *await of_funds(stage, owner)]


async def of_funds(stage: Stage, owner: Connection) -> list[Lie]:
    """What a service may say of a fund's changes that was not so."""
    asked = await owner.fetch("SELECT * FROM fund_changes WHERE fund_id = $1 ORDER BY change_no", stage.waiting_fund)
    declined, waits = ({name: value for name, value in row.items() if name not in ("reason", "asked_at")} for row in asked[1:])
    manager, chief = MANAGER.person_id, CHIEF.person_id

    def confirmed(constraint: str, of: Columns, actor: str) -> Lie:
        return Lie(constraint, *insert("fund_confirmations", {**of, "confirmed_by": chief, "confirmed_at": NOON}), actor)

    def dropped(constraint: str, of: Columns, actor: str) -> Lie:
        row = {"fund_id": of["fund_id"], "change_no": of["change_no"], "dropped_by": chief, "dropped_at": NOON}
        return Lie(constraint, *insert("fund_drops", row), actor)

    def another(constraint: str, actor: str, **changes: object) -> Lie:
        return Lie(constraint, *insert("fund_changes", {**dict(asked[2]), **changes}), actor)

    answered, nothing_waits = "fund_change_answered_once", "fund_asked_when_nothing_waits"
    return [
        confirmed(answered, declined, chief), confirmed(ROW_SECURITY, waits, manager),
        dropped(ROW_SECURITY, waits, manager), dropped(answered, {**declined, "change_no": 1}, chief),
        another(nothing_waits, manager, change_no=4), another(ROW_SECURITY, chief, fund_id=stage.empty_fund, change_no=2),
    ]  # fmt: skip


@pytest.fixture
async def owner(stage: Stage) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(stage.house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    yield connection
    await connection.close()


async def as_the_service(stage: Stage) -> Connection:
    connection = await asyncpg.connect(stage.house.made.logins.api)
    await connection.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:second', false)")
    return connection


async def goes_through(connection: Connection, tried: Lie) -> str:
    """By which constraint it is refused, or that it is not; nothing of it stays."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("SELECT set_config('app.actor', $1, true)", tried.actor)
        done = await connection.execute(tried.sql, *tried.values)
    except asyncpg.InsufficientPrivilegeError:
        return ROW_SECURITY
    except asyncpg.IntegrityConstraintViolationError as refused:
        return str(refused.constraint_name)
    finally:
        await transaction.rollback()
    return done


async def test_no_attempt_past_the_rules_succeeds_and_without_the_constraints_each_does(
    stage: Stage, owner: Connection, pytestconfig: pytest.Config
) -> None:
    true, false = await lies(stage, owner)
    connections = [await as_the_service(stage) for _ in range(CONNECTIONS)]
    assert await goes_through(connections[0], true) == "INSERT 0 1"
    outcomes: Counter[tuple[str, str]] = Counter()
    count = pytestconfig.getoption("--hostile") - pytestconfig.getoption("--hostile") // 3
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
        "AND conrelid::regclass::text IN ('grant_approvals', 'grant_commitments', 'grants', 'fund_balances') "
        "OR conname IN ('uq_grant_approvals_person_once', 'uq_grant_approvals_authority_once')"
    )
    for row in dropped:
        await owner.execute(f'ALTER TABLE {row["t"]} DROP CONSTRAINT {row["name"]} CASCADE')
    for table in ("grant_approvals", "fund_changes", "fund_confirmations", "fund_drops"):
        await owner.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for trigger, table in (
        ("when_nothing_waits", "fund_changes"), ("answered_once", "fund_confirmations"), ("answered_once", "fund_drops"),
    ):  # fmt: skip
        await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    through = [await goes_through(connections[0], tried) for tried in false]
    assert set(through) == {"INSERT 0 1", "UPDATE 1"}
    for connection in connections:
        await connection.close()
