"""Visits to what a tranche was for: who looked when and what they found. Whoever pays does not visit (decision 56)."""

from typing import Final

from services.reintegration.domain.grant_facts import GrantFacts, while_in
from services.reintegration.domain.grant_state import Grant
from services.reintegration.domain.hats import hats
from services.reintegration.domain.signers import not_who_signed_its_batch
from services.reintegration.domain.tranches import TrancheNumber, tranche_of
from shared.contracts.visits import VisitFinding, VisitMode, VisitRecorded
from shared.decider import Events, Rule, changing
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event
from shared.moments import Day

# More than anybody makes for a grant of six tranches, and few enough to be read together with it.
MOST_VISITS: Final = 60

class RecordVisit(Command):
    """Record that you looked at what a tranche was for, and what you found. Whoever pays on this grant does not."""

    tranche: TrancheNumber
    visited_on: Day
    mode: VisitMode
    finding: VisitFinding


def _pays_nothing(state: Grant, facts: GrantFacts, context: Context) -> None:
    if ("payer", context.actor.person_id) in hats(state):
        raise FourEyes("You paid on this grant, so somebody else has to visit.")


def _record(state: Grant, order: RecordVisit, facts: GrantFacts, context: Context) -> Events:
    tranche = tranche_of(state, order.tranche)
    if tranche.paid_on is None:
        raise RuleViolation("tranche_not_paid", "This tranche is not paid, so there is nothing to look at yet.")
    if order.visited_on > facts.today:
        raise RuleViolation("in_the_future", "The day of the visit is still to come.")
    if order.visited_on < tranche.paid_on:
        raise RuleViolation("visited_before_payment", "The day of the visit lies before that of the payment.")
    if len(state.visits) >= MOST_VISITS:
        raise RuleViolation("too_many_visits", f"A grant takes {MOST_VISITS} visits.")
    return (
        VisitRecorded(
            tranche=tranche.number, visited_on=order.visited_on, mode=order.mode, finding=order.finding,
            recorded_by=context.actor.person_id, recorded_at=context.now,
        ),
    )  # fmt: skip


VISIT_EVENTS: tuple[type[Event], ...] = (VisitRecorded,)
VISIT_RULES: tuple[Rule[Grant, GrantFacts], ...] = (
    changing(
        RecordVisit, "Record a visit", _record,
        while_in("visited", "in_disbursement", "suspended", "disbursed", "completed", "cancelled"), _pays_nothing,
        not_who_signed_its_batch,
    ),
)  # fmt: skip
