"""Payments that go to the bank together, as callers and the database meet them: by two persons, in one valid file, once."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import Element, fromstring

import asyncpg
import pytest
from xmlschema import XMLSchema

from services.reintegration.bank.pain001 import NAMESPACE
from services.reintegration.bank.references import identified
from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.domain.payee import ChangeAccount, RegisterPayee
from services.reintegration.grant_wiring import GRANT
from shared.db import Sql
from shared.ids import UUID_PATTERN, uuid7
from tests.given import NOON
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paying import AMOUNTS, Paying
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_own_accounts import own_account
from tests.integration.reintegration.test_payees import erased
from tests.integration.reintegration.vendors import registered, vendor
from tests.unit.reintegration.bank.answers import Block, Told, pain002
from tests.unit.reintegration.bank.examples import schema
from tests.unit.reintegration.examples import PAYER, TODAY

people = people_of
IN = {"": NAMESPACE}
TOMORROW = TODAY + timedelta(1)
_LOG = Sql("SELECT convert_from(leaf, 'UTF8') AS leaf FROM event_log WHERE type LIKE '%.payment_batch.%' ORDER BY idx")
_READ = Sql("SELECT about FROM accesses WHERE operation = 'read_batch_file' AND outcome = 'read'")
_GRANT = Sql("SELECT grant_id FROM payment_attempts WHERE attempt_id = :attempt_id")


@cache
def iso() -> XMLSchema:
    return XMLSchema(schema())


def second_payer(people: People) -> Caller:
    return Caller(people.payer._client, "payer-2", ["finance_payer"], ["BA"])


def totals(currencies: Sequence[str]) -> dict[str, Any]:
    """The control totals of one grant in each of these."""
    sums = [{"amount": str(Decimal(AMOUNTS[code]) * often), "currency": code} for code, often in Counter(currencies).items()]
    return {"expected_count": len(currencies), "expected_sums": sums}


async def make(people: People, account_id: UUID, attempts: Sequence[UUID], batch_id: UUID | None = None, **said: Any) -> Any:
    body = {
        "own_account_id": str(account_id), "execution_on": TOMORROW.isoformat(), "attempts": [str(id) for id in attempts],
        **totals(["EUR"] * len(attempts)), **said,
    }  # fmt: skip
    return await people.payer.post(f"payment-batches/{batch_id or uuid7()}", body)


async def made(people: People, account_id: UUID, attempts: Sequence[UUID], **said: Any) -> UUID:
    batch_id = uuid7()
    answer = await make(people, account_id, attempts, batch_id, **said)
    assert answer.status_code == 201, answer.text
    return batch_id


async def approve(people: People, batch_id: UUID, by: Caller | None = None, **said: Any) -> Any:
    state = (await people.payer.get(f"payment-batches/{batch_id}")).json()["state"]
    body = {"expected_count": state["count"], "expected_sums": state["sums"], "file_sha256": state["file_sha256"], **said}
    return await (by or second_payer(people)).post(f"payment-batches/{batch_id}/approve", body)


async def approved(people: People, account_id: UUID, attempts: Sequence[UUID], **said: Any) -> UUID:
    batch_id = await made(people, account_id, attempts, **said)
    answer = await approve(people, batch_id)
    assert answer.status_code == 200, answer.text
    return batch_id


async def take(caller: Caller, batch_id: UUID) -> Any:
    """The answer to who takes the file of a batch to the bank."""
    return await caller.post(f"payment-batches/{batch_id}/take-file", {})


async def taken(caller: Caller, batch_id: UUID) -> bytes:
    """The file of a batch, after it was taken."""
    answer = await take(caller, batch_id)
    assert answer.status_code == 200, answer.text
    file = await caller.get(f"payment-batches/{batch_id}/file")
    assert (file.status_code, file.headers["content-type"]) == (200, "application/xml"), file.text
    return bytes(file.content)


def read(file: bytes) -> Element:
    iso().validate(file.decode())
    return fromstring(file)  # noqa: S314 -- we wrote it


@pytest.mark.timeout(1200)
async def test_payments_in_five_currencies_go_in_one_valid_file_that_two_persons_signed(
    house: House, people: People, pytestconfig: pytest.Config
) -> None:
    paying, count = Paying(house), pytestconfig.getoption("--payments")
    currencies = [list(AMOUNTS)[number % len(AMOUNTS)] for number in range(count)]
    attempts = [await paying.waiting(currency) for currency in currencies]
    account_id = await own_account(people)
    waiting = (await people.payer.get("payment-attempts", waiting=True, currency="TND")).json()["items"]
    assert {one["id"] for one in waiting} == {str(id) for id, currency in zip(attempts, currencies, strict=True) if currency == "TND"}
    batch_id = await made(people, account_id, attempts, **totals(currencies))
    assert (await people.payer.get("payment-attempts", waiting=True, currency="TND")).json()["items"] == []
    assert (await take(people.payer, batch_id)).json()["code"] == "batch_not_approved"
    assert (await approve(people, batch_id, people.payer)).json()["code"] == "four_eyes"
    assert (await approve(people, batch_id, people.chief)).status_code == 200
    assert (await people.payer.get(f"payment-batches/{batch_id}/file")).json()["code"] == "file_not_taken"
    file = await taken(people.payer, batch_id)
    state = (await people.payer.get(f"payment-batches/{batch_id}")).json()["state"]
    assert (state["status"], state["file_sha256"]) == ("sent", sha256(file).hexdigest())
    # By the hash the account could be guessed, so that it is told to whoever may sign.
    told = [(await one.get(f"payment-batches/{batch_id}")).json()["state"]["file_sha256"] for one in (people.chief, people.auditor, people.reconciler)]
    assert told == [sha256(file).hexdigest(), "", ""]
    document = read(file)
    assert identified(document.findtext(".//MsgId", namespaces=IN)) == batch_id
    paid = [identified(one.text) for one in document.iterfind(".//EndToEndId", IN)]
    assert sorted(map(str, paid)) == sorted(map(str, attempts))
    assert document.findtext(".//GrpHdr/NbOfTxs", namespaces=IN) == str(count)
    assert Decimal(document.findtext(".//GrpHdr/CtrlSum", namespaces=IN) or "") == sum(Decimal(AMOUNTS[code]) for code in currencies)
    # The same file each time; whoever else wants it takes it too, and each time it is read is on record.
    second = second_payer(people)
    assert (await second.get(f"payment-batches/{batch_id}/file")).json()["code"] == "file_not_taken"
    assert await taken(second, batch_id) == file
    assert [row["about"] for row in await house.rows(_READ)] == [[batch_id]] * 2
    # An id may have these digits.
    for leaf in [re.sub(UUID_PATTERN, "", str(row["leaf"])) for row in await house.rows(_LOG)]:
        assert not any(said in leaf for said in ("Invented", "Misija", "1290", state["file_sha256"]))
    assert (await house.findings()).differences == []


async def test_a_file_is_taken_once_under_a_key_and_taken_again_in_front_of_everybody_who_looks(house: House, people: People) -> None:
    batch_id = await approved(people, await own_account(people), [await Paying(house).waiting()])
    key = str(uuid7())
    twice = [await people.payer.post(f"payment-batches/{batch_id}/take-file", {}, key=key) for _ in range(2)]
    assert [answer.json()["repeated"] for answer in twice] == [False, True]
    assert (await people.payer.get(f"payment-batches/{batch_id}")).json()["taken_by_reader"] is True
    await taken(second_payer(people), batch_id)
    found = (await people.auditor.get(f"payment-batches/{batch_id}")).json()
    assert (found["state"]["takers"], found["taken_by_reader"]) == (["staff:payer", "staff:payer-2"], False)
    (listed,) = (await people.auditor.get("payment-batches")).json()["items"]
    assert listed["times_taken"] == 2
    kinds = [json.loads(str(row["leaf"]))["type"].split(".")[3] for row in await house.rows(_LOG)]
    assert kinds == ["made", "payments_put_in", "approved", "handed_out", "file_taken_again"]
    assert (await house.findings()).differences == []


async def test_a_batch_of_many_asks_the_database_as_often_as_one_of_few(house: House, people: People) -> None:
    paying = Paying(house)
    account_id = await own_account(people)
    asked = []
    for count in (2, 2, 9):
        attempts = [await paying.waiting() for _ in range(count)]
        before = house.api.counts.statements
        batch_id = await made(people, account_id, attempts)
        between = house.api.counts.statements
        assert (await approve(people, batch_id)).status_code == 200
        asked.append((between - before, house.api.counts.statements - between))
    # The first makes what is remembered from then on.
    assert asked[1] == asked[2]


async def test_an_attempt_stands_in_one_batch_whoever_comes_first(house: House, people: People) -> None:
    paying = Paying(house)
    account_id = await own_account(people)
    first, second = await paying.waiting(), await paying.waiting()
    answers = await asyncio.gather(*(make(people, account_id, chosen) for chosen in ([first, second], [second, first], [second])))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"in_another_batch"}
    assert (await house.findings()).differences == []


async def test_a_dropped_batch_frees_its_payments_and_one_that_was_taken_takes_two_to_drop(house: House, people: People) -> None:
    attempts = [await Paying(house).waiting()]
    account_id = await own_account(people)
    drop = {"reason": "never_sent"}
    first = await made(people, account_id, attempts)
    assert (await people.payer.post(f"payment-batches/{first}/drop", drop)).status_code == 200
    second = await approved(people, account_id, attempts)
    assert (await take(people.payer, second)).status_code == 200
    assert (await people.payer.post(f"payment-batches/{second}/drop", drop)).status_code == 200
    assert (await take(people.payer, second)).json()["code"] == "drop_asked"
    assert (await people.payer.get(f"payment-batches/{second}/file")).json()["code"] == "drop_asked"
    assert (await make(people, account_id, attempts)).json()["code"] == "in_another_batch"
    assert (await people.payer.post(f"payment-batches/{second}/confirm-drop", {})).json()["code"] == "four_eyes"
    assert (await people.chief.post(f"payment-batches/{second}/confirm-drop", {})).status_code == 200
    third = await made(people, account_id, attempts)
    listed = (await people.reconciler.get("payment-batches")).json()["items"]
    assert [(one["id"], one["status"], one["waiting"], one["settled"]) for one in listed] == [
        (str(first), "dropped", 1, False), (str(second), "dropped", 1, False), (str(third), "made", 1, False),
    ]  # fmt: skip
    assert [one["id"] for one in (await people.reconciler.get("payment-batches", status="made")).json()["items"]] == [str(third)]
    (shown,) = (await people.reconciler.get("payment-attempts", batch_id=str(third))).json()["items"]
    assert (shown["id"], shown["batch_id"], shown["money"]["currency"]) == (str(attempts[0]), str(third), "EUR")
    assert (await house.findings()).differences == []


async def test_a_file_of_which_the_bank_said_anything_is_not_dropped_as_one_it_never_had(house: House, people: People) -> None:
    attempts = [await Paying(house).waiting()]
    batch_id = await approved(people, await own_account(people), attempts)
    assert (await take(people.payer, batch_id)).status_code == 200
    said = Block(f"{batch_id.hex}001", Told("ACSP"), [])
    report = pain002(batch_id.hex, Told("ACSP"), [said])
    brought = await people.reconciler.put(f"bank-files/{uuid7()}?file_kind=status_report", report, "application/xml")
    assert brought.status_code == 201, brought.text
    assert (await people.payer.post(f"payment-batches/{batch_id}/drop", {"reason": "never_sent"})).json()["code"] == "bank_had_it"


async def test_what_stands_in_a_batch_is_not_taken_back_by_whoever_pays(house: House, people: People) -> None:
    attempt_id = await Paying(house).waiting()
    batch_id = await made(people, await own_account(people), [attempt_id])
    (row,) = await house.rows(_GRANT, attempt_id=attempt_id)
    back = ReportPaymentFailed(number=1, reason="not_sent", failed_on=TODAY)
    grant_id = UUID(str(row["grant_id"]))
    assert await house.try_to(GRANT, grant_id, back, PAYER) == "in_a_batch"
    assert (await people.payer.post(f"payment-batches/{batch_id}/drop", {"reason": "not_needed"})).status_code == 200
    assert await house.try_to(GRANT, grant_id, back, PAYER) == "done"
    assert (await make(people, await own_account(people, currency="BAM"), [attempt_id])).json()["code"] == "attempt_not_released"


async def test_what_the_bank_is_not_ordered_to_pay_and_what_no_file_can_bear_is_named_by_its_attempt(house: House, people: People) -> None:
    paying = Paying(house)
    account_id = await own_account(people)
    good, cash = await paying.waiting(), await paying.waiting(method="cash")
    nobodys = uuid7()
    answer = await make(people, account_id, [good, cash, nobodys])
    assert answer.json()["code"] == "payments_refused"
    assert f"{cash} (another method); {nobodys} (attempt unknown)" in answer.json()["title"]
    assert str(good) not in answer.json()["title"]
    # By its IBAN alone a payee in SEPA is paid from an account in SEPA, and from nowhere else.
    by_iban = RegisterPayee(
        payee_kind="vendor", country="PK", currency="EUR", vendor_code="V-IBAN", holder="Invented Shop",
        iban="DE89370400440532013000", call_back_contact="+00 1",
    )  # fmt: skip
    attempt_id = await paying.waiting(payee_id=await registered(house.made, by_iban))
    assert (await make(people, account_id, [attempt_id])).json()["code"] == "bank_missing"
    within = await own_account(people, iban="DE02120300000000202051", bank_code="INVTDEBB")
    assert (await make(people, within, [attempt_id])).status_code == 201


async def test_a_payee_who_is_stopped_after_the_second_signature_stops_the_file(house: House, people: People) -> None:
    paying = Paying(house)
    payee_id = await registered(house.made, vendor("PK", "EUR", "V-CHANGES"))
    attempts = [await paying.waiting(), await paying.waiting(payee_id=payee_id)]
    account_id = await own_account(people)
    batch_id = await approved(people, account_id, attempts)
    change = ChangeAccount(
        holder="Invented Other", account_number="ACC-OTHER", bank_name="Invented Bank", bank_country="PK", call_back_contact="x",
        reason="bank_changed",
    )  # fmt: skip
    body = change.model_dump(mode="json", exclude_none=True)
    assert (await people.reconciler.post(f"payees/{payee_id}/change-account", body)).status_code == 200
    refused = (await take(people.payer, batch_id)).json()
    assert (refused["code"], str(attempts[1]) in refused["title"]) == ("payee_on_hold", True)
    assert (await people.payer.get(f"payment-batches/{batch_id}")).json()["state"]["status"] == "approved"


async def test_after_an_erasure_the_file_is_not_written_again(house: House, people: People) -> None:
    paying = Paying(house)
    line = await house.line()
    order = vendor("PK", "EUR", "R-1").model_copy(
        update={"payee_kind": "returnee", "vendor_code": None, "case_id": line.case_id, "person_id": line.person_id}
    )
    payee_id = await registered(house.made, order)
    paying.fund_id = await house.fund("9000.00")
    grant_id = await house.approved(line.request("500.00"), paying.fund_id)
    attempt_id = uuid7()
    said: dict[str, Any] = {"method": "bank_file", "attempt_id": attempt_id, "payee_id": payee_id}
    await house.give(GRANT, grant_id, await house.vendors.release(1, **said), PAYER)
    money = [{"amount": "500.00", "currency": "EUR"}]
    batch_id = await approved(people, await own_account(people), [attempt_id], expected_sums=money)
    assert (await take(people.payer, batch_id)).status_code == 200
    await erased(house, line.person_id)
    assert (await take(people.payer, batch_id)).json()["code"] == "batch_changed"
    assert (await people.payer.get(f"payment-batches/{batch_id}/file")).json()["code"] == "batch_changed"
    assert (await house.findings()).differences == []


async def test_whoever_signed_a_batch_reconciles_none_of_its_grants(house: House, people: People) -> None:
    attempt_id = await Paying(house).waiting()
    await approved(people, await own_account(people), [attempt_id])
    (row,) = await house.rows(_GRANT, attempt_id=attempt_id)
    for name, reason in (("payer-2", "four_eyes"), ("reconciler", "tranche_not_delivered")):
        reader = Caller(people.payer._client, name, ["finance_payer", "finance_reconciler"], ["BA"])
        actions = (await reader.get(f"grants/{row['grant_id']}")).json()["actions"]
        assert [one["reason"] for one in actions if one["name"] == "reconcile_tranche"] == [reason]


async def test_whoever_signed_a_batch_and_was_let_off_without_facts_writes_nothing_off_and_delivers_nothing(
    house: House, people: People
) -> None:
    attempt_id = await Paying(house).waiting()
    await approved(people, await own_account(people), [attempt_id])
    (row,) = await house.rows(_GRANT, attempt_id=attempt_id)
    grant_id = row["grant_id"]
    money = {"money": {"amount": AMOUNTS["EUR"], "currency": "EUR"}, "reason": "hardship"}
    signer = Caller(people.payer._client, "payer-2", ["finance_payer", "finance_reconciler", "finance_approver"], ["BA"])
    assert (await signer.post(f"grants/{grant_id}/write-off-recovery", money)).json()["code"] == "four_eyes"
    assert (await signer.post(f"grants/{grant_id}/confirm-write-off", {"write_off_no": 1})).json()["code"] == "four_eyes"
    other = Caller(people.payer._client, "reconciler-9", ["finance_reconciler"], ["BA"])
    assert (await other.post(f"grants/{grant_id}/write-off-recovery", money)).json()["code"] == "nothing_asked_back"


async def test_who_may_not_pay_sees_totals_and_no_file(house: House, people: People) -> None:
    account_id = await own_account(people)
    batch_id = await approved(people, account_id, [await Paying(house).waiting()])
    assert (await make(people, account_id, [uuid7()])).status_code == 409
    body = {"own_account_id": str(account_id), "execution_on": str(TOMORROW), "attempts": [str(uuid7())], **totals(["EUR"])}
    for caller in (people.reconciler, people.chief, people.office, people.approver):
        assert (await caller.post(f"payment-batches/{uuid7()}", body)).status_code == 403
        assert (await take(caller, batch_id)).status_code == 403
        assert (await caller.get(f"payment-batches/{batch_id}/file")).status_code == 403
    for caller in (people.reconciler, people.manager):
        assert (await approve(people, batch_id, caller)).status_code == 403
    found = (await people.auditor.get(f"payment-batches/{batch_id}")).json()
    assert (found["progress"]["account"], found["progress"]["waiting"]) == ("Misija za primjere …8494", 1)
    assert (await people.office.get("payment-attempts")).status_code == 403
    assert (await take(people.payer.at(NOON + timedelta(days=40)), batch_id)).json()["code"] == "execution_day_wrong"


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        ("UPDATE payment_batches SET status = 'approved', approved_by = made_by, approved_at = now()", "ck_payment_batches_two_persons"),
        ("UPDATE payment_batches SET status = 'approved'", "ck_payment_batches_nothing_goes_unapproved"),
        ("UPDATE payment_batches SET count = 3", "ck_payment_batches_counted"),
        ("UPDATE payment_batches SET status = 'dropped'", "ck_payment_batches_drop_is_whole"),
        ("UPDATE payment_batches SET sent_by = 'staff:x', sent_at = now()", "ck_payment_batches_sent_by_somebody"),
        ("UPDATE payment_batches SET times_taken = 1", "ck_payment_batches_taken_by_whom"),
        (
            """UPDATE payment_batches SET status = 'approved', approved_by = 'staff:y', approved_at = now();
            UPDATE payment_batches SET status = 'sent', sent_by = 'staff:x', sent_at = now()""",
            "ck_payment_batches_taken_by_whom",
        ),
        ("INSERT INTO batch_payments SELECT gen_random_uuid(), attempt_id, 1, true FROM batch_payments", "uq_batch_payments_live"),
        ("INSERT INTO batch_payments VALUES (gen_random_uuid(), gen_random_uuid(), 1, true)", "fk_batch_payments_attempt_id_payment_attempts"),
    ],
    ids=["oneself", "unsigned", "miscounted", "dropped", "sent", "taken", "by-nobody", "twice", "no-attempt"],
)  # fmt: skip
async def test_a_service_that_lies_is_stopped_by_keys_and_checks(house: House, people: People, sql: str, constraint: str) -> None:
    await made(people, await own_account(people), [await Paying(house).waiting()])
    connection = await asyncpg.connect(house.made.logins.api)
    await connection.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:x', false)")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await connection.execute(sql)
    await connection.close()
    assert refused.value.constraint_name == constraint
