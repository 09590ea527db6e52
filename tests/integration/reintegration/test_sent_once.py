"""What may have left is not ordered once more: not by the file that was taken, not in another batch, not after one person's word."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.grant_wiring import GRANT
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import brought, imported, lines_of, reported
from tests.integration.reintegration.test_batches import make, second_payer, take, taken
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import ONE, booked, rejections
from tests.unit.reintegration.bank.answers import Account, Block, Entry, Told, pain002
from tests.unit.reintegration.examples import PAYER, TODAY

people = people_of


async def refused(people: People, batch_id: UUID) -> tuple[str, str]:
    """What refuses to take a file again, and to read it."""
    taken_again = (await take(people.payer, batch_id)).json()["code"]
    return taken_again, (await people.payer.get(f"payment-batches/{batch_id}/file")).json()["code"]


async def drop(people: People, batch_id: UUID) -> list[str]:
    """How two persons fare who drop a batch that was taken."""
    asked = await people.payer.post(f"payment-batches/{batch_id}/drop", {"reason": "never_sent"})
    if asked.status_code != 200:
        return [asked.json()["code"]]
    confirmed = await people.chief.post(f"payment-batches/{batch_id}/confirm-drop", {})
    return ["asked", "dropped" if confirmed.status_code == 200 else confirmed.json()["code"]]


async def test_a_file_that_the_bank_had_is_not_taken_to_it_once_more(house: House, people: People) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    one, other, third = [(await released_by_bank(house, fund_id))[1] for _ in range(3)]
    first, second = await sent(people, account_id, [one, other]), await sent(people, account_id, [third])
    await taken(second_payer(people), first)
    report = await reported(people, rejections(first, one))
    assert (await people.reconciler.post(f"bank-files/{report}/settle", {})).json()["settled"] == 1
    await reported(people, pain002(second.hex, Told("ACSP"), [Block(f"{second.hex}001", Told("ACSP"), [])], id="ODGOVOR-2"))
    for batch_id in (first, second):
        assert await refused(people, batch_id) == ("bank_had_it", "bank_had_it")
    assert (await house.findings()).differences == []


async def test_what_is_said_of_a_file_that_was_dropped_keeps_nobody_from_taking_a_lost_one_again(
    house: House, people: People
) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    dropped = await sent(people, account_id, [attempt_id])
    assert await drop(people, dropped) == ["asked", "dropped"]
    batch_id = await sent(people, account_id, [attempt_id])
    await reported(people, rejections(dropped, attempt_id))
    # Nor from beginning a batch that takes its place.
    assert (await take(people.payer, batch_id)).status_code == 200
    assert (await people.payer.get(f"payment-batches/{batch_id}/file")).status_code == 200


@pytest.mark.parametrize("counts", [True, False], ids=["of_a_file_that_counts", "of_a_file_that_waits"])
async def test_a_debit_that_lost_its_reference_keeps_what_it_may_have_paid_from_being_ordered_again(
    house: House, people: People, counts: bool
) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await sent(people, account_id, [attempt_id])
    others = [booked("-499.00", reference="B-1"), booked("500.00", reference="B-2")]
    await imported(people, Account(others, id="MAY-1"))
    asked = await people.payer.post(f"payment-batches/{batch_id}/drop", {"reason": "never_sent"})
    assert asked.status_code == 200, asked.text
    file_id = await (imported if counts else brought)(people, Account([booked("-500.00", reference="B-3")], id="MAY-2"))
    assert (await people.chief.post(f"payment-batches/{batch_id}/confirm-drop", {})).json()["code"] == "bank_had_it"
    assert (await people.payer.post(f"payment-batches/{batch_id}/keep", {})).status_code == 200
    assert await refused(people, batch_id) == ("bank_line_waits", "bank_line_waits")
    if not counts:
        return
    (line,) = await lines_of(people, file_id)
    explain = {"explanation": "not_ours"}
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/explain", explain)).json()["code"] == "names_our_payment"
    shown = (await people.reconciler.get(f"bank-lines/{line['id']}")).json()
    said = {one["name"]: one["allowed"] for one in shown["actions"]}
    assert (shown["may_be_ours"], said["explain_line"], said["propose_explanation"]) == (True, False, True)
    payer = Caller(people.payer._client, "payer", ["finance_payer", "finance_reconciler"], ["BA"])
    assert (await payer.post(f"bank-lines/{line['id']}/propose-explanation", explain)).json()["code"] == "four_eyes"
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/propose-explanation", explain)).status_code == 201
    assert (await colleague(people).post(f"bank-lines/{line['id']}/confirm-explanation", {})).status_code == 200
    assert await drop(people, batch_id) == ["asked", "dropped"]
    assert (await house.findings()).differences == []


async def test_what_was_dropped_and_may_have_been_paid_all_the_same_is_neither_ordered_again_nor_taken_back(
    house: House, people: People
) -> None:
    account_id = await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await sent(people, account_id, [attempt_id])
    assert await drop(people, batch_id) == ["asked", "dropped"]
    await imported(people, Account([booked("-500.00", reference="B-1")], id="MAY-1"))
    assert (await make(people, account_id, [attempt_id], **ONE)).json()["code"] == "bank_line_waits"
    taken_back = ReportPaymentFailed(number=1, reason="not_sent", failed_on=TODAY)
    assert await house.try_to(GRANT, grant_id, taken_back, PAYER) == "bank_line_waits"


async def test_a_debit_of_another_account_or_of_a_day_before_the_file_was_taken_is_no_payment_of_it(
    house: House, people: People
) -> None:
    account_id = await own_account(people)
    await own_account(people, iban="DE02120300000000202051", bank_code="INVTDEBB")
    _, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await sent(people, account_id, [attempt_id])
    of_another = Account([booked("-500.00", reference="B-1")], id="MAY-1", number="<IBAN>DE02120300000000202051</IBAN>")
    before = f"<BookgDt><Dt>{TODAY - timedelta(3)}</Dt></BookgDt>"
    await imported(people, of_another)
    await imported(people, Account([Entry("-500.00", (), reference="B-2", booked=before)], id="MAY-2"))
    assert await drop(people, batch_id) == ["asked", "dropped"]
