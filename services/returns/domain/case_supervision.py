"""A child that travels without an adult of its case: who its guardian is, and how it is looked after from door to door."""

from uuid import UUID

from services.returns.domain.case_guards import also_on_hold, travelling_child
from services.returns.domain.case_state import BEFORE_DEPARTURE, Case, CaseFacts, Evidence
from services.returns.domain.days import home_day
from services.returns.domain.given_fields import ValidDay
from services.returns.domain.journey_evidence import recorded
from services.returns.domain.of_age import is_adult
from shared.contracts.families import GuardianNoted, HandedOverBy, ReceivedBy, TravelsWith
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Context
from shared.moments import Moment, refuse_future


class RecordGuardian(Command):
    """Record who is the guardian of a child and does not travel with it: they sign and answer for it, and hand it over.

    They are registered as an adult. It takes the place of an earlier guardian, who signs and answers for it no more; what is
    best for the child is found anew, as that one had agreed to it. Where nobody is registered under this id, counselling
    says so a moment later, and the child is without a guardian again.
    """

    person_id: UUID
    guardian_id: UUID


class RecordSupervision(Command):
    """Record how a child that travels without an adult of its case is looked after, and from which to which day that holds.

    Who goes along, who hands it over here and who receives it there. It goes with the present booking, or with the first one
    that follows; for another flight it is arranged anew.
    """

    person_id: UUID
    travels_with: TravelsWith
    handed_over_by: HandedOverBy
    received_by: ReceivedBy
    arranged_at: Moment
    valid_from: ValidDay
    valid_until: ValidDay


def _a_child_travels(case: Case, _: CaseFacts, __: Context) -> None:
    if all(is_adult(person, case) for person in case.travelling):
        raise RuleViolation("no_child_travels", "No child travels by this case.")


def _record_guardian(case: Case, order: RecordGuardian, facts: CaseFacts, __: Context) -> Events:
    child = travelling_child(case, order.person_id)
    if order.guardian_id == child.person_id:
        raise RuleViolation("own_guardian", "Nobody is their own guardian. Name the adult who stands up for the child.")
    named = case.person(order.guardian_id)
    if facts.guardian_erased:
        raise RuleViolation("guardian_erased", "Whoever has this id was erased. Name the adult who stands up for the child.")
    if facts.guardian_is_a_child or (named is not None and not is_adult(named, case)):
        raise RuleViolation("guardian_is_a_child", "A child is nobody's guardian. Name an adult who stands up for this one.")
    if child.guardian_id == order.guardian_id:
        return ()
    noted = GuardianNoted(person_id=order.person_id, guardian_id=order.guardian_id)
    return (noted,)


def _record_supervision(case: Case, order: RecordSupervision, _: CaseFacts, context: Context) -> Events:
    child = travelling_child(case, order.person_id)
    refuse_future(order.arranged_at, context)
    if order.valid_until < order.valid_from:
        raise RuleViolation("validity_in_wrong_order", "The last day lies before the first. Check both days.")
    if order.valid_until < home_day(context.now):
        raise RuleViolation("evidence_expired", "This is not valid any more. Only what still holds can be recorded.")
    known = child.has("supervision")
    if known is not None and order.arranged_at < known.established_at:
        raise RuleViolation("recorded_since", "A later one is on record. Only a newer one can take its place.")
    arranged = Evidence(
        "supervision", order.arranged_at, order.valid_from, order.valid_until,
        conditions=(order.travels_with, order.handed_over_by, order.received_by),
    )
    if arranged == known:
        return ()
    return (recorded(child.person_id, arranged),)


# On hold as well: it is by such a record that many a hold comes to be lifted.
RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(
        RecordGuardian, "Record the guardian of a child", _record_guardian, also_on_hold(*BEFORE_DEPARTURE),
        _a_child_travels,
    ),
    changing(
        RecordSupervision, "Record the supervision of a child on its own", _record_supervision,
        also_on_hold(*BEFORE_DEPARTURE), _a_child_travels,
    ),
)
