"""Lists as files: an XLSX file with a sheet that says what was asked, or one table as CSV.

Decision 47. Amounts are numbers, days are days, everything else is text: nothing is a formula or a link, whatever it
begins with.
"""

import asyncio
import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.currencies import minor_units
from shared.errors import RuleViolation
from shared.money import Money
from shared.plain_cells import is_risky, lines_of, plain_within

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_TYPE: Final = "text/csv; charset=utf-8"
# By this mark in front a program knows how the letters are written.
_MARK: Final = b"\xef\xbb\xbf"
# What one file holds; whoever asks for more is told so, and gets no part that might pass for the whole.
MOST_ROWS: Final = 10_000
# A cell keeps a number to this many digits; one of more is written as text, for it is not to be rounded.
_DIGITS: Final = 15
# A file is made in memory, some 40 MB while it is the longest, so one after the other.
_ONE_AT_A_TIME: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spreadsheet")
_SAFE: Final = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}

# An amount stands as `Money`, a rate as `Decimal`; a moment is shown by the mission's clocks.
Cell = str | UUID | bool | int | Decimal | Money | date | datetime | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: its name, its head with the width of each column in letters, and its rows."""

    name: str
    head: Mapping[str, int]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a file is made of: which list, narrowed by what, by whom and when, and how much of the log it knows.

    ``position`` is how many of the log's events had come; what they changed is in it, and nothing else.
    """

    list: str
    by: str
    at: datetime
    position: int
    zone: str
    narrowed: Mapping[str, Cell] = field(default_factory=dict)


def refuse_too_many(rows: int) -> None:
    """Refused as ``too_many_rows`` beyond `MOST_ROWS`."""
    if rows > MOST_ROWS:
        raise RuleViolation("too_many_rows", "These are more rows than one file holds. Narrow what you ask for.")


async def made(asked: Asked, sheets: Sequence[Sheet]) -> bytes:
    """The file, made beside the loop; RuleViolation ``too_many_rows`` if it has too many."""
    for sheet in sheets:
        refuse_too_many(len(sheet.rows))
    return await asyncio.get_running_loop().run_in_executor(_ONE_AT_A_TIME, workbook, asked, sheets)


def table(sheet: Sheet, zone: str) -> bytes:
    """One sheet as CSV (RFC 4180, UTF-8 with its mark), as the XLSX file shows it: times of the mission, whole amounts."""
    refuse_too_many(len(sheet.rows))
    here = ZoneInfo(zone)
    return _MARK + lines_of([[*sheet.head], *([_text_of(value, here) for value in row] for row in sheet.rows)])


def _text_of(value: Cell, zone: ZoneInfo) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Money(amount=amount):
            return f"{amount:f}"
        case Decimal():
            return f"{value:f}"
        case datetime():
            return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        case int() | date():
            return str(value)
        case _:
            return plain_within(str(value))


def workbook(asked: Asked, sheets: Sequence[Sheet]) -> bytes:
    """The same, at once."""
    # A quarter of a second to load, which no process waits for before the first file.
    from xlsxwriter import Workbook  # noqa: PLC0415

    zone = ZoneInfo(asked.zone)
    content = io.BytesIO()
    with Workbook(content, _SAFE) as book:
        book.set_properties({"created": asked.at.astimezone(zone).replace(tzinfo=None)})
        written = _Writer(book, zone)
        for sheet in (*sheets, _about(asked, sheets)):
            written.sheet(sheet)
    return content.getvalue()


def _about(asked: Asked, sheets: Sequence[Sheet]) -> Sheet:
    said: dict[str, Cell] = {
        "List": asked.list, **asked.narrowed, "Asked for by": asked.by, "Made": asked.at,
        "Time zone of all times": asked.zone, "Events of the log that it knows": asked.position,
        **{f"Rows of {sheet.name}": len(sheet.rows) for sheet in sheets},
    }  # fmt: skip
    return Sheet("About", {"What": 34, "Value": 40}, tuple(said.items()))


@cache
def _amounts(currency: str) -> str:
    decimals = minor_units(currency)
    return "#,##0" + ("." + "0" * decimals if decimals else "")


class _Writer:
    """One workbook while it is written: each format is made once."""

    def __init__(self, book: "Workbook", zone: ZoneInfo) -> None:
        self._book, self._zone = book, zone
        self._formats: dict[str, Format] = {}
        self._head = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self._quoted = book.add_format({"quote_prefix": True})

    def sheet(self, sheet: Sheet) -> None:
        page = self._book.add_worksheet(sheet.name)
        page.freeze_panes(1, 0)
        for column, (heading, width) in enumerate(sheet.head.items()):
            page.set_column(column, column, width)
            page.write_string(0, column, heading, self._head)
        for number, row in enumerate(sheet.rows, start=1):
            for column, value in enumerate(row):
                self._cell(page, number, column, value)

    def _cell(self, page: "Worksheet", row: int, column: int, value: Cell) -> None:
        match value:
            case None:
                pass
            case bool():
                page.write_string(row, column, "yes" if value else "no")
            case int():
                page.write_number(row, column, value)
            case Money(amount=amount, currency=currency) if _exact(amount):
                page.write_number(row, column, amount, self._format(_finer(_amounts(currency), amount)))
            case Money(amount=amount):
                page.write_string(row, column, f"{amount:f}")
            case Decimal() if _exact(value):
                page.write_number(row, column, value, self._format("0.##########"))
            case Decimal():
                page.write_string(row, column, f"{value:f}")
            case datetime():
                here = value.astimezone(self._zone).replace(tzinfo=None)
                page.write_datetime(row, column, here, self._format("yyyy-mm-dd hh:mm:ss"))
            case date():
                page.write_datetime(row, column, value, self._format("yyyy-mm-dd"))
            case _:
                text = str(value)
                # What is changed by hand is calculated then, unless the cell says that it is quoted.
                page.write_string(row, column, text, self._quoted if is_risky(text) else None)

    def _format(self, shown: str) -> "Format":
        if shown not in self._formats:
            self._formats[shown] = self._book.add_format({"num_format": shown})
        return self._formats[shown]


def _exact(value: Decimal) -> bool:
    return len(value.normalize().as_tuple().digits) <= _DIGITS


def _finer(shown: str, amount: Decimal) -> str:
    # An event of before may have more decimals than its currency; all of them are shown.
    decimals = -int(amount.normalize().as_tuple().exponent)
    return shown if decimals <= len(shown.partition(".")[2]) else "#,##0." + "0" * decimals
