"""Checks a service against itself: the log is whole, each row equals the fold of its events, the limits add up."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from shared.aggregate import AnyAggregate
from shared.db import Database, Scope, Sql, UnitOfWork
from shared.ledger import Disclosure, opened_disclosure, reveal, rows_of
from shared.messages import Event
from shared.sealing import Unsealed
from shared.tlog.tree import leaf_hash

_LOG = Sql(
    "SELECT idx, id, type, subject, aggver, leaf, leaf_hash FROM event_log "
    "WHERE idx > :after ORDER BY idx LIMIT 2000"
)
_SUBJECTS = Sql(
    "SELECT subject, id, type, aggver, leaf FROM event_log "
    "WHERE (subject, aggver) > (:subject, :aggver) ORDER BY subject, aggver LIMIT 2000"
)
_LATER = Sql(
    "SELECT subject, id, type, aggver, leaf FROM event_log "
    "WHERE subject = :subject AND aggver > :aggver AND aggver <= :until ORDER BY aggver"
)
_DISCLOSURES = Sql("SELECT event_id, path, salt, value FROM disclosure WHERE event_id = ANY(cast(:ids AS uuid[]))")
_HEAD = Sql("SELECT size FROM log_head")
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Check:
    """A query that answers the keys of rows that are not what they should be, e.g. a fund whose sums differ."""

    name: str
    sql: Sql


@dataclass(slots=True)
class Findings:
    """What a verification looked at and what it found wrong; ids and codes only."""

    events: int = 0
    rows: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.differences


async def verify(
    database: Database, service: str, aggregates: Mapping[str, AnyAggregate], checks: Sequence[Check] = ()
) -> Findings:
    """Reads the whole log twice: in its own order for gaps and hashes, and per aggregate to fold and compare.

    What is done meanwhile is no difference: a row is compared with all events that its version counts.
    """
    findings = Findings()
    scope = Scope(f"verify:{service}")
    await _log_is_whole(database, scope, findings)
    folded: dict[str, set[UUID]] = {name: set() for name in aggregates}
    async for subject, history in _histories(database, scope):
        name = history[0].type.removeprefix(f"avrr.{service}.").split(".")[0]
        if name not in aggregates:
            findings.differences.append(f"log: {len(history)} events of {subject} are of no kind that this service has")
            continue
        folded[name].add(subject)
        await _row_equals_fold(database, scope, aggregates[name], name, subject, history, findings)
    for name, aggregate in aggregates.items():
        async with database.unit_of_work(scope) as unit:
            ids = {row["id"] for row in await unit.rows(Sql(f"SELECT id FROM {aggregate.table.name}"))}
        for id in sorted(ids - folded[name]):
            await _row_equals_fold(database, scope, aggregate, name, id, [], findings)
    for check in checks:
        async with database.unit_of_work(scope) as unit:
            wrong = await unit.rows(check.sql)
        findings.differences += [f"{check.name}: {row[0]}" for row in wrong]
    return findings


async def _log_is_whole(database: Database, scope: Scope, findings: Findings) -> None:
    after = -1
    while True:
        async with database.unit_of_work(scope) as unit:
            # The head first, so that what is done meanwhile is among the rows of the next turn.
            head = await unit.row(_HEAD)
            rows = await unit.rows(_LOG, after=after)
        for row in rows:
            if row["idx"] != after + 1:
                findings.differences.append(f"log: a gap before {row['idx']}")
            if leaf_hash(row["leaf"]) != row["leaf_hash"]:
                findings.differences.append(f"log: entry {row['idx']} does not match its hash")
            after = row["idx"]
            findings.events += 1
        if not rows:
            if head is None or head["size"] != after + 1:
                findings.differences.append("log: its head counts another number of entries")
            return


@dataclass(frozen=True, slots=True)
class _Entry:
    version: int
    type: str
    data: dict[str, Any]
    disclosures: dict[str, Disclosure]
    # Whether the leaf, which is what others get, says the same as the columns beside it.
    agrees: bool


async def _histories(database: Database, scope: Scope) -> AsyncIterator[tuple[UUID, list[_Entry]]]:
    subject, aggver, history = _NOBODY, 0, list[_Entry]()
    while True:
        async with database.unit_of_work(scope) as unit:
            rows = await unit.rows(_SUBJECTS, subject=subject, aggver=aggver)
            entries = await _entries(unit, rows)
        for row, entry in zip(rows, entries, strict=True):
            if row["subject"] != subject and history:
                yield subject, history
                history = []
            subject, aggver = row["subject"], row["aggver"]
            history.append(entry)
        if not rows:
            if history:
                yield subject, history
            return


async def _entries(unit: UnitOfWork, rows: Sequence[asyncpg.Record]) -> list[_Entry]:
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
    told = _told(row["leaf"])
    meant = (str(row["id"]), row["type"], str(row["subject"]), row["aggver"])
    agrees = tuple(told.get(name) for name in ("id", "type", "subject", "aggregateversion")) == meant
    return _Entry(row["aggver"], row["type"], told.get("data", {}), disclosures, agrees)


def _told(leaf: bytes) -> dict[str, Any]:
    try:
        told = json.loads(leaf)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


async def _row_equals_fold(
    database: Database,
    scope: Scope,
    aggregate: AnyAggregate,
    name: str,
    subject: UUID,
    history: list[_Entry],
    findings: Findings,
) -> None:
    async with database.unit_of_work(scope) as unit:
        row = await unit.row(rows_of(aggregate).read_sql, id=subject)
        try:
            version, stored = await rows_of(aggregate).parsed(unit, row["body"]) if row is not None else (0, None)
        except Unsealed:
            findings.differences.append(f"{name} {subject}: a part of the row does not stand where it was sealed")
            return
        if version > len(history):
            # What was done since its events were read; they were there before the row said so.
            later = await unit.rows(_LATER, subject=subject, aggver=len(history), until=version)
            history = [*history, *await _entries(unit, later)]
    if not history:
        findings.differences.append(f"{name} {subject}: a row without events")
        return
    findings.rows += 1
    findings.differences += [
        f"{name} {subject}: the leaf of version {entry.version} says something else than the log"
        for entry in history
        if not entry.agrees
    ]
    if [entry.version for entry in history] != list(range(1, len(history) + 1)):
        findings.differences.append(f"{name} {subject}: its versions are not 1, 2, 3 …")
    state, fault = _fold(aggregate, history)
    if fault is not None:
        findings.differences.append(f"{name} {subject}: {fault}")
        return
    if row is None:
        findings.differences.append(f"{name} {subject}: events without a row")
        return
    if version != len(history):
        findings.differences.append(f"{name} {subject}: version {version} after {len(history)} events")
    if stored != state:
        findings.differences.append(f"{name} {subject}: the row differs from its events")


def _fold(aggregate: AnyAggregate, history: list[_Entry]) -> tuple[object, str | None]:
    kinds = {kind.kind_in(aggregate.service): kind for kind in aggregate.decider.events}
    state: object = None
    for entry in history:
        kind = kinds.get(entry.type)
        if kind is None:
            return None, f"version {entry.version} is of no kind that this service has"
        try:
            event: Event = reveal(kind.model_validate(entry.data), entry.disclosures)
        except ValidationError:
            return None, f"version {entry.version} is not what its kind promises"
        except ValueError:
            return None, f"a concealed value of version {entry.version} does not match its digest"
        try:
            state = aggregate.decider.evolve(state, event)
        except (LookupError, TypeError, AssertionError) as error:
            return None, f"version {entry.version} cannot follow the one before ({type(error).__name__})"
    return state, None
