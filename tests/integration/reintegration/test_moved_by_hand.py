"""Money that left the mission's account under the id of cash, or of what an office pays, is an exception and stops what would pay it again."""

from uuid import UUID

import pytest

from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.grant_wiring import GRANT
from shared.db import Sql
from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_another_payee import exceptions, settle
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import brought, imported, lines_of
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_seen_on_the_spot import WITNESS
from tests.integration.reintegration.test_settlement import credit, debit, why
from tests.unit.reintegration.bank.answers import Account
from tests.unit.reintegration.examples import OFFICE, PAYER, RECONCILER, TODAY

people = people_of
FAILED = ReportPaymentFailed(number=1, reason="not_collected", failed_on=TODAY)
_STATUS = Sql("SELECT status FROM payment_attempts WHERE attempt_id = :attempt_id")


async def released(house: House, method: str) -> tuple[UUID, UUID]:
    """A grant of which the first tranche, 500.00 EUR, is released to be paid otherwise than by the mission's bank."""
    grant_id = await house.approved((await house.line()).request("1500.00", "500.00", "1000.00"), await house.fund())
    attempt_id = uuid7()
    await house.give(GRANT, grant_id, await house.vendors.release(1, method=method, attempt_id=attempt_id), PAYER)
    return grant_id, attempt_id


@pytest.mark.parametrize("method", ["cash", "office_account"])
async def test_a_debit_under_the_id_of_what_no_bank_was_to_pay_is_an_exception_and_is_found_out_before_it_is_taken_back(
    house: House, people: People, method: str
) -> None:
    await own_account(people)
    grant_id, attempt_id = await released(house, method)
    file_id = await imported(people, Account([debit(attempt_id)], id="MAY-1"))
    assert (await settle(people, file_id), await why(people, file_id)) == (0, [("unmatched", "not_sent")])
    assert await exceptions(people) == ["moved_by_hand"]
    assert await house.try_to(GRANT, grant_id, FAILED, RECONCILER) == "bank_line_waits"
    voucher = await people.office.get(f"grants/{grant_id}/vouchers/1")
    assert voucher.json()["code"] == ("bank_line_waits" if method == "cash" else "not_found")
    # Two persons find out what it is; then the order goes on, and it stays an exception.
    (line,) = await lines_of(people, file_id)
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/propose-explanation", {"explanation": "not_ours"})).status_code == 201
    assert (await colleague(people).post(f"bank-lines/{line['id']}/confirm-explanation", {})).status_code == 200
    if method == "cash":
        assert (await people.office.get(f"grants/{grant_id}/vouchers/1")).status_code == 200
    await house.give(GRANT, grant_id, FAILED, RECONCILER)
    assert (await exceptions(people), (await house.findings()).differences) == (["moved_by_hand"], [])


async def test_that_cash_was_handed_over_and_paid_is_recorded_whatever_a_line_of_the_banks_says(house: House, people: People) -> None:
    await own_account(people)
    grant_id, attempt_id = await released(house, "cash")
    await brought(people, Account([debit(attempt_id)], id="MAY-1"))
    # Its file waits, and money may have left all the same.
    assert (await people.office.get(f"grants/{grant_id}/vouchers/1")).json()["code"] == "bank_line_waits"
    await house.give(GRANT, grant_id, WITNESS, OFFICE)
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    assert [row["status"] for row in await house.rows(_STATUS, attempt_id=attempt_id)] == ["paid"]


async def test_money_that_comes_under_the_id_of_cash_is_no_exception(house: House, people: People) -> None:
    await own_account(people)
    grant_id, attempt_id = await released(house, "cash")
    file_id = await imported(people, Account([credit(attempt_id)], id="MAY-1"))
    assert (await why(people, file_id), await exceptions(people)) == ([("unmatched", "not_by_bank")], [])
    assert (await people.office.get(f"grants/{grant_id}/vouchers/1")).status_code == 200
