"""Whether money can be sent to a payee at this moment: the one question that whoever releases a tranche asks, pure."""

from datetime import datetime

from services.reintegration.domain.payee import account_of_staff, account_shared
from services.reintegration.domain.payee_facts import Payable, PayeeFacts
from services.reintegration.domain.screening import refuse_unless_screened, screening_hit
from shared.errors import FourEyes, NotFound, RuleViolation


def refuse_unless_payable(known: Payable, currency: str, payer_id: str, now: datetime) -> int:
    """The number of the account to pay to; refused by what stands against paying this payee, the gravest first.

    As ``payee_closed``, ``payee_blocked``, ``payee_erased``, ``screening_hit``, ``not_screened``, ``account_of_staff``, ``payee_not_confirmed``, ``payee_on_hold``,
    ``account_shared``, ``another_currency``, and ``four_eyes`` for whoever had a part in the payee (decision 51).
    """
    payee = known.payee
    if payee is None:
        raise NotFound
    if payee.status == "closed":
        raise RuleViolation("payee_closed", "This payee is closed. Nothing is paid to it any more.")
    if payee.status == "blocked":
        raise RuleViolation("payee_blocked", "A list of sanctions means this payee. Nothing is ever paid to it.")
    if not known.account_known:
        raise RuleViolation("payee_erased", "Whom this payee was for was erased, and the account with them.")
    if payee.hits:
        raise screening_hit()
    if known.of_staff:
        raise account_of_staff()
    if payee.confirmed_no is None:
        raise RuleViolation("payee_not_confirmed", "Nobody else confirmed this payee yet, so nothing is paid to it.")
    if payee.status == "on_hold" or (payee.held_until is not None and now < payee.held_until):
        raise RuleViolation("payee_on_hold", "The account was changed. Nothing is paid before the call-back, and before two days.")
    refuse_unless_screened(payee, PayeeFacts(newest_lists=known.newest_lists))
    if known.shared_with:
        raise account_shared()
    if payee.currency != currency:
        raise RuleViolation("another_currency", "This payee is paid in another currency.")
    if payer_id in payee.handlers or payer_id == str(payee.person_id):
        raise FourEyes("You had a part in this payee, so somebody else has to pay it.")
    return payee.confirmed_no
