"""A payment batch as it stands: what goes to the bank together, who signed, and how facts change it. Decision 58."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from shared.contracts.batches import (
    BatchApproved,
    BatchDropAsked,
    BatchDropped,
    BatchDropReason,
    BatchFileTakenAgain,
    BatchHandedOut,
    BatchKept,
    BatchMade,
    PaymentsBatched,
)
from shared.messages import Event
from shared.money import Money
from shared.transitions import moved

BatchStatus = Literal["made", "approved", "sent", "dropped"]
BEGINNINGS: Final[frozenset[str]] = frozenset({"made"})
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "made": frozenset({"approved", "dropped"}), "approved": frozenset({"sent", "dropped"}), "sent": frozenset({"dropped"}),
    "dropped": frozenset(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PaymentBatch:
    """Attempts to pay that go to the bank in one file, from one account, on one day.

    ``count`` and ``sums``, by currency, are the control totals, ``block_sums`` what each block of the file orders together. ``sent_by`` took the file first, ``takers`` are all who took it,
    and ``times_taken`` says how often; what the bank did with each payment its attempt says. ``drop_asked_by`` states that the bank never had the file, which waits for a second person.
    """

    own_account_id: UUID
    execution_on: date
    count: int
    sums: tuple[Money, ...]
    file_sha256: str
    made_by: str
    made_at: datetime
    attempts: tuple[UUID, ...] = ()
    status: BatchStatus = "made"
    approved_by: str | None = None
    approved_at: datetime | None = None
    sent_by: str | None = None
    sent_at: datetime | None = None
    drop_reason: BatchDropReason | None = None
    drop_asked_by: str | None = None
    drop_asked_at: datetime | None = None
    dropped_by: str | None = None
    dropped_at: datetime | None = None
    takers: tuple[str, ...] = ()
    times_taken: int = 0
    block_sums: tuple[Money, ...] = ()


def evolve(state: PaymentBatch | None, event: Event) -> PaymentBatch:
    """The batch after one fact; TypeError for one that does not fit, `IllegalTransition` for a move that is not declared."""
    match event:
        case BatchMade() if state is None:
            return PaymentBatch(
                event.own_account_id, event.execution_on, event.count, event.sums, event.file_sha256.clear(), event.made_by,
                event.made_at, block_sums=event.block_sums,
            )  # fmt: skip
        case PaymentsBatched() if state is not None:
            return replace(state, attempts=(*state.attempts, *event.attempts))
        case BatchApproved() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "approved"), approved_by=event.approved_by,
                approved_at=event.approved_at,
            )  # fmt: skip
        case BatchHandedOut() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "sent"), sent_by=event.handed_out_to, sent_at=event.handed_out_at,
                takers=(event.handed_out_to,), times_taken=1,
            )  # fmt: skip
        case BatchFileTakenAgain() if state is not None:
            takers = state.takers if event.taken_by in state.takers else (*state.takers, event.taken_by)
            return replace(state, takers=takers, times_taken=state.times_taken + 1)
        case BatchDropAsked() if state is not None:
            return replace(state, drop_reason=event.reason, drop_asked_by=event.asked_by, drop_asked_at=event.asked_at)
        case BatchKept() if state is not None:
            return replace(state, drop_reason=None, drop_asked_by=None, drop_asked_at=None)
        case BatchDropped() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "dropped"), drop_reason=event.reason, dropped_by=event.dropped_by,
                dropped_at=event.dropped_at,
            )  # fmt: skip
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a batch here")
