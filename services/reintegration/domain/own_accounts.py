"""An account of the mission's own, or a cash box: registered by one reconciler, paid from once another confirmed it.

Decision 57.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from services.reintegration.bank.accounts import (
    Iban,
    OtherAccount,
    bank_missing,
    refuse_bank_elsewhere,
)
from services.reintegration.bank.latin import latin
from services.reintegration.bank.pain001 import LONGEST_NAME_IN_SEPA
from services.reintegration.domain.account_details import AccountDetails
from services.reintegration.domain.payee_details import Holder, Town, Typed
from shared.contracts.own_accounts import (
    OwnAccountClosed,
    OwnAccountClosingReason,
    OwnAccountConfirmed,
    OwnAccountKind,
    OwnAccountRegistered,
)
from shared.countries import AssignedCountry
from shared.currencies import is_currency
from shared.decider import Decider, Events, ReadsFacts, changing, opening
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Concealed, Context, Event
from shared.money import Currency, not_a_currency
from shared.transitions import moved
from shared.unprinted import Unprinted

OwnAccountStatus = Literal["registered", "active", "closed"]
BEGINNINGS: Final[frozenset[str]] = frozenset({"registered"})
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "registered": frozenset({"active", "closed"}), "active": frozenset({"closed"}), "closed": frozenset(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """An account or a cash box; without a country it is the mission's. ``same_account`` is what its spellings have in common."""

    kind: OwnAccountKind
    currency: str
    country: str | None
    details: AccountDetails
    same_account: str
    registered_by: str
    registered_at: datetime
    status: OwnAccountStatus = "registered"
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    closing_reason: OwnAccountClosingReason | None = None


@dataclass(frozen=True, slots=True)
class OwnAccountFacts:
    """Whether a file that pays from the account was taken and the bank has not answered for all of it, or a file of the bank's on
    it waits for a second person; what was not looked up refuses.
    """

    payments_under_way: bool = True


class RegisterOwnAccount(Unprinted, Command):
    """Register an account or a cash box of the mission, or of an office. A colleague confirms it before anything is paid from it."""

    account_kind: OwnAccountKind
    currency: Currency
    country: AssignedCountry | None = None
    holder: Holder
    iban: Typed | None = None
    account_number: Typed | None = None
    bank_code: Typed | None = None
    bank_name: Holder | None = None
    bank_country: AssignedCountry | None = None
    bank_town: Town | None = None


class ConfirmOwnAccount(Command):
    """Confirm an account that a colleague registered, after you compared it with the papers of the bank."""


class CloseOwnAccount(Command):
    """Close the account once the bank answered for all that it was ordered: nothing more is paid from it."""

    reason: OwnAccountClosingReason


def not_by_whoever_registered() -> FourEyes:
    """Refuses to confirm an account that one registered oneself; the database's CHECK refuses it in the same words."""
    return FourEyes("You registered this account, so somebody else has to confirm it.")


def own_account_known() -> RuleViolation:
    """Refuses a second account under one number and currency; the database's key refuses it in the same words."""
    return RuleViolation("own_account_known", "There is an account with this number and currency already.")


def own_account_not_active() -> RuleViolation:
    """Refuses to pay from an account that nobody confirmed, or that is closed."""
    return RuleViolation("own_account_not_active", "Nothing can be paid from this account: it is not confirmed yet, or closed.")


def details_of(order: RegisterOwnAccount) -> AccountDetails:
    """What an order states, checked as far as somebody who has not asked the bank can.

    Refused as ``account_missing``, ``account_twice``, ``bank_missing``, ``bank_elsewhere``, ``cash_box_has_no_bank``, and as
    `bank.accounts` and `bank.latin` refuse; the holder stands in each file, where SEPA takes 70 letters.
    """
    latin(order.holder, LONGEST_NAME_IN_SEPA)
    if order.iban is None and order.account_number is None:
        raise RuleViolation("account_missing", "There is no account here. Give its international number, or its number with the bank.")
    if order.iban is not None and order.account_number is not None:
        raise RuleViolation("account_twice", "There are two account numbers here. Give the international one alone where there is one.")
    code = "".join(order.bank_code.split()).upper() if order.bank_code is not None else None
    of_a_bank = (order.iban, code, order.bank_name, order.bank_country, order.bank_town)
    if order.account_kind == "cash_box" and any(one is not None for one in of_a_bank):
        raise RuleViolation("cash_box_has_no_bank", "A cash box is at no bank. Give it a number of your own, and nothing of a bank.")
    found = AccountDetails(
        holder=order.holder,
        iban=Iban.read(order.iban).value if order.iban is not None else None,
        account_number=OtherAccount(order.account_number).value if order.account_number is not None else None,
        bank_code=code, bank_name=order.bank_name, bank_country=order.bank_country, bank_town=order.bank_town,
    )  # fmt: skip
    if order.account_kind == "bank":
        if found.bank is None:
            raise bank_missing()
        refuse_bank_elsewhere(found.account, found.bank)
    return found


def _spelled_once(kind: OwnAccountKind, details: AccountDetails) -> str:
    plain = "".join(one for one in (details.iban or details.account_number or "").upper() if one.isalnum())
    country = details.bank.country if details.bank is not None and details.iban is None else ""
    return f"{kind} {country} {plain}"


def _register(order: RegisterOwnAccount, _: OwnAccountFacts, context: Context) -> Events:
    if not is_currency(order.currency):
        raise not_a_currency()
    details = details_of(order)
    return (
        OwnAccountRegistered(
            account_kind=order.account_kind, currency=order.currency, country=order.country,
            details=Concealed.of(details.model_dump_json()), registered_by=context.actor.person_id,
            registered_at=context.now,
        ),
    )  # fmt: skip


def _registered(state: OwnAccount, _: OwnAccountFacts, __: Context) -> None:
    if state.status != "registered":
        raise RuleViolation("wrong_status", "This account was confirmed, or is closed. There is nothing to confirm.")


def _not_who_registered(state: OwnAccount, _: OwnAccountFacts, context: Context) -> None:
    if state.registered_by == context.actor.person_id:
        raise not_by_whoever_registered()


def _not_closed(state: OwnAccount, _: OwnAccountFacts, __: Context) -> None:
    if state.status == "closed":
        raise RuleViolation("own_account_closed", "This account is closed already.")


@ReadsFacts
def _nothing_under_way(_: OwnAccount, facts: OwnAccountFacts, __: Context) -> None:
    # Another registration of the same number is another account, on which nothing was ordered: each debit would wait for somebody.
    if facts.payments_under_way:
        raise RuleViolation(
            "payments_under_way", "The bank has not answered for all that it was ordered to pay from this account, or a file of it waits for a second person."
        )


def _confirm(_: OwnAccount, __: ConfirmOwnAccount, ___: OwnAccountFacts, context: Context) -> Events:
    return (OwnAccountConfirmed(confirmed_by=context.actor.person_id, confirmed_at=context.now),)


def _close(_: OwnAccount, order: CloseOwnAccount, __: OwnAccountFacts, context: Context) -> Events:
    return (OwnAccountClosed(reason=order.reason, closed_by=context.actor.person_id, closed_at=context.now),)


def evolve(state: OwnAccount | None, event: Event) -> OwnAccount:
    """The account after one fact; TypeError for one that does not fit, `IllegalTransition` for a move that is not declared."""
    match event:
        case OwnAccountRegistered() if state is None:
            details = AccountDetails.model_validate_json(event.details.clear())
            return OwnAccount(
                event.account_kind, event.currency, event.country, details, _spelled_once(event.account_kind, details),
                event.registered_by, event.registered_at,
            )  # fmt: skip
        case OwnAccountConfirmed() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "active"), confirmed_by=event.confirmed_by,
                confirmed_at=event.confirmed_at,
            )  # fmt: skip
        case OwnAccountClosed() if state is not None:
            return replace(state, status=moved(TRANSITIONS, state.status, "closed"), closing_reason=event.reason)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit an account here")


OWN_ACCOUNT: Decider[OwnAccount, OwnAccountFacts] = Decider(
    rules=(
        opening(RegisterOwnAccount, "Register an account of our own", _register),
        changing(ConfirmOwnAccount, "Confirm the account", _confirm, _registered, _not_who_registered),
        changing(CloseOwnAccount, "Close the account", _close, _not_closed, _nothing_under_way),
    ),
    evolve=evolve,
    events=(OwnAccountRegistered, OwnAccountConfirmed, OwnAccountClosed),
)
