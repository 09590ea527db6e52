"""Reintegration's API for what a donor is told of a fund: whole for whoever answers for it, withheld where it leaves."""

from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.reintegration import donor_queries, finance_queries, wiring
from services.reintegration.domain.fund import Fund
from services.reintegration.domain.periods import first_day
from services.reintegration.domain.telling import known, told_at_the_end_of
from services.reintegration.domain.withholding import Table, Told, in_full, withheld
from services.reintegration.routes.exports import A_FILE, FileFormat, Spreadsheet, as_file
from services.reintegration.spreadsheets import MOST_ROWS, Cell, Sheet, refuse_too_many
from shared.actors import Role
from shared.callers import AuthenticatedRoute
from shared.contracts.periods import Month
from shared.db import UnitOfWork
from shared.errors import RuleViolation
from shared.http import Call, Calling
from shared.money import Amount, Money

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)

OfMonth = Annotated[Month, Query(description="The month at whose end it stood so, like 2023-05; one that is over.")]


class DonorCell(BaseModel):
    """What is told of the grants of one category in one country, or of a sum; None is withheld."""

    category: str | None
    country: str | None
    grants: int | None
    committed: Amount | None
    spent: Amount | None


class DonorView(BaseModel):
    """A fund at the end of a month: grants that hold or spent its money, by category and country, in its currency.

    ``category`` or ``country`` is None in a sum. ``withheld`` says that what changed for fewer than five grants is told
    later, together with others, as in whatever leaves the mission.
    """

    project: str
    donor: str
    currency: str
    month: str
    withheld: bool
    cells: list[DonorCell]


@router.get("/funds/{fund_id}/donor-view")
async def read_donor_view(fund_id: UUID, month: OfMonth, call: Calling) -> DonorView:
    """What a donor is told of a fund; the manager and the chief of mission see all of it."""
    _refuse_unless_over(call, month)
    whole = not call.context.actor.roles.isdisjoint((Role.MANAGER, Role.CHIEF_OF_MISSION))
    fund, _, table = await _found(call, fund_id, month, whole=whole)
    cells = [_cell(category, country, told) for category, country, told in _told(table)]
    return DonorView(
        project=fund.project, donor=fund.donor, currency=fund.currency, month=month, withheld=not whole, cells=cells
    )


@router.get("/exports/donor-view", response_class=Spreadsheet, responses=A_FILE)
async def export_donor_view(fund: UUID, month: OfMonth, call: Calling, format: FileFormat = "xlsx") -> Spreadsheet:
    """What a donor is told of a fund as a spreadsheet, of a closed month, in which nothing tells what changed for fewer than five grants."""
    _refuse_unless_over(call, month)
    await call.on_record()
    of, events, table = await _found(call, fund, month, whole=False)

    def amount(value: object) -> Cell:
        return "withheld" if value is None else Money.model_validate({"amount": value, "currency": of.currency})

    rows: list[tuple[Cell, ...]] = [
        (
            category or "all", country or "all", "withheld" if told.grants is None else told.grants, of.currency,
            amount(told.committed), amount(told.spent),
        )
        for category, country, told in _told(table)
    ]  # fmt: skip
    head = {"Category": 18, "Country": 12, "Grants": 10, "Currency": 9, "Committed": 14, "Spent": 14}
    narrowed: dict[str, Cell] = {
        "Project": of.project, "Donor": of.donor, "At the end of": month,
        "Withheld": "What changed for fewer than five grants, until it can be told with others.",
    }  # fmt: skip
    return await as_file(call, format, "Donor view", events, [Sheet("Grants", head, rows)], narrowed)


async def _found(call: Call, fund_id: UUID, month: str, *, whole: bool) -> tuple[Fund, int, Table]:
    state = (await call.view(wiring.FUND, fund_id, recorded=True)).state
    first = first_day(month)

    async def work(unit: UnitOfWork) -> tuple[int, Table]:
        if not whole and (still_open := await donor_queries.oldest_open_month(unit, fund_id, first)) is not None:
            raise RuleViolation(
                "month_not_closed",
                f"The month {still_open:%Y-%m} still takes postings. This is told once finance closed every month since the first "
                "posting of the fund.",
            )
        events = await finance_queries.events_so_far(unit)
        posted = await donor_queries.posted_until(unit, fund_id, first, MOST_ROWS + 1)
        refuse_too_many(len({one.grant_id for one in posted}))
        return events, in_full(known(posted)) if whole else withheld(told_at_the_end_of(first, posted))

    return (state, *await call.ask(work, log=True, snapshot=True))


def _refuse_unless_over(call: Call, month: str) -> None:
    first, today = first_day(month), call.context.now.astimezone(ZoneInfo(call.runtime.mission_time_zone)).date()
    if (first.year, first.month) >= (today.year, today.month):
        raise RuleViolation("month_not_over", "This month is not over yet. Ask for the last one that is.")


def _told(table: Table) -> list[tuple[str | None, str | None, Told]]:
    return [
        *((row, column, table.cells[row, column]) for row in table.rows for column in table.columns),
        *((row, None, told) for row, told in table.by_row.items()),
        *((None, column, told) for column, told in table.by_column.items()),
        (None, None, table.total),
    ]


def _cell(category: str | None, country: str | None, told: Told) -> DonorCell:
    return DonorCell(category=category, country=country, grants=told.grants, committed=told.committed, spent=told.spent)
