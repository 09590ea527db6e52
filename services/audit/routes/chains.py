"""What happened about one case, or about anything else that has an id, over all logs: who, what, when, and because of what."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.audit import chains, linking
from services.audit.chains import Chain
from services.audit.routes.events import PlaceText
from services.audit.searching import Place, persons_in
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.http import Calling, Limit

router = APIRouter(route_class=AuthenticatedRoute)


@router.get("/v1/archive/cases/{case_id}/chain")
async def read_case_chain(
    case_id: UUID, call: Calling, after: Annotated[PlaceText | None, Query()] = None, limit: Annotated[Limit, Query()] = 50
) -> Chain:
    """Every event of any log that names this id, the oldest first and no cause behind its effect, without what they say.

    Each cause is looked for in all logs and held against the event that names it; who only looked is not among them.
    """
    place = Place.read(after) if after is not None else chains.OLDEST

    async def work(unit: UnitOfWork) -> tuple[Chain, tuple[UUID, ...]]:
        rows = await unit.rows(
            chains.CHAIN, about=case_id, after=place.time, after_log=place.log, after_index=place.index, limit=limit + 1
        )
        more, rows = len(rows) > limit, rows[:limit]
        causes = await unit.rows(linking.CAUSES, **linking.causes_named(bytes(row["leaf"]) for row in rows))
        last = Place(rows[-1]["time"], rows[-1]["log"], rows[-1]["idx"]) if more else None
        found = Chain(items=chains.chained(rows, causes), next=str(last) if last else None)
        return found, persons_in(*(bytes(row["leaf"]) for row in rows))

    found, persons = await call.ask(work, log=True)
    # Whoever is in the case is told of it when they ask who looked for them.
    await call.on_record(case_id, persons)
    if found.next is not None:
        call.goes_on_after(found.next, limit)
    return found
