"""Connections and the unit of work: hoisted SQL run by asyncpg, one write at the end, the log last and with COMMIT."""

import asyncio
import contextlib
import copy
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

from shared import tracing
from shared.appending import Leaf, appending, columns, placed

if TYPE_CHECKING:
    from shared.private import PersonKeys

Result = TypeVar("Result")

_DIALECT = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
# Every character of a person id that `auth` accepts, and none that could end the literal it stands in.
_SAFE = re.compile(r"[A-Za-z0-9:._@,|/+=\-]{0,20000}")
_PLACE = re.compile(r"\$(\d+)")

INFRASTRUCTURE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What a connection says that has heard the server's farewell and not yet the end of the line.
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
CONTENTION = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    # What was prepared before a table was altered is prepared anew for the next try.
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)


class Busy(Exception):
    """No connection became free in time; the caller may try again soon."""


class WriteConflict(Exception):
    """A write met rows other than those that were read; the whole command is to be tried again."""


class SetBack(Exception):
    """The database was set back to an earlier time, and takes no change before two persons accept that (`shared.set_back`)."""


class NotYetTold(Exception):
    """Nobody has said yet whether the database was set back since the process started, so that it takes nothing (`shared.set_back`)."""


class NotCommitted(Exception):
    """The server rolled a transaction back that was to be committed, because an error in it had been passed over."""


class Sql:
    """One statement, written in SQLAlchemy Core or as text with ``:names``, compiled once for asyncpg."""

    def __init__(self, statement: sa.ClauseElement | str) -> None:
        clause = sa.text(statement) if isinstance(statement, str) else statement
        compiled = clause.compile(dialect=_DIALECT)
        self.text = str(compiled)
        self._names: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        self._constants: Mapping[str, object] = {k: v for k, v in compiled.params.items() if v is not None}

    def first(self, most: int) -> "Sql":
        """The same query, of which no more than so many rows are answered."""
        found = copy.copy(self)
        found.text = f"SELECT * FROM ({self.text}) found LIMIT {most}"
        return found

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        """The values in the order of the statement's places; KeyError if one is missing."""
        return [values[name] if name in values else self._constants[name] for name in self._names]


@dataclass(frozen=True, slots=True)
class Write:
    """One change of rows that is part of a command's single write; ``rows`` is how many it must touch."""

    sql: Sql
    values: Mapping[str, object]
    rows: int | None = 1


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom a transaction runs and how far it may see; row security reads it, and an empty list is nothing.

    ``log`` is whether it may read the event log.
    """

    actor_id: str
    countries: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    log: bool = False


def _shifted(text: str, by: int) -> str:
    return _PLACE.sub(lambda place: f"${int(place[1]) + by}", text)


@lru_cache(maxsize=2048)
def _combined(parts: tuple[tuple[str, int, int | None], ...], append: bool) -> str:
    """All writes of a command as one statement that counts its parts, and fails unless they agree; or appends then."""
    with_clauses: list[str] = []
    checks: list[str] = []
    offset = 0
    for number, (text, places, rows) in enumerate(parts):
        shifted = _shifted(text, offset)
        with_clauses.append(f"w{number} AS ({shifted} RETURNING 1)")
        checks.append(f"(SELECT count(*) FROM w{number}) {'>= 0' if rows is None else f'= {rows}'}")
        offset += places
    then = placed(offset + 1) if append else "0"
    if not parts:
        return f"SELECT {then}"
    return f"WITH {', '.join(with_clauses)} SELECT CASE WHEN {' AND '.join(checks)} THEN {then} ELSE refuse_write() END"


class UnitOfWork:
    """One transaction: reads at once, writes gathered, the log appended to immediately before COMMIT."""

    def __init__(
        self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", counts: "Counts",
        keys: "PersonKeys | None" = None,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._counts = counts
        self._keys = keys
        self._writes: list[Write] = []
        self._leaves: list[Leaf] = []
        self._log_first = False
        # The events of this transaction that were handed to the database, by id and type.
        self.appended: tuple[tuple[UUID, str], ...] = ()

    @property
    def keys(self) -> "PersonKeys":
        """The keys under which personal values are sealed here; a programming error where there are none."""
        if self._keys is None:
            raise LookupError("this transaction opens no personal values")
        return self._keys

    async def rows(self, sql: Sql, **values: object) -> list[asyncpg.Record]:
        """Every row that a query answers, seeing what this transaction has written so far."""
        await self.flush()
        self._counts.statements += 1
        return await self._connection.fetch(sql.text, *sql.arguments(values))

    async def row(self, sql: Sql, **values: object) -> asyncpg.Record | None:
        """The first row that a query answers."""
        await self.flush()
        self._counts.statements += 1
        return await self._connection.fetchrow(sql.text, *sql.arguments(values))

    def write(self, *writes: Write) -> None:
        """Gathers changes; they run with the next flush or at the end."""
        self._writes.extend(writes)

    def append(self, *leaves: Leaf) -> None:
        """Gathers events; they enter the log as the transaction's last act."""
        self._leaves.extend(leaves)

    def log_first(self) -> None:
        """From now on the log is appended to within the last statement, before triggers fire behind its rows: these see whatever
        anybody appended, and nobody appends until this is committed.
        """
        self._log_first = True

    async def flush(self) -> None:
        """Runs the gathered changes, so that later reads of this transaction see them."""
        if self._writes:
            await self._run(())

    async def commit(self) -> bool:
        """Runs what is gathered, appends to the log and commits in one trip; says whether the log grew.

        `NotCommitted` where the server rolled back, because an error in the transaction had been passed over.
        """
        leaves, self._leaves = tuple(self._leaves), []
        if leaves and self._log_first:
            await self._run(leaves)
        else:
            await self.flush()
        appended = f"{appending(leaves)}; " if leaves and not self._log_first else ""
        self._counts.statements += 1
        with _by_name():
            # In a transaction that met an error COMMIT is no error: the server rolls back and says so.
            if await self._connection.execute(f"{appended}COMMIT") != "COMMIT":
                raise NotCommitted
        if tracing.is_on():
            self.appended += tuple((leaf.id, leaf.type) for leaf in leaves)
        return bool(leaves)

    async def _run(self, leaves: Sequence[Leaf]) -> None:
        writes, self._writes = self._writes, []
        arguments: list[object] = []
        parts: list[tuple[str, int, int | None]] = []
        for write in writes:
            mine = write.sql.arguments(write.values)
            parts.append((write.sql.text, len(mine), write.rows))
            arguments.extend(mine)
        if leaves:
            arguments += columns(leaves)
        self._counts.statements += 1
        with _by_name():
            await self._connection.fetchval(_combined(tuple(parts), bool(leaves)), *arguments)


@contextlib.contextmanager
def _by_name() -> Iterator[None]:
    """What the log's functions refuse, by the exception of it."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if error.sqlstate == "AV001":
            raise WriteConflict from None
        if error.sqlstate == "AV004":
            raise SetBack from None
        raise


@lru_cache(maxsize=1024)
def _listed(values: frozenset[str]) -> str:
    # Most scopes are the one of all countries.
    return ",".join(sorted(values))


@lru_cache(maxsize=1024)
def begin_for(scope: Scope, notify: bool, how: str = "") -> str:
    """What begins a transaction for a scope, put together once for each; ValueError for a character that could end a literal."""
    settings = {
        "app.actor": scope.actor_id,
        "app.countries": _listed(scope.countries),
        "app.sites": _listed(scope.sites),
        "app.log": "on" if scope.log else "off",
        "app.notify": "on" if notify else "off",
    }
    if not all(_SAFE.fullmatch(value) for value in settings.values()):
        raise ValueError("a scope holds a character that a setting may not have")
    set_all = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())
    return f"BEGIN{how}; SELECT {set_all}"


def _nobody_waits() -> None:
    """Where no relay runs in this process, nobody needs waking after a commit."""


@dataclass(slots=True)
class Counts:
    """What one process asked of its database."""

    statements: int = 0
    transactions: int = 0


async def _keep_as_is(_: object) -> None:
    """asyncpg would send a reset query at each release; our transactions leave no session state behind."""


@dataclass(slots=True)
class Database:
    """The pool of one login of one service.

    ``statements_kept`` is how many prepared statements each of its connections remembers: the server keeps a plan of each.
    """

    url: str
    name: str
    size: int = 8
    notify: bool = False
    queue_seconds: float = 2.0
    statement_seconds: int = 10
    statements_kept: int = 100
    on_append: Callable[[], None] = _nobody_waits
    counts: Counts = field(default_factory=Counts)
    keys: "PersonKeys | None" = None
    _pool: "asyncpg.Pool[asyncpg.Record] | None" = None

    async def open(self) -> None:
        """Makes the pool; no connection is needed yet, so a service may start before its database."""
        self._pool = await asyncpg.create_pool(
            self.url, min_size=0, max_size=self.size, reset=_keep_as_is, command_timeout=self.statement_seconds + 5,
            max_inactive_connection_lifetime=120, timeout=5, statement_cache_size=self.statements_kept,
            server_settings={
                "application_name": self.name, "timezone": "UTC", "statement_timeout": str(self.statement_seconds * 1000),
                "lock_timeout": "5000", "idle_in_transaction_session_timeout": "10000",
                # What a statement of ours might gain by being compiled is far less than the compiler takes.
                "jit": "off",
            },
        )

    async def close(self) -> None:
        """Ends all connections."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(pool.close(), 5)

    async def dispose(self) -> None:
        """Marks pooled connections as stale, so that the next use opens fresh ones."""
        if self._pool is not None:
            await self._pool.expire_connections()

    @contextlib.asynccontextmanager
    async def unit_of_work(self, scope: Scope, *, snapshot: bool = False) -> AsyncIterator[UnitOfWork]:
        """A transaction for one actor: committed at the end, rolled back on any error.

        One that is a ``snapshot`` only reads, and sees in all of its statements what was committed before the first.
        """
        begin = begin_for(scope, self.notify, " ISOLATION LEVEL REPEATABLE READ READ ONLY" if snapshot else "")
        connection = await self._acquired()
        spoken = tracing.connection(connection)
        healthy = False
        try:
            self.counts.statements += 1
            self.counts.transactions += 1
            await spoken.execute(begin)
            unit = UnitOfWork(spoken, self.counts, self.keys)
            try:
                yield unit
                grew = await unit.commit()
            except BaseException:
                # A connection that is gone has rolled back; what the caller hears is what went wrong before.
                with contextlib.suppress(*INFRASTRUCTURE):
                    await connection.execute("ROLLBACK")
                    healthy = True
                raise
            healthy = True
            tracing.appended(unit.appended)
        finally:
            await self._given_back(connection, healthy)
        if grew:
            self.on_append()

    async def alone(self, sql: Sql, **values: object) -> asyncpg.Record | None:
        """The first row of a statement that is a transaction by itself: one trip to the server in place of three.

        It runs in nobody's scope, so that row security shows it what it shows to everybody.
        """
        connection = await self._acquired()
        healthy = False
        try:
            self.counts.statements += 1
            self.counts.transactions += 1
            row = await connection.fetchrow(sql.text, *sql.arguments(values))
            healthy = True
        finally:
            await self._given_back(connection, healthy)
        return row

    async def _acquired(self) -> "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]":
        if self._pool is None:
            raise RuntimeError("the database was not opened")
        try:
            return await self._pool.acquire(timeout=self.queue_seconds)
        except TimeoutError:
            raise Busy from None

    async def _given_back(self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", healthy: bool) -> None:
        if not healthy:
            with contextlib.suppress(asyncpg.InterfaceError):
                connection.terminate()
        if self._pool is not None:
            await self._pool.release(connection)

    async def attempt(
        self, scope: Scope, work: Callable[[UnitOfWork], Awaitable[Result]], tries: int = 6, *, snapshot: bool = False
    ) -> Result:
        """Runs a whole command in one transaction, again from its start when it met another's change.

        A question of several statements that is a ``snapshot`` sees one moment in all of them.
        """
        for left in range(tries - 1, -1, -1):
            try:
                async with self.unit_of_work(scope, snapshot=snapshot) as unit:
                    result = await work(unit)
                return result
            except (*CONTENTION, WriteConflict, asyncpg.UniqueViolationError):
                if left == 0:
                    raise
                await asyncio.sleep(0.005 * (tries - left))
        raise AssertionError("unreachable")
