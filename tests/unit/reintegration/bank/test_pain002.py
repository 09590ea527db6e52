"""What the bank says of our payments is read by its codes, and never so that one that may have been paid looks unpaid."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.bank.pain001 import block_of_each
from services.reintegration.bank.pain002 import Status, StatusCode, StatusReport, read_status_report
from shared.errors import RuleViolation
from tests.given import reads_well
from tests.unit.reintegration.bank.answers import CANARY, Block, Told, Transaction, pain002
from tests.unit.reintegration.bank.examples import attempt, instruction, payment

FILE = attempt(999_999).hex
FIRST, SECOND = f"{FILE}001", f"{FILE}002"
VERSIONS = pytest.mark.parametrize("version", ["001.03", "001.10"])


def read(told: Told, *blocks: Block, version: str = "001.10") -> StatusReport:
    found = read_status_report(pain002(FILE, told, blocks, version))
    assert CANARY.split()[0] not in repr(found)
    return found


def refused(file: bytes) -> str:
    with pytest.raises(RuleViolation) as found:
        read_status_report(file)
    assert reads_well(found.value.sentence)
    return found.value.code


def of(number: int, status: str | None, *reasons: str) -> Transaction:
    return Transaction(attempt(number).hex, Told(status, reasons))


@VERSIONS
def test_seven_rejections_among_many_are_told_with_their_codes(version: str) -> None:
    ordered = instruction(*(payment(number, "5", ("EUR", "BAM")[number % 2]) for number in range(40)))
    blocks = block_of_each(ordered)
    rejected = {number: ("AC04", "AC01", "AM04", "BE06", "RR04", "AC03", "AG01")[number] for number in range(7)}
    said = [
        Block(id, Told("PART"), [of(n, "RJCT", rejected[n]) if n in rejected else of(n, "ACSC") for n in range(40) if blocks[attempt(n)] == id])
        for id in sorted(set(blocks.values()))
    ]
    report = read(Told("PART"), *said, version=version)
    assert report.id == "ODGOVOR-1"
    assert report.instruction == ordered.id
    found = {n: report.of(attempt(n), blocks[attempt(n)]) for n in range(40)}
    assert {n: status.reasons for n, status in found.items() if status.failed} == {n: (code,) for n, code in rejected.items()}
    assert {status.code for n, status in found.items() if n not in rejected} == {"ACSC"}


@pytest.mark.parametrize("status", ["ACCP", "ACSP", "ACSC", "PDNG", "RCVD", "ACTC"])
def test_what_is_said_of_the_file_is_true_of_each_payment(status: str) -> None:
    report = read(Told(status))
    assert report.of(attempt(1), FIRST) == Status(status)  # type: ignore[arg-type]
    assert not report.of(attempt(1), FIRST).failed


def test_a_rejected_file_rejects_every_payment_and_a_rejected_block_its_own() -> None:
    assert read(Told("RJCT", ["FF01"])).of(attempt(1), FIRST) == Status("RJCT", ("FF01",))
    report = read(Told("PART"), Block(FIRST, Told("RJCT", ["AC06"])), Block(SECOND, Told("ACCP")))
    assert report.of(attempt(1), FIRST) == Status("RJCT", ("AC06",))
    assert report.of(attempt(1), FIRST).failed
    assert report.of(attempt(2), SECOND) == Status("ACCP")


@pytest.mark.parametrize("told", [Told("PART"), Told(), Told("ACCP")], ids=["file_in_part", "nothing", "file_accepted"])
def test_nothing_is_known_of_a_payment_that_a_block_accepted_in_part_does_not_list(told: Told) -> None:
    report = read(told, Block(FIRST, Told("PART"), [of(1, "RJCT", "AC04")]))
    assert report.of(attempt(1), FIRST).failed
    assert report.of(attempt(2), FIRST) == Status(None)


def test_a_block_of_another_case_is_known_as_ours() -> None:
    assert read(Told(), Block(FIRST.upper(), Told("ACCP"))).of(attempt(1), FIRST) == Status("ACCP")


@pytest.mark.parametrize("code", ["AM05", "DU01", "DU02", "DU03", "DU04", "DU05"])
def test_what_is_rejected_as_had_before_may_have_been_paid_and_is_no_failure(code: str) -> None:
    status = read(Told("RJCT", [code])).of(attempt(1), FIRST)
    assert (status.code, status.had_before, status.failed) == ("RJCT", True, False)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (pain002("NJIHOV-1"), "not_our_file"), (pain002(FILE, blocks=[Block("NJIHOV")]), "not_our_file"),
        (pain002(FILE, blocks=[Block(FIRST, Told(), [Transaction("NOTPROVIDED", Told("ACSC"))])]), "not_our_payment"),
        (pain002(FILE, Told("GOOD")), "status_unknown"), (pain002(FILE, Told("rjct")), "status_unknown"),
        (pain002(FILE, Told("RJCT"), [Block(FIRST, Told(), [of(1, "ACSC")])]), "file_contradicts_itself"),
        (pain002(FILE, Told(), [Block(FIRST, Told("RJCT"), [of(1, "ACSP")])]), "file_contradicts_itself"),
        (pain002(FILE, Told("RJCT"), [Block(FIRST, Told("ACCP"))]), "file_contradicts_itself"),
        (pain002(FILE, Told(), [Block(FIRST, Told(), [of(1, "RJCT"), of(1, "ACSC")])]), "file_contradicts_itself"),
        (pain002(FILE, Told(), [Block(FIRST, Told("ACCP")), Block(FIRST, Told("RJCT"))]), "file_contradicts_itself"),
        (pain002(FILE, id=""), "file_incomplete"), (pain002(""), "file_incomplete"),
        (pain002(FILE).replace(b"pain.002", b"pain.008"), "not_pain002"), (pain002(FILE, version="001.99"), "version_unknown"),
    ],
    ids=[
        "other_file", "other_block", "other_payment", "no_status", "small_letters", "file_rejected_payment_paid", "block_rejected_payment_paid",
        "file_rejected_block_accepted", "payment_twice", "block_twice", "no_id", "no_file", "other_kind", "other_version",
    ],
)  # fmt: skip
def test_a_report_that_is_not_on_ours_or_can_not_be_true_is_refused(file: bytes, code: str) -> None:
    assert refused(file) == code


def test_reasons_are_kept_as_codes_each_once_and_words_are_not() -> None:
    status = read(Told("RJCT", ["AC04", "AC04", f"<Prtry>{CANARY}</Prtry>", "<Prtry>KANARINKA</Prtry>", "<Prtry>X017</Prtry>", "Kanarinka"])).of_file
    assert status.reasons == ("AC04", "NARR", "X017")


codes = st.none() | st.sampled_from(get_args(StatusCode))


reasons = st.sampled_from(["AC04", "AM05"])


@given(codes, codes, codes, reasons, reasons, reasons)
def test_a_payment_fails_only_where_no_word_of_the_bank_says_otherwise(
    file: str | None, block: str | None, own: str | None, of_file: str, of_block: str, of_own: str
) -> None:
    written = pain002(FILE, Told(file, [of_file]), [Block(FIRST, Told(block, [of_block]), [of(1, own, of_own)])])
    try:
        status = read_status_report(written).of(attempt(1), FIRST)
    except RuleViolation as refusal:
        assert refusal.code == "file_contradicts_itself"  # noqa: PT017 -- it may be read as well
        return
    said = [(code, reason) for code, reason in ((own, of_own), (block, of_block), (file, of_file)) if code is not None]
    assert status.code == (said[0][0] if said and said[0][0] != "PART" else None)
    rejected = [reason for code, reason in said if code in {"RJCT", "CANC"}]
    assert status.failed is (status.code in {"RJCT", "CANC"} and "AM05" not in rejected)
