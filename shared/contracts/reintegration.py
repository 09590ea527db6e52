"""The events of reintegration that other services and auditors rely on; fields are only ever added."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts import (
    attempts,
    bank,
    batches,
    commitments,
    lost_payments,
    noted_cases,
    own_accounts,
    spot_checks,
    surveys,
    visits,
    vouchers,
)
from shared.contracts.accounting import SaysWhatDiffers, SaysWhatWasReceived
from shared.contracts.approvals import EVENTS as APPROVALS
from shared.contracts.authority import EVENTS as AUTHORITY
from shared.contracts.counselling import Country
from shared.contracts.erasure import Deleted, Erased
from shared.contracts.funds import EVENTS as FUNDS
from shared.contracts.paid_although import SaysWhatStoodAgainst
from shared.contracts.payees import EVENTS as PAYEES
from shared.contracts.periods import EVENTS as PERIODS
from shared.contracts.plans import EVENTS as PLANS
from shared.contracts.rates import EVENTS as RATES
from shared.contracts.relatives import EVENTS as RELATIVES
from shared.contracts.sanctions import EVENTS as SANCTIONS
from shared.contracts.stops import EVENTS as STOPS
from shared.files.media import MediaType
from shared.messages import Concealed, Event, Part
from shared.money import Money

GrantCategory = Literal[
    "business", "housing", "medical", "education", "training", "employment", "psychosocial", "childcare", "basic_needs",
    "documentation", "other",
]
GrantModality = Literal["in_kind_vendor", "in_kind_goods", "service", "cash_instalment", "voucher", "cash_for_work"]
ReturnReason = Literal["quotation_missing", "amount_unclear", "not_in_plan", "provider_unclear", "paper_missing"]
RejectReason = Literal["not_feasible", "beyond_cap", "not_in_plan", "double_support"]
CancelReason = Literal["not_needed", "lost_contact", "re_migrated", "entered_in_error"]
EvidenceKind = Literal[
    "receipt", "invoice", "quotation", "lease", "business_plan", "justification", "handover_certificate", "photo", "prescription",
    "estimate", "medical_report", "medical_certificate", "other",
]
BudgetItem = Literal[
    "goods", "equipment", "stock", "rent", "building_materials", "furniture", "tuition", "wages", "transport", "permits",
    "food_and_clothing", "childcare", "treatment", "medication", "medical_aid", "counselling", "other",
]
CertificateOutcome = Literal["certified", "refused"]
CertificateRefusal = Literal["need_not_shown", "papers_not_sufficient", "price_not_shown", "other_treatment_fits"]
Filer = Literal["receiving_office", "counsellor"]
# What a need is for, and which papers, tell of somebody's health: the second what they suffer from.
CATEGORIES_OF_HEALTH: frozenset[str] = frozenset({"medical", "psychosocial"})
PAPERS_OF_HEALTH: frozenset[str] = frozenset({"prescription", "estimate", "medical_report", "medical_certificate"})
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,40}$")]


class Tranche(Part):
    """One instalment of a grant."""

    number: int
    money: Money


class GrantRequested(Event, kind="avrr.reintegration.grant.requested.v1"):
    """A grant for one line of an agreed plan was asked for."""

    case_id: UUID
    person_id: UUID
    plan_id: UUID
    plan_line_id: UUID
    category: Concealed
    modality: GrantModality
    money: Money
    tranches: tuple[Tranche, ...]
    requested_by: str
    counsellor_id: str
    destination_country: Country
    requested_at: datetime


class GrantDrafted(Event, kind="avrr.reintegration.grant.drafted.v1"):
    """A request was written down and is kept until it is complete; nobody decides on it before it is submitted.

    What its budget is for may tell of health, so that it is concealed; its hash is of a text with a random part.
    ``plan_version`` is the version of the plan that it was written on; requests of before do not say it.
    """

    case_id: UUID
    person_id: UUID
    plan_id: UUID
    plan_line_id: UUID
    category: Concealed
    modality: GrantModality
    money: Money
    tranches: tuple[Tranche, ...]
    drafted_by: str
    counsellor_id: str
    destination_country: Country
    drafted_at: datetime
    budget: Concealed | None = None
    budget_hash: Sha256 | None = None
    plan_version: int | None = None


class GrantSubmitted(Event, kind="avrr.reintegration.grant.submitted.v1"):
    """The draft was handed in as the version whose content has this hash.

    It stays under the version of the funding policy that it was submitted under; None is the example of the system.
    ``just_below_threshold``: it asks for just less than a threshold, which it passes with what else person or family had.
    """

    case_id: UUID
    request_version: int
    content_hash: Sha256
    policy_programme: Code | None
    policy_version: int | None
    submitted_at: datetime
    just_below_threshold: bool = False


class GrantRevised(Event, kind="avrr.reintegration.grant.revised.v1"):
    """The request was changed on this version of the plan: a draft stays one, else everybody decides on a new version."""

    request_version: int
    content_hash: Sha256
    modality: GrantModality
    money: Money
    tranches: tuple[Tranche, ...]
    revised_at: datetime
    budget: Concealed | None = None
    budget_hash: Sha256 | None = None
    just_below_threshold: bool = False
    plan_version: int | None = None


class GrantAttested(Event, kind="avrr.reintegration.grant.attested.v1"):
    """Somebody whose word a request needs gave or refused it for this version; what they said is concealed."""

    request_version: int
    content_hash: Sha256
    attestation: Concealed
    attested_by: str
    attested_at: datetime


class GrantReturned(Event, kind="avrr.reintegration.grant.returned.v1"):
    """The request went back to its author; ``reason`` is the first of ``reasons``, which older facts do not have."""

    reason: ReturnReason
    returned_by: str
    returned_at: datetime | None = None
    reasons: tuple[ReturnReason, ...] = ()
    request_version: int | None = None


class GrantResubmitted(Event, kind="avrr.reintegration.grant.resubmitted.v1"):
    """A corrected request, a new version: earlier endorsements do not carry over."""

    request_version: int
    modality: GrantModality
    money: Money
    tranches: tuple[Tranche, ...]
    resubmitted_at: datetime | None = None


class GrantEndorsed(Event, kind="avrr.reintegration.grant.endorsed.v1"):
    """The programme finds the request in line with the plan and feasible."""

    endorsed_by: str
    request_version: int
    endorsed_at: datetime | None = None
    content_hash: Sha256 | None = None


class GrantApproved(Event, kind="avrr.reintegration.grant.approved.v1"):
    """Finance committed the money of one fund to this request, ``in_fund`` of one in another currency, by ``rates``."""

    case_id: UUID
    fund_id: UUID
    money: Money
    approved_by: str
    approved_at: datetime
    request_version: int
    content_hash: Sha256 | None = None
    in_fund: Money | None = None
    rates: tuple[commitments.RateUsed, ...] = ()


class GrantRejected(Event, kind="avrr.reintegration.grant.rejected.v1"):
    """The request was refused; ``appeal_told``: whether the person was told how to appeal."""

    case_id: UUID
    reason: RejectReason
    rejected_by: str
    rejected_at: datetime | None = None
    appeal_told: bool | None = None
    request_version: int | None = None


class GrantCancelled(Event, kind="avrr.reintegration.grant.cancelled.v1"):
    """The grant will not go on; what was committed and not spent is free again, ``in_fund`` of a fund in another currency."""

    case_id: UUID
    reason: CancelReason
    released: Money
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None
    in_fund: Money | None = None


class TrancheReleased(attempts.PaidToPayee, kind="avrr.reintegration.grant.tranche_released.v1"):
    """A payer ordered the payment of one tranche, which is another attempt each time; its cost is fixed, ``in_fund`` in another currency."""

    number: int
    money: Money
    released_by: str
    released_at: datetime | None = None
    in_fund: Money | None = None
    rates: tuple[commitments.RateUsed, ...] = ()
    attempt_no: int = 1
    attempt_id: UUID | None = None


class PaymentConfirmed(attempts.BookedOtherwise, SaysWhatStoodAgainst, kind="avrr.reintegration.grant.payment_confirmed.v1"):
    """A tranche is paid under a reference used once; ``not_needed`` is free, ``posted_in`` begins its month if its own was closed."""

    case_id: UUID
    number: int
    money: Money
    reference: Code
    paid_on: date
    confirmed_by: str
    confirmed_at: datetime | None = None
    in_fund: Money | None = None
    not_needed: Money | None = None
    attempt_no: int = 1
    posted_in: date | None = None


class GrantDisbursed(Event, kind="avrr.reintegration.grant.disbursed.v1"):
    """Every tranche of the grant is paid."""

    case_id: UUID


class DeliveryConfirmed(SaysWhatWasReceived, kind="avrr.reintegration.grant.delivery_confirmed.v1"):
    """The receiving office saw that the returnee received what one tranche paid for, or so much of it."""

    number: int
    confirmed_by: str
    confirmed_at: datetime | None = None


class TrancheReconciled(SaysWhatDiffers, kind="avrr.reintegration.grant.tranche_reconciled.v1"):
    """Approval, payment and receipt of one tranche agree, or it is said why they differ."""

    number: int
    reconciled_by: str
    reconciled_at: datetime | None = None


class EvidenceFiled(Event, kind="avrr.reintegration.grant.evidence_filed.v1"):
    """A receipt or another paper of the grant was filed; ``sha256`` is of the file as it is kept, without what it told
    besides its content. A lease or a business plan tells what a grant is for, so the kind is concealed.
    """

    evidence_id: UUID
    evidence_kind: Concealed
    media_type: MediaType
    size: int
    sha256: Sha256
    tranche: int | None
    filed_by: str
    filed_as: Filer
    filed_at: datetime


class GrantCompleted(Event, kind="avrr.reintegration.grant.completed.v1"):
    """Every tranche is reconciled; nothing remains to be done."""

    case_id: UUID


class PersonErased(Erased, kind="avrr.reintegration.person.erased.v1"):
    """Reintegration has nothing personal of this person any more, but for what it says is kept."""


class KeptPapersEnded(Event, kind="avrr.reintegration.person.kept_papers_ended.v1"):
    """Of somebody erased the receipts of paid money were deleted too, with their keys; ``kept_until`` was their last day."""

    grant_ids: tuple[UUID, ...]
    deleted: tuple[Deleted, ...]
    kept_until: date
    ended_on: date


MOST_PAPERS = 28  # Enough for two papers of each category and a few more.
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]


class RequiredPaper(Part):
    """A paper that a request of this category has to come with."""

    category: GrantCategory
    evidence_kind: EvidenceKind


class PolicyPublished(visits.AsksBeforeNextTranche, visits.AsksBeforeReconciling, kind="avrr.reintegration.funding_policy.published.v1"):
    """What a funding programme asks for in its newest version; no version is ever changed.

    Caps are of twelve months. A grant of at most ``one_approver_up_to`` needs one approval, of at most
    ``two_approvers_up_to`` two, and above that the chief of mission's as well. Above ``quotations_above`` three
    quotations are compared. ``own_contribution_percent`` of what is planned the person brings at least.
    """

    programme: Code
    policy_version: int
    cap_per_person: Money
    cap_per_family: Money
    one_approver_up_to: Money
    two_approvers_up_to: Money
    quotations_above: Money
    own_contribution_percent: Percent
    required_papers: tuple[RequiredPaper, ...]
    published_by: str
    published_at: datetime


EVENTS: tuple[type[Event], ...] = (
    *noted_cases.EVENTS, *RELATIVES, *PLANS, *FUNDS, *PERIODS, *PAYEES, *SANCTIONS, *own_accounts.EVENTS, *batches.EVENTS,
    GrantRequested, GrantDrafted, GrantSubmitted, GrantRevised, GrantReturned, GrantAttested, GrantResubmitted, GrantEndorsed, GrantApproved, GrantRejected, GrantCancelled, TrancheReleased, PaymentConfirmed, GrantDisbursed, DeliveryConfirmed, TrancheReconciled, EvidenceFiled, GrantCompleted, PersonErased, KeptPapersEnded, *STOPS, *RATES, *AUTHORITY, *APPROVALS, *commitments.EVENTS, *attempts.EVENTS, *visits.EVENTS, *bank.EVENTS, *surveys.EVENTS, *spot_checks.EVENTS, *vouchers.EVENTS, *lost_payments.EVENTS, PolicyPublished,
)
