"""What is checked with its grant, payee or fund: whatever differs is found of the one whose it is, and nothing is read from end to end."""

from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.fund import DropFundChange
from services.reintegration.domain.stops import SuspendGrant
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import FUND, WIRING
from shared.db import Scope
from shared.ids import uuid7
from shared.verify import Check
from tests.integration.explained import read_whole
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_erasure import erase
from tests.integration.reintegration.test_funds import granting
from tests.integration.reintegration.test_payees import registered
from tests.integration.reintegration.test_seen_on_the_spot import WITNESS, in_cash
from tests.unit.reintegration.examples import CHIEF, ENDORSER, MANAGER

people = people_of

BY_ID = [one for one in WIRING.checks if one.by_id]


@pytest.mark.parametrize("check", BY_ID, ids=lambda one: str(one.name))
async def test_what_is_checked_with_its_aggregate_reads_by_the_ids_that_are_asked_for(house: House, check: Check) -> None:
    await house.line()
    assert await read_whole(house.made.verify, check) == []


def test_no_check_reads_the_log_but_by_ids() -> None:
    # Of grants of whoever was erased, by their ids as well, but all of them at once.
    assert [one.name for one in WIRING.checks if "event_log" in one.sql.text and not one.by_id] == ["files of evidence"]


async def test_what_is_kept_of_what_stood_against_a_payment_is_found_of_its_grant_and_of_no_other(house: House) -> None:
    fine, marked = await in_cash(house), await in_cash(house)
    for grant_id in (fine, marked):
        await house.give(GRANT, grant_id, SuspendGrant(reason="under_review"), ENDORSER)
        await house.give(GRANT, grant_id, WITNESS, OFFICE)
    assert (await house.findings()).sound
    await by_hand(house, "UPDATE paid_although SET said_by = 'staff:other' WHERE grant_id = $1", marked)
    await found_of(house, "paid although something stood against it", marked, fine)
    await by_hand(house, "UPDATE paid_although SET grant_id = $1 WHERE grant_id = $2", stray := uuid7(), marked)
    assert (await house.findings()).differences == [
        f"paid although something stood against it: {marked}", f"paid although something stood against it of no grant: {stray}"
    ]  # fmt: skip


async def test_what_a_grant_was_for_and_its_papers_were_is_found_of_the_erased_one_and_of_no_other(house: House, people: People) -> None:
    lines = [await house.line() for _ in range(3)]
    fund_id = await house.fund()
    first, second, other = [await house.approved(line.request("500.00"), fund_id) for line in lines]
    for line in lines[:2]:
        await erase(house, line.person_id)
    assert (await house.findings()).sound
    await by_hand(
        house, "INSERT INTO disclosure (event_id, path, salt, value) SELECT id, 'category', '', '' FROM event_log WHERE subject = $1 AND aggver = 1",
        first,
    )  # fmt: skip
    for name in ("what it was for", "kinds of papers"):
        await found_of(house, name, first, second, other)


async def test_a_shared_account_is_found_of_its_payee_and_of_no_other(house: House, people: People) -> None:
    first, second = await registered(people), await registered(people, vendor_code="V-2")
    accept = {"with_ids": [str(second)], "reason": "same_business"}
    assert (await people.chief.post(f"payees/{first}/accept-shared-account", accept)).status_code == 200
    assert (await house.findings()).sound
    await by_hand(house, "UPDATE payee_shares SET account_no = 2 WHERE payee_id = $1", UUID(str(first)))
    await found_of(house, "shared accounts", UUID(str(first)), UUID(str(second)))
    await by_hand(house, "UPDATE payee_shares SET payee_id = $1", stray := uuid7())
    found = (await house.findings()).differences
    assert found == [f"shared accounts: {first}", f"shared accounts of no payee: {stray}"]


async def test_what_was_asked_of_a_fund_and_dropped_is_found_of_that_fund_and_of_no_other(house: House) -> None:
    fund_id, other = await house.fund(), await house.fund()
    for one in (fund_id, other):
        await house.give(FUND, one, granting("9000.00"), MANAGER)
        await house.give(FUND, one, DropFundChange(change_no=2), CHIEF)
    assert (await house.findings()).sound
    await by_hand(house, "UPDATE fund_drops SET dropped_by = 'staff:other' WHERE fund_id = $1", fund_id)
    await found_of(house, "fund drops", fund_id, other)


async def by_hand(house: House, statement: str, *values: object) -> None:
    """A change that no command made, past every trigger."""
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    async with owner.transaction():
        for table in ("paid_although", "payee_shares", "fund_drops"):
            await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        await owner.execute(statement, *values)
        for table in ("paid_although", "payee_shares", "fund_drops"):
            await owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    await owner.close()


async def found_of(house: House, name: str, id: UUID, *others: UUID) -> None:
    """Asked of the others a check finds nothing, of all it finds that one; and so does the whole verification."""
    (check,) = (one for one in BY_ID if one.name == name)
    async with house.made.verify.unit_of_work(Scope("verify")) as unit:
        assert await unit.rows(check.sql, ids=others) == []
        assert {row[0] for row in await unit.rows(check.sql, ids=[id, *others])} == {id}
    assert [one for one in set((await house.findings()).differences) if one.startswith(f"{name}:")] == [f"{name}: {id}"]
