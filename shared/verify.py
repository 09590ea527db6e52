"""Checks a service against itself: the log is whole, each row equals the fold of its events, the limits add up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg

from shared.aggregate import AnyAggregate
from shared.db import Database, Scope, Sql
from shared.folding import Comparison, Difference
from shared.revisions import Revision
from shared.tlog.tree import leaf_hash

_LOG = Sql(
    "SELECT idx, id, type, subject, aggver, leaf, leaf_hash FROM event_log "
    "WHERE idx > :after ORDER BY idx LIMIT 2000"
)
_HEAD = Sql("SELECT size FROM log_head")

# What values make a check fail by. Whatever else does, such as a table that is being altered, waits and says nothing of rows.
UNANSWERABLE: Final = (asyncpg.DataError, asyncpg.CardinalityViolationError)

# In a check that is `by_id`, what one of the ids has to be equal to.
ASKED: Final = "ANY (cast(:ids AS uuid[]))"
# Their events, found by whose they are: by a kind of events all of the log may be read.
LOG_OF_ASKED: Final = (
    f"(SELECT idx, id, type, subject, aggver, leaf, time, actorid FROM event_log WHERE subject = {ASKED} OFFSET 0)"
)


@dataclass(frozen=True, slots=True)
class Check:
    """A query that answers the keys of rows that are not what they should be, e.g. a fund whose sums differ.

    One that is ``by_id`` takes ``ids`` and answers which of these: what reads the log is asked of some aggregates at a time,
    for of a log of millions no statement ends.
    """

    name: str
    sql: Sql
    by_id: bool = False


@dataclass(slots=True)
class Findings:
    """What a verification looked at and what it found wrong; ids and codes only."""

    events: int = 0
    rows: int = 0
    found: list[Difference] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.found

    @property
    def differences(self) -> list[str]:
        """A sentence for each, for whoever runs the system."""
        return [str(one) for one in self.found]


async def verify(
    database: Database, service: str, aggregates: Mapping[str, AnyAggregate], checks: Sequence[Check] = ()
) -> Findings:
    """Reads the whole log in its own order for gaps and hashes, then every aggregate to fold and compare, then the checks.

    What is done meanwhile is no difference: a row and its events are read in one snapshot. `OtherRevision` where the database
    is being migrated, or is of another release.
    """
    findings = Findings()
    revision = Revision(service)
    scope = Scope(f"verify:{service}")
    await _log_is_whole(database, scope, findings)
    comparison = Comparison(service, aggregates)
    after = None
    while True:
        async with database.unit_of_work(scope, snapshot=True) as unit:
            await revision.holds(unit)
            ids = await comparison.next_ids(unit, after)
            compared = await comparison.compared(unit, ids)
        findings.rows += compared.rows
        findings.found += compared.differences
        for check in (one for one in checks if one.by_id):
            findings.found += await _wrong_of(database, scope, check, ids)
        if not ids:
            break
        after = ids[-1]
    for check in (one for one in checks if not one.by_id):
        findings.found += await _wrong(database, scope, check)
    await revision.held(database)
    return findings


async def _wrong_of(database: Database, scope: Scope, check: Check, ids: Sequence[UUID]) -> list[Difference]:
    """What a check finds of these ids, and of each alone where the values of one keep it from being answered."""
    try:
        async with database.unit_of_work(scope) as unit:
            return [Difference(check.name, str(row[0]), "derived") for row in await unit.rows(check.sql, ids=ids)]
    except UNANSWERABLE:
        if len(ids) > 1:
            return [one for id in ids for one in await _wrong_of(database, scope, check, (id,))]
        return [Difference(check.name, str(ids[0]), "derived")]


async def _wrong(database: Database, scope: Scope, check: Check) -> list[Difference]:
    try:
        async with database.unit_of_work(scope) as unit:
            return [Difference(check.name, str(row[0]), "derived") for row in await unit.rows(check.sql)]
    except UNANSWERABLE as error:
        return [Difference(check.name, type(error).__name__, "derived")]


async def _log_is_whole(database: Database, scope: Scope, findings: Findings) -> None:
    def note(said: str) -> None:
        findings.found.append(Difference("log", "", "log", said))

    after = -1
    while True:
        async with database.unit_of_work(scope) as unit:
            # The head first, so that what is done meanwhile is among the rows of the next turn.
            head = await unit.row(_HEAD)
            rows = await unit.rows(_LOG, after=after)
        for row in rows:
            if row["idx"] != after + 1:
                note(f"a gap before {row['idx']}")
            if leaf_hash(row["leaf"]) != row["leaf_hash"]:
                note(f"entry {row['idx']} does not match its hash")
            after = row["idx"]
            findings.events += 1
        if not rows:
            if head is None or head["size"] != after + 1:
                note("its head counts another number of entries")
            return
