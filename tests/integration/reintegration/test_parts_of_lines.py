"""What a part of a debit never is: a fee, another payment, or more than its booking has; and what left after all is not paid again."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.reintegration.bank.references import remittance_code
from services.reintegration.grant_wiring import GRANT
from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported, lines_of, reported
from tests.integration.reintegration.test_batches import make
from tests.integration.reintegration.test_booked_otherwise import eur, matched, one_line, say
from tests.integration.reintegration.test_bookings import charges
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import ONE, booked, by_the_clock, debit, rejections, why
from tests.integration.reintegration.test_unanswered import LATER
from tests.unit.reintegration.bank.answers import Account, Detail, Entry
from tests.unit.reintegration.examples import PAYER

people = people_of


async def explained(people: People, line: str) -> None:
    assert await say(people.reconciler, line, "propose-explanation", explanation="not_ours") == "done"
    assert await say(colleague(people), line, "confirm-explanation") == "done"


async def came_back(house: House, people: People, attempt_id: UUID) -> None:
    """A part is taken for the payment and comes back, so that its tranche is planned anew."""
    line = await one_line(house, people, booked("-300.00", reference="B-1"))
    await matched(people, line["id"], attempt_id, "300.00")
    await by_the_clock(house)
    line = await one_line(house, people, booked("300.00", reference="R-1"))
    assert await say(people.reconciler, line["id"], "match", attempt_id=str(attempt_id)) == "done"
    assert await say(colleague(people), line["id"], "confirm-match") == "done"
    await by_the_clock(house)


@pytest.mark.parametrize("over", ["came_back", "refused"])
@pytest.mark.parametrize("names", [True, False], ids=["named", "nameless"])
async def test_a_debit_of_what_came_back_or_was_refused_holds_its_tranche_until_it_is_explained(
    house: House, people: People, over: str, names: bool
) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    grant_id, attempt_id = await released_by_bank(house, fund_id)
    batch_id = await sent(people, account_id, [attempt_id])
    if over == "refused":
        await reported(people, rejections(batch_id, attempt_id))
        await by_the_clock(house)
    else:
        await came_back(house, people, attempt_id)
    assert (await house.grant(grant_id)).tranches[0].status == "planned"
    entry = debit(attempt_id, reference="B-2") if names else booked("-500.00", reference="B-2")
    line = await one_line(house, people, entry)
    again = uuid7()
    order = await house.vendors.release(1, method="bank_file", attempt_id=again)
    assert await house.try_to(GRANT, grant_id, order, PAYER, LATER) == "bank_line_waits"
    await explained(people, line["id"])
    await house.give(GRANT, grant_id, order, PAYER, LATER)
    # Nor is it sent where another one comes after it was released.
    line = await one_line(house, people, debit(attempt_id, reference="B-3") if names else booked("-500.00", reference="B-3"))
    assert (await make(people, account_id, [again], **ONE)).json()["code"] == "bank_line_waits"
    await explained(people, line["id"])
    assert (await make(people, account_id, [again], **ONE)).status_code == 201
    assert (await house.findings()).differences == []


async def test_no_fee_is_taken_for_a_payment(house: House, people: People) -> None:
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, await own_account(people), [attempt_id])
    for amount in ("1.00", "249.99"):
        fee = await one_line(house, people, booked(f"-{amount}", reference=f"FEE-{amount}"))
        assert await say(people.reconciler, fee["id"], "match", attempt_id=str(attempt_id), paid_part=eur(amount)) == "amount_differs"


async def test_a_debit_of_several_payments_is_never_one_of_them_with_charges(house: House, people: People) -> None:
    fund_id = await house.fund()
    pair = [(await released_by_bank(house, fund_id))[1] for _ in range(2)]
    await sent(people, await own_account(people), pair)
    entries: list[Entry] = [booked("-1000.00", reference="B-1"), booked("-999.00", Detail(words=" ".join(map(remittance_code, pair))), reference="B-2")]
    together, several = await lines_of(people, await imported(people, Account(entries, id="MAY-1")))
    assert await say(people.reconciler, together["id"], "match", attempt_id=str(pair[0]), paid_part=eur("500.00")) == "may_be_another"
    assert await say(people.reconciler, several["id"], "match", attempt_id=str(pair[0]), paid_part=eur("500.00")) == "may_be_another"


async def test_a_part_with_an_amount_of_its_own_takes_all_of_that_from_its_booking(house: House, people: People) -> None:
    fund_id = await house.fund()
    pair = [(await released_by_bank(house, fund_id))[1] for _ in range(2)]
    await sent(people, await own_account(people), pair)
    file_id = await imported(people, Account([booked("-1100.00", Detail(pair[0].hex, "700.00"), Detail(pair[1].hex), reference="BATCH-1")], id="MAY-1"))
    first, second = await lines_of(people, file_id)
    assert [line["amount"] for line in (first, second)] == ["700.00", None]
    await matched(people, first["id"], pair[0], "500.00")
    # The charges of the first one are nobody's payment.
    assert await say(people.reconciler, second["id"], "match", attempt_id=str(pair[1]), paid_part=eur("400.01")) == "amount_differs"
    await matched(people, second["id"], pair[1], "400.00")
    await by_the_clock(house)
    assert await why(people, file_id) == [("matched", None), ("matched", None)]
    assert (await house.findings()).differences == []


async def test_what_a_booking_has_beyond_the_payments_that_the_bank_details_waits_for_two_where_it_counts_more(house: House, people: People) -> None:
    fund_id = await house.fund()
    attempts = [(await released_by_bank(house, fund_id))[1] for _ in range(3)]
    await sent(people, await own_account(people), attempts, expected_count=3, expected_sums=[eur("1500.00")])
    entry = booked("-1500.00", Detail(attempts[0].hex, "500.00"), reference="BATCH-1")
    counted = replace(entry, booked_together="3")
    file_id = await imported(people, Account([counted], id="MAY-1", opening="3000.00"))
    await by_the_clock(house)
    assert await why(people, file_id) == [("matched", None), ("unmatched", "names_no_attempt"), ("unmatched", "names_no_attempt")]
    assert await charges(house) == [None, None, None]
    # Another statement that has the same line, and does not say how many payments it is, tells nothing else.
    again = await imported(people, Account([entry], id="MAY-2", opening="3000.00"))
    assert [line["state"] for line in await lines_of(people, again)] == ["duplicate"]
    _, second, third = await lines_of(people, file_id)
    assert await say(people.reconciler, second["id"], "propose-explanation", explanation="charges") == "done"
    assert await say(people.reconciler, second["id"], "confirm-explanation") == "four_eyes"
    assert await say(colleague(people), second["id"], "drop-explanation") == "done"
    for line, attempt_id in ((second, attempts[1]), (third, attempts[2])):
        await matched(people, line["id"], attempt_id, "500.00")
        await by_the_clock(house)
    assert await why(people, file_id) == [("matched", None)] * 3
    assert await charges(house) == [None, None, None]
    assert (await house.findings()).differences == []
