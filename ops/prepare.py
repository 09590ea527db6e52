"""The job that a deployment runs once per release: roles, databases and tables on the server of AVRR_DATABASE_URL."""

import asyncio
import os
import re
import sys
from collections.abc import Callable, Mapping

import asyncpg
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from ops import databases
from ops.database_server import PostgresAddress, check_server, connect, private_log, told_in_its_log
from ops.settings import CannotStart
from shared.starting import begin

DATABASE_URL = "AVRR_DATABASE_URL"
PASSWORDS: Mapping[str, str] = {f"AVRR_PASSWORD_{role.upper()}": role for role in databases.role_names()}
"""Which variable holds the password of which role."""

# Deployments write these passwords into addresses, where every other character would need an escape.
_USABLE = re.compile(r"[A-Za-z0-9._~-]{20,}")


def role_passwords(environment: Mapping[str, str]) -> dict[str, str]:
    """The password of each role; `CannotStart` names the variables that are missing, unusable or alike."""
    missing = [variable for variable in PASSWORDS if not environment.get(variable)]
    if missing:
        raise CannotStart("password_missing", f"{', '.join(missing)} must be set")
    unusable = [variable for variable in PASSWORDS if not _USABLE.fullmatch(environment[variable])]
    if unusable:
        raise CannotStart(
            "password_unusable",
            f"{', '.join(unusable)} must be at least 20 characters out of A-Z a-z 0-9 . _ ~ -",
        )
    first_with: dict[str, str] = {}
    for variable in PASSWORDS:
        first = first_with.setdefault(environment[variable], variable)
        if first != variable:
            raise CannotStart("password_repeated", f"{first} and {variable} must not be the same")
    return {role: environment[variable] for variable, role in PASSWORDS.items()}


async def prepare(environment: Mapping[str, str], warn: Callable[[str], None]) -> bool:
    """Makes what is missing and migrates what is old; harmless when repeated. `CannotStart` says what is wrong.

    What is not wrong and should be otherwise is told to ``warn``: a server whose log may repeat values of rows, and each database
    that a later release migrated, which is left as it is. False if there is such a one.
    """
    url = environment.get(DATABASE_URL)
    if not url:
        raise CannotStart("database_url_missing", f"{DATABASE_URL} must be set")
    passwords = role_passwords(environment)
    server = PostgresAddress.from_url(url)
    await check_server(server)
    left: list[str] = []
    try:
        await databases.prepare(server, passwords, left.append)
        await _say_what_its_log_tells(server, warn)
    except asyncpg.InsufficientPrivilegeError:
        raise CannotStart(
            "database_rights", f"the login of {DATABASE_URL} may not make these roles and databases"
        ) from None
    except asyncpg.PostgresError as error:
        raise _refused(type(error).__name__, error.sqlstate) from None
    except DBAPIError as error:
        raise _refused(type(error.orig).__name__, getattr(error.orig, "sqlstate", None)) from None
    except CommandError as error:
        raise CannotStart("revisions", f"the revisions of this release do not fit: {error}") from None
    except (OSError, TimeoutError):
        raise CannotStart("database_lost", f"the server of {DATABASE_URL} stopped answering") from None
    for sentence in left:
        warn(sentence)
    return not left


async def _say_what_its_log_tells(server: PostgresAddress, warn: Callable[[str], None]) -> None:
    connection = await connect(server)
    try:
        telling = await told_in_its_log(connection)
    finally:
        await connection.close()
    if telling:
        warn(f"the server's own log may repeat values of rows, which may be personal: {', '.join(telling)}. {private_log(telling)}")


def _warned(sentence: str) -> None:
    print(f"avrr: {sentence}", file=sys.stderr)


def main() -> int:
    """Runs the job; 1 after one line that says why it could not be done."""
    begin()
    try:
        ours = asyncio.run(prepare(os.environ, _warned))
    except CannotStart as refusal:
        print(f"avrr: {refusal.sentence}", file=sys.stderr)
        return 1
    print("avrr: all databases are up to date" if ours else "avrr: this release runs with all databases as they are")
    return 0


def _refused(kind: str, sqlstate: str | None) -> CannotStart:
    # The server's own sentence may quote a statement, and with it a password; its log has it for those who may look.
    return CannotStart("database_refused", f"PostgreSQL refuses: {kind} ({sqlstate}); its log says more")


if __name__ == "__main__":
    sys.exit(main())
