"""What the clock alone brings about: a readiness that is over, a clearance that lapsed, an arrival nobody confirmed."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture
from services.returns.domain.case_timers import CheckArrival, CheckClearance
from services.returns.domain.case_times import (
    SILENCE_AFTER_LANDING,
    SILENCE_WHERE_IT_PRESSES,
    in_time,
)
from services.returns.domain.days import latest_day, over_at, over_at_home
from services.returns.domain.gate import gate
from services.returns.domain.holds import Hold
from shared.contracts.returns import (
    ArrivalOverdue,
    CaseArrived,
    CaseDeparted,
    CaseLapsed,
    CaseWithdrawn,
    ClearanceLost,
    ClearedToBoard,
    FlightMissed,
    HoldPlaced,
    PersonDeparted,
    PersonWithdrew,
    ReadyToTravel,
)
from shared.messages import Concealed, Event
from tests.given import NOON
from tests.unit.returns.examples import (
    ARRIVES_AT,
    BOARDED_AT,
    BOOKED,
    CHILD,
    CLEARED,
    CLEARED_AT,
    DEPARTED,
    DEPARTS_AT,
    DOCUMENTED,
    FAMILY,
    FATHER,
    LANDED_AT,
    MOTHER,
    OFFICE,
    OPERATIONS,
    PLAN,
    REACTION,
    READY,
    RECEPTION,
    after,
    booked,
    caught_up,
    confirmed,
    fit,
    given,
    knowing,
    landed,
    left,
    lost,
    may_leave,
    passport,
)

MOMENTS = st.integers(-10**9, 10**9).map(lambda seconds: NOON + timedelta(seconds=seconds))
DAY = timedelta(days=1)
WITHDRAWN = CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY)
LAPSED = CaseLapsed(reason="no_contact", person_ids=FAMILY)


@over(at=MOMENTS, last_day=st.dates(date(2001, 1, 1), date(2098, 1, 1)))
def test_a_day_is_over_from_the_moment_on_at_which_a_later_one_has_begun_somewhere(at: datetime, last_day: date) -> None:
    assert (at < over_at(last_day)) == (latest_day(at) <= last_day)


@pytest.mark.parametrize(
    ("past", "until"),
    [
        (BOOKED, None),
        (READY, DEPARTS_AT),
        ((*READY, passport(CHILD, date(2023, 5, 2))), over_at(date(2023, 5, 2))),
        ((*READY, fit(MOTHER, valid_until=date(2023, 5, 2))), over_at(date(2023, 5, 2))),
        ((*READY, may_leave(FATHER, date(2023, 5, 1))), over_at_home(date(2023, 5, 1))),
        (CLEARED, CLEARED_AT + DAY),
        ((*CLEARED, fit(MOTHER, valid_until=date(2023, 5, 3))), over_at(date(2023, 5, 3))),
        ((*CLEARED, lost("booking_missing")), None),
        (DEPARTED, None),
    ],
    ids=[
        "nothing is ready", "the departure", "a document", "a decision on fitness", "an exit", "a clearance",
        "a decision before the clearance", "nothing any more", "gone",
    ],
)  # fmt: skip
def test_a_case_knows_until_when_it_holds_what_it_has(past: tuple[Event, ...], until: datetime | None) -> None:
    assert after(*past).holds_until == until


def test_whoever_withdrew_limits_nobody() -> None:
    short = (*READY, passport(MOTHER, date(2023, 5, 2)), PersonWithdrew(person_id=MOTHER))
    assert after(*short).holds_until == DEPARTS_AT


def test_while_everything_holds_a_look_changes_nothing() -> None:
    given(*READY).when(CheckClearance(), REACTION).then()
    given(*CLEARED).when(CheckClearance(), REACTION, CLEARED_AT).then()
    given(*BOOKED).when(CheckClearance(), REACTION, DEPARTS_AT + DAY).then()
    given().when(CheckClearance(), REACTION).then()


def test_readiness_for_a_flight_that_has_left_is_over() -> None:
    given(*READY).when(CheckClearance(), REACTION, DEPARTS_AT).then(lost("booking_in_the_past"))


def test_whoever_was_cleared_is_given_a_day_in_which_the_departure_is_recorded() -> None:
    given(*CLEARED).when(CheckClearance(), REACTION, DEPARTS_AT + timedelta(hours=3)).then()
    over = given(*CLEARED).when(CheckClearance(), REACTION, CLEARED_AT + DAY)
    over.then(lost("booking_in_the_past", CLEARED_AT + DAY))


def test_a_decision_that_ran_out_overnight_takes_the_clearance_away_from_then_on() -> None:
    leaves, lands = NOON + timedelta(hours=8), NOON + timedelta(hours=11)
    flight = booked(*FAMILY, departs_at=leaves, arrives_at=lands)
    ready = (*DOCUMENTED, fit(MOTHER, valid_until=date(2023, 5, 3)), flight, RECEPTION, ReadyToTravel())
    both = (confirmed(MOTHER), confirmed(FATHER))
    delayed = given(*ready, *both, ClearedToBoard(cleared_at=NOON + timedelta(hours=6)))
    ran_out = over_at(date(2023, 5, 3))
    delayed.when(CheckClearance(), REACTION, ran_out - timedelta(seconds=1)).then()
    # Also when nobody looked before the next day but one.
    for looked_at in (ran_out, ran_out + 2 * DAY):
        delayed.when(CheckClearance(), REACTION, looked_at).then(lost("fitness_not_decided", ran_out))


@pytest.mark.parametrize("paper", ["document", "fitness", "exit"])
@over(last_day=st.dates(date(2023, 5, 1), date(2023, 5, 4)), late=st.integers(0, 10**6))
def test_what_a_paper_took_away_is_gone_from_the_first_moment_at_which_the_paper_counts_no_longer(
    paper: str, last_day: date, late: int
) -> None:
    # Whole days: of what is read abroad until the day is over somewhere, of what is read at this border until it is here.
    ends = {
        "document": (passport(MOTHER, last_day), over_at(last_day), "document_expires_before_arrival"),
        "fitness": (fit(MOTHER, valid_until=last_day), over_at(last_day), "fitness_not_decided"),
        "exit": (may_leave(MOTHER, last_day), over_at_home(last_day), "exit_formalities_missing"),
    }
    recorded, gone_from, code = ends[paper]
    held_on = gone_from - timedelta(hours=2)
    leaves, lands = gone_from - timedelta(hours=1), gone_from - timedelta(minutes=1)
    flight = booked(*FAMILY, departs_at=leaves, arrives_at=lands)
    past = (*DOCUMENTED, recorded, flight, RECEPTION, ReadyToTravel(), *(confirmed(one, held_on) for one in (MOTHER, FATHER)))
    cleared = given(*past, ClearedToBoard(cleared_at=held_on)).knowing(caught_up(gone_from))
    case = after(*cleared.past)
    assert case.holds_until == gone_from

    def unmet(at: datetime) -> set[str]:
        return {line.code for line in gate(case, caught_up(at), at, boarding=True) if not line.met}

    assert code not in unmet(gone_from - timedelta(microseconds=1)) and code in unmet(gone_from)
    looked_at = gone_from + timedelta(seconds=late)
    cleared.knowing(caught_up(looked_at)).when(CheckClearance(), REACTION, looked_at).then(lost(code, gone_from))


def test_a_case_that_has_ended_keeps_no_clearance_that_had_lapsed() -> None:
    lapsed = (*CLEARED, lost("fitness_not_decided", CLEARED_AT + timedelta(hours=1)))
    assert after(*lapsed).clearance_lapsed_at == CLEARED_AT + timedelta(hours=1)
    ended = after(*lapsed, WITHDRAWN)
    assert (ended.cleared_at, ended.clearance_lapsed_at) == (None, None)
    # As if it had been erased beside the log.
    erased = ClearanceLost(condition="", reason=Concealed(digest="x"), lapsed=Concealed(digest="x"))
    assert after(*CLEARED, erased, WITHDRAWN) == ended
    earlier = ClearanceLost(condition="fitness_not_decided", lapsed_at=CLEARED_AT + timedelta(hours=1))
    assert after(*CLEARED, earlier) == after(*lapsed)


def test_a_consent_that_was_taken_back_takes_the_readiness_away() -> None:
    revoked = given(*READY).knowing(knowing(FATHER, data_consent=False))
    revoked.when(CheckClearance(), REACTION).then(lost("data_consent_missing"))


def test_a_session_that_turns_out_not_to_have_been_alone_takes_readiness_and_clearance_away() -> None:
    for past in (READY, CLEARED):
        set_right = given(*past).knowing(knowing(FATHER, heard_alone=False))
        set_right.when(CheckClearance(), REACTION).then(lost("session_alone_missing"))


def test_while_it_is_not_certain_that_the_latest_sessions_are_known_nothing_is_taken_away_for_one_alone() -> None:
    behind = replace(knowing(FATHER, heard_alone=False), followers_caught_up_at=None)
    given(*READY).knowing(behind).when(CheckClearance(), REACTION).then()


def test_whoever_left_before_the_clearance_lapsed_left_with_it_whenever_that_is_recorded() -> None:
    lapsed = given(*CLEARED, lost("booking_in_the_past", CLEARED_AT + DAY))
    late = CLEARED_AT + 2 * DAY
    lapsed.when(RecordDeparture(person_ids=FAMILY, departed_at=BOARDED_AT), OPERATIONS, late).then_kinds(
        PersonDeparted, PersonDeparted, PersonDeparted, type(DEPARTED[-1])
    )
    told = lapsed.when(RecordDeparture(person_ids=FAMILY, departed_at=BOARDED_AT), OPERATIONS, late).events
    assert all(event.cleared for event in told if isinstance(event, PersonDeparted))
    after_it = RecordDeparture(person_ids=FAMILY, departed_at=CLEARED_AT + DAY + timedelta(minutes=1))
    told = lapsed.when(after_it, OPERATIONS, late).events
    assert not any(event.cleared for event in told if isinstance(event, PersonDeparted))


def test_an_arrival_with_a_child_is_overdue_six_hours_after_landing() -> None:
    expected = BOARDED_AT + (ARRIVES_AT - DEPARTS_AT)
    due = expected + SILENCE_WHERE_IT_PRESSES
    assert after(*DEPARTED).arrival_due_at == due
    given(*DEPARTED).when(CheckArrival(), REACTION, due - timedelta(seconds=1)).then()
    given(*DEPARTED).when(CheckArrival(), REACTION, due).then(ArrivalOverdue(person_ids=FAMILY, expected_at=expected))


def test_an_arrival_of_adults_is_overdue_after_a_day() -> None:
    without_child = (*DEPARTED, landed(CHILD))
    assert after(*without_child).arrival_due_at == BOARDED_AT + (ARRIVES_AT - DEPARTS_AT) + SILENCE_AFTER_LANDING


def test_an_arrival_of_adults_who_are_held_on_the_way_is_overdue_as_early_whatever_for() -> None:
    adults = after(*DEPARTED, landed(CHILD))
    hold = Hold(PLAN, NOON, "staff:emir", "document")
    for reason in ("protection", "transit"):
        held = in_time(replace(adults, holds=(replace(hold, reason=reason),)))
        assert held.arrival_due_at == in_time(replace(adults, holds=(hold,))).arrival_due_at
        assert held.arrival_due_at == BOARDED_AT + (ARRIVES_AT - DEPARTS_AT) + SILENCE_WHERE_IT_PRESSES


def test_without_a_booking_a_journey_takes_a_day_at_most() -> None:
    case = after(*DEPARTED[:1], left(MOTHER, cleared=False))
    assert case.arrival_due_at == BOARDED_AT + DAY + SILENCE_AFTER_LANDING


def test_that_an_arrival_is_overdue_is_said_once_and_until_it_is_confirmed() -> None:
    said = (*DEPARTED, ArrivalOverdue(person_ids=FAMILY, expected_at=ARRIVES_AT))
    assert after(*said).arrival_overdue_at == ARRIVES_AT
    given(*said).when(CheckArrival(), REACTION, ARRIVES_AT + 9 * DAY).then()
    assert after(*said, landed(MOTHER)).arrival_overdue_at == ARRIVES_AT
    home = after(*said, *(landed(one) for one in FAMILY), CaseArrived(arrived_at=LANDED_AT))
    assert (home.arrival_overdue_at, home.arrival_due_at) == (None, None)


@pytest.mark.parametrize("ending", [WITHDRAWN, LAPSED])
def test_a_child_who_was_taken_from_a_case_that_has_ended_is_missed_and_can_arrive(ending: Event) -> None:
    past = (*BOOKED, ending)
    taken = given(*past).when(RecordDeparture(person_ids=(CHILD,), departed_at=BOARDED_AT), OPERATIONS, LANDED_AT)
    gone = given(*past, *taken.events)
    due = after(*gone.past).arrival_due_at
    assert due is not None and due <= BOARDED_AT + DAY + SILENCE_WHERE_IT_PRESSES
    gone.when(CheckArrival(), REACTION, due).then_kinds(ArrivalOverdue)
    arrived = gone.when(ConfirmArrival(person_id=CHILD, arrived_at=LANDED_AT, known_by="met"), OFFICE, due)
    arrived.then(landed(CHILD))
    assert after(*gone.past, landed(CHILD)).arrival_due_at is None


def test_when_somebody_is_missed_does_not_move_with_the_flight_of_those_who_stayed() -> None:
    gone = (*CLEARED, left(CHILD, cleared=False))
    due = BOARDED_AT + (ARRIVES_AT - DEPARTS_AT) + SILENCE_WHERE_IT_PRESSES
    three_weeks_on = DEPARTS_AT + 21 * DAY
    stayed = FlightMissed(reason="late", times_missed=1)
    anew = booked(MOTHER, FATHER, departs_at=three_weeks_on, arrives_at=three_weeks_on + timedelta(hours=9))
    for past in (gone, (*gone, stayed), (*gone, stayed, anew)):
        assert after(*past).arrival_due_at == due
        given(*past).when(CheckArrival(), REACTION, due).then_kinds(ArrivalOverdue)


def test_whoever_leaves_days_before_the_booked_flight_is_not_awaited_by_it() -> None:
    early = DEPARTS_AT - 20 * DAY
    assert after(*BOOKED, left(CHILD, early, cleared=False)).arrival_due_at == early + DAY + SILENCE_WHERE_IT_PRESSES


def test_that_one_is_overdue_silences_nobody_who_leaves_later() -> None:
    later = BOARDED_AT + 5 * DAY
    said = (*CLEARED, left(FATHER), ArrivalOverdue(person_ids=(FATHER,), expected_at=LANDED_AT))
    rest = (*said, left(MOTHER, later, cleared=False), left(CHILD, later, cleared=False), CaseDeparted(departed_at=later))
    case = after(*rest, landed(FATHER))
    assert case.arrival_overdue_at is None
    assert case.arrival_due_at == later + (ARRIVES_AT - DEPARTS_AT) + SILENCE_WHERE_IT_PRESSES
    given(*rest).when(CheckArrival(), REACTION, case.arrival_due_at).then(
        ArrivalOverdue(person_ids=(MOTHER, CHILD), expected_at=later + (ARRIVES_AT - DEPARTS_AT))
    )


def test_a_consent_is_gone_only_once_all_of_the_log_was_heard() -> None:
    unheard = replace(knowing(FATHER, data_consent=False), followers_caught_up_at=None)
    given(*CLEARED).knowing(unheard).when(CheckClearance(), REACTION, CLEARED_AT).then()
    given(*READY).knowing(unheard).when(CheckClearance(), REACTION, DEPARTS_AT).then(lost("booking_in_the_past"))


def test_since_when_a_consent_was_gone_nobody_says_so_nobody_left_with_clearance() -> None:
    late = CLEARED_AT + DAY
    facts = replace(knowing(FATHER, data_consent=False), followers_caught_up_at=late)
    given(*CLEARED).knowing(facts).when(CheckClearance(), REACTION, late).then(lost("data_consent_missing"))


def test_no_clearance_that_lapsed_outlives_a_hold_whatever_a_clock_said() -> None:
    hold = HoldPlaced(
        hold_id=PLAN, reason=Concealed.of("protection"), placed_by="staff:mirela", placed_at=CLEARED_AT + timedelta(minutes=30)
    )
    held = given(*CLEARED, lost("booking_in_the_past", CLEARED_AT + DAY), hold)
    after_it = RecordDeparture(person_ids=FAMILY, departed_at=BOARDED_AT)
    told = held.when(after_it, OPERATIONS, LANDED_AT).events
    assert [event.cleared for event in told if isinstance(event, PersonDeparted)] == [False, False, False]
