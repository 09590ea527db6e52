"""Attempts to pay as the database holds them: at most one of a tranche is under way or paid, and none is ever edited."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.attempts import ReportPaymentFailed, ReversePayment
from services.reintegration.domain.grant import CancelGrant
from services.reintegration.domain.periods import ClosePeriod
from services.reintegration.domain.tranches import ConfirmDelivery, ConfirmPayment
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import PERIOD
from shared.db import Sql
from shared.ids import uuid7
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.test_periods import close, reopen
from tests.unit.reintegration.examples import ENDORSER, PAYER, RECONCILER, TODAY

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

JUNE = datetime(2023, 6, 5, 10, 0, tzinfo=UTC)
MAY, FIRST_OF_JUNE = date(2023, 5, 1), date(2023, 6, 1)
FAIL = ReportPaymentFailed(number=1, reason="account_closed", failed_on=TODAY)
REVERSE = ReversePayment(number=1, reason="returned_by_bank", returned_on=TODAY)
_ATTEMPTS = Sql(
    "SELECT tranche, attempt_no, status, paid_on, paid_month, reason, return_month FROM payment_attempts "
    "WHERE grant_id = :grant_id ORDER BY tranche, attempt_no"
)
_POSTED = Sql("SELECT kind, amount, occurred_on, month FROM fund_postings WHERE grant_id = :grant_id ORDER BY posting_no")


@pytest.fixture
async def owner(house: House) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    yield connection
    await connection.close()


async def approved(house: House, fund_id: UUID) -> UUID:
    return await house.approved((await house.line()).request("1500.00", "500.00", "1000.00"), fund_id)


async def released(house: House, fund_id: UUID) -> UUID:
    """An approved grant in two tranches, of which the first is on its way."""
    grant_id = await approved(house, fund_id)
    await house.give(GRANT, grant_id, await house.vendors.release(1), PAYER)
    return grant_id


async def told(house: House, sql: Sql, grant_id: UUID) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in await house.rows(sql, grant_id=grant_id)]


async def test_what_failed_and_what_came_back_is_paid_anew_and_everything_agrees(house: House) -> None:
    fund_id = await house.fund()
    grant_id = await released(house, fund_id)
    await house.give(GRANT, grant_id, FAIL, RECONCILER)
    assert await house.balance(fund_id) == (Decimal(1500), Decimal(0))
    assert (await house.findings()).differences == []
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, REVERSE, RECONCILER)
    assert await house.balance(fund_id) == (Decimal(1500), Decimal(0))
    assert (await house.findings()).differences == []
    await house.paid(grant_id, 1)
    assert await house.balance(fund_id) == (Decimal(1000), Decimal(500))
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    assert await told(house, _ATTEMPTS, grant_id) == [
        (1, 1, "failed", None, None, "account_closed", None), (1, 2, "reversed", TODAY, MAY, "returned_by_bank", MAY),
        (1, 3, "paid", TODAY, MAY, None, None),
    ]  # fmt: skip
    assert [kind for kind, *_ in await told(house, _POSTED, grant_id)] == ["commit", "spend", "reverse", "spend"]
    assert (await house.findings()).differences == []


async def test_what_comes_back_to_a_cancelled_grant_is_free_and_everything_agrees(house: House) -> None:
    fund_id = await house.fund()
    grant_id = await approved(house, fund_id)
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, CancelGrant(reason="re_migrated"), ENDORSER)
    await house.give(GRANT, grant_id, REVERSE, RECONCILER)
    assert await house.balance(fund_id) == (Decimal(0), Decimal(0))
    assert [kind for kind, *_ in await told(house, _POSTED, grant_id)] == ["commit", "spend", "release", "reverse", "release"]
    assert await house.rows(Sql("SELECT grant_id FROM open_advances")) == []
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("month", [MAY, FIRST_OF_JUNE], ids=["still_open", "closed"])
async def test_what_came_back_late_and_is_free_at_once_is_free_in_the_month_of_its_return(house: House, owner: Owner, month: date) -> None:
    fund_id = await house.fund()
    grant_id = await approved(house, fund_id)
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, CancelGrant(reason="re_migrated"), ENDORSER)
    if month > MAY:
        await house.give(PERIOD, uuid7(), ClosePeriod(month="2023-05"), RECONCILER, JUNE)
    await house.give(GRANT, grant_id, REVERSE, RECONCILER, JUNE)
    assert (await told(house, _POSTED, grant_id))[-2:] == [
        ("reverse", Decimal(500), TODAY, month), ("release", Decimal(500), TODAY, month),
    ]  # fmt: skip
    assert (await house.findings()).differences == []
    await owner.execute("UPDATE fund_postings SET month = '2023-07-01' WHERE kind = 'release' AND posting_no = 5")
    assert (await house.findings()).differences == [f"days of postings: {grant_id}"]


async def test_what_is_learnt_late_is_posted_in_the_oldest_open_month_under_its_own_day(house: House) -> None:
    fund_id = await house.fund()
    late, back = await released(house, fund_id), await approved(house, fund_id)
    await house.paid(back, 1)
    await house.give(PERIOD, uuid7(), ClosePeriod(month="2023-05"), RECONCILER, JUNE)
    pay = ConfirmPayment(number=1, reference="BANK-9001", paid_on=date(2023, 5, 20))
    assert await house.try_to(GRANT, late, pay, PAYER, JUNE) == "period_closed"
    await house.give(GRANT, late, pay.model_copy(update={"late_receipt": True}), PAYER, JUNE)
    await house.give(GRANT, back, REVERSE, RECONCILER, JUNE)
    assert (await told(house, _POSTED, late))[-1] == ("spend", Decimal(500), date(2023, 5, 20), FIRST_OF_JUNE)
    assert (await told(house, _POSTED, back))[-1] == ("reverse", Decimal(500), TODAY, FIRST_OF_JUNE)
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("month", [FIRST_OF_JUNE, date(2023, 7, 1)], ids=["of_the_payment", "oldest_open_after_it"])
async def test_what_comes_back_once_its_month_is_open_again_is_posted_in_no_month_before_its_payment(house: House, month: date) -> None:
    grant_id = await released(house, await house.fund())
    period_id = await close(house)
    pay = ConfirmPayment(number=1, reference="BANK-9001", paid_on=date(2023, 5, 20), late_receipt=True)
    await house.give(GRANT, grant_id, pay, PAYER, JUNE)
    await reopen(house, period_id)
    july = datetime(2023, 7, 3, 10, 0, tzinfo=UTC)
    if month > FIRST_OF_JUNE:
        await house.give(PERIOD, uuid7(), ClosePeriod(month="2023-06"), RECONCILER, july)
    await house.give(GRANT, grant_id, REVERSE.model_copy(update={"returned_on": date(2023, 5, 25)}), RECONCILER, july)
    assert (await told(house, _POSTED, grant_id))[-2:] == [
        ("spend", Decimal(500), date(2023, 5, 20), FIRST_OF_JUNE), ("reverse", Decimal(500), date(2023, 5, 25), month),
    ]  # fmt: skip
    assert (await house.findings()).differences == []


async def test_of_two_who_release_one_tranche_at_once_one_is_refused_and_it_has_one_attempt(house: House) -> None:
    grant_id = await approved(house, await house.fund())
    tried = [house.try_to(GRANT, grant_id, await house.vendors.release(1), PAYER) for _ in range(4)]
    assert sorted(await asyncio.gather(*tried)) == ["done", *["previous_tranche_not_delivered"] * 3]
    assert len(await told(house, _ATTEMPTS, grant_id)) == 1


async def test_one_id_is_of_one_attempt_whatever_grant_it_is_on(house: House) -> None:
    fund_id, attempt_id = await house.fund(), uuid7()
    one, other = await approved(house, fund_id), await approved(house, fund_id)
    release = await house.vendors.release(1, attempt_id=attempt_id)
    assert [await house.try_to(GRANT, grant_id, release, PAYER) for grant_id in (one, other)] == ["done", "attempt_used"]


async def refused(owner: Owner, statement: str, *values: object) -> str:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
        await owner.execute(statement, *values)
    return str(caught.value.constraint_name)


async def test_no_second_attempt_is_written_beside_one_that_is_under_way_or_paid(house: House, owner: Owner) -> None:
    grant_id = await released(house, await house.fund())
    columns = "destination_country, fund_id, amount, currency, amount_in_fund, fund_currency, status"
    again = f"INSERT INTO payment_attempts (grant_id, tranche, attempt_no, {columns}) SELECT grant_id, tranche, 2, {columns} FROM payment_attempts"
    assert await refused(owner, again) == "uq_payment_attempts_live"
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    assert await refused(owner, again.replace(f"2, {columns}", f"2, {columns}".replace("status", "'released'"))) == "uq_payment_attempts_live"
    await house.give(GRANT, grant_id, REVERSE, RECONCILER)
    await owner.execute(again.replace(f"2, {columns}", f"2, {columns}".replace("status", "'released'")))
    assert [line for line in (await house.findings()).differences if line.startswith("payment attempts")] != []


async def test_an_attempt_is_reversed_and_never_edited(house: House, owner: Owner) -> None:
    grant_id = await released(house, await house.fund())
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    never = "attempt_is_never_edited"
    for change in (
        "reference = 'OTHER'", "paid_on = paid_on + 1", "amount = amount + 1, amount_in_fund = amount_in_fund + 1",
        "confirmed_by = 'staff:else'", "status = 'released'", "attempt_id = NULL", "status = 'failed'",
        "status = 'reversed', paid_on = paid_on + 1",
        "status = 'reversed', payee_id = gen_random_uuid(), account_no = 1, method = 'cash'",
    ):  # fmt: skip
        assert await refused(owner, f"UPDATE payment_attempts SET {change}") == never
    ended = "status = 'reversed', ended_as = 'reconciler', ended_at = now(), ended_on = paid_on, reason = 'unclaimed_cash', return_month = paid_month"
    # Whoever paid does not reverse, whatever a program says.
    for payer in ("released_by", "confirmed_by"):
        held = await refused(owner, f"UPDATE payment_attempts SET ended_by = {payer}, {ended}")
        assert held == "ck_payment_attempts_reversed_by_another"
    before = ended.replace("ended_on = paid_on", "ended_on = paid_on - 1")
    assert await refused(owner, f"UPDATE payment_attempts SET ended_by = 'staff:r', {before}") == "ck_payment_attempts_back_after_the_payment"
    assert await refused(owner, "UPDATE payment_attempts SET status = 'reversed'") == "ck_payment_attempts_end_is_whole"


async def test_no_program_ends_an_attempt_for_whoever_released_it_or_pays_before_its_release(house: House, owner: Owner) -> None:
    await released(house, await house.fund())
    ended = "status = 'failed', ended_at = now(), ended_on = current_date"
    for by, ended_as, reason in (("released_by", "reconciler", "other"), ("released_by", "payer", "not_sent"), ("'staff:else'", "payer", "other")):
        held = await refused(owner, f"UPDATE payment_attempts SET {ended}, ended_by = {by}, ended_as = '{ended_as}', reason = '{reason}'")
        assert held == "ck_payment_attempts_failed_by_another"
    paid = "status = 'paid', reference = 'R', confirmed_by = 'staff:p', paid_month = date_trunc('month', released_at), paid_on = released_at - interval '1 day'"
    assert await refused(owner, f"UPDATE payment_attempts SET {paid}") == "ck_payment_attempts_paid_after_its_release"
    await owner.execute(f"UPDATE payment_attempts SET {ended}, ended_by = 'staff:else', ended_as = 'payer', reason = 'not_sent'")


async def test_an_attempt_names_an_account_that_a_second_person_confirmed_or_none(house: House, owner: Owner) -> None:
    await released(house, await house.fund())
    columns = "grant_id, tranche, destination_country, fund_id, amount, currency, amount_in_fund, fund_currency"
    failed = "'failed', 'payer', 'staff:p', now(), current_date, 'not_sent'"
    another = (
        f"INSERT INTO payment_attempts ({columns}, attempt_no, status, ended_as, ended_by, ended_at, ended_on, reason, payee_id, "
        f"account_no, method) SELECT {columns}, 2, {failed}, {{}} FROM payment_attempts"
    )
    whole = "ck_payment_attempts_payee_is_whole"
    for said in "gen_random_uuid(), 1, NULL", "gen_random_uuid(), NULL, 'cash'", "NULL, 1, 'cash'", "gen_random_uuid(), 1, 'gold'":
        assert await refused(owner, another.format(said)) == whole
    nobody_confirmed = another.format("gen_random_uuid(), 1, 'cash'")
    assert await refused(owner, nobody_confirmed) == "fk_payment_attempts_account_of_the_payee"


async def test_whoever_took_part_in_an_attempt_that_is_over_can_be_written_into_no_other_hat(house: House, owner: Owner) -> None:
    grant_id = await released(house, await house.fund())
    await house.give(GRANT, grant_id, FAIL, RECONCILER)
    held = "ck_grants_who_tried_to_pay"
    tried = "UPDATE grants SET former_attempts = jsonb_set(former_attempts, '{{0,{}}}', to_jsonb({}))"
    for hat in ("requester_id", "endorser_id", "approver_id", "counsellor_id"):
        for field in ("released_by", "ended_by"):
            assert await refused(owner, tried.format(field, hat)) == held
    assert await refused(owner, tried.format("released_by", "reconciler_id")) == held
    assert await refused(owner, tried.format("ended_by", "payer_id")) == held
    await owner.execute(tried.format("released_by", "cast('staff:deputy' AS text)"))


async def test_a_posting_of_an_attempt_that_is_changed_beside_the_rules_is_found(house: House, owner: Owner) -> None:
    grant_id = await released(house, await house.fund())
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    await house.give(GRANT, grant_id, REVERSE, RECONCILER)
    await owner.execute("UPDATE fund_postings SET occurred_on = occurred_on + 1 WHERE kind = 'reverse'")
    assert (await house.findings()).differences == [f"postings of attempts: {grant_id}"]
