"""A database from before proposals were held to the hats is upgraded with what was said there, of which nothing is lost or comes to count."""

import asyncio
import json

import asyncpg
import pytest
from alembic import command

from ops import databases
from ops.settings import CannotStart
from ops.supervisor import Running
from services.reintegration.domain.recovery import ConfirmRecovery, DropRecovery
from services.reintegration.grant_wiring import GRANT
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_own_accounts import own_account
from tests.integration.reintegration.test_recoveries import SECOND, asked_back, back, credited, given_back
from tests.unit.reintegration.examples import PAYER, RECONCILER

people = people_of
_BEFORE = "reintegration_107"
_ROWS = "SELECT id, recovery_proposed, recoveries FROM grants ORDER BY id"
_BY_THE_PAYER = "UPDATE grants SET recovery_proposed = jsonb_set(recovery_proposed, '{proposed_by}', to_jsonb($2::text)) WHERE id = $1"
_COUNTED_OF_THE_PAYER = "UPDATE grants SET recoveries = jsonb_set(recoveries, '{0,proposed_by}', to_jsonb($2::text)) WHERE id = $1"


async def opened(house: House, servers: Running) -> str:
    """The address of its owner, who may make tables again: a copy of the template has the rights of a database in use."""
    url = house.made.logins.migrate
    admin = await asyncpg.connect(servers.postgres.url, database=url.rpartition("/")[2])
    await admin.execute("GRANT CREATE ON SCHEMA public TO reintegration_owner, reintegration_lookup, reintegration_eraser")
    await admin.close()
    return url


async def test_what_was_said_before_survives_the_upgrade_and_is_dropped_by_a_person_or_stays_as_it_counts(
    house: House, servers: Running
) -> None:
    fund_id = await house.fund()
    waits, counted, sound = [await asked_back(house, fund_id) for _ in range(3)]
    for grant_id in (waits, sound):
        await house.give(GRANT, grant_id, back("50.00", f"IN-{grant_id}"), RECONCILER)
    await given_back(house, counted, "50.00", "IN-2")
    url = await opened(house, servers)
    config = databases.alembic_config("reintegration", url)
    await asyncio.to_thread(command.downgrade, config, _BEFORE)
    owner = await asyncpg.connect(url)
    await owner.execute("SET ROLE reintegration_owner")
    # As it came to be: whoever said it released another tranche while it waited, and their row was held to nothing.
    await owner.execute(_BY_THE_PAYER, waits, PAYER.person_id)
    await owner.execute(_COUNTED_OF_THE_PAYER, counted, PAYER.person_id)
    before = await owner.fetch(_ROWS)
    await asyncio.to_thread(databases.upgrade, "reintegration", url)
    assert await owner.fetch(_ROWS) == before
    assert await owner.fetchval("SELECT to_regclass('proposals_set_aside')") is None
    await asyncio.to_thread(databases.upgrade, "reintegration", url)

    # What counted goes on, what waits is nobody's to confirm any more but to drop, and what is sound counts.
    assert await house.try_to(GRANT, waits, ConfirmRecovery(proposal_no=1), SECOND) == "proposed_in_another_part"
    await house.give(GRANT, waits, DropRecovery(proposal_no=1), SECOND)
    await given_back(house, counted, "60.00", "IN-3")
    await house.give(GRANT, sound, ConfirmRecovery(proposal_no=1), SECOND)
    assert [(await house.grant(one)).recovered for one in (waits, counted, sound)] == [0, 110, 50]

    # It is let be, and nothing like it comes: another proposal of that person, or one more that counts.
    for change in (
        "recovery_proposed = jsonb_build_object('proposal_no', 9, 'proposed_by', payer_id)",
        "recoveries = recoveries || jsonb_build_object('recovery_no', 9, 'proposed_by', payer_id)",
        "recoveries = jsonb_set(recoveries, '{1,proposed_by}', to_jsonb(payer_id))",
    ):
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await owner.execute(f"UPDATE grants SET {change} WHERE id = $1", counted)
        assert refused.value.constraint_name == "ck_grants_who_proposed_recovery"
    with pytest.raises(Exception, match="with another part on them said"):
        await asyncio.to_thread(command.downgrade, config, _BEFORE)
    await owner.close()


async def test_an_upgrade_that_broke_off_goes_on_and_puts_back_what_it_set_aside(house: House, servers: Running) -> None:
    grant_id = await asked_back(house, await house.fund())
    await house.give(GRANT, grant_id, back("50.00", "IN-1"), RECONCILER)
    url = await opened(house, servers)
    config = databases.alembic_config("reintegration", url)
    await asyncio.to_thread(command.downgrade, config, _BEFORE)
    owner = await asyncpg.connect(url)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute(_BY_THE_PAYER, grant_id, PAYER.person_id)
    config.attributes["upgrading"] = True
    await asyncio.to_thread(command.upgrade, config, "reintegration_110")
    assert json.loads(await owner.fetchval("SELECT recovery_proposed FROM proposals_set_aside"))["proposed_by"] == PAYER.person_id
    await asyncio.to_thread(databases.upgrade, "reintegration", url)
    assert json.loads(await owner.fetchval("SELECT recovery_proposed FROM grants"))["proposed_by"] == PAYER.person_id
    await owner.close()


@pytest.mark.parametrize("kept", ["with_its_version", "without"])
async def test_an_upgrade_that_broke_off_stops_where_a_grant_changed_before_it_went_on(house: House, servers: Running, kept: str) -> None:
    grant_id = await asked_back(house, await house.fund())
    await house.give(GRANT, grant_id, back("50.00", "IN-1"), RECONCILER)
    url = await opened(house, servers)
    config = databases.alembic_config("reintegration", url)
    await asyncio.to_thread(command.downgrade, config, _BEFORE)
    owner = await asyncpg.connect(url)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute(_BY_THE_PAYER, grant_id, PAYER.person_id)
    config.attributes["upgrading"] = True
    await asyncio.to_thread(command.upgrade, config, "reintegration_110")
    if kept == "without":
        await owner.execute("ALTER TABLE proposals_set_aside DROP COLUMN version")
    # As the service would: the proposal is dropped, and what it said is not to come back.
    await owner.execute("UPDATE grants SET version = version + 1, recovery_proposed = NULL WHERE id = $1", grant_id)
    for _ in range(2):
        with pytest.raises(CannotStart, match=f"broke off, and 1 grants .*{grant_id}.* Nothing was put back"):
            await asyncio.to_thread(databases.upgrade, "reintegration", url)
    assert await owner.fetchval("SELECT recovery_proposed FROM grants WHERE id = $1", grant_id) is None
    assert json.loads(await owner.fetchval("SELECT recovery_proposed FROM proposals_set_aside"))["proposed_by"] == PAYER.person_id
    await owner.close()


@pytest.mark.parametrize(
    ("table", "change", "says"),
    [
        ("payees", "clearers = ARRAY['staff:one']", "cleared what a list of sanctions says"),
        ("payment_attempts", "reason = 'not_answered', end_asked_by = 'staff:one'", "the bank never answered"),
        ("bank_lines", "names_several = true", "name several payments"),
    ],
    ids=["cleared", "unanswered", "several"],
)
async def test_what_only_a_column_of_former_revisions_says_keeps_them_from_being_taken_back(
    house: House, servers: Running, people: People, table: str, change: str, says: str
) -> None:
    await asked_back(house, await house.fund())
    await own_account(people)
    await credited(people, "50.00")
    url = await opened(house, servers)
    config = databases.alembic_config("reintegration", url)
    # What came later is taken back first: it is not what this is about.
    await asyncio.to_thread(command.downgrade, config, "reintegration_114")
    admin = await asyncpg.connect(servers.postgres.url, database=url.rpartition("/")[2])
    # Rows that the core would need a month to make: what else they are held to is let go of.
    await admin.execute("SET session_replication_role = replica")
    for row in await admin.fetch("SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = $1::text::regclass", table):
        await admin.execute(f"ALTER TABLE {table} DROP CONSTRAINT {row['conname']}")
    assert await admin.execute(f"UPDATE {table} SET {change}") != "UPDATE 0"
    await admin.close()
    with pytest.raises(Exception, match=says):
        await asyncio.to_thread(command.downgrade, config, "reintegration_102")
