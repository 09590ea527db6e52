"""What of a paid tranche was received, and what of it was not; parts of events, whose fields are only ever added."""

from typing import Literal

from shared.messages import Event
from shared.money import Money

# Why less was received than was paid. What is unspent or not accounted for is asked back.
DifferenceReason = Literal["rounding", "exchange", "bank_charge", "unspent", "not_accounted_for"]


class SaysWhatWasReceived(Event):
    """What receipts or the handover add up to; None where that is exactly what was paid, as in events of before."""

    received: Money | None = None


class SaysWhatDiffers(Event):
    """What was paid and not received, and why; None where everything was, as in events of before."""

    difference: Money | None = None
    reason: DifferenceReason | None = None
