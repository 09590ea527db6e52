"""One booking of the bank's that is several payments at once fits none: that it is no payment of ours two persons say."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from services.reintegration.bank.references import block_identification, remittance_code
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported, lines_of
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.unit.reintegration.bank.answers import Account, Detail, Entry

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


@pytest.mark.parametrize(
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
