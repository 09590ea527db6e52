"""Whether a payment was in the bank's hands before the bank spoke of it is kept as the file begins to count; no clock is asked."""

from datetime import timedelta
from importlib import import_module

import asyncpg
import pytest

from shared.ids import uuid7
from tests.given import NOON
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_another_payee import settle
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import bringer, confirm, imported, lines_of, put
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import booked, credit, debit, why
from tests.unit.reintegration.bank.answers import Account, Detail, camt053

people = people_of


async def test_what_was_sent_is_paid_though_the_clock_was_set_back_since(house: House, people: People) -> None:
    account_id = await own_account(people)
    fund_id = await house.fund()
    named, lost = [(await released_by_bank(house, fund_id))[1] for _ in range(2)]
    await sent(people, account_id, [named, lost])
    # The hour in which the file was taken comes once more: what is brought now is of before that.
    statement = camt053(Account([debit(named), booked("-500.00", reference="B-2")], id="MAY-1"))
    answer = await put(bringer(people).at(NOON - timedelta(hours=1)), statement)
    assert answer.status_code == 201, answer.text
    file_id = answer.json()["id"]
    assert (await confirm(people, file_id, statement)).status_code == 200
    assert await settle(people, file_id) == 1
    line = (await lines_of(people, file_id))[1]["id"]
    assert (await people.reconciler.post(f"bank-lines/{line}/match", {"attempt_id": str(lost)})).status_code == 201
    assert (await colleague(people).post(f"bank-lines/{line}/confirm-match", {})).status_code == 200
    assert await settle(people, file_id) == 1
    assert (await house.findings()).differences == []


async def test_what_was_booked_before_it_was_sent_is_not_paid_by_a_batch_that_is_sent_afterwards_at_whatever_hour(
    house: House, people: People
) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    file_id = await imported(people, Account([booked("-500.00", reference="B-1")], id="MAY-1"))
    await sent(people, account_id, [attempt_id])
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute("UPDATE payment_batches SET sent_at = sent_at - interval '1 day'")
    await owner.close()
    (line,) = await lines_of(people, file_id)
    assert (await people.reconciler.post(f"bank-lines/{line['id']}/match", {"attempt_id": str(attempt_id)})).json()["code"] == "not_sent"


async def test_what_came_back_of_a_payment_is_found_by_two_persons_where_its_reference_is_lost(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    lines = [debit(attempt_id), booked("500.00", reference="R-1"), credit(uuid7(), reference="R-2")]
    file_id = await imported(people, Account(lines, id="MAY-1"))
    assert await settle(people, file_id) == 1
    line = (await lines_of(people, file_id))[1]["id"]
    assert (await people.reconciler.post(f"bank-lines/{line}/match", {"attempt_id": str(attempt_id)})).status_code == 201
    assert (await colleague(people).post(f"bank-lines/{line}/confirm-match", {})).status_code == 200
    assert await settle(people, file_id) == 1
    assert (await why(people, file_id))[1] == ("returned", None)
    assert (await house.findings()).differences == []


async def test_what_was_in_the_banks_hands_is_kept_once(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    batch_id = await sent(people, account_id, [attempt_id])
    await imported(people, Account([debit(attempt_id)], id="MAY-1"))
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    assert set(await owner.fetchval("SELECT sent_batches FROM bank_lines")) == {batch_id}
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await owner.execute("UPDATE bank_lines SET sent_batches = '{}'")
    assert refused.value.constraint_name == "bank_line_counts_once_confirmed"
    await owner.close()


async def test_of_lines_of_before_the_order_of_the_log_says_what_the_bank_had(house: House, people: People) -> None:
    account_id = await own_account(people)
    fund_id = await house.fund()
    early, late = [(await released_by_bank(house, fund_id))[1] for _ in range(2)]
    # The first file tells of both, and only the one had been taken.
    first = await sent(people, account_id, [early])
    await imported(people, Account([debit(early), booked("-500.00", Detail(uuid7().hex, "500.00"), reference="B-2")], id="MAY-1"))
    second = await sent(people, account_id, [late])
    await imported(people, Account([debit(late, reference="B-3")], id="MAY-2"))
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute("ALTER TABLE bank_lines DISABLE TRIGGER USER")
    await owner.execute("UPDATE bank_lines SET sent_batches = NULL, imported_at = imported_at - interval '1 day'")
    migration = import_module("migrations.reintegration.versions.2026_11_26_2355_sent_before_it_counts")
    await owner.execute(migration._OF_BEFORE)
    kept = [set(row["sent_batches"]) for row in await owner.fetch("SELECT sent_batches FROM bank_lines ORDER BY bank_reference")]
    await owner.execute("ALTER TABLE bank_lines ENABLE TRIGGER USER")
    await owner.close()
    assert kept == [{first}, {first}, {first, second}]
