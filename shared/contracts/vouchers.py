"""The events of reintegration about sealed vouchers: what an auditor asked for, what was drawn, and who opened it to them."""

from datetime import date, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.counselling import Country, Sha256, StaffId
from shared.messages import Event, Part

# Each grant of a sample is looked at whenever one of it is ordered, and read by one person.
MOST_DRAWN: Final = 50
Size = Annotated[int, Field(strict=True, ge=1, le=MOST_DRAWN)]
AuditorsSeed = Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$", description="16 to 64 hexadecimal digits of the auditor's own")]
Counterseed = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="32 bytes in hex, from the system's randomness")]


class DrawnGrant(Part):
    """A grant of the sample, and the country in which it is given."""

    grant_id: UUID
    country: Country


class VouchersAsked(Event, kind="avrr.reintegration.voucher_sample.asked.v1"):
    """An auditor asks for the vouchers behind some of the grants of which money was paid on these days, both counted.

    By both seeds, which stand here before anything is drawn, nobody alone chooses what will be.
    """

    from_day: date
    to_day: date
    size: Size
    seed: AuditorsSeed
    counterseed: Counterseed
    asked_by: StaffId
    asked_at: datetime


class VouchersDrawn(Event, kind="avrr.reintegration.voucher_sample.drawn.v1"):
    """Which grants are the sample: those of which SHA-256 of ``<seed>:<counterseed>:<grant_id>`` is smallest, in the order of that.

    ``population`` is of how many grants money was paid on these days by what the first ``log_size`` entries of this log say: what
    is recorded behind them, be it before this event, counts for nothing here. Where it is not told, all before this event count.
    ``population_hash`` is the SHA-256 of their ids in order, one a line without an end of the last.
    """

    population: Annotated[int, Field(ge=1)]
    population_hash: Sha256
    log_size: Annotated[int, Field(ge=1)] | None = None
    drawn: tuple[DrawnGrant, ...]
    drawn_at: datetime


class VouchersOffered(Event, kind="avrr.reintegration.voucher_sample.offered.v1"):
    """The first of two agrees that the auditor reads the vouchers of the sample."""

    offered_by: StaffId
    offered_at: datetime


class VouchersReleased(Event, kind="avrr.reintegration.voucher_sample.released.v1"):
    """The second of two agrees: until ``ends_at`` this auditor, and nobody else by it, opens the vouchers of the sample."""

    auditor_id: StaffId
    released_by: StaffId
    released_at: datetime
    ends_at: datetime


class VouchersWithdrawn(Event, kind="avrr.reintegration.voucher_sample.withdrawn.v1"):
    """An offer is taken back, or a release ended before its time; from then on nothing of the sample is opened."""

    was: Literal["offered", "released"]
    withdrawn_by: StaffId
    withdrawn_at: datetime


EVENTS: tuple[type[Event], ...] = (VouchersAsked, VouchersDrawn, VouchersOffered, VouchersReleased, VouchersWithdrawn)
