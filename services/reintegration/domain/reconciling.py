"""Whether the three agree: what was approved for a tranche, what was paid, and what was received of it (decision 66)."""

from decimal import Decimal
from typing import Final

from services.reintegration.domain.amounts import NOTHING
from services.reintegration.domain.grant_state import Grant, GrantTranche
from shared.contracts.accounting import DifferenceReason, ShortReason
from shared.errors import RuleViolation
from shared.money import Money, refuse_unpayable

# Whoever has money that was not used owes it; the others are what it costs to pay.
ASKED_BACK: Final[frozenset[DifferenceReason]] = frozenset({"unspent", "not_accounted_for"})


def refuse_unless_received(state: Grant, tranche: GrantTranche, received: Money | None) -> None:
    """Refuses what cannot have been received of a tranche; None is exactly what was paid, as far as the bank booked it.

    Refused as ``not_a_currency``, ``finer_than_paid``, ``currencies_differ`` or ``received_more_than_paid``: what somebody
    spent beyond it is their own, and no part of the grant.
    """
    if received is None:
        return
    refuse_unpayable((received,))
    if received.currency != state.currency:
        raise RuleViolation("currencies_differ", "The grant is in another currency.")
    if received.amount > tranche.booked:
        raise RuleViolation(
            "received_more_than_paid",
            "More cannot have been received than was paid. What the person added of their own is not counted here.",
        )


def refuse_unless_paid_by_bank(tranche: GrantTranche) -> None:
    """Refused as ``no_bank_line`` where the bank was to pay and none of its lines says that it did."""
    if tranche.method == "bank_file" and tranche.paid_line is None:
        raise RuleViolation("no_bank_line", "No line of the bank says that this was paid. Without one it is not reconciled.")


def difference_of(state: Grant, tranche: GrantTranche, reason: DifferenceReason | None) -> Money | None:
    """What the bank booked of a tranche and was not received; None where everything was.

    Refused as ``difference_unexplained`` or ``no_difference`` where reason and amounts do not go together, and as
    ``recovery_not_opened`` unless all that is unspent or not accounted for on this grant was asked back. What never left is no
    part of it (`short_of`), so that nobody is asked for that and no charge of the bank's hides what was not used.
    """
    missing = tranche.booked - (tranche.booked if tranche.received is None else tranche.received)
    if missing == NOTHING:
        if reason is not None:
            raise RuleViolation("no_difference", "All that was paid was received, so there is no difference to explain.")
        return None
    if reason is None:
        raise RuleViolation("difference_unexplained", "Less was received than was paid. Say why, then it is reconciled.")
    if reason in ASKED_BACK and owed(state) + missing > (state.recovery_amount or NOTHING):
        raise RuleViolation(
            "recovery_not_opened", "What was not used has to be asked back first, all of it. Then this is reconciled."
        )
    return Money(amount=missing, currency=state.currency)


def short_of(state: Grant, tranche: GrantTranche, reason: ShortReason | None) -> Money | None:
    """What of a tranche was ordered and the bank never booked; None where all of it was.

    Refused as ``short_unexplained`` or ``nothing_short`` where reason and amounts do not go together.
    """
    if not tranche.booked_short:
        if reason is not None:
            raise RuleViolation("nothing_short", "The bank booked all that was ordered, so there is nothing missing to explain.")
        return None
    if reason is None:
        raise RuleViolation("short_unexplained", "The bank booked less than was ordered. Say why, then this is reconciled.")
    return Money(amount=tranche.booked_short, currency=state.currency)


def owed(state: Grant) -> Decimal:
    """What reconciliations found of this grant that is unspent or not accounted for."""
    return sum(
        (one.difference for one in state.tranches if one.difference is not None and one.difference_reason in ASKED_BACK), NOTHING
    )
