"""Somebody recorded as an adult of whom screening noted that they may be a child on its own: doubt protects them and others."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from services.returns.domain.case_application import SignDeclaration, SubmitApplication
from services.returns.domain.case_families import SplitFamily
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_other_parent import SettleOtherParent
from services.returns.domain.case_preparation import ClearToBoard, ConfirmVoluntariness, MarkReadyToTravel
from services.returns.domain.case_screening import AssessVoluntariness, CloseAlert, RecordVulnerability
from services.returns.domain.case_state import Case, CaseFacts, Evidence
from services.returns.domain.case_supervision import RecordGuardian, RecordSupervision
from services.returns.domain.case_times import SILENCE_AFTER_LANDING, SILENCE_WHERE_IT_PRESSES
from services.returns.domain.case_withdrawal import WithdrawPerson
from services.returns.domain.days import over_at
from services.returns.domain.gate import gate, gate_told_to
from services.returns.domain.journey_evidence import recorded
from services.returns.domain.screening import Vulnerability
from services.returns.domain.screening_facts import left_uncleared
from shared.actors import Actor
from shared.contracts.families import FamilySplit, GuardianNoted
from shared.contracts.returns import (
    ApplicationSubmitted,
    CaseApproved,
    ClearanceLost,
    ClearedToBoard,
    Indicator,
    OwnPlanNoted,
    PersonWithdrew,
    PreparationStarted,
    ReadyToTravel,
    ScreeningRecorded,
    ScreeningStarted,
)
from shared.messages import Event
from tests.given import NOON, Given
from tests.unit.returns.examples import (
    AFTER_LANDING,
    ARRIVES_AT,
    BEST,
    BOARDED_AT,
    BOOKED,
    CHILD,
    CLEARED,
    CLEARED_AT,
    CONFIRMED,
    COORDINATOR,
    COUNSELLOR,
    DECLARED,
    EVERYTHING_KNOWN,
    FATHER,
    MOTHER,
    NOT_VULNERABLE,
    OPERATIONS,
    PLAN,
    PREPARING,
    PROTECTION,
    READY,
    RECEPTION,
    SCREENED_AT,
    SCREENING,
    SIGNED_AT,
    STRANGER,
    SUBMITTER,
    UNAFRAID,
    VALID_FROM,
    VALID_UNTIL,
    after,
    answered,
    booked,
    caught_up,
    confirmed,
    covered,
    given,
    knowing,
    left,
    may_leave,
    opened,
    passport,
    ref,
    signed,
    told,
)

# Recorded as an adult, and perhaps a child.
YOUTH, SISTER = MOTHER, CHILD
RECORD = ref(71)
SEEN_TO = Evidence(
    "supervision", NOON, VALID_FROM, VALID_UNTIL, conditions=("airline_service", "by_guardian", "to_relative")
)  # fmt: skip


def doubt(person_id: UUID = YOUTH, noted: Indicator = "unaccompanied") -> ScreeningRecorded:
    return told(person_id, Vulnerability(SCREENED_AT, (noted,)))


def supervised(person_id: UUID, valid_until: date = VALID_UNTIL) -> Event:
    return recorded(person_id, replace(SEEN_TO, valid_until=valid_until))


def settled(person_id: UUID) -> Event:
    return recorded(person_id, Evidence("other_parent", NOON, SIGNED_AT.date(), conditions=("custody_decision",)))


DOUBTED = doubt()
FOR_YOUTH = signed(YOUTH, STRANGER)
ANSWERED = told(YOUTH, answered(YOUTH, answered_by=STRANGER, company="guardian", child_heard="heard"))
LOOKED_AFTER = (supervised(YOUTH), supervised(SISTER))
SETTLED = settled(SISTER)
# Each thing without which a youth and a sister do not leave, of which nothing would be asked of an adult and a child.
TWO: tuple[Event, ...] = (
    opened(covered(YOUTH, "adult"), covered(SISTER, "child")), ScreeningStarted(),
    *(GuardianNoted(person_id=one, guardian_id=STRANGER) for one in (YOUTH, SISTER)),
    ANSWERED, told(YOUTH, UNAFRAID), DOUBTED, told(YOUTH, BEST),
    told(SISTER, answered(SISTER, answered_by=STRANGER)), told(SISTER, UNAFRAID), told(SISTER, NOT_VULNERABLE), told(SISTER, BEST),
    FOR_YOUTH, signed(SISTER, STRANGER), ApplicationSubmitted(submitted_by=SUBMITTER.person_id),
    CaseApproved(approved_by=COORDINATOR.person_id), PreparationStarted(programme="AVRR-BA", receiving_country="PK"),
    OwnPlanNoted(plan_id=PLAN, person_ids=(YOUTH, SISTER)), passport(YOUTH), passport(SISTER), may_leave(YOUTH),
    may_leave(SISTER), booked(YOUTH, SISTER), RECEPTION, *LOOKED_AFTER, SETTLED,
)  # fmt: skip
# In the family, in which the mother is the one in doubt.
BY_FATHER = tuple(told(one, answered(one, answered_by=FATHER)) for one in (MOTHER, CHILD))
CONFIRMED_BOTH = (*TWO, ReadyToTravel(), confirmed(YOUTH), confirmed(SISTER))
CLEARED_BOTH = (*CONFIRMED_BOTH, ClearedToBoard(cleared_at=CLEARED_AT))


def without(*missing: Event) -> tuple[Event, ...]:
    return tuple(event for event in TWO if event not in missing)


def unmet(case: Case, *, boarding: bool = False) -> set[tuple[str, UUID | None]]:
    lines = gate(case, EVERYTHING_KNOWN, CLEARED_AT if boarding else NOON, boarding=boarding)
    return {(line.code, line.person_id) for line in lines if not line.met}


def at_boarding(*past: Event) -> Given[Case, CaseFacts]:
    return given(*past).knowing(caught_up(CLEARED_AT))


def test_with_all_that_is_asked_of_children_on_their_own_they_are_ready_cleared_and_leave_so() -> None:
    given(*TWO).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())
    at_boarding(*CONFIRMED_BOTH).when(ClearToBoard(), OPERATIONS, CLEARED_AT).then(ClearedToBoard(cleared_at=CLEARED_AT))
    order = RecordDeparture(person_ids=(YOUTH, SISTER), departed_at=BOARDED_AT)
    events = given(*CLEARED_BOTH).when(order, OPERATIONS, AFTER_LANDING).events
    assert events[:2] == (left(YOUTH), left(SISTER))
    assert not any(isinstance(event, ScreeningRecorded) for event in events)


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        (FOR_YOUTH, ("declaration_missing", YOUTH)),
        (ANSWERED, ("voluntariness_not_assessed", YOUTH)),
        (supervised(YOUTH), ("child_without_guardian", YOUTH)),
        (supervised(SISTER), ("child_without_guardian", SISTER)),
        (SETTLED, ("other_parent_open", SISTER)),
    ],
    ids=["guardian_signs", "guardian_answers", "is_looked_after", "is_nobody_beside_whom_a_child_goes", "may_be_an_adult"],
)
def test_each_of_these_is_asked_where_an_age_is_in_doubt(missing: Event, line: tuple[str, UUID]) -> None:
    # Their own signature and answer are not enough.
    own = {FOR_YOUTH: signed(YOUTH, YOUTH), ANSWERED: told(YOUTH, answered(YOUTH))}.get(missing)
    past = tuple(own if event == missing and own else event for event in TWO if event != missing or own)
    assert unmet(after(*past)) == {line}
    given(*past).when(MarkReadyToTravel(), PROTECTION).refused(line[0])


def test_nobody_goes_on_the_consent_of_a_youth() -> None:
    given(*TWO).knowing(knowing(SISTER, data_consent=False)).when(MarkReadyToTravel(), PROTECTION).refused("data_consent_missing")
    given(*BOOKED).knowing(knowing(CHILD, data_consent=False)).when(MarkReadyToTravel(), PROTECTION).then(ReadyToTravel())


def test_what_the_youth_signed_and_answered_for_another_does_not_count() -> None:
    for_sister = signed(SISTER, YOUTH)
    answered_for = told(SISTER, answered(SISTER, answered_by=YOUTH))
    assert unmet(after(*TWO, for_sister)) == {("declaration_missing", SISTER)}
    assert unmet(after(*TWO, answered_for)) == {("voluntariness_not_assessed", SISTER)}
    # Nor as her guardian.
    theirs = (GuardianNoted(person_id=SISTER, guardian_id=YOUTH), for_sister, told(SISTER, BEST), answered_for)
    assert {("declaration_missing", SISTER), ("voluntariness_not_assessed", SISTER)} == unmet(after(*TWO, *theirs))
    given(*TWO).when(RecordGuardian(person_id=SISTER, guardian_id=YOUTH), PROTECTION).refused("guardian_is_a_child")


def test_a_guardian_is_asked_and_not_the_youth_and_once_the_doubt_is_taken_back_the_adult_is() -> None:
    sign = SignDeclaration(person_id=YOUTH, signed_by=YOUTH, method="signature", language="urd", signed_at=SIGNED_AT)
    by_guardian = sign.model_copy(update={"signed_by": STRANGER})
    for past in (without(FOR_YOUTH),):
        given(*past).when(sign, COUNSELLOR).refused("guardian_not_in_case")
        given(*past).when(by_guardian, COUNSELLOR).then(FOR_YOUTH)
    cleared_up = told(YOUTH, replace(NOT_VULNERABLE, at=NOON))
    assert {("declaration_missing", YOUTH), ("voluntariness_not_assessed", YOUTH)} <= unmet(after(*TWO, cleared_up))
    given(*TWO, cleared_up).when(sign, COUNSELLOR).then(signed(YOUTH, YOUTH))
    given(*TWO, cleared_up).when(by_guardian, COUNSELLOR).refused("adult_signs_in_person")
    as_adult = (*TWO, cleared_up, signed(YOUTH, YOUTH), told(YOUTH, answered(YOUTH)))
    assert unmet(after(*as_adult)) == set()


def test_what_is_assessed_of_the_youth_is_assessed_as_of_a_child() -> None:
    order = AssessVoluntariness(
        record_id=RECORD, person_id=YOUTH, answered_by=STRANGER, assessed_at=SCREENED_AT, free=True, informed=True, capable=True,
        company="guardian", interpreter="professional", child_heard="heard", legal_consequences_explained=True,
        alternatives_explained=True,
    )  # fmt: skip
    past = without(ANSWERED)
    given(*past).when(order, COUNSELLOR).then_kinds(ScreeningRecorded)
    given(*past).when(order.model_copy(update={"child_heard": None}), COUNSELLOR).refused("child_not_heard")
    given(*past).when(order.model_copy(update={"answered_by": YOUTH}), COUNSELLOR).refused("guardian_not_in_case")


def test_the_youth_has_a_guardian_and_a_supervision_as_a_child_has() -> None:
    arranged = RecordSupervision(
        person_id=YOUTH, travels_with="airline_service", handed_over_by="by_guardian", received_by="to_relative",
        arranged_at=NOON, valid_from=VALID_FROM, valid_until=VALID_UNTIL,
    )  # fmt: skip
    alone = (opened(covered(YOUTH, "adult")), ScreeningStarted())
    given(*alone).when(arranged, PROTECTION).refused("no_child_travels")
    given(*alone, DOUBTED).when(arranged, PROTECTION).then(supervised(YOUTH))
    named = RecordGuardian(person_id=YOUTH, guardian_id=STRANGER)
    given(*alone, DOUBTED).when(named, PROTECTION).then(GuardianNoted(person_id=YOUTH, guardian_id=STRANGER))
    # Of whom nobody asks a parent's consent: nobody goes along.
    assert "other_parent_open" not in {code for code, _ in unmet(after(*alone, DOUBTED))}
    order = SettleOtherParent(person_id=YOUTH, settled_by="custody_decision", settled_on=SIGNED_AT.date())
    given(*alone, DOUBTED).when(order, PROTECTION).refused("child_on_its_own")


def test_beside_an_adult_the_youth_is_a_child_and_is_asked_all_the_same_whether_they_wish_to_go() -> None:
    past = (*BOOKED, doubt(), told(MOTHER, BEST), signed(MOTHER, FATHER), *BY_FATHER)
    assert unmet(after(*past)) == {("other_parent_open", MOTHER)}
    order = SettleOtherParent(person_id=MOTHER, settled_by="custody_decision", settled_on=SIGNED_AT.date())
    given(*past).when(order, PROTECTION).then(settled(MOTHER))
    ready = (*past, settled(MOTHER), ReadyToTravel())
    at_boarding(*ready, confirmed(FATHER)).when(ClearToBoard(), OPERATIONS, CLEARED_AT).refused("voluntariness_not_fresh")
    given(*ready).when(ConfirmVoluntariness(person_id=MOTHER, confirmed_at=NOON), OPERATIONS).then(confirmed(MOTHER))
    given(*ready).when(ConfirmVoluntariness(person_id=CHILD, confirmed_at=NOON), OPERATIONS).refused("only_adults_confirm")
    cleared = (*ready, confirmed(FATHER), confirmed(MOTHER))
    at_boarding(*cleared).when(ClearToBoard(), OPERATIONS, CLEARED_AT).then(ClearedToBoard(cleared_at=CLEARED_AT))


def test_on_their_own_the_guardian_confirms_for_each_of_them() -> None:
    ready = (*TWO, ReadyToTravel())
    for one, other in ((YOUTH, SISTER), (SISTER, YOUTH)):
        assert unmet(after(*ready, confirmed(other)), boarding=True) == {("voluntariness_not_fresh", one)}
        order = ConfirmVoluntariness(person_id=one, confirmed_at=NOON)
        given(*ready).when(order, OPERATIONS).then(confirmed(one))
        nobody = tuple(event for event in ready if event != GuardianNoted(person_id=one, guardian_id=STRANGER))
        given(*nobody).when(order, PROTECTION).refused("guardian_not_recorded")
        # By what is recorded the youth confirms for both.
        given(*nobody).when(order, OPERATIONS).refused("screening_not_settled" if one == YOUTH else "only_adults_confirm")


@pytest.mark.parametrize("past", [READY, CONFIRMED, CLEARED], ids=["ready", "confirmed", "cleared"])
def test_what_rests_on_the_age_falls_with_the_first_doubt_and_with_its_end(past: tuple[Event, ...]) -> None:
    note = RecordVulnerability(record_id=RECORD, person_id=MOTHER, noted_at=NOON, indicators=("separated",))
    events = at_boarding(*past).when(note, COUNSELLOR, CLEARED_AT).events
    assert isinstance(events[-1], ClearanceLost)
    # Once protection has looked at it, it is not ready by what was signed and answered in person.
    closed = given(*past, *events).when(CloseAlert(alert_id=RECORD, outcome="no_risk_found"), PROTECTION).events
    assert {("declaration_missing", MOTHER), ("voluntariness_not_assessed", MOTHER), ("best_interests_open", MOTHER)} <= unmet(
        after(*past, *events, *closed)
    )
    freed = RecordVulnerability(record_id=ref(72), person_id=YOUTH, noted_at=NOON, indicators=())
    for ready in ((*TWO, ReadyToTravel()), CLEARED_BOTH):
        assert isinstance(at_boarding(*ready).when(freed, PROTECTION, CLEARED_AT).events[-1], ClearanceLost)


def test_who_applies_without_a_guardians_word_is_refused() -> None:
    applying = (*DECLARED, doubt(), told(MOTHER, BEST))
    given(*applying).when(SubmitApplication(), COUNSELLOR).refused("screening_incomplete")
    answers = (*applying, *BY_FATHER)
    given(*answers).when(SubmitApplication(), COUNSELLOR).refused("declaration_missing")
    given(*answers, signed(MOTHER, FATHER)).when(SubmitApplication(), COUNSELLOR).then_kinds(ApplicationSubmitted)


def test_nobody_leaves_cleared_beside_a_youth_and_no_youth_without_who_looks_after_them() -> None:
    # The doubt came once time had taken the clearance of an adult and a child away.
    departure = RecordDeparture(person_ids=(YOUTH, SISTER), departed_at=BOARDED_AT)
    bare = tuple(event for event in CLEARED_BOTH if event not in LOOKED_AFTER)
    events = given(*bare).when(departure, OPERATIONS, AFTER_LANDING).events
    for one in (YOUTH, SISTER):
        assert left(one, cleared=False) in events
        assert left_uncleared(one, BOARDED_AT) in events


def test_a_youth_under_way_is_nobody_beside_whom_a_child_is() -> None:
    both = (*READY, confirmed(FATHER), CLEARED[-1])
    gone = (both[0], *both[1:-1], doubt(FATHER), both[-1], left(FATHER), left(CHILD))
    events = given(*gone).when(WithdrawPerson(person_id=MOTHER), OPERATIONS, AFTER_LANDING).events
    assert left_uncleared(CHILD, BOARDED_AT) in events
    assert left_uncleared(FATHER, BOARDED_AT) in events


def test_an_arrival_of_a_youth_is_missed_as_early_as_a_childs_and_a_readiness_ends_with_their_supervision() -> None:
    alone = opened(covered(MOTHER, "adult"))
    for noted, silence in (((), SILENCE_AFTER_LANDING), ((doubt(),), SILENCE_WHERE_IT_PRESSES)):
        case = after(alone, *PREPARING[3:4], *noted, booked(MOTHER), left(MOTHER))
        assert case.arrival_due_at == max(ARRIVES_AT, BOARDED_AT + timedelta(hours=9)) + silence
    last = ARRIVES_AT.date()
    ready = after(*TWO, supervised(SISTER, last), ReadyToTravel())
    assert ready.holds_until is not None
    assert ready.holds_until <= over_at(last)


def test_a_youth_parts_with_a_child_only_by_protection() -> None:
    family = (opened(*(covered(one, "adult") for one in (FATHER, MOTHER)), covered(CHILD, "child")), ScreeningStarted(), DOUBTED)
    order = SplitFamily(new_case_id=ref(50), person_ids=(MOTHER, CHILD), principal_id=MOTHER)
    alone = order.model_copy(update={"person_ids": (MOTHER,)})
    # Whoever is not shown screening is told of what is recorded, or of no more than screening.
    for by, code in (
        (COUNSELLOR, "child_without_guardian"), (COORDINATOR, "screening_not_settled"), (SUBMITTER, "screening_not_settled"),
    ):
        given(*family).when(order, by).refused(code)
        given(*family).when(alone, by).refused(code)
    given(*family).when(order, PROTECTION).refused("child_without_guardian")
    assert given(*family).when(alone, PROTECTION).refusal is None


def test_who_follows_a_principal_goes_by_what_is_recorded_and_tells_of_no_doubt() -> None:
    three = opened(covered(STRANGER, "adult"), covered(MOTHER, "adult"), covered(FATHER, "adult"), covered(CHILD, "child"))
    leaves = PersonWithdrew(person_id=STRANGER)
    apart = FamilySplit(new_case_id=ref(50), principal_id=STRANGER, person_ids=(STRANGER,))
    for change in (leaves, apart):
        assert after(three, change).principal_id == MOTHER
        assert after(three, DOUBTED, change).principal_id == MOTHER
    none = opened(covered(STRANGER, "adult"), covered(CHILD, "child"), covered(MOTHER, "adult"))
    assert after(none, DOUBTED, leaves).principal_id == MOTHER


@pytest.mark.parametrize("reader", [OPERATIONS, COORDINATOR, SUBMITTER], ids=lambda reader: reader.person_id)
def test_whoever_is_not_shown_screening_cannot_tell_a_doubt_from_anything_else_that_is_open(reader: Actor) -> None:
    for boarding, at in ((False, NOON), (True, CLEARED_AT)):
        def lines(*past: Event) -> list[tuple[str, bool, UUID | None]]:
            told_to = gate_told_to(after(*past), EVERYTHING_KNOWN, at, reader, boarding=boarding)  # noqa: B023
            return [(line.code, line.met, line.person_id) for line in told_to]

        begun = (*CONFIRMED[:-1], confirmed(FATHER)) if boarding else BOOKED
        fears = told(MOTHER, replace(UNAFRAID, fears_return=True))
        assert lines(*begun, doubt()) == lines(*begun, fears)
        # Once all is there that the doubt asks for, they are told that nothing is missing.
        ready = CONFIRMED_BOTH if boarding else TWO
        assert all(met for _, met, _ in lines(*ready))
        assert not all(met for _, met, _ in lines(*(event for event in ready if event != LOOKED_AFTER[0])))


def test_whoever_noted_nothing_of_it_is_no_youth() -> None:
    for other in ("gbv", "medical", "single_parent"):
        note = told(MOTHER, Vulnerability(SCREENED_AT, (other,)))
        assert unmet(after(*BOOKED, note)) == set()
    assert unmet(after(*SCREENING, doubt(noted="uasc"))) >= {("best_interests_open", MOTHER)}
