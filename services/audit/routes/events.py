"""What an auditor asks of the archive: a search over all logs, one event of any of them, and the proof that it is there."""

from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Response
from pydantic import Field

from services.audit import archive, checkpoints, searching
from services.audit.apart import LOG_PATTERN, is_apart
from services.audit.searching import ArchivedEntry, ArchivedEvent, Asked, Place, Standing
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.errors import NotFound, RuleViolation
from shared.http import Calling, Limit, Page
from shared.log_routes import ActorId, Kind
from shared.log_search import MOST_EVENTS
from shared.moments import Moment
from shared.tlog.notes import Note
from shared.tlog.proofs import EntryProof
from shared.tlog.tree import inclusion_proof

router = APIRouter(route_class=AuthenticatedRoute)

LogName = Annotated[str, Field(pattern=f"^{LOG_PATTERN}$")]
Reason = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Log = Annotated[LogName | None, Query()]
Position = Annotated[int | None, Query(ge=0, le=MOST_EVENTS)]
PlaceText = Annotated[str, Field(pattern=searching.PLACE_PATTERN)]


@router.get("/v1/archive")
async def search_archive(
    call: Calling,
    service: Annotated[LogName | None, Query()] = None,
    kind: Annotated[Kind | None, Query()] = None,
    subject: UUID | None = None,
    case: UUID | None = None,
    actor: Annotated[ActorId | None, Query()] = None,
    reason: Annotated[Reason | None, Query()] = None,
    about: UUID | None = None,
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
    after: Annotated[PlaceText | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[ArchivedEntry]:
    """Events of all logs, newest first, without what they say; ``case`` is the case or person whose chain they belong to,
    ``about`` any id that stands in them.

    ``reason`` is the code of why something was done or refused. ``since`` is the first moment that is asked for, ``until``
    the first that is not any more. Each search is on record.
    """
    asked = Asked(service, kind, subject, case, actor, reason, about, since, until)
    place = Place.read(after) if after is not None else searching.NEWEST
    await call.on_record(about or case or subject)

    async def work(unit: UnitOfWork) -> list[ArchivedEntry]:
        statement = searching.search(frozenset(asked.values()))
        return [ArchivedEntry.of(row) for row in await unit.rows(statement, **searching.values_of(asked, place, limit + 1))]

    found = await call.ask(work, log=True)
    if len(found) <= limit:
        return Page[ArchivedEntry](items=found, next=None)
    return Page[ArchivedEntry](items=found[:limit], next=call.goes_on_after(found[limit - 1].place, limit))


@router.get("/v1/archive/events/{event_id}")
async def read_archived_event(event_id: UUID, call: Calling, log: Log = None, position: Position = None) -> ArchivedEvent:
    """One event whole, out of whichever log it is, with its place, its hash and the checkpoint that covers it.

    Of several with one id ``log`` and ``position`` say which; the places of the others are told with it.
    """

    async def work(unit: UnitOfWork) -> ArchivedEvent:
        row, others = await one_of(unit, event_id, log, position)
        latest = await unit.row(checkpoints.LATEST, log=row["log"], index=row["idx"])
        return ArchivedEvent(
            log=row["log"], lost=is_apart(row["log"]), position=row["idx"], leaf_hash=row["leaf_hash"].hex(),
            leaf=bytes(row["leaf"]).decode(errors="replace"), checkpoint_size=latest["size"] if latest else None,
            also=[Standing(log=other["log"], position=other["idx"]) for other in others],
        )  # fmt: skip

    try:
        found = await call.ask(work, log=True)
    except NotFound:
        await call.on_record(event_id)
        raise
    # Whomever the event names is told of it when they ask who looked for them.
    await call.on_record(event_id, searching.persons_in(found.leaf.encode()))
    return found


@router.get("/v1/archive/events/{event_id}/proof", response_class=Response)
async def read_proof(event_id: UUID, call: Calling, log: Log = None, position: Position = None) -> Response:
    """The proof that an event stands in its log, as one file of C2SP's tlog-proof that is checked offline.

    Refused as ``not_covered_yet`` until a checkpoint covers it, which takes seconds.
    """
    await call.on_record(event_id)

    async def work(unit: UnitOfWork) -> EntryProof:
        row, _ = await one_of(unit, event_id, log, position)
        latest = await unit.row(checkpoints.LATEST, log=row["log"], index=row["idx"])
        if latest is None:
            raise RuleViolation("not_covered_yet", "No checkpoint covers this event yet. Ask again in a few seconds.")
        index, size = row["idx"], latest["size"]
        nodes = await archive.nodes_for(unit, row["log"], size, lambda nodes: inclusion_proof(index, size, nodes))
        return EntryProof(index, inclusion_proof(index, size, nodes), Note.of(latest["note"].encode()))

    proof = await call.ask(work, log=True)
    return Response(str(proof), media_type="text/plain; charset=utf-8")


async def one_of(
    unit: UnitOfWork, event_id: UUID, log: str | None, position: int | None
) -> tuple[asyncpg.Record, list[asyncpg.Record]]:
    """The event that is asked for, and what else has its id."""
    asked = await unit.row(searching.ONE, id=event_id, log=log, position=position)
    if asked is None:
        raise NotFound
    rows = await unit.rows(searching.OF_ID, id=event_id)
    return asked, [row for row in rows if (row["log"], row["idx"]) != (asked["log"], asked["idx"])]
