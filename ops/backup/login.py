"""The login that copies: it may read the write-ahead log and the files as they are, and no table."""

from dataclasses import replace
from typing import Final

import asyncpg

from ops.backup.programs import Programs
from ops.database_server import PostgresAddress, connect
from ops.embedded.postgres import find_binaries
from ops.secrets import Secrets
from ops.settings import CannotStart, OpsSettings

ROLE: Final = "avrr_backup"


async def backup_login(settings: OpsSettings, administrator: PostgresAddress) -> tuple[PostgresAddress, Programs]:
    """The server as the login that copies reaches it, which is made if it is not there, and the programs that copy it.

    `CannotStart` where nobody answers, or where the administrator may not make such a login, as on most managed servers.
    """
    password = Secrets(settings.secrets_folder).password(ROLE)
    try:
        admin = await connect(administrator)
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError):
        raise CannotStart("not_running", "The database does not answer: start it with ./avrr up first.") from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotStart("database_refused", f"PostgreSQL refuses its administrator: {type(error).__name__}") from None
    try:
        version = int(await admin.fetchval("SELECT current_setting('server_version_num')"))
        verb = "ALTER" if await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", ROLE) else "CREATE"
        quoted = await admin.fetchval("SELECT quote_literal($1::text)", password)
        await admin.execute(
            f"{verb} ROLE {ROLE} LOGIN REPLICATION NOINHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT 8 PASSWORD {quoted}"
        )
    except asyncpg.InsufficientPrivilegeError:
        raise CannotStart(
            "backup_rights",
            "This server lets nobody copy it from outside (no login with REPLICATION can be made): "
            "use the backups of whoever runs it, and keep the secrets folder yourself.",
        ) from None
    finally:
        await admin.close()
    return replace(administrator, user=ROLE, password=password, database="postgres"), programs_of(settings, version // 10000)


def programs_of(settings: OpsSettings, major: int) -> Programs:
    """The programs of a PostgreSQL of this version; `CannotStart` where those that are found are of another."""
    binaries = find_binaries(settings.pg_bin)
    if binaries.major != major:
        raise CannotStart(
            "backup_programs_other_version",
            f"PostgreSQL {major} is needed and {binaries.folder} holds {binaries.major}: "
            "name the folder of its programs in AVRR_PG_BIN.",
        )
    return Programs(binaries.folder)
