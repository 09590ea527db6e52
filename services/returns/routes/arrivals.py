"""Who is expected: for the office that meets them as far as it may know, for staff in every country."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from services.returns import wiring
from services.returns.domain.window import NOTICE_STANDS
from services.returns.queries import arrivals
from services.returns.queries.arrivals import ArrivalPlace, ExpectedArrival, PlaceText, arrival_of, place
from services.returns.routes.window import told_in_a_list
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.handling import states
from shared.http import Calling, Limit, Page

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/arrivals")
async def list_arrivals(
    call: Calling,
    days: Annotated[int, Query(ge=1, le=60)] = 14,
    after: Annotated[PlaceText | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[ExpectedArrival]:
    """Cases with a booking whose arrival lies up to so many days ahead and is not confirmed for everybody.

    Whoever should have come already stands first. A receiving office gets those of its own countries that it may know
    of, by their coarse status.
    """
    begins = place(after) if after is not None else None
    until = call.context.now + timedelta(days=days)
    # Between the two statements that find and read them a case may lose its booking or end: then it is left out.
    if call.reach.countries is not None:
        call.take("disclosure")
        countries = sorted(call.reach.countries)
        abroad = (countries, call.context.now - NOTICE_STANDS)

        async def find(unit: UnitOfWork, after: ArrivalPlace | None) -> list[ArrivalPlace]:
            return await arrivals.expected(unit, until, after, limit + 1, abroad)

        told, more = await told_in_a_list(call, countries, find, lambda expected: expected.id, begins, limit)
        items = [
            arrival_of(found.id, case, status) for found, case, status in told
            if case.arrives_at is not None and status != "not_coming"
        ]  # fmt: skip
        return Page[ExpectedArrival](items=items, next=call.goes_on_after(str(told[-1][0]), limit) if more else None)

    async def work(unit: UnitOfWork) -> tuple[list[ArrivalPlace], list[ExpectedArrival]]:
        places = await arrivals.expected(unit, until, begins, limit + 1)
        found = await states(
            unit, wiring.CASE, [expected.id for expected in places[:limit]], call.context.actor, reach=call.reach
        )
        cases = [(expected.id, found[expected.id]) for expected in places[:limit] if expected.id in found]
        return places, [arrival_of(id, case, case.status) for id, case in cases if case.arrives_at is not None]

    places, items = await call.ask(work)
    following = call.goes_on_after(str(places[limit - 1]), limit) if len(places) > limit else None
    return Page[ExpectedArrival](items=items, next=following)
