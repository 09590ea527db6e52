"""Reintegration's aggregates put together: core, table, facts, projections, and the limits that the database holds."""

from dataclasses import replace
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
    lost_bank_queries,
    paid_although_projections,
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
    survey_queries,
    tables,
    voucher_queries,
)
from services.reintegration.batch_wiring import OWN_ACCOUNT, batches_of
from services.reintegration.domain import (
    authority,
    case,
    family,
    fund,
    lost_payments,
    periods,
    person,
    plan,
    plan_state,
    policies,
    rates,
)
from services.reintegration.grant_wiring import GRANT
from services.reintegration.holdings import HOLDINGS
from services.reintegration.measures import MEASURES
from services.reintegration.payee_wiring import PAYEE, SANCTIONS_LIST, STAFF_LIST, TIMERS
from services.reintegration.policy import POLICY
from services.reintegration.reach import case_within, within_reach
from services.reintegration.reactions import REACTIONS
from services.reintegration.refusals import REFUSALS
from services.reintegration.spot_check_wiring import OF_SPOT_CHECKS
from services.reintegration.survey_wiring import OF_SURVEYS
from services.reintegration.voucher_wiring import samples_of
from shared import contracts, topology
from shared.access import access_of
from shared.actors import Actor
from shared.aggregate import Aggregate
from shared.db import UnitOfWork
from shared.decider import NoFacts
from shared.erasing import nothing_left_of_the_erased
from shared.errors import NotFound
from shared.messages import Command, Context
from shared.policy import Reach
from shared.settings import MISSION
from shared.wiring import Wiring, no_facts


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
    known = within_reach(facts.case, context, shared=shared)
    if known is None and facts.case is not None and state is not None:
        # Before an arrival a receiving office knows of no plan but one that is shared, so there is none that it could read.
        raise NotFound
    return replace(facts, case=known)


async def _fund_facts(
    unit: UnitOfWork, fund_id: UUID, state: fund.Fund | None, command: Command | None, _: Context
) -> fund.FundFacts:
    if state is None or isinstance(command, fund.DropFundChange):
        return fund.FundFacts()
    return await fund_queries.behind_a_fund(unit, fund_id, in_turn=isinstance(command, fund.ConfirmFund))


async def _lost_payments_facts(
    unit: UnitOfWork, id: UUID, state: lost_payments.LostPayments | None, command: Command | None, _: Context
) -> lost_payments.LostPaymentsFacts:
    if state is None or isinstance(command, lost_payments.RecordLostPayments | lost_payments.SettleLostPayment):
        return lost_payments.LostPaymentsFacts()
    if isinstance(command, lost_payments.NameFoundPayment):
        return await lost_bank_queries.behind_a_found_one(unit, id, command)
    return await lost_bank_queries.behind_clearing(unit, id, MISSION.mission_time_zone)


async def _period_facts(
    unit: UnitOfWork, period_id: UUID, state: periods.AccountingPeriod | None, command: Command | None, context: Context
) -> periods.PeriodFacts:
    if not isinstance(command, periods.ClosePeriod):
        return periods.PeriodFacts()
    return await period_queries.behind_a_period(unit, period_id, command.month, context.now, MISSION.mission_time_zone)


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


def _of_own_country(known: plan_state.Plan, reach: Reach, _: Actor) -> bool:
    return reach.covers(known.destination_country)


CASE: Aggregate[case.Case, case.CaseFacts] = Aggregate(
    service="reintegration", name="case", decider=case.CASE, table=tables.CASES, state=case.Case,
    facts=_case_facts, project=projections.case_limits, within=case_within,
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
PAYMENT_BATCH = batches_of(GRANT)
VOUCHER_SAMPLE = samples_of(GRANT)

LOST_PAYMENTS: Aggregate[lost_payments.LostPayments, lost_payments.LostPaymentsFacts] = Aggregate(
    service="reintegration", name="lost_payments", decider=lost_payments.LOST_PAYMENTS, table=tables.LOST_PAYMENTS,
    state=lost_payments.LostPayments, facts=_lost_payments_facts, chosen=False,
)

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
    aggregates=(PERSON, FAMILY, CASE, PLAN, FUND, PERIOD, GRANT, RATE, AUTHORITY, FUNDING_POLICY, PAYEE, STAFF_LIST, SANCTIONS_LIST, *bank_wiring.AGGREGATES, OWN_ACCOUNT, PAYMENT_BATCH, *OF_SURVEYS, *OF_SPOT_CHECKS, VOUCHER_SAMPLE, LOST_PAYMENTS),
    policy=POLICY, heard=(*contracts.returns.EVENTS, *contracts.counselling.EVENTS),
    reactions=REACTIONS, refusals=REFUSALS,
    checks=(
        *projections.CHECKS, *fund_projections.CHECKS, *posting_projections.CHECKS, *attempt_projections.CHECKS, *recovery_projections.CHECKS, *difference_projections.CHECKS, *paid_although_projections.CHECKS, *grant_projections.CHECKS, *approval_projections.CHECKS, *rate_projections.CHECKS, *authority_projections.CHECKS,
        *grant_decisions.CHECKS,
        *files.CHECKS, *payee_projections.CHECKS, *bank_wiring.CHECKS, *batch_projections.CHECKS, *survey_queries.CHECKS, *spot_check_queries.CHECKS, *voucher_queries.CHECKS, nothing_left_of_the_erased(("payee_details", "payee_tokens", "former_payee_tokens", "survey_answers")),
    ),
    timers=(*TIMERS, *bank_wiring.TIMERS), access=access_of("reintegration", tables.METADATA.tables["accesses"]),
    holdings=HOLDINGS, measures=MEASURES,
)
