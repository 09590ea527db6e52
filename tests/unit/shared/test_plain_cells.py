"""No cell of a table of text is a formula for whoever opens it, and nothing that was written is lost."""

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.plain_cells import is_risky, lines_of, plain, plain_within

RISKY = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\tquiet", " =1", "\ufeff=1", "\u200b=1", "\u00a0@x",
    "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "\ufe661", "\ufe63\u0031", "\u207c1", "\u2060=cmd|' /C calc'!A0",
)  # fmt: skip
HARMLESS = ("", "a=1", "12", "2023-05-02", "'=1", "in_kind_vendor", "{=1}", "\u2212x", "  text")


@pytest.mark.parametrize("text", RISKY, ids=ascii)
def test_a_text_that_a_program_would_calculate_has_an_apostrophe_in_front(text: str) -> None:
    assert is_risky(text)
    assert plain(text) == f"'{text}"
    assert not is_risky(plain(text))


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_any_other_text_is_as_it_was(text: str) -> None:
    assert plain(text) == text
    if "=" not in text:
        assert plain_within(text) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [("a;=1", "a;'=1"), ('a",@x', "a\",'@x"), ("a\n-1", "a\n'-1"), ("a;b", "a;b"), ("a|\uff1d1", "a|'\uff1d1"), ("=1;=2", "'=1;'=2")],
    ids=ascii,
)
def test_neither_is_what_another_program_takes_for_a_cell_of_its_own(text: str, safe: str) -> None:
    assert plain_within(text) == safe


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("=+-@;,\t\n\"'\uff1d"), max_size=12), min_size=1, max_size=4))
def test_a_table_is_read_as_it_was_written_and_none_of_its_cells_is_calculated(texts: list[str]) -> None:
    (row,) = csv.reader(io.StringIO(lines_of([[plain_within(text) for text in texts]]).decode(), newline=""))
    assert len(row) == len(texts)
    for text, cell in zip(texts, row, strict=True):
        for part in _parts(cell):
            assert unicodedata.normalize("NFKC", part.lstrip()[:1])[:1] not in set("=+-@") | {"\t", "\r", "\n"} or not part.lstrip()
        assert cell.replace("'", "") == text.replace("'", "")


def _parts(cell: str) -> list[str]:
    for end in ',;|\t\r\n"':
        cell = cell.replace(end, ";")
    return cell.split(";")
