"""A debit of another amount than ordered: two persons say which part is the payment, and charges and what is missing stand beside it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.stops import OpenRecovery
from services.reintegration.domain.tranches import ConfirmDelivery, ReconcileTranche
from services.reintegration.grant_wiring import GRANT
from shared.db import Sql
from shared.money import Money
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported, lines_of
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import booked, by_the_clock, credit, debit, why
from tests.unit.reintegration.bank.answers import Account, Detail, Entry
from tests.unit.reintegration.examples import RECONCILER, TODAY

people = people_of
_SUMS = Sql(
    "SELECT b.spent, (SELECT sum(CASE l.state WHEN 'matched' THEN l.amount ELSE -l.amount END) FROM bank_lines l WHERE l.state IN ('matched', 'returned')) AS booked, "
    "(SELECT coalesce(sum(bank_charges), 0) FROM payment_attempts) AS charges, "
    "(SELECT coalesce(sum(booked_short), 0) FROM payment_attempts WHERE status = 'paid') AS short FROM fund_balances b"
)


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


async def say(caller: Caller, line: str, act: str, **body: object) -> str:
    """What becomes of something that is said of a line."""
    answer = await caller.post(f"bank-lines/{line}/{act}", body)
    return "done" if answer.status_code in (200, 201) else str(answer.json()["code"])


async def matched(people: People, line: str, attempt_id: UUID, part: str) -> None:
    """Two reconcilers say how much of a line is of an attempt."""
    assert await say(people.reconciler, line, "match", attempt_id=str(attempt_id), paid_part=eur(part)) == "done"
    assert await say(colleague(people), line, "confirm-match") == "done"


async def one_line(house: House, people: People, entry: Entry) -> dict[str, Any]:
    """The only line of a statement that counts."""
    (line,) = await lines_of(people, await imported(people, Account([entry], id=f"S-{entry.reference}")))
    return line


@pytest.mark.parametrize(
    ("amount", "part", "charges", "short"),
    [("500.50", "500.00", "0.50", None), ("499.00", "499.00", None, "1.00"), ("499.00", "498.50", "0.50", "1.50")],
    ids=["more", "less", "less_with_charges"],
)
async def test_two_persons_say_which_part_is_the_payment_and_no_fund_bears_what_else_was_booked(
    house: House, people: People, amount: str, part: str, charges: str | None, short: str | None
) -> None:
    fund_id = await house.fund()
    grant_id, attempt_id = await released_by_bank(house, fund_id)
    await sent(people, await own_account(people), [attempt_id])
    line = await one_line(house, people, debit(attempt_id, amount))
    assert line["why"] == "amount_differs"
    assert await say(people.reconciler, line["id"], "match", attempt_id=str(attempt_id)) == "amount_differs"
    for wrong, code in ((eur("500.51"), "amount_differs"), ({"amount": "1.00", "currency": "USD"}, "currencies_differ"), (eur("1.001"), "finer_than_paid")):
        assert await say(people.reconciler, line["id"], "match", attempt_id=str(attempt_id), paid_part=wrong) == code
    assert await say(people.reconciler, line["id"], "match", attempt_id=str(attempt_id), paid_part=eur(part)) == "done"
    assert await say(people.reconciler, line["id"], "confirm-match") == "four_eyes"
    await by_the_clock(house)
    assert (await house.grant(grant_id)).tranches[0].status == "released"
    assert await say(colleague(people), line["id"], "confirm-match") == "done"
    await by_the_clock(house)
    shown = (await people.reconciler.get(f"bank-lines/{line['id']}")).json()
    assert (shown["state"], shown["found_part"], shown["bank_charges"], shown["booked_short"]) == ("matched", part, charges, short)
    assert await house.balance(fund_id) == (Decimal(1000), Decimal(500))
    (sums,) = await house.rows(_SUMS)
    assert sums["booked"] == Decimal(amount) == sums["spent"] + sums["charges"] - sums["short"]
    (row,) = (await people.auditor.get("booked-otherwise")).json()["items"]
    assert (row["grant_id"], row["bank_charges"], row["booked_short"], row["paid_on"]) == (str(grant_id), charges, short, str(TODAY))
    (found,) = (await people.auditor.get("exceptions", **{"from": str(TODAY), "to": str(TODAY)})).json()["items"]
    assert "booked_otherwise" in found["exceptions"]
    assert (await house.findings()).differences == []


async def test_what_is_missing_is_never_received_nor_reconciled_without_a_word(house: House, people: People) -> None:
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, await own_account(people), [attempt_id])
    line = await one_line(house, people, debit(attempt_id, "499.00"))
    await matched(people, line["id"], attempt_id, "499.00")
    await by_the_clock(house)
    more = ConfirmDelivery(number=1, received=Money(amount=Decimal(500), currency="EUR"))
    assert await house.try_to(GRANT, grant_id, more, OFFICE) == "received_more_than_paid"
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    assert await house.try_to(GRANT, grant_id, ReconcileTranche(number=1), RECONCILER) == "four_eyes"
    other = replace(RECONCILER, person_id="staff:reconciler-4")
    assert await house.try_to(GRANT, grant_id, ReconcileTranche(number=1), other) == "short_unexplained"
    await house.give(GRANT, grant_id, ReconcileTranche(number=1, short_reason="bank_charge"), other)
    (difference,) = (await people.auditor.get("differences")).json()["items"]
    assert (difference["amount"], difference["reason"], difference["booked_short"], difference["short_reason"]) == (None, None, "1.00", "bank_charge")
    assert (await house.findings()).differences == []


async def test_what_was_not_used_is_asked_back_beside_what_was_never_booked(house: House, people: People) -> None:
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, await own_account(people), [attempt_id])
    line = await one_line(house, people, debit(attempt_id, "499.00"))
    await matched(people, line["id"], attempt_id, "499.00")
    await by_the_clock(house)
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1, received=Money(amount=Decimal(450), currency="EUR")), OFFICE)
    beyond = OpenRecovery(reason="used_otherwise", money=Money(amount=Decimal("499.01"), currency="EUR"))
    assert await house.try_to(GRANT, grant_id, beyond, RECONCILER) == "beyond_paid"
    await house.give(GRANT, grant_id, OpenRecovery(reason="used_otherwise", money=Money(amount=Decimal(49), currency="EUR")), RECONCILER)
    other = replace(RECONCILER, person_id="staff:reconciler-4")
    await house.give(GRANT, grant_id, ReconcileTranche(number=1, difference_reason="unspent", short_reason="bank_charge"), other)
    (difference,) = (await people.auditor.get("differences")).json()["items"]
    assert (difference["amount"], difference["reason"], difference["booked_short"], difference["short_reason"]) == ("49.00", "unspent", "1.00", "bank_charge")
    assert (await house.findings()).differences == []


async def test_what_was_booked_short_comes_back_as_it_was_booked_and_the_charges_stay(house: House, people: People) -> None:
    fund_id = await house.fund()
    (grant_id, short), (_, dear) = [await released_by_bank(house, fund_id) for _ in range(2)]
    await sent(people, await own_account(people), [short, dear])
    for attempt_id, amount, part in ((short, "499.00", "499.00"), (dear, "500.50", "500.00")):
        line = await one_line(house, people, debit(attempt_id, amount, f"B-{amount}"))
        await matched(people, line["id"], attempt_id, part)
    await by_the_clock(house)
    file_id = await imported(people, Account([credit(short, "500.00", "R-1"), credit(short, "499.00", "R-2"), credit(dear, "500.00", "R-3")], id="JUNE"))
    await by_the_clock(house)
    assert await why(people, file_id) == [("unmatched", "amount_differs"), ("returned", None), ("returned", None)]
    assert (await house.grant(grant_id)).tranches[0].status == "planned"
    assert await house.balance(fund_id) == (Decimal(3000), Decimal(0))
    (sums,) = await house.rows(_SUMS)
    assert (sums["booked"], sums["spent"], sums["charges"], sums["short"]) == (Decimal("0.50"), Decimal(0), Decimal("0.50"), Decimal(0))
    assert (await house.findings()).differences == []


async def test_a_line_without_an_amount_pays_no_more_than_its_booking_has_left(house: House, people: People) -> None:
    fund_id = await house.fund()
    pair = [(await released_by_bank(house, fund_id))[1] for _ in range(2)]
    await sent(people, await own_account(people), pair)
    file_id = await imported(people, Account([booked("-900.00", *(Detail(one.hex) for one in pair), reference="BATCH-1")], id="MAY-1"))
    first, second = await lines_of(people, file_id)
    assert [line["why"] for line in (first, second)] == ["amount_unknown", "amount_unknown"]
    await matched(people, first["id"], pair[0], "500.00")
    assert await say(people.reconciler, second["id"], "match", attempt_id=str(pair[1]), paid_part=eur("400.01")) == "amount_differs"
    await matched(people, second["id"], pair[1], "400.00")
    await by_the_clock(house)
    assert [line["state"] for line in await lines_of(people, file_id)] == ["matched", "matched"]
    rows = (await people.auditor.get("booked-otherwise")).json()["items"]
    assert [(row["attempt_id"], row["bank_charges"], row["booked_short"]) for row in rows] == [(str(pair[1]), None, "100.00")]
    assert (await house.findings()).differences == []


async def test_of_what_fits_no_part_is_said_and_a_match_that_is_undone_leaves_none(house: House, people: People) -> None:
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, await own_account(people), [attempt_id])
    fits = await one_line(house, people, booked("-500.00", reference="B-1"))
    assert await say(people.reconciler, fits["id"], "match", attempt_id=str(attempt_id), paid_part=eur("400.00")) == "fits_as_it_is"
    other = await one_line(house, people, booked("-700.00", reference="B-2"))
    await matched(people, other["id"], attempt_id, "500.00")
    assert await say(people.reconciler, other["id"], "undo-match") == "done"
    assert await say(colleague(people), other["id"], "confirm-undoing") == "done"
    await by_the_clock(house)
    shown = (await people.reconciler.get(f"bank-lines/{other['id']}")).json()
    assert (shown["state"], shown["found_part"], shown["attempt_id"]) == ("unmatched", None, None)
    assert (await house.findings()).differences == []


async def test_the_database_knows_no_part_of_one_persons_and_nothing_booked_otherwise_without_a_line(house: House, people: People) -> None:
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, await own_account(people), [attempt_id])
    line = await one_line(house, people, debit(attempt_id, "500.50"))
    await matched(people, line["id"], attempt_id, "500.00")
    await by_the_clock(house)
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    faults: list[str | None] = []
    for sql in ("UPDATE payment_attempts SET bank_charges = 7", "UPDATE bank_lines SET by_hand = false"):
        with pytest.raises(asyncpg.CheckViolationError) as fault:
            await owner.execute(sql)
        faults.append(fault.value.constraint_name)
    assert faults == ["attempt_is_never_edited", "ck_bank_lines_part_is_two_persons_word"]
    await owner.execute("UPDATE bank_lines SET paid_part = 499 WHERE paid_part IS NOT NULL")
    await owner.close()
    assert {one.partition(":")[0] for one in (await house.findings()).differences} == {"lines of the bank and attempts", "acts on lines of the bank", "bookings of the bank"}
