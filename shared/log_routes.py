"""The routes by which an auditor searches a service's log, reads one event, follows an id, and takes both home."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from shared import log_search
from shared.db import UnitOfWork
from shared.errors import NotFound
from shared.http import Calling, Limit, Page
from shared.log_search import LogEntry, LoggedEvent, Place, Selection
from shared.moments import Moment
from shared.verification_routes import read_verification

NDJSON = "application/x-ndjson"
CSV = "text/csv; charset=utf-8"
# How many events a download has, so that one that was cut short is known for it.
HOW_MANY = "Avrr-Events"

Kind = Annotated[str, Field(pattern=r"^avrr(\.[a-z][a-z_]{0,63}){3}\.v[0-9]{1,3}$")]
ActorId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:|/+=-]{0,127}$")]
PlaceText = Annotated[str, Field(pattern=log_search.PLACE_PATTERN)]


def add_log_routes(router: APIRouter) -> None:
    """Gives a service's router the four routes of this module, and what the verification of its rows says of them."""
    router.add_api_route("/v1/log", search_log, methods=["GET"])
    router.add_api_route("/v1/log/export", export_log, methods=["GET"], response_class=StreamingResponse)
    router.add_api_route("/v1/log/chain/{about}", read_chain, methods=["GET"], response_class=StreamingResponse)
    router.add_api_route("/v1/log/{event_id}", read_event, methods=["GET"])
    router.add_api_route("/v1/verification", read_verification, methods=["GET"])


async def search_log(
    call: Calling,
    kind: Annotated[Kind | None, Query()] = None,
    subject: UUID | None = None,
    about: UUID | None = None,
    actor: Annotated[ActorId | None, Query()] = None,
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
    after: Annotated[PlaceText | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[LogEntry]:
    """Events of this service's log, newest first, without what they say; ``about`` is any id that stands in them.

    ``since`` is the first moment that is asked for, ``until`` the first that is not any more. Each search is on record.
    """
    selection = Selection(kind, subject, about, actor, since, until)
    place = Place.read(after) if after is not None else log_search.NEWEST
    await call.on_record(about or subject)

    async def work(unit: UnitOfWork) -> list[LogEntry]:
        statement = log_search.search(frozenset(selection.values()))
        rows = await unit.rows(statement, **log_search.asked(selection, place, limit + 1))
        return [LogEntry.of(row) for row in rows]

    found = await call.ask(work, log=True)
    if len(found) <= limit:
        return Page[LogEntry](items=found, next=None)
    return Page[LogEntry](items=found[:limit], next=call.goes_on_after(found[limit - 1].place, limit))


async def export_log(
    call: Calling,
    kind: Annotated[Kind | None, Query()] = None,
    subject: UUID | None = None,
    about: UUID | None = None,
    actor: Annotated[ActorId | None, Query()] = None,
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
    format: Annotated[Literal["ndjson", "csv"] | None, Query()] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> StreamingResponse:
    """The same selection as a file, newest first: the leaves byte for byte, one a line, or a table of what they say.

    Without ``format`` the header ``Accept`` chooses. Either is whole or refused: ``too_many_events`` beyond 100,000, and
    the header ``Avrr-Events`` says how many there are. In the table a text that begins with = + - @ has an apostrophe
    before it, or a spreadsheet would take it for a formula.
    """
    selection = Selection(kind, subject, about, actor, since, until)
    await call.on_record(about or subject)
    how_many, last = await call.ask(lambda unit: log_search.counted(unit, selection), log=True)
    in_table = format == "csv" or (format is None and accept.split(";")[0].strip() == "text/csv")
    batches = log_search.exported(call.runtime.database, call.scope(log=True), selection, last, how_many)

    async def leaves() -> AsyncIterator[bytes]:
        async for rows in batches:
            yield log_search.lines(rows)

    async def table() -> AsyncIterator[bytes]:
        yield log_search.csv_lines([log_search.CSV_HEAD])
        async for rows in batches:
            yield log_search.table_of(call.runtime.service, rows)

    return _file(table() if in_table else leaves(), CSV if in_table else NDJSON, how_many)


async def read_chain(about: UUID, call: Calling) -> StreamingResponse:
    """Every event of this log that names an id, a case's or any other: the leaves byte for byte, in the log's order.

    It is whole or refused: ``too_many_events`` beyond 100,000, and ``Avrr-Events`` says how many there are.
    """
    await call.on_record(about)
    how_many, last = await call.ask(lambda unit: log_search.counted_chain(unit, about), log=True)

    async def leaves() -> AsyncIterator[bytes]:
        async for rows in log_search.chained(call.runtime.database, call.scope(log=True), about, last):
            yield log_search.lines(rows)

    return _file(leaves(), NDJSON, how_many)


async def read_event(event_id: UUID, call: Calling) -> LoggedEvent:
    """One event whole, as it stands in the log, with its place and its hash, so that anybody can verify it."""
    await call.on_record(event_id)

    async def work(unit: UnitOfWork) -> LoggedEvent:
        row = await unit.row(log_search.ONE, id=event_id)
        if row is None:
            raise NotFound
        # A leaf that is no text is none of ours: it is shown as far as it can be, and its hash tells.
        leaf = bytes(row["leaf"]).decode(errors="replace")
        return LoggedEvent(position=row["idx"], leaf_hash=row["leaf_hash"].hex(), leaf=leaf)

    return await call.ask(work, log=True)


def _file(content: AsyncIterator[bytes], media_type: str, how_many: int) -> StreamingResponse:
    return StreamingResponse(content, media_type=media_type, headers={HOW_MANY: str(how_many)})
