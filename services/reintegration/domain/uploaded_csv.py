"""A CSV that somebody brings: read as text alone, whole or not at all, its wrong rows named by number and never repeated."""

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from shared.errors import RuleViolation

Cells = Mapping[str, str]
_LONGEST_CELL: Final = 4_000
_NAMED: Final = 10
# What a spreadsheet would calculate, if somebody opened the file there again.
_FORMULAS: Final = ("=", "@", "\t", "\r")


def rows_of(content: bytes, columns: Collection[str], most_rows: int) -> Iterator[tuple[int, Cells]]:
    """Each row by its number, the head being 1, with what stands under these columns, without blanks around it.

    Refused as ``csv_unreadable`` where it is no UTF-8 or has none of these columns, ``csv_too_long``, and
    ``rows_unreadable`` for rows of another width than the head, with a cell too long, or with one that is a formula.
    """
    try:
        read = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise _unreadable() from None
    lines = [(number, line) for number, line in enumerate(read, start=1) if any(cell.strip() for cell in line)]
    names = [cell.strip().lower() for cell in lines[0][1]] if lines else []
    if not set(names) & set(columns) or len(set(names)) < len(names):
        raise _unreadable()
    rows = lines[1:]
    if not rows:
        raise RuleViolation("csv_empty", "There is no row in this file.")
    if len(rows) > most_rows:
        raise RuleViolation("csv_too_long", f"This file has more than {most_rows} rows.")
    unreadable_rows([number for number, line in rows if not _readable(line, len(names))])
    for number, line in rows:
        yield number, {name: cell.strip() for name, cell in zip(names, line, strict=True) if name in columns}


def unreadable_rows(numbers: Sequence[int]) -> None:
    """Refused as ``rows_unreadable``, by their numbers, if there are any."""
    if numbers:
        named = ", ".join(str(number) for number in numbers[:_NAMED])
        more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
        raise RuleViolation("rows_unreadable", f"Nothing was kept, for these rows can't be read: {named}{more}.")


def _readable(line: Sequence[str], width: int) -> bool:
    return len(line) == width and all(len(cell) <= _LONGEST_CELL and not cell.startswith(_FORMULAS) for cell in line)


def _unreadable() -> RuleViolation:
    return RuleViolation("csv_unreadable", "This is not a table of text (CSV, UTF-8) with the columns that are needed.")
