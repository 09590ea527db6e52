"""To which account a debit went, as the bank states it; nobody keeps it, and what is compared are hashes of it."""

import re
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from services.reintegration.bank.accounts import Bic, Iban
from services.reintegration.bank.messages import text
from shared.countries import is_country
from shared.errors import RuleViolation

_LONGEST: Final = 64
# Some banks hide digits of accounts that are not ours; of what is left nobody knows which account it is.
_HIDDEN: Final = re.compile(r"[*#•]|X{4}", re.IGNORECASE)
_WRITTEN_BETWEEN: Final = re.compile(r"[^A-Za-z0-9-]")


@dataclass(frozen=True, slots=True)
class Creditor:
    """An account by its IBAN, or by its number, with what the bank says of where it is kept; printed without its values."""

    iban: str | None = field(default=None, repr=False)
    number: str | None = field(default=None, repr=False)
    bank_code: str | None = field(default=None, repr=False)
    bank_country: str | None = field(default=None, repr=False)

    @property
    def is_of_no_country(self) -> bool:
        """Whether only a number is stated, so that it may be of several countries."""
        return self.iban is None and self.bank_code is None and self.bank_country is None


def creditor(detail: Element) -> Creditor | None:
    """The account to which one payment of a line went; None where the bank does not state it, or hides a part of it."""
    account = text(detail, "RltdPties/CdtrAcct/Id/IBAN") or text(detail, "RltdPties/CdtrAcct/Id/Othr/Id")
    if account is None or len(account) > _LONGEST or _HIDDEN.search(account):
        return None
    number = _WRITTEN_BETWEEN.sub("", account).upper()
    plain = number.replace("-", "")
    if not plain:
        return None
    # Also where the bank states it as another kind of number.
    if _is_iban(plain) or text(detail, "RltdPties/CdtrAcct/Id/IBAN") is not None:
        return Creditor(iban=plain)
    agent = "RltdAgts/CdtrAgt/FinInstnId"
    code = _bank_code(text(detail, f"{agent}/BICFI") or text(detail, f"{agent}/BIC"))
    country = text(detail, f"{agent}/PstlAdr/Ctry")
    return Creditor(number=number, bank_code=code, bank_country=country if country is not None and is_country(country) else None)


def _is_iban(plain: str) -> bool:
    try:
        Iban(plain)
    except RuleViolation:
        return False
    return True


def _bank_code(written: str | None) -> str | None:
    try:
        return None if written is None else Bic(written.upper()).value
    except RuleViolation:
        return None
