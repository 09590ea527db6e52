"""What the databases say: whether they answer, are migrated, let each login do no more than it needs, and have our time."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from ops import revisions
from ops.database_server import private_log, told_in_its_log
from ops.databases import LOGINS
from ops.doctor.findings import Finding, warning, well, wrong
from shared.topology import Service

# How far the server's clock may be from ours: facts must be younger than a minute before somebody may board.
SKEW: Final = timedelta(seconds=2)
MOST_SKEW: Final = timedelta(seconds=30)
_PATIENCE: Final = 5.0
_TOO_MUCH: Final = (
    "SELECT rolname FROM pg_roles WHERE rolname = ANY ($1::text[]) "
    "AND (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication) "
    "UNION SELECT m.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid "
    "WHERE m.rolname = ANY ($1::text[]) AND m.rolname <> $2 AND (r.rolname = $3 OR r.rolname LIKE 'pg\\_%') "
    "UNION SELECT r.rolname FROM pg_roles r WHERE r.rolname = ANY ($1::text[]) AND r.rolname <> $2 "
    "AND (has_table_privilege(r.oid, 'event_log', 'INSERT') OR has_table_privilege(r.oid, 'event_log', 'UPDATE') "
    "OR has_table_privilege(r.oid, 'event_log', 'DELETE') OR has_table_privilege(r.oid, 'event_log', 'TRUNCATE')) ORDER BY 1"
)


async def database(service: Service, url: str, present: Callable[[], datetime]) -> list[Finding]:
    """What is wrong with one service's database, reached in the role of its owner or by the login that reads everything."""
    name = service.name
    try:
        async with asyncio.timeout(_PATIENCE):
            connection = await asyncpg.connect(url, timeout=_PATIENCE)
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        refused = isinstance(error, asyncpg.PostgresError)
        said = "refuses our login" if refused else "cannot be reached"
        do = (
            "Look whether passwords were changed, or the database was never made: python -m ops.prepare."
            if refused else "Start PostgreSQL, and look at the last lines of its log: a full disk and a wrong address are told there."
        )  # fmt: skip
        return [wrong("database", f"The database of {name} {said}.", do)]
    try:
        async with asyncio.timeout(_PATIENCE):
            return await _looked_at(service, connection, present)
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        return [wrong("database", f"The database of {name} does not answer ({type(error).__name__}).", "Look at its log and load.")]
    finally:
        connection.terminate()


async def _looked_at(
    service: Service, connection: "asyncpg.Connection[asyncpg.Record]", present: Callable[[], datetime]
) -> list[Finding]:
    name, found = service.name, []
    place = await revisions.place_in(name, connection)
    has = place.revision != revisions.NONE
    found += _standing(name, place)
    if has:
        logins = [f"{name}_{kind}" for kind in LOGINS]
        more = [row["rolname"] for row in await connection.fetch(_TOO_MUCH, logins, f"{name}_migrate", f"{name}_owner")]
        if more:
            found.append(
                wrong(
                    "logins", f"{', '.join(more)} may do more in the database than it needs.",
                    "Find out who gave it that, take it away, and run python -m ops.prepare. Until then trust no row that it could have changed.",
                )
            )  # fmt: skip
    # Said of the server and not of the one database: all of them have the same to say.
    telling = await told_in_its_log(connection)
    if telling:
        found.append(
            warning("server_log", f"PostgreSQL's own log may repeat values of rows, which may be personal: {', '.join(telling)}.", private_log(telling))
        )  # fmt: skip
    before = present()
    told = await connection.fetchval("SELECT clock_timestamp()")
    after = present()
    apart = max(before - told, told - after, timedelta())
    found += skew("database", f"the database of {name}", apart)
    return found or [well("database", f"The database of {name} answers, is migrated, and its logins may do no more than they need.")]


def _standing(name: str, place: revisions.Place) -> list[Finding]:
    """What it means that a database is at this revision."""
    if place.standing == "newest":
        return []
    if place.standing == "later":
        return [
            warning(
                "migrations", f"The database of {name} is at revision {place.revision}, which a later release made; this one runs with it.",
                "Go forward again soon (docs/upgrading.md, Going back): until then its rows are not verified, and RowsNotLookedAt says so.",
            )
        ]  # fmt: skip
    if (refusal := place.refusal(name)) is not None:
        return [wrong("migrations", refusal.sentence, "Until then start no process of this version.")]
    needs = ", ".join(sorted(revisions.newest(name)))
    return [
        wrong(
            "migrations", f"The database of {name} is at revision {place.revision}, this version needs {needs}.",
            "Run python -m ops.prepare of this version.",
        )
    ]  # fmt: skip


def skew(check: str, whose: str, apart: timedelta) -> list[Finding]:
    """What it means that a server's clock is so far from ours."""
    if apart <= SKEW:
        return []
    said = f"The clock of {whose} and the one of this machine are {apart.total_seconds():.0f} s apart."
    do = "Let both follow the same time servers (chronyc tracking); deadlines, sign-ins and clearances go by these clocks."
    return [(wrong if apart > MOST_SKEW else warning)(check, said, do)]
