"""The PostgreSQL server as its administrator reaches it, whoever runs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

import asyncpg

from ops.ports import LOOPBACK
from ops.settings import CannotStart

OLDEST_MAJOR = 15

# How a server keeps values of rows, which may be personal, out of its own log: DETAIL lines of errors repeat those that broke a
# constraint, and terse leaves them out; neither what statements were handed nor their text, in which an event stands as it is
# appended (`shared.appending`), is in any line.
PRIVATE_LOG: Final[Mapping[str, str]] = {
    "log_error_verbosity": "terse", "log_parameter_max_length": "0", "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic", "log_min_duration_statement": "-1", "log_statement": "none",
}  # fmt: skip
# As it is for this connection, and as it was set for a login or a database.
_TELLS: Final = (
    "SELECT name, setting FROM pg_settings WHERE name = ANY ($1::text[]) "
    "UNION SELECT split_part(said, '=', 1), split_part(said, '=', 2) FROM pg_db_role_setting, unnest(setconfig) AS said "
    "WHERE split_part(said, '=', 1) = ANY ($1::text[]) ORDER BY 1, 2"
)


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where a PostgreSQL server is reached as its administrator; the password is not shown when printed."""

    host: str
    port: int
    user: str
    password: str
    database: str = "postgres"
    options: str = ""

    def __repr__(self) -> str:
        return f"PostgresAddress({self.user}@{self.host}:{self.port}/{self.database})"

    @property
    def url(self) -> str:
        """The administrator's URL, `postgresql://…`."""
        return self.url_for(self.database, self.user, self.password)

    def url_for(self, database: str, user: str, password: str) -> str:
        """The URL of another database or login on the same server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        options = f"?{self.options}" if self.options else ""
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"postgresql://{login}@{host}:{self.port}/{quote(database, safe='')}{options}"

    @classmethod
    def from_url(cls, url: str) -> "PostgresAddress":
        """Reads `postgresql://user:password@host:port/database`; `CannotStart` when it is something else."""
        try:
            parts = urlsplit(url)
            port = parts.port or 5432
        except ValueError:
            parts, port = urlsplit(""), 0
        if (
            parts.scheme.partition("+")[0] not in ("postgresql", "postgres")
            or not parts.hostname
            or not parts.username
        ):
            raise CannotStart(
                "database_url", "AVRR_DATABASE_URL must be postgresql://user:password@host:port/database"
            )
        return cls(
            host=parts.hostname,
            port=port,
            user=unquote(parts.username),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.lstrip("/")) or "postgres",
            options=parts.query,
        )


async def connect(address: PostgresAddress) -> "asyncpg.Connection[asyncpg.Record]":
    """One connection as the administrator; encryption is asked for by the URL's own `sslmode`."""
    if address.options:
        return await asyncpg.connect(address.url, timeout=5)
    return await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database,
        ssl=False if address.host == LOOPBACK else None,
        timeout=5,
    )


async def told_in_its_log(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """The settings by which this server's log would repeat values of rows, each with its value; empty if there are none."""
    found = await connection.fetch(_TELLS, list(PRIVATE_LOG))
    return [f"{row['name']}={row['setting']}" for row in found if row["setting"] != PRIVATE_LOG[row["name"]]]


def private_log(telling: list[str]) -> str:
    """What to do about them, for whoever runs the server; one sentence."""
    names = dict.fromkeys(one.partition("=")[0] for one in telling)
    wanted = ", ".join(f"{name} = {PRIVATE_LOG[name]}" for name in names)
    return f"Set {wanted} on the server, and destroy the logs that it wrote before."


async def check_server(address: PostgresAddress) -> None:
    """Makes sure that a server somebody else runs answers and is new enough; `CannotStart` when not."""
    try:
        connection = await connect(address)
        version = int(await connection.fetchval("SELECT current_setting('server_version_num')::int"))
        await connection.close()
    except (OSError, TimeoutError):
        raise CannotStart(
            "database_unreachable",
            f"no PostgreSQL answers at {address.host}:{address.port} (AVRR_DATABASE_URL)",
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotStart(
            "database_refused", f"PostgreSQL at {address.host}:{address.port} refuses: {type(error).__name__}"
        ) from None
    if version < OLDEST_MAJOR * 10000:
        place = f"{address.host}:{address.port}"
        raise CannotStart(
            "postgres_too_old",
            f"PostgreSQL {OLDEST_MAJOR} or newer is needed; {place} is {version // 10000}",
        )
