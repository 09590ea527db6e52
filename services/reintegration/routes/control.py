"""Reintegration's API for those who look over the money: which requests are exceptions, and what nobody may decide."""

from datetime import date
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from services.reintegration import control_queries, rate_queries
from services.reintegration.control_queries import ExceptionRow, UndecidableRow
from services.reintegration.domain.conversion import RatesInForce
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.errors import RuleViolation
from shared.http import Call, Calling, Limit, Page
from shared.statistics import First, Last, period

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)

MOST_DAYS: Final = 366


def refuse_too_long(first: date, last: date) -> None:
    """Refused as ``period_reversed``, or as ``period_too_long`` beyond `MOST_DAYS`."""
    period(first, last, "UTC")
    if (last - first).days >= MOST_DAYS:
        raise RuleViolation("period_too_long", "These are more days than can be looked over at once. Ask for a year at most.")


@router.get("/exceptions")
async def list_exceptions(
    first: First,
    last: Last,
    call: Calling,
    after: Annotated[control_queries.Place | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[ExceptionRow]:
    """Requests of some days that somebody should look at though each was allowed, the newest first.

    Requested and approved on one day (``same_day``), within the last tenth below a threshold of their policy
    (``below_threshold``), or together with what the same person is asked for within 30 days above the lowest threshold,
    which none of them is alone, or marked so as it was submitted (``split``), or one of at least five of these days that chose one vendor (``one_vendor``; which
    one is not told, for it may tell of health), or a spot check found a delivery otherwise or not at all (``spot_check``),
    or the bank moved money under the id of a payment that was never sent to it (``moved_by_hand``),
    or to another account than it was released to (``another_payee``),
    or booked one that two persons had ended without its answer (``booked_after_all``),
    or booked another amount than was ordered, of which two persons found how much is the payment (``booked_otherwise``),
    or the bank had reported that a payment was made which was ended since no statement had it (``ended_though_reported``),
    or something stood against a payment of it when that was made (``paid_although``).
    """
    refuse_too_long(first, last)
    zone = call.runtime.mission_time_zone
    found = await call.ask(lambda unit: control_queries.exceptions(unit, first, last, zone, after, limit + 1))
    items = found[:limit]
    return Page[ExceptionRow](items=items, next=call.goes_on_after(items[-1].place, limit) if len(found) > limit else None)


@router.get("/undecidable-grants")
async def list_undecidable_grants(
    call: Calling,
    after: Annotated[control_queries.Place | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[UndecidableRow]:
    """Grants whose next approval nobody may give today, the longest waiting first, and why.

    Nobody has authority that counts today (``no_authority``), whoever has it took part in the request (``all_involved``),
    it is more than any of them may approve (``beyond_authority``), or no rate says so (``rate_missing``).
    """
    found = await call.ask(lambda unit: undecidable(unit, call, after, limit + 1))
    items = found[:limit]
    return Page[UndecidableRow](items=items, next=call.goes_on_after(items[-1].place, limit) if len(found) > limit else None)


async def undecidable(unit: UnitOfWork, call: Call, after: str | None, limit: int) -> list[UndecidableRow]:
    """The grants that nobody may decide on by the mission's day."""
    today = call.context.now.astimezone(ZoneInfo(call.runtime.mission_time_zone)).date()
    counting = [rate.recorded() for rate in await rate_queries.in_force(unit, today)]
    return await control_queries.undecidable(
        unit, RatesInForce.on(today, counting), call.context.now, today, after, limit
    )
