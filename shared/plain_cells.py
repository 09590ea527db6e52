"""Texts as cells of a table of text (CSV), none of which a spreadsheet program takes for a formula (OWASP, CSV injection)."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

_BEGIN: Final = frozenset("=+-@")
# What a program may leave out in front of a formula, or take for the end of a cell.
_UNSEEN: Final = re.compile(r"[\s\ufeff\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u2069]*")
_ENDS: Final = re.compile(r"""[,;|\t\r\n"']+""")


def is_risky(text: str) -> bool:
    """Whether a program may calculate this cell: it begins with = + - @, be they written wide or small, or with a tab or a line end."""
    if text.startswith(("\t", "\r", "\n")):
        return True
    found = _UNSEEN.match(text)
    first = text[found.end() if found else 0 :][:1]
    return unicodedata.normalize("NFKC", first)[:1] in _BEGIN if first else False


def plain(text: str) -> str:
    """The text as a cell that stays a text: with an apostrophe in front where a program may calculate it."""
    return f"'{text}" if is_risky(text) else text


def plain_within(text: str) -> str:
    """The same, also for a program that parts cells by other signs than the table does: behind each of them as in front."""
    ends = [(0, 0), *(end.span() for end in _ENDS.finditer(text))]
    parts = zip(ends, [*(start for start, _ in ends[1:]), len(text)], strict=True)
    return plain("".join(text[start:end] + (plain(text[end:last]) if end else text[:last]) for (start, end), last in parts))


def lines_of(rows: Iterable[Sequence[str]]) -> bytes:
    """These cells, each in quotation marks, as CSV in UTF-8 (RFC 4180)."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
