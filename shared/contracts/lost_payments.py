"""The events of reintegration about payments that a restore lost: what was ordered of which the database knows nothing, and what became of it."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.counselling import StaffId
from shared.messages import Event, Part

# So many that each event stays below what one entry of a log may hold.
MOST_IN_ONE_EVENT: Final = 60
LostFact = Literal["released", "batched", "paid"]
MoneyOutcome = Literal["left", "not_left"]


class LostPayment(Part):
    """An attempt to pay that a lost entry names, what that entry says of it, and who recorded it; ``grant_id`` and ``number`` where it says these."""

    event_id: UUID
    fact: LostFact
    attempt_id: UUID | None
    grant_id: UUID | None
    number: int | None
    by: StaffId | None = None


class LostPaymentsListed(Event, kind="avrr.reintegration.lost_payments.listed.v1"):
    """What entries that a restore lost say of payments; from now on no money is ordered until two persons clear it."""

    payments: Annotated[tuple[LostPayment, ...], Field(max_length=MOST_IN_ONE_EVENT)]
    listed_at: datetime


class LostPaymentSettled(Event, kind="avrr.reintegration.lost_payments.settled.v1"):
    """Somebody found out at bank, cash desk or office whether the money of a lost payment left."""

    event_id: UUID
    outcome: MoneyOutcome
    settled_by: StaffId
    settled_at: datetime


class LostPaymentsClearingAsked(Event, kind="avrr.reintegration.lost_payments.clearing_asked.v1"):
    """A reconciler says that of every lost payment it is known what became of it."""

    asked_by: StaffId
    asked_at: datetime


class LostPaymentsCleared(Event, kind="avrr.reintegration.lost_payments.cleared.v1"):
    """An approver says the same: money may be ordered again, but for what left already."""

    cleared_by: StaffId
    cleared_at: datetime


EVENTS: Final[tuple[type[Event], ...]] = (LostPaymentsListed, LostPaymentSettled, LostPaymentsClearingAsked, LostPaymentsCleared)
