"""By what an account is found again goes with the person at once, from every table and under every key; others are compared as before."""

import asyncio
from collections.abc import Collection, Sequence
from functools import partial
from uuid import UUID

import asyncpg

from services.reintegration.account_tokens import hash_accounts_anew, hash_former_anew
from services.reintegration.domain.same_account import spellings
from services.reintegration.grant_wiring import GRANT
from services.reintegration.paid_accounts import hash_released_anew
from shared.blind_index import FileIndexKeys, Term, tokens_of
from shared.handling import transact
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from tests.integration.bus.house import until
from tests.integration.conftest import ServiceDatabase
from tests.integration.reintegration.office import WORKER, House
from tests.integration.reintegration.paid_by_bank import sent
from tests.integration.reintegration.test_another_payee import (
    exceptions,
    paid_to,
    settle,
)
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import confirm, imported, put
from tests.integration.reintegration.test_erasure import erase
from tests.integration.reintegration.test_own_accounts import own_account
from tests.integration.reintegration.test_release import returnee
from tests.integration.reintegration.test_settlement import why
from tests.integration.reintegration.vendors import registered, vendor
from tests.unit.reintegration.bank.answers import Account, camt053
from tests.unit.reintegration.examples import PAYER

people = people_of
# Invented.
OF_ANNA, OF_THE_SHOP = "PK36SCBL0000001123456702", "PK65BAHL0000001123456799"
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
_TURNS = "SELECT objid, pid, granted FROM pg_locks WHERE locktype = 'advisory' AND classid = 7044 AND pid <> pg_backend_pid() ORDER BY objid"
_KEYS = "SELECT DISTINCT key FROM payee_tokens"


async def hashes_of(made: ServiceDatabase, iban: str) -> frozenset[str]:
    """Every hash by which this account is found, under every key that there is, as the database prints it."""
    index = made.person_keys.index
    terms = [Term("account", one.account, 128) for one in spellings(iban, None, None, "PK")]
    return frozenset([token.hex() for key in await index.live() for token in await tokens_of(index, key, terms)])


async def holding(house: House, hashes: Collection[str]) -> Sequence[str]:
    """The tables of which a row says one of these hashes, each of their rows read whole as the owner."""
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    names = [row["relname"] for row in await owner.fetch(_TABLES)]
    assert len(names) > 80
    found = [name for name in names if any(one in row[0] for row in await owner.fetch(f"SELECT t::text FROM {name} t") for one in hashes)]
    await owner.close()
    return found


async def rotated(house: House) -> None:
    """A new key of the index, everything hashed under it too, the former key still there."""
    keys = house.made.person_keys
    assert isinstance(keys.index, FileIndexKeys)
    await keys.index.rotate()
    for anew in (hash_accounts_anew, hash_former_anew, hash_released_anew):
        while await transact(house.made.api, EVERYWHERE.scope(WORKER), partial(anew, keys=keys)):
            pass


async def ordered_for(house: House, fund_id: UUID, iban: str) -> tuple[UUID, UUID]:
    """A payment of 500.00 EUR to a returnee with this account, who is whom it is for; with the person."""
    line = await house.line()
    payee_id = await registered(house.made, returnee(line).model_copy(update={"account_number": None, "iban": iban}))
    grant_id = await house.approved(line.request("1500.00", "500.00", "1000.00"), fund_id)
    attempt_id = uuid7()
    release = await house.vendors.release(1, method="bank_file", attempt_id=attempt_id, payee_id=payee_id)
    await house.give(GRANT, grant_id, release, PAYER)
    return line.person_id, attempt_id


async def test_after_an_erasure_no_table_holds_a_hash_of_their_account_under_any_key_and_others_are_compared(
    house: House, people: People
) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    anna, of_anna = await ordered_for(house, fund_id, OF_ANNA)
    _, of_the_shop = await ordered_for(house, fund_id, OF_THE_SHOP)
    await sent(people, account_id, [of_anna, of_the_shop])
    file_id = await imported(people, Account([paid_to(of_anna, iban=OF_ANNA)], id="MAY-1", opening="5000.00"))
    await rotated(house)
    await imported(people, Account([paid_to(uuid7(), "B-7", iban=OF_ANNA)], id="MAY-2", opening="4500.00"))
    await settle(people, file_id)
    theirs, others = await hashes_of(house.made, OF_ANNA), await hashes_of(house.made, OF_THE_SHOP)
    assert len(theirs) >= 4
    assert await holding(house, theirs) == ["attempt_accounts", "bank_line_accounts", "former_payee_tokens", "payee_tokens"]

    await erase(house, anna)
    assert await holding(house, theirs) == []
    assert await holding(house, others) == ["attempt_accounts", "former_payee_tokens", "payee_tokens"]
    # One that somebody put back past the trigger would be found.
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    put_back = "INSERT INTO former_payee_tokens (payee_id, account_no, person_id, token, key) VALUES (gen_random_uuid(), 1, $1, 'put back', '1')"
    await owner.execute("ALTER TABLE former_payee_tokens DISABLE TRIGGER USER")
    await owner.execute(put_back, anna)
    assert "erased persons" in {one.partition(":")[0] for one in (await house.findings()).differences}
    await owner.execute("DELETE FROM former_payee_tokens WHERE person_id = $1", anna)
    await owner.execute("ALTER TABLE former_payee_tokens ENABLE TRIGGER USER")
    await owner.close()
    # What a later statement tells of a payment of theirs says nothing of their account either.
    await imported(people, Account([paid_to(of_anna, "B-8", iban=OF_ANNA)], id="MAY-3", opening="4000.00"))
    assert await holding(house, theirs) == []
    # Another's payment that went to another account is found as before, also where that was hers.
    file_id = await imported(people, Account([paid_to(of_the_shop, "B-9", iban=OF_ANNA)], id="MAY-4", opening="3500.00"))
    assert (await settle(people, file_id), await why(people, file_id)) == (0, [("unmatched", "another_payee")])
    assert (await house.findings()).differences == []


async def test_of_a_line_that_waits_and_paid_their_account_in_anothers_place_that_is_found_after_the_erasure(
    house: House, people: People
) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    anna, of_anna = await ordered_for(house, fund_id, OF_ANNA)
    _, of_the_shop = await ordered_for(house, fund_id, OF_THE_SHOP)
    await sent(people, account_id, [of_anna, of_the_shop])
    content = camt053(Account([paid_to(of_the_shop, iban=OF_ANNA), paid_to(of_anna, "B-2", iban=OF_ANNA)], id="MAY-1", opening="5000.00"))
    answer = await put(people.reconciler, content, "statement")
    file_id = UUID(answer.json()["id"])
    await erase(house, anna)
    assert await holding(house, await hashes_of(house.made, OF_ANNA)) == []
    assert (await confirm(people, file_id, content)).status_code == 200
    await settle(people, file_id)
    assert "another_payee" in [found for _, found in await why(people, file_id)]
    assert await exceptions(people) == ["another_payee"]


async def test_a_line_that_went_to_an_account_that_two_have_keeps_its_hashes_until_both_are_erased(house: House, people: People) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    anna, of_anna = await ordered_for(house, fund_id, OF_ANNA)
    await sent(people, account_id, [of_anna])
    brother = await house.line()
    await registered(house.made, returnee(brother).model_copy(update={"account_number": None, "iban": OF_ANNA}), confirmed=False)
    await imported(people, Account([paid_to(of_anna, iban=OF_ANNA)], id="MAY-1"))
    theirs = await hashes_of(house.made, OF_ANNA)
    await erase(house, anna)
    assert await holding(house, theirs) == ["bank_line_accounts", "payee_tokens"]
    await erase(house, brother.person_id)
    assert await holding(house, theirs) == []


def iban_of(rest: str) -> str:
    """An invented IBAN of Pakistan with this bank and number."""
    digits = "".join(str(int(one, 36)) for one in f"{rest}PK00")
    return f"PK{98 - int(digits) % 97:02}{rest}"


async def test_payees_are_registered_while_all_are_hashed_anew_and_every_account_is_found_under_the_last_key(house: House, people: People) -> None:
    made, keys = house.made, house.made.person_keys
    assert isinstance(keys.index, FileIndexKeys)
    index, codes = keys.index, [f"V-{number}" for number in range(96)]
    done: list[UUID] = []

    async def register(some: Sequence[str]) -> None:
        for code in some:
            # Each account is of two of them, and has several spellings: hashes of many turns are entered at once.
            number = int(code[2:]) % (len(codes) // 2)
            order = vendor("PK", "EUR", code).model_copy(update={"account_number": None, "iban": iban_of(f"SCBL{number:016}")})
            done.append(await registered(made, order, confirmed=False))

    async def anew() -> None:
        while len(done) < len(codes):
            await index.rotate()
            await transact(made.api, EVERYWHERE.scope(WORKER), partial(hash_accounts_anew, keys=keys))

    await asyncio.gather(*(register(codes[first::8]) for first in range(8)), anew(), anew())
    while await transact(made.api, EVERYWHERE.scope(WORKER), partial(hash_accounts_anew, keys=keys)):
        pass
    assert [len((await people.reconciler.get(f"payees/{one}")).json()["shared_with"]) for one in done[:6]] == [1] * 6
    owner = await asyncpg.connect(made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    assert [row["key"] for row in await owner.fetch(_KEYS)] == [await index.current()]
    await owner.close()
    assert (await house.findings()).differences == []


async def test_whoever_hashes_anew_holds_no_row_while_they_wait_for_the_turn_of_somebody_who_registers(house: House) -> None:
    made, keys = house.made, house.made.person_keys
    assert isinstance(keys.index, FileIndexKeys)
    for number in range(12):
        order = vendor("PK", "EUR", f"V-{number}").model_copy(update={"account_number": None, "iban": iban_of(f"SCBL{number:016}")})
        await registered(made, order, confirmed=False)
    await keys.index.rotate()
    registers = await asyncpg.connect(made.logins.migrate)
    await registers.execute("SET ROLE reintegration_owner")
    under_way = registers.transaction()
    await under_way.start()
    await registers.execute("SELECT await_hashes(ARRAY(SELECT token FROM payee_tokens))")
    anew = asyncio.ensure_future(transact(made.api, EVERYWHERE.scope(WORKER), partial(hash_accounts_anew, keys=keys)))

    async def waits() -> bool:
        return any(not row["granted"] for row in await registers.fetch(_TURNS))

    await until(waits)
    # Turns are taken in their order, and before any row: what this one waits for waits for nothing of theirs.
    turns = await registers.fetch(_TURNS)
    (waited_for,) = (row["objid"] for row in turns if not row["granted"])
    assert all(row["objid"] < waited_for for row in turns if row["granted"])
    free = await registers.fetch("SELECT FROM payee_tokens FOR UPDATE SKIP LOCKED")
    assert len(free) == await registers.fetchval("SELECT count(*) FROM payee_tokens")
    await under_way.rollback()
    assert await anew == 12
    assert [row["key"] for row in await registers.fetch(_KEYS)] == [await keys.index.current()]
    await registers.close()
