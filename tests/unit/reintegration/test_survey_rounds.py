"""A version of a survey is published once, a round is planned once at a time, and months are counted as a calendar has them."""

from datetime import date, timedelta

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.reintegration.domain.survey_rounds import (
    EXAMPLE_WINDOWS,
    INSTRUMENT,
    SURVEY_ROUND,
    EndRound,
    InstrumentFacts,
    PlanRound,
    PublishInstrument,
    RoundFacts,
    complete_months,
)
from services.reintegration.surveys import shipped
from shared.contracts.surveys import InstrumentPublished, RoundName, SurveyRoundEnded, SurveyRoundPlanned
from tests.given import NOON, Given
from tests.unit.reintegration.examples import MANAGER

SATISFACTION = shipped()["satisfaction_demo"]
PUBLISH = PublishInstrument(instrument="wellbeing", instrument_version=2, items=3, sha256="a" * 64)
PUBLISHED = InstrumentPublished(
    instrument="wellbeing", instrument_version=2, items=3, sha256="a" * 64, published_by=MANAGER.person_id, published_at=NOON
)
PLAN = PlanRound(instrument="satisfaction_demo", instrument_version=1, scheme="equal", round="midline")
PLANNED = SurveyRoundPlanned(
    instrument="satisfaction_demo", instrument_version=1, scheme="equal", round="midline", from_month=5, to_month=8,
    planned_by=MANAGER.person_id, planned_at=NOON,
)  # fmt: skip
ENDED = SurveyRoundEnded(ended_by=MANAGER.person_id, ended_at=NOON)
KNOWN = Given(SURVEY_ROUND, RoundFacts(SATISFACTION))


def test_a_version_is_published_once_and_the_next_one_beside_it() -> None:
    Given(INSTRUMENT, InstrumentFacts()).when(PUBLISH, MANAGER).then(PUBLISHED)
    Given(INSTRUMENT, InstrumentFacts(frozenset({2}))).when(PUBLISH, MANAGER).refused("instrument_version_taken")
    Given(INSTRUMENT, InstrumentFacts(frozenset({1}))).when(PUBLISH, MANAGER).then(PUBLISHED)
    Given(INSTRUMENT, InstrumentFacts()).given(PUBLISHED).when(PUBLISH, MANAGER).refused("already_exists")


@pytest.mark.parametrize("round", sorted(EXAMPLE_WINDOWS))
def test_a_round_without_months_takes_those_of_the_example(round: RoundName) -> None:
    first, last = EXAMPLE_WINDOWS[round]
    planned = PLANNED.model_copy(update={"round": round, "from_month": first, "to_month": last})
    KNOWN.when(PLAN.model_copy(update={"round": round}), MANAGER).then(planned)


def test_a_round_has_the_months_that_were_said() -> None:
    said = PLAN.model_copy(update={"from_month": 6, "to_month": 6})
    KNOWN.when(said, MANAGER).then(PLANNED.model_copy(update={"from_month": 6, "to_month": 6}))
    KNOWN.when(PLAN.model_copy(update={"from_month": 9}), MANAGER).refused("window_ends_before_it_begins")


def test_a_round_is_of_a_survey_that_is_known_by_a_way_to_count_that_it_has_and_planned_once() -> None:
    Given(SURVEY_ROUND, RoundFacts()).when(PLAN, MANAGER).refused("instrument_unknown")
    KNOWN.when(PLAN.model_copy(update={"scheme": "other"}), MANAGER).refused("scheme_unknown")
    Given(SURVEY_ROUND, RoundFacts(SATISFACTION, planned_already=True)).when(PLAN, MANAGER).refused("round_planned")


def test_a_round_is_ended_once() -> None:
    KNOWN.given(PLANNED).when(EndRound(), MANAGER).then(ENDED)
    KNOWN.given(PLANNED, ENDED).when(EndRound(), MANAGER).refused("round_ended")


def test_a_window_counts_its_first_and_its_last_month() -> None:
    planned = SURVEY_ROUND.fold((PLANNED,))
    assert planned is not None
    assert [month for month in range(12) if planned.is_open_in(month)] == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("since", "day", "months"),
    [
        ("2023-01-15", "2023-01-15", 0), ("2023-01-15", "2023-02-14", 0), ("2023-01-15", "2023-02-15", 1),
        ("2023-01-31", "2023-02-28", 0), ("2023-01-31", "2023-03-01", 1), ("2024-02-29", "2025-02-28", 11),
        ("2024-02-29", "2025-03-01", 12), ("2022-12-31", "2023-12-31", 12), ("2023-01-15", "2023-01-14", -1),
    ],
)  # fmt: skip
def test_a_month_is_complete_on_the_day_of_its_number(since: str, day: str, months: int) -> None:
    assert complete_months(date.fromisoformat(since), date.fromisoformat(day)) == months


@examples(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 2000))
def test_months_never_go_back_as_days_pass_and_twelve_are_a_year(since: date, days: int) -> None:
    day = since + timedelta(days=days)
    assert 0 <= complete_months(since, day + timedelta(days=1)) - complete_months(since, day) <= 1
    if since.day < 29:
        assert complete_months(since, day.replace(year=day.year + 1, day=min(day.day, 28))) >= 12 + complete_months(since, day) - 1
        assert complete_months(since, since.replace(year=since.year + 1)) == 12
