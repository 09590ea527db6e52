"""Recoveries on a real database: what came back is posted once, and balance, postings, attempts and grants stay one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.periods import ClosePeriod
from services.reintegration.domain.recovery import (
    ConfirmRecovery,
    ConfirmWriteOff,
    DropRecovery,
    DropWriteOff,
    RecordRecovery,
    WriteOffRecovery,
)
from services.reintegration.domain.stops import OpenRecovery
from services.reintegration.domain.tranches import ConfirmDelivery, ConfirmPayment
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import PERIOD
from shared.db import Sql
from shared.ids import uuid7
from tests.given import NOON, staff
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import People, shown
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported, lines_of
from tests.integration.reintegration.test_commitments import done, endorsed_in, fund_in, with_rates
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_periods import close, reopen
from tests.integration.reintegration.test_settlement import booked, debit
from tests.unit.reintegration.bank.answers import Account, Detail
from tests.unit.reintegration.examples import APPROVER, CHIEF, PAYER, RECONCILER, TODAY, eur

people = people_of
Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SECOND = staff("second_reconciler", "finance_reconciler")
JUNE = datetime(2023, 6, 5, 10, 0, tzinfo=UTC)
ASK_BACK = OpenRecovery(reason="used_otherwise", money=eur("300.00"))
_POSTED = Sql(
    "SELECT kind, amount, amount_in_fund, occurred_on, month FROM fund_postings WHERE grant_id = :grant_id ORDER BY posting_no"
)
_DECIDED = Sql("SELECT what, decided_by, amount FROM grant_decisions WHERE grant_id = :grant_id AND what LIKE :like ORDER BY what, amount")


def back(amount: str, reference: str, line: UUID | None = None) -> RecordRecovery:
    return RecordRecovery(money=eur(amount), received_on=TODAY, reference=reference, bank_line=line)


async def given_back(house: House, grant_id: UUID, amount: str, reference: str, at: datetime = NOON) -> None:
    """Cash that one reconciler recorded and another one confirmed."""
    await house.give(GRANT, grant_id, back(amount, reference), RECONCILER, at)
    said = (await house.grant(grant_id)).recovery_proposal_no
    await house.give(GRANT, grant_id, ConfirmRecovery(proposal_no=said), SECOND, at)


@pytest.fixture
async def owner(house: House) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    yield connection
    await connection.close()


async def asked_back(house: House, fund_id: UUID) -> UUID:
    """A completed grant of 500 of which 300 are asked back."""
    grant_id = await house.approved((await house.line()).request("500.00"), fund_id)
    await house.accounted_for(grant_id, 1)
    await house.give(GRANT, grant_id, ASK_BACK, RECONCILER)
    return grant_id


async def told(house: House, sql: Sql, grant_id: UUID, **values: object) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in await house.rows(sql, grant_id=grant_id, **values)]


async def credited(people: People, *amounts: str) -> list[UUID]:
    """Lines of the bank's by which so much came, in euros, without a word of what for."""
    entries = [booked(amount, reference=f"C-{number}") for number, amount in enumerate(amounts)]
    file_id = await imported(people, Account(entries, id=f"IN-{uuid7().hex[:20]}"))
    return [UUID(line["id"]) for line in await lines_of(people, file_id)]


async def test_one_credit_is_of_several_recoveries_up_to_its_amount_and_of_nothing_else(house: House, people: People) -> None:
    await own_account(people)
    fund_id = await house.fund()
    one, other = await asked_back(house, fund_id), await asked_back(house, fund_id)
    line, interest = await credited(people, "250.00", "40.00")
    explain = f"bank-lines/{interest}/explain"
    assert (await people.reconciler.post(explain, {"explanation": "interest"})).status_code == 201
    assert await house.try_to(GRANT, one, back("40.00", "IN-0", interest), RECONCILER) == "line_settled"
    assert await house.try_to(GRANT, one, back("40.00", "IN-0", uuid7()), RECONCILER) == "bank_line_unknown"
    tried = [house.try_to(GRANT, grant_id, back("150.00", f"IN-{grant_id.hex}", line), RECONCILER) for grant_id in (one, other)]
    assert sorted(await asyncio.gather(*tried)) == ["beyond_line", "done"]
    left = one if (await house.grant(one)).recovered == 0 else other
    later = NOON + timedelta(minutes=1)
    assert await house.try_to(GRANT, left, back("100.00", "IN-2", line), RECONCILER, later) == "done"
    shown = (await people.reconciler.get(f"bank-lines/{line}")).json()
    assert (shown["state"], [one["allowed"] for one in shown["actions"]]) == ("recovered", [False] * 3)
    assert (await people.reconciler.post(f"bank-lines/{line}/explain", {"explanation": "not_ours"})).json()["code"] == "line_settled"
    assert (await house.findings()).differences == []


async def test_what_may_be_the_return_of_a_payment_is_no_recovery(house: House, people: People) -> None:
    account_id = await own_account(people)
    fund_id = await house.fund()
    grant_id = await asked_back(house, fund_id)
    _, attempt_id = await released_by_bank(house, fund_id)
    await sent(people, account_id, [attempt_id])
    entries = [debit(attempt_id), booked("200.00", Detail(attempt_id.hex, "200.00", reason="<Cd>AC04</Cd>"), reference="R-1")]
    file_id = await imported(people, Account(entries, id="MAY-1"))
    await people.reconciler.post(f"bank-files/{file_id}/settle", {})
    came = UUID((await lines_of(people, file_id))[1]["id"])
    assert await house.try_to(GRANT, grant_id, back("200.00", "IN-1", came), RECONCILER) == "line_returns_a_payment"
    assert (await house.findings()).differences == []


async def test_what_came_back_of_an_ended_grant_is_free_of_the_fund_again_and_everything_agrees(house: House, people: People) -> None:
    fund_id = await house.fund()
    await own_account(people)
    (line,) = await credited(people, "100.00")
    grant_id = await asked_back(house, fund_id)
    assert await house.balance(fund_id) == (Decimal(0), Decimal(500))
    await house.give(GRANT, grant_id, back("100.00", "IN-1", line), RECONCILER)
    assert await house.balance(fund_id) == (Decimal(0), Decimal(400))
    assert (await house.findings()).differences == []
    await house.give(GRANT, grant_id, WriteOffRecovery(money=eur("50.00"), reason="hardship"), RECONCILER)
    assert await house.try_to(GRANT, grant_id, ConfirmWriteOff(write_off_no=1), RECONCILER) == "four_eyes"
    assert (await house.findings()).differences == []
    await house.give(GRANT, grant_id, ConfirmWriteOff(write_off_no=1), CHIEF)
    # Nobody decides the same twice in one moment.
    await given_back(house, grant_id, "150.00", "IN-2", NOON + timedelta(minutes=1))
    assert await house.balance(fund_id) == (Decimal(0), Decimal(250))
    grant = await house.grant(grant_id)
    assert (grant.status, grant.recovery_is_open, grant.paid) == ("completed", False, Decimal("500.00"))
    assert [kind for kind, *_ in await told(house, _POSTED, grant_id)] == ["commit", "spend", "recover", "recover"]
    assert await told(house, _DECIDED, grant_id, like="%") == [
        ("approved", APPROVER.person_id, Decimal(500)), ("delivered", OFFICE.person_id, Decimal(500)),
        ("endorsed", "staff:endorser", Decimal(500)), ("paid", PAYER.person_id, Decimal(500)),
        ("reconciled", RECONCILER.person_id, Decimal(500)), ("recovered", RECONCILER.person_id, Decimal(100)),
        ("recovered", SECOND.person_id, Decimal(150)),
        ("recovery_opened", RECONCILER.person_id, Decimal(300)), ("recovery_proposed", RECONCILER.person_id, Decimal(150)),
        ("released", PAYER.person_id, Decimal(500)),
        ("write_off_asked", RECONCILER.person_id, Decimal(50)), ("written_off", CHIEF.person_id, Decimal(50)),
    ]  # fmt: skip
    assert (await house.findings()).differences == []


async def test_a_refund_is_recorded_once_whoever_is_first_and_never_by_whoever_paid(house: House) -> None:
    fund_id = await house.fund()
    one, other = await asked_back(house, fund_id), await asked_back(house, fund_id)
    tried = [house.try_to(GRANT, one, back("200.00", "IN-1"), RECONCILER) for _ in range(3)]
    assert sorted(await asyncio.gather(*tried)) == ["done", "recovery_waits", "recovery_waits"]
    assert await house.try_to(GRANT, one, ConfirmRecovery(proposal_no=1), RECONCILER) == "four_eyes"
    assert (await house.grant(one)).recovered == 0
    assert (await house.findings()).differences == []
    tried = [house.try_to(GRANT, one, ConfirmRecovery(proposal_no=1), SECOND) for _ in range(3)]
    assert sorted(await asyncio.gather(*tried)) == ["done", "no_recovery_waits", "no_recovery_waits"]
    later = NOON + timedelta(minutes=1)
    for grant_id in (one, other):
        await house.give(GRANT, grant_id, back("50.00", "IN-2"), RECONCILER, later)
    numbers = {one: 2, other: 1}
    tried = [house.try_to(GRANT, grant_id, ConfirmRecovery(proposal_no=numbers[grant_id]), SECOND, later) for grant_id in (one, other)]
    assert sorted(await asyncio.gather(*tried)) == ["done", "reference_used"]
    free = one if (await house.grant(one)).recovered == 200 else other
    # The reference of a payment is none of a refund either.
    assert await house.try_to(GRANT, free, back("50.00", house.references[0]), RECONCILER) == "reference_used"
    assert await house.try_to(GRANT, free, back("50.00", "IN-3"), PAYER) == "four_eyes"
    assert (await house.findings()).differences == []


async def test_what_came_back_in_a_closed_month_is_posted_in_the_next_under_its_own_day(house: House) -> None:
    fund_id = await house.fund()
    grant_id = await asked_back(house, fund_id)
    await house.give(PERIOD, uuid7(), ClosePeriod(month="2023-05"), RECONCILER, JUNE)
    await given_back(house, grant_id, "300.00", "IN-1", JUNE)
    assert (await told(house, _POSTED, grant_id))[-1] == ("recover", Decimal(300), Decimal(300), TODAY, date(2023, 6, 1))
    assert (await house.findings()).differences == []


async def test_what_is_given_back_once_its_month_is_open_again_is_posted_in_no_month_before_the_payment(house: House) -> None:
    grant_id = await house.approved((await house.line()).request("500.00"), await house.fund())
    await house.give(GRANT, grant_id, await house.vendors.release(1), PAYER)
    period_id = await close(house)
    await house.give(GRANT, grant_id, ConfirmPayment(number=1, reference="BANK-9001", paid_on=TODAY, late_receipt=True), PAYER, JUNE)
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE, JUNE)
    await house.give(GRANT, grant_id, ASK_BACK, RECONCILER, JUNE)
    await reopen(house, period_id)
    await given_back(house, grant_id, "300.00", "IN-1", JUNE)
    assert (await told(house, _POSTED, grant_id))[-1] == ("recover", Decimal(300), Decimal(300), TODAY, date(2023, 6, 1))
    assert (await house.findings()).differences == []


async def test_a_dropped_write_off_is_asked_anew_and_money_goes_on_once_all_came_back(house: House) -> None:
    fund_id = await house.fund()
    grant_id = await house.approved((await house.line()).request("1500.00", "500.00", "1000.00"), fund_id)
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    await house.give(GRANT, grant_id, ASK_BACK, APPROVER)
    assert await house.try_to(GRANT, grant_id, await house.vendors.release(2), PAYER) == "recovery_open"
    write_off = WriteOffRecovery(money=eur("300.00"), reason="error")
    await house.give(GRANT, grant_id, write_off, APPROVER)
    await house.give(GRANT, grant_id, DropWriteOff(write_off_no=1), CHIEF)
    await house.give(GRANT, grant_id, write_off, APPROVER)
    await house.give(GRANT, grant_id, ConfirmWriteOff(write_off_no=2), CHIEF)
    assert (await house.findings()).differences == []
    assert await house.try_to(GRANT, grant_id, await house.vendors.release(2), PAYER) == "done"
    await house.give(GRANT, grant_id, house.payment(2), PAYER)
    await house.give(GRANT, grant_id, ASK_BACK, APPROVER)
    assert (await house.grant(grant_id)).recovery_amount == Decimal(600)
    assert (await house.findings()).differences == []


async def test_a_grant_in_francs_that_came_back_whole_has_cost_its_fund_nothing(house: House, people: People) -> None:
    await with_rates(people)
    fund_id = await fund_in(people, "USD")
    grant_id = await endorsed_in(house, people, "XOF", ("600000",))
    await done(people.approver, f"grants/{grant_id}/approve", {
        **await shown(people, grant_id), "fund_id": str(fund_id), "money": {"amount": "600000", "currency": "XOF"},
    })  # fmt: skip
    await house.paid(grant_id, 1)
    spent = (await house.balance(fund_id))[1]
    assert spent == Decimal("999.67")
    second = colleague(people)
    asked = {"reason": "overpaid", "money": {"amount": "600000", "currency": "XOF"}}
    assert (await people.approver.post(f"grants/{grant_id}/open-recovery", asked)).status_code == 200
    for number, (amount, left) in enumerate((("200001", "666.45"), ("199999", "333.22"), ("200000", "0.00"))):
        body = {"money": {"amount": amount, "currency": "XOF"}, "received_on": str(TODAY), "reference": f"IN-{number}"}
        answer = await people.reconciler.at(NOON + timedelta(minutes=number)).post(f"grants/{grant_id}/record-recovery", body)
        assert answer.status_code == 200, answer.text
        confirm = f"grants/{grant_id}/confirm-recovery"
        assert (await second.at(NOON + timedelta(minutes=number)).post(confirm, {"proposal_no": number + 1})).status_code == 200
        assert await house.balance(fund_id) == (Decimal(0), Decimal(left))
        assert (await house.findings()).differences == []


async def test_the_queue_lists_what_is_still_waited_for_and_no_office_reads_it(house: House, people: People) -> None:
    grant_id = await asked_back(house, await house.fund())
    (row,) = (await people.reconciler.get("recoveries")).json()["items"]
    assert (row["id"], row["open"], row["waits"], row["to_confirm"]) == (str(grant_id), "300.00", False, False)
    await house.give(GRANT, grant_id, back("1.00", "IN-0"), RECONCILER)
    (row,) = (await people.reconciler.get("recoveries")).json()["items"]
    assert (row["open"], row["to_confirm"]) == ("300.00", True)
    assert await house.try_to(GRANT, grant_id, DropRecovery(proposal_no=1), RECONCILER) == "done"
    assert (await people.office.get("recoveries")).status_code == 403
    assert (await people.payer.get("recoveries")).status_code == 403
    await given_back(house, grant_id, "300.00", "IN-1")
    assert (await people.reconciler.get("recoveries")).json()["items"] == []
    shown = (await people.payer.get(f"grants/{grant_id}")).json()["state"]
    assert (shown["recovered"], [one["reference"] for one in shown["recoveries"]]) == ("300.00", ["IN-1"])


@pytest.mark.parametrize(
    ("change", "held_by"),
    [
        ("recovered = 300.01, fund_recovered = 300.01", "ck_grants_recovered_within_asked"),
        ("recovery_closed_at = now()", "ck_grants_closed_when_settled"),
        ("fund_recovered = 100", "ck_grants_recovered_of_the_fund"),
        ("recoveries = jsonb_build_array(jsonb_build_object('recorded_by', payer_id))", "ck_grants_who_recovered"),
        ("recoveries = jsonb_build_array(jsonb_build_object('recorded_by', requester_id))", "ck_grants_who_recovered"),
        ("recoveries = jsonb_build_array(jsonb_build_object('recorded_by', 'staff:other', 'proposed_by', payer_id))", "ck_grants_who_proposed_recovery"),
        ("recovery_proposed = jsonb_build_object('proposed_by', endorser_id)", "ck_grants_who_proposed_recovery"),
        (
            "write_offs = '[{\"asked_by\": \"staff:one\", \"confirmed_by\": \"staff:one\"}]'",
            "ck_grants_written_off_by_two",
        ),
    ],
    ids=[
        "more_than_asked", "closed_too_early", "free_without_money", "by_the_payer", "by_the_requester", "said_by_the_payer",
        "said_by_the_endorser", "by_one_person",
    ],
)  # fmt: skip
async def test_no_row_says_what_the_core_refuses_whoever_writes_it(house: House, owner: Owner, change: str, held_by: str) -> None:
    grant_id = await asked_back(house, await house.fund())
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await owner.execute(f"UPDATE grants SET {change} WHERE id = $1", grant_id)
    assert refused.value.constraint_name == held_by


async def test_who_says_that_money_was_given_back_or_takes_it_back_finds_that_among_their_decisions(house: House, people: People) -> None:
    grant_id = await asked_back(house, await house.fund())
    await house.give(GRANT, grant_id, back("50.00", "IN-1"), RECONCILER)
    await house.give(GRANT, grant_id, DropRecovery(proposal_no=1), SECOND)
    assert await told(house, _DECIDED, grant_id, like="recovery%") == [
        ("recovery_dropped", SECOND.person_id, Decimal(50)), ("recovery_opened", RECONCILER.person_id, Decimal(300)),
        ("recovery_proposed", RECONCILER.person_id, Decimal(50)),
    ]  # fmt: skip
    listed = (await people.reconciler.get("my-decisions", what="recovery_proposed")).json()["items"]
    assert [(one["grant_id"], one["amount"]) for one in listed] == [(str(grant_id), "50.00")]
    assert (await house.findings()).differences == []


async def test_money_given_back_without_a_line_that_nobody_else_confirmed_is_no_row(house: House, owner: Owner) -> None:
    grant_id = await asked_back(house, await house.fund())
    await given_back(house, grant_id, "50.00", "IN-1")
    insert = (
        "INSERT INTO recovered_money SELECT grant_id, 2, destination_country, fund_id, amount, currency, amount_in_fund, fund_currency, "
        "received_on, month, 'IN-9', NULL, recorded_by, recorded_at, {by} FROM recovered_money WHERE grant_id = $1"
    )
    for by in ("recorded_by", "NULL"):
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await owner.execute(insert.format(by=by), grant_id)
        assert refused.value.constraint_name == "ck_recovered_money_two_persons_without_a_line"


async def test_a_write_off_that_nobody_else_confirmed_is_no_row(house: House, owner: Owner) -> None:
    grant_id = await asked_back(house, await house.fund())
    await house.give(GRANT, grant_id, WriteOffRecovery(money=eur("50.00"), reason="hardship"), RECONCILER)
    insert = (
        "INSERT INTO write_offs SELECT grant_id, write_off_no, destination_country, {amount}, currency, reason, asked_by, {by}, "
        "now() FROM write_offs_asked WHERE grant_id = $1"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(insert.format(amount="amount", by="asked_by"), grant_id)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute(insert.format(amount="amount + 1", by="'staff:chief'"), grant_id)
