"""Accounts of staff come as a table of text, whole or not at all, and a wrong row is named by its number alone."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.domain.same_account import Spelling
from services.reintegration.domain.staff_accounts import MOST_ACCOUNTS, accounts_in
from shared.errors import RuleViolation

HEAD = b"iban,account_number,bank_country\n"
GOOD = b"PK36 SCBL 0000 0011 2345 6702,,\n"


def code(content: bytes) -> str:
    with pytest.raises(RuleViolation) as refused:
        accounts_in(content)
    assert "PK" not in refused.value.sentence
    return refused.value.code


def test_an_account_is_kept_once_by_its_spellings_whatever_the_order_of_columns() -> None:
    content = b"\xef\xbb\xbfBank_Country,IBAN,Account_Number,name\n,PK36SCBL0000001123456702,,left out\n,pk36 scbl 0000001123456702,,x\nIQ,,12-345,y\n"
    assert accounts_in(content) == [
        (Spelling("iban PK36SCBL0000001123456702"), Spelling("number PK 1123456702", "SCBL")), (Spelling("number IQ 12345"),)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        (b"", "csv_unreadable"), (b"\xff\xfe", "csv_unreadable"), (b"a,b\n1,2\n", "csv_unreadable"), (HEAD, "csv_empty"),
        (b"iban,iban\n1,2\n", "csv_unreadable"), (b'iban\n"unclosed', "csv_unreadable"),
        (HEAD + GOOD * (MOST_ACCOUNTS + 1), "csv_too_long"), (HEAD + b"=HYPERLINK(1),,\n", "rows_unreadable"),
        (HEAD + b"@SUM(A1),,\n", "rows_unreadable"), (HEAD + b"one,two\n", "rows_unreadable"), (HEAD + b"PK37SCBL0000001123456702,,\n", "rows_unreadable"),
        (HEAD + b",12345,\n", "rows_unreadable"), (HEAD + b"PK36SCBL0000001123456702,12345,IQ\n", "rows_unreadable"),
    ],
    ids=["nothing", "not-text", "other-columns", "no-row", "column-twice", "unclosed", "too-long", "formula", "at", "narrow", "mistyped", "no-country", "both"],
)  # fmt: skip
def test_a_table_that_cannot_be_read_is_refused_whole(content: bytes, refused: str) -> None:
    assert code(content) == refused


def test_wrong_rows_are_named_by_their_numbers() -> None:
    with pytest.raises(RuleViolation, match="rows_unreadable") as refused:
        accounts_in(HEAD + GOOD + b"wrong,,\n" + GOOD + b"wrong,,\n")
    assert "3, 5." in refused.value.sentence


@given(st.binary(max_size=400))
def test_whatever_is_brought_is_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(RuleViolation):
        assert all(one.account.startswith(("iban ", "number ")) for account in accounts_in(HEAD + content) for one in account)
