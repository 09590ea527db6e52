"""Somebody who pushes a case forward: at each status the order that is missing next, from whoever may give it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from services.returns.domain.case_application import ApproveCase, StartScreening, SubmitApplication
from services.returns.domain.case_corrections import (
    AskForCorrection,
    CorrectArrival,
    CorrectDeparture,
    RejectCorrection,
)
from services.returns.domain.case_evidence import RecordReceptionArranged
from services.returns.domain.case_holds import LiftHold
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture
from services.returns.domain.case_preparation import (
    ClearToBoard,
    ConfirmBooking,
    ConfirmVoluntariness,
    MarkReadyToTravel,
    RecordOwnPlan,
    StartPreparation,
)
from services.returns.domain.case_reintegration import RecordCaseSealed, RecordPlanAgreed, RequestClosing
from services.returns.domain.case_reopening import RecordAttemptGoesOn, ReopenCase
from services.returns.domain.case_state import BEFORE_DEPARTURE, FOLLOWING_GRANTS, Case
from services.returns.domain.case_supervision import RecordGuardian
from services.returns.domain.given_fields import PersonAssistance
from services.returns.domain.holds import may_lift
from services.returns.domain.of_age import is_adult, is_declared, may_answer_for, may_go_beside_an_adult
from shared.actors import Actor
from shared.contracts.returns import Agreement
from shared.messages import Command
from tests.unit.returns.examples import (
    COORDINATOR,
    COUNSELLOR,
    FAMILY,
    OFFICE,
    OPERATIONS,
    PLAN,
    PROTECTION,
    REACTION,
    SUBMITTER,
    ref,
)
from tests.unit.returns.test_transitions import (
    assessment,
    best_interests,
    decision,
    declaration,
    document,
    exit_recorded,
    fear,
    final_report,
    other_parent,
    supervision,
    visa,
    vulnerability,
)

Given = tuple[Command, Actor]
_HOURS: Final = timedelta(hours=6)


def pushed(case: Case, at: datetime, number: int, *, hasty: bool = False) -> Given:
    """An order, and from whom, of which the case has need at its status; ``number`` chooses, and makes new ids.

    Whoever is ``hasty`` gives the last of them, which leads on, whatever else is missing.
    """
    found = list(_orders(case, at, number))
    return found[-1] if hasty else found[number % max(1, len(found) - 1)]


def _orders(case: Case, at: datetime, number: int) -> Iterator[Given]:
    for person in case.persons:
        if person.correction is not None:
            by = COORDINATOR if person.correction.asked_by != COORDINATOR.person_id else OPERATIONS
            decide = CorrectDeparture if person.correction.of == "departure" else CorrectArrival
            yield decide(person_id=person.person_id), by
    for hold in case.holds:
        if hold.stands:
            by = next(one for one in (PROTECTION, COORDINATOR, OPERATIONS) if may_lift(hold, one.roles))
            yield LiftHold(hold_id=hold.hold_id, outcome="resolved"), by
    if case.status == "intention":
        yield StartScreening(), COUNSELLOR
    if case.status in ("screening", "applied", "approved", "preparing"):
        yield from _screened(case, at, number)
    if case.status == "screening":
        yield SubmitApplication(), SUBMITTER
    if case.status == "applied":
        yield ApproveCase(), COORDINATOR
    if case.status == "approved":
        yield StartPreparation(programme="AVRR-BA", receiving_country="PK"), OPERATIONS
    if case.status == "preparing":
        yield from _prepared(case, at)
    if case.status == "ready_to_travel":
        for person in case.travelling:
            alone = not any(is_adult(one, case) for one in case.travelling)
            if (person.recorded_as_adult or alone) and person.confirmed_at is None:
                yield ConfirmVoluntariness(person_id=person.person_id, confirmed_at=at), OPERATIONS
        yield ClearToBoard(), OPERATIONS
    if case.stretch not in BEFORE_DEPARTURE or case.status == "cleared_to_board":
        yield from _gone(case, at)
    if case.status == "on_hold":
        yield RejectCorrection(person_id=FAMILY[0]), COORDINATOR


def _screened(case: Case, at: datetime, number: int) -> Iterator[Given]:
    record_id = ref(1_000 + number)
    grown = [one for one in case.travelling if is_adult(one, case)]
    for person in case.travelling:
        found = case.screening_of(person.person_id)
        child = not is_adult(person, case)
        guardian_id = grown[0].person_id if grown else ref(77)
        if child and not grown and person.guardian_id != guardian_id:
            yield RecordGuardian(person_id=person.person_id, guardian_id=guardian_id), PROTECTION
        answers_id = guardian_id if child else person.person_id
        company = "guardian" if child else "nobody"
        wish = found.voluntariness
        free = wish is not None and wish.free and wish.informed and wish.capable and wish.interpreter != "family"
        if wish is None or not free or not may_answer_for(person, wish.answered_by, case):
            good = assessment(record_id, person.person_id, answers_id, timedelta(0), {"company": company}, as_child=child)
            yield good(at), COUNSELLOR
        if found.fear is None:
            yield fear(record_id, person.person_id, timedelta(0), False)(at), COUNSELLOR
        if found.vulnerability is None:
            yield vulnerability(record_id, person.person_id, timedelta(0), ())(at), COUNSELLOR
        if child and (found.best_interests is None or found.best_interests.outcome != "return"):
            agreed: tuple[Agreement, ...] = ("child", "family", "guardian")
            yield best_interests(record_id, "determination", "return", agreed, person.person_id)(at), PROTECTION
        if not is_declared(person, case):
            yield declaration(person.person_id, answers_id, timedelta(0))(at), COUNSELLOR


def _prepared(case: Case, at: datetime) -> Iterator[Given]:
    going = tuple(one.person_id for one in case.travelling)
    if any(one.own_plan_id is None for one in case.travelling):
        yield RecordOwnPlan(plan_id=PLAN, person_ids=FAMILY), REACTION
    for person in case.travelling:
        if person.document is None or (person.document_valid_until or at.date()) < (at + 2 * _HOURS).date():
            yield document(person.person_id, True)(at), COUNSELLOR
        asked, decided = person.has("fitness_asked"), person.has("fitness")
        if asked is not None and (decided is None or decided.established_at < asked.established_at):
            yield decision(person.person_id, "fit", True)(at), OPERATIONS
        if decided is not None and (decided.outcome == "unfit" or set(decided.conditions) - {*person.assistance}):
            yield decision(person.person_id, "fit", True)(at), OPERATIONS
    if case.departs_at is None or case.departs_at <= at or set(case.booked_person_ids) != set(going):
        helped = tuple(PersonAssistance(person_id=one, kind="escort") for one in going)
        yield ConfirmBooking(
            departs_at=at + _HOURS, arrives_at=at + 2 * _HOURS, destination_country="PK", person_ids=going, assistance=helped
        ), OPERATIONS
    if any(one.has("exit_formalities") is None for one in case.travelling):
        yield exit_recorded(going, True)(at), OPERATIONS
    for child in case.travelling:
        if is_adult(child, case):
            continue
        if not any(is_adult(one, case) for one in case.travelling) and child.has("supervision") is None:
            yield supervision(timedelta(0), child.person_id)(at), PROTECTION
        if may_go_beside_an_adult(child, case) and (child.recorded_as_adult or len(case.travelling) < len(case.persons)):
            yield other_parent("consent_signed", child.person_id)(at), COUNSELLOR
    if case.transit_visa_needed and any(one.has("transit_visa") is None for one in case.travelling):
        yield visa(going, True)(at), OPERATIONS
    if case.reception_arranged_at is None:
        yield RecordReceptionArranged(arranged_at=at), OPERATIONS
    yield MarkReadyToTravel(), OPERATIONS


def _gone(case: Case, at: datetime) -> Iterator[Given]:
    if case.status == "cleared_to_board":
        yield RecordDeparture(person_ids=tuple(one.person_id for one in case.travelling), departed_at=at), OPERATIONS
    for person in case.persons:
        if person.travel == "departed":
            yield ConfirmArrival(person_id=person.person_id, arrived_at=at, known_by="met"), OFFICE
    if case.status == "arrived":
        yield AskForCorrection(person_id=case.gone[0].person_id, of="arrival"), OPERATIONS
        yield RecordPlanAgreed(plan_id=PLAN), REACTION
    if case.status == "closing":
        yield RecordCaseSealed(), REACTION
    if case.reopening_reason is not None:
        yield RecordAttemptGoesOn(person_ids=FAMILY), REACTION
    if case.status == "closed":
        yield ReopenCase(reason="support_goes_on"), COORDINATOR
    if case.status in FOLLOWING_GRANTS and case.final_report is None:
        yield final_report(ref(96))(at), COORDINATOR
    if case.status in FOLLOWING_GRANTS:
        yield RequestClosing(reason="completed"), COORDINATOR
    yield ReopenCase(reason="support_goes_on"), COORDINATOR
