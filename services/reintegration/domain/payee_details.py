"""What of a payee is sealed: whose account it is, its number and bank, and how to call back; printed without its values."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from services.reintegration.bank.accounts import (
    Iban,
    OtherAccount,
    bank_missing,
    is_in_sepa,
    refuse_bank_elsewhere,
)
from services.reintegration.bank.latin import LONGEST_TOWN, latin
from services.reintegration.bank.pain001 import LONGEST_NAME_IN_SEPA
from services.reintegration.domain.account_details import AccountDetails
from services.reintegration.domain.same_account import Spelling, spellings
from shared.contracts.payees import PayeeKind
from shared.countries import AssignedCountry
from shared.errors import RuleViolation
from shared.unprinted import Unprinted

# Nothing that changes the direction of what stands around it, and no control characters.
_LINE: Final = r"^[^\x00-\x20\x7f-\xa0\u200e\u200f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]*$"


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))


Holder = Annotated[str, Field(max_length=140, pattern=_LINE), AfterValidator(_composed)]
Typed = Annotated[str, Field(max_length=60, pattern=_LINE), AfterValidator(_composed)]
Town = Annotated[str, Field(max_length=60, pattern=_LINE), AfterValidator(_composed)]
Contact = Annotated[str, Field(max_length=200, pattern=_LINE), AfterValidator(_composed)]


class StatesAccount(Unprinted):
    """What an order says of an account: an IBAN, or a number of its country with the bank; none of both is no account.

    ``holder`` is the name as the bank knows it, ``call_back_contact`` how to reach the payee without asking who sent the account.
    Towns are told to the bank where they are known: some banks outside SEPA ask for them.
    """

    holder: Holder
    iban: Typed | None = None
    account_number: Typed | None = None
    bank_code: Typed | None = None
    bank_name: Holder | None = None
    bank_country: AssignedCountry | None = None
    bank_town: Town | None = None
    town: Town | None = None
    call_back_contact: Contact


class PayeeDetails(AccountDetails):
    """Whose account it is, where, and how to call back; as it is kept sealed."""

    town: str | None = None
    call_back_contact: str

    @property
    def spellings(self) -> tuple[Spelling, ...]:
        """By what the account is found to be another's as well, however it is written there."""
        return spellings(self.iban, self.account_number, self.bank_code, self.bank_country)


def details_of(order: StatesAccount, kind: PayeeKind, currency: str) -> PayeeDetails:
    """What an order states for payments in a currency, checked as far as somebody who has not asked the bank can.

    Refused as ``account_missing``, ``account_twice``, ``bank_missing`` unless the payment goes by the IBAN alone, as it does
    in euros within SEPA, which takes names of 70 letters (``name_too_long``); ``bank_elsewhere``, and as `bank.accounts` and
    `bank.latin` refuse.
    """
    latin(order.holder)
    if order.iban is None and order.account_number is None:
        raise RuleViolation("account_missing", "There is no account here. Give the IBAN, or the number with its bank.")
    if order.iban is not None and order.account_number is not None:
        raise RuleViolation("account_twice", "There are two account numbers here. Give the IBAN alone where there is one.")
    iban = Iban.read(order.iban).value if order.iban is not None else None
    number = OtherAccount(order.account_number).value if order.account_number is not None else None
    code = "".join(order.bank_code.split()).upper() if order.bank_code is not None else None
    found = PayeeDetails(
        holder=order.holder, iban=iban, account_number=number, bank_code=code, bank_name=order.bank_name,
        bank_country=order.bank_country, bank_town=order.bank_town, town=order.town,
        call_back_contact=order.call_back_contact,
    )  # fmt: skip
    for town in (order.town, order.bank_town):
        if town is not None:
            latin(town, LONGEST_TOWN)
    in_sepa = currency == "EUR" and is_in_sepa(found.account)
    if in_sepa:
        latin(order.holder, LONGEST_NAME_IN_SEPA)
    # An office's own cash box is at no bank.
    elif found.bank is None and (iban is not None or kind != "office"):
        raise bank_missing()
    refuse_bank_elsewhere(found.account, found.bank)
    return found
