"""A spreadsheet holds amounts as numbers, days as days, and everything else as the text that it is."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reintegration.spreadsheets import (
    MOST_ROWS,
    Asked,
    Cell,
    Sheet,
    made,
    table,
    workbook,
)
from shared.currencies import minor_units
from shared.errors import RuleViolation
from shared.money import Money
from tests import xlsx

AT = datetime(2023, 5, 2, 22, 30, tzinfo=UTC)
ASKED = Asked("Grants", "staff:reconciler", AT, 417, "Europe/Sarajevo", {"Status": "approved"})
ID = UUID("00000000-0000-7000-8000-00000000000a")


def sheet(*cells: Cell) -> xlsx.Sheet:
    head = {f"Column {number}": 12 for number in range(len(cells))}
    return xlsx.read(workbook(ASKED, [Sheet("Rows", head, [cells])]))["Rows"]


def money(amount: str, currency: str) -> Money:
    return Money(amount=Decimal(amount), currency=currency)


@pytest.mark.parametrize(
    ("amount", "currency", "value", "shown"),
    [
        ("1250.00", "EUR", "1250.00", "#,##0.00"), ("1250", "XOF", "1250", "#,##0"), ("3.042", "TND", "3.042", "#,##0.000"),
        ("0.10", "BAM", "0.10", "#,##0.00"), ("9999999999999.99", "EUR", "9999999999999.99", "#,##0.00"),
        # An event of before may say more than anybody can be paid.
        ("1.2345", "EUR", "1.2345", "#,##0.0000"), ("1.5", "XOF", "1.5", "#,##0.0"),
    ],
)  # fmt: skip
def test_an_amount_is_a_number_with_the_decimals_of_its_currency(amount: str, currency: str, value: str, shown: str) -> None:
    assert sheet(money(amount, currency)).rows[1][0] == xlsx.Cell("number", value, shown)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.decimals(0, 10**11, places=4), st.sampled_from(["EUR", "XOF", "TND", "BAM"])), min_size=1))
def test_no_amount_is_another_one_in_the_file(amounts: list[tuple[Decimal, str]]) -> None:
    row = sheet(*(Money(amount=amount, currency=currency) for amount, currency in amounts)).rows[1]
    for number, (amount, currency) in enumerate(amounts):
        assert (row[number].kind, Decimal(row[number].value)) == ("number", amount)
        assert len(row[number].shown.partition(".")[2]) >= minor_units(currency)


def test_an_amount_of_more_digits_than_a_cell_keeps_is_written_out_and_not_rounded() -> None:
    assert sheet(money("99999999999999.9999", "EUR")).rows[1][0] == xlsx.Cell("text", "99999999999999.9999", "0")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "{=1}", "https://example.org", "mailto:a@example.org", "12", "007"])
def test_a_text_stays_a_text_whatever_it_begins_with(text: str) -> None:
    assert sheet(text).rows[1][0] == xlsx.Cell("text", text, "0")


def test_ids_and_codes_are_texts_days_are_days_and_moments_are_the_missions() -> None:
    row = sheet(ID, "in_kind_vendor", date(2023, 5, 2), AT, 3, True, False, None, Decimal("1.95583")).rows[1]
    # Days since 1899-12-30; at 22:30 in UTC it is the next day in Sarajevo.
    assert row == {
        0: xlsx.Cell("text", str(ID), "0"), 1: xlsx.Cell("text", "in_kind_vendor", "0"),
        2: xlsx.Cell("number", "45048", "yyyy-mm-dd"), 3: xlsx.Cell("number", "45049.02083333334", "yyyy-mm-dd hh:mm:ss"),
        4: xlsx.Cell("number", "3", "0"), 5: xlsx.Cell("text", "yes", "0"), 6: xlsx.Cell("text", "no", "0"),
        8: xlsx.Cell("number", "1.95583", "0.##########"),
    }  # fmt: skip


def test_it_says_what_was_asked_by_whom_when_and_how_much_of_the_log_it_knows() -> None:
    file = xlsx.read(workbook(ASKED, [Sheet("Rows", {"One": 9}, [("a",), ("b",)])]))
    assert list(file) == ["Rows", "About"]
    assert {name: cell.value for name, cell in file["About"].pairs().items()} == {
        "What": "Value", "List": "Grants", "Status": "approved", "Asked for by": "staff:reconciler",
        "Made": "45049.02083333334", "Time zone of all times": "Europe/Sarajevo", "Events of the log that it knows": "417",
        "Rows of Rows": "2",
    }  # fmt: skip
    assert file["Rows"].frozen == file["About"].frozen == 1


async def test_more_rows_than_one_file_holds_are_refused_and_not_cut_off() -> None:
    with pytest.raises(RuleViolation) as refused:
        await made(ASKED, [Sheet("Rows", {"One": 9}, [("a",)] * (MOST_ROWS + 1))])
    assert refused.value.code == "too_many_rows"
    assert await made(ASKED, [Sheet("Rows", {"One": 9}, [("a",)])]) == workbook(ASKED, [Sheet("Rows", {"One": 9}, [("a",)])])


def test_one_table_is_taken_as_csv_in_the_same_words_and_none_of_its_cells_is_a_formula() -> None:
    cells: tuple[Cell, ...] = (
        ID, "=1+1", "\uff1d1", "a;@x", date(2023, 5, 2), AT, -3, True, None, Decimal("1.95583"), money("1250.00", "EUR"),
        Money(amount=Decimal("-5.00"), currency="EUR"),
    )  # fmt: skip
    content = table(Sheet("Rows", {f"Column {number}": 9 for number in range(len(cells))}, [cells]), "Europe/Sarajevo")
    assert content.startswith(b"\xef\xbb\xbf")
    head, row = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert head[0] == "Column 0"
    assert row == [
        str(ID), "'=1+1", "'\uff1d1", "a;'@x", "2023-05-02", "2023-05-03 00:30:00", "-3", "yes", "", "1.95583", "1250.00", "-5.00",
    ]  # fmt: skip


def test_a_table_that_is_too_long_is_refused_as_csv_too() -> None:
    with pytest.raises(RuleViolation, match="too_many_rows"):
        table(Sheet("Rows", {"One": 9}, [("a",)] * (MOST_ROWS + 1)), "Europe/Sarajevo")


@pytest.mark.parametrize("text", ["=1+1", "@x", "\uff0b1"], ids=ascii)
def test_a_text_that_is_changed_by_hand_stays_a_text_in_the_file(text: str) -> None:
    with zipfile.ZipFile(io.BytesIO(workbook(ASKED, [Sheet("Rows", {"One": 9}, [(text,)])]))) as file:
        styles = file.read("xl/styles.xml")
    assert b'quotePrefix="1"' in styles
