"""By what two spellings of one account are the same: its country, its number, and its bank where that is known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from services.reintegration.bank.accounts import Bic, Iban, OtherAccount, remainder_97

# Where in what follows the check digits of an IBAN the bank stands, and where the number that is written without IBAN
# (SWIFT's registry of ISO 13616); of other countries an IBAN is compared whole.
_PARTS: Final[Mapping[str, tuple[slice, slice]]] = {
    country: (slice(*bank), slice(*number))
    for country, bank, number in (
        ("AE", (0, 3), (3, 19)), ("AL", (0, 3), (8, 24)), ("AT", (0, 5), (5, 16)), ("AZ", (0, 4), (4, 24)),
        ("BA", (0, 3), (6, 14)), ("BH", (0, 4), (4, 18)), ("BI", (0, 5), (10, 21)), ("DE", (0, 8), (8, 18)),
        ("DJ", (0, 5), (10, 21)), ("EG", (0, 4), (8, 25)), ("GB", (0, 4), (10, 18)), ("GE", (0, 2), (2, 18)),
        ("HR", (0, 7), (7, 17)), ("IL", (0, 3), (6, 19)), ("IQ", (0, 4), (7, 19)), ("JO", (0, 4), (8, 26)),
        ("KW", (0, 4), (4, 26)), ("KZ", (0, 3), (3, 16)), ("LB", (0, 4), (4, 24)), ("LY", (0, 3), (6, 21)),
        ("MD", (0, 2), (2, 20)), ("ME", (0, 3), (3, 16)), ("MK", (0, 3), (3, 13)), ("MR", (0, 5), (10, 21)),
        ("NL", (0, 4), (4, 14)), ("PK", (0, 4), (4, 20)), ("PS", (0, 4), (4, 25)), ("QA", (0, 4), (4, 25)),
        ("RS", (0, 3), (3, 16)), ("SA", (0, 2), (2, 20)), ("SD", (0, 2), (2, 14)), ("SO", (0, 4), (7, 19)),
        ("TN", (0, 2), (5, 18)), ("TR", (0, 5), (6, 22)), ("UA", (0, 6), (6, 25)), ("XK", (0, 4), (4, 14)),
    )
}  # fmt: skip
# Written with dashes, and without the zeros in the middle: bank, number and two check digits.
_DASHED: Final[Mapping[str, tuple[int, int, int]]] = {
    "ME": (3, 13, 2), "MK": (3, 10, 2), "RS": (3, 13, 2), "XK": (4, 10, 2),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way in which an account is known: two accounts are the same that have one in common, but for banks known to differ.

    ``bank`` is the bank's letters in its code, ``bank_number`` how its country numbers it, each None where nobody said.
    """

    account: str = field(repr=False)
    bank: str | None = None
    bank_number: str | None = None

    def means(self, other: "Spelling") -> bool:
        """Whether both mean one account, as far as is known."""
        return (
            self.account == other.account
            and not (self.bank and other.bank and self.bank != other.bank)
            and not (self.bank_number and other.bank_number and self.bank_number != other.bank_number)
        )


def spellings(iban: str | None, number: str | None, bank_code: str | None, bank_country: str | None) -> tuple[Spelling, ...]:
    """The spellings of an account that is known by its IBAN, or by its number and what is known of its bank.

    Leading zeros, spaces and signs make no difference. A number that is written as what follows the check digits of an IBAN
    is that account. No two of them have the same ``account``.
    """
    if iban is not None:
        return _of_whole(iban[:2], iban[4:], bank_code)
    country = bank_country or (Bic(bank_code).country if bank_code is not None else "")
    bank = bank_code[:4] if bank_code is not None else None
    plain = _plain(number or "")
    whole = _undashed(country, number or "") or plain
    known = _of_whole(country, whole, bank_code) if len(whole) + 4 == Iban.length_in(country) else ()
    return _one_of_each((*known, Spelling(f"number {country} {_short(plain)}", bank)))


def spellings_of(account: Iban | OtherAccount, bank_country: str | None = None) -> tuple[Spelling, ...]:
    """The same of an account of which nobody said more of the bank than its country."""
    if isinstance(account, Iban):
        return spellings(account.value, None, None, None)
    return spellings(None, account.value, None, bank_country)


def _of_whole(country: str, whole: str, bank_code: str | None) -> tuple[Spelling, ...]:
    check_digits = 98 - remainder_97(f"{whole}{country}00")
    found = [Spelling(f"iban {country}{check_digits:02}{whole}")]
    if country in _PARTS:
        where, number = _PARTS[country]
        bank = whole[where]
        letters = bank if bank.isalpha() else bank_code[:4] if bank_code is not None else None
        found.append(Spelling(f"number {country} {_short(whole[number])}", letters, None if bank.isalpha() else bank))
    return tuple(found)


def _one_of_each(found: Iterable[Spelling]) -> tuple[Spelling, ...]:
    """One spelling of each account: where two say different things of its bank, one that says nothing of that.

    A number that zeros fill to what follows the check digits of an IBAN need not be of the bank that has the number zero.
    """
    kept: dict[str, Spelling] = {}
    for one in found:
        other = kept.get(one.account, one)
        bank = one.bank if one.bank == other.bank else None
        bank_number = one.bank_number if one.bank_number == other.bank_number else None
        kept[one.account] = Spelling(one.account, bank, bank_number)
    return tuple(kept.values())


def _undashed(country: str, number: str) -> str | None:
    groups, widths = number.split("-"), _DASHED.get(country, ())
    if len(groups) != len(widths) or not all(group.isdigit() for group in groups):
        return None
    return "".join(group.zfill(width) for group, width in zip(groups, widths, strict=True))


def _plain(number: str) -> str:
    return "".join(one for one in number.upper() if one.isalnum())


def _short(number: str) -> str:
    return number.lstrip("0") or "0"
