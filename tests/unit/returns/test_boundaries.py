"""Where a rule of the gate or of screening just holds and where it just does not."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.returns.domain.case_application import ApproveCase
from services.returns.domain.case_guards import CaseGuard, also_on_hold, only_in
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_preparation import MarkReadyToTravel, RecordMissedFlight
from services.returns.domain.case_state import Case, Evidence, KnownPerson
from services.returns.domain.gate import gate
from services.returns.domain.journey_evidence import recorded
from services.returns.domain.screening import FamilyAssessment, Fear, Finding, Vulnerability
from services.returns.domain.screening_facts import found
from services.returns.domain.screening_lines import lines_of, screening_seen_by
from shared.contracts.returns import (
    CaseDeparted,
    ClearedToBoard,
    ClosingRefused,
    ClosingRequested,
    EvidenceRecorded,
    FlightMissed,
    GrantStageNoted,
    PersonWithdrew,
    ReadyToTravel,
    ScreeningStarted,
)
from shared.errors import RuleViolation
from shared.messages import Context, Event
from tests.given import NOON
from tests.unit.returns.examples import (
    APPLIED,
    APPROVED,
    ARRIVED,
    BEST,
    BOARDED_AT,
    BOOKED,
    CHILD,
    CLEARED_AT,
    COORDINATOR,
    COUNSELLOR,
    DEPARTS_AT,
    DOCUMENTED,
    EVERYTHING_KNOWN,
    FAMILY,
    FATHER,
    GRANT,
    MOTHER,
    OPERATIONS,
    PREPARING,
    PROTECTION,
    RECEPTION,
    SCREENED_AT,
    STRANGER,
    after,
    answered,
    booked,
    confirmed,
    covered,
    given,
    knowing,
    left,
    opened,
    ref,
    told,
)
from tests.unit.returns.test_holds import held
from tests.unit.returns.test_journey import WITHDRAWN
from tests.unit.returns.test_supervision import alone, supervision

OTHER_CHILD = STRANGER


def test_a_visa_that_is_over_before_the_journey_does_not_count() -> None:
    def visa(person_id: UUID, valid_from: datetime, valid_until: datetime) -> EvidenceRecorded:
        return recorded(person_id, Evidence("transit_visa", NOON, valid_from.date(), valid_until.date()))

    through = booked(*FAMILY).model_copy(update={"transit_visa_needed": True})
    for valid_from, valid_until, ready in (
        (NOON, NOON + timedelta(days=30), True),
        (NOON, DEPARTS_AT, False),
        (DEPARTS_AT + timedelta(days=1), DEPARTS_AT + timedelta(days=30), False),
    ):
        visas = tuple(visa(person_id, valid_from, valid_until) for person_id in FAMILY)
        tried = given(*DOCUMENTED, through, RECEPTION, *visas).when(MarkReadyToTravel(), OPERATIONS)
        assert (tried.refusal is None) is ready
        if not ready:
            tried.refused("transit_visa_missing")


def test_who_looks_after_a_child_now_but_not_until_it_lands_does_not_count() -> None:
    given(*alone(supervision(valid_until=DEPARTS_AT.date()))).when(MarkReadyToTravel(), OPERATIONS).refused("child_without_guardian")


def test_a_line_of_the_checklist_says_what_holds_where_it_does_and_what_is_missing_where_it_does_not() -> None:
    def sentences(facts_missing: bool) -> set[str]:
        facts = knowing(FATHER, data_consent=False) if facts_missing else EVERYTHING_KNOWN
        lines = gate(after(*BOOKED), facts, NOON, boarding=False)
        return {line.sentence for line in lines if line.code == "data_consent_missing"}

    assert sentences(facts_missing=False) == {"The consent to data processing stands."}
    assert sentences(facts_missing=True) == {
        "The consent to data processing stands.",
        "A consent to data processing is missing or was taken back. A counsellor can ask for it.",
    }


def settled(case: Case, person_id: UUID) -> bool:
    return all(holds for line, person, holds in lines_of(case) if line.code == "best_interests_open" and person.person_id == person_id)


@pytest.mark.parametrize(("after_it", "is_enough"), [(-1, False), (0, False), (1, True)], ids=["before", "at once", "later"])
def test_what_is_best_for_a_child_is_found_after_the_last_adult_has_left(after_it: int, is_enough: bool) -> None:
    found = replace(BEST, at=BOARDED_AT + timedelta(seconds=after_it))
    case = after(*BOOKED, left(MOTHER, BOARDED_AT - timedelta(hours=1)), left(FATHER, BOARDED_AT), told(CHILD, found))
    assert settled(case, CHILD) is is_enough


def test_a_child_that_has_left_takes_nothing_from_what_was_found_for_another_child() -> None:
    family = opened(covered(MOTHER, "adult"), covered(CHILD, "child"), covered(OTHER_CHILD, "child"))
    parted = (*screened_from(family), left(MOTHER, BOARDED_AT), told(CHILD, replace(BEST, at=BOARDED_AT + timedelta(minutes=1))))
    assert settled(after(*parted), CHILD)
    assert settled(after(*parted, left(OTHER_CHILD, BOARDED_AT + timedelta(hours=1))), CHILD)


def screened_from(beginning: Event) -> tuple[Event, ...]:
    first, *others = APPLIED
    assert type(first) is type(beginning)
    return (beginning, *(event for event in others if getattr(event, "person_id", MOTHER) in (MOTHER, CHILD)))


@pytest.mark.parametrize(
    "finding",
    [Fear(SCREENED_AT + timedelta(days=1), fears_return=True), answered(MOTHER, at=SCREENED_AT + timedelta(days=1), free=False)],
    ids=["fears to return", "not free"],
)
def test_nobody_is_approved_of_whom_was_found_after_applying_what_stands_against_it(finding: Finding) -> None:
    given(*APPLIED, told(MOTHER, finding)).when(ApproveCase(), COORDINATOR).refused("screening_not_settled")


def test_nobody_is_approved_while_an_alert_is_open() -> None:
    alerted = told(MOTHER, Vulnerability(SCREENED_AT, ("gbv",)), "gbv")
    given(*APPLIED, alerted).when(ApproveCase(), COORDINATOR).refused("screening_not_settled")


def context(at: datetime = NOON) -> Context:
    return Context(OPERATIONS, at)


def test_a_step_is_possible_only_where_the_case_is_and_what_moves_it_nowhere_also_while_it_is_held() -> None:
    waiting = after(*APPROVED, held("medical"))
    for build, while_held in ((only_in, "hold_stands"), (also_on_hold, None)):
        guard = build("approved", "preparing")
        assert code_of(guard, after(*APPROVED)) == code_of(guard, after(*PREPARING)) is None
        assert code_of(guard, after(*APPLIED)) == "wrong_status"
        assert code_of(guard, waiting) == while_held
        assert code_of(build("preparing"), waiting) == (while_held or "wrong_status")
        assert code_of(guard, after(*APPROVED, WITHDRAWN)) == "case_ended"


def code_of(guard: CaseGuard, case: Case) -> str | None:
    try:
        guard(case, EVERYTHING_KNOWN, context())
    except RuleViolation as refusal:
        return refusal.code
    return None


def test_a_refusal_names_where_the_case_is_and_each_step_at_which_it_would_be_possible() -> None:
    tried = given(*APPLIED).when(RecordMissedFlight(reason="late"), OPERATIONS)
    assert tried.refusal is not None
    assert tried.refusal.sentence == (
        "The case is at “application submitted”. This is possible only at “in preparation” or “ready to travel” or "
        "“cleared to board”."
    )


def test_a_flight_is_missed_from_the_moment_at_which_it_was_to_leave() -> None:
    # Once time has taken the readiness away, the case is prepared again and keeps its booking.
    late = RecordMissedFlight(reason="late")
    given(*PREPARING).when(late, OPERATIONS).refused("no_flight_missed")
    given(*BOOKED).when(late, OPERATIONS, DEPARTS_AT - timedelta(seconds=1)).refused("no_flight_missed")
    given(*BOOKED).when(late, OPERATIONS, DEPARTS_AT).then_kinds(FlightMissed)


def test_a_closing_that_is_refused_leaves_the_case_arrived_that_was_no_further_whatever_its_grants() -> None:
    asked = (GrantStageNoted(grant_id=GRANT, stage="approved", status="arrived"), ClosingRequested(reason="completed"))
    assert after(*ARRIVED, *asked, ClosingRefused()).status == "arrived"


def test_beside_an_adult_who_withdrew_a_child_was_cleared_alone() -> None:
    family = opened(covered(CHILD, "child"), covered(FATHER, "adult"))
    _, *others = alone(supervision())
    withdrawn = (family, ScreeningStarted(), PersonWithdrew(person_id=FATHER), *(event for event in others if event != ScreeningStarted()))
    cleared = (*withdrawn, ReadyToTravel(), confirmed(CHILD), ClearedToBoard(cleared_at=CLEARED_AT))
    order = RecordDeparture(person_ids=(CHILD,), departed_at=BOARDED_AT)
    given(*cleared).when(order, OPERATIONS, BOARDED_AT).then(left(CHILD), CaseDeparted(departed_at=BOARDED_AT))


def test_that_the_office_abroad_is_asked_is_told_to_protection_alone() -> None:
    asked = after(*PREPARING, found(ref(71), CHILD, FamilyAssessment(NOON, NOON, ref(71)), ()))
    assert screening_seen_by(asked, PROTECTION).inquired_since == NOON
    for reader in (COUNSELLOR, COORDINATOR, OPERATIONS):
        assert screening_seen_by(asked, reader).inquired_since is None


def test_beside_an_adult_a_child_that_is_the_principal_consents_too_and_no_other() -> None:
    family = opened(covered(CHILD, "child"), covered(MOTHER, "adult"), covered(OTHER_CHILD, "child"))
    assert [person.person_id for person in after(family).consenting] == [CHILD, MOTHER]


def test_of_a_stranger_nothing_is_known_that_would_let_anybody_travel() -> None:
    assert EVERYTHING_KNOWN.of(STRANGER) == KnownPerson(STRANGER, counselled_at=None, data_consent=False)
