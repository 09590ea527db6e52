"""How each fact changes a grant."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from services.reintegration.domain.amounts import NOTHING
from services.reintegration.domain.budget import budget_in
from services.reintegration.domain.grant_content import content_hash
from services.reintegration.domain.grant_seen import seen
from services.reintegration.domain.grant_state import (
    TRANSITIONS,
    Addition,
    Approval,
    Certificate,
    Evidence,
    Grant,
    GrantStatus,
    GrantTranche,
)
from services.reintegration.domain.recovery_evolve import asked_back
from services.reintegration.domain.tranche_evolve import (
    advanced,
    answered_late,
    charged_in,
    failed,
    may_end,
    reversed_,
    with_tranche,
)
from shared.contracts.approvals import ApprovalGiven
from shared.contracts.attempts import (
    DisbursementUndone,
    PaymentAnsweredLate,
    PaymentEndAsked,
    PaymentFailed,
    PaymentKeptOpen,
    PaymentReversed,
)
from shared.contracts.commitments import CommitmentAdded
from shared.contracts.reintegration import (
    DeliveryConfirmed,
    EvidenceFiled,
    EvidenceKind,
    GrantApproved,
    GrantAttested,
    GrantCancelled,
    GrantCompleted,
    GrantDisbursed,
    GrantDrafted,
    GrantEndorsed,
    GrantModality,
    GrantRejected,
    GrantRequested,
    GrantResubmitted,
    GrantReturned,
    GrantRevised,
    GrantSubmitted,
    PaymentConfirmed,
    Tranche,
    TrancheReconciled,
    TrancheReleased,
)
from shared.contracts.stops import GrantResumed, GrantSuspended
from shared.contracts.visits import CashWitnessed, VisitRecorded
from shared.messages import Concealed, Event
from shared.money import Money
from shared.transitions import moved


def evolve(state: Grant | None, event: Event) -> Grant:
    """The grant after one of its events; TypeError for an event that is not one of its own."""
    if isinstance(event, GrantDrafted | GrantRequested):
        return _asked(event)
    if state is None:
        raise TypeError(f"a grant cannot begin with {type(event).__name__}")
    match event:
        case GrantSubmitted():
            return replace(
                _to(state, "submitted", event.submitted_at),
                requested_at=event.submitted_at,
                content_hash=event.content_hash,
                submitted_version=event.request_version,
                policy_programme=event.policy_programme,
                policy_version=event.policy_version,
                just_below_threshold=event.just_below_threshold,
            )
        case GrantReturned():
            return replace(_to(state, "returned", event.returned_at), return_reasons=event.reasons)
        case GrantRevised():
            asked = replace(
                asking(
                    state, event.modality, event.money, event.tranches, event.budget, event.budget_hash, event.plan_version
                ),
                request_version=event.request_version,
                content_hash=event.content_hash,
                just_below_threshold=event.just_below_threshold,
            )
            if state.status == "draft":
                return replace(asked, waiting_since=event.revised_at)
            return _submitted_anew(asked, event.revised_at)
        case GrantResubmitted():
            # Requests of before named no papers, and their papers are no part of what was signed.
            asked = replace(
                asking(state, event.modality, event.money, event.tranches), request_version=event.request_version, papers=()
            )
            return _submitted_anew(replace(asked, content_hash=content_hash(asked)), event.resubmitted_at)
        case GrantAttested():
            return replace(state, certificate=_certificate(event))
        case GrantEndorsed():
            return replace(
                _to(state, "endorsed", event.endorsed_at),
                endorser_id=event.endorsed_by,
                endorsed_at=event.endorsed_at,
            )
        case ApprovalGiven():
            given = Approval(
                event.level, event.levels_needed, event.approved_by, event.authority_holder, event.fund_id, event.approved_at
            )
            return replace(state, approvals=(*state.approvals, given), waiting_since=event.approved_at)
        case GrantApproved():
            return replace(
                _to(state, "approved", event.approved_at),
                approver_id=event.approved_by,
                approved_at=event.approved_at,
                fund_id=event.fund_id,
                committed=event.money.amount,
                approved_version=event.request_version if state.approvals else None,
                approved_before=None if state.approvals else event.request_version,
                fund_rates=event.rates,
                **_committed(event.in_fund or event.money),
            )
        case GrantRejected():
            return replace(_to(state, "rejected", event.rejected_at), appeal_told=event.appeal_told)
        case GrantCancelled():
            freed = event.in_fund or event.released
            return replace(
                _going_on(_to(state, "cancelled", event.cancelled_at)), committed=state.committed - event.released.amount,
                fund_committed=None if state.fund_committed is None else state.fund_committed - freed.amount,
            )  # fmt: skip
        case TrancheReleased():
            # Of before, what came back let a suspended grant go on, so that a release may follow.
            underway = state if state.status == "in_disbursement" else _going_on(_to(state, "in_disbursement", None))
            tranche = replace(
                advanced(state, event.number, "released"),
                released_by=event.released_by,
                released_at=event.released_at,
                in_fund=None if event.in_fund is None else event.in_fund.amount,
                rates=event.rates,
                attempt_no=event.attempt_no,
                attempt_id=event.attempt_id,
                payee_id=event.payee_id,
                account_no=event.account_no,
                method=event.method,
            )
            return replace(with_tranche(underway, tranche, event.released_at), payer_id=event.released_by)
        case PaymentConfirmed():
            tranche = replace(
                advanced(state, event.number, "paid"),
                confirmed_by=None if event.bank_line is not None else event.confirmed_by,
                confirmed_at=event.confirmed_at,
                reference=event.reference,
                paid_on=event.paid_on,
                posted_in=event.posted_in,
                paid_line=event.bank_line,
                end_asked=None,
                bank_charges=None if event.bank_charges is None else event.bank_charges.amount,
                charges_currency=charged_in(state, event.bank_charges),
                booked_short=None if event.booked_short is None else event.booked_short.amount,
            )
            cost = (event.in_fund or event.money).amount
            no_more = cost if event.not_needed is None else cost + event.not_needed.amount
            return replace(
                with_tranche(state, tranche, event.confirmed_at),
                # What the bank says makes nobody a payer, and hides nobody who was one.
                payer_id=state.payer_id if event.bank_line is not None else event.confirmed_by,
                committed=state.committed - event.money.amount,
                paid=state.paid + event.money.amount,
                fund_committed=(state.fund_committed or NOTHING) - no_more,
                fund_paid=(state.fund_paid or NOTHING) + cost,
            )
        case PaymentFailed():
            return failed(state, event)
        case PaymentEndAsked() | PaymentKeptOpen():
            return may_end(state, event)
        case PaymentAnsweredLate():
            return answered_late(state, event)
        case PaymentReversed():
            return reversed_(state, event)
        case CashWitnessed() | VisitRecorded():
            return seen(state, event)
        case DisbursementUndone():
            return _to(state, "in_disbursement" if state.suspended_for is None else "suspended", None)
        case CommitmentAdded():
            added = Addition(
                event.addition_no, event.money.amount, event.added_by, event.authority_holder, event.added_at
            )
            return replace(
                state,
                waiting_since=event.added_at,
                fund_total=event.total.amount,
                fund_committed=(state.fund_committed or NOTHING) + event.money.amount,
                additions=(*state.additions, added),
                last_addition=event.addition_no,
            )
        case GrantDisbursed():
            return _to(state, "disbursed", None)
        case DeliveryConfirmed():
            tranche = replace(
                advanced(state, event.number, "delivered"),
                delivered_by=event.confirmed_by,
                delivered_at=event.confirmed_at,
                received=None if event.received is None else event.received.amount,
            )
            return with_tranche(state, tranche, event.confirmed_at)
        case TrancheReconciled():
            tranche = replace(
                advanced(state, event.number, "reconciled"),
                reconciled_by=event.reconciled_by,
                reconciled_at=event.reconciled_at,
                difference=None if event.difference is None else event.difference.amount,
                difference_reason=event.reason,
                short_reason=event.short_reason,
            )
            return replace(with_tranche(state, tranche, event.reconciled_at), reconciler_id=event.reconciled_by)
        case EvidenceFiled():
            filed = replace(state, evidence=(*state.evidence, _filed(event)))
            if state.status != "draft":
                return filed
            filed = replace(filed, papers=_all_papers(filed))
            return replace(filed, content_hash=content_hash(filed))
        case GrantCompleted():
            return _going_on(_to(state, "completed", None))
        case GrantSuspended():
            # So may another suspension.
            stopped = state if state.status == "suspended" else _to(state, "suspended", None)
            return replace(
                stopped, waiting_since=event.suspended_at, suspended_at=event.suspended_at, suspended_for=event.reason
            )
        case GrantResumed():
            return _resumed(state, event)
        case _:
            return asked_back(state, event)


def asking(
    state: Grant, modality: GrantModality, money: Money, tranches: Sequence[Tranche], budget: Concealed | None = None,
    budget_hash: str | None = None, plan_version: int | None = None,
) -> Grant:
    """The grant as a revision asks for it, with every paper that was filed until then; nothing else of it changes."""
    return replace(
        state, modality=modality, amount=money.amount, currency=money.currency, tranches=_planned(tranches),
        papers=_all_papers(state), budget=budget_in(budget), budget_hash=budget_hash, plan_version=plan_version,
    )  # fmt: skip


def _asked(event: GrantDrafted | GrantRequested) -> Grant:
    drafted = isinstance(event, GrantDrafted)
    at = event.drafted_at if isinstance(event, GrantDrafted) else event.requested_at
    grant = Grant(
        case_id=event.case_id,
        person_id=event.person_id,
        plan_id=event.plan_id,
        plan_line_id=event.plan_line_id,
        category=event.category.value,
        modality=event.modality,
        destination_country=event.destination_country,
        counsellor_id=event.counsellor_id,
        requester_id=event.drafted_by if isinstance(event, GrantDrafted) else event.requested_by,
        requested_at=at,
        waiting_since=at,
        amount=event.money.amount,
        currency=event.money.currency,
        tranches=_planned(event.tranches),
        status="draft" if drafted else "submitted",
        submitted_version=None if drafted else 1,
        budget=budget_in(event.budget) if isinstance(event, GrantDrafted) else None,
        budget_hash=event.budget_hash if isinstance(event, GrantDrafted) else None,
        plan_version=event.plan_version if isinstance(event, GrantDrafted) else None,
    )
    return replace(grant, content_hash=content_hash(grant))


def _submitted_anew(asked: Grant, at: datetime | None) -> Grant:
    """A new version goes straight to whoever endorses; what anybody decided on the one before it does not carry over."""
    submitted = asked if asked.status == "submitted" else _to(asked, "submitted", at)
    return replace(
        submitted,
        waiting_since=at or asked.waiting_since,
        submitted_version=asked.request_version,
        endorser_id=None,
        former_endorsers=_and_once(asked.former_endorsers, asked.endorser_id),
        former_approvers=tuple(sorted({*asked.former_approvers, *(given.approver_id for given in asked.approvals)})),
        endorsed_at=None,
        certificate=None,
        approvals=(),
        return_reasons=(),
    )


def _committed(money: Money) -> dict[str, Any]:
    """The fields that say what of the fund is committed, all of it, and nothing paid."""
    return {
        "fund_currency": money.currency, "fund_amount": money.amount, "fund_total": money.amount,
        "fund_committed": money.amount, "fund_paid": NOTHING,
    }  # fmt: skip


def _resumed(state: Grant, event: GrantResumed) -> Grant:
    if state.status == "disbursed":
        return replace(_going_on(state), waiting_since=event.resumed_at)
    begun = bool(state.former_attempts) or len(state.tranches_in("planned")) < len(state.tranches)
    return _going_on(_to(state, "in_disbursement" if begun else "approved", event.resumed_at))


def _going_on(state: Grant) -> Grant:
    return replace(state, suspended_at=None, suspended_for=None)


def _and_once(people: tuple[str, ...], person_id: str | None) -> tuple[str, ...]:
    return people if person_id is None else tuple(sorted({*people, person_id}))


def _all_papers(grant: Grant) -> tuple[UUID, ...]:
    return tuple(paper.evidence_id for paper in grant.evidence)


def _certificate(event: GrantAttested) -> Certificate | None:
    # None once the person was erased, and with them what it concealed.
    if event.attestation.value is None:
        return None
    told: dict[str, Any] = json.loads(event.attestation.value)
    return Certificate(
        outcome=told["outcome"],
        reason=told["reason"],
        price_from=_price(told["price_from"]),
        price_to=_price(told["price_to"]),
        attested_by=event.attested_by,
        attested_at=event.attested_at,
    )


def _price(told: str | None) -> Decimal | None:
    return None if told is None else Decimal(told)


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
