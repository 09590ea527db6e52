"""Screening part by part: what calls protection, what stops a journey, what follows when it changes, who is shown what."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

import pytest

from services.returns.domain.case_application import ApproveCase, SubmitApplication
from services.returns.domain.case_holds import LiftHold
from services.returns.domain.case_inquiry import AnswerFamilyAssessment
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_preparation import ClearToBoard, MarkReadyToTravel
from services.returns.domain.case_screening import (
    AssessTraffickingRisk,
    AssessVoluntariness,
    CloseAlert,
    RecordBestInterests,
    RecordFearOfReturn,
    RecordVulnerability,
)
from services.returns.domain.case_state import Case
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from services.returns.domain.gate import gate, gate_told_to
from services.returns.domain.screening import (
    ALERT_RULES,
    ALONE,
    INDICATOR_GROUPS,
    PROTECTED_INDICATORS,
    TRAFFICKED,
    Alert,
    AlertCause,
    FamilyAssessment,
    Fear,
    Finding,
    PersonScreening,
    Response,
    Trafficking,
    Vulnerability,
    calls,
    causes_of,
)
from services.returns.domain.screening_facts import closed
from services.returns.domain.screening_lines import CODES, LINES, screening_seen_by
from services.returns.domain.window import state_abroad
from shared.actors import Actor, Role
from shared.contracts.returns import (
    Agreement,
    ApplicationSubmitted,
    CaseApproved,
    CaseWithdrawn,
    ClearanceLost,
    HoldLifted,
    HoldPlaced,
    Indicator,
    PersonArrived,
    PersonScreened,
    PersonWithdrew,
    ScreeningRecorded,
)
from shared.messages import Command, Concealed, Event
from tests.given import NOON, staff
from tests.unit.returns.examples import (
    APPLIED,
    ARRIVED,
    BEST,
    BOOKED,
    CHILD,
    CLEARED,
    CONFIRMED,
    COORDINATOR,
    COUNSELLOR,
    DECLARED,
    EVERYTHING_KNOWN,
    EXPRESSED_AT,
    FAMILY,
    FATHER,
    LANDED_AT,
    MOTHER,
    NOT_VULNERABLE,
    OPENED,
    OPERATIONS,
    PREPARING,
    PROTECTION,
    READY,
    SCREENED_AT,
    SCREENING,
    STRANGER,
    SUBMITTER,
    UNAFRAID,
    after,
    answered,
    given,
    knowing,
    ref,
    told,
)

RECORD = ref(71)
INDICATORS: tuple[Indicator, ...] = get_args(Indicator)
FINDINGS: dict[str, Finding] = {
    "voluntariness": answered(MOTHER), "fear": UNAFRAID, "vulnerability": NOT_VULNERABLE,
    "trafficking": Trafficking(SCREENED_AT, "acceptable"), "best_interests": BEST,
}  # fmt: skip
LATER = SCREENED_AT + timedelta(days=1)


def assess(person_id: UUID = MOTHER, **answers: Any) -> AssessVoluntariness:
    found = answered(person_id, **answers)
    stated = {field.name: getattr(found, field.name) for field in fields(found) if field.name not in ("at", "assessed_by")}
    return AssessVoluntariness(record_id=RECORD, person_id=person_id, assessed_at=found.at, **stated)


def note(*indicators: Indicator, person_id: UUID = MOTHER, record_id: UUID = RECORD) -> RecordVulnerability:
    return RecordVulnerability(record_id=record_id, person_id=person_id, noted_at=LATER, indicators=indicators)


def ask(fears: bool, person_id: UUID = MOTHER) -> RecordFearOfReturn:
    return RecordFearOfReturn(record_id=RECORD, person_id=person_id, asked_at=LATER, fears_return=fears)


def best(outcome: str = "return", agreed: tuple[Agreement, ...] = BEST.agreed, procedure: str = "determination") -> Command:
    return RecordBestInterests(
        record_id=RECORD, person_id=CHILD, procedure=procedure, outcome=outcome, established_at=LATER, agreed=agreed
    )


def protected(by: Actor = COUNSELLOR) -> HoldPlaced:
    return HoldPlaced(hold_id=RECORD, reason=Concealed.of("protection"), placed_by=by.person_id, placed_at=NOON)


# Every answer that a rule is about, in the order of the table, and what it has to do. The table is data: a row that changes
# is to be changed here as well, by somebody who has thought about it.
ROWS: dict[AlertCause, Response] = {
    "uasc": "alert", "unaccompanied": "alert", "separated": "alert", "vot_presumed": "hold", "vot_identified": "hold",
    "gbv": "alert", "lgbtqi": "alert", "torture_survivor": "alert", "disability": "nothing", "medical": "nothing",
    "mental_health": "alert", "pregnant_lactating": "nothing", "single_parent": "nothing", "elderly": "nothing",
    "other": "alert", "several_indicators": "alert", "not_free": "hold", "not_informed": "nothing", "not_capable": "hold",
    "fears_return": "hold", "trafficking_unacceptable": "hold", "best_interests_remain": "hold", "family_not_ready": "hold",
    "left_uncleared": "alert",
}  # fmt: skip
ORDERS: dict[AlertCause, Command] = {
    **{indicator: note(indicator) for indicator in INDICATORS},
    "several_indicators": note("elderly", "medical"),
    "not_free": assess(free=False),
    "not_informed": assess(informed=False),
    "not_capable": assess(capable=False),
    "fears_return": ask(True),
    "trafficking_unacceptable": AssessTraffickingRisk(
        record_id=RECORD, person_id=MOTHER, assessed_at=LATER, risk="unacceptable"
    ),
    "best_interests_remain": best("remain"),
    "family_not_ready": AnswerFamilyAssessment(
        inquiry_id=RECORD, assessed_on=SCREENED_AT.date(), family_found=True, ready_to_receive=True, family_agrees=False,
        housing="good", livelihood="good", school="good", medical_care="good",
    ),
    "left_uncleared": RecordDeparture(person_ids=(MOTHER,), departed_at=LATER),
}


def test_of_every_rule_it_is_known_what_it_does() -> None:
    assert dict(ALERT_RULES) == ROWS
    assert set(ORDERS) == set(ROWS)
    assert sorted(one for group in INDICATOR_GROUPS.values() for one in group) == sorted(INDICATORS)
    assert set(INDICATORS) >= ALONE | TRAFFICKED


@pytest.mark.parametrize("cause", ROWS)
def test_each_rule_calls_protection_or_holds_the_case_as_its_row_says(cause: AlertCause) -> None:
    past: tuple[Event, ...] = DECLARED
    if cause == "trafficking_unacceptable":
        past = (*past, told(MOTHER, Vulnerability(SCREENED_AT, ("vot_presumed",))))
    if cause == "family_not_ready":
        past = (*past, told(CHILD, FamilyAssessment(SCREENED_AT, SCREENED_AT, RECORD), record_id=RECORD))
    events = given(*past).when(ORDERS[cause], COUNSELLOR).events
    case = after(*past, *events)
    alerts = [alert for one in case.screening for alert in one.alerts]
    assert [cause in alert.causes for alert in alerts] == ([] if ROWS[cause] == "nothing" else [True])
    assert (case.status == "on_hold") == (ROWS[cause] == "hold")
    assert (case.protection_since is not None) == (ROWS[cause] != "nothing")
    if ROWS[cause] == "hold":
        assert events[-1] == protected()
        # The alert and the hold bear the id of what was recorded.
        assert [alert.alert_id for alert in alerts] == [RECORD]


def test_what_was_known_before_calls_protection_once() -> None:
    known = Vulnerability(SCREENED_AT, ("gbv",))
    assert calls(known, None) == ("gbv",)
    assert calls(Vulnerability(LATER, ("gbv", "medical")), known) == ("several_indicators",)
    assert calls(Vulnerability(LATER, ("gbv",)), known) == ()
    assert calls(Fear(LATER, fears_return=True), UNAFRAID) == ("fears_return",)
    assert all(set(causes_of(finding)) <= set(ALERT_RULES) for finding in FINDINGS.values())


@pytest.mark.parametrize("person_id", FAMILY)
def test_each_person_is_screened_for_themselves(person_id: UUID) -> None:
    assessed = given(*SCREENING).when(assess(person_id), COUNSELLOR)
    assessed.then(told(person_id, answered(person_id), record_id=RECORD))
    noted = given(*SCREENING).when(note(person_id=person_id), COUNSELLOR)
    noted.then(told(person_id, Vulnerability(LATER, ()), record_id=RECORD))
    found = after(*SCREENING, *assessed.events, *noted.events)
    assert found.screening_of(person_id) == PersonScreening(
        person_id, voluntariness=answered(person_id), vulnerability=Vulnerability(LATER, ())
    )
    assert all(found.screening_of(other) == PersonScreening(other) for other in FAMILY if other != person_id)


def test_what_comes_again_changes_nothing_and_what_is_older_takes_no_place() -> None:
    given(*DECLARED).when(assess(), COUNSELLOR).then()
    earlier = RecordFearOfReturn(
        record_id=RECORD, person_id=MOTHER, asked_at=SCREENED_AT - timedelta(seconds=1), fears_return=True
    )
    given(*DECLARED).when(earlier, COUNSELLOR).refused("recorded_since")


@pytest.mark.parametrize("part", ["assessed_at", "asked_at", "noted_at", "established_at"])
def test_what_was_found_before_the_wish_to_return_does_not_count_for_it(part: str) -> None:
    orders: dict[str, Command] = {"assessed_at": assess(), "asked_at": ask(False), "noted_at": note(), "established_at": best()}
    too_early = orders[part].model_copy(update={part: EXPRESSED_AT - timedelta(seconds=1)})
    given(*SCREENING).when(too_early, PROTECTION).refused("before_the_wish")
    with_it = orders[part].model_copy(update={part: EXPRESSED_AT})
    given(*SCREENING).when(with_it, PROTECTION).then_kinds(ScreeningRecorded)


@pytest.mark.parametrize("order", [assess(), note(), ask(False), best()])
def test_screening_is_recorded_of_whoever_travels_once_it_began_and_not_before_it_happened(order: Command) -> None:
    given(*OPENED).when(order, COUNSELLOR).refused("wrong_status")
    given(*ARRIVED).when(order, COUNSELLOR).refused("wrong_status")
    given(*SCREENING).when(order, COUNSELLOR, SCREENED_AT - timedelta(seconds=1)).refused("in_the_future")
    gone = PersonWithdrew(person_id=getattr(order, "person_id"))  # noqa: B009 -- each of these orders names one
    given(*SCREENING, gone).when(order, COUNSELLOR).refused("person_not_travelling")
    stranger = order.model_copy(update={"person_id": STRANGER})
    given(*SCREENING).when(stranger, COUNSELLOR).refused("person_not_in_case")


def test_an_adult_answers_in_person_and_for_a_child_an_adult_of_the_case() -> None:
    given(*SCREENING).when(assess(MOTHER, answered_by=FATHER), COUNSELLOR).refused("adult_answers_in_person")
    given(*SCREENING).when(assess(CHILD, answered_by=CHILD), COUNSELLOR).refused("guardian_not_in_case")
    given(*SCREENING).when(assess(CHILD, answered_by=STRANGER), COUNSELLOR).refused("guardian_not_in_case")
    without = given(*SCREENING, PersonWithdrew(person_id=FATHER))
    without.when(assess(CHILD, answered_by=FATHER), COUNSELLOR).refused("guardian_not_in_case")


def test_of_a_child_it_is_recorded_whether_it_was_heard_and_an_adult_always_is() -> None:
    given(*SCREENING).when(assess(CHILD, child_heard=None), COUNSELLOR).refused("child_not_heard")
    given(*SCREENING).when(assess(MOTHER, child_heard="heard"), COUNSELLOR).refused("child_not_heard")
    given(*SCREENING).when(assess(CHILD, child_heard="too_young"), COUNSELLOR).then_kinds(ScreeningRecorded)


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ({"free": False}, "voluntariness_not_assessed"), ({"informed": False}, "voluntariness_not_assessed"),
        ({"capable": False}, "voluntariness_not_assessed"), ({"company": "family"}, "not_heard_alone"),
        ({"company": "others"}, "not_heard_alone"), ({"company": "guardian"}, "not_heard_alone"),
        ({"interpreter": "family"}, "not_heard_alone"), ({"interpreter": "resident"}, "not_heard_alone"),
        ({"legal_consequences_explained": False}, "consequences_not_explained"),
        ({"alternatives_explained": False}, "consequences_not_explained"),
    ],
)  # fmt: skip
def test_nobody_applies_with_a_negative_answer_or_who_was_not_heard_alone(answers: dict[str, Any], line: str) -> None:
    case = after(*DECLARED, told(MOTHER, answered(MOTHER, **answers)))
    assert unmet(case) & CODES == {line}
    given(*DECLARED, told(MOTHER, answered(MOTHER, **answers))).when(SubmitApplication(), SUBMITTER).refused(
        "screening_incomplete"
    )


def test_a_session_with_the_spouse_present_does_not_count_and_a_guardian_may_be_with_a_child() -> None:
    given(*DECLARED, told(MOTHER, answered(MOTHER, company="family"))).when(SubmitApplication(), SUBMITTER).refused(
        "screening_incomplete"
    )
    given(*DECLARED, told(CHILD, answered(CHILD, company="guardian"))).when(SubmitApplication(), SUBMITTER).then_kinds(
        ApplicationSubmitted
    )
    given(*DECLARED, told(CHILD, answered(CHILD, company="family"))).when(SubmitApplication(), SUBMITTER).refused(
        "screening_incomplete"
    )


def test_an_assessment_does_not_say_of_an_adult_what_no_session_bears_out() -> None:
    beside_his_wife = given(*SCREENING).knowing(knowing(FATHER, heard_alone=False))
    beside_his_wife.when(assess(FATHER), COUNSELLOR).refused("not_alone_in_any_session")
    # That somebody was beside him is recorded, as is what is said of a child, which has its guardian there.
    beside_his_wife.when(assess(FATHER, company="family"), COUNSELLOR).then_kinds(ScreeningRecorded)
    given(*SCREENING).knowing(knowing(CHILD, heard_alone=False)).when(assess(CHILD), COUNSELLOR).then_kinds(ScreeningRecorded)


def test_an_assessment_is_recorded_where_no_session_is_known_yet_or_the_latest_may_not_be() -> None:
    unknown = knowing(FATHER, counselled=False, heard_alone=False)
    given(*SCREENING).knowing(unknown).when(assess(FATHER), COUNSELLOR).then_kinds(ScreeningRecorded)
    behind = replace(knowing(FATHER, heard_alone=False), followers_caught_up_at=NOON - timedelta(minutes=2))
    given(*SCREENING).knowing(behind).when(assess(FATHER), COUNSELLOR).then_kinds(ScreeningRecorded)


def test_while_an_alert_is_open_nobody_applies_and_once_protection_closed_it_they_do() -> None:
    called = (*DECLARED, told(MOTHER, Vulnerability(LATER, ("gbv",)), "gbv", record_id=RECORD))
    given(*called).when(SubmitApplication(), SUBMITTER).refused("screening_incomplete")
    closing = given(*called).when(CloseAlert(alert_id=RECORD, outcome="support_arranged"), PROTECTION)
    closing.then(closed(RECORD, MOTHER, "support_arranged", NOON))
    given(*called, *closing.events).when(SubmitApplication(), SUBMITTER).then_kinds(ApplicationSubmitted)
    again = given(*called, *closing.events).when(CloseAlert(alert_id=RECORD, outcome="referred"), PROTECTION)
    again.refused("no_alert_open")
    given(*called).when(CloseAlert(alert_id=ref(72), outcome="referred"), PROTECTION).refused("alert_unknown")


def test_an_alert_outlives_the_withdrawal_and_the_case_until_protection_has_closed_it() -> None:
    called = (*DECLARED, told(MOTHER, Vulnerability(LATER, ("gbv",)), "gbv", record_id=RECORD))
    ended = (*called, CaseWithdrawn(reason=Concealed.of("not_stated"), person_ids=FAMILY))
    case = after(*ended)
    # What was found is not kept; that protection was called is.
    assert case.screening == (PersonScreening(MOTHER, alerts=(Alert(RECORD, LATER, ("gbv",)),)),)
    assert case.protection_since == LATER
    closing = given(*ended).when(CloseAlert(alert_id=RECORD, outcome="referred"), PROTECTION)
    assert after(*ended, *closing.events).screening == ()
    assert after(*ended, *closing.events).protection_since is None


def test_an_alert_about_somebody_erased_is_not_closed_as_if_it_were_and_one_about_the_others_is() -> None:
    erased = replace(EVERYTHING_KNOWN, persons=tuple(replace(one, erased=one.person_id == FATHER) for one in EVERYTHING_KNOWN.persons))
    called = [
        told(person_id, Vulnerability(LATER, ("gbv",)), "gbv", record_id=alert_id) for person_id, alert_id in ((FATHER, RECORD), (MOTHER, ref(72)))
    ]  # fmt: skip
    left = given(*DECLARED, *called).knowing(erased)
    left.when(CloseAlert(alert_id=RECORD, outcome="referred"), PROTECTION).refused("person_erased")
    left.when(CloseAlert(alert_id=ref(72), outcome="referred"), PROTECTION).then(closed(ref(72), MOTHER, "referred", NOON))


def test_what_was_found_goes_when_the_journey_is_over() -> None:
    assert after(*CLEARED).screening
    assert after(*ARRIVED).screening == ()
    assert after(*CLEARED, PersonWithdrew(person_id=FATHER)).screening_of(FATHER) == PersonScreening(FATHER)
    assert max(event.arrived_at for event in ARRIVED if isinstance(event, PersonArrived)) == LANDED_AT


def test_a_guardian_who_withdraws_takes_along_what_they_answered_for_the_child() -> None:
    without = given(*BOOKED, PersonWithdrew(person_id=MOTHER))
    assert "voluntariness_not_assessed" in unmet(after(*without.past))
    anew = assess(CHILD, answered_by=FATHER).model_copy(update={"assessed_at": LATER})
    answers = without.when(anew, COUNSELLOR)
    assert "voluntariness_not_assessed" not in unmet(after(*without.past, *answers.events))


@pytest.mark.parametrize("leaves", [MOTHER, FATHER])
def test_what_is_best_for_a_child_is_found_anew_once_an_adult_stays_behind(leaves: UUID) -> None:
    stays = FATHER if leaves == MOTHER else MOTHER
    past = (*DECLARED, PersonWithdrew(person_id=leaves), told(CHILD, answered(CHILD, answered_by=stays)))
    assert "best_interests_open" in unmet(after(*past))
    assert "best_interests_open" not in unmet(after(*past, told(CHILD, BEST)))
    events = given(*READY).when(WithdrawPerson(person_id=leaves), COUNSELLOR).events
    assert [type(event) for event in events] == [PersonWithdrew, ClearanceLost]


@pytest.mark.parametrize("past", [READY, CONFIRMED, CLEARED], ids=["ready", "confirmed", "cleared"])
@pytest.mark.parametrize(
    ("order", "line"),
    [
        (assess(informed=False).model_copy(update={"assessed_at": LATER}), "voluntariness_not_assessed"),
        (assess(company="family").model_copy(update={"assessed_at": LATER}), "not_heard_alone"),
        (note("gbv"), "protection_alert_open"),
        (best(agreed=("child", "family")), "best_interests_open"),
        (best(agreed=("guardian", "family")), "best_interests_open"),
        (best(agreed=("guardian", "child")), "best_interests_open"),
        (best("pending"), "best_interests_open"),
    ],
)
def test_a_readiness_is_lost_at_once_when_a_part_of_the_screening_falls_away(
    past: tuple[Event, ...], order: Command, line: str
) -> None:
    events = given(*past).when(order, PROTECTION).events
    assert [type(event) for event in events] == [ScreeningRecorded, ClearanceLost]
    assert isinstance(events[-1], ClearanceLost) and events[-1].reason == Concealed.of(line)
    assert events[-1].condition == ""
    lost = given(*past, *events)
    for next_order in (ClearToBoard(), MarkReadyToTravel()):
        lost.when(next_order, OPERATIONS).refused("screening_not_settled")


@pytest.mark.parametrize("past", [READY, CLEARED], ids=["ready", "cleared"])
@pytest.mark.parametrize("order", [best("remain"), ask(True), note("vot_presumed"), assess(free=False)])
def test_what_holds_the_case_takes_the_clearance_away_and_stands_against_boarding(
    past: tuple[Event, ...], order: Command
) -> None:
    if isinstance(order, AssessVoluntariness):
        order = order.model_copy(update={"assessed_at": LATER})
    events = given(*past).when(order, PROTECTION).events
    assert [type(event) for event in events] == [ScreeningRecorded, HoldPlaced]
    held = given(*past, *events)
    case = after(*held.past)
    assert (case.status, case.stretch, case.holds_until) == ("on_hold", "preparing", None)
    assert state_abroad(case) == "in_preparation"
    held.when(ClearToBoard(), OPERATIONS).refused("hold_stands")
    # A hold that is lifted is not the answer that was missing.
    lifted = held.when(LiftHold(hold_id=RECORD, outcome="unfounded"), PROTECTION)
    assert isinstance(lifted.events[0], HoldLifted)
    freed = given(*held.past, *lifted.events)
    freed.when(MarkReadyToTravel(), OPERATIONS).refused("screening_not_settled")


def test_only_protection_lifts_the_hold_that_a_rule_placed() -> None:
    events = given(*READY).when(ask(True), COUNSELLOR).events
    held = given(*READY, *events)
    for by in (COUNSELLOR, COORDINATOR, OPERATIONS):
        held.when(LiftHold(hold_id=RECORD, outcome="resolved"), by).refused("hold_of_others")


@pytest.mark.parametrize("fears", [False, True])
def test_whatever_is_found_withdrawing_stays_possible(fears: bool) -> None:
    past = (*READY, *given(*READY).when(ask(fears), COUNSELLOR).events)
    given(*past).when(WithdrawCase(), COUNSELLOR).then_kinds(CaseWithdrawn)
    given(*past).when(WithdrawPerson(person_id=FATHER), COUNSELLOR).then_kinds(
        PersonWithdrew, *(() if fears else (ClearanceLost,))
    )


def test_a_victim_of_trafficking_travels_only_where_the_risk_is_acceptable() -> None:
    flagged = (*BOOKED, told(MOTHER, Vulnerability(LATER, ("vot_identified",))))
    assert unmet(after(*flagged)) == {"trafficking_risk_open"}
    acceptable = told(MOTHER, Trafficking(LATER, "acceptable"))
    assert unmet(after(*flagged, acceptable)) == set()
    assert unmet(after(*flagged, told(MOTHER, Trafficking(LATER, "unacceptable")))) == {"trafficking_risk_open"}
    order = AssessTraffickingRisk(record_id=RECORD, person_id=MOTHER, assessed_at=LATER, risk="acceptable")
    given(*BOOKED).when(order, PROTECTION).refused("nobody_trafficked")
    given(*flagged).when(order, PROTECTION).then(told(MOTHER, Trafficking(LATER, "acceptable"), record_id=RECORD))


@pytest.mark.parametrize("noted", sorted(PROTECTED_INDICATORS))
def test_what_calls_protection_is_taken_away_by_protection_alone(noted: Indicator) -> None:
    past = (*DECLARED, told(MOTHER, Vulnerability(SCREENED_AT, tuple(sorted((noted, "elderly"))))))
    for by in (COUNSELLOR, SUBMITTER):
        kept = after(*past, *given(*past).when(note("medical"), by).events)
        assert kept.screening_of(MOTHER).indicators == {noted, "medical"}
        assert kept.screening_of(FATHER).indicators == set()
    freed = after(*past, *given(*past).when(note("medical"), PROTECTION).events)
    assert freed.screening_of(MOTHER).indicators == {"medical"}


def test_a_counsellor_who_is_not_shown_a_victim_of_trafficking_lets_nobody_go_who_was_noted() -> None:
    past = (*DECLARED, told(MOTHER, Vulnerability(SCREENED_AT, ("vot_identified",))))
    events = given(*past).when(note(), SUBMITTER).events
    assert "trafficking_risk_open" in unmet(after(*past, *events))
    # What was known called protection before, and does not a second time.
    assert [type(event) for event in events] == [ScreeningRecorded]
    assert PROTECTED_INDICATORS >= ALONE | TRAFFICKED


@pytest.mark.parametrize("alone", sorted(ALONE))
def test_a_child_on_its_own_needs_a_determination_and_one_with_its_parents_an_assessment(alone: Indicator) -> None:
    assessed = (*BOOKED, told(CHILD, replace(BEST, procedure="assessment")))
    assert unmet(after(*assessed)) == set()
    on_its_own = told(CHILD, Vulnerability(LATER, (alone,)))
    assert unmet(after(*assessed, on_its_own)) == {"best_interests_open"}
    assert unmet(after(*assessed, on_its_own, told(CHILD, BEST))) == set()


def test_the_procedure_is_for_children_and_for_whoever_may_be_one() -> None:
    for_mother = RecordBestInterests(
        record_id=RECORD, person_id=MOTHER, procedure="determination", outcome="pending", established_at=LATER
    )
    given(*SCREENING).when(for_mother, PROTECTION).refused("not_a_child")
    young = (*SCREENING, told(MOTHER, Vulnerability(LATER, ("unaccompanied",))))
    given(*young).when(for_mother, PROTECTION).then_kinds(ScreeningRecorded)


def test_nobody_approves_before_the_best_interests_of_each_child_are_found() -> None:
    past = [event for event in APPLIED if event != told(CHILD, BEST)]
    given(*past).when(ApproveCase(), COORDINATOR).refused("screening_not_settled")
    given(*past, told(CHILD, BEST)).when(ApproveCase(), COORDINATOR).then_kinds(CaseApproved)


def test_an_id_that_is_taken_by_an_alert_or_a_hold_opens_no_other() -> None:
    called = (*DECLARED, told(MOTHER, Vulnerability(SCREENED_AT, ("gbv",)), "gbv", record_id=RECORD))
    given(*called).when(ask(True), COUNSELLOR).refused("record_id_taken")
    given(*called).when(ask(False), COUNSELLOR).then_kinds(ScreeningRecorded)


def test_screening_said_to_be_complete_before_its_parts_were_recorded_opens_no_gate() -> None:
    earlier = PersonScreened(
        person_id=MOTHER, screened_at=SCREENED_AT, alternatives_explained=True, legal_consequences_explained=True,
        voluntary=True,
    )  # fmt: skip
    assert "voluntariness_not_assessed" in unmet(after(*SCREENING, earlier))


@pytest.mark.parametrize("part", FINDINGS)
def test_all_parts_are_told_by_facts_of_one_kind_that_conceal_what_they_say(part: str) -> None:
    fact = told(MOTHER, FINDINGS[part], record_id=RECORD)
    clear = {name for name in type(fact).model_fields if not isinstance(getattr(fact, name), Concealed)}
    assert clear == {"record_id", "person_id", "established_at"}
    assert getattr(after(*SCREENING, fact).screening_of(MOTHER), part) == FINDINGS[part]
    # Erased, the same fact tells nothing and breaks nothing.
    erased = fact.model_copy(update={name: Concealed(digest="x") for name in ("part", "findings", "alerts")})
    assert after(*SCREENING, erased).screening == ()


def test_whoever_has_no_part_in_screening_is_shown_nothing_of_it() -> None:
    found = (
        told(MOTHER, Vulnerability(LATER, ("gbv", "medical")), "gbv"), told(MOTHER, Trafficking(LATER, "unacceptable")),
    )  # fmt: skip
    case = after(*PREPARING, *found)
    assert screening_seen_by(case, PROTECTION) == case
    own = screening_seen_by(case, COUNSELLOR).screening_of(MOTHER)
    assert own.trafficking is None and own.voluntariness is not None
    risky = told(MOTHER, Trafficking(LATER, "unacceptable"), "trafficking_unacceptable", record_id=RECORD)
    called = after(*PREPARING, *found, risky)
    causes = [alert.causes for alert in screening_seen_by(called, COUNSELLOR).screening_of(MOTHER).alerts]
    assert causes == [("gbv",), ()]
    assert "trafficking_unacceptable" in str(screening_seen_by(called, PROTECTION).screening_of(MOTHER).alerts)
    doctor = screening_seen_by(case, staff("doctor", "medical")).screening_of(MOTHER)
    assert doctor == PersonScreening(MOTHER, vulnerability=Vulnerability(LATER, ("medical",)))
    others = [role for role in Role if role not in (Role.PROTECTION, Role.MEDICAL)]
    for role in others:
        seen = screening_seen_by(case, staff("somebody", role))
        assert (seen.screening, seen.protection_since) == ((), None)


@pytest.mark.parametrize("role", [Role.OPERATIONS, Role.COORDINATOR, Role.COUNSELLOR])
def test_to_all_others_the_checklist_says_one_and_the_same_line_whatever_was_found(role: Role) -> None:
    ways: tuple[tuple[Event, ...], ...] = (
        (told(MOTHER, answered(MOTHER, company="family")),),
        (told(MOTHER, Vulnerability(LATER, ("vot_presumed",))),),
        (told(MOTHER, Vulnerability(LATER, ("gbv",)), "gbv"),),
        (told(MOTHER, Fear(LATER, fears_return=True)),),
    )
    reader = staff("somebody", role)
    answers = [checklist(after(*BOOKED, *way), reader) for way in ways]
    assert answers == [answers[0]] * len(ways)
    assert {code for code, met, _ in answers[0] if not met} == {"screening_not_settled"}
    assert not CODES & {code for code, _, _ in answers[0]}
    # Once somebody has applied, whom it names would tell of that person what was found.
    assert [person_id for code, _, person_id in answers[0] if code == "screening_not_settled"] == [None]
    of_father = checklist(after(*BOOKED, told(FATHER, Vulnerability(LATER, ("vot_presumed",)))), reader)
    assert of_father == answers[0]
    assert {code for code, met, _ in checklist(after(*BOOKED), reader) if not met} == set()
    for shown in (PROTECTION, COUNSELLOR):
        assert len({str(checklist(after(*BOOKED, *way), shown)) for way in ways}) == len(ways)


def test_each_line_is_asked_of_whom_it_concerns() -> None:
    case = after(*BOOKED, told(MOTHER, Vulnerability(LATER, ("vot_presumed",))))
    asked = {
        line.code: {condition.person_id for condition in lines_about(case) if condition.code == line.code} for line in LINES
    }
    everybody = set(FAMILY)
    assert asked == {
        line.code: {"trafficking_risk_open": {MOTHER}, "best_interests_open": {CHILD}}.get(line.code, everybody)
        for line in LINES
    }


def lines_about(case: Case) -> list[Any]:
    return list(gate(case, EVERYTHING_KNOWN, NOON, boarding=False))


def unmet(case: Case) -> set[str]:
    return {line.code for line in lines_about(case) if not line.met and line.code != "booking_missing"}


def checklist(case: Case, reader: Actor) -> list[tuple[str, bool, UUID | None]]:
    told = gate_told_to(case, EVERYTHING_KNOWN, NOON, reader, boarding=False)
    return [(line.code, line.met, line.person_id) for line in told]


