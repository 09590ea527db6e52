"""An approval policy: which amounts, approvals and papers a funding programme asks for, in versions that never change."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, get_args

from pydantic import Field

from services.reintegration.domain.amounts import PositiveMoney, refuse_two_currencies
from shared.contracts.reintegration import (
    CATEGORIES_OF_HEALTH,
    MOST_PAPERS,
    PAPERS_OF_HEALTH,
    Code,
    Percent,
    PolicyPublished,
    RequiredPaper,
)
from shared.contracts.visits import NextTrancheNeed
from shared.decider import Decider, Events, either
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.money import Money, refuse_unpayable

Needs = Annotated[tuple[NextTrancheNeed, ...], Field(max_length=len(get_args(NextTrancheNeed)))]
Papers = Annotated[tuple[RequiredPaper, ...], Field(max_length=MOST_PAPERS)]


@dataclass(frozen=True, slots=True)
class FundingPolicy:
    """The newest version of a programme's policy; all amounts in one currency."""

    programme: str
    policy_version: int
    currency: str
    cap_per_person: Decimal
    cap_per_family: Decimal
    one_approver_up_to: Decimal
    two_approvers_up_to: Decimal
    quotations_above: Decimal
    own_contribution_percent: int
    required_papers: tuple[RequiredPaper, ...]
    published_by: str
    published_at: datetime
    next_tranche_needs: tuple[NextTrancheNeed, ...] = ()
    reconciling_needs: tuple[NextTrancheNeed, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """Whether the programme has a policy under another id."""

    taken: bool = False


class PublishPolicy(Command):
    """Publish what a funding programme asks for, as its first policy or as the next version of the one it has.

    What was requested before stays under the version it was requested under.
    """

    programme: Code
    cap_per_person: PositiveMoney
    cap_per_family: PositiveMoney
    one_approver_up_to: PositiveMoney
    two_approvers_up_to: PositiveMoney
    quotations_above: PositiveMoney
    own_contribution_percent: Percent
    required_papers: Papers = ()
    next_tranche_needs: Needs = ()
    reconciling_needs: Needs = ()


def _eur(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


# An example, never an IOM rule: each funding programme sets its own. Its caps are what requests are tested against now.
EXAMPLE: Final = PublishPolicy(
    programme="example", cap_per_person=_eur("3000.00"), cap_per_family=_eur("7500.00"),
    one_approver_up_to=_eur("500.00"), two_approvers_up_to=_eur("2000.00"), quotations_above=_eur("1000.00"),
    own_contribution_percent=0,
    required_papers=(
        RequiredPaper(category="business", evidence_kind="business_plan"), RequiredPaper(category="housing", evidence_kind="lease"),
        RequiredPaper(category="medical", evidence_kind="prescription"), RequiredPaper(category="other", evidence_kind="quotation"),
    ),
    next_tranche_needs=get_args(NextTrancheNeed), reconciling_needs=("receipt",),
)  # fmt: skip


def programme_has_a_policy() -> RuleViolation:
    """Refuses a second policy of one programme; the database's key refuses it in the same words."""
    return RuleViolation("programme_has_a_policy", "This programme has a policy already. Publish the next version of that one.")


def _publish(state: FundingPolicy | None, order: PublishPolicy, facts: PolicyFacts, context: Context) -> Events:
    sums = (
        order.cap_per_person, order.cap_per_family, order.one_approver_up_to, order.two_approvers_up_to, order.quotations_above,
    )  # fmt: skip
    refuse_two_currencies(sums)
    refuse_unpayable(sums)
    if order.two_approvers_up_to.amount < order.one_approver_up_to.amount:
        raise RuleViolation("thresholds_reversed", "What two may approve is less than what one may approve alone.")
    if order.cap_per_family.amount < order.cap_per_person.amount:
        raise RuleViolation("caps_reversed", "A family's cap is less than the cap of one person.")
    papers = {(one.category, one.evidence_kind) for one in order.required_papers}
    if len(papers) < len(order.required_papers):
        raise RuleViolation("paper_named_twice", "A paper is asked for twice for the same category.")
    if len(set(order.next_tranche_needs)) < len(order.next_tranche_needs):
        raise RuleViolation("need_named_twice", "What the next tranche waits for is named twice.")
    if len(set(order.reconciling_needs)) < len(order.reconciling_needs):
        raise RuleViolation("need_named_twice", "What a reconciliation waits for is named twice.")
    if any(one.evidence_kind in PAPERS_OF_HEALTH and one.category not in CATEGORIES_OF_HEALTH for one in order.required_papers):
        raise RuleViolation(
            "paper_of_health", "A paper that tells what somebody suffers from cannot be filed with a grant that is not for health."
        )
    if state is not None and order.programme != state.programme:
        raise RuleViolation("another_programme", "This policy is of another programme. Publish that one's under its own id.")
    if facts.taken:
        raise programme_has_a_policy()
    return (
        PolicyPublished(
            **dict(order), policy_version=1 if state is None else state.policy_version + 1,
            published_by=context.actor.person_id, published_at=context.now,
        ),
    )  # fmt: skip


def evolve(state: FundingPolicy | None, event: Event) -> FundingPolicy:
    """The policy after its event; TypeError for any other."""
    match event:
        case PolicyPublished():
            return FundingPolicy(
                programme=event.programme, policy_version=event.policy_version, currency=event.cap_per_person.currency,
                cap_per_person=event.cap_per_person.amount, cap_per_family=event.cap_per_family.amount,
                one_approver_up_to=event.one_approver_up_to.amount, two_approvers_up_to=event.two_approvers_up_to.amount,
                quotations_above=event.quotations_above.amount, own_contribution_percent=event.own_contribution_percent,
                required_papers=event.required_papers, published_by=event.published_by, published_at=event.published_at,
                next_tranche_needs=event.next_tranche_needs, reconciling_needs=event.reconciling_needs,
            )  # fmt: skip
        case _:
            raise TypeError(f"{type(event).__name__} is not an event of an approval policy")


FUNDING_POLICY: Decider[FundingPolicy, PolicyFacts] = Decider(
    rules=(either(PublishPolicy, "Publish the policy", _publish),), evolve=evolve, events=(PolicyPublished,)
)
