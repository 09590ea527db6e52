"""Makes each service's database with its least-privileged logins and brings its tables up to date."""

import asyncio
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from ops import revisions
from ops.database_server import PostgresAddress, connect
from ops.settings import CannotStart
from shared.topology import LOGS, PORTAL, Front, Service

if TYPE_CHECKING:
    from alembic.config import Config

# For so long a revision asks again for a table that others use.
_PATIENCE_SECONDS = 120.0
# What PostgreSQL says of a lock that it did not get in time, and of two that waited for each other.
_TAKEN = ("55P03", "40P01")
_INI = Path(__file__).resolve().parent.parent / "migrations" / "alembic.ini"
LOGINS = ("api", "worker", "migrate", "verify", "checkpoint")
# These change nothing, whatever they are granted.
READING = ("verify", "checkpoint")
# Pages have no log that a worker would relay and nothing that could be verified.
FRONT_LOGINS = ("api", "migrate")
OWNERS: tuple[Service | Front, ...] = (*LOGS, PORTAL)
# Roles that nobody logs in as and that own what sees past row security: a function that looks something up, and what erases.
UNNAMED = (
    "counselling_lookup", "returns_lookup", "reintegration_lookup", "counselling_eraser", "returns_eraser",
    "reintegration_eraser", "audit_lookup",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FrontLogins:
    """The addresses by which the portal's processes reach its database."""

    api: str
    migrate: str


@dataclass(frozen=True, slots=True)
class Logins:
    """The addresses by which one service's processes reach its database."""

    api: str
    worker: str
    migrate: str
    verify: str
    checkpoint: str


def logins(
    server: PostgresAddress, service: Service, passwords: Mapping[str, str], database: str | None = None
) -> Logins:
    """Where a service's database is; ``passwords`` is keyed by role name, e.g. ``returns_api``."""
    name = database or service.name
    roles = [f"{service.name}_{kind}" for kind in LOGINS]
    return Logins(*(server.url_for(name, role, passwords[role]) for role in roles))


def front_logins(server: PostgresAddress, passwords: Mapping[str, str], database: str | None = None) -> FrontLogins:
    """Where the portal's database is; ``passwords`` is keyed as for `logins`."""
    roles = [f"{PORTAL.name}_{kind}" for kind in FRONT_LOGINS]
    return FrontLogins(*(server.url_for(database or PORTAL.name, role, passwords[role]) for role in roles))


def role_names() -> tuple[str, ...]:
    """Every login that needs a password."""
    return tuple(f"{owner.name}_{kind}" for owner in OWNERS for kind in _kinds(owner))


async def prepare(
    server: PostgresAddress, passwords: Mapping[str, str], left: Callable[[str], None] = lambda _: None
) -> dict[str, Logins]:
    """All services' roles and databases and the portal's, migrated; harmless when repeated.

    A database that a later release migrated is left as it is, and ``left`` is told so in a sentence. `CannotStart`, before any is
    migrated, where this release does not run with one, or where one is at what no release made.
    """
    admin = await connect(server)
    try:
        for owner in OWNERS:
            await make_roles(admin, owner, passwords)
            await make_database(admin, owner, owner.name)
    finally:
        await admin.close()
    found = {service.name: logins(server, service, passwords) for service in LOGS}
    reached = {name: one.migrate for name, one in found.items()} | {PORTAL.name: front_logins(server, passwords).migrate}
    # To load all revisions in order to learn that nothing is to be done takes longer than all the rest of this.
    places = {name: await revisions.place_of(name, url) for name, url in reached.items()}
    for name, place in places.items():
        if (refusal := place.refusal(name)) is not None:
            raise refusal
    for name, place in places.items():
        if place.standing == "behind":
            await asyncio.to_thread(upgrade, name, reached[name])
        elif place.standing == "later":
            left(
                f"the database of {name} is at {place.revision}, which a later release made: it is left as it is, "
                "and this release runs with it (docs/upgrading.md, Going back)"
            )
    return found


async def make_roles(
    admin: "asyncpg.Connection[asyncpg.Record]", service: Service | Front, passwords: Mapping[str, str]
) -> None:
    """The owner and who else nobody logs in as, and the logins, with the passwords given."""
    kinds = _kinds(service)
    known = {row["rolname"]: row for row in await admin.fetch("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles")}
    owner = f"{service.name}_owner"
    unnamed = [owner, *(role for role in UNNAMED if role.startswith(f"{service.name}_"))]
    for role in unnamed:
        if role not in known:
            await admin.execute(f"CREATE ROLE {role} NOLOGIN")
    for kind in kinds:
        role = f"{service.name}_{kind}"
        verb = "ALTER" if role in known else "CREATE"
        password = await admin.fetchval("SELECT quote_literal($1::text)", passwords[role])
        await admin.execute(f"{verb} ROLE {role} LOGIN NOCREATEDB NOCREATEROLE PASSWORD {password}")
    # Only a superuser may even mention these two, and a new role has neither.
    for role in (*unnamed, *(f"{service.name}_{kind}" for kind in kinds)):
        if role in known and (known[role]["rolsuper"] or known[role]["rolbypassrls"]):
            await admin.execute(f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS")
    for kind in READING:
        if kind in kinds:
            await admin.execute(f"ALTER ROLE {service.name}_{kind} SET default_transaction_read_only = on")
    await admin.execute(f"GRANT {owner} TO {service.name}_migrate")
    for role in unnamed[1:]:
        await admin.execute(f"GRANT {role} TO {owner}")


async def make_database(admin: "asyncpg.Connection[asyncpg.Record]", service: Service | Front, name: str) -> None:
    """One database that only its own service's roles can connect to."""
    owner = f"{service.name}_owner"
    if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
        # A managed server's administrator is no superuser and may only give away what its own role could own.
        await admin.execute(f"GRANT {owner} TO CURRENT_USER")
        await admin.execute(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'")
    await admin.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    for kind in _kinds(service):
        await admin.execute(f"GRANT CONNECT ON DATABASE {name} TO {service.name}_{kind}")


def alembic_config(service: str, url: str) -> "Config":
    """Alembic's settings for one service's database."""
    from alembic.config import Config  # noqa: PLC0415 -- most commands make no database and need not wait for it

    config = Config(str(_INI))
    config.set_main_option("version_locations", str(_INI.parent / service / "versions"))
    config.attributes["service"] = service
    config.attributes["url"] = url.replace("postgresql://", "postgresql+asyncpg://", 1)
    return config


def upgrade(service: str, url: str, further: Path | None = None) -> None:
    """Brings one database to the newest revision, while it is used or not; runs its own event loop, so call it from a thread.

    A revision that does not soon get a table lets everybody else go on and asks again later; what was made before it stays.
    DBAPIError where one got no lock for two minutes, or met an error. ``further`` is a folder with revisions of a release to come.
    `CannotStart` where what an upgrade that broke off had set aside would be written over what happened since.
    """
    from alembic import command  # noqa: PLC0415 -- as above

    from migrations.before import UpgradeStops  # noqa: PLC0415 -- as above

    config = _config(service, url, further)
    config.attributes["upgrading"] = True
    try:
        _patiently(lambda: command.upgrade(config, "head"))
    except UpgradeStops as stopped:
        raise CannotStart("upgrade_stopped", str(stopped)) from None


def downgrade(service: str, url: str, to: str = "base", further: Path | None = None) -> None:
    """Takes one database back to a revision, in the same manner; to nothing, if none is said."""
    from alembic import command  # noqa: PLC0415 -- as above

    config = _config(service, url, further)
    _patiently(lambda: command.downgrade(config, to))


def check(service: str, url: str) -> None:
    """Raises alembic's CommandError if the tables in code and in the database differ."""
    from alembic import command  # noqa: PLC0415 -- as above

    command.check(alembic_config(service, url))


def _config(service: str, url: str, further: Path | None) -> "Config":
    config = alembic_config(service, url)
    if further is not None:
        config.set_main_option("version_locations", f"{config.get_main_option('version_locations')}{os.pathsep}{further}")
    return config


def _patiently(change: Callable[[], None]) -> None:
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 -- as above

    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return change()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _TAKEN or time.monotonic() > until:
                raise
        # Long enough for those who stood behind it, and not always after the same time.
        time.sleep(random.uniform(0.2, 1.0))  # noqa: S311 -- no secret


def _kinds(owner: Service | Front) -> tuple[str, ...]:
    return FRONT_LOGINS if isinstance(owner, Front) else LOGINS
