"""What of a log's search needs no database: places in a list, cells of a table, what a leaf tells."""

import csv
import io
from datetime import timedelta

import pytest

from shared.leaves import told_by
from shared.log_search import NEWEST, Place, Selection, asked, cell, csv_lines
from tests.given import NOON


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_text_that_a_spreadsheet_would_run_is_kept_from_it(text: str) -> None:
    assert cell(text) == "'" + text


@pytest.mark.parametrize(("value", "text"), [("a=b", "a=b"), (-1, "-1"), (None, ""), ('{"a":1}', '{"a":1}'), ("'=", "'=")])
def test_any_other_value_stays_as_it_is(value: object, text: str) -> None:
    assert cell(value) == text


def test_lines_of_a_table_are_read_back_as_they_were() -> None:
    row = ['{"a":"x,\\n"}', 'say "so"', "žlica", "two\nlines"]
    assert list(csv.reader(io.StringIO(csv_lines([row]).decode(), newline=""))) == [row]


def test_a_place_survives_its_way_through_an_address() -> None:
    place = Place(NOON + timedelta(microseconds=7), 123)
    assert Place.read(str(place)) == place


def test_a_page_that_goes_on_keeps_to_its_last_day() -> None:
    until = NOON
    for place in (NEWEST, Place(NOON, 5), Place(NOON + timedelta(days=1), 5)):
        values = asked(Selection(until=until), place, 10)
        assert (values["before"], values["before_index"]) == (NOON, -1)
    values = asked(Selection(until=until), Place(NOON - timedelta(days=1), 5), 10)
    assert (values["before"], values["before_index"]) == (NOON - timedelta(days=1), 5)


def test_a_leaf_that_cannot_be_read_tells_nothing() -> None:
    assert told_by(b"\xff") == told_by(b"[]") == told_by(b"") == {}
    assert told_by(b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}") == {}
