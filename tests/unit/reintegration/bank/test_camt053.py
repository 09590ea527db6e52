"""A statement is read whole and only if it adds up, and nothing in it says who was paid."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.bank.accounts import Iban, OtherAccount
from services.reintegration.bank.camt053 import Exchange, Statement, read_statements
from services.reintegration.bank.references import remittance_code
from shared.errors import RuleViolation
from shared.money import Money
from tests.given import reads_well
from tests.unit.reintegration.bank.answers import CANARY, Account, Detail, Entry, camt053
from tests.unit.reintegration.bank.examples import attempt

OURS = Iban("BA391290079401028494")
OTHER = OtherAccount("0012 3456-78/9")
VERSIONS = pytest.mark.parametrize("version", ["001.02", "001.08"])


def read(*statements: Account, version: str = "001.08") -> tuple[Statement, ...]:
    found = read_statements(camt053(*statements, version=version), [OTHER, OURS])
    assert CANARY.split()[0] not in repr(found)
    return found


def refused(*statements: Account) -> str:
    with pytest.raises(RuleViolation) as found:
        read(*statements)
    assert reads_well(found.value.sentence)
    return found.value.code


def euros(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def month() -> Account:
    """500 lines: ours, of which five come back at the end, and ten that are no payments of ours."""
    ours = [Entry("-12.34", [Detail(attempt(n).hex, "12.34")]) for n in range(485)]
    back = [Entry("12.34", [Detail(attempt(n).hex, "12.34", reason="<Cd>AC04</Cd>")], reversal=n % 2 == 0) for n in range(5)]
    others = [Entry("100.00", [Detail("NOTPROVIDED")]) for _ in range(5)] + [Entry("-3.50", [Detail(f"najam {CANARY}")]) for _ in range(4)]
    return Account([*ours, *others, Entry("-0.01"), *back])


@VERSIONS
def test_a_month_of_five_hundred_lines_tells_what_is_ours_what_came_back_and_what_is_neither(version: str) -> None:
    (statement,) = read(month(), version=version)
    assert len(statement.lines) == 500
    assert [line.number for line in statement.lines] == list(range(1, 501))
    assert [line.number for line in statement.lines if not any(part.attempt for part in line.parts)] == list(range(486, 496))
    back = [(part.attempt, part.reasons) for line in statement.lines[495:] for part in line.parts if part.direction == "credit"]
    assert back == [(attempt(n), ("AC04",)) for n in range(5)]
    assert statement.opening == euros("1000.00")
    assert statement.closing == euros("-4437.21")
    assert sum(line.signed for line in statement.lines) == Decimal("-5437.21")


@VERSIONS
def test_a_line_says_when_how_much_and_by_what_codes(version: str) -> None:
    (statement,) = read(Account([Entry("-5.00", [Detail(attempt(1).hex.upper())])]), version=version)
    (line,) = statement.lines
    assert (line.money, line.direction, line.reversal) == (euros("5.00"), "debit", False)
    assert (line.booked_on, line.value_on) == (date(2023, 5, 4), date(2023, 5, 5))
    assert (line.transaction_code, line.bank_reference) == ("PMNT/ICDT/ESCT", "2023-0001")
    assert [(part.attempt, part.money, part.reasons) for part in line.parts] == [(attempt(1), euros("5.00"), ())]
    assert (statement.id, statement.account, statement.closed_on) == ("IZVOD-2023-88", OURS, date(2023, 5, 4))


@VERSIONS
def test_several_payments_that_were_booked_as_one_are_told_apart(version: str) -> None:
    details = [Detail(attempt(1).hex, "2.00"), Detail(attempt(2).hex, "3.50"), Detail("drugo", "1.00")]
    (statement,) = read(Account([Entry("-6.50", details, block=attempt(9).hex + "001")]), version=version)
    (line,) = statement.lines
    assert [(part.attempt, part.money) for part in line.parts] == [(attempt(1), euros("2.00")), (attempt(2), euros("3.50")), (None, euros("1.00"))]
    assert line.unexplained == 0
    assert {part.block for part in line.parts} == {attempt(9).hex + "001"}


@VERSIONS
def test_what_a_line_has_beyond_its_parts_is_not_lost(version: str) -> None:
    charged = Entry("-6.50", [Detail(attempt(1).hex, "2.00"), Detail(attempt(2).hex, "3.50")])
    one = Entry("-6.50", [Detail(attempt(3).hex, "6.00")])
    netted = Entry("-6.50", [Detail(attempt(4).hex, "10.00"), Detail(attempt(5).hex, "3.50", direction="CRDT")])
    silent = Entry("-6.50", [Detail(attempt(6).hex), Detail(attempt(7).hex)])
    (statement,) = read(Account([charged, one, netted, silent]), version=version)
    assert [line.unexplained for line in statement.lines] == [Decimal("-1.00"), Decimal("-0.50"), 0, None]
    assert [(part.attempt, part.direction) for part in statement.lines[2].parts] == [(attempt(4), "debit"), (attempt(5), "credit")]
    assert [part.money for part in statement.lines[3].parts] == [None, None]


@VERSIONS
def test_a_payment_is_known_by_its_code_where_the_bank_hands_on_no_more_than_that(version: str) -> None:
    code = remittance_code(attempt(1))
    told = [Detail("NOTPROVIDED", words=f"{CANARY} {code}"), Detail(attempt(2).hex, words="Kanarinka 1234-5678-9012-34")]
    (statement,) = read(Account([Entry("-5.00", [one]) for one in told]), version=version)
    assert [(part.attempt, part.remittance_code) for line in statement.lines for part in line.parts] == [(None, code), (attempt(2), None)]


@VERSIONS
@pytest.mark.parametrize("count", ["3", "1", "01", None], ids=["of_three", "of_one", "of_one_written_longer", "unsaid"])
def test_one_detail_of_several_that_were_booked_together_does_not_take_the_whole_line(version: str, count: str | None) -> None:
    (statement,) = read(Account([Entry("-30.00", [Detail(attempt(1).hex)], block=attempt(9).hex + "001", booked_together=count)]), version=version)
    part, *untold = statement.lines[0].parts
    assert (part.money, statement.lines[0].unexplained) == ((None, None) if count == "3" else (euros("30.00"), 0))
    assert len(untold) == (2 if count == "3" else 0)


@VERSIONS
@pytest.mark.parametrize(("count", "untold"), [("3", 2), ("1", 0), ("0", 0), ("x", 0), (None, 0), ("9" * 15, 1000)], ids=["three", "one", "none", "no_number", "unsaid", "too_many"])
def test_of_each_payment_that_the_bank_counts_and_does_not_detail_a_part_without_an_amount_is_told(version: str, count: str | None, untold: int) -> None:
    (statement,) = read(Account([Entry("-1500.00", [Detail(attempt(1).hex, "500.00")], block=attempt(9).hex + "001", booked_together=count)], opening="2000.00"), version=version)
    first, *others = statement.lines[0].parts
    assert (first.attempt, first.untold) == (attempt(1), False)
    assert [(part.attempt, part.remittance_code, part.money, part.direction, part.untold) for part in others] == [(None, None, None, "debit", True)] * untold
    assert (statement.lines[0].unexplained is None) == (untold > 0)


def test_a_payment_in_another_currency_counts_as_what_was_booked_for_it() -> None:
    (statement,) = read(Account([Entry("-6.50", [Detail(attempt(1).hex, "20.125", "TND")])]))
    assert statement.lines[0].parts[0].money == euros("6.50")


def test_several_in_another_currency_are_told_in_it_and_the_line_says_no_more() -> None:
    (statement,) = read(Account([Entry("-6.50", [Detail(attempt(n).hex, "10.125", "TND") for n in range(2)])]))
    assert statement.lines[0].unexplained is None


@VERSIONS
def test_what_is_only_announced_is_no_line_yet(version: str) -> None:
    (statement,) = read(Account([Entry("-5.00"), Entry("-7.00", status="PDNG"), Entry("-9.00", status="INFO")]), version=version)
    assert [line.money for line in statement.lines] == [euros("5.00")]


def test_an_overdrawn_account_adds_up_below_zero() -> None:
    (statement,) = read(Account([Entry("-5.00"), Entry("2.00")], opening="-10.00", begins_with="PRCD"))
    assert (statement.opening, statement.closing) == (euros("-10.00"), euros("-13.00"))


def test_a_file_may_hold_statements_of_several_accounts_in_their_currencies() -> None:
    domestic = Account([Entry("-655957", currency="XOF")], number="<Othr><Id>00123456789</Id></Othr>", currency="XOF", opening="700000")
    found = read(Account([Entry("-5.00")]), domestic)
    assert [(one.account, one.closing.currency) for one in found] == [(OURS, "EUR"), (OTHER, "XOF")]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        (Account([Entry("-5.00")], closing="995.01"), "statement_does_not_add_up"),
        (Account([Entry("-5.00")], number="<IBAN>BA391290079401028495</IBAN>"), "account_unknown"), (Account([], number=""), "account_unknown"),
        (Account([Entry("-5.00")], without="OPBD"), "balance_missing"), (Account([Entry("-5.00")], without="CLBD"), "balance_missing"),
        (Account([Entry("-5.00", currency="USD")]), "currencies_mixed"), (Account([Entry("-5.001")], closing="995.00"), "amount_unreadable"),
        (Account([Entry("-5.00", currency="XXX")]), "amount_unreadable"), (Account([Entry("-5E+1")]), "amount_unreadable"),
        (Account([Entry("-999999999999999.00")]), "amount_unreadable"), (Account([], currency="eur"), "amount_unreadable"),
        (Account([], pages="<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"), "statement_in_pages"),
        (Account([], pages="<StmtPgntn><PgNb>1</PgNb><LastPgInd>0</LastPgInd></StmtPgntn>"), "statement_in_pages"),
        *((Account([], pages=f"<CpyDplctInd>{kind}</CpyDplctInd>"), "statement_is_a_copy") for kind in ("COPY", "CODU", "DUPL")),
        (Account([], account_currency="BAM"), "currencies_mixed"),
        (Account([], pages="<StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>"), "statement_in_pages"),
        (Account([Entry("-5.00", booked="")]), "file_incomplete"), (Account([Entry("-5.00", booked="<BookgDt><Dt>4.5.2023</Dt></BookgDt>")]), "file_incomplete"),
        (Account([], id=""), "file_incomplete"), (Account([], id="x" * 36), "file_incomplete"),
    ],
    ids=[
        "sum", "other_account", "no_account", "no_opening", "no_closing", "two_currencies", "too_fine", "no_currency", "exponent", "too_large", "small_letters",
        "first_page", "first_page_written_0", "copy", "copy_of_a_duplicate", "duplicate", "account_in_another_currency", "last_page", "no_day", "other_day", "no_id", "long_id",
    ],
)  # fmt: skip
def test_a_statement_that_can_not_be_relied_on_is_refused_for_its_reason(statement: Account, code: str) -> None:
    assert refused(statement) == code


def test_one_bad_statement_lets_none_of_the_file_in() -> None:
    assert refused(Account([Entry("-5.00")]), Account([Entry("-5.00")], closing="1.00")) == "statement_does_not_add_up"


def test_the_same_statement_twice_in_a_file_is_refused_and_one_of_another_account_may_bear_its_name() -> None:
    one = Account([Entry("-5.00")])
    assert refused(one, one) == "statement_twice"
    assert refused(one, Account([Entry("-7.00")])) == "statement_twice"
    other = Account([Entry("-5.00")], number="<Othr><Id>00123456789</Id></Othr>")
    assert [found.id for found in read(one, other, Account([], id="IZVOD-2023-89"))] == [one.id, one.id, "IZVOD-2023-89"]


@pytest.mark.parametrize("last", ["true", "1"])
def test_one_page_that_is_the_last_is_a_whole_statement(last: str) -> None:
    assert read(Account([], pages=f"<StmtPgntn><PgNb>1</PgNb><LastPgInd>{last}</LastPgInd></StmtPgntn>", account_currency="EUR"))


def test_a_file_without_a_statement_is_incomplete() -> None:
    assert refused() == "file_incomplete"


def test_words_in_place_of_a_banks_reference_or_code_are_dropped() -> None:
    named = Entry("5.00", [Detail(attempt(1).hex, reason=f"<Prtry>{CANARY}</Prtry>")], reference=CANARY)
    (statement,) = read(Account([named, Entry("5.00", [Detail(attempt(1).hex, reason="<Prtry>B42</Prtry>")], reference="Kanarinka")]))
    first, second = statement.lines
    assert (first.bank_reference, first.parts[0].reasons) == (None, ("NARR",))
    assert (second.bank_reference, second.parts[0].reasons) == (None, ("B42",))


@given(st.lists(st.integers(min_value=-(10**9), max_value=10**9), max_size=30), st.integers(min_value=-(10**9), max_value=10**9))
def test_balances_and_lines_come_out_as_they_went_in_and_one_cent_more_is_refused(cents: list[int], opening: int) -> None:
    entries = [Entry(f"{Decimal(one).scaleb(-2):f}") for one in cents if one]
    account = Account(entries, opening=f"{Decimal(opening).scaleb(-2):f}")
    (statement,) = read(account)
    assert [line.signed for line in statement.lines] == [entry.signed for entry in entries]
    assert statement.opening.amount == Decimal(opening).scaleb(-2)
    wrong = Account(entries, opening=account.opening, closing=f"{statement.closing.amount + Decimal('0.01'):f}")
    assert refused(wrong) == "statement_does_not_add_up"


@VERSIONS
def test_what_was_ordered_in_another_currency_is_told_with_its_rate_beside_what_was_booked(version: str) -> None:
    whole = Entry("-1010.50", [Detail(attempt(1).hex, ordered="XOF 655957", rate="655.957")])
    several = Entry(
        "-30.00", [Detail(attempt(2).hex, "10.00", ordered="TND 33.500"), Detail(attempt(3).hex, ordered="EUR 20.00", rate="no number")], block="B",
    )  # fmt: skip
    # Some banks write the amount of the payment in its own currency, and no other one.
    own = Entry("-47.00", [Detail(attempt(4).hex, "1000.00", currency="TRY")])
    (statement,) = read(Account([whole, several, own]), version=version)
    parts = [part for line in statement.lines for part in line.parts]
    assert [(part.money, part.instructed) for part in parts] == [
        (euros("1010.50"), Money(amount=Decimal(655957), currency="XOF")), (euros("10.00"), Money(amount=Decimal("33.500"), currency="TND")),
        (None, euros("20.00")), (euros("47.00"), Money(amount=Decimal("1000.00"), currency="TRY")),
    ]  # fmt: skip
    assert [part.exchange for part in parts] == [Exchange(Decimal("655.957"), "EUR"), None, None, None]


@VERSIONS
def test_a_line_that_bears_several_codes_of_ours_says_so_and_keeps_none_of_them(version: str) -> None:
    codes = [remittance_code(attempt(number)) for number in (1, 2)]
    entries = [Entry("-5.00", [Detail(words=words)]) for words in (" ".join(codes), " ".join([codes[0]] * 2), codes[0], "")]
    (statement,) = read(Account(entries), version=version)
    assert [(line.parts[0].remittance_code, line.parts[0].several) for line in statement.lines] == [
        (None, True), (codes[0], False), (codes[0], False), (None, False),
    ]  # fmt: skip
