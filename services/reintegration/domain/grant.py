"""A grant: asked for on an agreed plan, endorsed, approved against a fund, paid and accounted for."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.reintegration.domain.amounts import PositiveMoney
from services.reintegration.domain.evidence import EVIDENCE_RULES
from services.reintegration.domain.fund import refuse_unless_pays_for
from services.reintegration.domain.grant_facts import (
    GrantFacts,
    Tranches,
    arrived_case,
    person_has_arrived,
    refuse_beyond_cap,
    refuse_outside_plan,
    refuse_uneven_tranches,
    while_in,
    within_the_cap,
    within_the_plan,
)
from services.reintegration.domain.grant_state import Grant, evolve
from services.reintegration.domain.hats import may_wear, not_the_requester
from services.reintegration.domain.tranches import TRANCHE_RULES
from shared.actors import Role
from shared.contracts.reintegration import (
    CancelReason,
    DeliveryConfirmed,
    EvidenceFiled,
    GrantApproved,
    GrantCancelled,
    GrantCategory,
    GrantCompleted,
    GrantDisbursed,
    GrantEndorsed,
    GrantModality,
    GrantRejected,
    GrantRequested,
    GrantResubmitted,
    GrantReturned,
    PaymentConfirmed,
    RejectReason,
    ReturnReason,
    TrancheReconciled,
    TrancheReleased,
)
from shared.decider import Decider, Events, changing, opening
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context

RequestVersion = Annotated[int, Field(strict=True, ge=1)]


class RequestGrant(Command):
    """Ask for a grant, in tranches, for one line of the agreed plan and a person who has arrived."""

    case_id: UUID
    person_id: UUID
    plan_id: UUID
    plan_line_id: UUID
    category: GrantCategory
    modality: GrantModality
    money: PositiveMoney
    tranches: Tranches


class ReturnGrant(Command):
    """Send the request back to whoever asked, with what is missing in it."""

    reason: ReturnReason


class ResubmitGrant(Command):
    """Hand in the corrected request. It is a new version and needs a new endorsement."""

    modality: GrantModality
    money: PositiveMoney
    tranches: Tranches


class EndorseGrant(Command):
    """Confirm for the programme that the version you read is in line with the plan and feasible."""

    request_version: RequestVersion


class RejectGrant(Command):
    """Refuse the request with a reason; tell the person how to appeal."""

    reason: RejectReason


class ApproveGrant(Command):
    """Commit money of one fund to the version of the request that you read."""

    fund_id: UUID
    request_version: RequestVersion


class CancelGrant(Command):
    """End the grant. What was committed and not paid is free again; what was paid is still accounted for."""

    reason: CancelReason


def _requester_only(state: Grant, facts: GrantFacts, context: Context) -> None:
    if context.actor.person_id != state.requester_id:
        raise RuleViolation(
            "only_the_requester_resubmits", "Only who asked for this grant can hand it in again."
        )


def _no_tranche_under_way(state: Grant, facts: GrantFacts, context: Context) -> None:
    if state.tranches_in("released"):
        raise RuleViolation(
            "tranche_under_way",
            "A tranche is released and its payment not confirmed. Confirm the payment before the grant is "
            "cancelled.",
        )


def _approved_is_the_programmes(state: Grant, facts: GrantFacts, context: Context) -> None:
    roles = context.actor.roles
    if state.approver_id is not None and Role.RECEIVING_OFFICE in roles and Role.COORDINATOR not in roles:
        raise RuleViolation(
            "approved_already", "This grant is approved. From now on only a coordinator can cancel it."
        )


def _refuse_another_version(state: Grant, request_version: int) -> None:
    if request_version != state.request_version:
        raise RuleViolation(
            "version_changed", "The request is not the version that you read. Read it again, then decide."
        )


def _request(order: RequestGrant, facts: GrantFacts, context: Context) -> Events:
    case = arrived_case(facts.case, order.person_id)
    refuse_outside_plan(
        facts, order.case_id, order.person_id, order.plan_line_id, order.category, order.money
    )
    tranches = refuse_uneven_tranches(order.money, order.tranches)
    refuse_beyond_cap(facts, order.money)
    return (
        GrantRequested(
            case_id=order.case_id,
            person_id=order.person_id,
            plan_id=order.plan_id,
            plan_line_id=order.plan_line_id,
            category=Concealed.of(order.category),
            modality=order.modality,
            money=order.money,
            tranches=tranches,
            requested_by=context.actor.person_id,
            counsellor_id=case.counsellor_id,
            destination_country=case.destination_country,
            requested_at=context.now,
        ),
    )


def _return(state: Grant, order: ReturnGrant, facts: GrantFacts, context: Context) -> Events:
    return (
        GrantReturned(reason=order.reason, returned_by=context.actor.person_id, returned_at=context.now),
    )


def _resubmit(state: Grant, order: ResubmitGrant, facts: GrantFacts, context: Context) -> Events:
    refuse_outside_plan(
        facts, state.case_id, state.person_id, state.plan_line_id, state.category, order.money
    )
    tranches = refuse_uneven_tranches(order.money, order.tranches)
    refuse_beyond_cap(facts, order.money)
    return (
        GrantResubmitted(
            request_version=state.request_version + 1,
            modality=order.modality,
            money=order.money,
            tranches=tranches,
            resubmitted_at=context.now,
        ),
    )


def _endorse(state: Grant, order: EndorseGrant, facts: GrantFacts, context: Context) -> Events:
    _refuse_another_version(state, order.request_version)
    return (
        GrantEndorsed(
            endorsed_by=context.actor.person_id, request_version=state.request_version, endorsed_at=context.now
        ),
    )


def _reject(state: Grant, order: RejectGrant, facts: GrantFacts, context: Context) -> Events:
    return (
        GrantRejected(
            case_id=state.case_id, reason=order.reason, rejected_by=context.actor.person_id, rejected_at=context.now
        ),
    )


def _approve(state: Grant, order: ApproveGrant, facts: GrantFacts, context: Context) -> Events:
    _refuse_another_version(state, order.request_version)
    balance = facts.fund
    if balance is None:
        raise RuleViolation("fund_unknown", "There is no fund under this reference.")
    programme = facts.case.programme if facts.case is not None else None
    refuse_unless_pays_for(balance.fund, state.destination_country, state.category, programme)
    if not balance.valid_on(facts.today):
        raise RuleViolation("fund_not_valid", "Today lies outside the days on which this fund may be used.")
    if balance.fund.currency != state.currency:
        raise RuleViolation("fund_currency_differs", "The fund is in another currency than the grant.")
    if state.amount > balance.available:
        raise RuleViolation("fund_exhausted", "The fund does not hold enough money for this grant any more.")
    return (
        GrantApproved(
            case_id=state.case_id,
            fund_id=order.fund_id,
            money=state.money,
            approved_by=context.actor.person_id,
            approved_at=context.now,
            request_version=state.request_version,
        ),
    )


def _cancel(state: Grant, order: CancelGrant, facts: GrantFacts, context: Context) -> Events:
    released = state.money.model_copy(update={"amount": state.committed})
    return (
        GrantCancelled(
            case_id=state.case_id, reason=order.reason, released=released, cancelled_at=context.now
        ),
    )


GRANT: Decider[Grant, GrantFacts] = Decider(
    rules=(
        opening(RequestGrant, "Ask for a grant", _request),
        changing(ReturnGrant, "Send back", _return, while_in("sent back", "submitted"), not_the_requester),
        changing(
            ResubmitGrant,
            "Hand in again",
            _resubmit,
            while_in("handed in again", "returned"),
            _requester_only,
            person_has_arrived,
        ),
        changing(
            EndorseGrant,
            "Endorse",
            _endorse,
            while_in("endorsed", "submitted"),
            may_wear("endorser"),
            person_has_arrived,
            within_the_plan,
        ),
        changing(
            RejectGrant, "Reject", _reject, while_in("rejected", "submitted", "endorsed"), not_the_requester
        ),
        changing(
            ApproveGrant,
            "Approve",
            _approve,
            while_in("approved", "endorsed"),
            may_wear("approver"),
            person_has_arrived,
            within_the_plan,
            within_the_cap,
        ),
        changing(
            CancelGrant,
            "Cancel",
            _cancel,
            while_in("cancelled", "submitted", "returned", "endorsed", "approved", "in_disbursement"),
            _approved_is_the_programmes,
            _no_tranche_under_way,
        ),
        *TRANCHE_RULES,
        *EVIDENCE_RULES,
    ),
    evolve=evolve,
    events=(
        GrantRequested,
        GrantReturned,
        GrantResubmitted,
        GrantEndorsed,
        GrantApproved,
        GrantRejected,
        GrantCancelled,
        TrancheReleased,
        PaymentConfirmed,
        GrantDisbursed,
        DeliveryConfirmed,
        TrancheReconciled,
        EvidenceFiled,
        GrantCompleted,
    ),
)
