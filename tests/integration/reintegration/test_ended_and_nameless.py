"""A line that names nothing and may be what ended, or what came back, is no one person's word, and none of whoever paid it."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.reintegration.domain.stops import OpenRecovery
from services.reintegration.domain.tranches import ConfirmDelivery
from services.reintegration.grant_wiring import GRANT
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported, lines_of, reported
from tests.integration.reintegration.test_batches import make
from tests.integration.reintegration.test_booked_otherwise import say
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_recoveries import back, credited
from tests.integration.reintegration.test_settlement import (
    ONE,
    booked,
    by_the_clock,
    credit,
    debit,
    rejections,
)
from tests.unit.reintegration.bank.answers import Account
from tests.unit.reintegration.examples import APPROVER, PAYER, RECONCILER
from tests.unit.reintegration.examples import eur as euros

people = people_of


def as_reconciler(people: People, who: str) -> Caller:
    """Somebody who paid, in the role of a reconciler."""
    return Caller(people.payer._client, who, ["finance_reconciler"], ["BA"])


async def over(house: House, people: People, how: str) -> tuple[UUID, UUID]:
    """The account and the grant of a payment of 500.00 EUR that the bank refused, or that came back."""
    account_id = await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await sent(people, account_id, [attempt_id])
    if how == "refused":
        await reported(people, rejections(batch_id, attempt_id))
    else:
        await imported(people, Account([debit(attempt_id), credit(attempt_id)], id="MAY-0"))
        await by_the_clock(house)
    await by_the_clock(house)
    assert (await house.grant(grant_id)).tranches[0].status == "planned"
    return account_id, grant_id


@pytest.mark.parametrize("how", ["refused", "returned"])
async def test_a_nameless_debit_that_may_be_what_ended_holds_its_tranche_until_two_who_did_not_pay_explained_it(
    house: House, people: People, how: str
) -> None:
    account_id, grant_id = await over(house, people, how)
    again = uuid7()
    await house.give(GRANT, grant_id, await house.vendors.release(1, method="bank_file", attempt_id=again), PAYER)
    (line,) = await lines_of(people, await imported(people, Account([booked("-500.00", reference="B-9")], id="MAY-1")))
    assert (line["named_attempt"], line["may_be_ours"]) == (None, True)
    assert (await make(people, account_id, [again], **ONE)).json()["code"] == "bank_line_waits"
    assert await say(people.reconciler, line["id"], "explain", explanation="not_ours") == "names_our_payment"
    for who in ("payer", "payer-2"):
        assert await say(as_reconciler(people, who), line["id"], "propose-explanation", explanation="not_ours") == "four_eyes"
    assert await say(people.reconciler, line["id"], "propose-explanation", explanation="not_ours") == "done"
    for caller in (people.reconciler, as_reconciler(people, "payer"), as_reconciler(people, "payer-2")):
        assert await say(caller, line["id"], "confirm-explanation") == "four_eyes"
    assert await say(colleague(people), line["id"], "confirm-explanation") == "done"
    assert (await make(people, account_id, [again], **ONE)).status_code == 201
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("amount", ["500.00", "1000.00"], ids=["alone", "with_another"])
async def test_a_nameless_credit_that_may_have_come_back_is_a_recovery_once_two_who_did_not_pay_said_so(
    house: House, people: People, amount: str
) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    (grant_id, attempt_id), (_, other) = [await released_by_bank(house, fund_id) for _ in range(2)]
    await sent(people, account_id, [attempt_id, other])
    await imported(people, Account([debit(attempt_id), debit(other, reference="B-2")], id="MAY-1"))
    await by_the_clock(house)
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    await house.give(GRANT, grant_id, OpenRecovery(reason="used_otherwise", money=euros("300.00")), APPROVER)
    line, small = await credited(people, amount, "60.00")
    assert await house.try_to(GRANT, grant_id, back("60.00", "IN-1", small), RECONCILER) == "done"
    order = back("200.00", "IN-2", line)
    assert await house.try_to(GRANT, grant_id, order, RECONCILER) == "line_may_return_a_payment"
    for who in ("payer", "payer-2"):
        assert await say(as_reconciler(people, who), str(line), "propose-explanation", explanation="recovery") == "four_eyes"
    assert await say(people.reconciler, str(line), "propose-explanation", explanation="recovery") == "done"
    assert await house.try_to(GRANT, grant_id, order, RECONCILER) == "explanation_waits"
    assert await say(colleague(people), str(line), "confirm-explanation") == "done"
    # Nobody decides the same twice in one moment.
    assert await house.try_to(GRANT, grant_id, order, RECONCILER, NOON + timedelta(minutes=1)) == "done"
    assert (await people.reconciler.get(f"bank-lines/{line}")).json()["state"] == "recovered"
    assert (await house.findings()).differences == []
