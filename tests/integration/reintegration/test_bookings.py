"""A booking adds up: what it has beyond its parts are charges, once, and a part in another currency is held to the rate of its day."""

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.rates import RecordRate
from services.reintegration.domain.settlement import SettleByBank
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import RATE
from shared.actors import Actor
from shared.db import Sql
from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.paying import AMOUNTS, Paying
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported, lines_of
from tests.integration.reintegration.test_batches import totals
from tests.integration.reintegration.test_booked_otherwise import matched, one_line, say
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import booked, by_the_clock, why
from tests.unit.reintegration.bank.answers import Account, Detail
from tests.unit.reintegration.examples import PAYER, RECONCILER, TODAY

people = people_of
LIRA: Final = {"amount": AMOUNTS["TRY"], "currency": "TRY"}
_CHARGES = Sql("SELECT attempt_id, bank_charges, charges_currency FROM payment_attempts ORDER BY attempt_id")


async def charges(house: House) -> list[Decimal | None]:
    rows: list[Any] = await house.rows(_CHARGES)
    return [row["bank_charges"] for row in rows]


async def pair_sent(house: House, people: People) -> tuple[list[UUID], list[UUID]]:
    """Two grants and their payments of 500.00 EUR each, in one file."""
    fund_id = await house.fund()
    both = [await released_by_bank(house, fund_id) for _ in range(2)]
    await sent(people, await own_account(people), [attempt_id for _, attempt_id in both])
    return [grant_id for grant_id, _ in both], [attempt_id for _, attempt_id in both]


async def test_a_part_in_another_currency_is_near_the_rate_of_its_day_and_what_is_beyond_are_charges(house: House, people: People) -> None:
    attempt_id = await Paying(house).waiting("TRY")
    await sent(people, await own_account(people), [attempt_id], **totals(["TRY"]))
    # By the rate of that day it is worth 2,242.99 EUR.
    far, near = [await one_line(house, people, booked(f"-{euros}", Detail(attempt_id.hex, euros), reference=f"B-{euros}")) for euros in ("10000.00", "2300.00")]
    assert [line["why"] for line in (far, near)] == ["currency_differs", "currency_differs"]
    said = {"attempt_id": str(attempt_id), "paid_part": LIRA}
    assert await say(people.reconciler, far["id"], "match", **said) == "too_far_from_rate"
    assert await say(people.reconciler, near["id"], "match", **said) == "done"
    assert await say(colleague(people), near["id"], "confirm-match") == "done"
    # What two persons found it to be worth stays, though the rate is corrected before it is settled.
    corrected = RecordRate(currency="TRY", base="EUR", effective_on=date(2023, 2, 1), rate=Decimal(12), source="central_bank")
    await house.give(RATE, uuid7(), corrected, RECONCILER)
    await by_the_clock(house)
    shown = (await people.reconciler.get(f"bank-lines/{near['id']}")).json()
    assert (shown["state"], shown["bank_charges"], shown["charges_currency"], shown["booked_short"]) == ("matched", "57.01", "EUR", None)
    (row,) = (await people.auditor.get("booked-otherwise")).json()["items"]
    assert (row["currency"], row["bank_charges"], row["charges_currency"]) == ("TRY", "57.01", "EUR")
    (found,) = (await people.auditor.get("exceptions", **{"from": str(TODAY), "to": str(TODAY)})).json()["items"]
    assert "booked_otherwise" in found["exceptions"]
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("told", [True, False], ids=["by_the_bank", "by_two_persons"])
async def test_what_a_booking_of_two_payments_has_beyond_both_is_charged_once(house: House, people: People, told: bool) -> None:
    _, pair = await pair_sent(house, people)
    details = [Detail(one.hex, "500.00") if told else Detail(one.hex) for one in pair]
    file_id = await imported(people, Account([booked("-1005.00", *details, reference="BATCH-1")], id="MAY-1"))
    if not told:
        for line, attempt_id in zip(await lines_of(people, file_id), pair, strict=True):
            assert await charges(house) == [None, None]
            await matched(people, line["id"], attempt_id, "500.00")
            await by_the_clock(house)
    await by_the_clock(house)
    assert await why(people, file_id) == [("matched", None), ("matched", None)]
    assert sorted(await charges(house), key=str) == [Decimal("5.00"), None]
    (row,) = (await people.auditor.get("booked-otherwise")).json()["items"]
    assert row["bank_charges"] == "5.00"
    listed = (await people.auditor.get("exceptions", **{"from": str(TODAY), "to": str(TODAY)})).json()["items"]
    assert sum("booked_otherwise" in one["exceptions"] for one in listed) == (1 if told else 2)
    assert (await house.findings()).differences == []


async def test_two_parts_that_are_settled_at_once_take_the_rest_once(house: House, people: People) -> None:
    grants, pair = await pair_sent(house, people)
    file_id = await imported(people, Account([booked("-1005.00", *(Detail(one.hex) for one in pair), reference="BATCH-1")], id="MAY-1"))
    for line, attempt_id in zip(await lines_of(people, file_id), pair, strict=True):
        await matched(people, line["id"], attempt_id, "500.00")
    await asyncio.gather(*(house.give(GRANT, grant_id, SettleByBank(), Actor.service("reintegration")) for grant_id in grants))
    assert sorted(await charges(house), key=str) == [Decimal("5.00"), None]
    assert (await house.findings()).differences == []


async def test_of_payments_in_another_currency_that_are_booked_together_nobody_knows_what_each_takes_and_nothing_is_charged(
    house: House, people: People
) -> None:
    paying = Paying(house)
    pair = [await paying.waiting("TRY") for _ in range(2)]
    await sent(people, await own_account(people), pair, **totals(["TRY", "TRY"]))
    details = [Detail(one.hex, ordered=f"TRY {AMOUNTS['TRY']}") for one in pair]
    file_id = await imported(people, Account([booked("-4485.98", *details, reference="BATCH-1")], id="MAY-1", opening="9000.00"))
    for line, attempt_id in zip(await lines_of(people, file_id), pair, strict=True):
        assert await say(people.reconciler, line["id"], "match", attempt_id=str(attempt_id)) == "done"
        assert await say(colleague(people), line["id"], "confirm-match") == "done"
    await by_the_clock(house)
    assert await why(people, file_id) == [("matched", None), ("matched", None)]
    assert await charges(house) == [None, None]
    assert (await house.findings()).differences == []


async def test_what_may_be_of_a_part_that_is_no_payment_is_nobodys_charge(house: House, people: People) -> None:
    _, (attempt_id, _) = await pair_sent(house, people)
    file_id = await imported(people, Account([booked("-505.00", Detail(attempt_id.hex), Detail(uuid7().hex), reference="BATCH-1")], id="MAY-1"))
    ours, other = await lines_of(people, file_id)
    await matched(people, ours["id"], attempt_id, "500.00")
    await by_the_clock(house)
    assert await say(people.reconciler, other["id"], "propose-explanation", explanation="charges") == "done"
    assert await say(colleague(people), other["id"], "confirm-explanation") == "done"
    assert await charges(house) == [None, None]
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("currency", ["EUR", "TRY"])
async def test_what_came_back_as_less_or_in_another_currency_two_persons_match_and_it_is_paid_anew(house: House, people: People, currency: str) -> None:
    paying = Paying(house)
    attempt_id, ordered = await paying.waiting(currency), AMOUNTS[currency]
    await sent(people, await own_account(people), [attempt_id], **totals([currency]))
    euros = {"EUR": "1250.50", "TRY": "2242.99"}[currency]
    told = None if currency == "EUR" else f"TRY {ordered}"
    await imported(people, Account([booked(f"-{euros}", Detail(attempt_id.hex, euros, ordered=told), reference="B-1")], id="MAY-1"))
    await by_the_clock(house)
    less = {"EUR": "1245.50", "TRY": "2200.00"}[currency]
    line = await one_line(house, people, booked(less, Detail(attempt_id.hex, less, reason="<Cd>AC04</Cd>"), reference="R-1"))
    assert line["why"] == {"EUR": "amount_differs", "TRY": "currency_differs"}[currency]
    said = {"attempt_id": str(attempt_id), "paid_part": {"amount": less if currency == "EUR" else ordered, "currency": currency}}
    assert await say(people.reconciler, line["id"], "match", **said) == "done"
    assert await say(people.reconciler, line["id"], "confirm-match") == "four_eyes"
    assert await say(colleague(people), line["id"], "confirm-match") == "done"
    await by_the_clock(house)
    assert (await people.reconciler.get(f"bank-lines/{line['id']}")).json()["state"] == "returned"
    assert paying.fund_id is not None
    assert (await house.balance(paying.fund_id))[1] == 0
    items = (await people.auditor.get("booked-otherwise")).json()["items"]
    assert [(one["kept_by_bank"], one["came_back"]) for one in items] == ([("5.00", True)] if currency == "EUR" else [])
    await house.give(GRANT, await grant_of(house, attempt_id), await house.vendors.release(1, currency, method="bank_file", attempt_id=uuid7()), PAYER)
    assert (await house.findings()).differences == []


async def grant_of(house: House, attempt_id: UUID) -> UUID:
    rows: list[Any] = await house.rows(Sql("SELECT grant_id FROM payment_attempts WHERE attempt_id = :attempt_id"), attempt_id=attempt_id)
    return UUID(str(rows[0]["grant_id"]))


async def test_a_booking_that_does_not_add_up_is_found(house: House, people: People) -> None:
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, await own_account(people), [attempt_id])
    line = await one_line(house, people, booked("-500.50", Detail(attempt_id.hex, "500.50"), reference="B-1"))
    await matched(people, line["id"], attempt_id, "500.00")
    await by_the_clock(house)
    assert (await house.findings()).differences == []
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    for change, found in (("line_amount = 501", True), ("before_sums = true", False), ("before_sums = false, line_amount = 500.50", False)):
        await owner.execute(f"UPDATE bank_lines SET {change}")
        assert ("bookings of the bank" in {one.partition(":")[0] for one in (await house.findings()).differences}) == found
    await owner.close()


async def test_a_part_is_matched_again_by_the_rate_that_is_recorded(house: House, people: People) -> None:
    """Without a rate nobody matches it, and finance records one."""
    attempt_id = await Paying(house).waiting("TRY")
    await sent(people, await own_account(people), [attempt_id], **totals(["TRY"]))
    line = await one_line(house, people, booked("-2242.99", Detail(attempt_id.hex, "2242.99"), reference="B-1"))
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute("DELETE FROM exchange_rates")
    await owner.close()
    said = {"attempt_id": str(attempt_id), "paid_part": LIRA}
    assert await say(people.reconciler, line["id"], "match", **said) == "too_far_from_rate"
    rate = RecordRate(currency="TRY", base="EUR", effective_on=date(2023, 3, 1), rate=Decimal("21.4"), source="central_bank")
    await house.give(RATE, uuid7(), rate, RECONCILER)
    assert await say(people.reconciler, line["id"], "match", **said) == "done"
