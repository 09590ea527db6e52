"""An account as it is concealed or sealed: whose it is, its number in one spelling, and its bank; printed without its values."""

from typing import Final

from services.reintegration.bank.accounts import Account, Bank, Bic, Iban, NamedBank, OtherAccount
from shared.messages import Part
from shared.unprinted import Unprinted

_SHOWN: Final = 4


class AccountDetails(Unprinted, Part):
    """Whose account it is, and where: an IBAN, or a number with its bank."""

    holder: str
    iban: str | None = None
    account_number: str | None = None
    bank_code: str | None = None
    bank_name: str | None = None
    bank_country: str | None = None
    bank_town: str | None = None

    @property
    def account(self) -> Account:
        """The account as a payment takes it."""
        return Iban(self.iban) if self.iban is not None else OtherAccount(self.account_number or "")

    @property
    def bank(self) -> Bank | None:
        """The bank as a payment takes it; None for a cash box, and where the IBAN alone says it."""
        if self.bank_code is not None:
            return Bic(self.bank_code)
        if self.bank_name is not None and self.bank_country is not None:
            return NamedBank(self.bank_name, self.bank_country, self.bank_town)
        return None

    @property
    def masked(self) -> str:
        """The last four characters of the account, of a short one the last one alone, and dots for the rest."""
        plain = "".join(one for one in (self.iban or self.account_number or "") if one.isalnum())
        return f"…{plain[-_SHOWN:]}" if len(plain) > 2 * _SHOWN else f"…{plain[-1:]}"
