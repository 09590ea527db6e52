"""The portal's database: made by its revisions as the code has it, closed to everybody but its own login."""

import asyncio

import asyncpg
import pytest

from ops import databases
from ops.supervisor import Running
from services.portal.tables import METADATA
from shared.topology import BY_NAME, PORTAL
from tests.integration.conftest import PASSWORDS

TABLES = set(METADATA.tables)


async def test_the_tables_in_the_database_are_those_in_the_code(front: databases.FrontLogins) -> None:
    await asyncio.to_thread(databases.check, PORTAL.name, front.migrate)


async def test_the_revision_can_be_taken_back_and_made_again(
    servers: Running, front: databases.FrontLogins
) -> None:
    name = "there_and_back_portal"
    admin = await asyncpg.connect(servers.postgres.url)
    await databases.make_database(admin, PORTAL, name)
    url = databases.front_logins(servers.postgres, PASSWORDS, name).migrate
    await asyncio.to_thread(databases.upgrade, PORTAL.name, url)
    await asyncio.to_thread(databases.downgrade, PORTAL.name, url)
    connection = await asyncpg.connect(url)
    left = await connection.fetch("SELECT tablename, rowsecurity FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert [tuple(row.values()) for row in left] == [("alembic_version", False)]
    await asyncio.to_thread(databases.upgrade, PORTAL.name, url)
    await asyncio.to_thread(databases.check, PORTAL.name, url)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def test_row_security_holds_for_every_table_with_one_named_policy_for_each_who_may(
    front: databases.FrontLogins,
) -> None:
    connection = await asyncpg.connect(front.migrate)
    held = await connection.fetch(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS held FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'f', 'v', 'm')"
    )
    policies = await connection.fetch("SELECT tablename, roles::text[] AS roles, cmd, qual, with_check FROM pg_policies")
    functions = await connection.fetchval("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    mighty = await connection.fetch(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'portal%' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)"
    )
    await connection.close()
    assert {row["relname"]: row["held"] for row in held} == dict.fromkeys({*TABLES, "alembic_version"}, True)
    expected = {(table, ("portal_api",)) for table in TABLES} | {
        (table, ("portal_owner",)) for table in {*TABLES, "alembic_version"}
    }
    assert {(row["tablename"], tuple(row["roles"])) for row in policies} == expected
    assert len(policies) == len(expected)
    assert {(row["cmd"], row["qual"], row["with_check"]) for row in policies} == {("ALL", "true", "true")}
    assert (functions, mighty) == (0, [])


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE mine (id int)", "TRUNCATE browser_sessions", "SELECT * FROM alembic_version", "DROP TABLE kept_forms",
     "ALTER TABLE browser_sessions DISABLE ROW LEVEL SECURITY", "SET ROLE portal_owner", "CREATE ROLE somebody"],
)  # fmt: skip
async def test_the_login_of_the_pages_touches_the_rows_of_its_tables_and_nothing_else(
    statement: str, front: databases.FrontLogins
) -> None:
    connection = await asyncpg.connect(front.api)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


async def test_the_portal_opens_no_services_database_and_no_service_the_portals(
    roles: Running, front: databases.FrontLogins
) -> None:
    name = front.api.rpartition("/")[2]
    service = databases.logins(roles.postgres, BY_NAME["returns"], PASSWORDS, name)
    for url in (service.api, service.worker, service.migrate, service.verify):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(url)
