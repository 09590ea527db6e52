from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from services.returns.domain.case_preparation import ClearToBoard, MarkReadyToTravel, RecordTravelDocument
from services.returns.domain.case_state import Case, CaseFacts, Evidence
from services.returns.domain.days import latest_day
from services.returns.domain.gate import first_unmet, gate, gate_told_to
from services.returns.domain.journey_evidence import recorded
from services.returns.domain.screening import Vulnerability
from services.returns.domain.screening_lines import CODES
from shared.actors import Actor, Role
from shared.contracts.families import GuardianNoted
from shared.contracts.returns import (
    CaseApproved,
    ClearanceLost,
    ClearedToBoard,
    EvidenceRecorded,
    OwnPlanNoted,
    PersonWithdrew,
    ReadyToTravel,
    TravelDocumentRecorded,
)
from shared.messages import Context, Event
from tests.given import NOON, staff
from tests.unit.returns.examples import (
    APPLIED,
    ARRIVES_AT,
    BEST,
    BOOKED,
    CHILD,
    CONFIRMED,
    COORDINATOR,
    COUNSELLOR,
    DEPARTS_AT,
    DOCUMENTED,
    EVERYTHING_KNOWN,
    FAMILY,
    FATHER,
    MOTHER,
    NOT_VULNERABLE,
    OPERATIONS,
    PLAN,
    READY,
    RECEPTION,
    SCREENED_AT,
    UNAFRAID,
    VALID_FROM,
    VALID_UNTIL,
    after,
    answered,
    booked,
    caught_up,
    confirmed,
    fit,
    flagged,
    given,
    knowing,
    may_leave,
    passport,
    signed,
    told,
    without_a_parent,
)

Past = Sequence[Event]


def without(past: Past, *missing: Event) -> list[Event]:
    assert all(event in past for event in missing)
    return [event for event in past if event not in missing]


def visa(person_id: UUID) -> EvidenceRecorded:
    return recorded(person_id, Evidence("transit_visa", NOON, VALID_FROM, VALID_UNTIL))


# For each condition the family's way up to it, with exactly this one condition unmet.
ALMOST: dict[str, tuple[Past, CaseFacts]] = {
    "data_consent_missing": (BOOKED, knowing(FATHER, data_consent=False)),
    "individual_session_missing": (BOOKED, knowing(MOTHER, counselled=False)),
    "session_alone_missing": (BOOKED, knowing(FATHER, heard_alone=False)),
    "voluntariness_not_assessed": ((*BOOKED, told(FATHER, answered(FATHER, informed=False))), EVERYTHING_KNOWN),
    "not_heard_alone": ((*BOOKED, told(FATHER, answered(FATHER, company="family"))), EVERYTHING_KNOWN),
    "consequences_not_explained": (
        (*BOOKED, told(CHILD, answered(CHILD, legal_consequences_explained=False))), EVERYTHING_KNOWN,
    ),
    "fear_of_return_open": (without(BOOKED, told(MOTHER, UNAFRAID)), EVERYTHING_KNOWN),
    "vulnerability_not_screened": (without(BOOKED, told(CHILD, NOT_VULNERABLE)), EVERYTHING_KNOWN),
    "protection_alert_open": ((*BOOKED, told(MOTHER, Vulnerability(SCREENED_AT, ("gbv",)), "gbv")), EVERYTHING_KNOWN),
    "trafficking_risk_open": ((*BOOKED, told(MOTHER, Vulnerability(SCREENED_AT, ("vot_presumed",)))), EVERYTHING_KNOWN),
    "best_interests_open": ((*BOOKED, told(CHILD, replace(BEST, outcome="remain"))), EVERYTHING_KNOWN),
    "declaration_missing": (without(BOOKED, signed(CHILD, FATHER)), EVERYTHING_KNOWN),
    "own_plan_missing": ((*BOOKED, OwnPlanNoted(plan_id=PLAN, person_ids=(MOTHER, FATHER))), EVERYTHING_KNOWN),
    "child_without_guardian": (
        (
            *DOCUMENTED, signed(CHILD, MOTHER), PersonWithdrew(person_id=FATHER), signed(CHILD, MOTHER),
            PersonWithdrew(person_id=MOTHER), GuardianNoted(person_id=CHILD, guardian_id=MOTHER), signed(CHILD, MOTHER),
            told(CHILD, answered(CHILD)), told(CHILD, BEST), booked(CHILD), RECEPTION,
        ),
        EVERYTHING_KNOWN,
    ),
    "other_parent_open": ((*BOOKED, without_a_parent("not_both_parents")), EVERYTHING_KNOWN),
    "booking_missing": (DOCUMENTED, EVERYTHING_KNOWN),
    "document_missing": (without(BOOKED, passport(CHILD)), EVERYTHING_KNOWN),
    "document_expires_before_arrival": ((*BOOKED, passport(CHILD, ARRIVES_AT.date())), EVERYTHING_KNOWN),
    "transit_visa_missing": (
        (*DOCUMENTED, booked(*FAMILY).model_copy(update={"transit_visa_needed": True}), RECEPTION, visa(MOTHER), visa(FATHER)),
        EVERYTHING_KNOWN,
    ),
    "exit_formalities_missing": (without(BOOKED, may_leave(FATHER)), EVERYTHING_KNOWN),
    "fitness_not_decided": ((*BOOKED, flagged(CHILD)), EVERYTHING_KNOWN),
    "assistance_not_booked": ((*BOOKED, fit(MOTHER, "oxygen")), EVERYTHING_KNOWN),
    "reception_not_arranged": (without(BOOKED, RECEPTION), EVERYTHING_KNOWN),
}


def as_told_to_operations(code: str) -> str:
    """What screening found is nothing for whoever books flights, and so nothing for the code of a refusal."""
    return "screening_not_settled" if code in CODES else code


def test_a_complete_case_is_ready_to_travel() -> None:
    given(*BOOKED).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())


def test_a_complete_and_freshly_confirmed_case_is_cleared_to_board() -> None:
    given(*CONFIRMED).when(ClearToBoard(), OPERATIONS).then(ClearedToBoard(cleared_at=NOON))


@pytest.mark.parametrize("code", ALMOST)
def test_nobody_is_ready_to_travel_while_one_condition_is_unmet(code: str) -> None:
    past, facts = ALMOST[code]
    given(*past).knowing(facts).when(MarkReadyToTravel(), OPERATIONS).refused(as_told_to_operations(code))


@pytest.mark.parametrize("code", ALMOST)
def test_the_checklist_names_the_one_condition_that_is_unmet(code: str) -> None:
    past, facts = ALMOST[code]
    assert {line.code for line in gate(after(*past), facts, NOON, boarding=False) if not line.met} == {code}


@pytest.mark.parametrize("code", ALMOST)
def test_nobody_is_cleared_to_board_while_one_condition_is_unmet(code: str) -> None:
    # A row that stands at ready in spite of an unmet condition is not a state that rules reach: the gate is asked anew.
    past, facts = ALMOST[code]
    adults = [person.person_id for person in after(*past).travelling if person.recorded_as_adult]
    once_ready = (*past, ReadyToTravel(), *(confirmed(adult) for adult in adults))
    given(*once_ready).knowing(facts).when(ClearToBoard(), OPERATIONS).refused(as_told_to_operations(code))


@pytest.mark.parametrize("approved_by", [None, COUNSELLOR.person_id], ids=["by nobody", "by the counsellor"])
def test_without_the_approval_of_a_second_person_the_gate_stays_shut(approved_by: str | None) -> None:
    unapproved = replace(after(*BOOKED), approved_by=approved_by)
    unmet = first_unmet(gate(unapproved, EVERYTHING_KNOWN, NOON, boarding=False))
    assert unmet is not None
    assert (unmet.code, unmet.provider) == ("approval_missing", Role.COORDINATOR)


def test_nobody_is_ready_to_travel_on_a_flight_that_has_left() -> None:
    given(*BOOKED).when(MarkReadyToTravel(), OPERATIONS, DEPARTS_AT).refused("booking_in_the_past")


def test_nobody_is_cleared_to_board_a_flight_that_has_left() -> None:
    late = given(*CONFIRMED).knowing(caught_up(DEPARTS_AT))
    late.when(ClearToBoard(), OPERATIONS, DEPARTS_AT).refused("booking_in_the_past")


@pytest.mark.parametrize("silent", [MOTHER, FATHER], ids=["mother", "father"])
def test_every_adult_must_have_confirmed_before_anybody_boards(silent: object) -> None:
    one_silent = without(CONFIRMED, confirmed(silent))  # type: ignore[arg-type]
    given(*one_silent).when(ClearToBoard(), OPERATIONS).refused("voluntariness_not_fresh")


@pytest.mark.parametrize(
    ("confirmed_at", "fresh"),
    [
        (DEPARTS_AT - timedelta(hours=24, seconds=1), False),
        (DEPARTS_AT - timedelta(hours=24), True),
        (NOON, True),
        (NOON + timedelta(seconds=1), False),
    ],
    ids=["a second too old", "just fresh", "now", "from the future"],
)
def test_a_confirmation_counts_from_24_hours_before_departure_until_now(confirmed_at: datetime, fresh: bool) -> None:
    case = after(*READY, confirmed(MOTHER, confirmed_at), confirmed(FATHER, confirmed_at))
    unmet = {line.code for line in gate(case, EVERYTHING_KNOWN, NOON, boarding=True) if not line.met}
    assert unmet == (set() if fresh else {"voluntariness_not_fresh"})


@pytest.mark.parametrize(
    "facts",
    [
        caught_up(NOON - timedelta(seconds=61)),
        caught_up(NOON + timedelta(seconds=61)),
        replace(EVERYTHING_KNOWN, followers_caught_up_at=None),
    ],
    ids=["behind", "ahead of the clock", "unknown"],
)
def test_nobody_is_cleared_to_board_on_stale_facts(facts: CaseFacts) -> None:
    given(*CONFIRMED).knowing(facts).when(ClearToBoard(), OPERATIONS).refused("facts_stale")


def test_facts_of_a_minute_ago_are_fresh() -> None:
    minute_old = given(*CONFIRMED).knowing(caught_up(NOON - timedelta(seconds=60)))
    minute_old.when(ClearToBoard(), OPERATIONS).then_kinds(ClearedToBoard)


def test_the_counsellor_does_not_clear_the_own_case() -> None:
    given(*CONFIRMED).when(ClearToBoard(), COUNSELLOR).refused("four_eyes")


def test_the_approver_may_clear_a_case() -> None:
    given(*CONFIRMED).when(ClearToBoard(), COORDINATOR).then_kinds(ClearedToBoard)


def test_nobody_is_cleared_who_is_not_ready() -> None:
    given(*BOOKED).when(ClearToBoard(), OPERATIONS).refused("wrong_status")


def test_whoever_would_clear_a_case_that_is_not_ready_any_more_is_told_what_it_lacks() -> None:
    ends_early = given(*CONFIRMED).when(
        RecordTravelDocument(person_id=MOTHER, document="passport", valid_until=DEPARTS_AT.date()), OPERATIONS
    )
    ends_early.then_kinds(TravelDocumentRecorded, ClearanceLost)
    lost = given(*CONFIRMED, *ends_early.events)
    lost.when(ClearToBoard(), OPERATIONS).refused("document_expires_before_arrival")


def test_a_flight_that_has_left_is_named_only_where_nothing_else_took_the_readiness_away() -> None:
    given(*BOOKED).knowing(caught_up(DEPARTS_AT)).when(ClearToBoard(), OPERATIONS, DEPARTS_AT).refused("booking_in_the_past")
    for code in ("document_expires_before_arrival", "fitness_not_decided"):
        past, _ = ALMOST[code]
        given(*past).knowing(caught_up(DEPARTS_AT)).when(ClearToBoard(), OPERATIONS, DEPARTS_AT).refused(code)


def test_nobody_is_ready_before_preparation() -> None:
    given(*APPLIED, CaseApproved(approved_by=COORDINATOR.person_id)).when(MarkReadyToTravel(), OPERATIONS).refused(
        "wrong_status"
    )


def test_without_facts_nobody_is_ready() -> None:
    given(*BOOKED).knowing(CaseFacts()).when(MarkReadyToTravel(), OPERATIONS).refused("data_consent_missing")


def test_the_checklist_says_of_each_adult_who_is_still_to_be_heard_alone() -> None:
    lines = gate(after(*BOOKED), knowing(FATHER, heard_alone=False), NOON, boarding=False)
    asked = {line.person_id: line for line in lines if line.code == "session_alone_missing"}
    assert {person_id: line.met for person_id, line in asked.items()} == {MOTHER: True, FATHER: False}
    assert (asked[FATHER].provider, "still to be heard alone" in asked[FATHER].sentence) == (Role.COUNSELLOR, True)


def test_that_the_assessment_says_an_adult_was_heard_alone_is_not_enough() -> None:
    assert answered(FATHER).is_heard_freely
    said = given(*BOOKED, told(FATHER, answered(FATHER))).knowing(knowing(FATHER, heard_alone=False))
    said.when(MarkReadyToTravel(), OPERATIONS).refused("session_alone_missing")


def test_a_child_needs_neither_an_own_consent_nor_a_session_of_its_own() -> None:
    as_adults_speak = given(*BOOKED).knowing(knowing(CHILD, counselled=False, data_consent=False, heard_alone=False))
    as_adults_speak.when(MarkReadyToTravel(), OPERATIONS).then_kinds(ReadyToTravel)


def test_a_case_of_which_everybody_withdrew_never_passes() -> None:
    case = after(*BOOKED)
    nobody = replace(case, persons=tuple(replace(person, travel="withdrawn") for person in case.persons))
    assert first_unmet(gate(nobody, EVERYTHING_KNOWN, NOON, boarding=True)) is not None


def test_a_booking_with_a_seat_too_many_does_not_fit() -> None:
    without_father = after(
        *BOOKED, PersonWithdrew(person_id=FATHER), signed(CHILD, MOTHER), told(CHILD, BEST), without_a_parent()
    )
    assert unmet_codes(without_father) == {"booking_missing"}


def test_a_booking_with_a_seat_too_few_does_not_fit() -> None:
    assert unmet_codes(after(*DOCUMENTED, booked(MOTHER, CHILD), RECEPTION)) == {"booking_missing"}


def test_a_document_must_be_valid_on_the_day_of_arrival_wherever_that_is() -> None:
    late_evening = datetime(2023, 5, 3, 22, 0, tzinfo=NOON.tzinfo)
    assert latest_day(late_evening) == date(2023, 5, 4)
    until_that_day = (*DOCUMENTED, passport(CHILD, date(2023, 5, 4)), booked(*FAMILY, arrives_at=late_evening), RECEPTION)
    assert unmet_codes(after(*until_that_day)) == set()
    until_the_eve = (*DOCUMENTED, passport(CHILD, date(2023, 5, 3)), booked(*FAMILY, arrives_at=late_evening), RECEPTION)
    assert unmet_codes(after(*until_the_eve)) == {"document_expires_before_arrival"}


def test_every_line_of_the_checklist_says_in_words_what_holds_or_who_can_help() -> None:
    for past, facts in ALMOST.values():
        lines = gate(after(*past), facts, NOON, boarding=True)
        assert all(line.sentence.endswith(".") for line in lines)
        assert all(line.provider in Role for line in lines)


@pytest.mark.parametrize("order", [MarkReadyToTravel(), ClearToBoard()])
def test_a_reader_is_told_the_same_reason_as_who_tries(order: MarkReadyToTravel | ClearToBoard) -> None:
    asked = given(*BOOKED).knowing(knowing(MOTHER, counselled=False))
    told = asked.decider.refusal(after(*BOOKED), type(order), asked.facts, context_of(OPERATIONS))
    tried = asked.when(order, OPERATIONS).refusal
    assert told is not None and tried is not None
    assert (told.code, told.sentence) == (tried.code, tried.sentence)


def unmet_codes(case: Case) -> set[str]:
    return {line.code for line in gate(case, EVERYTHING_KNOWN, NOON, boarding=False) if not line.met}


def context_of(actor: Actor) -> Context:
    return Context(actor, NOON)


def test_whoever_is_not_shown_health_is_told_alike_what_decisions_lack_and_what_is_not_booked() -> None:
    def read(role: Role, *past: Event) -> list[tuple[str, bool, str]]:
        case = after(*BOOKED, *past)
        lines = gate_told_to(case, EVERYTHING_KNOWN, NOON, staff("somebody", role), boarding=False)
        return [(line.code, line.met, line.sentence) for line in lines if line.person_id == MOTHER]

    ways = ((flagged(MOTHER),), (fit(MOTHER, "oxygen"),), (fit(MOTHER, outcome="unfit"),))
    for role in (Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION):
        answers = [read(role, *past) for past in ways]
        assert answers == [answers[0]] * len(ways)
        unmet = [code for code, met, _ in answers[0] if not met]
        assert unmet == ["health_not_settled"]
        assert [met for code, met, _ in read(role, fit(MOTHER)) if code == "health_not_settled"] == [True]
    assert read(Role.OPERATIONS, *ways[1]) != read(Role.OPERATIONS, *ways[2])
