"""Who is expected: for the office that meets them as far as it may know, for staff in every country."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query

from services.returns import wiring
from services.returns.domain.days import earliest_day
from services.returns.domain.window import NOTICE_STANDS
from services.returns.queries import arrivals
from services.returns.queries.arrivals import (
    Abroad,
    ArrivalPlace,
    ArrivalToConfirm,
    ExpectedArrival,
    PlaceText,
    arrival_of,
    is_expected,
    place,
    to_confirm_of,
)
from services.returns.routes.window import told_in_a_list
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.handling import states
from shared.http import Call, Calling, Limit, Page

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)

# Whoever has left arrives within days; a booking that lies further ahead is a mistake, and is met all the same.
_UNDER_WAY: Final = timedelta(days=60)


@router.get("/arrivals")
async def list_arrivals(
    call: Calling,
    days: Annotated[int, Query(ge=1, le=60)] = 14,
    after: Annotated[PlaceText | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[ExpectedArrival]:
    """Cases with a booking whose arrival lies up to so many days ahead and is not confirmed for everybody.

    With them is every case of which somebody has left and not arrived, also if the booking is lost or one of others.
    Whoever should have come already stands first. A receiving office gets those of its own countries that it may know
    of, by their coarse status.
    """
    begins = place(after) if after is not None else None
    until = call.context.now + timedelta(days=days)
    # Between the two statements that find and read them a case may lose its booking or end: then it is left out.
    if call.reach.countries is not None:
        call.take("disclosure")
        abroad = _abroad(call)

        async def find(unit: UnitOfWork, after: ArrivalPlace | None) -> list[ArrivalPlace]:
            return await arrivals.expected(unit, until, after, limit + 1, abroad)

        told, more = await told_in_a_list(call, abroad.countries, find, lambda expected: expected.id, begins, limit)
        items = [
            arrival_of(found.id, case, status) for found, case, status in told
            if is_expected(case) and status != "not_coming"
        ]  # fmt: skip
        return Page[ExpectedArrival](items=items, next=call.goes_on_after(str(told[-1][0]), limit) if more else None)

    async def work(unit: UnitOfWork) -> tuple[list[ArrivalPlace], list[ExpectedArrival]]:
        places = await arrivals.expected(unit, until, begins, limit + 1)
        found = await states(
            unit, wiring.CASE, [expected.id for expected in places[:limit]], call.context.actor, reach=call.reach
        )
        cases = [(expected.id, found[expected.id]) for expected in places[:limit] if expected.id in found]
        return places, [arrival_of(id, case, case.status) for id, case in cases if is_expected(case)]

    places, items = await call.ask(work)
    following = call.goes_on_after(str(places[limit - 1]), limit) if len(places) > limit else None
    return Page[ExpectedArrival](items=items, next=following)


@router.get("/arrivals/to-confirm")
async def list_arrivals_to_confirm(
    call: Calling,
    after: Annotated[PlaceText | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[ArrivalToConfirm]:
    """Whom an office was told of and may confirm as arrived, in the order in which they were to come.

    Nobody is asked who agrees at this moment, so it is answered while counselling does not: it names no more than whom the
    office was told of, and leaves out whoever is known to have taken the consent back.
    """
    call.take("disclosure")
    begins, until = place(after) if after is not None else None, call.context.now + _UNDER_WAY

    async def work(unit: UnitOfWork) -> tuple[list[ArrivalPlace], list[ArrivalToConfirm]]:
        places = await arrivals.expected(unit, until, begins, limit + 1, _abroad(call), to_confirm=True)
        found = await states(unit, wiring.CASE, [one.id for one in places[:limit]], call.context.actor, reach=call.reach)
        rows = [to_confirm_of(one.id, found[one.id]) for one in places[:limit] if one.id in found]
        # Between the two statements somebody may have been met.
        return places, [row for row in rows if row.person_ids]

    places, items = await call.ask(work)
    await call.on_record(shown=tuple(item.id for item in items))
    following = call.goes_on_after(str(places[limit - 1]), limit) if len(places) > limit else None
    return Page[ArrivalToConfirm](items=items, next=following)


def _abroad(call: Call) -> Abroad:
    now = call.context.now
    return Abroad(sorted(call.reach.countries or ()), now - NOTICE_STANDS, earliest_day(now))
