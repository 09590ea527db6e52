"""What somebody should look at though each of it was allowed, found in the archived events of all logs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from services.audit import exception_queries, exceptions
from services.audit.exception_queries import EXCEPTION_PLACE, AskedFor, ExceptionRules, FoundExceptions
from services.audit.exceptions import ExceptionKind
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.http import Calling, Limit
from shared.log_routes import ActorId
from shared.moments import Moment
from shared.topology import AUDIT

router = APIRouter(route_class=AuthenticatedRoute)

ExceptionPlace = Annotated[str, Field(pattern=EXCEPTION_PLACE)]


@router.get("/v1/archive/exceptions")
async def search_exceptions(
    call: Calling,
    kind: ExceptionKind | None = None,
    actor: Annotated[ActorId | None, Query()] = None,
    case: UUID | None = None,
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
    after: Annotated[ExceptionPlace | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> FoundExceptions:
    """Exceptions, the newest first, by when their event was recorded.

    A grant approved and its payment ordered on one of the mission's days; what binds money or gives the right to, done
    when no office is open; a grant, its plan or its payee's account changed after an approval; one person shown many
    records on one day; an approval on the authority of somebody else.
    """
    asked = AskedFor(kind, actor, case, since, until)
    await call.on_record(case)

    async def work(unit: UnitOfWork) -> FoundExceptions:
        statement = exception_queries.search(asked.names())
        rows = await unit.rows(statement, **exception_queries.values_of(asked, after, limit + 1))
        more, rows = len(rows) > limit, rows[:limit]
        beside = await unit.rows(exception_queries.BESIDE, ids=exception_queries.beside_of(rows))
        waiting = await unit.rows(exception_queries.WAITING, logs=list(AUDIT.follows), rules=exceptions.RULES)
        items = exception_queries.found(rows, beside)
        return FoundExceptions(
            items=items, next=exception_queries.place_of(items[-1]) if more else None,
            waiting=sum(row["waiting"] for row in waiting), rules=ExceptionRules.present(call.runtime.mission_time_zone),
        )  # fmt: skip

    found = await call.ask(work, log=True)
    if found.next is not None:
        call.goes_on_after(found.next, limit)
    return found
