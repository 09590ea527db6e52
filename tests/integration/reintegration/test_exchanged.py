"""What the bank booked in another currency than was ordered: a debit is held to the rate of its day, and each credit is two persons'."""

from typing import Any
from uuid import UUID

import pytest

from shared.timers import Looked
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import sent
from tests.integration.reintegration.paying import AMOUNTS, Paying
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported, lines_of, told
from tests.integration.reintegration.test_batches import totals
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import attempts, booked, by_the_clock
from tests.unit.reintegration.bank.answers import Account, Detail, Entry

people = people_of


def exchanged(attempt_id: UUID, euros: str, reference: str, *, out: bool = True) -> Entry:
    """What was ordered in Turkish lira, as it was booked in euros; by the rate of that day it is worth 2,242.99."""
    reason = None if out else "<Cd>AC04</Cd>"
    detail = Detail(attempt_id.hex, euros, reason=reason, ordered=f"TRY {AMOUNTS['TRY']}")
    return booked(f"-{euros}" if out else euros, detail, reference=reference)


async def settled(people: People, *entries: Entry, id: str) -> list[tuple[Any, ...]]:
    """The lines of a statement that counts, once it was looked at what they settle."""
    file_id = await imported(people, Account(list(entries), id=id))
    assert (await people.reconciler.post(f"bank-files/{file_id}/settle", {})).status_code == 200
    return told(await lines_of(people, file_id), "state", "why", "id")


async def by_two(people: People, line_id: str, attempt_id: UUID) -> None:
    """Two persons find that a line is of the payment that it names."""
    assert (await people.reconciler.post(f"bank-lines/{line_id}/match", {"attempt_id": str(attempt_id)})).status_code == 201
    assert (await colleague(people).post(f"bank-lines/{line_id}/confirm-match", {})).status_code == 200
    file_id = (await people.reconciler.get(f"bank-lines/{line_id}")).json()["file_id"]
    assert (await people.reconciler.post(f"bank-files/{file_id}/settle", {})).json()["settled"] == 1


async def test_what_came_back_in_another_currency_reverses_nothing_until_two_persons_found_it_to_be_all_of_it(
    house: House, people: People
) -> None:
    account_id = await own_account(people)
    attempt_id = await Paying(house).waiting("TRY")
    await sent(people, account_id, [attempt_id], **totals(["TRY"]))
    # By the clock as well as by whoever asks.
    await imported(people, Account([exchanged(attempt_id, "2251.77", "B-1")], id="MAY-1"))
    assert await by_the_clock(house) == Looked(1, 1)
    # A cent of it, and the bank quotes the whole order.
    (back,) = await settled(people, exchanged(attempt_id, "0.01", "R-1", out=False), id="MAY-2")
    assert back[:2] == ("unmatched", "back_in_another_currency")
    assert [one["status"] for one in await attempts(house)] == ["paid"]
    await by_two(people, back[2], attempt_id)
    assert [one["status"] for one in await attempts(house)] == ["reversed"]
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("euros", ["2018.68", "2467.30"], ids=["too_little", "too_much"])
async def test_what_was_booked_far_from_the_rate_of_its_day_pays_nothing_until_two_persons_looked_at_it(
    house: House, people: People, euros: str
) -> None:
    account_id = await own_account(people)
    attempt_id = await Paying(house).waiting("TRY")
    await sent(people, account_id, [attempt_id], **totals(["TRY"]))
    (line,) = await settled(people, exchanged(attempt_id, euros, "B-1"), id="MAY-1")
    assert line[:2] == ("unmatched", "too_far_from_rate")
    assert (await people.reconciler.get(f"bank-lines/{line[2]}")).json()["why"] == "too_far_from_rate"
    assert [one["status"] for one in await attempts(house)] == ["released"]
    await by_two(people, line[2], attempt_id)
    assert [one["status"] for one in await attempts(house)] == ["paid"]
    assert (await house.findings()).differences == []
