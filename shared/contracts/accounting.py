"""What of a paid tranche was received, and what of it was not; parts of events, whose fields are only ever added."""

from typing import Literal

from shared.messages import Event
from shared.money import Money

# Why less was received than was paid. What is unspent or not accounted for is asked back.
DifferenceReason = Literal["rounding", "exchange", "bank_charge", "unspent", "not_accounted_for"]
# Why the bank booked less than was ordered. What never left is no more unspent than it is owed.
ShortReason = Literal["rounding", "exchange", "bank_charge"]


class SaysWhatWasReceived(Event):
    """What receipts or the handover add up to; None where that is exactly what was paid, as in events of before."""

    received: Money | None = None


class SaysWhatDiffers(Event):
    """What was booked and not received, and why; ``short`` is what was ordered and not booked, and why.

    None where nothing of the kind is. Events of before that say no ``short_reason`` have both in ``difference``.
    """

    difference: Money | None = None
    reason: DifferenceReason | None = None
    short: Money | None = None
    short_reason: ShortReason | None = None
