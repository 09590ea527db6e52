"""What is open, counted by kind, currency and age, and listed behind each number, on a real database with moved clocks."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.domain.cash import WitnessCash
from services.reintegration.domain.tranches import ConfirmDelivery, ReconcileTranche
from services.reintegration.grant_wiring import GRANT
from shared.db import Sql
from shared.ids import uuid7
from tests import xlsx
from tests.given import NOON
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.paying import AMOUNTS, Paying
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import brought, imported, reported
from tests.integration.reintegration.test_batches import made
from tests.integration.reintegration.test_own_accounts import own_account
from tests.integration.reintegration.test_recoveries import asked_back, given_back
from tests.integration.reintegration.test_settlement import debit, rejections
from tests.unit.reintegration.bank.answers import Account, Entry
from tests.unit.reintegration.examples import PAYER, RECONCILER, TODAY

people = people_of
_GRANT = Sql("SELECT grant_id FROM payment_attempts WHERE attempt_id = :attempt_id")
PRICE = AMOUNTS["EUR"]


async def grant_of(house: House, attempt_id: UUID) -> UUID:
    row: Any = (await house.rows(_GRANT, attempt_id=attempt_id))[0]
    grant_id: UUID = row["grant_id"]
    return grant_id


async def paid(house: House, paying: Paying) -> UUID:
    grant_id = await grant_of(house, await paying.waiting(method="office_account"))
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    return grant_id


async def one_of_each(house: House, people: People) -> dict[str, str]:
    """One item of each kind, all of one day, by the id under which it is opened."""
    paying, account_id = Paying(house), await own_account(people)
    unbatched, batched, by_office, cash, seen = [
        await paying.waiting(method=method) for method in ("bank_file", "bank_file", "office_account", "cash", "cash")
    ]
    await made(people, account_id, [batched])
    witness = WitnessCash(number=1, identity_document="identity_card", handed_over_on=TODAY)
    await house.give(GRANT, await grant_of(house, seen), witness, OFFICE)
    by_hand = await grant_of(house, by_office)
    await house.give(GRANT, by_hand, house.payment(1), PAYER)
    delivered = await paid(house, paying)
    await house.give(GRANT, delivered, ConfirmDelivery(number=1), OFFICE)
    await imported(people, Account([debit(uuid7())], id="MAY-1"))
    recovery = await asked_back(house, await house.fund())
    (line,) = (await people.auditor.get("bank-lines")).json()["items"]
    waiting = await brought(people, Account([Entry("-1.00")], id="MAY-2"))
    return {
        "waits_for_batch": str(await grant_of(house, unbatched)), "waits_for_bank": str(await grant_of(house, batched)),
        "waits_for_payer": str(await grant_of(house, seen)), "cash_not_handed_over": str(await grant_of(house, cash)),
        "not_delivered": str(by_hand), "not_reconciled": str(delivered), "unmatched_line": line["id"], "open_recovery": str(recovery),
        "unconfirmed_file": str(waiting),
    }  # fmt: skip


async def groups(by: Caller) -> dict[tuple[str, str, str], tuple[int, str]]:
    answer = await by.get("open-items")
    assert answer.status_code == 200, answer.text
    return {(one["kind"], one["currency"], one["age"]): (one["items"], one["total"]) for one in answer.json()["groups"]}


async def items(by: Caller, kind: str, **narrowed: str | int) -> list[dict[str, Any]]:
    answer = await by.get(f"open-items/{kind}", **narrowed)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_an_item_of_each_kind_is_counted_and_listed_once_at_each_age(house: House, people: People) -> None:
    known = await one_of_each(house, people)
    amounts = {**dict.fromkeys(known, PRICE), "unmatched_line": "500.00", "open_recovery": "300.00", "unconfirmed_file": "0"}
    for days, age in ((0, "0-30"), (30, "0-30"), (31, "31-60"), (60, "31-60"), (61, "61-90"), (90, "61-90"), (91, "over-90")):
        by = people.manager.at(NOON + timedelta(days))
        counted = await groups(by)
        assert {key: (how_many, Decimal(total)) for key, (how_many, total) in counted.items()} == {
            (kind, "EUR", age): (1, Decimal(amount)) for kind, amount in amounts.items()
        }  # fmt: skip
        for kind, opened_by in known.items():
            (item,) = await items(by, kind, age=age, currency="EUR")
            assert (item["bank_file"] or item["bank_line"] or item["grant_id"], item["days"], item["age"]) == (opened_by, days, age)
            assert (item["day"], Decimal(item["amount"] or 0)) == (TODAY.isoformat(), Decimal(amounts[kind]))
            others = {"0-30", "31-60", "61-90", "over-90"} - {age}
            assert [one for other in others for one in await items(by, kind, age=other)] == []
            assert await items(by, kind, currency="BAM") == []
    assert (await people.auditor.at(NOON + timedelta(30)).get("open-items")).json()["today"] == date(2023, 6, 1).isoformat()


async def test_what_is_settled_is_open_no_more(house: House, people: People) -> None:
    known = await one_of_each(house, people)
    for kind, reason, who in (("waits_for_batch", "not_sent", PAYER), ("cash_not_handed_over", "not_collected", RECONCILER)):
        failed = ReportPaymentFailed.model_validate({"number": 1, "reason": reason, "failed_on": TODAY})
        await house.give(GRANT, UUID(known[kind]), failed, who)
    await house.give(GRANT, UUID(known["waits_for_payer"]), house.payment(1), PAYER)
    await house.give(GRANT, UUID(known["not_delivered"]), ConfirmDelivery(number=1), OFFICE)
    await house.give(GRANT, UUID(known["not_reconciled"]), ReconcileTranche(number=1), RECONCILER)
    await given_back(house, UUID(known["open_recovery"]), "300.00", "IN-1")
    explained = await people.reconciler.post(f"bank-lines/{known['unmatched_line']}/explain", {"explanation": "charges"})
    assert explained.status_code == 201, explained.text
    assert (await people.approver.post(f"bank-files/{known['unconfirmed_file']}/drop", {"reason": "brought_by_mistake"})).status_code == 200
    left = {kind: how_many for (kind, _, _), (how_many, _) in (await groups(people.payer)).items()}
    assert left == {"waits_for_bank": 1, "not_delivered": 1, "not_reconciled": 1}
    assert [one["grant_id"] for one in await items(people.payer, "not_delivered")] == [known["waits_for_payer"]]
    assert [one["grant_id"] for one in await items(people.payer, "not_reconciled")] == [known["not_delivered"]]


async def test_the_spreadsheet_names_each_item_by_the_id_that_opens_it(house: House, people: People) -> None:
    known = await one_of_each(house, people)
    head, *rows = xlsx.read((await people.manager.get("exports/open-items")).content)["Each of them"].values()
    said = [dict(zip(head, row, strict=True)) for row in rows]
    assert {row["Kind"]: row["File of the bank"] or row["Line of the bank"] or row["Grant"] for row in said} == known


async def test_the_oldest_come_first_page_by_page_and_the_numbers_are_those_of_the_lists(house: House, people: People) -> None:
    paying = Paying(house)
    first = [await paying.waiting() for _ in range(3)]
    other = await paying.waiting("BAM")
    late = await paying.approved()
    moment = NOON + timedelta(40)
    await house.give(GRANT, late, await house.vendors.release(1, method="bank_file"), PAYER, moment)
    by = people.approver.at(moment)
    whole = await items(by, "waits_for_batch", limit=100)
    assert [one["grant_id"] for one in whole] == [
        *sorted([str(await grant_of(house, attempt)) for attempt in (*first, other)]), str(late),
    ]  # fmt: skip
    told = Counter((one["currency"], one["age"]) for one in whole)
    assert told == {(currency, age): how_many for (_, currency, age), (how_many, _) in (await groups(by)).items()}
    assert told == {("EUR", "31-60"): 3, ("BAM", "31-60"): 1, ("EUR", "0-30"): 1}
    after: dict[str, str] = {}
    walked: list[dict[str, Any]] = []
    while True:
        page = (await by.get("open-items/waits_for_batch", limit=2, **after)).json()
        walked += page["items"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert walked == whole


async def test_a_day_is_the_missions(house: House, people: People) -> None:
    # In Sarajevo it is the day after already.
    await Paying(house).waiting()
    evening = (NOON + timedelta(30)).replace(hour=22, minute=30)
    assert [age for _, _, age in await groups(people.payer.at(evening))] == ["31-60"]
    assert [age for _, _, age in await groups(people.payer.at(evening - timedelta(hours=1)))] == ["0-30"]


async def test_a_refusal_that_fits_nothing_counts_with_its_payment_and_one_of_an_unknown_payment_in_no_currency(
    house: House, people: People
) -> None:
    attempt_id = await Paying(house).waiting()
    await reported(people, rejections(uuid7(), attempt_id, uuid7(), code="AM05"))
    found = await groups(people.reconciler)
    assert (found["unmatched_line", "EUR", "0-30"], found["unmatched_line", "XXX", "0-30"]) == ((1, PRICE), (1, "0"))
    assert [(one["amount"], one["grant_id"]) for one in await items(people.reconciler, "unmatched_line", currency="XXX")] == [(None, None)]


@pytest.mark.parametrize("path", ["open-items", "open-items/not_delivered"])
async def test_finance_and_whoever_oversees_it_read_what_is_open_and_nobody_else(path: str, house: House, people: People) -> None:
    for by in (people.payer, people.reconciler, people.approver, people.chief, people.manager, people.auditor):
        assert (await by.get(path)).status_code == 200
    for by in (people.office, people.counsellor, people.coordinator, people.medical, people.administrator):
        assert (await by.get(path)).status_code == 403


async def test_a_place_or_a_kind_that_cannot_be_is_malformed(house: House, people: People) -> None:
    assert (await people.payer.get("open-items/everything")).status_code == 422
    asked = "open-items/not_delivered"
    for name, value in (("age", "7"), ("currency", "euro"), ("after", "2023-99-99"), ("after", f"000000-{uuid7()}-1")):
        assert (await people.payer.get(asked, **{name: value})).status_code == 422
    page = await people.payer.get(asked, after=f"738000-{uuid7()}-1")
    assert page.json() == {"items": [], "next": None}
