"""A file that was imported before a second person had to confirm counts after the migration, and its row says why."""

import asyncio

import asyncpg
import pytest
from alembic import command

from ops import databases
from ops.supervisor import Running
from shared.topology import BY_NAME
from tests.integration.conftest import PASSWORDS

_IMPORT = (
    "INSERT INTO bank_files (id, version, file_kind, sha256, lines, lines_sha256, statements, identification, instruction_id, imported_by, "
    "imported_at) VALUES (gen_random_uuid(), 1, 'status_report', $1, 0, '', '[]', $1, gen_random_uuid(), 'staff:one', now())"
)


async def test_what_one_person_imported_before_counts_and_a_file_that_waits_keeps_the_migration_from_being_taken_back(
    roles: Running,
) -> None:
    name = "bank_files_of_before"
    admin = await asyncpg.connect(roles.postgres.url)
    await databases.make_database(admin, BY_NAME["reintegration"], name)
    url = databases.logins(roles.postgres, BY_NAME["reintegration"], PASSWORDS, name).migrate
    config = databases.alembic_config("reintegration", url)
    await asyncio.to_thread(command.upgrade, config, "reintegration_80")
    connection = await asyncpg.connect(url)
    await connection.execute("SET ROLE reintegration_owner")
    await connection.execute(_IMPORT, "BEFORE-1")
    await asyncio.to_thread(command.upgrade, config, "reintegration_73")
    row = await connection.fetchrow("SELECT status, before_rule, confirmed_by, acted_by FROM bank_files")
    assert row is not None
    assert tuple(row.values()) == ("confirmed", True, None, "staff:one")
    # From here on nobody's file begins so, and what waits would count if the migration were taken back.
    with pytest.raises(asyncpg.NotNullViolationError):
        await connection.execute(_IMPORT, "AFTER-1")
    await asyncio.to_thread(command.downgrade, config, "reintegration_80")
    await asyncio.to_thread(command.upgrade, config, "reintegration_73")
    await connection.execute(
        "INSERT INTO bank_files SELECT gen_random_uuid(), 1, file_kind, 'AFTER-1', 0, '', '[]', 'AFTER-1', gen_random_uuid(), imported_by, "
        "imported_at, imported_by, 'unconfirmed', false FROM bank_files"
    )
    with pytest.raises(Exception, match="that nobody confirmed"):
        await asyncio.to_thread(command.downgrade, config, "reintegration_80")
    await connection.close()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
