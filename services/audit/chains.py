"""Everything that happened about one id, over all logs in the order of causes, with each link to a cause checked."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, Literal, Self

import asyncpg
from pydantic import BaseModel

from services.audit.apart import is_tail
from services.audit.linking import CauseLink, cause_among
from services.audit.searching import COLUMNS, MENTIONED, ArchivedEntry, Place, envelope_of
from shared.db import Sql
from shared.moments import EPOCH

# A cause that its effect precedes by no more than this may be one of a machine whose clock is ahead.
CLOCKS_APART: Final = timedelta(seconds=2)

OLDEST: Final = Place(EPOCH, "", -1)
# Who looked at something is asked for by itself: what happened to a case would be lost among it.
CHAIN = Sql(
    f"SELECT {COLUMNS} FROM {MENTIONED} WHERE m.about = ANY (ARRAY[cast(:about AS uuid)]) AND NOT m.access "
    "AND (m.time, m.log, m.idx) > (:after, cast(:after_log AS text), :after_index) "
    "ORDER BY m.about, m.time, m.log, m.idx LIMIT :limit"
)

Finding = Literal["cause_missing", "cause_other", "cause_unsigned", "cause_later", "correlation_other"]


class ChainedEvent(BaseModel):
    """One event of a chain, what it names as its cause, and what is wrong with that.

    ``cause_missing``: no archived log has it; ``cause_other``: the hash that is named is another one; ``cause_unsigned``:
    nobody ever signed it; ``cause_later``: it was recorded after what it is to have caused; ``correlation_other``: the two
    belong to different requests.
    """

    entry: ArchivedEntry
    cause: CauseLink | None
    findings: list[Finding]

    @classmethod
    def of(cls, row: asyncpg.Record, cause: asyncpg.Record | None) -> Self:
        """The event of a row, held against the archived event that it names."""
        entry, leaf = ArchivedEntry.of(row), bytes(row["leaf"])
        link = CauseLink.of(leaf, cause)
        return cls(entry=entry, cause=link, findings=_findings(entry, leaf, link, bytes(cause["leaf"]) if cause else b""))


class Chain(BaseModel):
    """One page of a chain, the oldest first; ``next`` is what ``after`` takes to go on."""

    items: list[ChainedEvent]
    next: str | None


def chained(rows: Sequence[asyncpg.Record], causes: Iterable[asyncpg.Record]) -> list[ChainedEvent]:
    """The events of these rows in order, each with the cause that it names among the rows of `linking.CAUSES`."""
    known = list(causes)
    return in_order([ChainedEvent.of(row, cause_among(bytes(row["leaf"]), known)) for row in rows])


def in_order(events: Sequence[ChainedEvent]) -> list[ChainedEvent]:
    """These events, which stand in the order of their times, with no cause behind its effect where both have one time."""
    found: list[ChainedEvent] = []
    for _, group in groupby(events, key=_moment):
        waiting = list(group)
        while waiting:
            behind = {one.entry.id for one in waiting}
            # Of those that wait for each other in a circle, which nobody can have recorded, the first is let go.
            free = [one for one in waiting if one.cause is None or one.cause.id not in behind - {one.entry.id}] or waiting[:1]
            found += free
            gone = {one.entry.id for one in free}
            waiting = [one for one in waiting if one.entry.id not in gone]
    return found


def _moment(event: ChainedEvent) -> datetime:
    return event.entry.recorded_at


def _findings(entry: ArchivedEntry, leaf: bytes, link: CauseLink | None, cause_leaf: bytes) -> list[Finding]:
    if link is None:
        return []
    if link.entry is None:
        return ["cause_missing"]
    found: list[Finding] = []
    if link.agrees is False:
        found.append("cause_other")
    cause = link.entry
    if is_tail(cause.log) and not is_tail(entry.log):
        found.append("cause_unsigned")
    behind = cause.position >= entry.position if cause.log == entry.log else cause.recorded_at > entry.recorded_at + CLOCKS_APART
    if behind:
        found.append("cause_later")
    if _correlation(leaf) != _correlation(cause_leaf):
        found.append("correlation_other")
    return found


def _correlation(leaf: bytes) -> Any:
    return envelope_of(leaf).get("correlationid")
