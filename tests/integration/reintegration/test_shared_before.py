"""A database from before shared accounts were told apart by their numbers, or by who stated them, is upgraded with what was found right there."""

import asyncio

import asyncpg
from alembic import command

from ops import databases
from ops.supervisor import Running
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_payees import active, registered
from tests.integration.reintegration.test_proposals_before import opened
from tests.unit.reintegration.examples import RECONCILER

people = people_of


async def test_what_was_found_before_accounts_were_told_apart_holds_for_those_that_both_had_and_comes_back_as_the_log_says(
    house: House, people: People, servers: Running
) -> None:
    first, second = await active(people), await registered(people, vendor_code="V-2")
    accept = {"with_ids": [str(first)], "reason": "same_business"}
    assert (await people.chief.post(f"payees/{second}/accept-shared-account", accept)).status_code == 200
    url = await opened(house, servers)
    await asyncio.to_thread(command.downgrade, databases.alembic_config("reintegration", url), "reintegration_124")
    owner = await asyncpg.connect(url)
    await owner.execute("SET ROLE reintegration_owner")
    kept = "SELECT payee_id, other_id, stated_by, accepted_by, reason FROM payee_shares"
    before = [tuple(row) for row in await owner.fetch(kept)]
    assert [row[:2] for row in before] == [(second, first)]
    await asyncio.to_thread(databases.upgrade, "reintegration", url)
    assert [tuple(row) for row in await owner.fetch(kept)] == before
    assert [tuple(row) for row in await owner.fetch("SELECT account_no, other_no, of_before FROM payee_shares")] == [(1, 1, True)]
    await owner.close()
    assert (await people.reconciler.get(f"payees/{second}")).json()["account_shared"] is False


async def test_what_whoever_stated_the_other_account_found_right_counts_no_more_and_comes_back_as_the_log_says(
    house: House, people: People, servers: Running
) -> None:
    first, second, third = [await registered(people, vendor_code=f"V-{number}") for number in range(3)]
    for other in (first, third):
        accept = {"with_ids": [str(other)], "reason": "same_business"}
        assert (await people.reconciler.post(f"payees/{second}/accept-shared-account", accept)).status_code == 200
    url = await opened(house, servers)
    config = databases.alembic_config("reintegration", url)
    await asyncio.to_thread(command.downgrade, config, "reintegration_135")
    owner = await asyncpg.connect(url)
    await owner.execute("SET ROLE reintegration_owner")
    # As it came to be: whoever had stated one account was refused of the other's side alone.
    await owner.execute("UPDATE payee_accounts SET stated_by = $2 WHERE payee_id = $1", first, RECONCILER.person_id)
    kept = "SELECT other_id FROM payee_shares ORDER BY other_id"
    assert [row[0] for row in await owner.fetch(kept)] == [first, third]
    await asyncio.to_thread(databases.upgrade, "reintegration", url)
    assert [tuple(row) for row in await owner.fetch("SELECT other_id, other_stated_by FROM payee_shares")] == [(third, "staff:office-pk")]
    assert (await people.reconciler.get(f"payees/{second}")).json()["shared_with"] == [str(first)]
    assert (await house.findings()).differences == []
    await asyncio.to_thread(command.downgrade, config, "reintegration_135")
    assert [row[0] for row in await owner.fetch(kept)] == [first, third]
    await asyncio.to_thread(databases.upgrade, "reintegration", url)
    await owner.close()


async def test_what_counts_no_more_of_before_accounts_were_told_apart_comes_back_too(
    house: House, people: People, servers: Running
) -> None:
    first, second = [await registered(people, vendor_code=f"V-{number}") for number in range(2)]
    accept = {"with_ids": [str(first)], "reason": "same_business"}
    assert (await people.reconciler.post(f"payees/{second}/accept-shared-account", accept)).status_code == 200
    url = await opened(house, servers)
    config = databases.alembic_config("reintegration", url)
    await asyncio.to_thread(command.downgrade, config, "reintegration_124")
    owner = await asyncpg.connect(url)
    await owner.execute("SET ROLE reintegration_owner")
    # As events of then: they do not say of which accounts it was found.
    await owner.execute("ALTER TABLE event_log DISABLE TRIGGER USER")
    said = "cast(convert_from(leaf, 'UTF8') AS jsonb) #- '{data,accounts}'"
    changed = await owner.execute(f"UPDATE event_log SET leaf = convert_to(cast({said} AS text), 'UTF8') WHERE type LIKE '%shared_account_accepted%'")
    assert changed == "UPDATE 1"
    await owner.execute("ALTER TABLE event_log ENABLE TRIGGER USER")
    await asyncio.to_thread(command.upgrade, config, "reintegration_135")
    await owner.execute("UPDATE payee_accounts SET stated_by = $2 WHERE payee_id = $1", first, RECONCILER.person_id)
    kept = "SELECT s FROM payee_shares s"
    before = [tuple(row["s"]) for row in await owner.fetch(kept)]
    assert len(before) == 1
    await asyncio.to_thread(databases.upgrade, "reintegration", url)
    assert await owner.fetch(kept) == []
    await asyncio.to_thread(command.downgrade, config, "reintegration_135")
    assert [tuple(row["s"]) for row in await owner.fetch(kept)] == before
    await asyncio.to_thread(databases.upgrade, "reintegration", url)
    await owner.close()
