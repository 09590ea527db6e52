"""Who returned is asked only if they agree, in the months of the round, and by nobody who pays them; what is wrong is recorded anew."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.reintegration.domain.scoring import score
from services.reintegration.domain.survey_rounds import SURVEY_ROUND
from services.reintegration.domain.surveys import (
    SURVEY,
    CorrectSurvey,
    GivenAnswer,
    RecordSurvey,
    RefuseSurvey,
    Survey,
    SurveyFacts,
    scores_json,
)
from services.reintegration.surveys import shipped
from shared.contracts.surveys import SurveyCorrected, SurveyRecorded, SurveyRefused
from shared.errors import Refusal
from shared.messages import Concealed, Context, Event
from tests.given import NOON, Given
from tests.unit.reintegration.examples import (
    ARRIVED,
    CASE_ID,
    CHILD,
    COUNSELLOR,
    NOTED,
    OFFICE,
    PERSON,
    STRANGER,
    TODAY,
    ref,
)
from tests.unit.reintegration.test_survey_rounds import ENDED, PLANNED, SATISFACTION

ROUND_ID = ref(51)
ROUND = SURVEY_ROUND.fold((PLANNED,))
ARRIVED_ON = date(2022, 11, 20)
FACTS = SurveyFacts(today=TODAY, case=ARRIVED, arrived_on=ARRIVED_ON, round=ROUND, instrument=SATISFACTION)
ANSWERS = {
    "return_help": "very_satisfied", "counselling": "satisfied", "economic_help": "neither", "social_help": "declined",
    "community_help": "dissatisfied", "overall": "satisfied", "expectations": "partly",
}  # fmt: skip


def answers(**said: str) -> tuple[GivenAnswer, ...]:
    return tuple(GivenAnswer(item=item, option=option) for item, option in {**ANSWERS, **said}.items())


RECORD = RecordSurvey(
    case_id=CASE_ID, person_id=PERSON, round_id=ROUND_ID, mode="phone", interviewed_on=TODAY, consented=True, answers=answers()
)
REFUSE = RefuseSurvey(case_id=CASE_ID, person_id=PERSON, round_id=ROUND_ID, mode="phone", asked_on=TODAY)
ASKING = Given(SURVEY, FACTS)


def told(given: dict[str, str]) -> dict[str, Concealed]:
    return {
        "answers": Concealed.of(json.dumps(given, sort_keys=True)),
        "scores": Concealed.of(scores_json(score(SATISFACTION, "equal", given))),
    }


RECORDED = SurveyRecorded(
    case_id=CASE_ID, person_id=PERSON, country="PK", round_id=ROUND_ID, instrument="satisfaction_demo", instrument_version=1,
    scheme="equal", round="midline", mode="phone", interviewed_on=TODAY, months=5, out_of_window=False, **told(ANSWERS),
    recorded_by=OFFICE.person_id, recorded_at=NOON,
)  # fmt: skip
REFUSED = SurveyRefused(
    case_id=CASE_ID, person_id=PERSON, country="PK", round_id=ROUND_ID, instrument="satisfaction_demo", instrument_version=1,
    round="midline", mode="phone", asked_on=TODAY, months=5, recorded_by=OFFICE.person_id, recorded_at=NOON,
)  # fmt: skip
CORRECT = CorrectSurvey(reason="mistyped", answers=answers(overall="dissatisfied"))


def but(**changed: Any) -> RecordSurvey:
    return RECORD.model_copy(update=changed)


def test_what_somebody_answered_is_recorded_with_what_it_scores_and_neither_is_in_clear() -> None:
    ASKING.when(RECORD, OFFICE).then(RECORDED)
    kept = RECORDED.model_copy(update={name: one.salted("salt") for name, one in told(ANSWERS).items()}).model_dump_json()
    assert not any(option in kept for option in {*ANSWERS.values(), "0.5"})


def test_whoever_does_not_agree_is_not_asked_and_that_they_refused_is_kept() -> None:
    ASKING.when(but(consented=False), OFFICE).refused("survey_not_consented")
    ASKING.when(REFUSE, OFFICE).then(REFUSED)
    ASKING.given(REFUSED).when(CORRECT, OFFICE).refused("survey_refused")


def test_nobody_asks_whom_they_pay_nor_corrects_what_such_a_person_answered() -> None:
    paying = ASKING.knowing(replace(FACTS, pays=True))
    paying.when(RECORD, OFFICE).refused("interviewer_pays")
    paying.when(REFUSE, OFFICE).refused("interviewer_pays")
    paying.given(RECORDED).when(CORRECT, OFFICE).refused("interviewer_pays")


@pytest.mark.parametrize(
    ("facts", "order", "code"),
    [
        (replace(FACTS, case=None), RECORD, "case_unknown"),
        (FACTS, but(person_id=STRANGER), "not_in_the_case"),
        (replace(FACTS, case=NOTED, arrived_on=None), RECORD, "not_arrived_yet"),
        (replace(FACTS, case=replace(ARRIVED, deciding_ids=(PERSON,))), but(person_id=CHILD), "child_not_asked"),
        (replace(FACTS, round=None), RECORD, "round_unknown"),
        (replace(FACTS, round=SURVEY_ROUND.fold((PLANNED, ENDED))), RECORD, "round_ended"),
        (FACTS, but(interviewed_on=TODAY + timedelta(days=1)), "in_the_future"),
        (FACTS, but(interviewed_on=ARRIVED_ON - timedelta(days=1)), "before_arrival"),
        (replace(FACTS, answered_already=True), RECORD, "surveyed_already"),
        (replace(FACTS, instrument=None), RECORD, "instrument_unknown"),
        (FACTS, but(answers=(*answers(), *answers()[:1])), "answered_twice"),
        (FACTS, but(answers=answers()[1:]), "answer_missing"),
        (FACTS, but(answers=answers(other="satisfied")), "item_unknown"),
        (FACTS, but(answers=answers(overall="fully")), "option_unknown"),
    ],
)  # fmt: skip
def test_nothing_is_recorded_that_nobody_could_have_answered(facts: SurveyFacts, order: RecordSurvey, code: str) -> None:
    ASKING.knowing(facts).when(order, COUNSELLOR).refused(code)


@examples(st.dates(ARRIVED_ON, TODAY), st.booleans())
def test_outside_the_months_of_the_round_it_has_to_be_said_and_inside_it_is_never_noted(day: date, said: bool) -> None:
    order, months = but(interviewed_on=day, out_of_window=said), (day.year - 2022) * 12 + day.month - 11 - (day.day < 20)
    found = ASKING.when(order, OFFICE)
    outside = not 5 <= months <= 8
    if outside and not said:
        found.refused("outside_window")
        return
    (event,) = found.events
    assert isinstance(event, SurveyRecorded)
    assert (event.months, event.out_of_window) == (months, outside)


def test_what_was_recorded_wrongly_is_recorded_anew_for_a_reason_and_what_was_before_stays_counted() -> None:
    corrected = SurveyCorrected(
        answers_no=2, reason="mistyped", **told({**ANSWERS, "overall": "dissatisfied"}), corrected_by=COUNSELLOR.person_id,
        corrected_at=NOON,
    )  # fmt: skip
    ASKING.given(RECORDED).when(CORRECT, COUNSELLOR).then(corrected)
    ASKING.given(RECORDED, corrected).when(CORRECT, OFFICE).then(
        corrected.model_copy(update={"answers_no": 3, "corrected_by": OFFICE.person_id})
    )
    state = SURVEY.fold((RECORDED, corrected))
    assert state is not None
    assert (state.answers_no, state.recorded_by, state.corrected_by) == (2, OFFICE.person_id, COUNSELLOR.person_id)
    ASKING.given(RECORDED).when(RECORD, OFFICE).refused("already_exists")


def test_three_questions_that_were_not_answered_leave_a_dimension_without_a_score() -> None:
    given = {**ANSWERS, "return_help": "declined", "counselling": "not_applicable", "social_help": "declined"}
    scores = json.loads(scores_json(score(SATISFACTION, "equal", given)))
    none = {"value": None, "band": None, "reason": "too_few_answers", "answered": 2, "of": 5}
    assert scores["dimensions"]["help"] == none
    assert scores["dimensions"]["altogether"]["value"] == "0.6250"
    assert scores["composite"] == {"value": None, "band": None, "reason": "dimension_without_score", "answered": 4, "of": 7}
    # Of thirty questions three leave every score there.
    demo = shipped()["rss_demo_equal_weights"]
    asked = {item.code: demo.scales[item.scale][0].code for item in demo.items}
    asked = {code: option for code, option in asked.items() if not (code == "why_leave" and asked["can_stay"] == "yes")}
    some = json.loads(scores_json(score(demo, "equal", {**asked, "less_food": "declined", "home": "declined", "safe": "declined"})))
    assert (some["composite"]["answered"], some["composite"]["of"]) == (25, 28)
    assert some["composite"]["value"] is not None


def test_an_order_prints_none_of_the_answers() -> None:
    assert "satisfied" not in repr(RECORD)
    assert "dissatisfied" not in repr(CORRECT)


ORDERS = st.lists(st.sampled_from([RECORD, REFUSE, CORRECT, but(consented=False)]), max_size=6)


@examples(ORDERS)
def test_whatever_is_ordered_the_row_is_the_fold_of_the_facts(orders: list[Any]) -> None:
    state: Survey | None = None
    facts: list[Event] = []
    for order in orders:
        try:
            found = SURVEY.decide(state, order, FACTS, Context(OFFICE, NOON))
        except Refusal:
            continue
        facts += found
        state = SURVEY.fold(found, state)
        assert state is not None
        kept = TypeAdapter(Survey).dump_python(state, mode="json")
        assert TypeAdapter(Survey).validate_python(kept) == state == SURVEY.fold(facts)
        assert (state.answers_no > 0) == (state.outcome == "answered")
