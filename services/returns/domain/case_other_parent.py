"""A child that travels without one of its parents: by what that is settled, and that it is not, or not any more."""

from uuid import UUID

from services.returns.domain.case_guards import also_on_hold, travelling_child
from services.returns.domain.case_state import BEFORE_DEPARTURE, Case, CaseFacts, CasePerson, Evidence
from services.returns.domain.days import home_day
from services.returns.domain.given_fields import ValidDay
from services.returns.domain.journey_evidence import recorded
from services.returns.domain.of_age import is_adult, may_go_beside_an_adult
from services.returns.domain.other_parent import is_other_parent_asked, is_other_parent_settled, settles
from services.returns.domain.screening_lines import as_told_to, is_shown_screening
from shared.actors import Role
from shared.contracts.families import NotSettled, OtherParent
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Context


class SettleOtherParent(Command):
    """Record by what a child travels without one of its parents: that parent's consent, a paper on custody, a decision.

    The day is that on which the consent was given, the paper was made out or protection decided. Of this nothing stands in
    clear: only protection and the counsellor of the case are shown what it is. Once other adults go with the child, or fewer,
    it is asked anew. What protection decides, protection records.
    """

    person_id: UUID
    settled_by: OtherParent
    settled_on: ValidDay


class AskForOtherParent(Command):
    """Record that it is not settled, or not any more, by what a child travels without one of its parents.

    A consent was withdrawn, a paper is contested, protection took its decision back, or the adults who go along are not
    both parents of the child, whatever the family's record says. The child is not ready to travel until it is settled.
    """

    person_id: UUID
    not_settled: NotSettled


def _a_child_goes_with_an_adult(known: Case, _: CaseFacts, context: Context) -> None:
    # What may be ordered is shown to all staff, and must not tell them whose age is in doubt.
    case = as_told_to(known, context.actor)
    children = [person for person in case.travelling if not is_adult(person, case)]
    if not children:
        raise RuleViolation("no_child_travels", "No child travels by this case.")
    if not any(may_go_beside_an_adult(child, case) for child in children):
        raise RuleViolation(
            "child_on_its_own",
            "No adult travels by this case. For a child on its own it is determined what is best, and how it is looked after.",
        )


def _refuse_for_protection(context: Context) -> None:
    if Role.PROTECTION not in context.actor.roles:
        raise RuleViolation("protection_decides", "Only protection records what protection has decided. Ask protection.")


def _settle(case: Case, order: SettleOtherParent, _: CaseFacts, context: Context) -> Events:
    child = travelling_child(as_told_to(case, context.actor), order.person_id)
    if order.settled_by == "protection_decision":
        _refuse_for_protection(context)
    if order.settled_on > home_day(context.now):
        raise RuleViolation("in_the_future", "The day given has not come yet. Record what happened once it has.")
    if not is_other_parent_asked(child, case):
        raise RuleViolation(
            "both_parents_travel",
            "Both parents of this child travel with it, so there is nothing to settle. If that is not so, record that first.",
        )
    settled = Evidence("other_parent", context.now, order.settled_on, conditions=(order.settled_by,))
    return _unless_known(case, child, settled, context)


def _ask(case: Case, order: AskForOtherParent, _: CaseFacts, context: Context) -> Events:
    child = travelling_child(as_told_to(case, context.actor), order.person_id)
    if order.not_settled == "decision_withdrawn":
        _refuse_for_protection(context)
    asked = Evidence("other_parent", context.now, conditions=(order.not_settled,))
    return _unless_known(case, child, asked, context)


def _unless_known(case: Case, child: CasePerson, stated: Evidence, context: Context) -> Events:
    known = child.has("other_parent")
    # Whoever is not shown what is on record must not learn from the answer that it is the same.
    if known is not None and is_shown_screening(case, context.actor):
        same = (known.conditions, known.valid_from) == (stated.conditions, stated.valid_from)
        if same and is_other_parent_settled(child, case) == settles(stated):
            return ()
    return (recorded(child.person_id, stated),)


# On hold as well: it is by such a record that many a hold comes to be lifted.
RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(
        SettleOtherParent, "Settle that a child travels without a parent", _settle, also_on_hold(*BEFORE_DEPARTURE),
        _a_child_goes_with_an_adult,
    ),
    changing(
        AskForOtherParent, "Ask for a child's other parent", _ask, also_on_hold(*BEFORE_DEPARTURE),
        _a_child_goes_with_an_adult,
    ),
)
