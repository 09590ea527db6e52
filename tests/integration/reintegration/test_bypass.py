"""Whoever writes past the domain, as the tables' owner, is still stopped by the database."""

from collections.abc import AsyncIterator
from itertools import permutations
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.tranches import ConfirmDelivery, ReconcileTranche
from services.reintegration.grant_wiring import GRANT
from tests.integration.reintegration.office import OFFICE, House
from tests.unit.reintegration.examples import RECONCILER

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

HATS = ("requester_id", "endorser_id", "approver_id", "payer_id", "reconciler_id")
HELD = {"five_hats", "counsellor_only_asks", "tranche_hats", "hats_between_tranches"}


@pytest.fixture
async def grant_id(house: House) -> UUID:
    """A grant on which everybody acted: its first tranche is reconciled, its second paid."""
    line, fund_id = await house.line(), await house.fund()
    grant_id = await house.approved(line.request("1200.00", "800.00", "300.00", "100.00"), fund_id)
    await house.accounted_for(grant_id, 1)
    await house.paid(grant_id, 2)
    return grant_id


@pytest.fixture
async def owner(house: House) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    yield connection
    await connection.close()


async def refused(owner: Owner, sql: str) -> str:
    """The name of the constraint that stopped a statement, without the table's name before it."""
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
        await owner.execute(sql)
    return str(caught.value.constraint_name)


def tranche(place: int, field: str, person: str) -> str:
    return f"UPDATE grants SET tranches = jsonb_set(tranches, '{{{place},{field}}}', to_jsonb({person}))"


@pytest.mark.usefixtures("grant_id")
async def test_nobody_can_be_written_into_two_hats_of_a_grant(owner: Owner) -> None:
    for one, other in permutations(HATS, 2):
        assert (await refused(owner, f"UPDATE grants SET {one} = {other}")).removeprefix("ck_grants_") in HELD


@pytest.mark.usefixtures("grant_id")
async def test_whoever_endorsed_an_earlier_version_can_be_written_into_no_other_hat(owner: Owner) -> None:
    held = "ck_grants_former_endorsers_take_no_part"
    for hat in ("requester_id", "approver_id", "payer_id", "reconciler_id", "counsellor_id"):
        assert await refused(owner, f"UPDATE grants SET former_endorsers = ARRAY[{hat}]") == held
    for field in ("released_by", "confirmed_by", "reconciled_by", "delivered_by"):
        worn = f"UPDATE grants SET former_endorsers = ARRAY[tranches -> 0 ->> '{field}']"
        assert await refused(owner, worn) == held
    await owner.execute("UPDATE grants SET former_endorsers = ARRAY[endorser_id]")


@pytest.mark.usefixtures("grant_id")
async def test_the_counsellor_can_be_written_into_no_hat_but_the_requesters(
    owner: Owner,
) -> None:
    for hat in HATS[1:]:
        assert (await refused(owner, f"UPDATE grants SET {hat} = counsellor_id")).removeprefix(
            "ck_grants_"
        ) in HELD
        assert (await refused(owner, f"UPDATE grants SET counsellor_id = {hat}")).removeprefix(
            "ck_grants_"
        ) in HELD
    await owner.execute("UPDATE grants SET counsellor_id = requester_id")


@pytest.mark.usefixtures("grant_id")
async def test_a_deputys_hat_on_an_earlier_tranche_counts_as_well(
    owner: Owner,
) -> None:
    columns = ("requester_id", "endorser_id", "approver_id", "counsellor_id")
    for field in ("released_by", "confirmed_by", "reconciled_by"):
        for person in columns:
            assert await refused(owner, tranche(0, field, person)) == "ck_grants_tranche_hats"
    for person in columns[1:]:
        assert await refused(owner, tranche(0, "delivered_by", person)) == "ck_grants_tranche_hats"
    await owner.execute(tranche(0, "delivered_by", "requester_id"))
    between = "ck_grants_hats_between_tranches"
    for field in ("released_by", "confirmed_by"):
        # Reconciler of the first tranche, payer of the second.
        assert await refused(owner, tranche(1, field, "(tranches -> 0 ->> 'reconciled_by')")) == between
        assert await refused(owner, tranche(1, field, "(tranches -> 0 ->> 'delivered_by')")) in {
            between, "ck_grants_tranche_hats",
        }  # fmt: skip
    assert await refused(owner, tranche(0, "reconciled_by", "(tranches -> 1 ->> 'released_by')")) == between
    assert await refused(owner, tranche(1, "delivered_by", "(tranches -> 1 ->> 'confirmed_by')")) == between
    assert await refused(owner, tranche(1, "reconciled_by", "(tranches -> 0 ->> 'delivered_by')")) == between


async def test_whoever_certified_can_be_written_into_no_part_of_the_grant(house: House, owner: Owner) -> None:
    (line,), fund_id = await house.lines("medical"), await house.fund()
    grant_id = await house.approved(line.request("1200.00", "800.00", "400.00"), fund_id)
    await house.accounted_for(grant_id, 1)
    certifier = "certificate ->> 'attested_by'"
    name = "ck_grants_certifier_takes_no_part"
    for hat in HATS:
        assert await refused(owner, f"UPDATE grants SET {hat} = {certifier}") == name
    for field in ("released_by", "confirmed_by", "reconciled_by", "delivered_by"):
        assert await refused(owner, tranche(0, field, f"({certifier})")) == name
    for person in (*HATS, "counsellor_id", "tranches -> 0 ->> 'delivered_by'"):
        change = f"SET certificate = jsonb_set(certificate, '{{attested_by}}', to_jsonb({person}))"
        assert await refused(owner, f"UPDATE grants {change}") == name


@pytest.mark.usefixtures("grant_id")
@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("paid = amount + 1, committed = 0, fund_paid = amount + 1, fund_committed = 0", "paid_within_approved"),
        ("committed = amount", "paid_within_approved"),
        ("committed = -1", "paid_within_approved"),
        ("paid = -1", "paid_within_approved"),
        ("amount = 0, committed = 0, paid = 0", "amount_above_zero"),
        ("fund_id = NULL", "approval_is_whole"),
        ("approved_at = NULL", "approval_is_whole"),
        ("endorser_id = NULL", "money_needs_approval"),
        (
            "approver_id = NULL, fund_id = NULL, approved_at = NULL, fund_currency = NULL, fund_amount = NULL, fund_total = NULL, fund_committed = NULL, fund_paid = NULL",
            "money_needs_approval",
        ),
        ("fund_currency = NULL", "fund_is_whole"),
        ("fund_committed = fund_committed + 1", "paid_within_commitment"),
        ("fund_committed = 0", "nothing_held_back"),
        ("fund_total = fund_total + 1", "same_currency_same_amounts"),
        ("fund_currency = 'USD', fund_total = fund_total + 1", "total_is_added_up"),
        ("status = 'cancelled'", "committed_while_under_way"),
    ],
)
async def test_money_cannot_be_written_beyond_what_was_approved(
    owner: Owner, change: str, constraint: str
) -> None:
    assert await refused(owner, f"UPDATE grants SET {change}") == f"ck_grants_{constraint}"


@pytest.mark.usefixtures("grant_id")
@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        ("UPDATE fund_balances SET committed = granted + 1", "ck_fund_balances_within_granted"),
        ("UPDATE fund_balances SET spent = granted", "ck_fund_balances_within_granted"),
        ("UPDATE fund_balances SET granted = 1", "ck_fund_balances_within_granted"),
        ("UPDATE fund_balances SET committed = -1", "ck_fund_balances_within_granted"),
        ("UPDATE case_limits SET sealed = true", "ck_case_limits_sealed_takes_no_grant"),
        ("UPDATE case_limits SET live_grants = -1", "ck_case_limits_counted"),
        ("INSERT INTO open_advances SELECT * FROM open_advances", "pk_open_advances"),
        ("INSERT INTO payment_references SELECT * FROM payment_references", "pk_payment_references"),
        (
            "INSERT INTO taken_plan_lines SELECT plan_id, plan_line_id, gen_random_uuid() FROM taken_plan_lines",
            "pk_taken_plan_lines",
        ),
        ("INSERT INTO case_plans SELECT case_id, gen_random_uuid() FROM case_plans", "pk_case_plans"),
        ("UPDATE funds SET granted = 0", "ck_funds_granted_above_zero"),
        ("UPDATE funds SET valid_until = valid_from - 1", "ck_funds_validity_in_order"),
        ("UPDATE plans SET agreed_on = NULL", "ck_plans_agreed_has_a_day"),
    ],
)
async def test_a_limit_cannot_be_written_past(owner: Owner, sql: str, constraint: str) -> None:
    assert await refused(owner, sql) == constraint


async def test_no_aggregate_can_be_written_in_at_a_later_status(
    house: House, grant_id: UUID, owner: Owner
) -> None:
    copied = "INSERT INTO {0} SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'version', 1))).* FROM {0} r"
    for table in ("grants", "cases"):
        assert await refused(owner, copied.format(table)) == f"ck_{table}_beginning"


@pytest.mark.parametrize(
    ("table", "statuses"),
    [
        ("grants", ("submitted", "returned", "endorsed", "approved", "completed", "paid_out")),
        ("plans", ("own_plan", "ended")),
        # Back to where it was noted it comes when an arrival turns out to be none, which the rules alone decide.
        ("cases", ("ended", "closed")),
    ],
)
@pytest.mark.usefixtures("grant_id")
async def test_a_status_cannot_be_moved_where_the_domain_has_no_way(
    owner: Owner, table: str, statuses: tuple[str, ...]
) -> None:
    # The grant stands at in_disbursement, the plan at agreed, the case at arrived.
    for status in statuses:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await owner.execute(f"UPDATE {table} SET status = '{status}'")
        assert caught.value.sqlstate == "AV003"


async def test_the_services_login_can_delete_only_from_what_comes_and_goes(house: House) -> None:
    connection = await asyncpg.connect(house.made.logins.api)
    allowed = {
        row["table_name"]
        for row in await connection.fetch(
            "SELECT table_name FROM information_schema.role_table_grants "
            "WHERE grantee = 'reintegration_api' AND privilege_type = 'DELETE'"
        )
    }
    await connection.close()
    assert allowed == {"closed_months", "grant_turns", "open_advances", "open_authorities", "payee_tokens", "released_vouchers", "taken_plan_lines"}


async def test_a_grant_that_everybody_acted_on_properly_passes_every_check(
    house: House, grant_id: UUID
) -> None:
    await house.give(GRANT, grant_id, ConfirmDelivery(number=2), OFFICE)
    await house.give(GRANT, grant_id, ReconcileTranche(number=2), RECONCILER)
    assert (await house.findings()).differences == []
