"""The grant put together: core, table, the facts that each order asks for, projections, and who it is shown to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.reintegration import (
    approval_projections,
    bank_wiring,
    grant_projections,
    grant_queries,
    posting_projections,
    rate_queries,
    sealed,
    tables,
    unanswered_queries,
)
from services.reintegration.domain import (
    attempts,
    cash,
    certificate,
    commitment_orders,
    evidence,
    grant,
    grant_facts,
    grant_state,
    papers,
    recovery,
    stops,
    tranches,
    unanswered,
)
from services.reintegration.domain.conversion import RatesInForce
from services.reintegration.policy import is_shown
from services.reintegration.reach import within_reach
from shared.actors import Actor
from shared.aggregate import Aggregate
from shared.db import UnitOfWork, Write
from shared.messages import Command, Context, Event
from shared.policy import Reach
from shared.settings import MISSION

# What can raise a person's support, or promises the money: these take turns on the person's cap.
_TESTS_THE_CAP = (grant.SubmitGrant, grant.ReviseGrant, grant.ApproveGrant, commitment_orders.AddToCommitment)
_NEEDS_NO_FACTS = (
    grant.ReturnGrant, certificate.CertifyMedicalNeed, certificate.RefuseCertificate, grant.RejectGrant, grant.CancelGrant,
    stops.SuspendGrant, stops.ResumeGrant, stops.OpenRecovery,
    recovery.DropWriteOff, recovery.DropRecovery, evidence.FileEvidence,
)  # fmt: skip


async def _grant_facts(
    unit: UnitOfWork, grant_id: UUID, state: grant_state.Grant | None, command: Command | None, context: Context
) -> grant_facts.GrantFacts:
    if bank_wiring.settles(command) and state is not None:
        return await bank_wiring.behind_a_settlement(unit, grant_id, state, context.now)
    if isinstance(command, unanswered.ORDERS):
        zone = MISSION.mission_time_zone
        return await unanswered_queries.behind_an_end(unit, grant_id, context.actor.person_id, context.now, zone)
    subject = command if isinstance(command, grant.DraftGrant) else state
    if subject is None or isinstance(command, _NEEDS_NO_FACTS):
        return grant_facts.GrantFacts()
    place = _place(state, command)
    about = grant_queries.About(
        grant_id=grant_id,
        case_id=subject.case_id,
        person_id=subject.person_id,
        plan_id=subject.plan_id,
        plan_line_id=subject.plan_line_id,
        fund_id=command.fund_id if isinstance(command, grant.ApproveGrant) else state.fund_id if state is not None else None,
        reference=_reference_of(state, command),
        bank_line=command.bank_line if isinstance(command, recovery.RecordRecovery) else None,
        posted_on=place.posted_on if place is not None else None,
        **_policy_of(state),
        acting=_acting(state, command, context),
        payee_id=_payee_of(state, command),
        signer_id=context.actor.person_id,
    )
    facts = await grant_queries.behind_a_grant(
        unit, about, context.now, MISSION.mission_time_zone, in_turn=isinstance(command, _TESTS_THE_CAP)
    )
    support = facts.support
    weighed = {subject.money.currency}
    if state is not None and state.fund_currency and isinstance(command, commitment_orders.AddToCommitment | None):
        weighed.add(state.fund_currency)
    if support is not None and support.currencies | weighed != {support.caps.currency}:
        # Only where something is to be converted does it take one more statement.
        counting = await rate_queries.in_force(unit, facts.today)
        support = support.by(RatesInForce.on(facts.today, [rate.recorded() for rate in counting]))
    return replace(
        facts, case=within_reach(facts.case, context), support=support, later_month=place.later_month if place is not None else None
    )


def _place(state: grant_state.Grant | None, command: Command | None) -> posting_projections.Place | None:
    """Where what is ordered is posted; None where that is today."""
    match state, command:
        case grant_state.Grant(), tranches.ConfirmPayment(paid_on=day):
            return posting_projections.place_of_a_payment(state, day)
        case grant_state.Grant(), attempts.ReversePayment(number=number, returned_on=day):
            return posting_projections.place_of_a_return(state, state.tranche(number), day)
        case grant_state.Grant(), recovery.RecordRecovery(money=money, received_on=day):
            return posting_projections.place_of_a_recovery(state, money.amount, day)
        case grant_state.Grant(recovery_proposed=said), recovery.ConfirmRecovery() if said is not None:
            return posting_projections.place_of_a_recovery(state, said.amount, said.received_on)
        case _:
            return None


def _reference_of(state: grant_state.Grant | None, command: Command | None) -> str | None:
    """Under which reference money moves by an order; None where none does."""
    match state, command:
        case _, tranches.ConfirmPayment(reference=reference) | recovery.RecordRecovery(reference=reference):
            return reference
        case grant_state.Grant(recovery_proposed=said), recovery.ConfirmRecovery() if said is not None:
            return said.reference
        case _:
            return None


def _payee_of(state: grant_state.Grant | None, command: Command | None) -> UUID | None:
    """Whom an order is to pay, or was paid by what it says; None where that changes nothing."""
    match command:
        case tranches.ReleaseTranche(payee_id=payee_id):
            return payee_id
        case (tranches.ConfirmPayment() | cash.WitnessCash()) if state is not None:
            tranche = state.tranche(command.number)
            return tranche.payee_id if tranche is not None else None
        case _:
            return None


def _acting(state: grant_state.Grant | None, command: Command | None, context: Context) -> grant_queries.Acting | None:
    if state is None:
        return None
    asks = command is None or isinstance(command, grant.ApproveGrant | commitment_orders.AddToCommitment)
    if asks or (isinstance(command, tranches.ReleaseTranche) and state.fund_in_another_currency):
        return grant_queries.Acting(context.actor.person_id, state.currency)
    return None


def _policy_of(state: grant_state.Grant | None) -> dict[str, Any]:
    """A request stays under the version of the policy that it was submitted under first, be it the example."""
    if state is None or state.submitted_version is None:
        return {}
    return {"policy_programme": state.policy_programme, "policy_version": state.policy_version or 0}


def _grant_within(known: grant_state.Grant, reach: Reach, actor: Actor) -> bool:
    return reach.covers(known.destination_country) and is_shown(
        actor, of_health=papers.of_health(known), approved=known.approver_id is not None
    )


def _with_decisions(
    grant_id: UUID, before: grant_state.Grant | None, asked: grant_state.Grant, events: tuple[Event, ...]
) -> Sequence[Write]:
    return (
        *grant_projections.grant_limits(grant_id, before, asked, events),
        *approval_projections.grant_decisions(grant_id, asked, events),
    )


GRANT: Aggregate[grant_state.Grant, grant_facts.GrantFacts] = Aggregate(
    service="reintegration", name="grant", decider=grant.GRANT, table=tables.GRANTS, state=grant_state.Grant,
    facts=_grant_facts, project=_with_decisions, partition=lambda _, asked: asked.case_id,
    within=_grant_within, sealed=sealed.OF_GRANTS,
)
