"""How a case ends before departure: the migrant withdraws, which nothing stops, or contact is lost for long."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from services.returns.domain.case_consequences import with_consequences
from services.returns.domain.case_guards import member, nobody_gone, only_in, still_open
from services.returns.domain.case_state import BEFORE_DEPARTURE, Case, CaseFacts, Status
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


class WithdrawCase(Command):
    """Record that everybody who has not left withdraws. No reason is needed, and nothing can stop it.

    Where somebody has left already, the others are recorded as staying behind and the case goes on.
    """

    reason: WithdrawalReason = "not_stated"


class WithdrawPerson(Command):
    """Record that one person withdraws and stays behind. No reason is needed, and nothing can stop it.

    If the principal withdraws, the first other adult of the case becomes principal.
    """

    person_id: UUID


class RecordContactTried(Command):
    """Record that somebody tried to reach the migrant and did not succeed."""

    tried_at: Moment


class LapseCase(Command):
    """End the case because the migrant could not be reached for long. They may begin anew at any time."""

    reason: LapseReason


def _before_departure(case: Case, _: CaseFacts, __: Context) -> None:
    still_open(case, _, __)
    if case.status not in BEFORE_DEPARTURE:
        raise _departed_already()


def _departed_already() -> RuleViolation:
    return RuleViolation(
        "departed_already",
        "The departure is recorded, so the journey cannot be withdrawn from any more. Whoever does not want support "
        "after arrival may decline it there.",
    )


def _silent_for_long(case: Case, _: CaseFacts, context: Context) -> None:
    if context.now < case.last_contact_at + SILENCE_BEFORE_LAPSE:
        raise RuleViolation(
            "too_early_to_lapse",
            "The migrant was in contact within the last 30 days. A case lapses only after 30 days without contact.",
        )


def _tried_enough(case: Case, _: CaseFacts, __: Context) -> None:
    # Two calls in a row are one try: each must be on a day of its own.
    if len({tried_at.date() for tried_at in case.contact_tried_at}) < TRIES_BEFORE_LAPSE:
        raise RuleViolation(
            "contact_not_tried_enough",
            "Since the last contact there must be tries to reach the migrant on two different days. A counsellor can "
            "record them.",
        )


def _withdraw_case(case: Case, order: WithdrawCase, facts: CaseFacts, context: Context) -> Events:
    staying = tuple(person.person_id for person in case.travelling)
    if case.gone:
        withdrawals = tuple(PersonWithdrew(person_id=person_id) for person_id in staying)
        return with_consequences(case, facts, context, *withdrawals)
    return (CaseWithdrawn(reason=Concealed.of(order.reason), person_ids=staying),)


def _withdraw_person(case: Case, order: WithdrawPerson, facts: CaseFacts, context: Context) -> Events:
    person = member(case, order.person_id)
    if person.travel == "withdrawn":
        return ()
    if person.travel != "expected":
        raise _departed_already()
    if not case.gone and len(case.travelling) == 1:
        return (CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=(order.person_id,)),)
    return with_consequences(case, facts, context, PersonWithdrew(person_id=order.person_id))


def _record_contact_tried(case: Case, order: RecordContactTried, _: CaseFacts, context: Context) -> Events:
    if order.tried_at in case.contact_tried_at:
        return ()
    refuse_future(order.tried_at, context)
    if order.tried_at <= case.last_contact_at:
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
    changing(RecordContactTried, "Record a try to reach the migrant", _record_contact_tried, only_in(*LAPSING)),
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
