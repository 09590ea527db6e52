"""Whether money can be sent to a payee at this moment: the one question that whoever releases a tranche asks, pure."""

from collections.abc import Iterator
from datetime import datetime

from services.reintegration.domain.payee import account_of_staff, account_shared
from services.reintegration.domain.payee_facts import Payable, PayeeFacts
from services.reintegration.domain.payee_state import Payee
from services.reintegration.domain.screening import refuse_unless_screened, screening_hit
from shared.contracts.paid_although import StoodAgainst
from shared.errors import FourEyes, NotFound, RuleViolation


def refuse_unless_payable(known: Payable, currency: str, payer_id: str, now: datetime) -> int:
    """The number of the account to pay to; refused by what stands against paying this payee, the gravest first.

    As `stands_against` names it, else as ``another_currency``, and ``four_eyes`` for whoever had a part in the payee (decision 51).
    """
    payee = known.payee
    if payee is None:
        raise NotFound
    for _, refusal in stands_against(known, payee, now):
        raise refusal
    if payee.currency != currency:
        raise RuleViolation("another_currency", "This payee is paid in another currency.")
    if payer_id in (*payee.handlers, *payee.clearers, *known.sharers) or payer_id == str(payee.person_id):
        raise FourEyes("You had a part in this payee, so somebody else has to pay it.")
    assert payee.confirmed_no is not None
    return payee.confirmed_no


def stands_against(known: Payable, payee: Payee, now: datetime) -> Iterator[tuple[StoodAgainst, RuleViolation]]:
    """Each thing that stands against paying this payee at all, whoever pays: its code and its refusal, the gravest first."""
    if payee.status == "closed":
        yield "payee_closed", RuleViolation("payee_closed", "This payee is closed. Nothing is paid to it any more.")
    if payee.status == "blocked":
        yield "payee_blocked", RuleViolation("payee_blocked", "A list of sanctions means this payee. Nothing is ever paid to it.")
    if not known.account_known:
        yield "payee_erased", RuleViolation("payee_erased", "Whom this payee was for was erased, and the account with them.")
    if payee.hits:
        yield "screening_hit", screening_hit()
    if known.of_staff:
        yield "account_of_staff", account_of_staff()
    if payee.confirmed_no is None:
        yield "payee_not_confirmed", RuleViolation("payee_not_confirmed", "Nobody else confirmed this payee yet, so nothing is paid to it.")
    if payee.status == "on_hold" or (payee.held_until is not None and now < payee.held_until):
        yield "payee_on_hold", RuleViolation("payee_on_hold", "The account was changed. Nothing is paid before the call-back, and before two days.")
    if not payee.hits and (refusal := _unscreened(known, payee)) is not None:
        yield "not_screened", refusal
    if known.shared_with:
        yield "account_shared", account_shared()


def _unscreened(known: Payable, payee: Payee) -> RuleViolation | None:
    try:
        refuse_unless_screened(payee, PayeeFacts(newest_lists=known.newest_lists))
    except RuleViolation as refusal:
        return refusal
    return None
