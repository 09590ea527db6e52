"""Approvals: how many a request needs, by whose authority each is given, and why somebody may not give the next one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.reintegration.domain.conversion import Converted
from services.reintegration.domain.delegation import ActingTerms, Thresholds
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import hats
from shared.contracts.approvals import ApprovalGiven
from shared.contracts.authority import ApprovingRole
from shared.decider import ReadsFacts
from shared.errors import FourEyes, RuleViolation
from shared.messages import Context
from shared.money import Money

_CHIEFS: Final = 3


@dataclass(frozen=True, slots=True)
class NextApproval:
    """The approval that is due now: its level of how many, what decided that, and by which terms it is given.

    ``weighed`` is the amount with the person's other grants of twelve months, in the currency of the thresholds.
    ``converted`` is the amount in the currency of the authority, by the rates of the day.
    """

    level: int
    levels_needed: int
    thresholds: Thresholds
    weighed: Money
    terms: ActingTerms
    converted: Converted


def approved_by_you() -> FourEyes:
    """Refuses a second approval of one person; the database's key refuses it in the same words."""
    return FourEyes("You approved this request already, so somebody else has to give the next approval.", "approved_by_you")


def authority_used() -> FourEyes:
    """Refuses a second approval by one authority; the database's key refuses it in the same words."""
    return FourEyes(
        "This request is approved by that authority already. A deputy is no second pair of eyes beside "
        "whom they stand in for.",
        "authority_used_already",
    )


def stands_in_for_one_involved() -> FourEyes:
    """Refuses a deputy of somebody who had a part in the request; the database's CHECK refuses it in the same words."""
    return FourEyes(
        "Whoever you stand in for had a part in this request, so their authority does not count here.",
        "stands_in_for_one_involved",
    )


def beyond_authority() -> RuleViolation:
    """Refuses an amount above the limit; the database's CHECK refuses it in the same words."""
    return RuleViolation("beyond_authority", "This is more than you have authority to approve.")


def authority_not_in_force() -> RuleViolation:
    """Refuses an authority before, after or since the end of its days; the database's CHECK refuses it in the same words."""
    return RuleViolation("authority_not_in_force", "Your authority to approve does not count today.")


def not_twice(state: Grant, facts: GrantFacts, context: Context) -> None:
    """The guard that refuses as ``approved_by_you`` whoever gave one of the approvals of this version."""
    if any(given.approver_id == context.actor.person_id for given in state.approvals):
        raise approved_by_you()


@ReadsFacts
def within_authority(state: Grant, facts: GrantFacts, context: Context) -> None:
    """The guard that refuses whoever has no authority for the next approval, each reason by its own code."""
    next_approval(state, facts, context)


def next_approval(state: Grant, facts: GrantFacts, context: Context) -> NextApproval:
    """The approval that this person may give now; `RuleViolation` where they have no authority for it."""
    if facts.support is None:
        raise RuleViolation("policy_unknown", "The policy that this request was submitted under is not known here.")
    caps = facts.support.caps
    thresholds = Thresholds(caps.one_approver_up_to, caps.two_approvers_up_to, caps.currency)
    weighed = facts.support.of_the_person(state.money)
    needed = max((thresholds.levels_for(weighed.amount), *(given.levels_needed for given in state.approvals)))
    level = len(state.approvals) + 1
    terms, converted = _by_authority(state, facts, context, level, needed)
    return NextApproval(level, needed, thresholds, weighed, terms, converted)


def approval_given(state: Grant, fund_id: UUID, facts: GrantFacts, context: Context) -> ApprovalGiven:
    """The approval of this request from one fund by whoever asks, with their sign-in; `RuleViolation` as `next_approval`."""
    if any(given.fund_id != fund_id for given in state.approvals):
        raise RuleViolation("another_fund", "Who approved this request before you named another fund. Name the same one.")
    if context.sign_in is None:
        raise RuleViolation("sign_in_unknown", "How you signed in is not known here. Sign in again with your security key.")
    due = next_approval(state, facts, context)
    terms, by_rate = due.terms, bool(due.converted.legs)
    return ApprovalGiven(
        request_version=state.request_version,
        content_hash=state.content_hash,
        money=state.money,
        fund_id=fund_id,
        level=due.level,
        levels_needed=due.levels_needed,
        weighed=due.weighed,
        one_approver_up_to=Money(amount=due.thresholds.one_approver_up_to, currency=due.thresholds.currency),
        two_approvers_up_to=Money(amount=due.thresholds.two_approvers_up_to, currency=due.thresholds.currency),
        approved_by=context.actor.person_id,
        approved_at=context.now,
        approved_on=facts.today,
        authority_id=terms.authority_id,
        terms_no=terms.terms_no,
        authority_holder=terms.holder_id,
        authority_role=terms.role,
        authority_up_to=terms.limit,
        authority_valid_from=terms.valid_from,
        authority_valid_until=terms.valid_until,
        in_authority=due.converted.money,
        rate=f"{due.converted.rate:f}" if by_rate else None,
        rate_on=due.converted.effective_on,
        rate_sources=tuple(dict.fromkeys(leg.source for leg in due.converted.legs)),
        strength=context.sign_in.strength,
        auth_age_seconds=context.sign_in.age_seconds,
    )


def _by_authority(
    state: Grant, facts: GrantFacts, context: Context, level: int, needed: int
) -> tuple[ActingTerms, Converted]:
    found = left(own_first(facts, context), lambda one: fits(one.role, level, needed), _not_your_level(level))
    found = counting(found, state, facts, context)
    used = {given.holder_id for given in state.approvals}
    found = left(found, lambda one: one.holder_id not in used, authority_used())
    if context.actor.person_id in used:
        # A deputy approved for them, so that they are no second pair of eyes either, by whosever authority.
        raise authority_used()
    return covering(found, state.money, facts)


def own_first(facts: GrantFacts, context: Context) -> Sequence[ActingTerms]:
    """All by which whoever acts may act: an authority of their own comes before another's. Refused as ``no_authority``."""
    person_id = context.actor.person_id
    if not facts.terms:
        raise _no_authority()
    return sorted(facts.terms, key=lambda one: (one.holder_id != person_id, one.holder_id, str(one.authority_id)))


def counting(terms: Sequence[ActingTerms], state: Grant, facts: GrantFacts, context: Context) -> Sequence[ActingTerms]:
    """Those of these terms that count today, and whose holder had no part in the request beside that of whoever acts."""
    person_id = context.actor.person_id
    found = left(terms, lambda one: one.in_force(facts.today), authority_not_in_force())
    # Who approved an earlier version may have their deputy approve this one, as they may themselves.
    involved = {person for hat, person in hats(state) if hat != "approver"}
    involved |= {state.counsellor_id, *(given.approver_id for given in state.approvals)}
    return left(found, lambda one: one.holder_id == person_id or one.holder_id not in involved, stands_in_for_one_involved())


def left(
    terms: Sequence[ActingTerms], keep: Callable[[ActingTerms], bool], refusal: RuleViolation
) -> Sequence[ActingTerms]:
    """The terms that are kept; where none is, the refusal."""
    kept = [one for one in terms if keep(one)]
    if not kept:
        raise refusal
    return kept


def fits(role: ApprovingRole, level: int, needed: int) -> bool:
    """Whether an authority of this role can give the approval of this level of so many."""
    if level == _CHIEFS:
        return role == "chief_of_mission"
    # Where the chief of mission is asked as well, they come last and see what the others approved.
    return needed < _CHIEFS or role == "finance_approver"


def covering(terms: Sequence[ActingTerms], money: Money, facts: GrantFacts) -> tuple[ActingTerms, Converted]:
    """The first of these terms whose limit covers the money, with it in their currency; ``beyond_authority``, ``rate_missing``."""
    refusal: RuleViolation | None = None
    for one in terms:
        try:
            converted = facts.rates.convert(money, one.currency)
        except RuleViolation as missing:
            refusal = refusal or missing
            continue
        if converted.money.amount <= one.up_to:
            return one, converted
        refusal = beyond_authority()
    raise refusal or _no_authority()


def _no_authority() -> RuleViolation:
    return RuleViolation("no_authority", "Nobody gave you authority to approve. The chief of mission does.")


def _not_your_level(level: int) -> RuleViolation:
    if level == _CHIEFS:
        return RuleViolation("chief_needed", "Two have approved this request; the chief of mission approves it as well.")
    return RuleViolation("chief_comes_last", "Two finance approvers decide on this request before the chief of mission does.")
