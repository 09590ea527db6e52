"""How an archived event hangs together with others: its cause and its effects, each link checked."""

from uuid import UUID

from fastapi import APIRouter

from services.audit import linking
from services.audit.linking import MOST_EFFECTS, CauseLink, Links
from services.audit.routes.events import Log, Position, one_of
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.http import Calling

router = APIRouter(route_class=AuthenticatedRoute)


@router.get("/v1/archive/events/{event_id}/links")
async def read_links(event_id: UUID, call: Calling, log: Log = None, position: Position = None) -> Links:
    """What caused an event and what it caused, in any log, without what these say; each link is held against both leaves.

    Of several events with one id ``log`` and ``position`` say which; of several that are named as the cause it is the one
    whose hash is named.
    """
    await call.on_record(event_id)

    async def work(unit: UnitOfWork) -> Links:
        row, _ = await one_of(unit, event_id, log, position)
        leaf = bytes(row["leaf"])
        causes = await unit.rows(linking.CAUSES, **linking.causes_named([leaf]))
        rows = await unit.rows(linking.EFFECTS, id=event_id)
        effects = linking.effects_of(event_id, row["leaf_hash"].hex(), rows[:MOST_EFFECTS])
        return Links(cause=CauseLink.of(leaf, linking.cause_among(leaf, causes)), effects=effects, more=len(rows) > MOST_EFFECTS)

    return await call.ask(work, log=True)
