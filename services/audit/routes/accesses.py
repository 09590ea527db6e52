"""Who looked at whom, and who was refused what, over all logs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.audit import accesses, searching
from services.audit.accesses import Reading, RefusedAccess
from services.audit.routes.events import PlaceText, Reason
from services.audit.searching import Asked, Place
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.http import Calling, Limit, Page
from shared.log_routes import ActorId
from shared.moments import Moment

router = APIRouter(route_class=AuthenticatedRoute)


@router.get("/v1/archive/readings")
async def search_readings(
    call: Calling,
    about: UUID | None = None,
    actor: Annotated[ActorId | None, Query()] = None,
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
    after: Annotated[PlaceText | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[Reading]:
    """Who was shown what, the newest first: what ``actor`` looked at, or who looked at whatever has the id ``about``.

    What was shown stands in the record of this search, so that whoever asks who looked for them is told of it too.
    """
    asked = Asked(actor=actor, about=about, since=since, until=until)
    place = Place.read(after) if after is not None else searching.NEWEST

    async def work(unit: UnitOfWork) -> list[Reading]:
        statement = accesses.accesses(frozenset(asked.values()))
        values = {**searching.values_of(asked, place, limit + 1), "kinds": accesses.READ_KINDS}
        return [Reading.of(row) for row in await unit.rows(statement, **values)]

    found = await call.ask(work, log=True)
    shown = dict.fromkeys(id for one in found[:limit] for id in (one.about, *one.shown) if id is not None)
    await call.on_record(about, tuple(shown)[: searching.MOST_SHOWN])
    if len(found) <= limit:
        return Page[Reading](items=found, next=None)
    return Page[Reading](items=found[:limit], next=call.goes_on_after(found[limit - 1].entry.place, limit))


@router.get("/v1/archive/refusals")
async def search_refusals(
    call: Calling,
    about: UUID | None = None,
    actor: Annotated[ActorId | None, Query()] = None,
    code: Annotated[Reason | None, Query()] = None,
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
    after: Annotated[PlaceText | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[RefusedAccess]:
    """Who was refused what and by which code, the newest first; repeats within a minute are counted, not listed.

    On record are refusals of access (no role for it, out of scope, no strong sign-in) and of a second part in what needs
    another person; that a rule forbade something at the moment is told to whoever tried, and recorded nowhere.
    """
    asked = Asked(actor=actor, about=about, since=since, until=until)
    place = Place.read(after) if after is not None else searching.NEWEST
    await call.on_record(about)

    async def work(unit: UnitOfWork) -> tuple[list[RefusedAccess], bool]:
        narrowed = {**asked.values(), **({"code": code} if code is not None else {})}
        statement = accesses.accesses(frozenset(narrowed))
        values = {**searching.values_of(asked, place, limit + 1), **narrowed, "kinds": accesses.REFUSED_KINDS}
        rows = await unit.rows(statement, **values)
        counted = await unit.rows(accesses.REPEATS, **accesses.repeats_of(rows[:limit]))
        return accesses.refused(rows[:limit], counted), len(rows) > limit

    found, more = await call.ask(work, log=True)
    return Page[RefusedAccess](items=found, next=call.goes_on_after(found[-1].entry.place, limit) if more else None)
