"""Screening, person by person: what the wish rests on, fear, vulnerability, risk, a child's best interests, and alerts."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import Field, StrictBool

from services.returns.domain.case_guards import also_on_hold, traveller
from services.returns.domain.case_state import BEFORE_DEPARTURE, Case, CaseFacts, CasePerson
from services.returns.domain.given_fields import Agreements, Indicators
from services.returns.domain.of_age import is_adult, may_answer_for
from services.returns.domain.screening import (
    PROTECTED_INDICATORS,
    TRAFFICKED,
    BestInterests,
    Fear,
    Finding,
    Trafficking,
    Voluntariness,
    Vulnerability,
    calls,
    holds_the_case,
)
from services.returns.domain.screening_facts import closed, found, part_of
from shared.actors import Role
from shared.contracts.returns import (
    AlertOutcome,
    BestInterestsOutcome,
    BestInterestsProcedure,
    ChildHeard,
    Company,
    HoldPlaced,
    ScreeningInterpreter,
    TraffickingRisk,
)
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context, Event
from shared.moments import Moment, refuse_future
from shared.new_ids import NewId

_AFTER_THE_WISH: Final = tuple(status for status in BEFORE_DEPARTURE if status != "intention")
RecordId = Annotated[NewId, Field(description="Under this id an alert opens, and a hold stands, if protection is called.")]


class AssessVoluntariness(Command):
    """Record what a person's wish to return rests on. An adult answers in person; for a child a guardian of the case does.

    It takes the place of an earlier assessment. Whatever was found is recorded: nobody goes on who was found not to be free,
    informed and able to decide, who was not heard alone, or to whom the ways to stay and the consequences were not explained.
    """

    record_id: RecordId
    person_id: UUID
    answered_by: UUID
    assessed_at: Moment
    free: Annotated[StrictBool, Field(description="Nobody presses the person to go.")]
    informed: Annotated[StrictBool, Field(description="The person knows what they decide on.")]
    capable: Annotated[StrictBool, Field(description="The person is able to decide.")]
    company: Annotated[Company, Field(description="Who else was in the room, beside whoever interpreted.")]
    interpreter: ScreeningInterpreter
    child_heard: Annotated[
        ChildHeard | None, Field(description="Of a child: whether it was heard, as its age allows.")
    ] = None
    legal_consequences_explained: Annotated[
        StrictBool, Field(description="What leaving means in law, such as an expulsion measure or an entry ban, was explained.")
    ]
    alternatives_explained: Annotated[StrictBool, Field(description="Ways to stay, asylum among them, were explained.")]


class RecordFearOfReturn(Command):
    """Record that a person was asked whether they fear to return, and what they said. A yes is for protection."""

    record_id: RecordId
    person_id: UUID
    asked_at: Moment
    fears_return: StrictBool


class RecordVulnerability(Command):
    """Record everything that makes a person vulnerable, or that nothing does. It takes the place of what was noted before.

    What calls protection is taken away by protection alone: whatever others record is added to that.
    """

    record_id: RecordId
    person_id: UUID
    noted_at: Moment
    indicators: Indicators = ()


class AssessTraffickingRisk(Command):
    """Record whether the risk of the return is acceptable for a person who is, or may be, a victim of trafficking."""

    record_id: RecordId
    person_id: UUID
    assessed_at: Moment
    risk: TraffickingRisk


class RecordBestInterests(Command):
    """Record how far the procedure on a child's best interests is: opened, or what it found, and who agrees with a return.

    It takes the place of what was recorded before. Where the child is to remain, the case stops at once.
    """

    record_id: RecordId
    person_id: UUID
    procedure: BestInterestsProcedure
    outcome: BestInterestsOutcome
    established_at: Moment
    agreed: Annotated[
        Agreements, Field(description="Who agrees with the return; of the family, that it is ready to receive the child.")
    ] = ()


class CloseAlert(Command):
    """Say what came of an alert about a person of this case. A hold that it placed is lifted apart."""

    alert_id: UUID
    outcome: AlertOutcome


def _assess_voluntariness(case: Case, order: AssessVoluntariness, facts: CaseFacts, context: Context) -> Events:
    person = traveller(case, order.person_id)
    _refuse_stranger(case, person, order.answered_by)
    if (order.child_heard is None) != is_adult(person, case):
        raise RuleViolation(
            "child_not_heard",
            "Of a child it is recorded whether it was heard, as its age allows; an adult is always heard.",
        )
    assessment = Voluntariness(
        at=order.assessed_at, assessed_by=context.actor.person_id, answered_by=order.answered_by, free=order.free,
        informed=order.informed, capable=order.capable, company=order.company, interpreter=order.interpreter,
        child_heard=order.child_heard, legal_consequences_explained=order.legal_consequences_explained,
        alternatives_explained=order.alternatives_explained,
    )  # fmt: skip
    if is_adult(person, case):
        _refuse_contradiction(person, assessment, facts, context)
    return _recorded(case, order.record_id, person, assessment, context)


def _refuse_contradiction(adult: CasePerson, assessment: Voluntariness, facts: CaseFacts, context: Context) -> None:
    known = facts.of(adult.person_id)
    # While it is not certain that the latest sessions are known here, what was found is recorded all the same; nobody
    # travels on it alone.
    told = facts.are_fresh(context.now) and known.counselled_at is not None
    if assessment.is_heard_freely and told and not known.heard_alone:
        raise RuleViolation(
            "not_alone_in_any_session",
            "In none of the recorded sessions this adult was heard alone, which this assessment says. Record the session in "
            "which it was, or set its record right, and then this; right after that it may take a minute.",
        )


def _refuse_stranger(case: Case, person: CasePerson, answered_by: UUID) -> None:
    if may_answer_for(person, answered_by, case):
        return
    if is_adult(person, case):
        raise RuleViolation("adult_answers_in_person", "An adult answers in person. Nobody else can answer for them.")
    raise RuleViolation(
        "guardian_not_in_case",
        "For a child its guardian answers, or an adult who belongs to the same case and has not withdrawn. Ask "
        "protection if there is none.",
    )


def _record_fear_of_return(case: Case, order: RecordFearOfReturn, _: CaseFacts, context: Context) -> Events:
    person = traveller(case, order.person_id)
    return _recorded(case, order.record_id, person, Fear(order.asked_at, order.fears_return), context)


def _record_vulnerability(case: Case, order: RecordVulnerability, _: CaseFacts, context: Context) -> Events:
    person = traveller(case, order.person_id)
    noted = frozenset(order.indicators)
    if Role.PROTECTION not in context.actor.roles:
        # Whoever records may not be shown what was noted, and so cannot have meant that it is no longer true.
        noted |= PROTECTED_INDICATORS & case.screening_of(person.person_id).indicators
    finding = Vulnerability(order.noted_at, tuple(sorted(noted)))
    return _recorded(case, order.record_id, person, finding, context)


def _assess_trafficking_risk(case: Case, order: AssessTraffickingRisk, _: CaseFacts, context: Context) -> Events:
    person = traveller(case, order.person_id)
    return _recorded(case, order.record_id, person, Trafficking(order.assessed_at, order.risk), context)


def _record_best_interests(case: Case, order: RecordBestInterests, _: CaseFacts, context: Context) -> Events:
    person = traveller(case, order.person_id)
    if is_adult(person, case):
        raise RuleViolation("not_a_child", "The procedure is for children, and this person is an adult.")
    procedure = BestInterests(order.established_at, order.procedure, order.outcome, order.agreed)
    return _recorded(case, order.record_id, person, procedure, context)


def _recorded(case: Case, record_id: UUID, person: CasePerson, finding: Finding, context: Context) -> Events:
    refuse_future(finding.at, context)
    if finding.at < case.expressed_at:
        raise RuleViolation(
            "before_the_wish",
            "This lies before the wish to return that the case is about. Only what was found since counts; ask again.",
        )
    before = part_of(case.screening_of(person.person_id), finding)
    if before == finding:
        return ()
    if before is not None and finding.at < before.at:
        raise RuleViolation("recorded_since", "A later one is on record. Only a newer one can take its place.")
    if calls(finding, before):
        refuse_taken(case, record_id)
    return calling(record_id, person, finding, before, context)


def refuse_taken(case: Case, record_id: UUID) -> None:
    """No alert and no hold of the case may have this id: ``record_id_taken``."""
    if record_id in _ids_taken(case):
        raise RuleViolation("record_id_taken", "Something else was recorded under this id. Record this under a new id.")


def calling(
    record_id: UUID, person: CasePerson, finding: Finding, before: Finding | None, context: Context
) -> tuple[Event, ...]:
    """The fact that this was found, which calls protection for what is new in it, and the hold that follows if one does."""
    causes = calls(finding, before)
    events: list[Event] = [found(record_id, person.person_id, finding, causes)]
    if holds_the_case(causes):
        events.append(
            HoldPlaced(
                hold_id=record_id, reason=Concealed.of("protection"), placed_by=context.actor.person_id,
                placed_at=context.now,
            )
        )  # fmt: skip
    return tuple(events)


def _ids_taken(case: Case) -> frozenset[UUID]:
    alerts = (alert.alert_id for one in case.screening for alert in one.alerts)
    return frozenset((*alerts, *(hold.hold_id for hold in case.holds)))


def _close_alert(case: Case, order: CloseAlert, _: CaseFacts, context: Context) -> Events:
    for one in case.screening:
        if any(alert.alert_id == order.alert_id for alert in one.alerts):
            closing = closed(order.alert_id, one.person_id, order.outcome, context.now)
            return (closing,)
    raise RuleViolation("alert_unknown", "There is no such open alert on this case. It may have been closed already.")


def _an_alert_is_open(case: Case, _: CaseFacts, __: Context) -> None:
    if not any(one.alerts for one in case.screening):
        raise RuleViolation("no_alert_open", "No alert about anybody of this case is open.")


def _may_be_trafficked(case: Case, _: CaseFacts, __: Context) -> None:
    if all(TRAFFICKED.isdisjoint(case.screening_of(person.person_id).indicators) for person in case.travelling):
        raise RuleViolation(
            "nobody_trafficked", "Of nobody in this case it was noted that they are, or may be, a victim of trafficking."
        )


# On hold as well: it is by such a record that many a hold comes to be lifted.
_ALONG: Final = also_on_hold(*_AFTER_THE_WISH)

RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(AssessVoluntariness, "Record what the wish rests on", _assess_voluntariness, _ALONG),
    changing(RecordFearOfReturn, "Record the answer on fear of return", _record_fear_of_return, _ALONG),
    changing(RecordVulnerability, "Record vulnerability", _record_vulnerability, _ALONG),
    changing(AssessTraffickingRisk, "Record a trafficking risk assessment", _assess_trafficking_risk, _ALONG, _may_be_trafficked),
    changing(RecordBestInterests, "Record a child's best interests", _record_best_interests, _ALONG),
    # Whatever became of the case: whoever stays behind is protected all the same.
    changing(CloseAlert, "Close an alert", _close_alert, _an_alert_is_open),
)
