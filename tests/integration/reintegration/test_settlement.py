"""What the bank says settles the attempts to pay that it names: by itself, in nobody's hat, and each line once."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.domain.tranches import ConfirmDelivery
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import WIRING
from shared.db import Sql
from shared.ids import uuid7
from shared.timers import Looked, look
from tests.given import NOON
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.paying import AMOUNTS, Paying
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_attempts import JUNE
from tests.integration.reintegration.test_bank_files import imported, lines_of, put, queue, reported, told
from tests.integration.reintegration.test_batches import approve, made, make, take, totals
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_periods import close, reopen
from tests.unit.reintegration.bank.answers import Account, Block, Detail, Entry, Told, Transaction, pain002
from tests.unit.reintegration.examples import PAYER, TODAY

people = people_of
ONE: dict[str, Any] = {"expected_count": 1, "expected_sums": [{"amount": "500.00", "currency": "EUR"}]}
_ATTEMPTS = Sql(
    "SELECT attempt_id, status, reference, confirmed_by, ended_by, paid_on, reason, paid_line, failed_line, returned_line, paid_month, return_month "
    "FROM payment_attempts ORDER BY attempt_id, attempt_no"
)
_SPENT = Sql(
    "SELECT (SELECT spent FROM fund_balances WHERE fund_id = :fund_id) AS spent, "
    "(SELECT sum(amount_in_fund) FROM payment_attempts WHERE status = 'paid') AS cost"
)
_SUMS = Sql(
    "SELECT (SELECT coalesce(sum(amount) FILTER (WHERE status = 'paid'), 0) FROM payment_attempts) AS paid, "
    "(SELECT coalesce(sum(CASE state WHEN 'matched' THEN amount ELSE -amount END), 0) FROM bank_lines WHERE state IN ('matched', 'returned')) AS lines, "
    "(SELECT coalesce(sum(spent), 0) FROM fund_balances) AS spent"
)


def booked(amount: str, *details: Detail, reference: str, reversal: bool = False) -> Entry:
    return Entry(amount, details, reference=reference, reversal=reversal, booked=f"<BookgDt><Dt>{TODAY}</Dt></BookgDt>")


def debit(attempt_id: UUID, amount: str = "500.00", reference: str = "B-1") -> Entry:
    return booked(f"-{amount}", Detail(attempt_id.hex, amount), reference=reference)


def credit(attempt_id: UUID, amount: str = "500.00", reference: str = "R-1", reason: str | None = "<Cd>AC04</Cd>") -> Entry:
    return booked(amount, Detail(attempt_id.hex, amount, reason=reason), reference=reference)


def rejections(batch_id: UUID, *attempts: UUID, code: str = "AC04", id: str = "ODGOVOR-1") -> bytes:
    said = [Transaction(one.hex, Told("RJCT", [code])) for one in attempts]
    return pain002(batch_id.hex, Told("PART"), [Block(f"{batch_id.hex}001", Told("PART"), said)], id=id)


async def by_the_clock(house: House) -> Looked:
    return await look(house.made.worker, "reintegration", WIRING.by_name, tuple(one for one in WIRING.timers if one.aggregate == "grant"), NOON)


async def attempts(house: House) -> list[dict[str, Any]]:
    return [dict(row) for row in await house.rows(_ATTEMPTS)]


async def why(people: People, file_id: UUID) -> list[tuple[Any, ...]]:
    return told(await lines_of(people, file_id), "state", "why")


async def test_a_line_of_exactly_its_amount_pays_an_attempt_and_nobody_wears_a_hat_for_it(house: House, people: People) -> None:
    account_id = await own_account(people)
    fund_id = await house.fund()
    grant_id, attempt_id = await released_by_bank(house, fund_id)
    await sent(people, account_id, [attempt_id])
    file_id = await imported(people, Account([debit(attempt_id)], id="MAY-1"))
    assert await by_the_clock(house) == Looked(1, 1)
    assert await by_the_clock(house) == Looked()
    (line,) = await lines_of(people, file_id)
    (paid,) = await attempts(house)
    assert (paid["status"], paid["reference"], paid["confirmed_by"], str(paid["paid_line"])) == ("paid", "B-1", None, line["id"])
    assert paid["paid_on"] == TODAY
    assert (line["state"], line["grant_id"]) == ("matched", str(grant_id))
    state = await house.grant(grant_id)
    assert (state.payer_id, state.reconciler_id, state.paid) == (PAYER.person_id, None, Decimal(500))
    # Whoever released wears the payer's hat all the same, and reconciles nothing.
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    assert (await house.findings()).differences == []


async def test_what_is_refused_and_what_comes_back_leaves_the_tranche_to_be_released_anew(house: House, people: People) -> None:
    account_id = await own_account(people)
    fund_id = await house.fund()
    refused, returned = [await released_by_bank(house, fund_id) for _ in range(2)]
    batch_id = await sent(people, account_id, [refused[1], returned[1]])
    report = await reported(people, rejections(batch_id, refused[1]))
    statement = await imported(people, Account([debit(returned[1]), credit(returned[1])], id="MAY-1"))
    for file_id, settled in ((report, 1), (statement, 2)):
        answer = await people.reconciler.post(f"bank-files/{file_id}/settle", {})
        assert answer.json() == {"settled": settled, "waiting": 0}
    assert sorted((one["status"], one["reason"], one["ended_by"]) for one in await attempts(house)) == [
        ("failed", "account_closed", None), ("reversed", "returned_by_bank", None),
    ]  # fmt: skip
    assert told(await queue(people, "rejected"), "attempt_id") == [(str(refused[1]),)]
    assert told(await queue(people, "returned"), "attempt_id") == [(str(returned[1]),)]
    assert await house.balance(fund_id) == (Decimal(3000), Decimal(0))
    assert (await house.grant(returned[0])).reconciler_id is None
    assert (await house.findings()).differences == []


async def test_what_does_not_fit_stays_in_the_queue_under_its_reason_and_stops_nobody(house: House, people: People) -> None:
    account_id = await own_account(people)
    fund_id = await house.fund()
    one, other, third, fourth = every = [(await released_by_bank(house, fund_id))[1] for _ in range(4)]
    batch_id = await sent(people, account_id, every)
    lines = [
        debit(one, "499.99", "B-1"), credit(other, reference="B-2"), debit(uuid7(), reference="B-3"), booked("-500.00", reference="B-4"),
        booked("-500.00", Detail(third.hex, "500.00"), reference="B-5", reversal=True), debit(fourth, reference="B-6"), debit(fourth, reference="B-7"),
    ]  # fmt: skip
    file_id = await imported(people, Account(lines, id="MAY-1"))
    answer = await people.reconciler.post(f"bank-files/{file_id}/settle", {})
    assert answer.json() == {"settled": 1, "waiting": 0}
    assert await why(people, file_id) == [
        ("unmatched", "amount_differs"), ("unmatched", "not_paid"), ("unmatched", "attempt_unknown"), ("unmatched", "names_no_attempt"),
        ("unmatched", "takes_back"), ("matched", None), ("unmatched", "already_settled"),
    ]  # fmt: skip
    again = await reported(people, rejections(batch_id, other, code="AM05"))
    assert await why(people, again) == [("unmatched", "may_have_been_paid")]
    assert await by_the_clock(house) == Looked()
    assert (await house.findings()).differences == []


async def test_what_the_bank_did_before_a_release_pays_nothing_that_is_released_under_its_id_since(house: House, people: People) -> None:
    account_id, taken = await own_account(people), uuid7()
    file_id = await imported(people, Account([debit(taken)], id="MAY-1"))
    grant_id = await house.approved((await house.line()).request("1500.00", "500.00", "1000.00"), await house.fund())
    order = await house.vendors.release(1, method="bank_file", attempt_id=taken)
    await house.give(GRANT, grant_id, order, PAYER, NOON + timedelta(hours=1))
    answer = await people.reconciler.at(NOON + timedelta(hours=2)).post(f"bank-files/{file_id}/settle", {})
    assert answer.json() == {"settled": 0, "waiting": 0}
    assert [one["status"] for one in await attempts(house)] == ["released"]
    assert await why(people, file_id) == [("unmatched", "not_sent")]
    # Nor is it ordered once more before somebody found out what that was.
    answer = await make(people, account_id, [taken], **ONE)
    assert (answer.status_code, answer.json()["code"]) == (409, "bank_line_waits")


async def test_what_the_bank_said_to_have_paid_or_had_before_fails_by_no_later_refusal(house: House, people: People) -> None:
    fund_id = await house.fund()
    settled, had_before = [(await released_by_bank(house, fund_id))[1] for _ in range(2)]
    batch_id = await sent(people, await own_account(people), [settled, had_before])
    name, first_block = batch_id.hex, f"{batch_id.hex}001"
    first = pain002(name, Told("PART"), [Block(first_block, Told("PART"), [Transaction(settled.hex, Told("ACSC"))])], id="ODGOVOR-1")
    await reported(people, first)
    later = await reported(people, rejections(batch_id, settled, id="ODGOVOR-2"))
    # That the bank had the block before is said of the block alone.
    block = Block(first_block, Told("RJCT", ["AM05"]), [Transaction(had_before.hex, Told("RJCT"))])
    again = await reported(people, pain002(name, Told("RJCT"), [block], id="ODGOVOR-3"))
    for file_id in (later, again):
        assert (await people.reconciler.post(f"bank-files/{file_id}/settle", {})).json()["settled"] == 0
    assert [one["status"] for one in await attempts(house)] == ["released", "released"]
    assert await why(people, again) == [("unmatched", "may_have_been_paid")] * 2


async def test_a_receipt_of_a_closed_month_is_posted_in_the_oldest_open_one_without_anybody(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    period_id = await close(house)
    file_id = await imported(people, Account([debit(attempt_id)], id="MAY-1"))
    answer = await people.reconciler.at(JUNE).post(f"bank-files/{file_id}/settle", {})
    assert answer.json() == {"settled": 1, "waiting": 0}
    (paid,) = await attempts(house)
    assert (paid["paid_on"], paid["paid_month"]) == (TODAY, date(2023, 6, 1))
    assert (await house.findings()).differences == []
    # Nor does it come back in a month before that of its payment, once May takes postings again.
    await reopen(house, period_id)
    file_id = await imported(people, Account([credit(attempt_id)], id="MAY-2", opening="500.00"))
    assert (await people.reconciler.at(JUNE).post(f"bank-files/{file_id}/settle", {})).json() == {"settled": 1, "waiting": 0}
    (back,) = await attempts(house)
    assert (back["status"], back["return_month"]) == ("reversed", date(2023, 6, 1))
    assert (await house.findings()).differences == []


async def test_several_payments_under_one_reference_of_the_banks_are_told_apart(house: House, people: People) -> None:
    account_id = await own_account(people)
    fund_id = await house.fund()
    pair = [(await released_by_bank(house, fund_id))[1] for _ in range(2)]
    await sent(people, account_id, pair)
    batch = booked("-1000.00", *(Detail(one.hex, "500.00") for one in pair), reference="BATCH-1")
    file_id = await imported(people, Account([batch], id="MAY-1"))
    assert (await people.reconciler.post(f"bank-files/{file_id}/settle", {})).json()["settled"] == 2
    references = {one["reference"] for one in await attempts(house)}
    assert len(references) == 2
    assert "BATCH-1" in references
    assert (await house.findings()).differences == []


async def test_two_persons_say_of_which_payment_a_line_is_and_one_what_is_no_payment_of_ours(house: House, people: People) -> None:
    account_id = await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    file_id = await imported(people, Account([booked(amount, reference=f"B-{amount}") for amount in ("-500.00", "-3.50", "-7.00")], id="MAY-1"))
    lost, charges, wrong = [line["id"] for line in await lines_of(people, file_id)]
    match = {"attempt_id": str(attempt_id)}
    assert (await people.reconciler.post(f"bank-lines/{wrong}/match", match)).json()["code"] == "amount_differs"
    assert (await people.reconciler.post(f"bank-lines/{lost}/match", {"attempt_id": str(uuid7())})).json()["code"] == "attempt_unknown"
    assert (await people.payer.post(f"bank-lines/{lost}/match", match)).status_code == 403
    assert (await people.reconciler.post(f"bank-lines/{lost}/match", match)).status_code == 201
    assert (await people.reconciler.post(f"bank-lines/{lost}/confirm-match", {})).json()["code"] == "four_eyes"
    assert (await people.reconciler.post(f"bank-lines/{lost}/explain", {"explanation": "not_ours"})).json()["code"] == "match_waits"
    assert (await colleague(people).post(f"bank-lines/{lost}/confirm-match", {})).status_code == 200
    assert (await people.reconciler.post(f"bank-lines/{charges}/explain", {"explanation": "charges"})).status_code == 201
    assert (await people.reconciler.post(f"bank-lines/{charges}/explain", {"explanation": "charges"})).json()["code"] == "line_settled"
    assert await by_the_clock(house) == Looked(1, 1)
    assert told(await lines_of(people, file_id), "state", "attempt_id") == [("matched", str(attempt_id)), ("explained", None), ("unmatched", None)]
    shown = (await people.reconciler.get(f"bank-lines/{wrong}")).json()
    assert [(one["name"], one["allowed"]) for one in shown["actions"]] == [
        ("explain_line", True), ("propose_explanation", False), ("match_line", True),
    ]  # fmt: skip
    assert (await house.grant(grant_id)).reconciler_id is None
    assert (await people.auditor.get("bank-line-counts")).json() == {"matched": 1, "explained": 1, "unmatched": 1}
    assert (await house.findings()).differences == []


async def test_what_names_a_payment_of_ours_is_explained_away_or_undone_by_two_and_verify_knows_each_state(
    house: House, people: People
) -> None:
    account_id = await own_account(people)
    fund_id = await house.fund()
    (_, one), (_, other) = [await released_by_bank(house, fund_id) for _ in range(2)]
    await sent(people, account_id, [one, other])
    file_id = await imported(people, Account([debit(one, "499.00", "B-1"), booked("-500.00", reference="B-2")], id="MAY-1"))
    named, lost = [line["id"] for line in await lines_of(people, file_id)]
    first, second = people.reconciler, colleague(people)

    async def step(caller: Caller, line: str, act: str, **body: object) -> str:
        answer = await caller.post(f"bank-lines/{line}/{act}", body)
        assert (await house.findings()).differences == []
        return "done" if answer.status_code in (200, 201) else str(answer.json()["code"])

    assert await step(first, named, "explain", explanation="charges") == "names_our_payment"
    assert await step(first, named, "propose-explanation", explanation="charges") == "done"
    assert await step(first, named, "confirm-explanation") == "four_eyes"
    assert await step(second, named, "drop-explanation") == "done"
    assert await step(first, named, "propose-explanation", explanation="answered_otherwise") == "done"
    assert await step(people.chief, named, "confirm-explanation") == "done"
    assert await step(first, lost, "match", attempt_id=str(other)) == "done"
    assert await step(second, lost, "confirm-match") == "done"
    assert await step(first, lost, "explain", explanation="not_ours") == "line_matched"
    assert await step(first, lost, "undo-match") == "done"
    assert await step(second, lost, "keep-match") == "done"
    assert await step(first, lost, "undo-match") == "done"
    assert await step(first, lost, "confirm-undoing") == "four_eyes"
    assert await step(second, lost, "confirm-undoing") == "done"
    assert await by_the_clock(house) == Looked()
    # It is of the amount of the one that is still open, whatever it names.
    assert await step(first, lost, "explain", explanation="not_ours") == "names_our_payment"
    assert await step(first, lost, "propose-explanation", explanation="not_ours") == "done"
    assert await step(second, lost, "confirm-explanation") == "done"
    assert told(await lines_of(people, file_id), "state", "act", "attempt_id") == [
        ("explained", "explained", str(one)), ("explained", "explained", None),
    ]  # fmt: skip


async def test_who_signed_the_batch_of_a_payment_confirms_of_no_line_that_it_is_that_one(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await made(people, account_id, [attempt_id], expected_sums=[{"amount": "500.00", "currency": "EUR"}])
    assert (await approve(people, batch_id, people.chief)).status_code == 200
    assert (await take(people.payer, batch_id)).status_code == 200
    file_id = await imported(people, Account([booked("-500.00", reference="B-1")], id="MAY-1"))
    ((line,),) = told(await lines_of(people, file_id), "id")
    assert (await people.reconciler.post(f"bank-lines/{line}/match", {"attempt_id": str(attempt_id)})).status_code == 201
    assert (await people.chief.post(f"bank-lines/{line}/confirm-match", {})).json()["code"] == "four_eyes"
    assert (await colleague(people).post(f"bank-lines/{line}/confirm-match", {})).status_code == 200


@pytest.mark.timeout(1_200)
async def test_five_hundred_lines_imported_twice_come_to_the_same_and_the_queue_shows_what_waits(
    house: House, people: People, request: pytest.FixtureRequest
) -> None:
    """Acceptance 2: 7 rejected, 5 returned and 10 unmatched of 500; of fewer payments in proportion, one of each at least."""
    payments = int(request.config.getoption("--bank-lines"))
    rejected, returned, unmatched = (max(1, payments * one // 500) for one in (7, 5, 10))
    account_id = await own_account(people)
    fund_id = await house.fund("1000000.00")
    released = [(await released_by_bank(house, fund_id))[1] for _ in range(payments - returned - unmatched + rejected)]
    report = rejections(await sent(people, account_id, released), *released[:rejected])
    not_rejected = released[rejected:]
    lines = [debit(one, reference=f"B-{n}") for n, one in enumerate(not_rejected)]
    lines += [credit(one, reference=f"R-{n}") for n, one in enumerate(not_rejected[:returned])]
    lines += [booked("-3.50", Detail("NOTPROVIDED"), reference=f"U-{n}") for n in range(unmatched)]
    assert len(lines) == payments
    statement = Account(lines, id="MAY-1", opening="1000000.00")
    files = [await reported(people, report), await imported(people, statement)]
    for file_id in files:
        # Of a long statement each request settles a part.
        while (await people.reconciler.post(f"bank-files/{file_id}/settle", {})).json()["settled"]:
            pass
    before = (await (people.auditor.get("bank-line-counts"))).json(), await attempts(house)
    assert (await put(people.reconciler, report, "status_report")).json()["code"] == "imported_already"
    second = Account(lines, id="MAY-2", opening="1000000.00")
    again = await imported(people, second)
    await people.reconciler.post(f"bank-files/{again}/settle", {})
    counts = (await people.auditor.get("bank-line-counts")).json()
    assert counts == {**before[0], "duplicate": payments}
    assert await attempts(house) == before[1]
    assert (counts["unmatched"], counts["returned"], counts["rejected"]) == (unmatched, returned, rejected)
    (sums,) = await house.rows(_SUMS)
    assert sums["paid"] == sums["lines"] == sums["spent"] == Decimal(500) * (len(not_rejected) - returned)
    assert (await house.findings()).differences == []


async def test_no_line_settles_twice_and_no_person_pays_for_the_bank_past_the_domain(house: House, people: People) -> None:
    account_id = await own_account(people)
    fund_id = await house.fund()
    _, attempt_id = await released_by_bank(house, fund_id)
    _, other = await released_by_bank(house, fund_id)
    await sent(people, account_id, [attempt_id, other])
    file_id = await imported(people, Account([debit(attempt_id)], id="MAY-1"))
    await people.reconciler.post(f"bank-files/{file_id}/settle", {})
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    faults: list[str | None] = []
    paid = "status = 'paid', reference = 'X', paid_on = released_at, paid_month = date_trunc('month', released_at)"
    for sql in (
        f"UPDATE payment_attempts SET {paid}, paid_line = (SELECT paid_line FROM payment_attempts WHERE paid_line IS NOT NULL) WHERE attempt_id = $1",
        f"UPDATE payment_attempts SET {paid}, confirmed_by = 'staff:x' WHERE attempt_id = $1",
        "UPDATE payment_attempts SET status = 'failed', ended_at = now(), ended_on = now(), reason = 'other' WHERE attempt_id = $1",
        "UPDATE bank_lines SET settled_attempt = $1",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
            await owner.execute(sql, other)
        faults.append(caught.value.constraint_name)
    await owner.close()
    assert faults == [
        "uq_payment_attempts_paid_line", "ck_payment_attempts_paid_by_the_bank", "ck_payment_attempts_said_by_somebody",
        "ck_bank_lines_settles_its_attempt",
    ]  # fmt: skip


async def test_a_file_that_is_refused_as_a_whole_refuses_its_own_payments_and_no_other_ones(house: House, people: People) -> None:
    account_id = await own_account(people)
    fund_id = await house.fund()
    ours, others = [(await released_by_bank(house, fund_id))[1] for _ in range(2)]
    batch_id, other_batch = [await sent(people, account_id, [one]) for one in (ours, others)]
    # On the first file alone; what it says of a payment that stands in another one is for somebody to look at.
    said = Block(f"{batch_id.hex}001", Told(), [Transaction(others.hex, Told("RJCT"))])
    report = await reported(people, pain002(batch_id.hex, Told("RJCT", ["FF01"]), [said]))
    answer = await people.reconciler.post(f"bank-files/{report}/settle", {})
    assert answer.json() == {"settled": 1, "waiting": 0}
    assert await by_the_clock(house) == Looked()
    assert {one["attempt_id"]: one["status"] for one in await attempts(house)} == {ours: "failed", others: "released"}
    assert sorted(await why(people, report), key=str) == [("rejected", None), ("unmatched", "another_file")]
    again = await reported(people, pain002(other_batch.hex, Told("RJCT", ["FF01"]), id="ODGOVOR-2"))
    assert (await people.reconciler.post(f"bank-files/{again}/settle", {})).json()["settled"] == 1


@pytest.mark.parametrize("so_far", ["released", "made", "approved"])
async def test_what_was_moved_by_hand_under_the_id_of_a_payment_that_was_never_sent_pays_nothing_and_is_seen(
    house: House, people: People, so_far: str
) -> None:
    account_id = await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = None if so_far == "released" else await made(people, account_id, [attempt_id], **ONE)
    if batch_id is not None and so_far == "approved":
        assert (await approve(people, batch_id)).status_code == 200
    statement = await imported(people, Account([debit(attempt_id), booked("-500.00", reference="B-2")], id="MAY-1"))
    report = await reported(people, rejections(batch_id or uuid7(), attempt_id))
    for file_id in (statement, report):
        assert (await people.reconciler.post(f"bank-files/{file_id}/settle", {})).json() == {"settled": 0, "waiting": 0}
    assert await by_the_clock(house) == Looked()
    assert await why(people, statement) == [("unmatched", "not_sent"), ("unmatched", "names_no_attempt")]
    assert await why(people, report) == [("unmatched", "not_sent")]
    # No two persons make it a payment of ours either, and nobody sends it once more meanwhile.
    match = {"attempt_id": str(attempt_id)}
    for line in await lines_of(people, statement):
        assert (await people.reconciler.post(f"bank-lines/{line['id']}/match", match)).json()["code"] == "not_sent"
    if batch_id is not None:
        refused = await (approve(people, batch_id) if so_far == "made" else take(people.payer, batch_id))
        assert refused.json()["code"] == "bank_line_waits"
    taken_back = ReportPaymentFailed(number=1, reason="not_sent", failed_on=TODAY)
    assert await house.try_to(GRANT, grant_id, taken_back, PAYER) == ("in_a_batch" if batch_id is not None else "bank_line_waits")
    (found,) = (await people.auditor.get("exceptions", **{"from": str(TODAY), "to": str(TODAY)})).json()["items"]
    assert (found["grant_id"], "moved_by_hand" in found["exceptions"]) == (str(grant_id), True)
    assert [one["status"] for one in await attempts(house)] == ["released"]
    assert (await house.findings()).differences == []


async def test_what_was_booked_on_another_account_than_it_was_ordered_from_is_for_somebody_to_look_at(house: House, people: People) -> None:
    account_id = await own_account(people)
    other = await own_account(people, iban="DE02120300000000202051", bank_code="INVTDEBB")
    assert other != account_id
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    file_id = await imported(people, Account([debit(attempt_id)], id="MAY-1", number="<IBAN>DE02120300000000202051</IBAN>"))
    assert (await people.reconciler.post(f"bank-files/{file_id}/settle", {})).json() == {"settled": 0, "waiting": 0}
    assert await why(people, file_id) == [("unmatched", "another_account")]


async def test_what_the_bank_did_with_a_file_that_two_persons_dropped_is_a_payment_all_the_same(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await sent(people, account_id, [attempt_id])
    assert (await people.payer.post(f"payment-batches/{batch_id}/drop", {"reason": "never_sent"})).status_code == 200
    assert (await people.chief.post(f"payment-batches/{batch_id}/confirm-drop", {})).status_code == 200
    second = await made(people, account_id, [attempt_id], **ONE)
    file_id = await imported(people, Account([debit(attempt_id)], id="MAY-1"))
    assert (await approve(people, second)).json()["code"] == "bank_line_waits"
    assert (await people.reconciler.post(f"bank-files/{file_id}/settle", {})).json() == {"settled": 1, "waiting": 0}
    assert (await approve(people, second)).json()["code"] == "attempt_not_released"
    assert (await house.findings()).differences == []


async def test_what_was_ordered_in_another_currency_than_the_account_settles_by_what_was_ordered_and_costs_what_the_release_said(
    house: House, people: People
) -> None:
    account_id, paying = await own_account(people), Paying(house)
    booked_as = {"XOF": "1003.20", "TND": "949.00", "TRY": "2251.77"}
    ordered = {currency: await paying.waiting(currency) for currency in booked_as}
    assert paying.fund_id is not None
    await sent(people, account_id, list(ordered.values()), **totals(list(ordered)))
    out = [
        booked(f"-{euros}", Detail(ordered[of].hex, euros, ordered=f"{of} {AMOUNTS[of]}", rate="21.31"), reference=f"B-{of}") for of, euros in booked_as.items()
    ]  # fmt: skip
    # It came back at another rate; one more quotes what was ordered and not quite the amount.
    back = booked("2190.00", Detail(ordered["TRY"].hex, "2190.00", reason="<Cd>AC04</Cd>", ordered=f"TRY {AMOUNTS['TRY']}"), reference="R-1")
    less = booked("-5.00", Detail(ordered["XOF"].hex, "5.00", ordered="XOF 655950"), reference="B-4")
    file_id = await imported(people, Account([*out, less, back], id="MAY-1"))
    answer = await people.reconciler.post(f"bank-files/{file_id}/settle", {})
    assert answer.json() == {"settled": 3, "waiting": 0}
    lines = await lines_of(people, file_id)
    assert told(lines, "state", "why", "amount", "currency", "instructed_amount", "instructed_currency", "exchange_rate") == [
        *(("matched", None, euros, "EUR", AMOUNTS[of], of, "21.31") for of, euros in booked_as.items()),
        ("unmatched", "amount_differs", "5.00", "EUR", "655950", "XOF", None), ("unmatched", "back_in_another_currency", "2190.00", "EUR", AMOUNTS["TRY"], "TRY", None),
    ]  # fmt: skip
    (spent,) = await house.rows(_SPENT, fund_id=paying.fund_id)
    assert spent["spent"] == spent["cost"] > 0
    assert (await house.findings()).differences == []
