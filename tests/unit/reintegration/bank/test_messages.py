"""What comes from outside as a bank's file is bounded, is never unfolded, and is refused without a word of what it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.bank.accounts import Iban
from services.reintegration.bank.camt053 import read_statements
from services.reintegration.bank.messages import LARGEST_FILE, read_message
from services.reintegration.bank.pain002 import read_status_report
from shared.errors import RuleViolation
from tests.given import reads_well
from tests.unit.reintegration.bank.answers import ISO, Account, Entry, camt053, pain002
from tests.unit.reintegration.bank.examples import attempt

VERSIONS = ("001.08",)
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "' + f"&a{n - 1};" * 10 + '">' for n in range(1, 12))
    + f']><Document xmlns="{ISO}:camt.053.001.08">&a11;</Document>'
)


def refusal(file: bytes) -> RuleViolation:
    with pytest.raises(RuleViolation) as refused:
        read_message(file, "camt.053", VERSIONS)
    assert reads_well(refused.value.sentence)
    assert refused.value.__cause__ is None
    return refused.value


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (b"", "not_xml"), (b"%PDF-1.7", "not_xml"), (b"<Document>", "not_xml"), (b"<a>\x00</a>", "not_xml"), (b"<a>&amp;</b>", "not_xml"),
        (b"<a>&unknown;</a>", "not_xml"), (b'<?xml version="1.0" encoding="utf-7"?><a/>', "not_xml"), (b'<?xml version="1.0" encoding="klingon"?><a/>', "not_xml"),
        (b"<Document/>", "not_camt053"), (b'<Document xmlns="urn:x"/>', "not_camt053"), (f'<Paper xmlns="{ISO}:camt.053.001.08"/>'.encode(), "not_camt053"),
        (f'<Document xmlns="{ISO}:camt.054.001.08"/>'.encode(), "not_camt053"), (f'<Document xmlns="{ISO}:camt.053.001.99"/>'.encode(), "version_unknown"),
        (f'<Document xmlns="{ISO}:camt.053.001.08"/>'.encode(), "file_incomplete"),
        (LAUGHS.encode(), "xml_unsafe"), (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "xml_unsafe"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "http://localhost/">]><a>&b;</a>', "xml_unsafe"), (b"<!DOCTYPE a><a/>", "xml_unsafe"),
        (b" " * (LARGEST_FILE + 1), "file_too_large"), (b"<a>" * 33 + b"</a>" * 33, "file_too_large"), (b"<a>" + b"<b/>" * 500_000 + b"</a>", "file_too_large"),
    ],
    ids=[
        "nothing", "pdf", "cut", "null", "other_end", "entity", "utf7", "encoding", "no_namespace", "other_namespace", "other_root", "notification", "version",
        "empty", "billion_laughs", "file", "address", "doctype", "large", "deep", "many",
    ],
)  # fmt: skip
def test_what_is_no_file_from_a_bank_is_refused_for_what_it_is(file: bytes, code: str) -> None:
    assert refusal(file).code == code


@given(st.binary(max_size=300) | st.text(st.sampled_from("<>&;!?/ abcDOCTYPE[]\"'=xml"), max_size=100).map(str.encode))
def test_whatever_bytes_come_are_refused_and_break_nothing(file: bytes) -> None:
    assert refusal(file).code in {"not_xml", "not_camt053", "xml_unsafe"}


@given(st.data())
def test_a_file_that_was_changed_anywhere_is_read_or_refused_and_breaks_nothing(data: st.DataObject) -> None:
    files = (camt053(Account([Entry("-5.00")])), pain002(attempt(1).hex))
    file = bytearray(data.draw(st.sampled_from(files)))
    for place in data.draw(st.lists(st.integers(min_value=0, max_value=len(file) - 1), min_size=1, max_size=3)):
        file[place] = data.draw(st.integers(min_value=0, max_value=255))
    for read in (lambda: read_statements(bytes(file), [Iban("BA391290079401028494")]), lambda: read_status_report(bytes(file))):
        try:
            read()
        except RuleViolation as refused:
            assert reads_well(refused.sentence)  # noqa: PT017 -- it may be read as well


def test_a_file_in_utf_16_is_read_as_one_in_utf_8() -> None:
    written = camt053(Account([])).decode().replace("UTF-8", "UTF-16").encode("utf-16")
    assert read_message(written, "camt.053", VERSIONS).tag == "BkToCstmrStmt"
