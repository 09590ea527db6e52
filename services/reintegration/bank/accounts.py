"""Where money goes: accounts by IBAN or by a number of their country, and the banks that keep them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from services.reintegration.bank.latin import LONGEST_TOWN, latin
from shared.countries import is_country
from shared.errors import RuleViolation

# How many characters the IBAN of a country has, by the registry of ISO 13616.
_IBAN_LENGTHS: Final[Mapping[str, int]] = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
    "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
    "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
    "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
    "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
# Countries without an entry there whose banks write IBANs all the same, Algeria, Morocco, Senegal and Iran among them: no
# shorter than the shortest of the registry, no longer than the standard lets any be.
_SHORTEST: Final = 15
_LONGEST: Final = 34
# The geographical scope of SEPA by the first letters of an IBAN, with the countries that joined until 2026.
_SEPA: Final = frozenset(
    """
    AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS SE SI SK
    SM VA
    """.split()  # noqa: SIM905 -- a table that can be read beats 42 lines
)
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]+")
_IBAN_BEGINS: Final = re.compile(r"(?=[A-Z]{2}[0-9]{2})")
_MANY_DIGITS: Final = re.compile(r"[0-9]{10}")
# As pain.001.001.09 has it; the fifth and sixth place are the country.
_BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_OTHER: Final = re.compile(r"[A-Za-z0-9](?:[ ./-]?[A-Za-z0-9]){0,33}")
_SPACING: Final = re.compile(r"[\s-]+")
# Kosovo's code is none of ISO 3166; banks use it.
_KOSOVO: Final = "XK"
# Countries whose banks have the IBAN of another one, by whose letters that begins.
_WITH_THE_IBAN_OF: Final[Mapping[str, frozenset[str]]] = {
    "FI": frozenset({"AX"}), "FR": frozenset({"BL", "GF", "GP", "MF", "MQ", "NC", "PF", "PM", "RE", "TF", "WF", "YT"}),
    "GB": frozenset({"GG", "IM", "JE"}),
}  # fmt: skip


def remainder_97(characters: str) -> int:
    """What is left of capital letters and digits, letters as 10 to 35, when divided by 97 (ISO 7064, MOD 97-10)."""
    return int("".join(str(int(one, 36)) for one in characters)) % 97


def plain_number(written: str) -> str:
    """The number of an account in capitals, without what a bank or a person may put between its characters."""
    return re.sub(r"[^A-Za-z0-9]", "", written).upper()


@dataclass(frozen=True, slots=True)
class Iban:
    """An international account number in its one spelling, capitals without spaces.

    Refused as ``iban_unreadable``, ``iban_wrong_length`` for its country, or ``iban_wrong`` where its check digits say that
    a character is not what it was (ISO 13616).
    """

    value: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _IBAN.fullmatch(self.value) or not (is_country(self.country) or self.country == _KOSOVO):
            raise RuleViolation("iban_unreadable", "This is not written as an international account number is.")
        length = _IBAN_LENGTHS.get(self.country)
        if len(self.value) != length and (length or not _SHORTEST <= len(self.value) <= _LONGEST):
            raise RuleViolation("iban_wrong_length", "International account numbers of this country have another length.")
        # 00, 01 and 99 pass the sum as 97, 98 and 02 do, and no bank gives them out.
        if not 2 <= int(self.value[2:4]) <= 98 or remainder_97(self.value[4:] + self.value[:4]) != 1:
            raise RuleViolation("iban_wrong", "The check digits say that this account number is mistyped.")

    @classmethod
    def read(cls, typed: str) -> Self:
        """The number that somebody typed, with spaces and in any case; refused as the number itself is."""
        return cls(_SPACING.sub("", typed).upper())

    @staticmethod
    def length_in(country: str) -> int | None:
        """How many characters such numbers of a country have; None where the registry does not say."""
        return _IBAN_LENGTHS.get(country)

    @property
    def country(self) -> str:
        """The country of the bank that keeps the account."""
        return self.value[:2]

    @property
    def plain(self) -> str:
        """As `plain_number` has it."""
        return plain_number(self.value)


@dataclass(frozen=True, slots=True)
class OtherAccount:
    """The number of an account in a country without IBAN, as its bank writes it: at most 34 letters, digits and single separators.

    Refused as ``account_unreadable``, also for what begins as an IBAN does and is as long as one: that is checked as one.
    """

    value: str = field(repr=False)

    def __post_init__(self) -> None:
        plain = _SPACING.sub("", self.value).upper()
        looks_like_iban = _IBAN.fullmatch(plain) and len(plain) == _IBAN_LENGTHS.get(plain[:2])
        if looks_like_iban or len(self.value) > _LONGEST or not _OTHER.fullmatch(self.value):
            raise RuleViolation("account_unreadable", "This can't be sent to the bank as an account number of its country.")

    @property
    def plain(self) -> str:
        """As `plain_number` has it."""
        return plain_number(self.value)


@dataclass(frozen=True, slots=True)
class Bic:
    """The code of a bank, eight characters or eleven (ISO 9362). Refused as ``bic_unreadable``."""

    value: str

    def __post_init__(self) -> None:
        if not _BIC.fullmatch(self.value) or not (is_country(self.country) or self.country == _KOSOVO):
            raise RuleViolation("bic_unreadable", "This is not the code of a bank (BIC).")

    @property
    def country(self) -> str:
        """The country that the code names."""
        return self.value[4:6]


@dataclass(frozen=True, slots=True)
class NamedBank:
    """A bank without a code that we know, by its name and country, and its town where that is known.

    Refused as ``country_unknown``, or as a name is that cannot be written in Latin letters; a town has 35 of them at most.
    """

    name: str
    country: str
    town: str | None = None

    def __post_init__(self) -> None:
        latin(self.name)
        if self.town is not None:
            latin(self.town, LONGEST_TOWN)
        if not is_country(self.country):
            raise RuleViolation("country_unknown", "No country has this code (ISO 3166).")


Account = Iban | OtherAccount
Bank = Bic | NamedBank


def looks_like_an_account(text: str) -> bool:
    """Whether a code of a bank's holds an IBAN, whatever stands between its digits, or ten digits in a row, as accounts have."""
    plain = re.sub(r"[^A-Z0-9]", "", text.upper())
    return bool(_MANY_DIGITS.search(text)) or any(_begins_an_iban(plain[found.start() :]) for found in _IBAN_BEGINS.finditer(plain))


def _begins_an_iban(characters: str) -> bool:
    length = _IBAN_LENGTHS.get(characters[:2])
    if length is None or len(characters) < length:
        return False
    iban = characters[:length]
    return remainder_97(iban[4:] + iban[:4]) == 1


def within_sepa(one: Account, other: Account, currency: str) -> bool:
    """Whether a payment between two accounts goes as a SEPA credit transfer: euros, and both by an IBAN of its countries."""
    return currency == "EUR" and is_in_sepa(one) and is_in_sepa(other)


def bank_missing() -> RuleViolation:
    """Refuses an account without its bank where the number alone does not say which it is."""
    return RuleViolation("bank_missing", "Nothing can be sent to this account without its bank. Give its code, or its name and country.")


def is_in_sepa(account: Account) -> bool:
    """Whether this is an IBAN of a country of SEPA, so that a payment in euros needs no name or code of the bank."""
    return isinstance(account, Iban) and account.country in _SEPA


def refuse_bank_elsewhere(account: Account, bank: Bank | None) -> None:
    """Refused as ``bank_elsewhere`` where an IBAN and the bank are of two countries: one of them is mistyped."""
    if not isinstance(account, Iban) or bank is None or bank.country == account.country:
        return
    if bank.country not in _WITH_THE_IBAN_OF.get(account.country, ()):
        raise RuleViolation("bank_elsewhere", "The account and the bank are in two countries. One of them is not right.")
