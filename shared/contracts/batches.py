"""The events of reintegration about what goes to the bank together; no event names anybody or tells an account."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.counselling import StaffId
from shared.messages import Concealed, Event
from shared.money import Money

BatchDropReason = Literal["entered_in_error", "not_needed", "refused_by_bank", "never_sent"]
# As many ids as one entry of the log has room for, with room to spare.
MOST_IN_ONE_EVENT = 500


class BatchMade(Event, kind="avrr.reintegration.payment_batch.made.v1"):
    """Somebody put attempts to pay together for one account and one day; nothing goes before another one approved it.

    ``sums`` are by currency, ``block_sums`` by block of the file, which a bank may book as one. The hash of the file that would be sent is concealed: of a file with one payment the account could
    be guessed.
    """

    own_account_id: UUID
    execution_on: date
    count: Annotated[int, Field(ge=1)]
    sums: tuple[Money, ...]
    file_sha256: Concealed
    made_by: StaffId
    made_at: datetime
    block_sums: tuple[Money, ...] = ()


class PaymentsBatched(Event, kind="avrr.reintegration.payment_batch.payments_put_in.v1"):
    """These attempts stand in the batch, in this order, after those of an event before."""

    attempts: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MOST_IN_ONE_EVENT)]


class BatchApproved(Event, kind="avrr.reintegration.payment_batch.approved.v1"):
    """The second signature, over the number of payments, their sums and the hash of the file: it can be taken to the bank."""

    count: Annotated[int, Field(ge=1)]
    sums: tuple[Money, ...]
    file_sha256: Concealed
    approved_by: StaffId
    approved_at: datetime


class BatchHandedOut(Event, kind="avrr.reintegration.payment_batch.handed_out.v1"):
    """The file was taken for the first time: from now on the bank may have it."""

    handed_out_to: StaffId
    handed_out_at: datetime


class BatchFileTakenAgain(Event, kind="avrr.reintegration.payment_batch.file_taken_again.v1"):
    """The file was taken once more, by whoever it was: what the bank has twice it may pay twice, so auditors look at it."""

    taken_by: StaffId
    taken_at: datetime


class BatchDropAsked(Event, kind="avrr.reintegration.payment_batch.drop_asked.v1"):
    """Somebody states that the bank never had the file, or refused it whole; it waits for a second person."""

    reason: BatchDropReason
    asked_by: StaffId
    asked_at: datetime


class BatchKept(Event, kind="avrr.reintegration.payment_batch.kept.v1"):
    """What was asked is taken back or declined: the batch stands."""

    kept_by: StaffId
    kept_at: datetime


class BatchDropped(Event, kind="avrr.reintegration.payment_batch.dropped.v1"):
    """The batch never goes; its payments wait for another one. ``asked_by`` is who stated it first, where the file was taken."""

    reason: BatchDropReason
    asked_by: StaffId | None
    dropped_by: StaffId
    dropped_at: datetime


EVENTS: tuple[type[Event], ...] = (
    BatchMade, PaymentsBatched, BatchApproved, BatchHandedOut, BatchFileTakenAgain, BatchDropAsked, BatchKept, BatchDropped,
)  # fmt: skip
