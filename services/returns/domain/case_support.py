"""Support on the way: that a person needs it is recorded, then that it was given and what it cost, or that it is not given."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from services.returns.domain.case_guards import member, still_open
from services.returns.domain.case_state import Case, CaseFacts
from services.returns.domain.days import home_day
from services.returns.domain.given_fields import ValidDay
from services.returns.domain.support import Support, is_shown_health_support, tells_of_health
from shared.actors import Actor
from shared.contracts.support import (
    SupportCancellation,
    SupportCancelled,
    SupportGiven,
    SupportNeed,
    SupportOutcome,
    SupportPlanned,
)
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context
from shared.money import Money, refuse_unpayable
from shared.new_ids import NewId

# A case's row holds all of it; whoever needs more needs more than support on the way.
MOST_SUPPORTS: Final = 100

Provider = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_\-]{1,40}$", description="The code of the organisation that gives it. Nobody's name.")
]
BudgetLine = Annotated[str, Field(pattern=r"^[A-Za-z0-9._\-]{1,40}$", description="The line of the budget that bears it.")]


class PlanSupport(Command):
    """Record that a person needs something on the way, and from which day, until which, if that is known.

    What tells of health is recorded by the counsellor of the case, protection or medical staff, and nobody else is shown it.
    """

    support_id: NewId
    person_id: UUID
    need: SupportNeed
    needed_from: ValidDay
    needed_until: ValidDay | None = None


class GiveSupport(Command):
    """Record that a person was given what was planned: by whom, on which days, at what cost, and what came of it.

    It is possible after the case has ended as well: a bill comes when it comes.
    """

    support_id: UUID
    provider: Provider
    given_from: ValidDay
    given_until: ValidDay
    cost: Annotated[Money, Field(description="What it cost the mission; zero if it cost nothing.")]
    budget_line: BudgetLine
    outcome: SupportOutcome


class CancelSupport(Command):
    """Record that something planned is not given. Whoever needs something else needs it under a new id."""

    support_id: UUID
    reason: SupportCancellation


def _plan(case: Case, order: PlanSupport, _: CaseFacts, context: Context) -> Events:
    person = member(case, order.person_id)
    if person.travel == "withdrawn":
        raise RuleViolation(
            "person_withdrew", "This person has withdrawn and stays. Support on the way is for those who go."
        )
    if tells_of_health(order.need) and not is_shown_health_support(case.counsellor_id, context.actor):
        raise RuleViolation(
            "health_is_not_your_part",
            "Medical and psychosocial support is recorded by the counsellor of the case, protection or medical staff.",
        )
    if order.needed_until is not None and order.needed_until < order.needed_from:
        raise RuleViolation("days_in_wrong_order", "The last day lies before the first. Check both days.")
    if any(one.support_id == order.support_id for one in case.supports):
        raise RuleViolation("support_id_taken", "Something else was recorded under this id. Record this under a new id.")
    if len(case.supports) >= MOST_SUPPORTS:
        raise RuleViolation("too_much_support", "So much support is on record for this case that no more can be added.")
    return (
        SupportPlanned(
            support_id=order.support_id, person_id=order.person_id, need=Concealed.of(order.need),
            needed_from=order.needed_from, needed_until=order.needed_until,
        ),
    )  # fmt: skip


def _give(case: Case, order: GiveSupport, _: CaseFacts, context: Context) -> Events:
    support = _planned(case, order.support_id, context.actor)
    if order.given_until < order.given_from:
        raise RuleViolation("days_in_wrong_order", "The last day lies before the first. Check both days.")
    if order.given_from > home_day(context.now):
        raise RuleViolation("in_the_future", "The time given has not come yet. Record what happened once it has.")
    refuse_unpayable((order.cost,))
    return (
        SupportGiven(
            support_id=support.support_id, person_id=support.person_id, provider=Concealed.of(order.provider),
            budget_line=Concealed.of(order.budget_line), outcome=Concealed.of(order.outcome), cost=order.cost,
            given_from=order.given_from, given_until=order.given_until,
        ),
    )  # fmt: skip


def _cancel(case: Case, order: CancelSupport, _: CaseFacts, context: Context) -> Events:
    support = _planned(case, order.support_id, context.actor)
    return (
        SupportCancelled(
            support_id=support.support_id, person_id=support.person_id, reason=Concealed.of(order.reason)
        ),
    )  # fmt: skip


def _planned(case: Case, support_id: UUID, actor: Actor) -> Support:
    """What is planned under this id, if whoever acts is shown it; ``support_unknown``, ``support_settled``."""
    support = next((one for one in case.supports if one.support_id == support_id), None)
    # What somebody is not shown is not there for them, nor is what nobody knows any more.
    if support is None or support.need is None or (
        tells_of_health(support.need) and not is_shown_health_support(case.counsellor_id, actor)
    ):
        raise RuleViolation("support_unknown", "There is no such support on this case. Choose what is planned.")
    if support.status != "planned":
        raise RuleViolation("support_settled", "This was given or cancelled already. What else is needed is planned anew.")
    return support


def _something_planned(case: Case, _: CaseFacts, context: Context) -> None:
    shown = is_shown_health_support(case.counsellor_id, context.actor)
    if not any(
        one.status == "planned" and one.need is not None and (shown or not tells_of_health(one.need))
        for one in case.supports
    ):
        raise RuleViolation("no_support_planned", "No support is planned for anybody of this case.")


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    # On hold as well: whoever waits needs a bed.
    changing(PlanSupport, "Plan support on the way", _plan, still_open),
    changing(GiveSupport, "Record that support was given", _give, _something_planned),
    changing(CancelSupport, "Cancel support on the way", _cancel, _something_planned),
)
