"""What the doctor says of a real database, broken in the ways that it names."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from ops.databases import Logins
from ops.doctor.databases import database
from ops.doctor.findings import Finding
from ops.supervisor import Running
from ops.system import in_role_of_owner
from shared.topology import COUNSELLING
from tests.integration.conftest import MakeDatabase


def present() -> datetime:
    return datetime.now(UTC)


async def looked_at(logins: Logins, now: Callable[[], datetime] = present) -> list[Finding]:
    return await database(COUNSELLING, in_role_of_owner(logins.migrate, COUNSELLING), now)


async def test_a_database_that_is_as_it_should_be_is_well(make_database: MakeDatabase) -> None:
    assert [one.level for one in await looked_at((await make_database("counselling")).logins)] == ["well"]


async def test_a_database_at_another_revision_is_told(make_database: MakeDatabase) -> None:
    logins = (await make_database("counselling")).logins
    owner = await asyncpg.connect(in_role_of_owner(logins.migrate, COUNSELLING))
    await owner.execute("UPDATE alembic_version SET version_num = 'counselling_1'")
    await owner.close()
    (found,) = await looked_at(logins)
    assert (found.check, found.level, "counselling_1" in found.sentence) == ("migrations", "wrong", True)


async def test_a_login_that_may_do_more_than_it_needs_is_told(make_database: MakeDatabase) -> None:
    logins = (await make_database("counselling")).logins
    owner = await asyncpg.connect(in_role_of_owner(logins.migrate, COUNSELLING))
    await owner.execute("GRANT INSERT ON event_log TO counselling_worker")
    await owner.close()
    (found,) = await looked_at(logins)
    assert (found.check, found.level) == ("logins", "wrong")
    assert found.sentence.startswith("counselling_worker may do more")


@pytest.mark.parametrize("of", ["DATABASE {0}", "ROLE counselling_worker IN DATABASE {0}"], ids=["of all", "of one login"])
async def test_a_server_whose_own_log_repeats_values_of_rows_is_told(servers: Running, make_database: MakeDatabase, of: str) -> None:
    logins = (await make_database("counselling")).logins
    administrator = await asyncpg.connect(servers.postgres.url)
    name = logins.api.rpartition("/")[2]
    await administrator.execute(f"ALTER {of.format(name)} SET log_error_verbosity = 'verbose'")
    try:
        (found,) = await looked_at(logins)
    finally:
        await administrator.execute(f"ALTER {of.format(name)} RESET log_error_verbosity")
        await administrator.close()
    assert (found.check, found.level, "log_error_verbosity=verbose" in found.sentence) == ("server_log", "warning", True)
    assert "log_error_verbosity = terse" in found.do


async def test_the_login_that_reads_everything_sees_as_much(make_database: MakeDatabase) -> None:
    logins = (await make_database("counselling")).logins
    assert [one.level for one in await database(COUNSELLING, logins.verify, present)] == ["well"]
    owner = await asyncpg.connect(in_role_of_owner(logins.migrate, COUNSELLING))
    await owner.execute("GRANT INSERT ON event_log TO counselling_worker")
    await owner.execute("UPDATE alembic_version SET version_num = 'counselling_1'")
    await owner.close()
    found = await database(COUNSELLING, logins.verify, present)
    assert [one.check for one in found] == ["migrations", "logins"]


async def test_a_clock_that_is_apart_is_told(make_database: MakeDatabase) -> None:
    logins = (await make_database("counselling")).logins
    (found,) = await looked_at(logins, lambda: present() + timedelta(minutes=2, milliseconds=450))
    assert (found.level, "120 s apart" in found.sentence) == ("wrong", True)


async def test_a_database_that_refuses_or_is_away_is_told(make_database: MakeDatabase) -> None:
    logins = (await make_database("counselling")).logins
    for url, said in (
        (logins.migrate.replace(":invented-for-tests", ":another"), "refuses our login"),
        ("postgresql://counselling_migrate:x@127.0.0.1:1/counselling", "cannot be reached"),
    ):
        (found,) = await database(COUNSELLING, url, present)
        assert (found.level, said in found.sentence) == ("wrong", True)
