"""A mistyped account is found before the bank is told of it."""

from string import ascii_uppercase, digits

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.reintegration.bank.accounts import Account, Bic, Iban, NamedBank, OtherAccount, within_sepa
from shared.errors import RuleViolation
from tests.given import reads_well
from tests.unit.reintegration.bank.examples import ACCOUNTS, EUROS, OURS, iban

# The examples that the registry of ISO 13616 itself prints.
PRINTED = (
    "AL47 2121 1009 0000 0002 3569 8741", "BA39 1290 0794 0102 8494", "BG80 BNBG 9661 1020 3456 78", "DE89 3704 0044 0532 0130 00",
    "FR14 2004 1010 0505 0001 3M02 606", "GB29 NWBK 6016 1331 9268 19", "GE29 NB00 0000 0101 9049 17", "HR12 1001 0051 8630 0016 0",
    "IQ98 NBIQ 8501 2345 6789 012", "KZ86 125K ZT50 0410 0100", "MK07 2501 2000 0058 984", "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
    "NO93 8601 1117 947", "PK36 SCBL 0000 0011 2345 6702", "RS35 2600 0560 1001 6113 79", "SI56 2633 0001 2039 086",
    "TN59 1000 6035 1835 9847 8831", "TR33 0006 1005 1978 6457 8413 26", "XK05 1212 0123 4567 8906",
    "EG38 0019 0005 0000 0000 2631 8000 2", "AZ21 NABZ 0000 0000 1370 1000 1944", "JO94 CBJO 0010 0000 0000 0131 0003 02",
    "LB62 0999 0000 0001 0019 0122 9114", "LY83 0020 4800 0020 1001 2036 1", "MR13 0002 0001 0100 0012 3456 753", "SA03 8000 0000 6080 1016 7519",
    "AE07 0331 2345 6789 0123 456", "KW81 CBKU 0000 0000 0000 1234 5601 01", "UA21 3223 1300 0002 6007 2335 6600 1", "MD24 AG00 0225 1000 1310 4168",
    "ME25 5050 0001 2345 6789 51", "SD21 2901 0501 2340 01", "SO21 1000 0010 0100 0100 141", "BY13 NBRB 3600 9000 0000 2Z00 AB00",
    "PS92 PALS 0000 0000 0400 1234 5670 2", "BH67 BMAG 0000 1299 1234 56", "IL62 0108 0000 0009 9999 999", "AT61 1904 3002 3457 3201",
    "BE68 5390 0754 7034", "CH93 0076 2011 6238 5295 7", "IT60 X054 2811 1010 0000 0123 456", "NL91 ABNA 0417 1643 00", "PL61 1090 1014 0000 0712 1981 2874",
    "RO49 AAAA 1B31 0075 9384 0000", "SE45 5000 0000 0583 9825 7466", "HU42 1177 3016 1111 1018 0000 0000", "CZ65 0800 0000 1920 0014 5399",
)  # fmt: skip


@pytest.mark.parametrize("printed", PRINTED)
def test_numbers_that_the_registry_prints_are_read(printed: str) -> None:
    assert Iban.read(printed.lower()).value == printed.replace(" ", "")


@given(st.sampled_from(PRINTED), st.integers(min_value=0), st.integers(min_value=0))
def test_a_digit_or_a_letter_that_is_another_one_is_always_found(printed: str, place: int, step: int) -> None:
    plain = printed.replace(" ", "")
    place = 2 + place % (len(plain) - 2)
    others = (digits if plain[place].isdigit() else ascii_uppercase).replace(plain[place], "")
    other = others[step % len(others)]
    with pytest.raises(RuleViolation) as refused:
        Iban(plain[:place] + other + plain[place + 1 :])
    assert refused.value.code in {"iban_wrong", "iban_unreadable"}


@given(st.sampled_from(PRINTED), st.integers(min_value=0))
def test_two_digits_or_letters_in_each_others_place_are_always_found(printed: str, place: int) -> None:
    plain = printed.replace(" ", "")
    place = 4 + place % (len(plain) - 5)
    assume(plain[place] != plain[place + 1] and plain[place].isdigit() == plain[place + 1].isdigit())
    with pytest.raises(RuleViolation) as refused:
        Iban(plain[:place] + plain[place + 1] + plain[place] + plain[place + 2 :])
    assert refused.value.code == "iban_wrong"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "iban_unreadable"), ("BA", "iban_unreadable"), ("ZZ391290079401028494", "iban_unreadable"),
        ("BA3912900794010284é4", "iban_unreadable"), ("٣٩1290079401028494", "iban_unreadable"), ("BA39129007940102849", "iban_wrong_length"),
        ("BA3912900794010284940", "iban_wrong_length"), ("MA391290079401", "iban_wrong_length"), ("MA39" + "1" * 31, "iban_wrong_length"),
    ],
    ids=["nothing", "country_alone", "no_country", "accent", "digits_of_another_script", "short", "long", "shorter_than_any", "longer_than_any"],
)  # fmt: skip
def test_what_is_no_iban_is_refused_for_what_is_wrong_with_it(typed: str, code: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        Iban.read(typed)
    assert refused.value.code == code
    assert reads_well(refused.value.sentence)


def test_check_digits_that_no_bank_gives_out_are_refused_although_the_sum_is_right() -> None:
    # 00 and 97 leave the same remainder.
    bban = next(f"{n:016d}" for n in range(200) if iban("BA", f"{n:016d}").value[2:4] == "97")
    with pytest.raises(RuleViolation) as refused:
        Iban(f"BA00{bban}")
    assert refused.value.code == "iban_wrong"


def test_a_country_without_an_entry_in_the_registry_is_checked_by_the_digits_alone() -> None:
    assert iban("MA", "011519000001205000534921").country == "MA"


@pytest.mark.parametrize("number", ["0012 3456-78/9", "1", "A" * 34])
def test_a_number_of_a_country_without_iban_is_sent_as_its_bank_writes_it(number: str) -> None:
    assert OtherAccount(number).value == number


@pytest.mark.parametrize(
    "number",
    ["", " 1", "1 ", "1  2", "/12", "1//2", "1" * 35, "1\n2", "١٢٣", "12;34", "BA391290079401028494", "ba39 1290 0794 0102 8495"],
    ids=["nothing", "space_before", "space_after", "two_spaces", "slash_before", "two_slashes", "long", "line", "arabic_digits", "sign", "iban", "wrong_iban"],
)  # fmt: skip
def test_an_account_that_no_bank_could_read_or_that_is_an_iban_is_refused(number: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        OtherAccount(number)
    assert refused.value.code == "account_unreadable"
    assert reads_well(refused.value.sentence)


@pytest.mark.parametrize("code", ["AAAABA22", "AAAABA22XXX", "A1B2XK22"])
def test_the_code_of_a_bank_has_eight_characters_or_eleven(code: str) -> None:
    assert Bic(code).country in {"BA", "XK"}


@pytest.mark.parametrize("code", ["", "AAAABA2", "AAAABA22X", "AAAAZZ22", "aaaaba22", "AAAABA22XXXX"])
def test_what_is_no_code_of_a_bank_is_refused(code: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        Bic(code)
    assert refused.value.code == "bic_unreadable"
    assert reads_well(refused.value.sentence)


@pytest.mark.parametrize(("name", "country", "code"), [("", "BA", "name_missing"), ("Primjer", "ZZ", "country_unknown")])
def test_a_bank_without_a_code_needs_a_name_and_a_country(name: str, country: str, code: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        NamedBank(name, country)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("one", "other", "currency", "expected"),
    [
        (EUROS, ACCOUNTS[0], "EUR", True), (EUROS, ACCOUNTS[0], "USD", False), (OURS, ACCOUNTS[0], "EUR", False),
        (EUROS, ACCOUNTS[1], "EUR", False), (EUROS, ACCOUNTS[-1], "EUR", False),
    ],
    ids=["euros_within", "dollars", "from_outside", "to_outside", "to_no_iban"],
)  # fmt: skip
def test_a_payment_goes_by_sepa_only_in_euros_and_between_two_ibans_of_its_countries(
    one: Account, other: Account, currency: str, expected: bool
) -> None:
    assert within_sepa(one, other, currency) is expected


def test_numbers_are_not_shown_where_an_account_is_printed() -> None:
    assert "1990490000000000" not in repr(OURS)
    assert "3456" not in repr(OtherAccount("0012 3456"))
