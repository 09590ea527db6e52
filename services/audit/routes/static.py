"""Each archived log as C2SP's tlog-tiles lays it out: its checkpoint, the tiles of its tree, and its entries in bundles."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from services.audit import archive, checkpoints, searching
from services.audit.apart import LOG_PATTERN
from services.audit.breaks import PROOF
from shared.access import RecordEntriesRead
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.errors import NotFound
from shared.http import Calling
from shared.tlog.refusals import LogRefused
from shared.tlog.tiles import TILE_WIDTH, Tile, bundled, tile_at

router = APIRouter(route_class=AuthenticatedRoute)

LogName = Annotated[str, Path(pattern=f"^{LOG_PATTERN}$")]
Where = Annotated[str, Path(pattern=r"^[0-9x/.p]{3,64}$")]
_BYTES = "application/octet-stream"
# No log has more entries than 256 to this power.
_HIGHEST = 7


@router.get("/v1/archive/{log}/checkpoint", response_class=Response)
async def read_checkpoint(log: LogName, call: Calling) -> Response:
    """The latest checkpoint of a log that has the archive's own root, with the signatures of log and witnesses."""
    await call.on_record()
    row = await call.ask(lambda unit: unit.row(checkpoints.LATEST, log=log, index=-1), log=True)
    if row is None:
        raise NotFound
    return Response(row["note"], media_type="text/plain; charset=utf-8")


@router.get("/v1/archive/{log}/breaks/{generation}", response_class=Response)
async def read_break(log: LogName, generation: Annotated[int, Path(ge=2, le=9999)], call: Calling) -> Response:
    """What proves that a log was set back and goes on as this generation: checkpoints, proofs and acceptances, checked by the keys alone."""
    await call.on_record()
    row = await call.ask(lambda unit: unit.row(PROOF, log=log, generation=generation), log=True)
    if row is None:
        raise NotFound
    return Response(bytes(row["proof"]), media_type="application/json")


@router.get("/v1/archive/{log}/tile/entries/{place:path}", response_class=Response)
async def read_entries(log: LogName, place: Where, call: Calling) -> Response:
    """A bundle of up to 256 entries, each after its length in two bytes.

    Which entries of which log they are is on record before they leave, with the persons whom they name.
    """
    tile = _tile(0, place)
    first = tile.index * TILE_WIDTH

    async def work(unit: UnitOfWork) -> list[bytes]:
        rows = await unit.rows(searching.BUNDLE, log=log, first=first, end=first + tile.width)
        if len(rows) < tile.width:
            raise NotFound
        return [bytes(row["leaf"]) for row in rows]

    try:
        leaves = await call.ask(work, log=True)
    except NotFound:
        await call.on_record()
        raise
    named = searching.all_persons_in(*leaves)
    of, _, number = log.partition(".t")
    for begin in range(0, max(len(named), 1), searching.MOST_SHOWN):
        order = RecordEntriesRead(
            actor_id=call.context.actor.person_id, operation=call.operation, log=of, first=first, entries=tile.width,
            tail=int(number) if number else None, shown=named[begin : begin + searching.MOST_SHOWN],
        )  # fmt: skip
        await call.runtime.recorder.handed(call.context, call.origin, order)
    return Response(bundled(leaves), media_type=_BYTES)


@router.get("/v1/archive/{log}/tile/{level}/{place:path}", response_class=Response)
async def read_tile(log: LogName, level: Annotated[int, Path(ge=0, le=_HIGHEST)], place: Where, call: Calling) -> Response:
    """Up to 256 hashes of one level of a log's tree, 32 bytes each."""
    tile = _tile(level, place)
    await call.on_record()

    async def work(unit: UnitOfWork) -> bytes:
        found = (await archive.tiles_in(unit, log, [tile])).get(tile)
        if found is None:
            raise NotFound
        return found

    return Response(await call.ask(work, log=True), media_type=_BYTES)


def _tile(level: int, place: str) -> Tile:
    try:
        return tile_at(level, place)
    except LogRefused:
        raise NotFound from None
