"""One booking of the bank's that is several payments at once fits none: that it is no payment of ours two persons say."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from services.reintegration.bank.references import block_identification, remittance_code
from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.grant_wiring import GRANT
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import brought, imported, lines_of
from tests.integration.reintegration.test_batches import make
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_sent_once import drop, refused
from tests.integration.reintegration.test_settlement import ONE
from tests.integration.reintegration.test_unanswered import end
from tests.unit.reintegration.bank.answers import Account, Detail, Entry
from tests.unit.reintegration.examples import PAYER, TODAY

people = people_of


def together(amount: str, *details: Detail, block: str = "") -> Entry:
    return Entry(f"-{amount}", details, reference="SUM-1", block=block)


async def two_sent(house: House, people: People) -> tuple[UUID, Sequence[UUID]]:
    account_id, fund_id = await own_account(people), await house.fund()
    attempts = [(await released_by_bank(house, fund_id))[1] for _ in range(2)]
    return await sent(people, account_id, attempts), attempts


async def explained_by_one(people: People, line_id: str) -> str:
    answer = await people.reconciler.post(f"bank-lines/{line_id}/explain", {"explanation": "transfer_between_accounts"})
    return "explained" if answer.status_code == 201 else str(answer.json()["code"])


MAY_BE_SEVERAL = pytest.mark.parametrize(
    "booked",
    [
        lambda batch, attempts: together("1000.00"),
        lambda batch, attempts: together("1000.00", Detail(), Detail()),
        lambda batch, attempts: together("990.00", Detail(), Detail()),
        lambda batch, attempts: together("990.00", block=block_identification(batch, 1)),
        lambda batch, attempts: together("990.00", Detail(words=" ".join(map(remittance_code, attempts)))),
        lambda batch, attempts: together("990.00", Detail(attempts[0].hex), Detail(amount="400.00")),
    ],
    ids=["sum_of_a_block", "parts_of_a_sum", "parts_without_amounts", "block_is_named", "several_codes", "another_part_is_named"],
)  # fmt: skip


@MAY_BE_SEVERAL
async def test_what_may_be_several_payments_at_once_is_explained_away_by_two(house: House, people: People, booked: object) -> None:
    assert callable(booked)
    batch_id, attempts = await two_sent(house, people)
    line = (await lines_of(people, await imported(people, Account([booked(batch_id, attempts)], id="MAY-1"))))[-1]
    assert (line["named_attempt"], line["may_be_ours"]) == (None, True)
    assert await explained_by_one(people, line["id"]) == "names_our_payment"
    said = await people.reconciler.post(f"bank-lines/{line['id']}/propose-explanation", {"explanation": "transfer_between_accounts"})
    assert said.status_code == 201, said.text
    confirm = f"bank-lines/{line['id']}/confirm-explanation"
    assert (await people.reconciler.post(confirm, {})).json()["code"] == "four_eyes"
    # Nor does whoever signed the batch say so.
    as_reconciler = Caller(people.payer._client, "payer-2", ["finance_reconciler"], ["BA"])
    assert (await as_reconciler.post(confirm, {})).json()["code"] == "four_eyes"
    assert (await colleague(people).post(confirm, {})).status_code == 200
    assert (await house.findings()).differences == []


async def test_a_debit_of_another_sum_and_one_once_nothing_is_open_any_more_one_person_explains(house: House, people: People) -> None:
    await two_sent(house, people)
    entries = [Entry("-999.99", reference="N-1"), Entry("-999.98", [Detail(amount="999.98")], reference="N-2")]
    lines = await lines_of(people, await imported(people, Account(entries, id="MAY-1")))
    assert [line["may_be_ours"] for line in lines] == [False, False]
    assert [await explained_by_one(people, line["id"]) for line in lines] == ["explained", "explained"]
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("counts", [True, False], ids=["of_a_file_that_counts", "of_a_file_that_waits"])
async def test_what_may_be_several_payments_at_once_keeps_each_from_being_ordered_again_and_from_being_ended(
    house: House, people: People, counts: bool
) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    released = [await released_by_bank(house, fund_id) for _ in range(2)]
    batch_id = await sent(people, account_id, [attempt_id for _, attempt_id in released])
    asked = await people.payer.post(f"payment-batches/{batch_id}/drop", {"reason": "never_sent"})
    assert asked.status_code == 200, asked.text
    for grant_id, _ in released:
        assert await end(people.reconciler, grant_id) == "done"
    file_id = await (imported if counts else brought)(people, Account([together("1000.00")], id="MAY-1"))
    assert (await people.chief.post(f"payment-batches/{batch_id}/confirm-drop", {})).json()["code"] == "bank_had_it"
    assert (await people.payer.post(f"payment-batches/{batch_id}/keep", {})).status_code == 200
    assert await refused(people, batch_id) == ("bank_line_waits", "bank_line_waits")
    for grant_id, _ in released:
        assert await end(colleague(people), grant_id, "confirm-payment-end") == "bank_line_waits"
    if not counts:
        return
    (line,) = await lines_of(people, file_id)
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/propose-explanation", {"explanation": "not_ours"})).status_code == 201
    assert (await colleague(people).post(f"bank-lines/{line['id']}/confirm-explanation", {})).status_code == 200
    assert [await end(colleague(people), grant_id, "confirm-payment-end") for grant_id, _ in released] == ["done", "done"]
    assert (await house.findings()).differences == []


async def test_what_was_dropped_and_may_have_been_paid_with_others_is_neither_ordered_again_nor_taken_back(
    house: House, people: People
) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    (grant_id, attempt_id), (_, other) = [await released_by_bank(house, fund_id) for _ in range(2)]
    batch_id = await sent(people, account_id, [attempt_id, other])
    assert await drop(people, batch_id) == ["asked", "dropped"]
    await imported(people, Account([together("1000.00")], id="MAY-1"))
    assert (await make(people, account_id, [attempt_id], **ONE)).json()["code"] == "bank_line_waits"
    taken_back = ReportPaymentFailed(number=1, reason="not_sent", failed_on=TODAY)
    assert await house.try_to(GRANT, grant_id, taken_back, PAYER) == "bank_line_waits"
