"""What left before a restore that lost its file is found by two persons in the bank's statement, and is paid by it once."""

from uuid import UUID

import pytest

from services.reintegration.domain.lost_payments import (
    AskToClearLostPayments,
    ClearLostPayments,
    RecordLostPayments,
    SettleLostPayment,
)
from shared.contracts.lost_payments import LostPayment, MoneyOutcome
from shared.ids import uuid7
from shared.timers import Looked
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank
from tests.integration.reintegration.test_another_payee import exceptions, settle
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported, lines_of
from tests.integration.reintegration.test_batches import approved, take
from tests.integration.reintegration.test_lost_payments import APPROVER, RECONCILER, SERVICE, give
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import (
    ONE,
    attempts,
    booked,
    by_the_clock,
    credit,
    debit,
    why,
)
from tests.unit.reintegration.bank.answers import Account

people = people_of
IBAN_OF_ANOTHER = "DE02120300000000202051"


def told(attempt_id: UUID | None = None, grant_id: UUID | None = None) -> LostPayment:
    """What a lost entry says of one payment: that its file was handed out, or that it was paid."""
    number = None if grant_id is None else 1
    return LostPayment(event_id=uuid7(), fact="paid" if attempt_id is None else "batched", attempt_id=attempt_id, grant_id=grant_id, number=number)


async def stated(house: House, restore: UUID, entry: LostPayment, outcome: MoneyOutcome) -> None:
    await give(house, restore, SettleLostPayment(event_id=entry.event_id, outcome=outcome), RECONCILER)


async def cleared(house: House, restore: UUID) -> None:
    await give(house, restore, AskToClearLostPayments(without_statements=True), RECONCILER)
    await give(house, restore, ClearLostPayments(), APPROVER)


async def found(people: People, line: str, attempt_id: UUID) -> list[int | str]:
    """What becomes of it when two persons say that this line is the payment: codes of what is refused, or their statuses."""
    asked = await people.reconciler.post(f"bank-lines/{line}/match", {"attempt_id": str(attempt_id)})
    if asked.status_code != 201:
        return [asked.json()["code"]]
    return [asked.status_code, (await colleague(people).post(f"bank-lines/{line}/confirm-match", {})).status_code]


@pytest.mark.parametrize("so_far", ["released", "approved"])
@pytest.mark.parametrize("says", ["handed_out", "paid"])
async def test_what_left_by_a_file_that_a_restore_lost_is_paid_by_its_line_once_two_found_it(
    house: House, people: People, so_far: str, says: str
) -> None:
    account_id, restore = await own_account(people), uuid7()
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await approved(people, account_id, [attempt_id], **ONE) if so_far == "approved" else None
    entry = told(attempt_id) if says == "handed_out" else told(grant_id=grant_id)
    await give(house, restore, RecordLostPayments(payments=(entry,)), SERVICE)
    file_id = await imported(people, Account([debit(attempt_id), debit(attempt_id, reference="B-2"), booked("-500.00", reference="B-3")], id="MAY-1"))
    named, again, _ = [line["id"] for line in await lines_of(people, file_id)]

    # As long as nobody stated that it left, somebody moved it by hand under our id; and the bank's word alone is not enough after that.
    assert await found(people, named, attempt_id) == ["not_sent"]
    await stated(house, restore, entry, "not_left")
    assert await found(people, named, attempt_id) == ["not_sent"]
    await stated(house, restore, entry, "left")
    assert await settle(people, file_id) == 0
    assert (await why(people, file_id))[:2] == [("unmatched", "sent_before_restore")] * 2
    await cleared(house, restore)

    assert (await found(people, named, attempt_id))[0] == 201
    assert await settle(people, file_id) == 1
    ((paid),) = await attempts(house)
    assert (paid["status"], str(paid["paid_line"])) == ("paid", named)
    assert (await why(people, file_id))[:2] == [("matched", None), ("unmatched", "already_settled")]
    assert await found(people, again, attempt_id) == ["already_settled"]
    if batch_id is not None:
        assert (await take(people.payer, batch_id)).status_code == 409
    shop = await house.vendors.of()
    refused = await people.payer.post(f"grants/{grant_id}/release-tranche", {"number": 1, "payee_id": str(shop), "method": "office_account"})
    assert refused.status_code == 409
    assert (await house.findings()).differences == []

    # What comes back of it two persons find as well, and it is not ordered anew all the same.
    back = await imported(people, Account([credit(attempt_id)], id="MAY-2"))
    ((returned),) = [line["id"] for line in await lines_of(people, back)]
    assert await why(people, back) == [("unmatched", "sent_before_restore")]
    assert (await found(people, returned, attempt_id))[0] == 201
    assert await by_the_clock(house) == Looked(1, 1)
    assert (await attempts(house))[0]["status"] == "reversed"
    refused = await people.payer.post(f"grants/{grant_id}/release-tranche", {"number": 1, "payee_id": str(shop), "method": "office_account"})
    assert refused.json()["code"] == "paid_before_restore"
    assert (await house.findings()).differences == []


async def test_what_stands_in_a_batch_from_another_account_is_found_once_that_is_dropped(house: House, people: People) -> None:
    account_id, other, restore = await own_account(people), await own_account(people, iban=IBAN_OF_ANOTHER, bank_code="INVTDEBB"), uuid7()
    assert other != account_id
    _, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await approved(people, account_id, [attempt_id], **ONE)
    entry = told(attempt_id)
    await give(house, restore, RecordLostPayments(payments=(entry,)), SERVICE)
    await stated(house, restore, entry, "left")
    await cleared(house, restore)
    file_id = await imported(people, Account([debit(attempt_id)], id="MAY-1", number=f"<IBAN>{IBAN_OF_ANOTHER}</IBAN>"))
    (line,) = await lines_of(people, file_id)
    assert await found(people, line["id"], attempt_id) == ["not_sent"]
    assert (await people.payer.post(f"payment-batches/{batch_id}/drop", {"reason": "never_sent"})).status_code == 200
    # Nobody knows yet which payment it is; what two found is no exception any more.
    assert await exceptions(people) == ["moved_by_hand"]
    assert (await found(people, line["id"], attempt_id))[0] == 201
    assert await settle(people, file_id) == 1
    assert await exceptions(people) == []
    assert (await house.findings()).differences == []
