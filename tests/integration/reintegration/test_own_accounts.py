"""The mission's own accounts as callers and the database meet them: by two persons, masked in lists, one per number."""

import re
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.db import Sql
from shared.ids import UUID_PATTERN, uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.bank.answers import Account, Entry, camt053
from tests.unit.reintegration.test_own_accounts import BANK, BOX

people = people_of
_LOG = Sql("SELECT convert_from(leaf, 'UTF8') AS leaf FROM event_log WHERE type LIKE '%.own_account.%' ORDER BY idx")


def account(**said: Any) -> dict[str, Any]:
    return {**BANK.model_dump(mode="json", exclude_none=True), **said}


def colleague(people: People) -> Caller:
    """Another reconciler."""
    return Caller(people.reconciler._client, "reconciler-2", ["finance_reconciler"], ["BA"])


async def registered(people: People, **said: Any) -> UUID:
    account_id = uuid7()
    answer = await people.reconciler.post(f"own-accounts/{account_id}", account(**said))
    assert answer.status_code == 201, answer.text
    return account_id


async def own_account(people: People, **said: Any) -> UUID:
    """An account that can be paid from."""
    account_id = await registered(people, **said)
    assert (await colleague(people).post(f"own-accounts/{account_id}/confirm", {})).status_code == 200
    return account_id


async def test_one_registers_another_confirms_and_lists_show_the_last_characters(house: House, people: People) -> None:
    account_id = await registered(people)
    assert (await people.payer.post(f"own-accounts/{uuid7()}", account())).status_code == 403
    assert (await people.reconciler.post(f"own-accounts/{account_id}/confirm", {})).json()["code"] == "four_eyes"
    assert (await colleague(people).post(f"own-accounts/{account_id}/confirm", {})).status_code == 200
    for reader in (people.payer, people.reconciler, people.auditor):
        state = (await reader.get(f"own-accounts/{account_id}")).json()["state"]
        assert (state["details"]["iban"], state["status"]) == ("BA391290079401028494", "active")
    assert (await people.chief.get(f"own-accounts/{account_id}")).status_code == 403
    (listed,) = (await people.chief.get("own-accounts")).json()["items"]
    assert (listed["holder"], listed["account"], listed["country"]) == ("Misija za primjere", "…8494", None)
    assert "1290" not in str({**listed, "id": ""})
    assert (await people.office.get("own-accounts")).status_code == 403
    assert (await house.findings()).differences == []


async def test_no_number_and_no_holder_stands_in_the_log(house: House, people: People) -> None:
    await own_account(people)
    # An id may have these digits.
    leaves = [re.sub(UUID_PATTERN, "", str(row["leaf"])) for row in await house.rows(_LOG)]
    assert len(leaves) == 2
    assert not any(said in leaf for leaf in leaves for said in ("8494", "Misija", "INVT"))


async def test_one_number_is_one_account_in_each_currency_until_it_is_closed(house: House, people: People) -> None:
    account_id = await own_account(people)
    spelled = account(iban="ba39129007940102 8494")
    assert (await people.reconciler.post(f"own-accounts/{uuid7()}", spelled)).json()["code"] == "own_account_known"
    await registered(people, currency="BAM")
    assert (await people.reconciler.post(f"own-accounts/{account_id}/close", {"reason": "account_closed"})).status_code == 200
    await registered(people)
    box = BOX.model_dump(mode="json", exclude_none=True)
    assert (await people.reconciler.post(f"own-accounts/{uuid7()}", box)).status_code == 201
    assert (await house.findings()).differences == []


async def test_a_statement_is_of_the_open_account_of_its_number_and_currency_however_each_was_typed(people: People) -> None:
    number = {"iban": None, "bank_country": "PK", "bank_code": None, "bank_name": "Invented Bank"}
    former = await own_account(people, account_number="200-100/7", **number)
    assert (await people.reconciler.post(f"own-accounts/{former}/close", {"reason": "account_closed"})).status_code == 200
    ours = await own_account(people, account_number="2001007", **number)
    await own_account(people, account_number="200 100 7", currency="BAM", **number)
    file = camt053(Account([Entry("-1.00")], number="<Othr><Id>200.100.7</Id></Othr>"))
    answer = await people.reconciler.put(f"bank-files/{uuid7()}?file_kind=statement", file, "application/xml")
    assert answer.status_code == 201, answer.text
    (told,) = (await people.auditor.get("bank-files")).json()["items"]
    assert [one["own_account_id"] for one in told["statements"]] == [str(ours)]


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        ("UPDATE own_accounts SET version = 2, status = 'active', confirmed_by = registered_by, confirmed_at = now()", "ck_own_accounts_two_persons"),
        ("UPDATE own_accounts SET version = 2, status = 'active'", "ck_own_accounts_paid_from_once_confirmed"),
        ("UPDATE own_accounts SET version = 2, status = 'closed'", "ck_own_accounts_closed_for_a_reason"),
        ("INSERT INTO own_accounts SELECT gen_random_uuid(), version, kind, currency, country, details, same_account, registered_by, registered_at, status FROM own_accounts", "uq_own_accounts_live"),
    ],
    ids=["oneself", "nobody", "no-reason", "twice"],
)  # fmt: skip
async def test_a_service_that_lies_is_stopped_by_keys_and_checks(house: House, people: People, sql: str, constraint: str) -> None:
    await registered(people)
    connection = await asyncpg.connect(house.made.logins.api)
    await connection.execute("SELECT set_config('app.countries', 'PK', false), set_config('app.actor', 'staff:x', false)")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await connection.execute(sql)
    await connection.close()
    assert refused.value.constraint_name == constraint
