"""The order to add to a commitment once the rates have moved, by whoever may approve so much."""

from dataclasses import dataclass

from services.reintegration.domain.amounts import NOTHING, PositiveMoney
from services.reintegration.domain.approvals import counting, covering, left, own_first
from services.reintegration.domain.commitment import shortfall
from services.reintegration.domain.conversion import Converted
from services.reintegration.domain.delegation import ActingTerms, Thresholds
from services.reintegration.domain.fund import FundBalance
from services.reintegration.domain.grant_facts import GrantFacts, person_has_arrived, while_in
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import may_wear
from services.reintegration.domain.periods import period_closed
from services.reintegration.domain.signers import not_who_signed_its_batch
from services.reintegration.domain.stops import no_recovery
from shared.contracts.commitments import CommitmentAdded
from shared.decider import Events, ReadsFacts, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.money import Money, refuse_unpayable


class AddToCommitment(Command):
    """Commit so much more of the grant's fund, in the fund's currency, where the rates have moved: no more than is missing today."""

    money: PositiveMoney


@dataclass(frozen=True, slots=True)
class _Authorised:
    """By which terms the whole commitment may be that much, and how many approvals an amount like that needs."""

    levels_needed: int
    thresholds: Thresholds
    weighed: Money
    terms: ActingTerms
    converted: Converted


def _in_another_currency(state: Grant, facts: GrantFacts, context: Context) -> None:
    if not state.fund_in_another_currency:
        raise RuleViolation("same_currency", "The fund is in the currency of the grant, which costs what was approved.")
    if not state.tranches_in("planned"):
        raise RuleViolation("no_tranche_left", "Every tranche of this grant has been released.")


@ReadsFacts
def _something_short(state: Grant, facts: GrantFacts, context: Context) -> None:
    if shortfall(state, facts.rates) <= NOTHING:
        raise RuleViolation("nothing_short", "What is left to pay costs the fund no more today than is committed.")


@ReadsFacts
def _has_authority(state: Grant, facts: GrantFacts, context: Context) -> None:
    assert state.fund_currency is not None
    _authorised(state, Money(amount=state.fund_total or NOTHING, currency=state.fund_currency), facts, context)


def _authorised(state: Grant, total: Money, facts: GrantFacts, context: Context) -> _Authorised:
    if facts.support is None:
        raise RuleViolation("policy_unknown", "The policy that this request was submitted under is not known here.")
    caps = facts.support.caps
    thresholds = Thresholds(caps.one_approver_up_to, caps.two_approvers_up_to, caps.currency)
    weighed = facts.support.of_the_person(total)
    needed = thresholds.levels_for(weighed.amount)
    found = own_first(facts, context)
    if needed > len(state.approvals):
        # Nobody else alone may commit what would have needed more of them from the beginning, and no deputy: they may have
        # given one of the approvals.
        found = left(
            found, lambda one: one.role == "chief_of_mission" and one.holder_id == context.actor.person_id, more_approvals_needed()
        )
    terms, converted = covering(counting(found, state, facts, context), total, facts)
    return _Authorised(needed, thresholds, weighed, terms, converted)


def more_approvals_needed() -> RuleViolation:
    """Refuses a total that needs more approvals than the grant had; the database's CHECK refuses it in the same words."""
    return RuleViolation(
        "more_approvals_needed", "So much needs more approvals than this grant had. The chief of mission can add it in person."
    )


def _still_valid(balance: FundBalance | None, facts: GrantFacts) -> FundBalance:
    if balance is None:
        raise RuleViolation("fund_unknown", "There is no fund under this reference.")
    if facts.month_closed:
        raise period_closed()
    if not balance.valid_on(facts.today):
        raise RuleViolation(
            "fund_not_valid",
            "Today lies outside the days on which this fund may be used. A manager asks for a later last day, or the grant is "
            "cancelled and what is left is asked for from another fund.",
        )
    return balance


def _add(state: Grant, order: AddToCommitment, facts: GrantFacts, context: Context) -> Events:
    refuse_unpayable((order.money,))
    if order.money.currency != state.fund_currency:
        raise RuleViolation("currencies_differ", "What is added must be in the currency of the fund.")
    if order.money.amount > shortfall(state, facts.rates):
        raise RuleViolation(
            "beyond_shortfall", "This is more than is missing. Add what the rates of today ask for, and no more."
        )
    balance = _still_valid(facts.fund, facts)
    if order.money.amount > balance.available:
        raise RuleViolation("fund_exhausted", "The fund does not hold enough money for this grant any more.")
    if context.sign_in is None:
        raise RuleViolation("sign_in_unknown", "How you signed in is not known here. Sign in again with your security key.")
    total = Money(amount=(state.fund_total or NOTHING) + order.money.amount, currency=order.money.currency)
    by = _authorised(state, total, facts, context)
    assert state.fund_id is not None
    in_policy, terms, by_rate = by.thresholds.currency, by.terms, bool(by.converted.legs)
    return (
        CommitmentAdded(
            addition_no=len(state.additions) + 1,
            fund_id=state.fund_id,
            money=order.money,
            total=total,
            levels_needed=by.levels_needed,
            weighed=by.weighed,
            one_approver_up_to=Money(amount=by.thresholds.one_approver_up_to, currency=in_policy),
            two_approvers_up_to=Money(amount=by.thresholds.two_approvers_up_to, currency=in_policy),
            added_by=context.actor.person_id,
            added_at=context.now,
            added_on=facts.today,
            authority_id=terms.authority_id,
            terms_no=terms.terms_no,
            authority_holder=terms.holder_id,
            authority_role=terms.role,
            authority_up_to=terms.limit,
            authority_valid_from=terms.valid_from,
            authority_valid_until=terms.valid_until,
            in_authority=by.converted.money,
            rate=f"{by.converted.rate:f}" if by_rate else None,
            rate_on=by.converted.effective_on,
            rate_sources=tuple(dict.fromkeys(leg.source for leg in by.converted.legs)),
            strength=context.sign_in.strength,
            auth_age_seconds=context.sign_in.age_seconds,
        ),
    )


COMMITMENT_EVENTS: tuple[type[Event], ...] = (CommitmentAdded,)
COMMITMENT_RULES: tuple[Rule[Grant, GrantFacts], ...] = (
    changing(
        AddToCommitment,
        "Add to the commitment",
        _add,
        while_in("added to", "approved", "in_disbursement"),
        may_wear("approver"),
        not_who_signed_its_batch,
        no_recovery,
        _in_another_currency,
        person_has_arrived,
        _something_short,
        _has_authority,
    ),
)
