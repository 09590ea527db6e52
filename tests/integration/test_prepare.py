"""The job of a deployment against a real server."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from ops import databases
from ops.prepare import DATABASE_URL, PASSWORDS
from ops.settings import PROJECT, OpsSettings
from ops.supervisor import Running
from shared.topology import LOGS
from tests.integration.conftest import PASSWORDS as OF_ROLES

# Each time, all revisions of all services are made by a process of its own.
pytestmark = pytest.mark.timeout(600)
GIVEN = {variable: OF_ROLES[role] for variable, role in PASSWORDS.items()}
UNPRIVILEGED = "nobody_of_note"
MANAGER = "manager_of_servers"
# As `migrations/env.py` has it, which can only be read while something migrates.
ADVISORY_LOCK = 7_261_944


async def run_job(url: str) -> tuple[int | None, str]:
    rest = {name: value for name, value in os.environ.items() if not name.startswith("AVRR_")}
    job = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ops.prepare", env={**rest, **GIVEN, DATABASE_URL: url}, cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await job.communicate()
    return job.returncode, said.decode()


@pytest.fixture
async def admin(servers: Running) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(servers.postgres.url)
    yield connection
    for owner in databases.OWNERS:
        await connection.execute(f"DROP DATABASE IF EXISTS {owner.name} WITH (FORCE)")
    await connection.execute(f"DROP ROLE IF EXISTS {UNPRIVILEGED}")
    await connection.close()


async def test_every_login_of_every_service_works_after_the_job_and_after_a_second_one_which_begins_no_migration(
    servers: Running, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    migrating: list[asyncpg.Connection[asyncpg.Record]] = []
    for _ in range(2):
        assert await run_job(servers.postgres.url) == (0, "avrr: all databases are up to date\n")
        for service in LOGS:
            logins = databases.logins(servers.postgres, service, OF_ROLES)
            for url, asked in (
                (logins.api, "SELECT count(*) FROM accesses"), (logins.worker, "SELECT size FROM log_head"),
                (logins.verify, "SELECT size FROM log_head"),
            ):  # fmt: skip
                connection = await asyncpg.connect(url)
                assert await connection.fetchval(asked) == 0
                await connection.close()
            connection = await asyncpg.connect(logins.migrate)
            await connection.execute(f"SET ROLE {service.name}_owner")
            # What every migration takes first, and another would wait for.
            await connection.execute(f"SELECT pg_try_advisory_lock({ADVISORY_LOCK})")
            migrating.append(connection)
    for connection in migrating:
        await connection.close()


async def test_the_portals_logins_work_after_the_job(
    servers: Running, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    assert await run_job(servers.postgres.url) == (0, "avrr: all databases are up to date\n")
    logins = databases.front_logins(servers.postgres, OF_ROLES)
    connection = await asyncpg.connect(logins.api)
    assert await connection.fetchval("SELECT count(*) FROM browser_sessions") == 0
    await connection.close()
    connection = await asyncpg.connect(logins.migrate)
    await connection.execute("SET ROLE portal_owner")
    await connection.close()


async def test_an_administrator_who_is_no_superuser_can_do_the_job_and_do_it_again(tmp_path: Path) -> None:
    # Its roles must be its own, as they are on a managed server, so it needs a server of its own.
    async with Running(OpsSettings(data=tmp_path), services=(), other_ports={}, quiet=True) as running:
        admin = await asyncpg.connect(running.postgres.url)
        await admin.execute(f"CREATE ROLE {MANAGER} LOGIN CREATEROLE CREATEDB PASSWORD 'invented'")
        await admin.close()
        for _ in range(2):
            url = running.postgres.url_for("postgres", MANAGER, "invented")
            assert await run_job(url) == (0, "avrr: all databases are up to date\n")
        for service in LOGS:
            connection = await asyncpg.connect(databases.logins(running.postgres, service, OF_ROLES).verify)
            assert await connection.fetchval("SELECT size FROM log_head") == 0
            await connection.close()


async def test_a_role_that_was_raised_above_row_security_is_put_back(
    servers: Running, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await run_job(servers.postgres.url)
    await admin.execute("ALTER ROLE returns_api BYPASSRLS")
    assert await run_job(servers.postgres.url) == (0, "avrr: all databases are up to date\n")
    assert not await admin.fetchval("SELECT rolbypassrls FROM pg_roles WHERE rolname = 'returns_api'")


async def test_a_server_whose_own_log_repeats_values_of_rows_is_told_and_prepared_all_the_same(
    servers: Running, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    of = f"ROLE {servers.postgres.user} IN DATABASE postgres"
    await admin.execute(f"ALTER {of} SET log_error_verbosity = 'default'")
    try:
        code, said = await run_job(servers.postgres.url)
    finally:
        await admin.execute(f"ALTER {of} RESET log_error_verbosity")
    assert (code, said.endswith("avrr: all databases are up to date\n")) == (0, True)
    assert "log_error_verbosity=default. Set log_error_verbosity = terse on the server" in said


async def test_a_login_without_the_rights_is_refused_with_one_line(
    servers: Running, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await admin.execute(f"CREATE ROLE {UNPRIVILEGED} LOGIN PASSWORD 'invented'")
    url = servers.postgres.url_for("postgres", UNPRIVILEGED, "invented")
    assert await run_job(url) == (
        1, "avrr: the login of AVRR_DATABASE_URL may not make these roles and databases\n"
    )
