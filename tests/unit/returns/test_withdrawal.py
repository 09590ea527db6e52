from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.returns.domain.case_preparation import MarkReadyToTravel
from services.returns.domain.case_state import CaseFacts
from services.returns.domain.case_withdrawal import (
    LapseCase,
    RecordContactTried,
    WithdrawCase,
    WithdrawPerson,
)
from services.returns.domain.screening import Fear, Finding, Trafficking, Vulnerability
from services.returns.domain.screening_facts import closed
from shared.contracts.families import GuardianNoted
from shared.contracts.returns import (
    CaseDeparted,
    CaseLapsed,
    CaseWithdrawn,
    ContactTried,
    PersonWithdrew,
)
from shared.messages import Concealed, Event
from tests.given import NOON
from tests.unit.returns.examples import (
    APPLIED,
    APPROVED,
    ARRIVED,
    BEST,
    BOARDED_AT,
    BOOKED,
    CHILD,
    CLEARED,
    COORDINATOR,
    COUNSELLOR,
    DECLARED,
    DEPARTED,
    DOCUMENTED,
    EXPRESSED_AT,
    FAMILY,
    FATHER,
    MOTHER,
    OPENED,
    OPERATIONS,
    PLAN,
    PREPARING,
    READY,
    SCREENED,
    SCREENED_AT,
    SCREENING,
    SIGNED_AT,
    STRANGER,
    after,
    answered,
    booked,
    covered,
    given,
    left,
    lost,
    opened,
    signed,
    told,
)

BEFORE_DEPARTURE = {
    "intention": OPENED, "screening": SCREENING, "applied": APPLIED, "approved": APPROVED, "preparing": PREPARING,
    "booked": BOOKED, "ready": READY, "cleared": CLEARED,
}
SINCE_DEPARTURE = {"departed": DEPARTED, "arrived": ARRIVED}
LONG_SILENT = SIGNED_AT + timedelta(days=30)
LAPSE = LapseCase(reason="no_contact")


def withdrawn(*person_ids: UUID, reason: str = "not_stated") -> CaseWithdrawn:
    return CaseWithdrawn(reason=Concealed.of(reason), person_ids=person_ids)


def tried(*days_before: int) -> tuple[ContactTried, ...]:
    return tuple(ContactTried(tried_at=LONG_SILENT - timedelta(days=days)) for days in days_before)


@pytest.mark.parametrize("status", BEFORE_DEPARTURE)
def test_everybody_can_withdraw_at_any_time_before_departure_without_a_reason(status: str) -> None:
    given(*BEFORE_DEPARTURE[status]).when(WithdrawCase(), COUNSELLOR).then(withdrawn(*FAMILY))


@pytest.mark.parametrize("status", BEFORE_DEPARTURE)
def test_one_person_can_withdraw_at_any_time_before_departure(status: str) -> None:
    withdrew = given(*BEFORE_DEPARTURE[status]).when(WithdrawPerson(person_id=FATHER), COUNSELLOR)
    assert withdrew.events[:1] == (PersonWithdrew(person_id=FATHER),)


@pytest.mark.parametrize("order", [WithdrawCase(), WithdrawPerson(person_id=FATHER)])
def test_withdrawal_waits_for_no_facts(order: WithdrawCase | WithdrawPerson) -> None:
    nothing_known = given(*CLEARED).knowing(CaseFacts())
    assert nothing_known.when(order, COUNSELLOR).refusal is None


def test_a_reason_that_was_told_is_kept_concealed() -> None:
    given(*OPENED).when(WithdrawCase(reason="health"), COUNSELLOR).then(withdrawn(*FAMILY, reason="health"))


def test_whoever_withdrew_earlier_does_not_end_their_attempt_again() -> None:
    given(*APPLIED, PersonWithdrew(person_id=FATHER)).when(WithdrawCase(), COUNSELLOR).then(withdrawn(MOTHER, CHILD))


@pytest.mark.parametrize("order", [WithdrawCase(), WithdrawPerson(person_id=MOTHER)])
@pytest.mark.parametrize("status", SINCE_DEPARTURE)
def test_nobody_withdraws_from_a_journey_that_was_made(status: str, order: WithdrawCase | WithdrawPerson) -> None:
    given(*SINCE_DEPARTURE[status]).when(order, COUNSELLOR).refused("departed_already")


@pytest.mark.parametrize("order", [WithdrawCase(), WithdrawPerson(person_id=MOTHER)])
def test_nobody_withdraws_from_a_case_that_has_ended(order: WithdrawCase | WithdrawPerson) -> None:
    given(*OPENED, withdrawn(*FAMILY)).when(order, COUNSELLOR).refused("case_ended")


def test_when_the_last_person_withdraws_the_case_is_withdrawn() -> None:
    two_withdrew = (PersonWithdrew(person_id=FATHER), PersonWithdrew(person_id=CHILD))
    given(*OPENED, *two_withdrew).when(WithdrawPerson(person_id=MOTHER), COUNSELLOR).then(withdrawn(MOTHER))


def test_a_single_person_who_withdraws_ends_the_case() -> None:
    given(opened(covered(MOTHER, "adult"))).when(WithdrawPerson(person_id=MOTHER), COUNSELLOR).then(withdrawn(MOTHER))


def test_a_person_who_withdraws_twice_changes_nothing() -> None:
    given(*OPENED, PersonWithdrew(person_id=FATHER)).when(WithdrawPerson(person_id=FATHER), COUNSELLOR).then()


def test_somebody_outside_the_case_does_not_withdraw_from_it() -> None:
    given(*OPENED).when(WithdrawPerson(person_id=STRANGER), COUNSELLOR).refused("person_not_in_case")


def test_a_person_who_left_does_not_withdraw_while_others_wait() -> None:
    given(*CLEARED, left(MOTHER)).when(WithdrawPerson(person_id=MOTHER), COUNSELLOR).refused("departed_already")


def test_when_somebody_left_already_withdrawing_means_that_all_others_stay_behind() -> None:
    given(*CLEARED, left(MOTHER)).when(WithdrawCase(), COUNSELLOR).then(
        PersonWithdrew(person_id=FATHER), PersonWithdrew(person_id=CHILD), CaseDeparted(departed_at=BOARDED_AT)
    )


@pytest.mark.parametrize("status", ["ready", "cleared"])
def test_one_persons_withdrawal_takes_readiness_away_from_the_others(status: str) -> None:
    withdrew = given(*BEFORE_DEPARTURE[status]).when(WithdrawPerson(person_id=FATHER), COUNSELLOR)
    withdrew.then(PersonWithdrew(person_id=FATHER), lost("best_interests_open"))
    assert after(*BEFORE_DEPARTURE[status], *withdrew.events).status == "preparing"


def test_a_withdrawal_that_leaves_only_the_booking_wrong_takes_readiness_away_too() -> None:
    given(*READY).when(WithdrawPerson(person_id=CHILD), COUNSELLOR).then(
        PersonWithdrew(person_id=CHILD), lost("booking_missing")
    )


def test_children_whose_adults_withdraw_can_no_longer_travel() -> None:
    past = (*DOCUMENTED, signed(CHILD, MOTHER), PersonWithdrew(person_id=FATHER), PersonWithdrew(person_id=MOTHER))
    guardian = GuardianNoted(person_id=CHILD, guardian_id=MOTHER)
    alone = given(*past, guardian, signed(CHILD, MOTHER), told(CHILD, answered(CHILD)), told(CHILD, BEST), booked(CHILD))
    alone.when(MarkReadyToTravel(), OPERATIONS).refused("child_without_guardian")


def test_the_first_other_adult_follows_a_principal_who_withdraws() -> None:
    assert after(*OPENED).principal_id == MOTHER
    assert after(*OPENED, PersonWithdrew(person_id=MOTHER)).principal_id == FATHER


def test_a_child_is_principal_only_where_no_adult_goes_on() -> None:
    both = (PersonWithdrew(person_id=MOTHER), PersonWithdrew(person_id=FATHER))
    assert after(*OPENED, *both).principal_id == CHILD


def test_the_principal_stays_when_another_person_withdraws() -> None:
    assert after(*OPENED, PersonWithdrew(person_id=FATHER)).principal_id == MOTHER


def test_a_try_to_reach_the_migrant_is_recorded() -> None:
    given(*DECLARED).when(RecordContactTried(tried_at=NOON), COUNSELLOR).then(ContactTried(tried_at=NOON))


def test_a_try_that_comes_again_changes_nothing() -> None:
    given(*DECLARED, ContactTried(tried_at=NOON)).when(RecordContactTried(tried_at=NOON), COUNSELLOR).then()


def test_a_try_cannot_be_recorded_before_it_happened() -> None:
    given(*DECLARED).when(RecordContactTried(tried_at=NOON + timedelta(seconds=1)), COUNSELLOR).refused("in_the_future")


@pytest.mark.parametrize("tried_at", [EXPRESSED_AT, SIGNED_AT], ids=["before it", "with it"])
def test_a_try_that_the_last_contact_followed_does_not_count(tried_at: datetime) -> None:
    given(*DECLARED).when(RecordContactTried(tried_at=tried_at), COUNSELLOR).refused("contact_since")


def test_contact_makes_earlier_tries_void() -> None:
    earlier = (ContactTried(tried_at=SIGNED_AT - timedelta(hours=1)), ContactTried(tried_at=SIGNED_AT))
    case = after(*SCREENED, *earlier, signed(MOTHER, MOTHER), ContactTried(tried_at=NOON))
    assert (case.last_contact_at, case.contact_tried_at) == (SIGNED_AT, (NOON,))


# Between the two tries.
HEARD = SIGNED_AT + timedelta(days=25)


@pytest.mark.parametrize(
    "part", [answered(CHILD, at=HEARD), Fear(HEARD, fears_return=False), Vulnerability(HEARD, ())],
    ids=["voluntariness", "fear", "vulnerability"],
)  # fmt: skip
def test_whoever_was_heard_in_screening_was_in_contact(part: Finding) -> None:
    heard = (*DECLARED, *tried(9, 2), told(CHILD, part))
    assert after(*heard).in_contact_at == HEARD
    given(*heard).when(LAPSE, COORDINATOR, LONG_SILENT).refused("too_early_to_lapse")
    given(*heard).when(RecordContactTried(tried_at=HEARD), COUNSELLOR, LONG_SILENT).refused("contact_since")
    # Tries that came before they were heard do not count either.
    given(*heard).when(LAPSE, COORDINATOR, HEARD + timedelta(days=30)).refused("contact_not_tried_enough")


def test_what_protection_does_by_itself_is_no_contact_and_shows_in_nothing_that_all_staff_see() -> None:
    called = (*DECLARED, told(MOTHER, Vulnerability(SCREENED_AT, ("gbv",)), "gbv", record_id=PLAN))
    quiet = (
        told(MOTHER, Trafficking(HEARD, "acceptable")), told(CHILD, replace(BEST, at=HEARD)),
        closed(PLAN, MOTHER, "referred", HEARD),
    )  # fmt: skip
    case = after(*called, *quiet)
    assert (case.last_contact_at, case.in_contact_at) == (SIGNED_AT, SIGNED_AT)
    given(*called, *quiet, *tried(9, 2)).when(LAPSE, COORDINATOR, LONG_SILENT).then_kinds(CaseLapsed)
    assert after(*called, told(MOTHER, Fear(HEARD, fears_return=False))).last_contact_at == SIGNED_AT


def test_tries_are_recorded_only_while_the_case_can_lapse() -> None:
    given(*READY).when(RecordContactTried(tried_at=NOON), COUNSELLOR).refused("wrong_status")


def test_a_case_lapses_after_two_tries_and_thirty_days_without_contact() -> None:
    given(*DECLARED, *tried(9, 2)).when(LAPSE, COORDINATOR, LONG_SILENT).then(
        CaseLapsed(reason="no_contact", person_ids=FAMILY)
    )
    assert after(*DECLARED, CaseLapsed(reason="no_contact", person_ids=FAMILY)).status == "lapsed"


def test_a_case_does_not_lapse_within_thirty_days_of_the_last_contact() -> None:
    a_second_before = LONG_SILENT - timedelta(seconds=1)
    given(*DECLARED, *tried(9, 2)).when(LAPSE, COORDINATOR, a_second_before).refused("too_early_to_lapse")


@pytest.mark.parametrize("tries", [(), tried(2)], ids=["never tried", "tried once"])
def test_a_case_does_not_lapse_without_two_tries(tries: tuple[ContactTried, ...]) -> None:
    given(*DECLARED, *tries).when(LAPSE, COORDINATOR, LONG_SILENT).refused("contact_not_tried_enough")


def test_two_calls_on_one_day_are_one_try() -> None:
    def call(at: datetime) -> ContactTried:
        return ContactTried(tried_at=at)

    twice = (call(NOON), call(NOON + timedelta(minutes=5)))
    given(*DECLARED, *twice).when(LAPSE, COORDINATOR, LONG_SILENT).refused("contact_not_tried_enough")


def test_the_days_of_tries_are_the_missions() -> None:
    # In Sarajevo the second of May begins two hours before it does in UTC.
    early, late = datetime(2023, 5, 1, 22, 0, tzinfo=UTC), datetime(2023, 5, 2, 21, 59, tzinfo=UTC)
    one_day = (ContactTried(tried_at=early), ContactTried(tried_at=late))
    given(*DECLARED, *one_day).when(LAPSE, COORDINATOR, LONG_SILENT).refused("contact_not_tried_enough")
    two_days = (ContactTried(tried_at=early - timedelta(minutes=1)), ContactTried(tried_at=early))
    given(*DECLARED, *two_days).when(LAPSE, COORDINATOR, LONG_SILENT).then_kinds(CaseLapsed)


def test_a_case_that_is_ready_to_travel_does_not_lapse() -> None:
    given(*READY).when(LAPSE, COORDINATOR, LONG_SILENT).refused("wrong_status")


def test_a_case_of_which_somebody_left_does_not_lapse() -> None:
    partly: tuple[Event, ...] = (*DECLARED, left(FATHER, cleared=False), *tried(9, 2))
    given(*partly).when(LAPSE, COORDINATOR, LONG_SILENT).refused("departed_already")
