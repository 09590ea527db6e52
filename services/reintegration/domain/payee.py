"""A payee: who is paid, in one currency, to an account that one person states and another one confirms.

Decision 51: whoever states an account does not confirm it, whoever changes it does not call back, and none of them pays. Where
two payees have one account, whoever finds that right stated and confirmed it for neither (decision 152).
"""

from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field, StrictBool

from services.reintegration.domain.case import Case
from services.reintegration.domain.grant_facts import arrived_case
from services.reintegration.domain.payee_details import StatesAccount, details_of
from services.reintegration.domain.payee_ending import ENDING_RULES
from services.reintegration.domain.payee_facts import PayeeFacts
from services.reintegration.domain.payee_state import ENDED, AccountChange, Payee, evolve
from services.reintegration.domain.screening import SCREENING_RULES, screened
from services.reintegration.domain.shared_accounts import (
    not_who_found_it_right,
    refuse_parts,
    some_left_to_find_right,
)
from shared.actors import Role
from shared.contracts.payees import (
    AccountChangeAsked,
    AccountChangeDropped,
    AccountChangeReason,
    CallBackConfirmed,
    ChangeDropReason,
    PayeeClosed,
    PayeeClosingReason,
    PayeeConfirmed,
    PayeeDetailsDeleted,
    PayeeEnded,
    PayeeKind,
    PayeeRegistered,
    SharedAccountAccepted,
    SharedAccountReason,
    VendorCode,
    closed_for,
)
from shared.contracts.sanctions import HitClearingAsked, HitsCleared, HitsConfirmed, PayeeScreened
from shared.countries import AssignedCountry
from shared.currencies import is_currency
from shared.decider import Decider, Events, ReadsFacts, changing, opening
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Concealed, Context
from shared.moments import Moment, refuse_future
from shared.money import Currency, not_a_currency

# An example, never an IOM rule: for so long after somebody asked for another account nothing is paid, whoever called back.
HOLD: Final = timedelta(days=2)
# Another example: a call says nothing any more of a change that waited longer.
CALL_BACK_WITHIN: Final = timedelta(days=30)
MOST_SHARED: Final = 40


AccountNo = Annotated[int, Field(strict=True, ge=1)]
Unreachable = Annotated[
    StrictBool, Field(description="The payee was paid before, and nobody is there any more under the contact of then."),
]  # fmt: skip


class SaysWho(Command):
    """What an order says of who a payee is."""

    payee_kind: PayeeKind
    country: AssignedCountry
    currency: Currency
    case_id: UUID | None = None
    person_id: UUID | None = None
    vendor_code: VendorCode | None = None


class RegisterPayee(StatesAccount, SaysWho):
    """Register who is to be paid: a returnee of a case, a vendor by the code of quotations, or a receiving office.

    Nothing is paid before somebody else confirmed it. Whoever registers a payee never pays it.
    """


class ConfirmPayee(Command):
    """Confirm a payee that a colleague registered, after you compared name and account with the papers.

    Whoever was paid before as another payee is called under the contact of then; where nobody is there any more, the
    chief of mission confirms.
    """

    unreachable: Unreachable = False


class ChangeAccount(StatesAccount, Command):
    """Ask that the payee is paid to another account, or called under another contact.

    Nothing is paid until somebody called back under the former contact.
    """

    reason: AccountChangeReason


class ConfirmCallBack(Command):
    """Say that you called the payee under the contact that the page names, and that they said themselves what was changed."""

    account_no: AccountNo
    called_at: Moment


class DropAccountChange(Command):
    """Take back a change of account that you asked for, or decline a colleague's."""

    account_no: AccountNo
    reason: ChangeDropReason


class AcceptSharedAccount(Command):
    """Find it right that this payee and others have the same account, after you asked why. Of so many at a time; the others wait.

    Whoever stated or confirmed the account of one of them does not.
    """

    with_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MOST_SHARED)]
    reason: SharedAccountReason


class ClosePayee(Command):
    """Close the payee: nothing is paid to it any more."""

    reason: PayeeClosingReason


def not_by_whoever_stated() -> FourEyes:
    """Refuses to confirm an account that one stated oneself; the database's CHECK refuses it in the same words."""
    return FourEyes("You stated this account, so somebody else has to confirm it.")


def vendor_code_taken() -> RuleViolation:
    """Refuses two vendors under one code; the database's key refuses it in the same words."""
    return RuleViolation("vendor_code_taken", "Another vendor has this code. A quotation has to mean one of them.")


def person_has_a_payee() -> RuleViolation:
    """Refuses a second payee of one person in one currency; the database's key refuses it in the same words."""
    return RuleViolation("person_has_a_payee", "There is a payee of this person in this currency. Change its account, or close it.")


def account_shared() -> RuleViolation:
    """Refuses an account that another payee has as well, until somebody found that right."""
    return RuleViolation("account_shared", "Another payee has this account as well. A colleague has to look at why.")


def call_back_first() -> RuleViolation:
    """Refuses to confirm whoever was paid before on papers alone."""
    return RuleViolation(
        "call_back_first",
        "This payee was paid before. Call them under the contact of then; if nobody is there any more, the chief of mission confirms.",
    )


def account_of_staff() -> RuleViolation:
    """Refuses to pay to an account of a member of staff."""
    return RuleViolation("account_of_staff", "This is the account of a member of staff. Nobody else is paid to it.")


def held_too_short() -> RuleViolation:
    """What the database says of an account that would be paid to before the hold is over."""
    return RuleViolation("hold_not_over", "Two days have to pass after a change of account before anything is paid.")


def _register(order: RegisterPayee, facts: PayeeFacts, context: Context) -> Events:
    if not is_currency(order.currency):
        raise not_a_currency()
    _refuse_wrong_kind(order)
    if order.payee_kind == "returnee":
        _refuse_unless_of_the_case(order, facts.case, context)
    if facts.former_blocked:
        raise RuleViolation("payee_blocked", "A list of sanctions means this payee. Nothing is ever paid to it.")
    details = details_of(order, order.payee_kind, order.currency)
    return (
        PayeeRegistered(
            payee_kind=order.payee_kind, country=order.country, currency=order.currency, case_id=order.case_id,
            person_id=order.person_id, vendor_code=order.vendor_code, details=Concealed.of(details.model_dump_json()),
            registered_by=context.actor.person_id, registered_at=context.now, former=facts.former,
        ),
    )  # fmt: skip


def _refuse_wrong_kind(order: SaysWho) -> None:
    named = (order.case_id is not None, order.person_id is not None, order.vendor_code is not None)
    wanted = {"returnee": (True, True, False), "vendor": (False, False, True), "office": (False, False, False)}
    if named != wanted[order.payee_kind]:
        raise RuleViolation(
            "payee_not_named",
            "A returnee is named by the case and the person, a vendor by its code, an office by its country alone.",
        )


def _refuse_unless_of_the_case(order: SaysWho, case: Case | None, context: Context) -> None:
    assert order.person_id is not None
    known = arrived_case(case, order.person_id)
    if order.country != known.destination_country:
        raise RuleViolation("another_country", "A returnee is paid in the country of their return.")
    if str(order.person_id) == context.actor.person_id:
        raise FourEyes("Nobody registers themselves as a payee.")


def _registered(state: Payee, _: PayeeFacts, __: Context) -> None:
    if state.status != "registered":
        raise RuleViolation("wrong_status", "This payee was confirmed, or is closed. There is nothing to confirm.")


def _called_first(state: Payee, _: PayeeFacts, context: Context) -> None:
    if state.began_anew and Role.CHIEF_OF_MISSION not in context.actor.roles:
        raise call_back_first()


def _active(state: Payee, _: PayeeFacts, __: Context) -> None:
    if state.status != "active":
        raise RuleViolation("wrong_status", "The account of this payee can be changed once it is confirmed and no change waits.")


def _change_waits(state: Payee, _: PayeeFacts, __: Context) -> None:
    if state.change is None:
        raise RuleViolation("nothing_waits", "No change of account waits for this payee.")


def _call_waits(state: Payee, _: PayeeFacts, __: Context) -> None:
    if state.change is None and not state.began_anew:
        raise RuleViolation("nothing_waits", "Nothing waits for a call to this payee.")


def _not_closed(state: Payee, _: PayeeFacts, __: Context) -> None:
    if state.status in ENDED:
        raise RuleViolation("payee_closed", "This payee is closed, or blocked.")


def _not_the_payee(state: Payee, _: PayeeFacts, context: Context) -> None:
    if str(state.person_id) == context.actor.person_id:
        raise FourEyes("You are paid here, so others have to look after this.")


def _not_who_registered(state: Payee, _: PayeeFacts, context: Context) -> None:
    if state.registered_by == context.actor.person_id:
        raise not_by_whoever_stated()


def _not_who_asked(state: Payee, _: PayeeFacts, context: Context) -> None:
    asked_by = state.change.asked_by if state.change is not None else state.registered_by
    if asked_by == context.actor.person_id:
        raise not_by_whoever_stated()


@ReadsFacts
def _nothing_against_the_account(_: Payee, facts: PayeeFacts, __: Context) -> None:
    if facts.of_staff:
        raise account_of_staff()
    if facts.shared_with:
        raise account_shared()


def _not_by_whoever_had_a_part(state: Payee, _: PayeeFacts, context: Context) -> None:
    stated = {state.registered_by, state.stated_by, state.change.asked_by if state.change is not None else None}
    if context.actor.person_id in stated:
        raise not_by_whoever_stated()


@ReadsFacts
def _some_share_it(_: Payee, facts: PayeeFacts, __: Context) -> None:
    if not facts.shared_with:
        raise RuleViolation("nothing_shared", "No other payee has this account, or it was found right already.")


def _confirm(state: Payee, order: ConfirmPayee, __: PayeeFacts, context: Context) -> Events:
    if state.began_anew and not order.unreachable:
        raise call_back_first()
    if order.unreachable and not state.began_anew:
        raise RuleViolation("nobody_to_call", "This payee was never paid before, so nobody had to be called.")
    return (
        PayeeConfirmed(
            account_no=state.stated_no, stated_by=state.registered_by, confirmed_by=context.actor.person_id,
            confirmed_at=context.now, unreachable=order.unreachable,
            held_until=state.registered_at + HOLD if state.began_anew else None,
        ),
    )  # fmt: skip


def _change(state: Payee, order: ChangeAccount, _: PayeeFacts, context: Context) -> Events:
    details = details_of(order, state.kind, state.currency)
    return (
        AccountChangeAsked(
            account_no=state.stated_no + 1, details=Concealed.of(details.model_dump_json()), reason=order.reason,
            asked_by=context.actor.person_id, asked_at=context.now,
        ),
    )  # fmt: skip


def _what_waits(state: Payee, account_no: int) -> AccountChange:
    if state.change is None or state.change.account_no != account_no:
        raise RuleViolation("another_change_waits", "This is not what waits any more. Read the payee again, then decide.")
    return state.change


def _call_back(state: Payee, order: ConfirmCallBack, _: PayeeFacts, context: Context) -> Events:
    account_no, asked_by, asked_at = _to_be_called_about(state, order.account_no)
    refuse_future(order.called_at, context)
    if order.called_at < asked_at:
        raise RuleViolation("called_before_change", "This call was before the change, so it says nothing of the new account.")
    if context.now > asked_at + CALL_BACK_WITHIN:
        raise RuleViolation("change_too_old", "This has waited for more than thirty days. Drop or close it, and begin anew.")
    return (
        CallBackConfirmed(
            account_no=account_no, stated_by=asked_by, called_at=order.called_at, confirmed_by=context.actor.person_id,
            confirmed_at=context.now, held_until=asked_at + HOLD,
        ),
    )  # fmt: skip


def _to_be_called_about(state: Payee, account_no: int) -> tuple[int, str, datetime]:
    if state.began_anew and account_no == state.stated_no:
        return state.stated_no, state.registered_by, state.registered_at
    change = _what_waits(state, account_no)
    return change.account_no, change.asked_by, change.asked_at


def _drop(state: Payee, order: DropAccountChange, _: PayeeFacts, context: Context) -> Events:
    change = _what_waits(state, order.account_no)
    return (
        AccountChangeDropped(
            account_no=change.account_no, reason=order.reason, dropped_by=context.actor.person_id, dropped_at=context.now
        ),
    )


def _accept(state: Payee, order: AcceptSharedAccount, facts: PayeeFacts, context: Context) -> Events:
    if not set(order.with_ids) <= facts.shared_with or len(set(order.with_ids)) < len(order.with_ids):
        raise RuleViolation("others_share_it", "Other payees share this account than you looked at. Read the payee again.")
    refuse_parts(order.with_ids, facts, context)
    return (
        SharedAccountAccepted(
            account_no=state.change.account_no if state.change is not None else state.confirmed_no or 1,
            with_ids=order.with_ids, reason=order.reason,
            stated_by=state.change.asked_by if state.change is not None else state.stated_by or state.registered_by,
            accepted_by=context.actor.person_id, accepted_at=context.now,
            accounts=tuple(one for one in facts.shared_accounts if one.other_id in order.with_ids),
        ),
    )  # fmt: skip


def _close(state: Payee, order: ClosePayee, _: PayeeFacts, context: Context) -> Events:
    return (
        PayeeEnded(closed_for=closed_for(order.reason), closed_by=context.actor.person_id, closed_at=context.now),
    )


PAYEE: Decider[Payee, PayeeFacts] = Decider(
    rules=(
        opening(RegisterPayee, "Register a payee", _register),
        changing(ConfirmPayee, "Confirm the payee", _confirm, _registered, _not_the_payee, _not_who_registered, _called_first, _nothing_against_the_account, not_who_found_it_right, screened),
        changing(ChangeAccount, "Change the account", _change, _active, _not_the_payee),
        changing(ConfirmCallBack, "Confirm the call-back", _call_back, _call_waits, _not_the_payee, _not_who_asked, _nothing_against_the_account, not_who_found_it_right, screened),
        changing(DropAccountChange, "Drop the change of account", _drop, _change_waits, _not_the_payee),
        changing(
            AcceptSharedAccount, "Accept the shared account", _accept, _not_closed, _not_the_payee, _some_share_it,
            _not_by_whoever_had_a_part, some_left_to_find_right,
        ),
        changing(ClosePayee, "Close the payee", _close, _not_closed),
        *SCREENING_RULES, *ENDING_RULES,
    ),
    evolve=evolve,
    events=(PayeeRegistered, PayeeConfirmed, AccountChangeAsked, CallBackConfirmed, AccountChangeDropped, SharedAccountAccepted, PayeeClosed, PayeeEnded,
        PayeeScreened, HitClearingAsked, HitsCleared, HitsConfirmed, PayeeDetailsDeleted,
    ),
)
