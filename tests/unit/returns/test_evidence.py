"""What a journey rests on besides documents: who may travel on which decision, until when, and who is shown why."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest

from services.returns.domain.case_evidence import (
    FlagForMedical,
    RecordExitFormalities,
    RecordFitToTravel,
    RecordReceptionArranged,
    RecordTransitVisa,
)
from services.returns.domain.case_preparation import ClearToBoard, ConfirmBooking, MarkReadyToTravel
from services.returns.domain.case_state import Evidence
from services.returns.domain.days import over_at
from services.returns.domain.given_fields import PersonAssistance
from services.returns.domain.journey_evidence import evidence_in, recorded, seen_by
from shared.actors import Role
from shared.contracts.returns import (
    Assistance,
    ClearedToBoard,
    EvidenceRecorded,
    FitnessCondition,
    FitnessOutcome,
    FlightMissed,
    PersonWithdrew,
    ReadyToTravel,
    ReceptionArranged,
)
from shared.ledger import conceal
from shared.messages import Concealed, Event
from tests.given import NOON, When, staff
from tests.unit.returns.examples import (
    ARRIVED,
    ARRIVES_AT,
    BOOKED,
    CHILD,
    CLEARED_AT,
    CONFIRMED,
    DECIDED_AT,
    DEPARTED,
    DEPARTS_AT,
    DOCUMENTED,
    EXPRESSED_AT,
    FAMILY,
    MOTHER,
    OPENED,
    OPERATIONS,
    READY,
    RECEPTION,
    STRANGER,
    VALID_FROM,
    VALID_UNTIL,
    after,
    booked,
    fit,
    flagged,
    given,
    lost,
    may_leave,
)

DOCTOR = staff("selma", "medical")
# With another booking the exit is reported anew.
REPORTED_AGAIN = tuple(may_leave(person_id) for person_id in FAMILY)


def deciding(
    outcome: FitnessOutcome = "fit", conditions: tuple[FitnessCondition, ...] = (), valid_from: date = VALID_FROM,
    valid_until: date = VALID_UNTIL,
) -> RecordFitToTravel:  # fmt: skip
    return RecordFitToTravel(
        person_id=MOTHER, outcome=outcome, decided_at=DECIDED_AT, valid_from=valid_from, valid_until=valid_until,
        conditions=conditions,
    )


def test_whoever_is_flagged_does_not_become_ready_until_it_is_decided() -> None:
    case = given(*BOOKED, flagged(MOTHER))
    case.when(MarkReadyToTravel(), OPERATIONS).refused("fitness_not_decided")
    case.given(fit(MOTHER)).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())


def test_a_flag_takes_the_readiness_away_at_once() -> None:
    given(*READY).when(FlagForMedical(person_id=MOTHER), OPERATIONS).then(flagged(MOTHER, NOON), lost("fitness_not_decided"))


def test_a_flag_is_set_once_and_needs_no_reason() -> None:
    given(*OPENED, flagged(MOTHER)).when(FlagForMedical(person_id=MOTHER), OPERATIONS).then()


def test_a_flag_after_a_decision_asks_anew_and_the_earlier_decision_counts_no_longer() -> None:
    decided = given(*CONFIRMED, fit(MOTHER))
    again = flagged(MOTHER, NOON)
    decided.when(FlagForMedical(person_id=MOTHER), OPERATIONS).then(again, lost("fitness_not_decided"))
    asked = decided.given(again, lost("fitness_not_decided"))
    asked.when(FlagForMedical(person_id=MOTHER), OPERATIONS).then()
    asked.when(MarkReadyToTravel(), OPERATIONS).refused("fitness_not_decided")
    cleared = given(*CONFIRMED, fit(MOTHER), ClearedToBoard(cleared_at=CLEARED_AT))
    cleared.when(FlagForMedical(person_id=MOTHER), OPERATIONS, CLEARED_AT).then(
        flagged(MOTHER, CLEARED_AT), lost("fitness_not_decided")
    )


def test_a_decision_from_before_the_flag_does_not_answer_it() -> None:
    asked = given(*BOOKED, flagged(MOTHER, NOON))
    asked.when(deciding(), DOCTOR).refused("asked_since")
    asked.given(fit(MOTHER)).when(MarkReadyToTravel(), OPERATIONS).refused("fitness_not_decided")
    given(*BOOKED, fit(MOTHER), flagged(MOTHER, NOON)).when(deciding(), DOCTOR).refused("asked_since")
    after_it = deciding().model_copy(update={"decided_at": NOON})
    asked.when(after_it, DOCTOR, NOON + timedelta(minutes=1)).then_kinds(EvidenceRecorded)


def test_whoever_has_left_is_flagged_no_more() -> None:
    given(*DEPARTED).when(FlagForMedical(person_id=MOTHER), OPERATIONS).refused("wrong_status")


def test_a_decision_counts_as_a_flag() -> None:
    unfit = given(*BOOKED, fit(MOTHER, outcome="unfit"))
    unfit.when(MarkReadyToTravel(), OPERATIONS).refused("fitness_not_decided")


def test_an_unfavourable_decision_takes_the_clearance_away() -> None:
    given(*READY).when(deciding("unfit"), DOCTOR).then(fit(MOTHER, outcome="unfit"), lost("fitness_not_decided"))


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "holds"),
    [
        (DEPARTS_AT.date(), date(2023, 5, 4), True),
        (DEPARTS_AT.date() + timedelta(days=1), date(2023, 5, 9), False),
        (VALID_FROM, ARRIVES_AT.date(), False),
    ],
    ids=["from that day to the latest that it can be on arrival", "from a day later", "to a day that is over somewhere"],
)
def test_a_decision_must_hold_from_departure_through_arrival(valid_from: date, valid_until: date, holds: bool) -> None:
    decided = given(*BOOKED, fit(MOTHER, valid_from=valid_from, valid_until=valid_until))
    tried = decided.when(MarkReadyToTravel(), OPERATIONS)
    tried.then(ReadyToTravel()) if holds else tried.refused("fitness_not_decided")


@pytest.mark.parametrize("condition", ["escort", "oxygen", "wheelchair"])
def test_what_a_decision_asks_of_the_carrier_must_be_booked(condition: Assistance) -> None:
    case = given(*BOOKED, fit(MOTHER, condition))
    case.when(MarkReadyToTravel(), OPERATIONS).refused("assistance_not_booked")
    order = ConfirmBooking(
        departs_at=DEPARTS_AT, arrives_at=ARRIVES_AT, destination_country="PK", person_ids=FAMILY,
        assistance=(PersonAssistance(person_id=MOTHER, kind=condition),),
    )  # fmt: skip
    rebooked = booked(*FAMILY, assistance=(condition,))
    case.when(order, OPERATIONS).then(rebooked)
    case.given(rebooked, RECEPTION, *REPORTED_AGAIN).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())


def test_one_escort_is_not_booked_for_two() -> None:
    case = given(*DOCUMENTED, fit(MOTHER, "escort"), fit(CHILD, "escort"), booked(*FAMILY, assistance=("escort",)), RECEPTION)
    case.when(MarkReadyToTravel(), OPERATIONS).refused("assistance_not_booked")
    order = ConfirmBooking(
        departs_at=DEPARTS_AT, arrives_at=ARRIVES_AT, destination_country="PK", person_ids=FAMILY,
        assistance=tuple(PersonAssistance(person_id=one, kind="escort") for one in (CHILD, MOTHER)),
    )  # fmt: skip
    rebooked = case.when(order, OPERATIONS).events
    case.given(*rebooked, RECEPTION, *REPORTED_AGAIN).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())
    alone = order.model_copy(update={"assistance": (PersonAssistance(person_id=STRANGER, kind="escort"),)})
    case.when(alone, OPERATIONS).refused("person_not_booked")


def test_medication_the_person_carries() -> None:
    given(*BOOKED, fit(MOTHER, "medication")).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (deciding("fit", ("escort",)), "conditions_do_not_fit"),
        (deciding("unfit", ("escort",)), "conditions_do_not_fit"),
        (deciding("fit_with_conditions"), "conditions_do_not_fit"),
        (deciding(valid_from=VALID_UNTIL, valid_until=VALID_FROM), "validity_in_wrong_order"),
        (deciding(valid_from=date(2023, 4, 1), valid_until=date(2023, 4, 30)), "evidence_expired"),
        (deciding().model_copy(update={"decided_at": NOON + timedelta(seconds=1)}), "in_the_future"),
    ],
)
def test_a_decision_that_cannot_be_one_is_refused(order: RecordFitToTravel, code: str) -> None:
    given(*BOOKED).when(order, DOCTOR).refused(code)


def test_a_later_decision_takes_the_place_of_an_earlier_one_and_never_the_other_way_round() -> None:
    later = Evidence("fitness", DECIDED_AT + timedelta(hours=1), VALID_FROM, VALID_UNTIL, "unfit")
    case = given(*BOOKED, fit(MOTHER), recorded(MOTHER, later))
    case.when(MarkReadyToTravel(), OPERATIONS).refused("fitness_not_decided")
    case.when(deciding(), DOCTOR).refused("decided_since")


def test_the_same_decision_twice_is_one() -> None:
    given(*BOOKED, fit(MOTHER)).when(deciding(), DOCTOR).then()


def test_exit_formalities_that_are_over_before_departure_do_not_count() -> None:
    order = RecordExitFormalities(person_ids=FAMILY, recorded_at=NOON, valid_until=NOON.date())
    events = tuple(recorded(one, Evidence("exit_formalities", NOON, valid_until=NOON.date())) for one in FAMILY)
    given(*READY).when(order, OPERATIONS).then(*events, lost("exit_formalities_missing"))


def test_on_the_last_day_on_which_they_may_they_leave_until_it_is_over_here() -> None:
    last_day = date(2023, 5, 3)

    def leaving(at: datetime) -> When:
        flight = booked(*FAMILY, departs_at=at, arrives_at=at + timedelta(hours=9))
        return given(*DOCUMENTED, may_leave(MOTHER, last_day), flight, RECEPTION).when(MarkReadyToTravel(), OPERATIONS)

    late_in_sarajevo = datetime(2023, 5, 3, 21, 59, tzinfo=UTC)
    leaving(late_in_sarajevo).then(ReadyToTravel())
    leaving(late_in_sarajevo + timedelta(minutes=1)).refused("exit_formalities_missing")


def test_an_older_paper_takes_no_newer_ones_place() -> None:
    order = RecordExitFormalities(person_ids=(MOTHER,), recorded_at=EXPRESSED_AT)
    given(*DOCUMENTED, may_leave(MOTHER, VALID_UNTIL)).when(order, OPERATIONS).refused("recorded_since")


def test_exit_formalities_are_recorded_of_whom_they_are_missing() -> None:
    order = RecordExitFormalities(person_ids=FAMILY, recorded_at=EXPRESSED_AT + timedelta(days=8))
    known = [event for event in DOCUMENTED if event != may_leave(CHILD)]
    given(*known).when(order, OPERATIONS).then(may_leave(CHILD))


def test_a_visa_is_asked_for_where_the_booking_says_so() -> None:
    through = booked(*FAMILY).model_copy(update={"transit_country": "TR", "transit_visa_needed": True})
    case = given(*DOCUMENTED, through, RECEPTION)
    case.when(MarkReadyToTravel(), OPERATIONS).refused("transit_visa_missing")
    order = RecordTransitVisa(person_ids=FAMILY, issued_at=NOON, valid_from=VALID_FROM, valid_until=VALID_UNTIL)
    visas = tuple(recorded(one, Evidence("transit_visa", NOON, VALID_FROM, VALID_UNTIL, country="TR")) for one in FAMILY)
    case.when(order, OPERATIONS).then(*visas)
    case.given(*visas).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())


@pytest.mark.parametrize(
    ("country", "said", "needed"),
    [(None, None, False), (None, False, False), ("TR", None, True), ("TR", True, True), ("TR", False, False)],
)
def test_where_they_change_a_visa_is_asked_for_unless_somebody_says_that_none_is_needed(
    country: str | None, said: bool | None, needed: bool
) -> None:
    order = ConfirmBooking(
        departs_at=DEPARTS_AT, arrives_at=ARRIVES_AT, destination_country="PK", person_ids=FAMILY,
        transit_country=country, transit_visa_needed=said,
    )  # fmt: skip
    confirmed = given(*DOCUMENTED).when(order, OPERATIONS)
    tried = given(*DOCUMENTED, *confirmed.events, RECEPTION).when(MarkReadyToTravel(), OPERATIONS)
    tried.refused("transit_visa_missing") if needed else tried.then(ReadyToTravel())


def test_an_office_is_notified_of_a_booking_and_anew_of_another() -> None:
    order = RecordReceptionArranged(arranged_at=NOON)
    given(*DOCUMENTED).when(order, OPERATIONS).refused("booking_missing")
    case = given(*DOCUMENTED, booked(*FAMILY))
    case.when(order, OPERATIONS).then(ReceptionArranged(arranged_at=NOON))
    later = booked(*FAMILY, arrives_at=ARRIVES_AT + timedelta(hours=1))
    case.given(RECEPTION, later, *REPORTED_AGAIN).when(MarkReadyToTravel(), OPERATIONS).refused("reception_not_arranged")


def test_what_was_arranged_for_an_earlier_booking_counts_for_no_other() -> None:
    long_ago = RecordReceptionArranged(arranged_at=NOON - timedelta(days=300))
    given(*DOCUMENTED, booked(*FAMILY)).when(long_ago, OPERATIONS).refused("arranged_before_booking")
    in_the_morning = RecordReceptionArranged(arranged_at=NOON - timedelta(hours=4))
    given(*DOCUMENTED, booked(*FAMILY)).when(in_the_morning, OPERATIONS).then_kinds(ReceptionArranged)
    missed = FlightMissed(reason="late", times_missed=1)
    later = booked(*FAMILY, arrives_at=ARRIVES_AT + timedelta(hours=1))
    for anew in ((missed, booked(*FAMILY)), (later,)):
        case = given(*BOOKED, *anew, RECEPTION)
        case.when(MarkReadyToTravel(), OPERATIONS).refused("exit_formalities_missing")
        case.given(*REPORTED_AGAIN).when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())


@pytest.mark.parametrize("early", [timedelta(hours=2), timedelta(minutes=1)])
def test_what_was_arranged_on_the_same_day_before_a_later_booking_is_for_an_earlier_one(early: timedelta) -> None:
    missed = FlightMissed(reason="late", times_missed=1)
    arranged, anew = RecordReceptionArranged(arranged_at=NOON - early), RecordReceptionArranged(arranged_at=NOON)
    given(*DOCUMENTED, booked(*FAMILY)).when(arranged, OPERATIONS).then_kinds(ReceptionArranged)
    later = booked(*FAMILY, arrives_at=ARRIVES_AT + timedelta(hours=1))
    for past in ((*BOOKED, missed, booked(*FAMILY)), (*BOOKED, later)):
        given(*past).when(arranged, OPERATIONS).refused("arranged_before_booking")
        given(*past).when(anew, OPERATIONS).then(ReceptionArranged(arranged_at=NOON))


def test_an_exit_that_was_reported_before_there_was_a_booking_is_for_the_first_one() -> None:
    missed = FlightMissed(reason="late", times_missed=1)
    case = given(*BOOKED, missed, *REPORTED_AGAIN, booked(*FAMILY), RECEPTION)
    case.when(MarkReadyToTravel(), OPERATIONS).then(ReadyToTravel())


def test_the_same_booking_again_leaves_the_reception_arranged() -> None:
    same = ConfirmBooking(departs_at=DEPARTS_AT, arrives_at=ARRIVES_AT, destination_country="PK", person_ids=FAMILY)
    given(*BOOKED).when(same, OPERATIONS).then()


def test_nobody_boards_on_a_decision_that_ran_out_while_the_flight_was_late() -> None:
    decided = given(*CONFIRMED, fit(MOTHER, valid_until=date(2023, 5, 4)))
    the_next_noon = NOON + timedelta(days=2)
    tried = decided.when(ClearToBoard(), OPERATIONS, the_next_noon)
    assert tried.refusal is not None


@pytest.mark.parametrize("role", [Role.COUNSELLOR, Role.COORDINATOR, Role.PROTECTION])
def test_most_are_shown_the_flag_and_nothing_of_the_decision(role: Role) -> None:
    seen = seen_by(after(*DOCUMENTED, booked(*FAMILY, assistance=("oxygen",)), fit(MOTHER, "oxygen")), (role,))
    mother = seen.person(MOTHER)
    assert mother is not None
    assert {one.kind for one in mother.evidence} == {"exit_formalities", "fitness_asked"}
    assert all((one.outcome, one.conditions, one.valid_until) == (None, (), None) for one in mother.evidence)
    assert mother.assistance == ()


def test_they_cannot_tell_a_decision_from_a_flag() -> None:
    asked, decided = (
        seen_by(after(*BOOKED, event), (Role.COUNSELLOR,)) for event in (flagged(MOTHER, DECIDED_AT), fit(MOTHER, "escort"))
    )
    assert asked == decided


def test_nor_do_they_learn_by_until_when_it_holds_on_which_day_a_decision_ends() -> None:
    short = fit(MOTHER, valid_until=date(2023, 5, 2))
    ended = over_at(date(2023, 5, 2))
    for past in ((*READY, short), (*CONFIRMED, short, ClearedToBoard(cleared_at=CLEARED_AT), lost("fitness_not_decided", ended))):
        case = after(*past)
        assert ended in (case.holds_until, case.clearance_lapsed_at)
        seen = seen_by(case, (Role.COUNSELLOR,))
        assert ended not in (seen.holds_until, seen.clearance_lapsed_at)
        assert seen.clearance_lapsed_at is None and (seen.cleared_at is None or case.clearance_lapsed_at is None)


@pytest.mark.parametrize("role", [Role.MEDICAL, Role.OPERATIONS])
def test_who_decides_and_who_books_are_shown_all_of_it(role: Role) -> None:
    case = after(*BOOKED, fit(MOTHER, "escort"))
    assert seen_by(case, (role,)) == case


def test_what_a_journey_needed_is_gone_with_the_journey() -> None:
    stays = after(*BOOKED, fit(MOTHER), PersonWithdrew(person_id=MOTHER)).person(MOTHER)
    assert stays is not None and stays.evidence == ()
    home = after(*DOCUMENTED, fit(MOTHER), booked(*FAMILY, assistance=("escort",)), RECEPTION, *ARRIVED[len(BOOKED) :])
    assert all(person.evidence == () for person in home.persons)
    assert all(person.assistance == () for person in home.persons)


def test_of_two_leaves_nobody_can_say_which_tells_of_health() -> None:
    def told(event: Event) -> dict[str, object]:
        return cast("dict[str, object]", json.loads(conceal(event)[0].model_dump_json()))

    of_health, of_an_office = told(fit(MOTHER, "oxygen")), told(may_leave(MOTHER, VALID_UNTIL))
    secrets = ("evidence_kind", "outcome", "conditions", "valid_from", "valid_until", "country")
    assert of_health.keys() == of_an_office.keys()
    for field in secrets:
        assert len(str(of_health[field])) == len(str(of_an_office[field])) == 43
    open_fields = of_health.keys() - {*secrets, "established_at"}
    assert {field: of_health[field] for field in open_fields} == {"person_id": str(MOTHER)}
    assert "fit" not in json.dumps(of_health) and "oxygen" not in json.dumps(of_health)


def test_why_a_clearance_was_lost_does_not_stand_in_its_leaf() -> None:
    assert "fitness" not in conceal(lost("fitness_not_decided"))[0].model_dump_json()


def test_on_which_day_a_paper_ended_does_not_stand_in_the_leaf_of_what_it_took_away() -> None:
    def told(event: Event) -> dict[str, object]:
        return cast("dict[str, object]", json.loads(conceal(event)[0].model_dump_json()))

    by_time, by_somebody = told(lost("fitness_not_decided", over_at(VALID_UNTIL))), told(lost("booking_missing"))
    assert str(VALID_UNTIL) not in json.dumps(by_time)
    assert {field: value and len(str(value)) for field, value in by_time.items()} == {
        field: value and len(str(value)) for field, value in by_somebody.items()
    }


def test_a_fold_goes_on_without_what_was_erased() -> None:
    hidden = Concealed(digest="0" * 43)
    erased = EvidenceRecorded(
        person_id=MOTHER, evidence_kind=hidden, outcome=hidden, conditions=hidden, valid_from=hidden, valid_until=hidden,
        established_at=NOON
    )
    assert evidence_in(erased) is None
    assert after(*BOOKED, erased) == after(*BOOKED)
