"""A grant: asked for on an agreed plan, endorsed, approved against a fund, paid and accounted for."""

from typing import Annotated, get_args
from uuid import UUID

from pydantic import Field, StrictBool

from services.reintegration.domain.amounts import PositiveMoney
from services.reintegration.domain.approvals import approval_given, not_twice, within_authority
from services.reintegration.domain.budget import NONCE, BudgetLines, OwnContribution, Quotations, concealed
from services.reintegration.domain.caps import lies_just_below_a_threshold, refuse_beyond_caps
from services.reintegration.domain.cash import CASH_EVENTS, CASH_RULES
from services.reintegration.domain.certificate import CERTIFICATE_RULES, RequestVersion, certified
from services.reintegration.domain.commitment import cost, in_fund
from services.reintegration.domain.commitment_orders import COMMITMENT_EVENTS, COMMITMENT_RULES
from services.reintegration.domain.completeness import refuse_incomplete, terms
from services.reintegration.domain.evidence import EVIDENCE_RULES
from services.reintegration.domain.fund import fund_not_valid, refuse_unless_pays_for
from services.reintegration.domain.grant_content import content_hash
from services.reintegration.domain.grant_evolve import asking, evolve
from services.reintegration.domain.grant_facts import (
    GrantFacts,
    Tranches,
    arrived_case,
    person_has_arrived,
    refuse_another,
    refuse_outside_plan,
    refuse_uneven_tranches,
    while_in,
    within_the_cap,
    within_the_plan,
)
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import may_wear, not_the_requester
from services.reintegration.domain.periods import period_closed
from services.reintegration.domain.recovery import RECOVERY_EVENTS, RECOVERY_RULES
from services.reintegration.domain.settlement import PAYMENT_EVENTS, PAYMENT_RULES
from services.reintegration.domain.stops import STOP_EVENTS, STOP_RULES
from services.reintegration.domain.tranches import TRANCHE_RULES
from services.reintegration.domain.unanswered import UNANSWERED_EVENTS, UNANSWERED_RULES
from services.reintegration.domain.visits import VISIT_EVENTS, VISIT_RULES
from shared.actors import Role
from shared.contracts.approvals import ApprovalGiven
from shared.contracts.reintegration import (
    CancelReason,
    DeliveryConfirmed,
    EvidenceFiled,
    GrantApproved,
    GrantAttested,
    GrantCancelled,
    GrantCategory,
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
    RejectReason,
    ReturnReason,
    Sha256,
    TrancheReconciled,
    TrancheReleased,
)
from shared.decider import Decider, Events, changing, opening
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context
from shared.money import refuse_unpayable

ReturnReasons = Annotated[tuple[ReturnReason, ...], Field(min_length=1, max_length=len(get_args(ReturnReason)))]


class DraftGrant(Command):
    """Write down a request for a grant, in tranches, for one line of the agreed plan and a person who has arrived.

    It is kept until it is submitted; papers can be filed with it meanwhile.
    """

    case_id: UUID
    person_id: UUID
    plan_id: UUID
    plan_line_id: UUID
    category: GrantCategory
    modality: GrantModality
    money: PositiveMoney
    tranches: Tranches
    budget_lines: BudgetLines = ()
    own_contribution: OwnContribution = None
    quotations: Quotations = ()
    nonce: UUID = NONCE


class SubmitGrant(Command):
    """Hand in the draft as you read it, with the papers that are filed."""

    request_version: RequestVersion
    content_hash: Sha256


class ReviseGrant(Command):
    """Change the request. Once it was submitted this is a new version: whoever decided on the last one decides anew."""

    modality: GrantModality
    money: PositiveMoney
    tranches: Tranches
    budget_lines: BudgetLines = ()
    own_contribution: OwnContribution = None
    quotations: Quotations = ()
    nonce: UUID = NONCE


class ReturnGrant(Command):
    """Send the version that you read back to whoever asked, with what is missing in it."""

    request_version: RequestVersion
    content_hash: Sha256
    reasons: ReturnReasons


class EndorseGrant(Command):
    """Confirm for the programme that the version you read is in line with the plan and feasible."""

    request_version: RequestVersion
    content_hash: Sha256


class RejectGrant(Command):
    """Refuse the version that you read with a reason; say whether the person was told how to appeal."""

    request_version: RequestVersion
    content_hash: Sha256
    reason: RejectReason
    appeal_told: StrictBool


class ApproveGrant(Command):
    """Approve this money of one fund for the version of the request that you read; the last approval commits it."""

    fund_id: UUID
    request_version: RequestVersion
    content_hash: Sha256
    money: PositiveMoney


class CancelGrant(Command):
    """End the grant. What was committed and not paid is free again; what was paid is still accounted for."""

    reason: CancelReason


def _requester_only(state: Grant, facts: GrantFacts, context: Context) -> None:
    if context.actor.person_id != state.requester_id:
        raise RuleViolation("only_the_requester", "Only who asked for this grant can submit or revise the request.")


def _no_tranche_under_way(state: Grant, facts: GrantFacts, context: Context) -> None:
    if state.tranches_in("released"):
        raise RuleViolation(
            "tranche_under_way", "A tranche is released and its payment not confirmed. Before the grant is cancelled it is confirmed or reported as failed."
        )


def _approved_is_the_programmes(state: Grant, facts: GrantFacts, context: Context) -> None:
    roles = context.actor.roles
    if state.approver_id is not None and Role.RECEIVING_OFFICE in roles and Role.COORDINATOR not in roles:
        raise RuleViolation("approved_already", "This grant is approved. From now on only a coordinator can cancel it.")


def _draft(order: DraftGrant, facts: GrantFacts, context: Context) -> Events:
    case = arrived_case(facts.case, order.person_id)
    plan = refuse_outside_plan(facts, order.case_id, order.person_id, order.plan_line_id, order.category, order.money)
    tranches = refuse_uneven_tranches(order.money, order.tranches)
    budget, hashed = concealed(order)
    return (
        GrantDrafted(
            case_id=order.case_id,
            person_id=order.person_id,
            plan_id=order.plan_id,
            plan_line_id=order.plan_line_id,
            category=Concealed.of(order.category),
            modality=order.modality,
            money=order.money,
            tranches=tranches,
            drafted_by=context.actor.person_id,
            counsellor_id=case.counsellor_id,
            destination_country=case.destination_country,
            drafted_at=context.now,
            budget=budget,
            budget_hash=hashed,
            plan_version=plan.plan_version,
        ),
    )


def _submit(state: Grant, order: SubmitGrant, facts: GrantFacts, context: Context) -> Events:
    refuse_another(state, order.request_version, order.content_hash)
    policy = facts.policy
    refuse_incomplete(state, terms(policy))
    return (
        GrantSubmitted(
            case_id=state.case_id,
            request_version=state.request_version,
            content_hash=state.content_hash,
            policy_programme=None if policy is None else policy.programme,
            policy_version=None if policy is None else policy.policy_version,
            submitted_at=context.now,
            just_below_threshold=lies_just_below_a_threshold(facts.support, state.money),
        ),
    )


def _revise(state: Grant, order: ReviseGrant, facts: GrantFacts, context: Context) -> Events:
    plan = refuse_outside_plan(facts, state.case_id, state.person_id, state.plan_line_id, state.category, order.money)
    tranches = refuse_uneven_tranches(order.money, order.tranches)
    drafting = state.status == "draft"
    budget, hashed = concealed(order)
    asked = asking(state, order.modality, order.money, tranches, budget, hashed, plan.plan_version)
    if not drafting:
        refuse_beyond_caps(facts.support, order.money)
        refuse_incomplete(asked, terms(facts.policy))
    return (
        GrantRevised(
            request_version=state.request_version if drafting else state.request_version + 1,
            content_hash=content_hash(asked),
            modality=order.modality,
            money=order.money,
            tranches=tranches,
            revised_at=context.now,
            budget=budget,
            budget_hash=hashed,
            plan_version=plan.plan_version,
            just_below_threshold=not drafting and lies_just_below_a_threshold(facts.support, order.money),
        ),
    )


def _return(state: Grant, order: ReturnGrant, facts: GrantFacts, context: Context) -> Events:
    refuse_another(state, order.request_version, order.content_hash)
    reasons = tuple(dict.fromkeys(order.reasons))
    return (
        GrantReturned(
            reason=reasons[0], reasons=reasons, returned_by=context.actor.person_id, returned_at=context.now,
            request_version=state.request_version,
        ),
    )  # fmt: skip


def _endorse(state: Grant, order: EndorseGrant, facts: GrantFacts, context: Context) -> Events:
    refuse_another(state, order.request_version, order.content_hash)
    return (
        GrantEndorsed(
            endorsed_by=context.actor.person_id, request_version=state.request_version, endorsed_at=context.now,
            content_hash=state.content_hash,
        ),
    )  # fmt: skip


def _reject(state: Grant, order: RejectGrant, facts: GrantFacts, context: Context) -> Events:
    refuse_another(state, order.request_version, order.content_hash)
    return (
        GrantRejected(
            case_id=state.case_id, reason=order.reason, rejected_by=context.actor.person_id, rejected_at=context.now,
            appeal_told=order.appeal_told, request_version=state.request_version,
        ),
    )  # fmt: skip


def _approve(state: Grant, order: ApproveGrant, facts: GrantFacts, context: Context) -> Events:
    refuse_another(state, order.request_version, order.content_hash)
    refuse_unpayable((order.money,))
    if order.money != state.money:
        raise RuleViolation(
            "amount_changed", "The amount is not the one that you read. Read the request again, then decide."
        )
    balance = facts.fund
    if balance is None:
        raise RuleViolation("fund_unknown", "There is no fund under this reference.")
    if facts.month_closed:
        raise period_closed()
    programme = facts.case.programme if facts.case is not None else None
    refuse_unless_pays_for(balance.fund, state.destination_country, state.category, programme)
    if not balance.valid_on(facts.today):
        raise fund_not_valid()
    costs = cost(state, state.tranches, balance.fund.currency, facts.rates)
    if costs.money.amount > balance.available:
        raise RuleViolation("fund_exhausted", "The fund does not hold enough money for this grant any more.")
    given = approval_given(state, order.fund_id, facts, context)
    if given.level < given.levels_needed:
        return (given,)
    # With the last approval the money is committed.
    return (
        given,
        GrantApproved(
            case_id=state.case_id, fund_id=order.fund_id, money=state.money, approved_by=context.actor.person_id,
            approved_at=context.now, request_version=state.request_version, content_hash=state.content_hash,
            in_fund=costs.in_another, rates=costs.rates,
        ),
    )  # fmt: skip


def _cancel(state: Grant, order: CancelGrant, facts: GrantFacts, context: Context) -> Events:
    released = state.money.model_copy(update={"amount": state.committed})
    return (
        GrantCancelled(
            case_id=state.case_id, reason=order.reason, released=released, cancelled_at=context.now,
            cancelled_by=context.actor.person_id, in_fund=in_fund(state, state.fund_committed),
        ),
    )  # fmt: skip


GRANT: Decider[Grant, GrantFacts] = Decider(
    rules=(
        opening(DraftGrant, "Ask for a grant", _draft),
        changing(
            SubmitGrant,
            "Submit the request",
            _submit,
            while_in("submitted", "draft"),
            _requester_only,
            person_has_arrived,
            within_the_plan,
            within_the_cap,
        ),
        changing(
            ReviseGrant, "Change the request", _revise, while_in("changed", "draft", "submitted", "returned", "endorsed"),
            _requester_only, person_has_arrived,
        ),
        changing(ReturnGrant, "Send back", _return, while_in("sent back", "submitted"), not_the_requester),
        changing(
            EndorseGrant,
            "Endorse",
            _endorse,
            while_in("endorsed", "submitted"),
            may_wear("endorser"),
            person_has_arrived,
            within_the_plan,
            certified,
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
            not_twice,
            person_has_arrived,
            within_the_plan,
            within_the_cap,
            certified,
            within_authority,
        ),
        changing(
            CancelGrant,
            "Cancel",
            _cancel,
            while_in("cancelled", "draft", "submitted", "returned", "endorsed", "approved", "in_disbursement", "suspended"),
            _approved_is_the_programmes,
            _no_tranche_under_way,
        ),
        *CERTIFICATE_RULES,
        *TRANCHE_RULES,
        *PAYMENT_RULES, *UNANSWERED_RULES, *CASH_RULES, *VISIT_RULES,
        *COMMITMENT_RULES,
        *STOP_RULES,
        *RECOVERY_RULES,
        *EVIDENCE_RULES,
    ),
    evolve=evolve,
    events=(
        GrantRequested, GrantDrafted, GrantSubmitted, GrantRevised, GrantReturned, GrantResubmitted, GrantAttested,
        GrantEndorsed, ApprovalGiven, GrantApproved, GrantRejected, GrantCancelled, TrancheReleased, PaymentConfirmed,
        GrantDisbursed, DeliveryConfirmed, TrancheReconciled, EvidenceFiled, GrantCompleted,
        *PAYMENT_EVENTS, *UNANSWERED_EVENTS, *CASH_EVENTS, *VISIT_EVENTS,
        *COMMITMENT_EVENTS,
        *STOP_EVENTS,
        *RECOVERY_EVENTS,
    ),
)
