"""What is found of a debit holds after an erasure, and nothing of whoever was erased is left, be it imported beside it or of before."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from shared.ids import uuid7
from tests.integration.bus.house import until
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import sent
from tests.integration.reintegration.test_another_payee import exceptions, paid_to, settle
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import imported, lines_of, put
from tests.integration.reintegration.test_booked_otherwise import say
from tests.integration.reintegration.test_erasure import erase
from tests.integration.reintegration.test_hashes_erased import (
    OF_ANNA,
    OF_THE_SHOP,
    hashes_of,
    holding,
    ordered_for,
    rotated,
)
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import why
from tests.unit.reintegration.bank.answers import Account, camt053

people = people_of
Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
_WAIT = "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()"
_IMPORTER = "SELECT pg_advisory_xact_lock(7043, hashtext('staff:reconciler'))"


@pytest.fixture
async def owner(house: House) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    yield connection
    await connection.close()


async def waiting(owner: Owner, number: int) -> None:
    """Until so many others wait for a lock."""

    async def found() -> bool:
        return bool(await owner.fetchval(_WAIT) == number)

    await until(found)


async def test_a_debit_that_went_elsewhere_waits_again_once_its_match_is_undone_though_the_payee_was_erased(
    house: House, people: People
) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    anna, of_anna = await ordered_for(house, fund_id, OF_ANNA)
    await sent(people, account_id, [of_anna])
    file_id = await imported(people, Account([paid_to(of_anna, iban=OF_THE_SHOP)], id="MAY-1"))
    assert await why(people, file_id) == [("unmatched", "another_payee")]
    (line,) = await lines_of(people, file_id)
    assert await say(people.reconciler, line["id"], "match", attempt_id=str(of_anna)) == "done"
    assert await say(colleague(people), line["id"], "confirm-match") == "done"
    await erase(house, anna)
    assert await say(people.reconciler, line["id"], "undo-match") == "done"
    assert await say(colleague(people), line["id"], "confirm-undoing") == "done"
    assert (await settle(people, file_id), await why(people, file_id)) == (0, [("unmatched", "another_payee")])
    assert (await exceptions(people), (await house.findings()).differences) == (["another_payee"], [])
    # What two find to be that payment all the same stays an exception, as before an erasure.
    assert await say(people.reconciler, line["id"], "match", attempt_id=str(of_anna)) == "done"
    assert await say(colleague(people), line["id"], "confirm-match") == "done"
    assert (await settle(people, file_id), await exceptions(people)) == (1, ["another_payee"])
    assert (await house.findings()).differences == []


async def test_an_import_that_was_read_before_an_erasure_and_is_written_after_it_leaves_no_hash(
    house: House, people: People, owner: Owner
) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    anna, of_anna = await ordered_for(house, fund_id, OF_ANNA)
    await sent(people, account_id, [of_anna])
    under_way = owner.transaction()
    await under_way.start()
    await owner.execute(_IMPORTER)
    content = camt053(Account([paid_to(of_anna, iban=OF_ANNA)], id="MAY-1"))
    brings = asyncio.ensure_future(put(people.reconciler, content))
    await waiting(owner, 1)
    await erase(house, anna)
    await under_way.rollback()
    assert (await brings).status_code == 201
    assert await holding(house, await hashes_of(house.made, OF_ANNA)) == []
    assert (await house.findings()).differences == []


async def test_an_erasure_waits_for_an_import_that_is_about_to_keep_a_hash_and_takes_it_along(
    house: House, people: People, owner: Owner
) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    anna, of_anna = await ordered_for(house, fund_id, OF_ANNA)
    await sent(people, account_id, [of_anna])
    under_way = owner.transaction()
    await under_way.start()
    await owner.execute("SELECT FROM log_head FOR UPDATE")
    content = camt053(Account([paid_to(of_anna, iban=OF_ANNA)], id="MAY-1"))
    brings = asyncio.ensure_future(put(people.reconciler, content))
    await waiting(owner, 1)
    erases = asyncio.ensure_future(erase(house, anna))
    await waiting(owner, 2)
    await under_way.rollback()
    assert (await brings).status_code == 201
    await erases
    assert await holding(house, await hashes_of(house.made, OF_ANNA)) == []
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("rotates", [False, True], ids=["under_one_key", "also_under_a_new_key"])
async def test_a_line_that_went_to_an_account_that_they_had_once_keeps_no_hash_of_it(
    house: House, people: People, owner: Owner, rotates: bool
) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    anna, of_anna = await ordered_for(house, fund_id, OF_ANNA)
    await sent(people, account_id, [of_anna])
    # Invented, asked for and dropped, so that nothing was ever released to it.
    once = "PK65BAHL0000001123456799"
    payee_id: UUID = await owner.fetchval("SELECT id FROM payees WHERE person_id = $1", anna)
    change = {"holder": "Invented Person", "iban": once, "bank_code": "INVTPKKA", "reason": "bank_changed", "call_back_contact": "+92 000 0000009"}
    answer = await people.reconciler.post(f"payees/{payee_id}/change-account", change)
    assert answer.status_code == 200, answer.text
    dropped = {"account_no": 2, "reason": "not_confirmed_by_payee"}
    assert (await people.reconciler.post(f"payees/{payee_id}/drop-account-change", dropped)).status_code == 200
    await imported(people, Account([paid_to(uuid7(), iban=once)], id="MAY-1"))
    if rotates:
        await rotated(house)
        await imported(people, Account([paid_to(uuid7(), "B-2", iban=once)], id="MAY-2", opening="500.00"))
    theirs = await hashes_of(house.made, once)
    assert await holding(house, theirs) == ["bank_line_accounts", "former_payee_tokens"]
    await erase(house, anna)
    assert await holding(house, theirs) == []
    assert (await house.findings()).differences == []
