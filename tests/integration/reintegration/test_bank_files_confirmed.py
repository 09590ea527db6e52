"""A file of the bank's counts after a second person, as callers and the database meet it; what was invented is in nobody's way."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.bank_files import MOST_UNCONFIRMED
from services.reintegration.domain.tranches import ConfirmDelivery
from services.reintegration.grant_wiring import GRANT
from shared.ids import uuid7
from shared.timers import Looked
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import (
    MONTH,
    bringer,
    brought,
    closings,
    confirm,
    imported,
    lines_of,
    listed,
    put,
    queue,
    reported,
    told,
)
from tests.integration.reintegration.test_batches import made
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import attempts, by_the_clock, debit, rejections
from tests.unit.reintegration.bank.answers import Account, Block, Entry, Told, Transaction, camt053, pain002
from tests.unit.reintegration.examples import PAYER

people = people_of
ONE_PAYMENT = {"expected_count": 1, "expected_sums": [{"amount": "500.00", "currency": "EUR"}]}


def caller(people: People, name: str, *roles: str) -> Caller:
    return Caller(people.reconciler._client, name, list(roles), ["BA"])


async def drop(people: People, file_id: UUID, reason: str = "not_from_the_bank", by: Caller | None = None) -> Any:
    return await (by or people.approver).post(f"bank-files/{file_id}/drop", {"reason": reason})


async def file_of(by: Caller, file_id: UUID) -> dict[str, Any]:
    found: dict[str, Any] = (await by.get(f"bank-files/{file_id}")).json()
    return found


async def test_what_one_person_brought_settles_nothing_until_another_found_it_at_the_bank(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    content = Account([debit(attempt_id)], id="MAY-1")
    file_id = await brought(people, content)
    for by in (bringer(people), people.approver):
        assert (await by.post(f"bank-files/{file_id}/settle", {})).json() == {"settled": 0, "waiting": 0}
    assert await by_the_clock(house) == Looked()
    own = (await bringer(people).get("bank-lines", file_id=str(file_id))).json()["items"]
    assert told(own, "state", "why") == [("unconfirmed", None)]
    assert await queue(people) == []
    assert [one["status"] for one in await attempts(house)] == ["released"]
    assert (await house.findings()).differences == []
    assert (await confirm(people, file_id, camt053(content))).status_code == 200
    assert await by_the_clock(house) == Looked(1, 1)
    assert [one["status"] for one in await attempts(house)] == ["paid"]
    assert (await drop(people, file_id)).json()["code"] == "file_confirmed"
    assert (await house.findings()).differences == []


async def test_what_was_invented_is_dropped_and_the_true_one_is_imported(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    invented, true = Account([debit(attempt_id)], id="MAY-1"), Account([debit(attempt_id), Entry("-2.00", reference="B-2")], id="MAY-1")
    first = await brought(people, invented)
    assert (await put(people.reconciler, camt053(true))).json()["code"] == "imported_already"
    assert (await drop(people, first)).status_code == 200
    assert (await file_of(people.auditor, first))["drop_reason"] == "not_from_the_bank"
    # What was said stays to be looked at, and is told again by nothing.
    assert told(await lines_of(people, first), "state") == [("dropped",)]
    second = await imported(people, true)
    assert told(await lines_of(people, second), "state") == [("unmatched",), ("unmatched",)]
    assert await by_the_clock(house) == Looked(1, 1)
    assert (await confirm(people, first, camt053(invented))).json()["code"] == "file_dropped"
    assert (await people.reconciler.post(f"bank-lines/{(await lines_of(people, first))[0]['id']}/explain", {"explanation": "charges"})).status_code == 409
    # Also the same bytes, which somebody may have dropped by mistake.
    assert (await put(people.reconciler, camt053(true))).json()["code"] == "imported_already"
    again = await brought(people, Account(MONTH.entries, id="MAY-9"))
    assert (await drop(people, again, "brought_by_mistake")).status_code == 200
    await imported(people, Account(MONTH.entries, id="MAY-9"))
    assert (await house.findings()).differences == []


async def test_a_line_of_another_payment_is_found_though_balance_and_number_of_lines_are_the_same(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    true = camt053(Account([debit(uuid7())], id="MAY-1"))
    changed = Account([debit(attempt_id)], id="MAY-1")
    assert closings(true) == closings(camt053(changed))
    file_id = await brought(people, changed)
    assert (await confirm(people, file_id, true)).json()["code"] == "another_file"
    (seen,) = closings(true)
    body = {"statements": [{"closing": seen[0], "line_count": seen[1]}]}
    assert (await people.approver.post(f"bank-files/{file_id}/confirm", body)).status_code == 422
    assert await by_the_clock(house) == Looked()


async def revoke(people: People, file_id: UUID, by: Caller, order: str = "revoke") -> Any:
    body = {"reason": "differs_from_the_bank"} if order == "ask-to-revoke" else {}
    return await by.post(f"bank-files/{file_id}/{order}", body)


async def test_what_two_confirmed_by_mistake_two_others_drop_and_the_true_one_settles(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    wrong, true = Account([Entry("-2.00", reference="B-2")], id="MAY-1"), Account([debit(attempt_id)], id="MAY-1")
    file_id = await imported(people, wrong)
    for by in (bringer(people), people.approver, people.payer):
        assert (await revoke(people, file_id, by, "ask-to-revoke")).status_code in (403, 409)
    assert (await revoke(people, file_id, people.reconciler, "ask-to-revoke")).status_code == 200
    assert (await revoke(people, file_id, people.reconciler)).json()["code"] == "four_eyes"
    assert (await file_of(people.auditor, file_id))["status"] == "confirmed"
    assert (await revoke(people, file_id, people.chief, "keep")).status_code == 200
    assert (await revoke(people, file_id, people.chief)).json()["code"] == "revocation_not_asked"
    assert (await revoke(people, file_id, people.reconciler, "ask-to-revoke")).status_code == 200
    assert (await house.findings()).differences == []
    assert (await revoke(people, file_id, people.chief)).status_code == 200
    assert told(await lines_of(people, file_id), "state") == [("dropped",)]
    assert await queue(people) == []
    second = await imported(people, true)
    assert await by_the_clock(house) == Looked(1, 1)
    # Of what something followed nobody takes anything away.
    assert (await revoke(people, second, people.reconciler, "ask-to-revoke")).json()["code"] == "something_followed"
    assert (await house.findings()).differences == []
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    faults: list[str | None] = []
    for sql in (
        "UPDATE bank_files SET revocation_asked_by = imported_by, acted_by = imported_by, drop_reason = 'x' WHERE status = 'confirmed'",
        "UPDATE bank_lines SET state = 'dropped' WHERE state = 'matched'",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
            await owner.execute(sql)
        faults.append(caught.value.constraint_name)
    await owner.close()
    assert faults == ["ck_bank_files_revoked_by_two_others", "bank_line_counts_once_confirmed"]


async def test_a_line_that_somebody_explained_keeps_its_file_and_a_statement_of_another_year_is_another_one(house: House, people: People) -> None:
    await own_account(people)
    file_id = await imported(people, Account([Entry("-2.00", reference="B-2")], id="1"))
    (line,) = await lines_of(people, file_id)
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/explain", {"explanation": "charges"})).status_code == 201
    assert (await revoke(people, file_id, people.reconciler, "ask-to-revoke")).json()["code"] == "something_followed"
    await imported(people, Account([Entry("-3.00", reference="B-3")], id="1", on="2024-05-31"))
    assert (await put(people.reconciler, camt053(Account([Entry("-4.00", reference="B-4")], id="1", on="2024-05-31")))).json()["code"] == "imported_already"
    assert (await house.findings()).differences == []


async def test_of_one_person_few_files_wait_and_those_of_others_are_imported_all_the_same(people: People) -> None:
    await own_account(people)
    files = [Account([Entry("-1.00", reference=f"N-{number}")], id=f"N-{number}") for number in range(MOST_UNCONFIRMED + 1)]
    first, *_ = [await brought(people, one) for one in files[:-1]]
    assert (await put(bringer(people), camt053(files[-1]))).json()["code"] == "too_many_unconfirmed"
    assert (await drop(people, first)).status_code == 200
    await brought(people, files[-1])
    assert (await put(bringer(people), camt053(files[0]))).json()["code"] == "too_many_unconfirmed"
    assert (await put(people.reconciler, camt053(files[0]))).status_code == 201


async def test_of_one_person_no_more_files_wait_though_they_are_all_brought_at_once(house: House, people: People) -> None:
    await own_account(people)
    files = [Account([Entry("-1.00", reference=f"N-{number}")], id=f"N-{number}") for number in range(MOST_UNCONFIRMED + 3)]
    for one in files[: MOST_UNCONFIRMED - 1]:
        await brought(people, one)
    answers = await asyncio.gather(*(put(bringer(people), camt053(one)) for one in files[MOST_UNCONFIRMED - 1 :]))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"too_many_unconfirmed"}
    assert len(await listed(people)) == MOST_UNCONFIRMED
    assert (await house.findings()).differences == []


async def test_before_it_is_confirmed_a_gap_and_what_is_told_again_are_shown_and_what_has_to_be_seen_is_not(people: People) -> None:
    await own_account(people)
    alike = [Entry("-1.00", reference="SAME-1"), Entry("-2.00", reference="SAME-2")]
    await imported(people, Account(alike, id="A", opening="1000.00"))
    file_id = await brought(people, Account([*alike, Entry("-3.00", reference="SAME-3")], id="B", opening="500.00", on="2023-06-30"))
    shown = await file_of(people.approver, file_id)
    assert (shown["status"], shown["told_again"], shown["states"], shown["lines"]) == ("unconfirmed", 2, {}, None)
    (statement,) = shown["statements"]
    assert (statement["gap"], statement["closing"], shown["sha256"]) == (True, None, None)
    assert (statement["opening"], statement["lines"]) == (None, None)
    in_list = next(one for one in await listed(people) if one["id"] == str(file_id))
    assert (in_list["states"], in_list["lines"], in_list["statements"][0]["opening"]) == ({}, None, None)
    assert [(one["name"], one["allowed"], one["step_up"]) for one in shown["actions"]] == [
        ("confirm_bank_file", True, True), ("drop_bank_file", True, True),
        *((name, False, True) for name in ("ask_to_revoke_bank_file", "revoke_bank_file", "keep_bank_file")),
    ]  # fmt: skip
    assert [one["allowed"] for one in (await file_of(bringer(people), file_id))["actions"]] == [False] * 5
    content = camt053(Account([*alike, Entry("-3.00", reference="SAME-3")], id="B", opening="500.00", on="2023-06-30"))
    assert (await confirm(people, file_id, content)).status_code == 200
    shown = await file_of(people.approver, file_id)
    assert (shown["told_again"], shown["states"], shown["statements"][0]["closing"]) == (2, {"duplicate": 2, "unmatched": 1}, "494.00")
    assert len(str(shown["sha256"])) == 64
    assert [one["status"] for one in await listed(people)] == ["confirmed", "confirmed"]


async def test_what_a_file_says_is_told_to_whoever_brought_it_alone_until_another_found_it_at_the_bank(people: People) -> None:
    await own_account(people)
    content = camt053(Account([Entry("-3.00", reference="A-1"), Entry("-4.00", reference="A-2")], id="A", opening="500.00"))
    answer = await put(bringer(people), content)
    file_id = UUID(answer.json()["id"])
    own = (await bringer(people).get("bank-lines", file_id=str(file_id))).json()["items"]
    assert told(own, "amount", "state") == [("3.00", "unconfirmed"), ("4.00", "unconfirmed")]
    shown = await file_of(bringer(people), file_id)
    assert (shown["lines"], shown["states"], shown["statements"][0]["opening"]) == (2, {"unconfirmed": 2}, "500.00")
    assert (await bringer(people).get("bank-line-counts")).json() == {"unconfirmed": 2}
    for other in (people.reconciler, people.approver, people.auditor):
        assert (await other.get("bank-lines", file_id=str(file_id))).json()["items"] == []
        assert (await other.get("bank-lines", state="unconfirmed")).json()["items"] == []
        assert (await other.get(f"bank-lines/{own[0]['id']}")).status_code == 404
        assert (await other.get("bank-line-counts")).json() == {}
    assert (await confirm(people, file_id, content)).status_code == 200
    assert [line["amount"] for line in await lines_of(people, file_id)] == ["3.00", "4.00"]


async def test_of_two_that_overlap_and_are_confirmed_at_once_each_line_counts_once(house: House, people: People) -> None:
    await own_account(people)
    same = [Entry(f"-{n}.00", reference=f"SAME-{n}") for n in range(1, 4)]
    files = [Account(same, id=id) for id in ("A", "B")]
    ids = [await brought(people, one) for one in files]
    answers = await asyncio.gather(*(confirm(people, id, camt053(one)) for id, one in zip(ids, files, strict=True)))
    assert [one.status_code for one in answers] == [200, 200]
    counts = (await people.auditor.get("bank-line-counts")).json()
    assert counts == {"unmatched": 3, "duplicate": 3}
    assert (await house.findings()).differences == []


async def test_neither_who_imported_nor_anybody_who_paid_says_what_the_bank_did(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await made(people, account_id, [attempt_id], **ONE_PAYMENT)
    statement = camt053(Account([debit(attempt_id)], id="MAY-1"))
    report = rejections(batch_id, attempt_id)
    # Who released it, and who made the batch that it stands in, are one person here; a report on the batch names it as well.
    payer = caller(people, "payer", "finance_reconciler")
    for content, kind in ((statement, "statement"), (report, "status_report"), (pain002(batch_id.hex, Told("ACSP")), "status_report")):
        assert (await put(payer, content, kind)).json()["code"] == "four_eyes"
    file_id = await brought(people, Account([debit(attempt_id)], id="MAY-1"))
    for by, code in (
        (bringer(people), "four_eyes"), (payer, "four_eyes"), (caller(people, "other", "finance_approver", "finance_payer"), "four_eyes"),
        (people.payer, "not_permitted"), (people.chief, "not_permitted"), (people.auditor, "not_permitted"),
    ):  # fmt: skip
        refused = await confirm(people, file_id, statement, by)
        assert (refused.json()["code"], (await drop(people, file_id, by=by)).json()["code"]) == (code, code)
    assert (await confirm(people, file_id, statement, colleague(people))).status_code == 200


async def test_who_released_what_it_names_since_they_imported_it_is_found_as_it_is_confirmed(house: House, people: People) -> None:
    await own_account(people)
    attempt_id = uuid7()
    statement = camt053(Account([debit(attempt_id)], id="MAY-1"))
    file_id = UUID((await put(caller(people, "payer", "finance_reconciler"), statement)).json()["id"])
    grant_id = await house.approved((await house.line()).request("1500.00", "500.00", "1000.00"), await house.fund())
    await house.give(GRANT, grant_id, await house.vendors.release(1, method="bank_file", attempt_id=attempt_id), PAYER)
    assert (await confirm(people, file_id, statement)).json()["code"] == "four_eyes"
    assert (await drop(people, file_id, "brought_by_mistake")).status_code == 200


async def test_who_brought_or_confirmed_what_paid_a_tranche_does_not_reconcile_it(house: House, people: People) -> None:
    account_id = await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    statement = camt053(Account([debit(attempt_id)], id="MAY-1"))
    file_id = UUID((await put(people.reconciler, statement)).json()["id"])
    assert (await confirm(people, file_id, statement, colleague(people))).status_code == 200
    assert await by_the_clock(house) == Looked(1, 1)
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    for by in (people.reconciler, colleague(people)):
        assert (await by.post(f"grants/{grant_id}/reconcile-tranche", {"number": 1})).json()["code"] == "four_eyes"
        named = {one["name"]: one for one in (await by.get(f"grants/{grant_id}")).json()["actions"]}
        assert (named["reconcile_tranche"]["allowed"], named["reconcile_tranche"]["reason"]) == (False, "four_eyes")
    assert (await bringer(people).post(f"grants/{grant_id}/reconcile-tranche", {"number": 1})).status_code == 200
    assert (await house.findings()).differences == []


async def test_past_the_domain_no_file_counts_by_one_person_and_no_line_before_its_file(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    await brought(people, Account([debit(attempt_id)], id="MAY-1"))
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    faults: list[str | None] = []
    for sql in (
        "UPDATE bank_files SET status = 'confirmed', version = 2, confirmed_by = imported_by, confirmed_at = now()",
        "UPDATE bank_files SET status = 'dropped', version = 2, dropped_by = imported_by, dropped_at = now(), drop_reason = 'x'",
        "UPDATE bank_files SET status = 'confirmed', version = 2, confirmed_by = 'staff:x', confirmed_at = now()",
        "UPDATE bank_files SET status = 'confirmed', version = 2", "UPDATE bank_files SET sha256 = 'x'", "UPDATE bank_files SET before_rule = true",
        f"UPDATE bank_lines SET state = 'matched', settled_attempt = '{attempt_id}'", "UPDATE bank_lines SET state = 'explained'",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
            await owner.execute(sql)
        faults.append(caught.value.constraint_name)
    assert faults == [
        "ck_bank_files_two_persons", "ck_bank_files_dropped_by_another", "ck_bank_files_acted_by_whom_it_says",
        "ck_bank_files_counts_by_two_persons", "bank_file_is_never_edited", "bank_file_is_never_edited",
        "bank_line_counts_once_confirmed", "bank_line_counts_once_confirmed",
    ]  # fmt: skip
    # Made to count beside the rules, it settles nothing all the same, and is found.
    await owner.execute("UPDATE bank_lines SET state = 'unmatched'")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await owner.execute(f"UPDATE bank_lines SET state = 'matched', settled_attempt = '{attempt_id}'")
    await owner.close()
    (line,) = await queue(people)
    assert (await house.findings()).differences == [f"lines of confirmed files: {line['id']}"]


async def test_a_report_that_nobody_confirmed_keeps_no_other_from_its_word(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await sent(people, account_id, [attempt_id])
    # Once the bank said that it has settled, no later refusal fails a payment; an invented word of that kind would keep it open.
    block = Block(f"{batch_id.hex}001", Told("PART"), [Transaction(attempt_id.hex, Told("ACSC"))])
    invented = pain002(batch_id.hex, Told("PART"), [block], id="INVENTED-1")
    assert (await put(bringer(people), invented, "status_report")).status_code == 201
    await reported(people, rejections(batch_id, attempt_id))
    assert await by_the_clock(house) == Looked(1, 1)
    assert [one["status"] for one in await attempts(house)] == ["failed"]
