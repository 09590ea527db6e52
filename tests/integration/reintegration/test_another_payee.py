"""To which account a debit of the bank's went is held against the account that its payment was released to, by keyed hashes alone."""

from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.grant_wiring import GRANT
from services.reintegration.paid_accounts import hash_released_anew
from shared.blind_index import FileIndexKeys
from shared.handling import transact
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from tests.integration.reintegration.office import WORKER, House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported, lines_of
from tests.integration.reintegration.test_batches import make
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import ONE, attempts, booked, why
from tests.integration.reintegration.vendors import registered, vendor
from tests.unit.reintegration.bank.answers import Account, Detail, Entry
from tests.unit.reintegration.examples import PAYER, TODAY

people = people_of
# The account of `vendors.vendor` in Pakistan, and another one, both invented.
THEIRS, ANOTHER = "ACC-V-PK-EUR", "PK36SCBL0000001123456702"
IN_PAKISTAN = "<Nm>Invented Bank</Nm><PstlAdr><Ctry>PK</Ctry></PstlAdr>"


def paid_to(attempt_id: UUID, reference: str = "B-1", **said: Any) -> Entry:
    return booked("-500.00", Detail(attempt_id.hex, "500.00", **said), reference=reference)


async def ordered(house: House, people: People) -> tuple[UUID, UUID]:
    """A payment of 500.00 EUR to that vendor, in a file that was taken, from our account."""
    account_id = await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    return grant_id, attempt_id


async def settle(people: People, file_id: UUID) -> int:
    answer = await people.reconciler.post(f"bank-files/{file_id}/settle", {})
    return int(answer.json()["settled"])


async def exceptions(people: People) -> list[str]:
    found = (await people.auditor.get("exceptions", **{"from": str(TODAY), "to": str(TODAY)})).json()["items"]
    return [code for one in found for code in one["exceptions"] if code in ("another_payee", "moved_by_hand")]


@pytest.mark.parametrize(
    "said",
    [
        {"account": THEIRS, "bank": IN_PAKISTAN}, {"account": "acc v.pk/eur", "bank": IN_PAKISTAN}, {"account": THEIRS}, {},
        {"account": "********-EUR", "bank": IN_PAKISTAN},
    ],
    ids=["as-it-was-ordered", "otherwise-spelled", "without-its-country", "not-stated", "hidden"],
)  # fmt: skip
async def test_a_debit_to_the_account_that_was_ordered_or_that_the_bank_does_not_state_settles(
    house: House, people: People, said: dict[str, Any]
) -> None:
    _, attempt_id = await ordered(house, people)
    file_id = await imported(people, Account([paid_to(attempt_id, **said)], id="MAY-1"))
    assert await settle(people, file_id) == 1
    assert (await exceptions(people), (await house.findings()).differences) == ([], [])


async def test_a_debit_to_another_account_waits_is_an_exception_and_two_persons_decide(house: House, people: People) -> None:
    grant_id, attempt_id = await ordered(house, people)
    file_id = await imported(people, Account([paid_to(attempt_id, iban=ANOTHER)], id="MAY-1"))
    assert await settle(people, file_id) == 0
    assert await why(people, file_id) == [("unmatched", "another_payee")]
    assert await exceptions(people) == ["another_payee"]
    taken_back = ReportPaymentFailed(number=1, reason="not_sent", failed_on=TODAY)
    assert await house.try_to(GRANT, grant_id, taken_back, PAYER) == "in_a_batch"
    # Nobody explains it away alone, and what two find to be a payment stays an exception.
    (line,) = await lines_of(people, file_id)
    alone = await people.reconciler.post(f"bank-lines/{line['id']}/explain", {"explanation": "not_ours"})
    assert alone.json()["code"] == "names_our_payment"
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/match", {"attempt_id": str(attempt_id)})).status_code == 201
    assert await settle(people, file_id) == 0
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/confirm-match", {})).json()["code"] == "four_eyes"
    assert (await colleague(people).post(f"bank-lines/{line['id']}/confirm-match", {})).status_code == 200
    assert await settle(people, file_id) == 1
    assert [one["status"] for one in await attempts(house)] == ["paid"]
    assert (await exceptions(people), (await house.findings()).differences) == (["another_payee"], [])


async def test_while_a_debit_to_another_account_waits_its_payment_is_sent_no_more(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await sent(people, account_id, [attempt_id])
    assert (await people.payer.post(f"payment-batches/{batch_id}/drop", {"reason": "never_sent"})).status_code == 200
    assert (await people.chief.post(f"payment-batches/{batch_id}/confirm-drop", {})).status_code == 200
    await imported(people, Account([paid_to(attempt_id, iban=ANOTHER)], id="MAY-1"))
    assert (await make(people, account_id, [attempt_id], **ONE)).json()["code"] == "bank_line_waits"


async def test_verify_finds_a_payment_to_another_account_that_nobody_matched(house: House, people: People) -> None:
    _, attempt_id = await ordered(house, people)
    file_id = await imported(people, Account([paid_to(attempt_id)], id="MAY-1"))
    assert await settle(people, file_id) == 1
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute("UPDATE bank_lines SET other_payee = true")
    await owner.close()
    (found,) = (await house.findings()).differences
    assert "paid as it was sent" in found


async def test_of_an_iban_the_number_that_its_country_writes_is_the_same_account_and_another_one_is_not(house: House, people: People) -> None:
    account_id = await own_account(people)
    order = vendor("PK", "EUR", "V-IBAN").model_copy(update={"account_number": None, "iban": ANOTHER})
    payee_id = await registered(house.made, order)
    fund_id = await house.fund()
    tried = []
    for _ in range(4):
        grant_id = await house.approved((await house.line()).request("1500.00", "500.00", "1000.00"), fund_id)
        tried.append(uuid7())
        await house.give(GRANT, grant_id, await house.vendors.release(1, method="bank_file", attempt_id=tried[-1], payee_id=payee_id), PAYER)
    await sent(people, account_id, tried)
    stated = ({"iban": ANOTHER}, {"account": ANOTHER[4:]}, {"account": f"{ANOTHER[:4]} {ANOTHER[4:]}"}, {"account": "SCBL0000001123456703"})
    lines = [paid_to(one, f"B-{number}", **said) for number, (one, said) in enumerate(zip(tried, stated, strict=True))]
    file_id = await imported(people, Account(lines, id="MAY-1", opening="5000.00"))
    assert await settle(people, file_id) == 3
    assert await why(people, file_id) == [*[("matched", None)] * 3, ("unmatched", "another_payee")]


async def test_a_payee_that_was_closed_since_is_compared_all_the_same(house: House, people: People) -> None:
    _, attempt_id = await ordered(house, people)
    payee_id = await house.vendors.of()
    assert (await people.reconciler.post(f"payees/{payee_id}/close", {"reason": "not_needed"})).status_code == 200
    file_id = await imported(people, Account([paid_to(attempt_id, iban=ANOTHER)], id="MAY-1"))
    assert (await settle(people, file_id), await exceptions(people)) == (0, ["another_payee"])


async def test_what_was_hashed_before_a_new_key_of_the_index_and_what_is_after_are_compared(house: House, people: People) -> None:
    account_id = await own_account(people)
    fund_id = await house.fund()
    before, after = [(await released_by_bank(house, fund_id))[1] for _ in range(2)]
    await sent(people, account_id, [before, after])
    first = await imported(people, Account([paid_to(before, account=THEIRS, bank=IN_PAKISTAN)], id="MAY-1"))
    keys = house.made.person_keys
    assert isinstance(keys.index, FileIndexKeys)
    await keys.index.rotate()
    hashed = partial(hash_released_anew, keys=keys)
    assert [await transact(house.made.api, EVERYWHERE.scope(WORKER), hashed) for _ in range(2)] == [2, 0]
    second = await imported(people, Account([paid_to(after, "B-2", account=THEIRS, bank=IN_PAKISTAN)], id="MAY-2"))
    assert (await settle(people, first), await settle(people, second)) == (1, 1)


async def test_nothing_is_kept_of_the_account_but_hashes(house: House, people: People) -> None:
    _, attempt_id = await ordered(house, people)
    await imported(people, Account([paid_to(attempt_id, iban=ANOTHER), booked("-1.00", Detail(iban="DE02120300000000202051"), reference="B-2")], id="MAY-1"))
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    assert await owner.fetchval("SELECT count(DISTINCT line_id) FROM bank_line_accounts") == 2
    kept = [str(row[0]) for table in ("bank_files", "bank_statements", "bank_lines", "bank_line_accounts", "attempt_accounts", "accesses") for row in await owner.fetch(f"SELECT t::text FROM {table} t")]
    kept += [bytes(row[0]).decode() for row in await owner.fetch("SELECT leaf FROM event_log")]
    assert len(kept) > 10
    assert not any(number in row for row in kept for number in (ANOTHER, ANOTHER[4:], "120300000000202051", ANOTHER.encode().hex()))
    await owner.close()


async def test_a_line_that_names_another_block_of_payments_waits_for_two_persons(house: House, people: People) -> None:
    account_id = await own_account(people)
    fund_id = await house.fund()
    one, other, third, fourth = every = [(await released_by_bank(house, fund_id))[1] for _ in range(4)]
    batch_id = await sent(people, account_id, every)
    blocks = (f"{batch_id.hex.upper()}001", "NOTPROVIDED", f"{uuid7().hex}001", "BY-HAND-1")
    lines = [paid_to(attempt_id, f"B-{number}", block=block) for number, (attempt_id, block) in enumerate(zip(every, blocks, strict=True))]
    file_id = await imported(people, Account(lines, id="MAY-1", opening="5000.00"))
    assert await settle(people, file_id) == 2
    assert await why(people, file_id) == [*[("matched", None)] * 2, *[("unmatched", "another_block")] * 2]
    assert {row["attempt_id"]: row["status"] for row in await attempts(house)} == {one: "paid", other: "paid", third: "released", fourth: "released"}
    line = (await lines_of(people, file_id))[2]["id"]
    assert (await people.reconciler.post(f"bank-lines/{line}/match", {"attempt_id": str(third)})).status_code == 201
    assert (await colleague(people).post(f"bank-lines/{line}/confirm-match", {})).status_code == 200
    assert await settle(people, file_id) == 1
    assert (await house.findings()).differences == []
