"""A grant as it stands: request, hats, tranches and money, and the ways from one status to the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from services.reintegration.domain.amounts import NOTHING
from services.reintegration.domain.budget import Budget
from services.reintegration.domain.recovery_state import MoneyBack, ProposedBack, WriteOff
from shared.contracts.accounting import DifferenceReason, ShortReason
from shared.contracts.attempts import FailureReason, PaymentHat, PaymentMethod, ReversalReason
from shared.contracts.commitments import RateUsed
from shared.contracts.reintegration import (
    CertificateOutcome,
    CertificateRefusal,
    EvidenceKind,
    Filer,
    GrantModality,
    ReturnReason,
)
from shared.contracts.stops import RecoveryReason, SuspensionReason
from shared.contracts.visits import IdentityDocument, VisitFinding, VisitMode
from shared.files.media import MediaType
from shared.money import Money

GrantStatus = Literal[
    "draft",
    "submitted",
    "returned",
    "endorsed",
    "approved",
    "in_disbursement",
    "suspended",
    "disbursed",
    "completed",
    "rejected",
    "cancelled",
]
TrancheStatus = Literal["planned", "released", "paid", "delivered", "reconciled"]

# Requests of before drafts were submitted as they began.
BEGINNINGS: frozenset[str] = frozenset({"draft", "submitted"})
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"submitted", "cancelled"}),
    "submitted": frozenset({"returned", "endorsed", "rejected", "cancelled"}),
    "returned": frozenset({"submitted", "cancelled"}),
    "endorsed": frozenset({"submitted", "approved", "rejected", "cancelled"}),
    "approved": frozenset({"in_disbursement", "suspended", "cancelled"}),
    "in_disbursement": frozenset({"disbursed", "suspended", "cancelled"}),
    # What the bank or a cash desk paid of a suspended grant is paid all the same.
    "suspended": frozenset({"approved", "in_disbursement", "disbursed", "cancelled"}),
    # Back where a payment came back and is to be made again: where it was suspended it is so still.
    "disbursed": frozenset({"completed", "in_disbursement", "suspended"}),
    "completed": frozenset(),
    "rejected": frozenset(),
    "cancelled": frozenset(),
}
TERMINAL: frozenset[str] = frozenset(status for status, onward in TRANSITIONS.items() if not onward)

TRANCHE_TRANSITIONS: Mapping[str, frozenset[str]] = {
    "planned": frozenset({"released"}),
    # An attempt that failed, or that came back, leaves the tranche to be released anew.
    "released": frozenset({"paid", "planned"}),
    "paid": frozenset({"delivered", "planned"}),
    "delivered": frozenset({"reconciled"}),
    "reconciled": frozenset(),
}


@dataclass(frozen=True, slots=True)
class CashWitness:
    """Who saw that the cash of an attempt was handed over, on which day, and by which document they knew who took it."""

    handed_over_on: date
    identity_document: IdentityDocument
    witnessed_by: str
    witnessed_at: datetime


@dataclass(frozen=True, slots=True)
class EndAsked:
    """Who asked to end an attempt to pay that the bank never answered, and when; another person decides."""

    asked_by: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class EndedEarly:
    """Who asked to end an attempt and who confirmed it, though the bank booked it after all."""

    asked_by: str | None
    ended_by: str | None
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Visit:
    """What somebody found, on a day, of what a tranche was for."""

    tranche: int
    visited_on: date
    mode: VisitMode
    finding: VisitFinding
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class GrantTranche:
    """One instalment, and who did what for it and when; once it is released its amount never changes.

    A moment is None before the act, and where its event did not say it. ``in_fund`` is what a released one costs a fund in
    another currency, by ``rates``; None where the fund is in the grant's own. All of it is of the attempt that is due, under
    way or paid, the ``attempt_no``-th, from its release on under ``attempt_id``; those that failed or came back stand in the grant's ``former_attempts``.
    ``posted_in`` is the first day of the month in which its payment is posted, None where that is the month of ``paid_on``.
    It is paid to the account of ``payee_id`` that has this ``account_no``, by this ``method``; those of before name none of them.
    ``paid_line`` is the bank's line by which it was paid, and then nobody confirmed it; ``bank_charges`` is what that has beyond the
    payment, in its ``charges_currency`` where that is another, ``booked_short`` what it has less than was ordered. ``ended_early``: two persons had ended it before the bank booked it.
    Cash has a ``witness`` from the moment on in which somebody states that it was handed over. ``end_asked``: somebody asked to
    end the attempt since the bank never answered, and another person decides.
    ``received`` is what the delivery says, None where that is all that was paid; ``difference`` what a reconciliation found missing,
    and ``short_reason`` why less was booked.
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
    in_fund: Decimal | None = None
    rates: tuple[RateUsed, ...] = ()
    attempt_no: int = 1
    attempt_id: UUID | None = None
    posted_in: date | None = None
    payee_id: UUID | None = None
    account_no: int | None = None
    method: PaymentMethod | None = None
    paid_line: UUID | None = None
    witness: CashWitness | None = None
    received: Decimal | None = None
    difference: Decimal | None = None
    difference_reason: DifferenceReason | None = None
    end_asked: EndAsked | None = None
    bank_charges: Decimal | None = None
    booked_short: Decimal | None = None
    ended_early: EndedEarly | None = None
    charges_currency: str | None = None
    short_reason: ShortReason | None = None

    @property
    def booked(self) -> Decimal:
        """How much of it left an account, once it is paid."""
        return self.amount - (self.booked_short or NOTHING)


@dataclass(frozen=True, slots=True)
class FormerAttempt:
    """An attempt to pay a tranche that failed, or whose money came back, and who said so in which hat.

    ``ended_on`` is the day on which it failed or on which the money was back; the day of a reversal is posted in the month
    that begins with ``return_posted_in``, None where that is its own. What the bank's ``ended_line`` said nobody did, in no hat.
    What the bank never answered ``end_asked_by`` asked to end. ``kept_by_bank`` did not come back of what was booked.
    """

    tranche: int
    attempt_no: int
    attempt_id: UUID | None
    amount: Decimal
    in_fund: Decimal | None
    released_by: str | None
    released_at: datetime | None
    ended_as: PaymentHat | None
    ended_by: str | None
    ended_at: datetime
    ended_on: date
    reason: FailureReason | ReversalReason
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    reference: str | None = None
    paid_on: date | None = None
    posted_in: date | None = None
    return_posted_in: date | None = None
    payee_id: UUID | None = None
    account_no: int | None = None
    method: PaymentMethod | None = None
    paid_line: UUID | None = None
    ended_line: UUID | None = None
    witness: CashWitness | None = None
    end_asked_by: str | None = None
    bank_charges: Decimal | None = None
    booked_short: Decimal | None = None
    ended_early: EndedEarly | None = None
    charges_currency: str | None = None
    kept_by_bank: Decimal | None = None


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
class Certificate:
    """What medical staff said of the present version: that it is needed and what it may cost, or why they do not say so."""

    outcome: CertificateOutcome
    reason: CertificateRefusal | None
    price_from: Decimal | None
    price_to: Decimal | None
    attested_by: str
    attested_at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """One of the approvals that a version needs, by whose authority it was given; ``holder_id`` is theirs, or a deputy's holder."""

    level: int
    levels_needed: int
    approver_id: str
    holder_id: str
    fund_id: UUID
    approved_at: datetime


@dataclass(frozen=True, slots=True)
class Addition:
    """What an approver added to a commitment, in the fund's currency, by whose authority."""

    addition_no: int
    amount: Decimal
    adder_id: str
    holder_id: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant for one line of an agreed plan; every amount is in ``currency`` unless its name says that it is the fund's.

    ``committed`` is approved and not yet paid. In ``fund_currency``, None before the approval: ``fund_amount`` is what was
    committed by the approval, by ``fund_rates`` where that is another currency; ``fund_total`` is that with the
    ``additions``; ``fund_committed`` is not yet paid and ``fund_paid`` is, so that a fund's use is the sum of these two
    over its grants. ``payer_id`` and ``reconciler_id`` are who acted last as such; each tranche keeps its
    own. ``waiting_since`` is the moment of its last step, ``requested_at`` of its first submission or, before it, of
    the draft. ``category``, which may tell of health, is None once the person was erased.

    ``content_hash`` is of what the present version asks for, ``papers`` are the papers that stand in it; one that was
    filed after it was submitted does not. ``submitted_version`` is None as long as nothing was ever submitted, else the
    present one. It stays under the version of the policy that it was submitted under first; None is the example.
    ``budget`` is None also once the person was erased, and so is the ``certificate`` of the present version; the hash stays.
    ``suspended_for`` is why no tranche is released now, also of one that was paid in full meanwhile and of which money may come
    back; a recovery stands beside the status, since it may be opened of a grant that has ended.
    ``approvals`` are those of the present version; ``approved_version`` is what the last of them approved, and
    ``approved_before`` what was approved by one person before authority was asked for.
    ``return_reasons`` say what was missing when it was sent back, until it is revised. ``just_below_threshold``: what is
    asked for lies just below a threshold of approval, and above it with what else person or family had in twelve months.
    ``plan_version`` is the version of the plan that the present version was asked for on; None for requests of before.
    ``former_endorsers`` endorsed, and ``former_approvers`` approved, an earlier version. ``former_attempts`` to pay failed, or
    their money came back, in the order in which that became known; whoever took part in one has worn that hat.
    ``visits`` are what was found of what its tranches were for, in the order in which that was recorded.
    Of ``recovery_amount``, which is all that was ever asked back, ``recovered`` came back (``recoveries``; ``fund_recovered`` is
    its share of ``fund_paid``) and ``written_off`` is not waited for; ``write_off``, the ``write_off_no``-th, waits for a second
    person, as ``recovery_proposed``, the ``recovery_proposal_no``-th, does: money given back without a line of the bank's, which
    counts once it is confirmed. ``paid`` and ``fund_paid`` stay what was paid.
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
    suspended_at: datetime | None = None
    suspended_for: SuspensionReason | None = None
    recovery_opened_at: datetime | None = None
    recovery_for: RecoveryReason | None = None
    recovery_amount: Decimal | None = None
    committed: Decimal = NOTHING
    paid: Decimal = NOTHING
    evidence: tuple[Evidence, ...] = ()
    content_hash: str = ""
    submitted_version: int | None = None
    papers: tuple[UUID, ...] = ()
    policy_programme: str | None = None
    policy_version: int | None = None
    return_reasons: tuple[ReturnReason, ...] = ()
    appeal_told: bool | None = None
    budget: Budget | None = None
    budget_hash: str | None = None
    certificate: Certificate | None = None
    just_below_threshold: bool = False
    former_endorsers: tuple[str, ...] = ()
    former_approvers: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    approved_version: int | None = None
    approved_before: int | None = None
    plan_version: int | None = None
    fund_currency: str | None = None
    fund_amount: Decimal | None = None
    fund_total: Decimal | None = None
    fund_committed: Decimal | None = None
    fund_paid: Decimal | None = None
    fund_rates: tuple[RateUsed, ...] = ()
    additions: tuple[Addition, ...] = ()
    last_addition: int | None = None
    former_attempts: tuple[FormerAttempt, ...] = ()
    visits: tuple[Visit, ...] = ()
    recovered: Decimal = NOTHING
    fund_recovered: Decimal | None = None
    recoveries: tuple[MoneyBack, ...] = ()
    written_off: Decimal = NOTHING
    write_off: WriteOff | None = None
    write_off_no: int = 0
    write_offs: tuple[WriteOff, ...] = ()
    recovery_closed_at: datetime | None = None
    recovery_proposed: ProposedBack | None = None
    recovery_proposal_no: int = 0

    @property
    def money(self) -> Money:
        """What is asked for, or since the approval what is approved."""
        return Money(amount=self.amount, currency=self.currency)

    @property
    def booked(self) -> Decimal:
        """What of ``paid`` left an account; no more can come back."""
        return self.paid - sum((one.booked_short for one in self.tranches if one.booked_short is not None), NOTHING)

    @property
    def fund_in_another_currency(self) -> bool:
        """Whether its fund is in another currency, so that what it costs moves with the rates."""
        return self.fund_currency not in (None, self.currency)

    @property
    def recovery_is_open(self) -> bool:
        """Whether money of it is asked back and still waited for."""
        return self.recovery_opened_at is not None and self.recovery_closed_at is None

    @property
    def still_asked_back(self) -> Decimal:
        """What is asked back and has neither come back nor been written off."""
        return (self.recovery_amount or NOTHING) - self.recovered - self.written_off

    def tranche(self, number: int) -> GrantTranche | None:
        """The tranche with this number."""
        return next((tranche for tranche in self.tranches if tranche.number == number), None)

    def tranches_in(self, *statuses: TrancheStatus) -> tuple[GrantTranche, ...]:
        """The tranches that stand at one of these, in their order."""
        return tuple(tranche for tranche in self.tranches if tranche.status in statuses)

    def money_of(self, tranche: GrantTranche) -> Money:
        """A tranche's amount in the grant's currency."""
        return Money(amount=tranche.amount, currency=self.currency)
