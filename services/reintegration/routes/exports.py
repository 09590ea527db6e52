"""Reintegration's API for taking finance's lists home as spreadsheets, each of which is put on record."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Response

from services.reintegration import control_queries, finance_queries, grant_wiring, spreadsheets
from services.reintegration.control_queries import ExceptionRow, UndecidableRow
from services.reintegration.domain.exceptions import ExceptionCode
from services.reintegration.domain.grant_state import GrantStatus
from services.reintegration.domain.turns import COMMANDS
from services.reintegration.finance_queries import Exported
from services.reintegration.policy import hats_of
from services.reintegration.routes.control import refuse_too_long, undecidable
from services.reintegration.routes.grants import grants_found
from services.reintegration.spreadsheets import CSV_TYPE, MEDIA_TYPE, MOST_ROWS, Asked, Cell, Sheet
from shared.callers import AuthenticatedRoute
from shared.db import UnitOfWork
from shared.errors import Refusal, RuleViolation
from shared.http import Call, Calling
from shared.moments import Day
from shared.money import Currency, Money
from shared.statistics import First, Last

router = APIRouter(prefix="/v1/exports", route_class=AuthenticatedRoute)

_LIMIT: Final = MOST_ROWS + 1
_AT_ONCE: Final = 200
_YEARS: Final = range(2000, 2100)
A_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {MEDIA_TYPE: {}, "text/csv": {}}, "description": "The spreadsheet, or one of its tables as CSV."}
}
FileFormat = Annotated[Literal["xlsx", "csv"], Query(alias="format", description="CSV holds the first table alone.")]
HEADINGS: Final[Mapping[ExceptionCode, str]] = {
    "same_day": "Requested and approved on one day", "below_threshold": "Just below a threshold", "split": "Split",
    "one_vendor": "Many for one vendor", "spot_check": "Not found as delivered", "moved_by_hand": "Moved by hand",
    "another_payee": "To another account", "booked_after_all": "Booked after it was ended", "booked_otherwise": "Booked otherwise than ordered",
    "ended_though_reported": "Ended though reported as paid", "paid_although": "Paid although something stood against it",
}  # fmt: skip
_ID, _CODE, _AMOUNT, _MOMENT = 38, 16, 14, 20

_OF_A_GRANT: Final[Mapping[str, int]] = {
    "Grant": _ID, "Case": _ID, "Country": 9, "Status": _CODE, "Modality": _CODE, "Currency": 9, "Amount": _AMOUNT,
    "Committed": _AMOUNT, "Paid": _AMOUNT, "Recovered": _AMOUNT, "Fund": _ID, "Currency of the fund": 9, "Approved of the fund": _AMOUNT,
    "Committed of the fund": _AMOUNT, "Paid of the fund": _AMOUNT, "Recovered of the fund": _AMOUNT, "Version of the request": 11, "Requested": _MOMENT,
    "Endorsed": _MOMENT, "Approved": _MOMENT, "Last step": _MOMENT,
}  # fmt: skip


class Spreadsheet(Response):
    """An XLSX file, or one table of it as CSV."""

    media_type = MEDIA_TYPE


@router.get("/turns", response_class=Spreadsheet, responses=A_FILE)
async def export_turns(call: Calling, format: FileFormat = "xlsx") -> Spreadsheet:
    """The caller's queue as a spreadsheet: since when each grant waits, and why the caller may not take its next step."""
    await call.on_record()
    hats = sorted(hats_of(call.context.actor))

    async def work(unit: UnitOfWork) -> tuple[Exported, dict[tuple[UUID, str], Refusal | None]]:
        found = await finance_queries.turns(unit, hats, _LIMIT)
        spreadsheets.refuse_too_many(len(found.rows))
        return found, await _refusals(unit, call, found.rows)

    found, refusals = await call.ask(work, log=True, snapshot=True)
    rows = [
        (
            *_grant(row), row["hat"], row["turn_since"], (call.context.now - row["turn_since"]).days,
            (turn := (row["id"], row["hat"])) in refusals and refusals[turn] is None, (refusal := refusals.get(turn)) and refusal.code, refusal and refusal.sentence,
        )
        for row in found.rows
    ]  # fmt: skip
    head = {
        **_OF_A_GRANT, "Waits for": _CODE, "Since": _MOMENT, "Days": 7, "You may": 9, "Reason": 20,
        "What the reason means": 60,
    }  # fmt: skip
    return await as_file(call, format, "Grants that wait for their reader", found.events, [Sheet("Queue", head, rows)])


@router.get("/grants", response_class=Spreadsheet, responses=A_FILE)
async def export_grants(
    call: Calling,
    status: GrantStatus | None = None,
    first: Annotated[Day | None, Query(alias="from")] = None,
    last: Annotated[Day | None, Query(alias="to")] = None,
    format: FileFormat = "xlsx",
) -> Spreadsheet:
    """Grants as a spreadsheet, those at one status or asked for on some days if so asked; not what they are for."""
    _refuse_days(first, last)
    await call.on_record()
    zone = call.runtime.mission_time_zone
    found = await call.ask(lambda unit: finance_queries.grants(unit, status, first, last, zone, _LIMIT), log=True)
    narrowed: dict[str, Cell] = {"Status": status, "Asked for from": first, "Asked for to": last}
    sheet = Sheet("Grants", _OF_A_GRANT, [_grant(row) for row in found.rows])
    return await as_file(call, format, "Grants", found.events, [sheet], narrowed)


@router.get("/funds", response_class=Spreadsheet, responses=A_FILE)
async def export_funds(call: Calling, format: FileFormat = "xlsx", table: Literal["funds", "uses"] = "funds") -> Spreadsheet:
    """Every donor line as a spreadsheet: granted, committed, spent and available, and by what its grants use it."""
    await call.on_record()
    found, uses = await call.ask(lambda unit: finance_queries.funds(unit, _LIMIT), log=True)
    lines = [
        (
            row["id"], row["project"], row["donor"], row["status"], row["currency"],
            *(_money(row, name) for name in ("granted", "committed", "spent", "available")), row["valid_from"],
            row["valid_until"], row["waits"],
        )
        for row in found.rows
    ]  # fmt: skip
    used = [
        (
            row["id"], row["project"], row["donor"], use.status, use.grants, use.currency,
            *(Money(amount=amount, currency=use.currency) for amount in (use.approved, use.committed, use.paid, use.recovered)),
        )
        for row, use in uses
    ]  # fmt: skip
    line = {"Fund": _ID, "Project": 24, "Donor": 24}
    amounts = {"Granted": _AMOUNT, "Committed": _AMOUNT, "Spent": _AMOUNT, "Available": _AMOUNT}
    sheets = [
        Sheet("Funds", {**line, "Status": _CODE, "Currency": 9, **amounts, "First day": 12, "Last day": 12, "Waits to be confirmed": 12}, lines),
        Sheet(
            "Grants by fund",
            {**line, "Status": _CODE, "Grants": 8, "Currency": 9, "Approved": _AMOUNT, "Committed": _AMOUNT, "Paid": _AMOUNT, "Recovered": _AMOUNT},
            used,
        ),
    ]
    return await as_file(call, format, "Funds", found.events, sheets if format == "xlsx" or table == "funds" else sheets[1:])


@router.get("/rates", response_class=Spreadsheet, responses=A_FILE)
async def export_rates(call: Calling, currency: Annotated[Currency | None, Query()] = None, format: FileFormat = "xlsx") -> Spreadsheet:
    """Every revision of every rate as a spreadsheet, of one currency if so asked."""
    await call.on_record()
    found = await call.ask(lambda unit: finance_queries.rates(unit, currency, _LIMIT), log=True)
    rows = [tuple(row[1:]) for row in found.rows]
    head = {
        "Currency": 9, "Base": 9, "Counts from": 12, "Revision": 9, "Rate: one of the base is": 16, "Source": 22,
        "Reason": 18, "Taken out": 9, "Recorded by": 24, "Recorded": _MOMENT, "Rate's id": _ID,
    }  # fmt: skip
    return await as_file(call, format, "Rates of exchange", found.events, [Sheet("Rates", head, rows)], {"Currency": currency})


@router.get("/exceptions", response_class=Spreadsheet, responses=A_FILE)
async def export_exceptions(first: First, last: Last, call: Calling, format: FileFormat = "xlsx") -> Spreadsheet:
    """The exceptions among the requests of some days as a spreadsheet, with why each is one."""
    await call.on_record()
    refuse_too_long(first, last)
    zone = call.runtime.mission_time_zone

    async def work(unit: UnitOfWork) -> tuple[int, list[ExceptionRow]]:
        events = await finance_queries.events_so_far(unit)
        return events, await control_queries.exceptions(unit, first, last, zone, None, _LIMIT)

    events, found = await call.ask(work, log=True, snapshot=True)
    rows = [
        (
            one.grant_id, one.case_id, one.destination_country, one.status, one.currency,
            Money(amount=one.amount, currency=one.currency), one.request_version, one.requested_at, one.approved_at,
            one.requester_id, one.endorser_id, one.approver_id, *(code in one.exceptions for code in HEADINGS),
        )
        for one in found
    ]  # fmt: skip
    head = {
        "Grant": _ID, "Case": _ID, "Country": 9, "Status": _CODE, "Currency": 9, "Amount": _AMOUNT,
        "Version of the request": 11, "Requested": _MOMENT, "Approved": _MOMENT, "Requested by": 24, "Endorsed by": 24,
        "Approved by": 24, **dict.fromkeys(HEADINGS.values(), 14),
    }  # fmt: skip
    narrowed: dict[str, Cell] = {"Requested from": first, "Requested to": last}
    return await as_file(call, format, "Exceptions", events, [Sheet("Exceptions", head, rows)], narrowed)


@router.get("/undecidable-grants", response_class=Spreadsheet, responses=A_FILE)
async def export_undecidable_grants(call: Calling, format: FileFormat = "xlsx") -> Spreadsheet:
    """The grants whose next approval nobody may give today as a spreadsheet, with why."""
    await call.on_record()

    async def work(unit: UnitOfWork) -> tuple[int, list[UndecidableRow]]:
        return await finance_queries.events_so_far(unit), await undecidable(unit, call, None, _LIMIT)

    events, found = await call.ask(work, log=True, snapshot=True)
    rows = [
        (
            one.grant_id, one.case_id, one.destination_country, one.currency, Money(amount=one.amount, currency=one.currency),
            one.request_version, one.since, (call.context.now - one.since).days, one.reason,
        )
        for one in found
    ]  # fmt: skip
    head = {
        "Grant": _ID, "Case": _ID, "Country": 9, "Currency": 9, "Amount": _AMOUNT, "Version of the request": 11,
        "Since": _MOMENT, "Days": 7, "Reason": 20,
    }  # fmt: skip
    return await as_file(call, format, "Grants that nobody may decide on", events, [Sheet("Nobody", head, rows)])


def _refuse_days(first: Day | None, last: Day | None) -> None:
    """Refuses as ``day_out_of_reach`` a day of another century, as ``period_reversed`` an end before the beginning."""
    if any(day is not None and day.year not in _YEARS for day in (first, last)):
        raise RuleViolation("day_out_of_reach", "Choose days of the years 2000 to 2099.")
    if first is not None and last is not None and last < first:
        raise RuleViolation("period_reversed", "The period ends before it begins.")


def _money(row: asyncpg.Record, name: str) -> Money:
    return Money(amount=row[name], currency=row["currency"])


def _of_the_fund(row: asyncpg.Record, name: str) -> Money | None:
    return None if row["fund_currency"] is None else Money(amount=row[name], currency=row["fund_currency"])


def _grant(row: asyncpg.Record) -> tuple[Cell, ...]:
    """A grant's cells below `_OF_A_GRANT`."""
    return (
        row["id"], row["case_id"], row["destination_country"], row["status"], row["modality"], row["currency"],
        *(_money(row, name) for name in ("amount", "committed", "paid", "recovered")), row["fund_id"], row["fund_currency"],
        *(_of_the_fund(row, name) for name in ("fund_total", "fund_committed", "fund_paid", "fund_recovered")), row["request_version"],
        row["requested_at"], row["endorsed_at"], row["approved_at"], row["waiting_since"],
    )  # fmt: skip


async def _refusals(
    unit: UnitOfWork, call: Call, rows: Sequence[asyncpg.Record]
) -> dict[tuple[UUID, str], Refusal | None]:
    """Why the caller may not take the step of each turn, as the queue's page says it."""
    refusals: dict[tuple[UUID, str], Refusal | None] = {}
    for at in range(0, len(rows), _AT_ONCE):
        part = rows[at : at + _AT_ONCE]
        states = await grants_found(unit, call, [row["id"] for row in part])
        for row in part:
            command = COMMANDS[row["step"]]
            if row["id"] in states:
                refusals[row["id"], row["hat"]] = grant_wiring.GRANT.decider.refusal(states[row["id"]], command, None, call.context)
    return refusals


async def as_file(
    call: Call, format: Literal["xlsx", "csv"], name: str, events: int, sheets: Sequence[Sheet], narrowed: Mapping[str, Cell] | None = None
) -> Spreadsheet:
    """The file of what was asked, with a sheet that says so; as CSV the first table alone."""
    if format == "csv":
        answer = Spreadsheet(spreadsheets.table(sheets[0], call.runtime.mission_time_zone))
        answer.headers["Content-Type"] = CSV_TYPE
        return answer
    asked = Asked(
        list=name, by=call.context.actor.person_id, at=call.context.now, position=events,
        zone=call.runtime.mission_time_zone, narrowed={key: value for key, value in (narrowed or {}).items() if value is not None},
    )  # fmt: skip
    return Spreadsheet(await spreadsheets.made(asked, sheets))
