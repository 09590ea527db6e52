"""Reintegration's API for what is open with finance, and for how long."""

from decimal import Decimal
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query

from services.reintegration import ageing_queries, finance_queries
from services.reintegration.ageing_queries import OpenItem, OpenItems
from services.reintegration.domain.ageing import KINDS, Age, OpenKind
from services.reintegration.routes.exports import A_FILE, FileFormat, Spreadsheet, as_file
from services.reintegration.spreadsheets import MOST_ROWS, Cell, Sheet, refuse_too_many
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.http import Calling, Limit, Page
from shared.money import Currency, Money

# Where the bank says none.
UNKNOWN: Final = "XXX"

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.get("/open-items")
async def read_open_items(call: Calling) -> OpenItems:
    """How much is open of each kind, currency and age, by the mission's day.

    Released to the bank and in no batch (``waits_for_batch``), in one and not answered for (``waits_for_bank``), released
    otherwise and not confirmed (``waits_for_payer``), in cash and seen by nobody (``cash_not_handed_over``), paid and not
    delivered, delivered and not reconciled, a line of the bank's that fits nothing, or asked back and still waited for.
    """
    now, zone = call.context.now, call.runtime.mission_time_zone
    return await call.ask(lambda unit: ageing_queries.counted(unit, now, zone))


@router.get("/exports/open-items", response_class=Spreadsheet, responses=A_FILE)
async def export_open_items(
    call: Calling, format: FileFormat = "xlsx", table: Literal["numbers", "items"] = "numbers"
) -> Spreadsheet:
    """What is open of each kind, currency and age as a spreadsheet, and each item of it, the longest waiting first of its kind."""
    await call.on_record()
    now, zone = call.context.now, call.runtime.mission_time_zone

    async def work(unit: UnitOfWork) -> tuple[int, OpenItems, list[tuple[OpenKind, OpenItem]]]:
        events = await finance_queries.events_so_far(unit)
        items: list[tuple[OpenKind, OpenItem]] = []
        for kind in KINDS:
            items += [(kind, one) for one in await ageing_queries.listed(unit, kind, now, zone, None, None, None, MOST_ROWS + 1)]
            refuse_too_many(len(items))
        return events, await ageing_queries.counted(unit, now, zone), items

    events, counted, items = await call.ask(work, log=True, snapshot=True)
    numbers: list[tuple[Cell, ...]] = [
        (one.kind, one.currency, one.age, one.items, _amount(one.total, one.currency), one.without_amount)
        for one in counted.groups
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            kind, one.currency, one.age, one.day, one.days, _amount(one.amount, one.currency), one.grant_id, one.tranche, one.bank_line,
            one.bank_file, one.destination_country,
        )
        for kind, one in items
    ]  # fmt: skip
    kind = {"Kind": 24, "Currency": 9, "Age in days": 12}
    sheets = [
        Sheet("Open items", {**kind, "Items": 8, "Amount": 14, "Without an amount": 10}, numbers),
        Sheet(
            "Each of them",
            {**kind, "Since": 12, "Days": 7, "Amount": 14, "Grant": 38, "Tranche": 8, "Line of the bank": 38, "File of the bank": 38, "Country": 9},
            rows,
        ),
    ]
    chosen = sheets if format == "xlsx" or table == "numbers" else sheets[1:]
    return await as_file(call, format, "Open items", events, chosen, {"On": counted.today})


def _amount(amount: Decimal | None, currency: str) -> Cell:
    # Of a line that names no currency it is not known how the amount is written.
    return amount if amount is None or currency == UNKNOWN else Money(amount=amount, currency=currency)


@router.get("/open-items/{kind}")
async def list_open_items(
    kind: OpenKind,
    call: Calling,
    age: Annotated[Age | None, Query()] = None,
    currency: Annotated[Currency | None, Query()] = None,
    after: Annotated[ageing_queries.Place | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[OpenItem]:
    """The open items of one kind, of one age and currency if so asked, the longest waiting first."""
    now, zone = call.context.now, call.runtime.mission_time_zone
    found = await call.ask(lambda unit: ageing_queries.listed(unit, kind, now, zone, age, currency, after, limit + 1))
    items = found[:limit]
    return Page[OpenItem](items=items, next=call.goes_on_after(items[-1].place, limit) if len(found) > limit else None)
