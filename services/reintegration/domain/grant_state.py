"""A grant as it stands: request, hats, tranches and money, and how each fact changes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, cast
from uuid import UUID

from services.reintegration.domain.amounts import NOTHING
from shared.contracts.reintegration import (
    DeliveryConfirmed,
    EvidenceFiled,
    EvidenceKind,
    Filer,
    GrantApproved,
    GrantCancelled,
    GrantCompleted,
    GrantDisbursed,
    GrantEndorsed,
    GrantModality,
    GrantRejected,
    GrantRequested,
    GrantResubmitted,
    GrantReturned,
    PaymentConfirmed,
    Tranche,
    TrancheReconciled,
    TrancheReleased,
)
from shared.files.media import MediaType
from shared.messages import Event
from shared.money import Money
from shared.transitions import moved

GrantStatus = Literal[
    "submitted",
    "returned",
    "endorsed",
    "approved",
    "in_disbursement",
    "disbursed",
    "completed",
    "rejected",
    "cancelled",
]
TrancheStatus = Literal["planned", "released", "paid", "delivered", "reconciled"]

BEGINNINGS: frozenset[str] = frozenset({"submitted"})
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "submitted": frozenset({"returned", "endorsed", "rejected", "cancelled"}),
    "returned": frozenset({"submitted", "cancelled"}),
    "endorsed": frozenset({"approved", "rejected", "cancelled"}),
    "approved": frozenset({"in_disbursement", "cancelled"}),
    "in_disbursement": frozenset({"disbursed", "cancelled"}),
    "disbursed": frozenset({"completed"}),
    "completed": frozenset(),
    "rejected": frozenset(),
    "cancelled": frozenset(),
}
TERMINAL: frozenset[str] = frozenset(status for status, onward in TRANSITIONS.items() if not onward)

TRANCHE_TRANSITIONS: Mapping[str, frozenset[str]] = {
    "planned": frozenset({"released"}),
    "released": frozenset({"paid"}),
    "paid": frozenset({"delivered"}),
    "delivered": frozenset({"reconciled"}),
    "reconciled": frozenset(),
}


@dataclass(frozen=True, slots=True)
class GrantTranche:
    """One instalment, and who did what for it and when; once it is released its amount never changes.

    A moment is None before the act, and where its event did not say it.
    """

    number: int
    amount: Decimal
    status: TrancheStatus = "planned"
    released_by: str | None = None
    released_at: datetime | None = None
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    reference: str | None = None
    paid_on: date | None = None
    delivered_by: str | None = None
    delivered_at: datetime | None = None
    reconciled_by: str | None = None
    reconciled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A receipt or another paper of a grant: what it is, not what it holds; ``size`` is in bytes.

    Of who was erased ``kind`` is None, unless the paper is kept because money was paid, and then once its time is over.
    """

    evidence_id: UUID
    kind: EvidenceKind | None
    media_type: MediaType
    size: int
    sha256: str
    tranche: int | None
    filed_by: str
    filed_as: Filer
    filed_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant for one line of an agreed plan; every amount is in ``currency``.

    ``committed`` is approved and not yet paid, so that a fund's use is the sum of ``committed`` and ``paid``
    over its grants. ``payer_id`` and ``reconciler_id`` are who acted last as such; each tranche keeps its
    own. ``waiting_since`` is the moment of its last step. ``category``, which may tell of health, is None once
    the person was erased.
    """

    case_id: UUID
    person_id: UUID
    plan_id: UUID
    plan_line_id: UUID
    category: str | None
    modality: GrantModality
    destination_country: str
    counsellor_id: str
    requester_id: str
    requested_at: datetime
    waiting_since: datetime
    amount: Decimal
    currency: str
    tranches: tuple[GrantTranche, ...]
    status: GrantStatus = "submitted"
    request_version: int = 1
    endorser_id: str | None = None
    endorsed_at: datetime | None = None
    approver_id: str | None = None
    payer_id: str | None = None
    reconciler_id: str | None = None
    fund_id: UUID | None = None
    approved_at: datetime | None = None
    committed: Decimal = NOTHING
    paid: Decimal = NOTHING
    evidence: tuple[Evidence, ...] = ()

    @property
    def money(self) -> Money:
        """What is asked for, or since the approval what is approved."""
        return Money(amount=self.amount, currency=self.currency)

    def tranche(self, number: int) -> GrantTranche | None:
        """The tranche with this number."""
        return next((tranche for tranche in self.tranches if tranche.number == number), None)

    def tranches_in(self, *statuses: TrancheStatus) -> tuple[GrantTranche, ...]:
        """The tranches that stand at one of these, in their order."""
        return tuple(tranche for tranche in self.tranches if tranche.status in statuses)

    @property
    def accounted_for(self) -> bool:
        """Whether the grant has ended and everything that was paid on it is reconciled."""
        return self.status in TERMINAL and not self.tranches_in("paid", "delivered")

    def money_of(self, tranche: GrantTranche) -> Money:
        """A tranche's amount in the grant's currency."""
        return Money(amount=tranche.amount, currency=self.currency)


def evolve(state: Grant | None, event: Event) -> Grant:
    """The grant after one of its events; TypeError for an event that is not one of its own."""
    if isinstance(event, GrantRequested):
        return _requested(event)
    if state is None:
        raise TypeError(f"a grant cannot begin with {type(event).__name__}")
    match event:
        case GrantReturned():
            return _to(state, "returned", event.returned_at)
        case GrantResubmitted():
            return replace(
                _to(state, "submitted", event.resubmitted_at),
                request_version=event.request_version,
                modality=event.modality,
                amount=event.money.amount,
                currency=event.money.currency,
                tranches=_planned(event.tranches),
                endorser_id=None,
                endorsed_at=None,
            )
        case GrantEndorsed():
            return replace(
                _to(state, "endorsed", event.endorsed_at),
                endorser_id=event.endorsed_by,
                endorsed_at=event.endorsed_at,
            )
        case GrantApproved():
            return replace(
                _to(state, "approved", event.approved_at),
                approver_id=event.approved_by,
                approved_at=event.approved_at,
                fund_id=event.fund_id,
                committed=event.money.amount,
            )
        case GrantRejected():
            return _to(state, "rejected", event.rejected_at)
        case GrantCancelled():
            return replace(
                _to(state, "cancelled", event.cancelled_at), committed=state.committed - event.released.amount
            )
        case TrancheReleased():
            underway = state if state.status == "in_disbursement" else _to(state, "in_disbursement", None)
            tranche = replace(
                _advanced(state, event.number, "released"),
                released_by=event.released_by,
                released_at=event.released_at,
            )
            return replace(_with(underway, tranche, event.released_at), payer_id=event.released_by)
        case PaymentConfirmed():
            tranche = replace(
                _advanced(state, event.number, "paid"),
                confirmed_by=event.confirmed_by,
                confirmed_at=event.confirmed_at,
                reference=event.reference,
                paid_on=event.paid_on,
            )
            return replace(
                _with(state, tranche, event.confirmed_at),
                payer_id=event.confirmed_by,
                committed=state.committed - event.money.amount,
                paid=state.paid + event.money.amount,
            )
        case GrantDisbursed():
            return _to(state, "disbursed", None)
        case DeliveryConfirmed():
            tranche = replace(
                _advanced(state, event.number, "delivered"),
                delivered_by=event.confirmed_by,
                delivered_at=event.confirmed_at,
            )
            return _with(state, tranche, event.confirmed_at)
        case TrancheReconciled():
            tranche = replace(
                _advanced(state, event.number, "reconciled"),
                reconciled_by=event.reconciled_by,
                reconciled_at=event.reconciled_at,
            )
            return replace(_with(state, tranche, event.reconciled_at), reconciler_id=event.reconciled_by)
        case EvidenceFiled():
            return replace(state, evidence=(*state.evidence, _filed(event)))
        case GrantCompleted():
            return _to(state, "completed", None)
        case _:
            raise TypeError(f"{type(event).__name__} is not an event of a grant")


def _requested(event: GrantRequested) -> Grant:
    return Grant(
        case_id=event.case_id,
        person_id=event.person_id,
        plan_id=event.plan_id,
        plan_line_id=event.plan_line_id,
        category=event.category.value,
        modality=event.modality,
        destination_country=event.destination_country,
        counsellor_id=event.counsellor_id,
        requester_id=event.requested_by,
        requested_at=event.requested_at,
        waiting_since=event.requested_at,
        amount=event.money.amount,
        currency=event.money.currency,
        tranches=_planned(event.tranches),
    )


def _filed(event: EvidenceFiled) -> Evidence:
    return Evidence(
        evidence_id=event.evidence_id,
        kind=cast("EvidenceKind | None", event.evidence_kind.value),
        media_type=event.media_type,
        size=event.size,
        sha256=event.sha256,
        tranche=event.tranche,
        filed_by=event.filed_by,
        filed_as=event.filed_as,
        filed_at=event.filed_at,
    )


def _planned(tranches: Sequence[Tranche]) -> tuple[GrantTranche, ...]:
    return tuple(GrantTranche(tranche.number, tranche.money.amount) for tranche in tranches)


def _to(state: Grant, status: GrantStatus, at: datetime | None) -> Grant:
    # A step whose event does not say when it was keeps the moment of the last one that did.
    return replace(
        state, status=moved(TRANSITIONS, state.status, status), waiting_since=at or state.waiting_since
    )


def _advanced(state: Grant, number: int, status: TrancheStatus) -> GrantTranche:
    tranche = state.tranche(number)
    if tranche is None:
        raise LookupError("an event names a tranche that its grant does not have")
    return replace(tranche, status=moved(TRANCHE_TRANSITIONS, tranche.status, status))


def _with(state: Grant, changed: GrantTranche, at: datetime | None) -> Grant:
    tranches = tuple(changed if tranche.number == changed.number else tranche for tranche in state.tranches)
    return replace(state, tranches=tranches, waiting_since=at or state.waiting_since)
