"""Whole logs for whoever takes them home: ordered first, which is on record, then read in stretches for as long as that counts."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.audit.apart import APART_OF, LOG_PATTERN
from shared.access import RecordExport
from shared.callers import AuthenticatedRoute
from shared.contracts.access import ExportTaken
from shared.db import Sql, UnitOfWork
from shared.errors import NotFound, RuleViolation
from shared.http import Calling
from shared.log_routes import HOW_MANY
from shared.messages import Envelope
from shared.moments import Moment
from shared.tlog.tiles import bundled
from shared.topology import LOGS

router = APIRouter(route_class=AuthenticatedRoute)

LogName = Literal["counselling", "returns", "reintegration", "audit"]
# What was set apart from a log comes with it, under a name of its own.
WithApart = Annotated[str, Path(pattern=f"^{LOG_PATTERN}$")]
# So long an order counts: a log of some million entries is there long before, and whoever comes later orders again.
COUNTS_FOR: Final = timedelta(hours=12)
# In one request: fifty bundles of C2SP's tlog-tiles, at most 400 MiB, of which ten are in memory at a time.
MOST_ENTRIES: Final = 12_800
_AT_A_TIME: Final = 2_560
_MOST_INDEX: Final = 2**53

_ORDERED = Sql("SELECT leaf FROM event_log WHERE subject = :id AND aggver = 1 AND type = :kind AND actorid = :actor")
_LAST = Sql("SELECT max(idx) AS last FROM archive_entries WHERE log = :log")
_LEAVES = Sql("SELECT leaf FROM archive_entries WHERE log = :log AND idx >= :first AND idx < :end ORDER BY idx")


class OrderedExport(BaseModel):
    """Under which id the logs may be read, until when, and how many entries of each are archived at the moment.

    What was set apart from a log is named beside it (`services.audit.apart`), up to the index behind its last entry. ``tails`` are those
    among them that nobody ever signed, each with the index of its first entry.
    """

    id: UUID
    until: datetime
    archived: dict[str, int]
    tails: dict[str, int]


@router.get("/v1/archive/export")
async def export_archive(
    call: Calling, since: Moment, until: Moment, log: Annotated[list[LogName], Query(default_factory=list, max_length=len(LOGS))]
) -> OrderedExport:
    """Begins an export of these logs, or of all: each whole, with tables of the events from ``since`` to before ``until``.

    It is on record before anything leaves, with who, in which role, which logs and which period.
    """
    if until <= since:
        raise RuleViolation("period_empty", "The period ends before it begins.")
    logs: tuple[str, ...] = tuple(dict.fromkeys(log)) or tuple(service.name for service in LOGS)
    order = RecordExport(actor_id=call.context.actor.person_id, operation=call.operation, logs=logs, since=since, until=until)
    id = await call.runtime.recorder.taken(call.context, call.origin, order)

    async def work(unit: UnitOfWork) -> tuple[dict[str, int], dict[str, int]]:
        apart = await unit.rows(APART_OF, logs=list(logs))
        archived = {name: await _archived(unit, name) for name in (*logs, *(row["log"] for row in apart))}
        return archived, {row["log"]: row["kept"] for row in apart if row["kept"] is not None}

    archived, tails = await call.ask(work, log=True)
    return OrderedExport(id=id, until=call.context.now + COUNTS_FOR, archived=archived, tails=tails)


@router.get("/v1/archive/exports/{export_id}/{log}", response_class=StreamingResponse)
async def read_exported(
    call: Calling, export_id: UUID, log: WithApart, first: Annotated[int, Query(ge=0, le=_MOST_INDEX)],
    entries: Annotated[int, Query(ge=1, le=MOST_ENTRIES)],
) -> StreamingResponse:
    """Entries of a log from a place on, each byte for byte after its length in two bytes, as C2SP's entry bundles hold them.

    Only whoever ordered the export reads by its id; to all others it is unknown. ``not_archived_yet`` where the archive does
    not hold all of these: the log may be ahead of it for a moment.
    """

    async def work(unit: UnitOfWork) -> None:
        actor = call.context.actor.person_id
        row = await unit.row(_ORDERED, id=export_id, kind=ExportTaken.kind_in(call.runtime.service), actor=actor)
        if row is None:
            raise NotFound
        event = Envelope.model_validate_json(row["leaf"])
        if log.partition(".")[0] not in ExportTaken.model_validate(event.data).logs or call.context.now >= event.time + COUNTS_FOR:
            raise NotFound
        if first + entries > await _archived(unit, log):
            raise RuleViolation("not_archived_yet", "The archive does not hold all of these entries yet.")

    await call.ask(work, log=True)

    async def bundles() -> AsyncIterator[bytes]:
        for begin in range(first, first + entries, _AT_A_TIME):
            end = min(begin + _AT_A_TIME, first + entries)
            async with call.runtime.database.unit_of_work(call.scope(log=True)) as unit:
                rows = await unit.rows(_LEAVES, log=log, first=begin, end=end)
            yield bundled(row["leaf"] for row in rows)

    return StreamingResponse(bundles(), media_type="application/octet-stream", headers={HOW_MANY: str(entries)})


async def _archived(unit: UnitOfWork, log: str) -> int:
    row = await unit.row(_LAST, log=log)
    return 0 if row is None or row["last"] is None else row["last"] + 1
