"""Reintegration's aggregates put together: core, table, facts, projections, and the limits that the database holds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from services.reintegration import (
    approval_projections,
    attempt_projections,
    authority_projections,
    authority_queries,
    bank_wiring,
    batch_projections,
    difference_projections,
    figures,
    files,
    fund_projections,
    fund_queries,
    grant_decisions,
    grant_projections,
    grant_queries,
    payee_details,
    payee_projections,
    period_queries,
    posting_projections,
    projections,
    queries,
    rate_projections,
    rate_queries,
    recovery_projections,
    sealed,
    spot_check_queries,
    survey_answers,
    survey_queries,
    tables,
)
from services.reintegration.batch_wiring import OWN_ACCOUNT, batches_of
from services.reintegration.domain import (
    attempts,
    authority,
    case,
    certificate,
    commitment_orders,
    evidence,
    family,
    fund,
    grant,
    grant_facts,
    grant_state,
    papers,
    periods,
    person,
    plan,
    plan_state,
    policies,
    rates,
    recovery,
    stops,
    tranches,
)
from services.reintegration.domain.conversion import RatesInForce
from services.reintegration.payee_wiring import PAYEE, SANCTIONS_LIST, STAFF_LIST, TIMERS
from services.reintegration.policy import POLICY, is_shown
from services.reintegration.reactions import REACTIONS
from services.reintegration.refusals import REFUSALS
from services.reintegration.spot_check_wiring import OF_SPOT_CHECKS
from services.reintegration.survey_wiring import OF_SURVEYS
from shared import contracts, topology
from shared.access import access_of
from shared.actors import Actor, Role
from shared.aggregate import Aggregate
from shared.contracts.reintegration import PersonsCame, PersonsLeft, StayNoted, StayTakenBack
from shared.db import UnitOfWork, Write
from shared.decider import NoFacts
from shared.erasing import nothing_left_of_the_erased
from shared.errors import NotFound
from shared.held import Holdings
from shared.messages import Command, Context, Event
from shared.policy import Reach
from shared.settings import MISSION
from shared.wiring import Wiring, no_facts

# What can raise a person's support, or promises the money: these take turns on the person's cap.
_TESTS_THE_CAP = (grant.SubmitGrant, grant.ReviseGrant, grant.ApproveGrant, commitment_orders.AddToCommitment)
_NEEDS_NO_FACTS = (
    grant.ReturnGrant, certificate.CertifyMedicalNeed, certificate.RefuseCertificate, grant.RejectGrant, grant.CancelGrant,
    tranches.ConfirmDelivery, stops.SuspendGrant, stops.ResumeGrant, stops.OpenRecovery,
    recovery.WriteOffRecovery, recovery.ConfirmWriteOff, recovery.DropWriteOff, evidence.FileEvidence,
)  # fmt: skip


async def _case_facts(
    unit: UnitOfWork, case_id: UUID, state: case.Case | None, command: Command | None, _: Context
) -> case.CaseFacts:
    if not isinstance(command, case.SealCase) or state is None:
        return case.CaseFacts()
    return case.CaseFacts(await queries.live_grants(unit, case_id))


async def _plan_facts(
    unit: UnitOfWork, plan_id: UUID, state: plan_state.Plan | None, command: Command | None, context: Context
) -> plan_state.PlanFacts:
    if isinstance(command, plan.DraftPlan | plan.RecordOwnPlan | plan.AgreeFirstPlan):
        case_id = command.case_id
    elif state is not None:
        case_id = state.case_id
    else:
        return plan_state.PlanFacts()
    facts = await queries.behind_a_plan(unit, plan_id, case_id, context.now, MISSION.mission_time_zone)
    shared = state is not None and state.status == "shared"
    known = _within_reach(facts.case, context, shared=shared)
    if known is None and facts.case is not None and state is not None:
        # Before an arrival a receiving office knows of no plan but one that is shared, so there is none that it could read.
        raise NotFound
    return replace(facts, case=known)


async def _grant_facts(
    unit: UnitOfWork, grant_id: UUID, state: grant_state.Grant | None, command: Command | None, context: Context
) -> grant_facts.GrantFacts:
    if bank_wiring.settles(command) and state is not None:
        return await bank_wiring.behind_a_settlement(unit, grant_id, state, context.now)
    subject = command if isinstance(command, grant.DraftGrant) else state
    if subject is None or isinstance(command, _NEEDS_NO_FACTS):
        return grant_facts.GrantFacts()
    about = grant_queries.About(
        grant_id=grant_id,
        case_id=subject.case_id,
        person_id=subject.person_id,
        plan_id=subject.plan_id,
        plan_line_id=subject.plan_line_id,
        fund_id=command.fund_id if isinstance(command, grant.ApproveGrant) else state.fund_id if state is not None else None,
        reference=command.reference if isinstance(command, tranches.ConfirmPayment | recovery.RecordRecovery) else None,
        posted_on=_posted_on(state, command),
        **_policy_of(state),
        acting=_acting(state, command, context),
        payee_id=command.payee_id if isinstance(command, tranches.ReleaseTranche) else None,
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
    return replace(facts, case=_within_reach(facts.case, context), support=support)


def _posted_on(state: grant_state.Grant | None, command: Command | None) -> date | None:
    """The day on which what is ordered is posted, where that is not today."""
    match state, command:
        case grant_state.Grant(), (
            tranches.ConfirmPayment(paid_on=day) | attempts.ReversePayment(returned_on=day) | recovery.RecordRecovery(received_on=day)
        ):
            return posting_projections.posted_on(state, day)
        case _:
            return None


def _acting(state: grant_state.Grant | None, command: Command | None, context: Context) -> grant_queries.Acting | None:
    if state is None:
        return None
    asks = command is None or isinstance(command, grant.ApproveGrant | commitment_orders.AddToCommitment)
    if asks or (isinstance(command, tranches.ReleaseTranche) and state.fund_in_another_currency):
        return grant_queries.Acting(context.actor.person_id, state.currency)
    return None


async def _fund_facts(
    unit: UnitOfWork, fund_id: UUID, state: fund.Fund | None, command: Command | None, _: Context
) -> fund.FundFacts:
    if state is None or isinstance(command, fund.DropFundChange):
        return fund.FundFacts()
    return await fund_queries.behind_a_fund(unit, fund_id, in_turn=isinstance(command, fund.ConfirmFund))


async def _period_facts(
    unit: UnitOfWork, period_id: UUID, state: periods.AccountingPeriod | None, command: Command | None, context: Context
) -> periods.PeriodFacts:
    if not isinstance(command, periods.ClosePeriod):
        return periods.PeriodFacts()
    return await period_queries.behind_a_period(unit, period_id, command.month, context.now, MISSION.mission_time_zone)


def _policy_of(state: grant_state.Grant | None) -> dict[str, Any]:
    """A request stays under the version of the policy that it was submitted under first, be it the example."""
    if state is None or state.submitted_version is None:
        return {}
    return {"policy_programme": state.policy_programme, "policy_version": state.policy_version or 0}


async def _rate_facts(
    unit: UnitOfWork, rate_id: UUID, state: rates.Rate | None, command: Command | None, context: Context
) -> rates.RateFacts:
    about = command if isinstance(command, rates.RecordRate) else state
    if about is None or not isinstance(command, rates.RecordRate | rates.CorrectRate):
        return rates.RateFacts()
    of = (about.currency, about.base, about.effective_on)
    return await rate_queries.behind_a_rate(unit, rate_id, of, context.now, MISSION.mission_time_zone)


async def _authority_facts(
    unit: UnitOfWork, authority_id: UUID, state: authority.Authority | None, command: Command | None, context: Context
) -> authority.AuthorityFacts:
    if isinstance(command, authority.GiveAuthority):
        of = (command.holder_id, command.role, command.up_to.currency)
    elif isinstance(command, authority.NameDeputy) and state is not None:
        of = (state.holder_id, state.role, state.currency)
    else:
        return authority.AuthorityFacts()
    return await authority_queries.behind_an_authority(unit, authority_id, of, context.now, MISSION.mission_time_zone)


async def _policy_facts(
    unit: UnitOfWork, policy_id: UUID, state: policies.FundingPolicy | None, command: Command | None, _: Context
) -> policies.PolicyFacts:
    if not isinstance(command, policies.PublishPolicy):
        return policies.PolicyFacts()
    return await authority_queries.behind_a_policy(unit, policy_id, command.programme)


async def _person_facts(
    unit: UnitOfWork, person_id: UUID, state: person.Person | None, command: Command | None, context: Context
) -> person.PersonFacts:
    if isinstance(command, person.EndKeptPapers):
        return await queries.behind_an_end_of_papers(unit, person_id, context.now, MISSION.mission_time_zone)
    if not isinstance(command, person.RecordErasure):
        return person.PersonFacts()
    held = await queries.behind_an_erasure(unit, person_id)
    if state is None:
        await figures.count_without_the_person(unit, person_id, MISSION.mission_time_zone)
    return held


def _within_reach(known: case.Case | None, context: Context, *, shared: bool = False) -> case.Case | None:
    """The case, if whoever acts may know of it; an office is told that no such case is known.

    Of a plan that is ``shared`` it knows before anybody arrives, unless the case has ended.
    """
    if known is None or not context.actor.roles & {Role.RECEIVING_OFFICE}:
        return known
    reach = POLICY.reach(context.actor, "read_case")
    if shared and known.status != "ended" and reach.covers(known.destination_country):
        return known
    return known if _case_within(known, reach, context.actor) else None


def _case_within(known: case.Case, reach: Reach, _: Actor) -> bool:
    # Before an arrival a receiving office hears of cases from returns alone, and of plans, which tell of health, not
    # at all.
    return reach.countries is None or (bool(known.arrived) and reach.covers(known.destination_country))


def _of_own_country(known: plan_state.Plan, reach: Reach, _: Actor) -> bool:
    return reach.covers(known.destination_country)


def _grant_within(known: grant_state.Grant, reach: Reach, actor: Actor) -> bool:
    return reach.covers(known.destination_country) and is_shown(actor, of_health=papers.of_health(known))


CASE: Aggregate[case.Case, case.CaseFacts] = Aggregate(
    service="reintegration", name="case", decider=case.CASE, table=tables.CASES, state=case.Case,
    facts=_case_facts, project=projections.case_limits, within=_case_within,
)

FAMILY: Aggregate[family.Family, NoFacts] = Aggregate(
    service="reintegration", name="family", decider=family.FAMILY, table=tables.FAMILIES, state=family.Family, facts=no_facts,
)

PERSON: Aggregate[person.Person, person.PersonFacts] = Aggregate(
    service="reintegration", name="person", decider=person.PERSON, table=tables.PERSONS, state=person.Person,
    facts=_person_facts,
)

PLAN: Aggregate[plan_state.Plan, plan_state.PlanFacts] = Aggregate(
    service="reintegration", name="plan", decider=plan.PLAN, table=tables.PLANS, state=plan_state.Plan,
    facts=_plan_facts, project=projections.plan_limits, partition=lambda _, made: made.case_id,
    within=_of_own_country, sealed=sealed.OF_PLANS,
)

FUND: Aggregate[fund.Fund, fund.FundFacts] = Aggregate(
    service="reintegration", name="fund", decider=fund.FUND, table=tables.FUNDS, state=fund.Fund,
    facts=_fund_facts, project=fund_projections.fund_changes,
)

PERIOD: Aggregate[periods.AccountingPeriod, periods.PeriodFacts] = Aggregate(
    service="reintegration", name="period", decider=periods.PERIOD, table=tables.ACCOUNTING_PERIODS,
    state=periods.AccountingPeriod, facts=_period_facts, project=posting_projections.closed_months,
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

PAYMENT_BATCH = batches_of(GRANT)

RATE: Aggregate[rates.Rate, rates.RateFacts] = Aggregate(
    service="reintegration", name="rate", decider=rates.RATE, table=tables.RATES, state=rates.Rate,
    facts=_rate_facts, project=rate_projections.exchange_rates,
)

AUTHORITY: Aggregate[authority.Authority, authority.AuthorityFacts] = Aggregate(
    service="reintegration", name="authority", decider=authority.AUTHORITY, table=tables.AUTHORITIES,
    state=authority.Authority, facts=_authority_facts, project=authority_projections.authority_terms,
)

FUNDING_POLICY: Aggregate[policies.FundingPolicy, policies.PolicyFacts] = Aggregate(
    service="reintegration", name="funding_policy", decider=policies.FUNDING_POLICY, table=tables.FUNDING_POLICIES,
    state=policies.FundingPolicy, facts=_policy_facts, project=authority_projections.policy_versions,
)

WIRING = Wiring(
    service=topology.REINTEGRATION,
    aggregates=(PERSON, FAMILY, CASE, PLAN, FUND, PERIOD, GRANT, RATE, AUTHORITY, FUNDING_POLICY, PAYEE, STAFF_LIST, SANCTIONS_LIST, *bank_wiring.AGGREGATES, OWN_ACCOUNT, PAYMENT_BATCH, *OF_SURVEYS, *OF_SPOT_CHECKS),
    policy=POLICY, heard=(*contracts.returns.EVENTS, *contracts.counselling.EVENTS),
    reactions=REACTIONS, refusals=REFUSALS,
    checks=(
        *projections.CHECKS, *fund_projections.CHECKS, *posting_projections.CHECKS, *attempt_projections.CHECKS, *recovery_projections.CHECKS, *difference_projections.CHECKS, *grant_projections.CHECKS, *approval_projections.CHECKS, *rate_projections.CHECKS, *authority_projections.CHECKS,
        *grant_decisions.CHECKS,
        *files.CHECKS, *payee_projections.CHECKS, *bank_wiring.CHECKS, *batch_projections.CHECKS, *survey_queries.CHECKS, *spot_check_queries.CHECKS, nothing_left_of_the_erased(("payee_details", "payee_tokens", "survey_answers")),
    ),
    timers=(*TIMERS, *bank_wiring.TIMERS), access=access_of("reintegration", tables.METADATA.tables["accesses"]),
    holdings=Holdings(
        parting=(PersonsLeft, StayNoted), coming=(PersonsCame, StayTakenBack),
        opens={"payee_details": payee_details.told, "survey_answers": survey_answers.told},
        about={"payee_details": "payee_id"},
        untold={
            "payee_details.country": "the country in which the person is paid, which is told of the payee",
            **dict.fromkeys(
                ("payees.hits", "payees.cleared", "payees.clearing_reason", "payees.screened_lists"),
                "what a list of sanctions resembles is looked at by two persons; that somebody is blocked is told",
            ),
            "payee_clearances": "which entries of lists mean somebody else, which is about others",
            **dict.fromkeys(("own_accounts", "payment_batches", "batch_payments"), "the mission's accounts and what goes to the bank; each attempt to pay is told with its grant"),
            "sanctions_lists": "which lists of sanctions were brought, which is nobody's",
            "sanctions_entries": "what lists of sanctions say, which their publishers tell",
            "payees.shares": "which other payees have the same account, which is about others",
            "payees.vendor_key": "the code of a vendor, which is told",
            "payees.contacts": "since when which contact can be called; each is told with its account",
            "payee_tokens": "keyed hashes of accounts, which are told",
            "payee_shares": "which other payees have the same account, which is about others",
            "staff_lists": "which accounts members of staff have, which is about no beneficiary",
            "staff_accounts": "keyed hashes of accounts of members of staff, which is about no beneficiary",
            "payee_accounts": "which accounts members of staff stated when; each account is told",
            "payee_confirmations": "which member of staff confirmed which account, which the payee tells",
            "evidence_files": "the papers themselves: each is told with its grant, and a copy is given on request",
            "evidence_pieces": "the papers themselves: each is told with its grant, and a copy is given on request",
            **dict.fromkeys(("spot_check_draws", "drawn_deliveries", "spot_checks"), "whether colleagues handed over what they say, which is about them"),
            **dict.fromkeys(("instruments", "instrument_texts", "survey_rounds"), "what surveys ask and when, which is nobody's"),
            "families": "which persons belong together, which counselling tells",
            "person_caps": "how often a person's grants changed, so that two at a time do not pass the cap",
            "case_limits": "how many grants of a case are live, which are told",
            "case_plans": "an index of plans, which are told",
            "taken_plan_lines": "an index of grants, which are told",
            **dict.fromkeys(
                ("grant_endorsements", "grant_approvals", "grant_commitments", "commitment_additions", "approvals_before"),
                "who decided on which version of a request, by whose authority; the grant, with who they were, is told",
            ),
            "grant_versions": "what was asked for in each version of a request; the grant, with the present one, is told",
            "open_advances": "an index of tranches, which are told with their grant",
            "payment_attempts": "each attempt to pay a tranche, which is told with its grant",
            **bank_wiring.UNTOLD,
            **dict.fromkeys(("recovered_money", "write_offs_asked", "write_offs"), "what came back of money that is asked back, which is told with its grant"),
            "reconciliation_differences": "what of a tranche was not received, which is told with its grant",
            "payment_references": "an index of payments, which are told with their grant",
            **dict.fromkeys(("funds", "fund_balances"), "a donor's money, which is nobody's"),
            "fund_changes": "what was asked for a donor's money, which is about no beneficiary",
            "fund_confirmations": "what was confirmed of a donor's money, which is about no beneficiary",
            "fund_drops": "what was not confirmed of a donor's money, which is about no beneficiary",
            "fund_postings": "what a grant took of its fund and when, which is told with the grant and its tranches",
            **dict.fromkeys(("accounting_periods", "closed_months"), "which months are closed, which is nobody's"),
            **dict.fromkeys(("rates", "exchange_rates"), "what currencies are worth, which is nobody's"),
            **dict.fromkeys(("authorities", "authority_terms"), "what members of staff may approve, which is about no beneficiary"),
            "open_authorities": "an index of what members of staff may approve",
            **dict.fromkeys(("funding_policies", "policy_versions"), "what programmes ask for, which is nobody's"),
            "grants_of_the_erased": "how many grants of persons who were erased were for what, without saying whose",
            "grant_decisions": "which member of staff decided what, which is told with the grant",
            "grant_turns": "which member of staff acts next on a grant, which is told",
        },
    ),
)
