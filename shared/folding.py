"""Compares aggregates' rows with the fold of their events: some ids at a time, all of it in one snapshot."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from shared.aggregate import AnyAggregate
from shared.db import Sql, UnitOfWork
from shared.leaves import told_by
from shared.ledger import Disclosure, concealing, opened_disclosure, reveal, rows_of
from shared.messages import Event
from shared.row_keys import MARK, NOTHING_SEALED
from shared.sealing import Unsealed

# Of how many aggregates one transaction compares the rows, and how many of their events are in memory at a time.
AT_A_TIME: Final = 100
_EVENTS: Final = 500
# Of how many ids at a time it is looked whether each has a row and events, and how many without are told.
_PAIRED: Final = 20_000
MOST_UNPAIRED: Final = 1_000
_NOBODY: Final = UUID(int=0)
_UNSEALED: Final = "a part of the row does not stand where it was sealed"

# other: the row differs from its events; missing: there are events and no row; unlogged: a row and no events; broken: the
# events themselves cannot be folded, or say something else than the log; derived: what is kept of rows in another table
# differs from them; log: the log has a gap, or an entry that is not what its hash says.
Fault = Literal["other", "missing", "unlogged", "broken", "derived", "log"]

_DISCLOSURES = Sql("SELECT event_id, path, salt, value FROM disclosure WHERE event_id = ANY(cast(:ids AS uuid[]))")
_EVENTS_OF = Sql(
    "SELECT subject, id, type, aggver, leaf FROM event_log WHERE subject = ANY(cast(:ids AS uuid[])) "
    "AND (subject, aggver) > (:subject, :aggver) ORDER BY subject, aggver LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as the log has it; names of columns and never their values.

    ``kind`` is the aggregate's name, or that of the check; ``about`` the id. Its text is a sentence for whoever runs the
    system.
    """

    kind: str
    about: str
    fault: Fault
    said: str = ""
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        about = self.kind if self.fault in ("derived", "log") else f"{self.kind} {self.about}"
        return f"{about}: {self.said or self.about}"


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison came to, and of how many ids there were events."""

    rows: int
    differences: list[Difference]


class Comparison:
    """Compares the rows of one service with its log; each statement is made once."""

    def __init__(self, service: str, aggregates: Mapping[str, AnyAggregate]) -> None:
        self._service = service
        self._aggregates = aggregates
        self._kinds = {
            name: {kind.kind_in(one.service): kind for kind in one.decider.events} for name, one in aggregates.items()
        }
        self._bodies = Sql(
            " UNION ALL ".join(
                f"SELECT '{name}' AS name, t.id, to_jsonb(t)::text AS body FROM {one.table.name} t WHERE t.id = ANY(cast(:ids AS uuid[]))"
                for name, one in aggregates.items()
            )
        )
        self._ids = Sql(f"SELECT id FROM ({self._known(AT_A_TIME)}) known GROUP BY id ORDER BY id LIMIT {AT_A_TIME}")
        self._unpaired = Sql(
            "WITH known AS (SELECT id, bool_or(logged) AS logged, bool_or(NOT logged) AS kept "
            f"FROM ({self._known(_PAIRED)}) every GROUP BY id ORDER BY id LIMIT {_PAIRED}) "
            "SELECT (SELECT id FROM known ORDER BY id DESC LIMIT 1) AS last, "
            f"ARRAY(SELECT id FROM known WHERE NOT (logged AND kept) ORDER BY id LIMIT {MOST_UNPAIRED}) AS unpaired"
        )

    def _known(self, most: int) -> str:
        # The first of each are enough for the first of all; an index is walked as far as that, however long it is.
        return " UNION ALL ".join(
            [f"(SELECT DISTINCT subject AS id, true AS logged FROM event_log WHERE subject > :after ORDER BY subject LIMIT {most})"]
            + [
                f"(SELECT id, false AS logged FROM {one.table.name} WHERE id > :after ORDER BY id LIMIT {most})"
                for one in self._aggregates.values()
            ]
        )

    async def next_ids(self, unit: UnitOfWork, after: UUID | None) -> list[UUID]:
        """The ids that follow, of events and of rows, in their order; none after the last. None is before the first."""
        rows = await unit.rows(self._ids, after=after or _NOBODY)
        return [*([_NOBODY] if after is None else []), *(row["id"] for row in rows)]

    async def unpaired(self, unit: UnitOfWork, after: UUID | None) -> tuple[UUID | None, list[UUID]]:
        """Of many ids that follow those with events and no row, or a row and no events; and up to which it was looked."""
        row = await unit.row(self._unpaired, after=after or _NOBODY)
        assert row is not None
        unpaired: list[UUID] = list(row["unpaired"])
        return (unpaired[-1] if len(unpaired) == MOST_UNPAIRED else row["last"]), unpaired

    async def compared(self, unit: UnitOfWork, ids: Sequence[UUID]) -> Compared:
        """What of these ids is not as its events have it.

        The transaction has to be a snapshot, so that what is done meanwhile is no difference. Memory is that of these
        rows and of a few hundred events. Raises `EpochsAway` if the keys of sealed parts cannot be unwrapped now.
        """
        found: list[Difference] = []
        bodies = {(row["id"], row["name"]): row["body"] for row in await unit.rows(self._bodies, ids=ids)}
        folded = 0
        async for fold in self._folds(unit, ids):
            folded += 1
            found += fold.found
            if fold.aggregate is not None:
                body = bodies.pop((fold.subject, fold.name), None)
                found += await self._row(unit, fold, body)
            # Folding takes the processor: whoever waits for an answer of this process has a turn between any two.
            await asyncio.sleep(0)
        found += [Difference(name, str(id), "unlogged", "a row without events") for id, name in bodies]
        return Compared(folded, found)

    async def _folds(self, unit: UnitOfWork, ids: Sequence[UUID]) -> AsyncIterator["_Fold"]:
        subject, aggver = _NOBODY, -1
        fold: _Fold | None = None
        while True:
            rows = await unit.rows(_EVENTS_OF, ids=ids, subject=subject, aggver=aggver, limit=_EVENTS)
            for row, entry in zip(rows, await _entries(unit, rows), strict=True):
                if fold is None or row["subject"] != fold.subject:
                    if fold is not None:
                        yield fold.ended()
                    fold = self._begun(row)
                fold.take(entry)
                subject, aggver = row["subject"], row["aggver"]
            if len(rows) < _EVENTS:
                break
        if fold is not None:
            yield fold.ended()

    def _begun(self, row: asyncpg.Record) -> "_Fold":
        name = row["type"].removeprefix(f"avrr.{self._service}.").split(".")[0]
        return _Fold(row["subject"], name, self._aggregates.get(name), self._kinds.get(name, {}))

    async def _row(self, unit: UnitOfWork, fold: "_Fold", body: str | None) -> list[Difference]:
        aggregate, about = fold.aggregate, str(fold.subject)
        assert aggregate is not None
        if fold.broken:
            return []
        if body is None:
            return [Difference(fold.name, about, "missing", "events without a row")]
        try:
            opening = await unit.keys.rows.opening(unit, (body,)) if MARK in body else NOTHING_SEALED
        except Unsealed:
            return [Difference(fold.name, about, "other", _UNSEALED)]
        try:
            version, stored = rows_of(aggregate).parse(body, opening)
        except Unsealed:
            return [Difference(fold.name, about, "other", _UNSEALED)]
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
            # What the rules would never have written; the database's own checks let some of it pass.
            return [Difference(fold.name, about, "other", "the row says what no state of it can")]
        found: list[Difference] = []
        if version != fold.count:
            said = f"version {version} after {fold.count} events"
            found.append(Difference(fold.name, about, "other", said, ("version",)))
        if stored != fold.state:
            columns = tuple(
                one.name for one in fields(aggregate.state) if getattr(stored, one.name) != getattr(fold.state, one.name)
            )
            found.append(Difference(fold.name, about, "other", "the row differs from its events", columns))
        return found


@dataclass(frozen=True, slots=True)
class _Entry:
    version: int
    type: str
    data: dict[str, Any]
    disclosures: dict[str, Disclosure]
    # Whether the leaf, which is what others get, says the same as the columns beside it.
    agrees: bool


class _Fold:
    """The state that the events of one subject make, taken one after the other."""

    def __init__(
        self, subject: UUID, name: str, aggregate: AnyAggregate | None, kinds: Mapping[str, type[Event]]
    ) -> None:
        self.subject, self.name, self.aggregate = subject, name, aggregate
        self.state: Any = None
        self.count = 0
        self.broken = False
        self.found: list[Difference] = []
        self._kinds = kinds
        self._in_order = True

    def take(self, entry: _Entry) -> None:
        """Applies the next event, and notes what is wrong with it."""
        self.count += 1
        if self.aggregate is None:
            return
        if not entry.agrees:
            self._note(f"the leaf of version {entry.version} says something else than the log")
        self._in_order = self._in_order and entry.version == self.count
        if not self.broken and (fault := self._applied(self.aggregate, entry)) is not None:
            self.broken = True
            self._note(fault)

    def ended(self) -> "_Fold":
        """Itself, with what only the whole of it tells."""
        if self.aggregate is None:
            said = f"{self.count} events of {self.subject} are of no kind that this service has"
            self.found.append(Difference("log", str(self.subject), "log", said))
        elif not self._in_order:
            self._note("its versions are not 1, 2, 3 …")
        return self

    def _note(self, said: str) -> None:
        self.found.append(Difference(self.name, str(self.subject), "broken", said))

    def _applied(self, aggregate: AnyAggregate, entry: _Entry) -> str | None:
        kind = self._kinds.get(entry.type)
        if kind is None:
            # Whoever compares holds the database to the revision that this program knows: no later release wrote it.
            return f"version {entry.version} is of no kind that this service has"
        try:
            told: Event = kind.model_validate(entry.data)
            if entry.disclosures and not entry.disclosures.keys() <= concealing(told):
                self._note(f"beside version {entry.version} stands a value that it does not conceal")
            event: Event = reveal(told, entry.disclosures)
        except ValidationError:
            return f"version {entry.version} is not what its kind promises"
        except ValueError:
            return f"a concealed value of version {entry.version} does not match its digest"
        try:
            self.state = aggregate.decider.evolve(self.state, event)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError) as error:
            return f"version {entry.version} cannot follow the one before ({type(error).__name__})"
        return None


async def _entries(unit: UnitOfWork, rows: Sequence[asyncpg.Record]) -> Iterable[_Entry]:
    disclosed = await unit.rows(_DISCLOSURES, ids=[row["id"] for row in rows])
    known: dict[UUID, dict[str, Disclosure]] = {}
    keys = unit.keys
    opening = await keys.rows.opening(unit, [row["value"] for row in disclosed])
    for row in disclosed:
        try:
            told = opened_disclosure(keys.service, opening, row["event_id"], row["path"], row["value"], row["salt"])
        except Unsealed:
            # No salt makes the digest of it, so that it is found where it belongs.
            told = Disclosure(row["path"], "", "")
        known.setdefault(row["event_id"], {})[row["path"]] = told
    return [_entry(row, known.get(row["id"], {})) for row in rows]


def _entry(row: asyncpg.Record, disclosures: dict[str, Disclosure]) -> _Entry:
    told = told_by(row["leaf"])
    meant = (str(row["id"]), row["type"], str(row["subject"]), row["aggver"])
    agrees = tuple(told.get(name) for name in ("id", "type", "subject", "aggregateversion")) == meant
    return _Entry(row["aggver"], row["type"], told.get("data", {}), disclosures, agrees)
