"""How an archived event hangs together with others: its cause and its effects, each link checked."""

from uuid import UUID

from fastapi import APIRouter

from services.audit import linking, searching
from services.audit.linking import MOST_EFFECTS, CauseLink, Links
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.errors import NotFound
from shared.http import Calling

router = APIRouter(route_class=AuthenticatedRoute)


@router.get("/v1/archive/events/{event_id}/links")
async def read_links(event_id: UUID, call: Calling) -> Links:
    """What caused an event and what it caused, in any log, without what these say; each link is held against both leaves."""
    await call.on_record(event_id)

    async def work(unit: UnitOfWork) -> Links:
        row = await unit.row(searching.ONE, id=event_id)
        if row is None:
            raise NotFound
        leaf = bytes(row["leaf"])
        named = linking.cause_in(leaf)
        cause = await unit.row(searching.ONE, id=named) if named is not None else None
        rows = await unit.rows(linking.EFFECTS, id=event_id)
        effects = linking.effects_of(event_id, row["leaf_hash"].hex(), rows[:MOST_EFFECTS])
        return Links(cause=CauseLink.of(leaf, cause), effects=effects, more=len(rows) > MOST_EFFECTS)

    return await call.ask(work, log=True)
