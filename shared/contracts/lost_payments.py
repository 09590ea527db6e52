"""The events of reintegration about payments that a restore lost: what was ordered of which the database knows nothing, which stops, and what became of them."""

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
EventKind = Annotated[str, Field(pattern=r"^avrr\.reintegration\.[a-z_]{1,40}\.[a-z_]{1,40}\.v[0-9]{1,2}$")]


class LostPayment(Part):
    """An attempt to pay that a lost entry names, what that entry says of it, and who recorded it; ``grant_id`` and ``number`` where it says these."""

    event_id: UUID
    fact: LostFact
    attempt_id: UUID | None
    grant_id: UUID | None
    number: int | None
    by: StaffId | None = None


class LostStop(Part):
    """A lost entry that said that money may not go: of which kind it was, of what, when it was recorded and by whom."""

    event_id: UUID
    kind: EventKind
    subject: UUID
    recorded_at: datetime
    by: StaffId | None = None


class LostPaymentsListed(Event, kind="avrr.reintegration.lost_payments.listed.v1"):
    """What entries that a restore lost say of payments; from now on no money is ordered until two persons clear it.

    ``unknown`` is how many entries were lost at least of which nobody has more than that they were there, ``since`` when the last entry
    was recorded that was kept, if any was; ``stops`` are those that said that money may not go. Events of before say none of these.
    """

    payments: Annotated[tuple[LostPayment, ...], Field(max_length=MOST_IN_ONE_EVENT)]
    listed_at: datetime
    unknown: Annotated[int, Field(ge=0)] = 0
    since: datetime | None = None
    stops: Annotated[tuple[LostStop, ...], Field(max_length=MOST_IN_ONE_EVENT)] = ()


class LostPaymentSettled(Event, kind="avrr.reintegration.lost_payments.settled.v1"):
    """Somebody found out at bank, cash desk or office whether the money of a lost payment left."""

    event_id: UUID
    outcome: MoneyOutcome
    settled_by: StaffId
    settled_at: datetime


class LostPaymentFound(Event, kind="avrr.reintegration.lost_payments.found.v1"):
    """Somebody found by a line of the bank's that a tranche was paid of which no lost entry tells; it counts as lost, and as left.

    ``event_id`` is made of line, grant and number: a line may have paid several tranches. Where it is not said it is the line's.
    """

    line_id: UUID
    grant_id: UUID
    number: int
    found_by: StaffId
    found_at: datetime
    event_id: UUID | None = None


class LostPaymentsClearingAsked(Event, kind="avrr.reintegration.lost_payments.clearing_asked.v1"):
    """A reconciler says that of every lost payment it is known what became of it.

    ``without_statements`` are own accounts of which no statement of the lost days could be had, though nobody can say that all of
    the lost entries are known.
    """

    asked_by: StaffId
    asked_at: datetime
    without_statements: tuple[UUID, ...] = ()


class LostPaymentsCleared(Event, kind="avrr.reintegration.lost_payments.cleared.v1"):
    """An approver says the same: money may be ordered again, but for what left already."""

    cleared_by: StaffId
    cleared_at: datetime


EVENTS: Final[tuple[type[Event], ...]] = (LostPaymentsListed, LostPaymentSettled, LostPaymentFound, LostPaymentsClearingAsked, LostPaymentsCleared)
