"""What the bank says as callers and the database meet it: imported whole and once, kept line by line, without a name."""

from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import fromstring

import asyncpg
import httpx
import pytest

from services.reintegration.bank_wiring import BANK_FILE
from services.reintegration.domain.bank_file_confirming import ConfirmBankFile, StatementSeen
from shared.db import Sql
from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.unit.reintegration.bank.answers import (
    CANARY,
    Account,
    Block,
    Detail,
    Entry,
    Told,
    Transaction,
    camt053,
    pain002,
)
from tests.unit.reintegration.bank.examples import attempt
from tests.unit.reintegration.bank.mutations import REPORT, STATEMENT, mutated
from tests.unit.reintegration.examples import APPROVER

people = people_of
_LOG = Sql("SELECT convert_from(leaf, 'UTF8') AS leaf FROM event_log WHERE type LIKE '%.bank_file.%' ORDER BY idx")
MONTH = Account([Entry("-12.34", [Detail(attempt(n).hex, "12.34")], reference=f"B-{n}") for n in range(4)], id="MAY-1")


async def put(by: Caller, content: bytes, kind: str = "statement", file_id: UUID | None = None) -> httpx.Response:
    return await by.put(f"bank-files/{file_id or uuid7()}?file_kind={kind}", content, "application/xml")


def bringer(people: People) -> Caller:
    """Who brings files of the bank's, and so reconciles nothing that they settle."""
    return Caller(people.reconciler._client, "reconciler-3", ["finance_reconciler"], ["BA"])


async def brought(people: People, *statements: Account) -> UUID:
    """A statement that waits for a second person."""
    answer = await put(bringer(people), camt053(*statements))
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


async def confirm(people: People, file_id: UUID, content: bytes, by: Caller | None = None) -> httpx.Response:
    """What a second person says, who took the same file from the bank's own portal."""
    seen = [] if b"camt.053" not in content else [{"closing": one, "line_count": lines} for one, lines in closings(content)]
    body = {"file_sha256": sha256(content).hexdigest(), "statements": seen}
    return await (by or people.approver).post(f"bank-files/{file_id}/confirm", body)


def closings(content: bytes) -> list[tuple[str, int]]:
    """The closing balance and the number of booked lines of each statement, as the bank's portal would show them."""
    found = []
    for statement in (one for one in fromstring(content).iter() if one.tag.endswith("}Stmt")):  # noqa: S314 -- we wrote it
        kept = {"": statement.tag[1:].partition("}")[0]}
        (balance,) = [one for one in statement.iterfind("Bal", kept) if one.findtext("Tp/CdOrPrtry/Cd", namespaces=kept) == "CLBD"]
        sign = "-" if balance.findtext("CdtDbtInd", namespaces=kept) == "DBIT" else ""
        booked = [one for one in statement.iterfind("Ntry", kept) if (one.findtext("Sts/Cd", None, kept) or one.findtext("Sts", None, kept)) == "BOOK"]
        found.append((f"{sign}{balance.findtext('Amt', namespaces=kept)}", len(booked)))
    return found


async def counted(people: People, content: bytes, kind: str = "statement") -> UUID:
    """A file of the bank's that counts: one person brought it, another one found the same at the bank."""
    answer = await put(bringer(people), content, kind)
    assert answer.status_code == 201, answer.text
    file_id = UUID(answer.json()["id"])
    confirmed = await confirm(people, file_id, content)
    assert confirmed.status_code == 200, confirmed.text
    return file_id


async def imported(people: People, *statements: Account) -> UUID:
    """A statement that counts."""
    return await counted(people, camt053(*statements))


async def reported(people: People, content: bytes) -> UUID:
    """A report that counts."""
    return await counted(people, content, "status_report")


async def queue(people: People, state: str = "unmatched") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await people.auditor.get("bank-lines", state=state, limit=100)).json()["items"]
    return found


async def lines_of(people: People, file_id: UUID) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await people.auditor.get("bank-lines", file_id=str(file_id), limit=100)).json()["items"]
    return found


async def listed(people: People) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await people.auditor.get("bank-files")).json()["items"]
    return found


def told(lines: Sequence[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(line[name] for name in names) for line in lines]


async def test_a_statement_is_kept_line_by_line_and_no_name_or_word_of_it(house: House, people: People) -> None:
    account_id = await own_account(people)
    file_id = await imported(people, MONTH)
    (file,) = await listed(people)
    assert (file["id"], file["lines"], file["states"]) == (str(file_id), 4, {"unmatched": 4})
    (statement,) = file["statements"]
    assert (statement["own_account_id"], statement["opening"], statement["closing"]) == (str(account_id), "1000.00", "950.64")
    kept = await lines_of(people, file_id)
    assert told(kept, "number", "attempt_id", "amount", "why")[:2] == [
        (1, str(attempt(0)), "12.34", "attempt_unknown"), (2, str(attempt(1)), "12.34", "attempt_unknown"),
    ]  # fmt: skip
    leaf = str((await house.rows(_LOG))[0]["leaf"])
    assert not any(word in f"{leaf} {kept}" for word in CANARY.split())
    assert "BA3912" not in leaf
    assert (await house.findings()).differences == []


async def test_the_same_file_is_answered_alike_and_under_another_id_changes_nothing_and_says_so(house: House, people: People) -> None:
    await own_account(people)
    file_id, content = uuid7(), camt053(MONTH)
    first = await put(people.reconciler, content, file_id=file_id)
    again = await put(people.reconciler, content, file_id=file_id)
    assert (first.status_code, again.status_code, again.json()["repeated"]) == (201, 201, True)
    # The same bytes, and the same statement in another file.
    for other in (content, content + b"\n", camt053(MONTH, version="001.02")):
        refused = await put(people.reconciler, other)
        assert (refused.status_code, refused.json()["code"], str(file_id) in refused.text) == (409, "imported_already", True)
    assert len(await listed(people)) == 1
    assert len((await people.reconciler.get("bank-lines", state="unconfirmed")).json()["items"]) == 4
    changed = await put(people.reconciler, camt053(Account(MONTH.entries, id="MAY-2")), file_id=file_id)
    assert changed.json()["code"] == "idempotency_key_reused"
    assert (await house.findings()).differences == []


async def test_a_line_that_an_overlapping_statement_has_as_well_is_kept_as_a_duplicate(house: House, people: People) -> None:
    await own_account(people)
    alike = [Entry("-1.00", [Detail(attempt(9).hex)], reference="SAME-1"), Entry("-1.00", reference="SAME-1")]
    first = await imported(people, Account(alike, id="A"))
    second = await imported(people, Account([*alike, Entry("-1.00", reference="SAME-1"), Entry("-2.00", reference="SAME-1")], id="B"))
    kept = await lines_of(people, first)
    assert told(await lines_of(people, second), "state", "duplicate_of") == [
        ("duplicate", kept[0]["id"]), ("duplicate", kept[1]["id"]), ("unmatched", None), ("unmatched", None),
    ]  # fmt: skip
    # What bears no reference of the bank's may be another one.
    words = Account([Entry("-3.00", reference="words only")], id="C")
    for id in ("C", "D"):
        await imported(people, Account(words.entries, id=id))
    assert len(await queue(people)) == 6
    # Two statements that overlap within one file.
    one_file = camt053(Account([Entry("-7.00", reference="E-1")], id="E"), Account([Entry("-7.00", reference="E-1")], id="F"))
    assert told(await lines_of(people, await counted(people, one_file)), "state") == [("unmatched",), ("duplicate",)]
    assert (await house.findings()).differences == []


async def test_statements_that_do_not_follow_on_each_other_show_a_gap(people: People) -> None:
    await own_account(people)
    await imported(people, Account([Entry("-10.00")], id="MAY-1"))
    later = Account([Entry("-5.00", booked="<BookgDt><Dt>2023-06-04</Dt></BookgDt>")], id="JUNE-1", opening="990.00", on="2023-06-30")
    await imported(people, later)
    await imported(people, Account([], id="AUGUST-1", opening="980.00", on="2023-08-31"))
    gaps = {file["statements"][0]["identification"]: file["statements"][0]["gap"] for file in await listed(people)}
    assert gaps == {"MAY-1": False, "JUNE-1": False, "AUGUST-1": True}


async def test_a_report_is_kept_as_what_was_refused_and_what_was_not(house: House, people: People) -> None:
    said = [Transaction(attempt(n).hex, Told("RJCT", ["AC04"]) if n == 2 else Told("ACSC")) for n in range(4)]
    content = pain002(attempt(99).hex, Told("PART"), [Block(f"{attempt(99).hex}001", Told("PART"), said)])
    kept = await lines_of(people, await reported(people, content))
    assert told(kept, "attempt_id", "kind", "state", "code") == [
        (str(attempt(n)), *(("rejected", "unmatched", "RJCT") if n == 2 else ("accepted", "accepted", "ACSC"))) for n in range(4)
    ]
    refused = await put(people.reconciler, content + b"\n", "status_report")
    assert refused.json()["code"] == "imported_already"
    assert (await house.findings()).differences == []


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"no xml", "statement", "not_xml"), (camt053(MONTH), "status_report", "not_pain002"),
        (camt053(MONTH, Account([Entry("-1.00")], closing="1.00")), "statement", "statement_does_not_add_up"),
        (camt053(Account([], number="<IBAN>DE89370400440532013000</IBAN>")), "statement", "account_unknown"),
        (camt053(Account([Entry("-5", currency="XOF")], currency="XOF", opening="10")), "statement", "account_unknown"),
    ],
    ids=["no_xml", "other_kind", "one_bad_statement", "account_of_others", "account_in_other_currencies"],
)  # fmt: skip
async def test_a_file_that_can_not_be_relied_on_is_refused_whole(people: People, content: bytes, kind: str, code: str) -> None:
    await own_account(people)
    refused = await put(people.reconciler, content, kind)
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert await listed(people) == []
    assert await queue(people) == []


async def test_nobody_but_a_reconciler_imports_and_an_account_counts_once_it_is_confirmed(people: People) -> None:
    for caller in (people.payer, people.auditor, people.office, people.coordinator):
        assert (await put(caller, camt053(MONTH))).status_code == 403
    assert (await people.office.get("bank-lines")).status_code == 403
    assert (await people.coordinator.get("bank-files")).status_code == 403
    assert (await put(people.reconciler, camt053(MONTH))).json()["code"] == "account_unknown"


async def test_a_line_that_is_changed_added_or_taken_away_beside_the_rules_is_found(house: House, people: People) -> None:
    await own_account(people)
    file_id = await imported(people, MONTH)
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    for change, back in (
        ("UPDATE bank_lines SET amount = 12.35 WHERE number = 1", "UPDATE bank_lines SET amount = 12.34 WHERE number = 1"),
        ("UPDATE bank_lines SET reasons = '{AC04}' WHERE number = 2", "UPDATE bank_lines SET reasons = '{}' WHERE number = 2"),
        ("UPDATE bank_lines SET attempt_id = NULL, of_attempt = NULL WHERE number = 3", None),
    ):
        await owner.execute(change)
        assert f"lines of the bank: {file_id}" in (await house.findings()).differences
        if back is not None:
            await owner.execute(back)
            assert (await house.findings()).differences == []
    await owner.close()


async def test_two_payments_of_one_day_under_one_reference_of_the_banks_are_two_lines_in_whichever_statements(house: House, people: People) -> None:
    await own_account(people)
    first, second = (Entry("-500.00", [Detail(attempt(n).hex, "500.00")], reference="SAMMEL-1") for n in (1, 2))
    await imported(people, Account([first], id="A"))
    later = await imported(people, Account([second, first], id="B"))
    assert told(await lines_of(people, later), "state", "attempt_id") == [("unmatched", str(attempt(2))), ("duplicate", str(attempt(1)))]
    assert (await house.findings()).differences == []


async def test_two_persons_find_that_a_line_which_was_taken_for_one_told_again_is_another_one(house: House, people: People) -> None:
    await own_account(people)
    lost = Entry("-500.00", [Detail("NOTPROVIDED")], reference="SAMMEL-1")
    (kept,) = await lines_of(people, await imported(people, Account([lost], id="A")))
    (line,) = await lines_of(people, await imported(people, Account([lost], id="B")))
    assert (line["state"], line["duplicate_of"]) == ("duplicate", kept["id"])

    async def say(order: str, by: Caller = people.reconciler, of: str = line["id"]) -> str:
        answer = await by.post(f"bank-lines/{of}/{order}", {})
        return str(answer.json().get("code", answer.status_code))

    assert await say("tell-apart", of=kept["id"]) == "not_told_again"
    assert await say("tell-apart", people.payer) == "not_permitted"
    assert await say("tell-apart") == "201"
    assert (await say("tell-apart"), await say("confirm-apart")) == ("apart_asked", "four_eyes")
    assert (await say("keep-together"), await say("confirm-apart", colleague(people))) == ("200", "wrong_status")
    shown = (await people.reconciler.get(f"bank-lines/{line['id']}")).json()
    assert {one["name"]: one["allowed"] for one in shown["actions"]}["tell_apart"]
    assert (await say("tell-apart"), await say("confirm-apart", colleague(people))) == ("200", "200")
    (line,) = await queue_of(people, line["file_id"])
    assert (line["state"], line["why"], line["duplicate_of"]) == ("unmatched", "names_no_attempt", kept["id"])
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/explain", {"explanation": "charges"})).status_code == 200
    # What a third statement tells is told again all the same.
    assert told(await lines_of(people, await imported(people, Account([lost], id="C"))), "state") == [("duplicate",)]
    assert (await house.findings()).differences == []
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
        await owner.execute("UPDATE bank_lines SET apart = false WHERE apart")
    await owner.close()
    assert caught.value.constraint_name == "ck_bank_lines_state_is_known"


async def queue_of(people: People, file_id: str) -> list[dict[str, Any]]:
    return [line for line in await queue(people) if line["file_id"] == file_id]


async def test_two_statements_that_overlap_and_are_confirmed_at_once_come_to_the_same_as_one_after_the_other(house: House, people: People) -> None:
    await own_account(people)
    other = Account([*MONTH.entries, Entry("-7.00", reference="B-7")], id="MAY-2")
    files = [await brought(people, one) for one in (MONTH, other)]
    first, second = (
        ConfirmBankFile(file_sha256=sha256(camt053(one)).hexdigest(), statements=(StatementSeen(closing=Decimal(closing), line_count=lines),))
        for one, closing, lines in ((MONTH, "950.64", 4), (other, "943.64", 5))
    )
    async with house.half_done(BANK_FILE, files[0], first, APPROVER):
        waits = await house.meanwhile(house.try_to(BANK_FILE, files[1], second, APPROVER))
    assert await waits == "done"
    assert told(await lines_of(people, files[0]), "state") == [("unmatched",)] * 4
    assert told(await lines_of(people, files[1]), "state") == [("duplicate",)] * 4 + [("unmatched",)]
    assert (await house.findings()).differences == []


async def test_what_the_bank_calls_a_statement_is_kept_as_a_hash_where_it_is_the_number_of_an_account(house: House, people: People) -> None:
    await own_account(people)
    ids = ("IZVOD-2023-88", "BA391290079401028494-05", "BA39-1290-0794-0102-8494/5", "1290079401028494", "20230504.1")
    for number, id in enumerate(ids):
        await imported(people, Account([Entry("-1.00", reference=f"N-{number}")], id=id))
    kept = [file["statements"][0]["identification"] for file in await listed(people)]
    assert [one if one in ids else one[:7] for one in kept] == ["IZVOD-2023-88", "sha256:", "sha256:", "sha256:", "20230504.1"]
    assert not any("1290079401028494" in str(row["leaf"]) for row in await house.rows(_LOG))


async def test_a_file_with_faults_is_imported_whole_or_refused_and_never_ends_as_a_fault_of_ours(house: House, people: People) -> None:
    await own_account(people)
    whole = 0
    for seed in range(60):
        content, kind = (STATEMENT, "statement") if seed % 3 else (REPORT, "status_report")
        # Of each person few wait.
        by = Caller(people.reconciler._client, f"reconciler-{seed}", ["finance_reconciler"], ["BA"])
        answer = await put(by, mutated(content, seed), kind)
        assert answer.status_code in (201, 409), (seed, answer.text)
        whole += answer.status_code == 201
        if answer.status_code == 201:
            file = (await by.get(f"bank-files/{answer.json()['id']}")).json()
            assert sum(file["states"].values()) == file["lines"]
    files = (await people.auditor.get("bank-files", limit=100)).json()["items"]
    assert 0 < len(files) == whole < 60
    assert (await house.findings()).differences == []
