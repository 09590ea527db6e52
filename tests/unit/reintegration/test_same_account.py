"""One account in several spellings is one account, and another bank's same number is another."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reintegration.bank.accounts import _IBAN_LENGTHS, Iban, remainder_97
from services.reintegration.bank.creditors import Creditor
from services.reintegration.domain.payee_details import PayeeDetails
from services.reintegration.domain.same_account import _DASHED, _PARTS, Spelling, spellings
from services.reintegration.paid_accounts import _spellings

# Invented, with check digits that are right.
IBAN = "PK36SCBL0000001123456702"
SERBIAN = "RS35260005601001611379"


def spelt(**account: Any) -> tuple[Spelling, ...]:
    return PayeeDetails(holder="x", call_back_contact="x", **account).spellings


def same(one: tuple[Spelling, ...], other: tuple[Spelling, ...]) -> bool:
    return any(mine.means(theirs) for mine in one for theirs in other)


@pytest.mark.parametrize(
    "account",
    [
        {"account_number": "SCBL0000001123456702", "bank_country": "PK", "bank_name": "Invented Bank"},
        {"account_number": "scbl 0000 0011 2345 6702", "bank_code": "SCBLPKKX"},
        {"account_number": "0000001123456702", "bank_code": "SCBLPKKXXXX"},
        {"account_number": "11-2345-6702", "bank_code": "SCBLPKKX"},
        {"account_number": "001123456702", "bank_country": "PK", "bank_name": "Invented Bank"},
    ],
    ids=["bban", "bban-in-groups", "number-and-code", "without-zeros", "bank-by-name"],
)
def test_an_iban_and_what_is_written_in_its_country_are_one_account(account: dict[str, Any]) -> None:
    assert same(spelt(iban=IBAN), spelt(**account))
    assert same(spelt(**account), spelt(iban=IBAN))


@pytest.mark.parametrize(
    "account",
    [
        {"account_number": "1123456702", "bank_code": "HABBPKKA"}, {"account_number": "1123456703", "bank_code": "SCBLPKKX"},
        {"account_number": "1123456702", "bank_country": "IQ", "bank_name": "Invented Bank"},
        {"account_number": "HABB0000001123456702", "bank_country": "PK", "bank_name": "Invented Bank"},
    ],
    ids=["another-bank", "another-number", "another-country", "bban-of-another-bank"],
)  # fmt: skip
def test_the_same_number_at_another_bank_or_in_another_country_is_another_account(account: dict[str, Any]) -> None:
    assert not same(spelt(iban=IBAN), spelt(**account))


def test_a_number_with_dashes_is_the_account_whose_zeros_it_leaves_out() -> None:
    written = spelt(account_number="260-56010016113-79", bank_country="RS", bank_name="Invented Bank")
    assert same(written, spelt(iban=SERBIAN))
    assert not same(spelt(account_number="265-56010016113-79", bank_country="RS", bank_name="x"), spelt(iban=SERBIAN))


def test_where_only_one_says_of_which_bank_it_is_somebody_has_to_look() -> None:
    by_name = spelt(account_number="12345", bank_country="IQ", bank_name="Invented Bank")
    by_code = spelt(account_number="00012345", bank_code="INVTIQBA")
    other = spelt(account_number="12345", bank_code="OTHRIQBA")
    assert same(by_name, by_code)
    assert same(by_name, other)
    assert not same(by_code, other)


def test_zeros_alone_are_still_a_number() -> None:
    assert same(spelt(account_number="000", bank_country="IQ", bank_name="x"), spelt(account_number="0", bank_country="IQ", bank_name="y"))


def test_bank_and_number_stand_within_what_an_iban_of_the_country_is_long() -> None:
    for country, (bank, number) in _PARTS.items():
        assert bank.stop <= number.start < number.stop <= _IBAN_LENGTHS[country] - 4


def iban_of(country: str, whole: str) -> str:
    return Iban(f"{country}{98 - remainder_97(f'{whole}{country}00'):02}{whole}").value


WHOLE = st.sampled_from(sorted(_PARTS)).flatmap(
    lambda country: st.tuples(
        st.just(country), st.text("0123456789", min_size=_IBAN_LENGTHS[country] - 4, max_size=_IBAN_LENGTHS[country] - 4)
    )
)


@given(WHOLE, st.integers(0, 3))
def test_what_follows_the_check_digits_is_the_account_however_it_is_spaced(of: tuple[str, str], gap: int) -> None:
    country, whole = of
    spaced = whole if gap == 0 else " ".join(whole[at : at + gap + 1] for at in range(0, len(whole), gap + 1))
    if len(spaced) <= 34:
        assert same(spelt(iban=iban_of(country, whole)), spelt(account_number=spaced, bank_country=country, bank_name="x"))


@given(st.lists(WHOLE, min_size=2, max_size=4, unique=True))
def test_two_ibans_are_one_account_only_where_bank_and_number_are_the_same(of: list[tuple[str, str]]) -> None:
    for (one, mine), (other, theirs) in combinations(of, 2):
        bank, number = _PARTS[one]
        alike = one == other and mine[bank] == theirs[bank] and mine[number].lstrip("0") == theirs[number].lstrip("0")
        assert same(spelt(iban=iban_of(one, mine)), spelt(iban=iban_of(other, theirs))) == alike


# As long as what follows the check digits of an IBAN, mostly zeros before it: a short number that a list has filled up.
FILLED = st.sampled_from(sorted(_PARTS)).flatmap(
    lambda country: st.tuples(
        st.just(country),
        st.integers(0, 10**10).map(lambda number: f"{number:0{_IBAN_LENGTHS[country] - 4}}"),
    )
)
DASHED = st.tuples(st.sampled_from(sorted(_DASHED)), st.lists(st.integers(0, 99), min_size=3, max_size=3).map(lambda parts: "-".join(map(str, parts))))


@given(WHOLE | FILLED | DASHED, st.sampled_from([None, "INVT"]))
def test_no_number_has_two_spellings_of_one_account(of: tuple[str, str], bank: str | None) -> None:
    country, number = of
    spelled = spellings(None, number, f"{bank}{country}2X" if bank else None, country)
    assert len({one.account for one in spelled}) == len(spelled)


@given(WHOLE | FILLED | DASHED)
def test_a_number_without_a_country_has_one_spelling_of_each_account_in_all_of_them(of: tuple[str, str]) -> None:
    spelled = _spellings(Creditor(number=of[1]), sorted(_PARTS))
    assert len({one.account for one in spelled}) == len(spelled)


def test_a_number_filled_up_with_zeros_need_not_be_of_the_bank_with_the_number_zero() -> None:
    filled = spelt(account_number="00000000001234567890", bank_country="SA", bank_name="Invented Bank")
    assert same(filled, spelt(iban=iban_of("SA", "10000000001234567890")))
    assert same(filled, spelt(account_number="1234567890", bank_code="INVTSARI"))
