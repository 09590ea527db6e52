"""How a case ends before departure: the migrant withdraws, which nothing stops, or contact is lost for long."""

from datetime import datetime, timedelta
from typing import Annotated, Final, NoReturn
from uuid import UUID

from pydantic import Field

from services.returns.domain.case_corrections import asked
from services.returns.domain.case_guards import also_on_hold, member, nobody_gone, only_in, still_open
from services.returns.domain.case_state import BEFORE_DEPARTURE, Case, CaseFacts, CasePerson, Status
from services.returns.domain.children_under_way import called_for_children
from services.returns.domain.days import home_day
from services.returns.domain.given_fields import AlertsId
from shared.contracts.returns import (
    CaseLapsed,
    CaseWithdrawn,
    ContactTried,
    LapseReason,
    PersonWithdrew,
    WithdrawalReason,
)
from shared.decider import Events, Rule, changing
from shared.errors import RuleViolation
from shared.messages import Command, Concealed, Context
from shared.moments import Moment, refuse_future

TRIES_BEFORE_LAPSE: Final = 2
SILENCE_BEFORE_LAPSE: Final = timedelta(days=30)
LAPSING: Final[tuple[Status, ...]] = ("intention", "screening", "applied", "approved", "preparing")


WithdrawnAt = Annotated[
    Moment | None,
    Field(description="When they withdrew, if a departure is recorded already and that was before it."),
]


class WithdrawCase(Command):
    """Record that everybody who has not left withdraws. No reason is needed, and nothing can stop it.

    Where somebody has left already, the others are recorded as staying behind and the case goes on. Whoever withdrew
    before a departure that is recorded all the same did not leave: say when, and a colleague corrects the departure. For a
    child under way that is without a parent now, by nothing that was settled, protection is called.
    """

    reason: WithdrawalReason = "not_stated"
    withdrawn_at: WithdrawnAt = None
    record_id: AlertsId = None


class WithdrawPerson(Command):
    """Record that one person withdraws and stays behind. No reason is needed, and nothing can stop it.

    If the principal withdraws, the first other adult of the case becomes principal. Whoever withdrew before a departure
    that is recorded all the same did not leave: say when, and a colleague corrects the departure. For a child under way that
    is without a parent now, by nothing that was settled, protection is called.
    """

    person_id: UUID
    withdrawn_at: WithdrawnAt = None
    record_id: AlertsId = None


class RecordContactTried(Command):
    """Record that somebody tried to reach the migrant and did not succeed."""

    tried_at: Moment


class LapseCase(Command):
    """End the case because the migrant could not be reached for long. They may begin anew at any time."""

    reason: LapseReason


def _before_departure(case: Case, _: CaseFacts, __: Context) -> None:
    still_open(case, _, __)
    # Once it has departed, only to say that somebody had withdrawn before, which the command itself says.
    if case.stretch not in (*BEFORE_DEPARTURE, "departed"):
        raise _departed_already()


def _departed_already() -> RuleViolation:
    return RuleViolation(
        "departed_already",
        "The departure is recorded, so the journey cannot be withdrawn from any more. Whoever does not want support "
        "after arrival may decline it there.",
    )


def _silent_for_long(case: Case, _: CaseFacts, context: Context) -> None:
    # While we held the case there was nothing that the migrant could have done.
    since = max((case.in_contact_at, *(hold.lifted_at for hold in case.holds if hold.lifted_at is not None)))
    if context.now < since + SILENCE_BEFORE_LAPSE:
        raise RuleViolation(
            "too_early_to_lapse",
            "The migrant was in contact, or the case on hold, within the last 30 days. A case lapses only after 30 days "
            "without contact.",
        )


def _tried_enough(case: Case, _: CaseFacts, __: Context) -> None:
    # Two calls in a row are one try: each must be on a day of its own, by the mission's calendar.
    since = case.in_contact_at
    if len({home_day(tried_at) for tried_at in case.contact_tried_at if tried_at > since}) < TRIES_BEFORE_LAPSE:
        raise RuleViolation(
            "contact_not_tried_enough",
            "Since the last contact there must be tries to reach the migrant on two different days. A counsellor can "
            "record them.",
        )


def _withdrew_before(person: CasePerson, withdrawn_at: datetime | None) -> bool:
    """Whether this person withdrew before they are said to have left; whoever was met at the other end has left."""
    if withdrawn_at is None:
        return False
    return person.travel == "departed" and person.departed_at is not None and withdrawn_at < person.departed_at


def _refuse_too_late(withdrawn_at: datetime | None, context: Context) -> NoReturn:
    """Refuses what comes after a departure; only here does it matter whether a time is right, which a clock may get wrong."""
    if withdrawn_at is not None:
        refuse_future(withdrawn_at, context)
    raise _departed_already()


def _withdraw_case(case: Case, order: WithdrawCase, _: CaseFacts, context: Context) -> Events:
    staying = tuple(person.person_id for person in case.travelling)
    if case.gone:
        before = [person for person in case.gone if _withdrew_before(person, order.withdrawn_at)]
        if not staying and not before:
            _refuse_too_late(order.withdrawn_at, context)
        questions = (question for person in before for question in asked(person, "departure", context, order.withdrawn_at))
        withdrew = (PersonWithdrew(person_id=person_id) for person_id in staying)
        return (*questions, *withdrew, *called_for_children(case, staying, order.record_id))
    return (CaseWithdrawn(reason=Concealed.of(order.reason), person_ids=staying),)


def _withdraw_person(case: Case, order: WithdrawPerson, _: CaseFacts, context: Context) -> Events:
    person = member(case, order.person_id)
    if person.travel == "withdrawn":
        return ()
    if _withdrew_before(person, order.withdrawn_at):
        return asked(person, "departure", context, order.withdrawn_at)
    if person.travel != "expected":
        _refuse_too_late(order.withdrawn_at, context)
    if not case.gone and len(case.travelling) == 1:
        return (CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=(order.person_id,)),)
    return (PersonWithdrew(person_id=order.person_id), *called_for_children(case, (order.person_id,), order.record_id))


def _record_contact_tried(case: Case, order: RecordContactTried, _: CaseFacts, context: Context) -> Events:
    if order.tried_at in case.contact_tried_at:
        return ()
    refuse_future(order.tried_at, context)
    if order.tried_at <= case.in_contact_at:
        raise RuleViolation(
            "contact_since", "The migrant was in contact after that time, so this try no longer matters."
        )
    return (ContactTried(tried_at=order.tried_at),)


def _lapse_case(case: Case, order: LapseCase, _: CaseFacts, __: Context) -> Events:
    return (
        CaseLapsed(reason=order.reason, person_ids=tuple(person.person_id for person in case.travelling)),
    )


RULES: tuple[Rule[Case, CaseFacts], ...] = (
    changing(WithdrawCase, "Withdraw", _withdraw_case, _before_departure),
    changing(WithdrawPerson, "Withdraw one person", _withdraw_person, _before_departure),
    changing(RecordContactTried, "Record a try to reach the migrant", _record_contact_tried, also_on_hold(*LAPSING)),
    changing(
        LapseCase,
        "End the case for lost contact",
        _lapse_case,
        only_in(*LAPSING),
        nobody_gone,
        _silent_for_long,
        _tried_enough,
    ),
)
