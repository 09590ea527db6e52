"""Answers score what can be counted by hand, what is not answered never counts as nothing, and scores can be counted again."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reintegration.domain.instruments import Instrument, read_instrument
from services.reintegration.domain.scoring import Score, Scores, score
from services.reintegration.surveys import shipped
from shared.errors import RuleViolation
from tests.given import reads_well
from tests.unit.reintegration.test_instruments import DEMO, FOLDER, small

RAW: Mapping[str, Mapping[str, Any]] = {
    "small": small(),
    DEMO: tomllib.loads((FOLDER / f"{DEMO}.toml").read_text(encoding="utf-8")),
}
READ: Mapping[str, Instrument] = {"small": read_instrument(small()), **shipped()}
# As they are kept, and read again.
KEPT: Mapping[str, Instrument] = {name: Instrument.model_validate_json(one.model_dump_json()) for name, one in READ.items()}
ALL = {"food": "a", "work": "no", "home": "c", "school": "b", "water": "b", "why": "this"}


def scored(scheme: str = "plain", **answers: str) -> Scores:
    return score(READ["small"], scheme, {**ALL, **answers})


def number(value: str, band: str, answered: int, of: int) -> Score:
    return Score(Decimal(value), band, None, answered, of)


def test_each_dimension_is_the_weighted_mean_of_its_items_and_the_composite_that_of_all() -> None:
    found = scored()
    assert found.dimensions["economic"] == number("0.2500", "low", 2, 2)
    assert found.dimensions["social"] == number("0.6667", "high", 3, 3)
    # One and a half and twice three quarters, of seven that all items weigh.
    assert found.composite == number("0.4286", "middle", 5, 5)
    assert (found.instrument, found.version, found.scheme) == ("small", 3, "plain")


def test_a_scheme_may_make_the_composite_of_dimensions() -> None:
    # Twice a quarter and two thirds, of three: of the dimensions as they are and not as they are shown.
    assert scored("means").composite == number("0.3889", "middle", 2, 2)


@pytest.mark.parametrize("none", ["declined", "not_applicable"])
def test_what_is_not_answered_is_left_out_and_never_counts_as_nothing(none: str) -> None:
    found = scored("means", work=none)
    assert found.dimensions["economic"] == number("1.0000", "high", 1, 2)
    assert found.dimensions["economic"] != scored("means").dimensions["economic"]


def test_there_is_no_score_where_too_little_was_answered_and_then_no_composite() -> None:
    found = scored(food="declined")
    assert found.dimensions["economic"] == Score(None, None, "too_few_answers", 1, 2)
    assert found.composite == Score(None, None, "dimension_without_score", 4, 5)
    assert found.dimensions["social"] == number("0.6667", "high", 3, 3)


def test_the_share_that_is_asked_for_is_enough_and_less_is_not() -> None:
    assert scored(home="declined").dimensions["social"] == number("0.7500", "high", 2, 3)
    assert scored(home="declined", water="declined").dimensions["social"].reason == "too_few_answers"


def test_a_number_is_in_the_band_that_begins_at_it_as_it_is_shown() -> None:
    instrument = read_instrument({**small(), "bands": [{"code": code, "begins_at": begins, "label": {"eng": code}} for code, begins in (("low", "0"), ("high", "0.6667"))]})
    assert score(instrument, "plain", ALL).dimensions["social"].band == "high"
    assert score(instrument, "plain", {**ALL, "food": "e"}).dimensions["economic"] == number("0.0000", "low", 2, 2)


def with_skip() -> Instrument:
    data = small()
    data["items"][4]["skip_if"] = {"item": "home", "answered": ["e", "declined"]}
    return read_instrument(data)


def test_an_item_that_is_skipped_needs_no_answer_and_counts_as_none() -> None:
    answers = {**ALL, "home": "e"}
    del answers["water"]
    assert score(with_skip(), "plain", answers).dimensions["social"] == number("0.3750", "middle", 2, 3)


def refused(instrument: Instrument, scheme: str, answers: Mapping[str, str]) -> str:
    with pytest.raises(RuleViolation) as found:
        score(instrument, scheme, answers)
    assert reads_well(found.value.sentence)
    return found.value.code


def without(item: str) -> dict[str, str]:
    return {code: answer for code, answer in ALL.items() if code != item}


@pytest.mark.parametrize(
    ("scheme", "answers", "code"),
    [
        ("other", ALL, "scheme_unknown"), ("plain", {**ALL, "other": "a"}, "item_unknown"), ("plain", {**ALL, "food": "yes"}, "option_unknown"),
        ("plain", {**ALL, "food": ""}, "option_unknown"), ("plain", without("food"), "answer_missing"), ("plain", without("why"), "answer_missing"),
        ("plain", {}, "answer_missing"), ("plain", {**ALL, "home": "e"}, "answer_to_skipped_item"), ("plain", {**ALL, "home": "declined"}, "answer_to_skipped_item"),
    ],
    ids=["scheme", "item", "option", "empty", "scored_item", "told_item", "nothing", "skipped", "skipped_by_declining"],
)  # fmt: skip
def test_answers_that_the_survey_did_not_ask_for_and_the_want_of_others_are_refused(scheme: str, answers: Mapping[str, str], code: str) -> None:
    assert refused(with_skip(), scheme, answers) == code


def test_an_item_that_is_not_required_may_be_left_out() -> None:
    data = small()
    data["items"][0]["required"] = False
    assert score(read_instrument(data), "means", without("food")).dimensions["economic"] == number("0.0000", "low", 1, 2)


@st.composite
def interviews(draw: st.DrawFn, *surveys: str) -> tuple[str, str, dict[str, str]]:
    """One of these surveys, a scheme, and answers as somebody may give them."""
    name = draw(st.sampled_from(surveys))
    raw = RAW[name]
    # Some people answer everything and others hardly anything.
    declining = draw(st.sampled_from([0, 2, 9]))
    answers: dict[str, str] = {}
    for item in raw["items"]:
        skip = item.get("skip_if")
        if skip and answers.get(skip["item"]) in skip["answered"]:
            continue
        options = [option["code"] for option in raw["scales"][item["scale"]]]
        answers[item["code"]] = "declined" if draw(st.integers(0, 9)) < declining else draw(st.sampled_from(options))
    return name, draw(st.sampled_from([scheme["code"] for scheme in raw["schemes"]])), answers


def counted_again(raw: Mapping[str, Any], scheme: str, dimension: str, answers: Mapping[str, str]) -> Decimal | None:
    """The same mean by another hand: from the data itself, in decimals of fifty digits."""
    counting = next(one for one in raw["schemes"] if one["code"] == scheme)
    scales = {item["code"]: {option["code"]: option.get("score") for option in raw["scales"][item["scale"]]} for item in raw["items"]}
    total = weight_of_all = Decimal(0)
    answered = of = 0
    for one in raw["weights"]:
        if one["scheme"] != scheme or one["dimension"] != dimension:
            continue
        of += 1
        if one["item"] in scales:
            given = scales[one["item"]].get(answers.get(one["item"], ""))
            value = None if given is None else Decimal(given)
        else:
            value = counted_again(raw, scheme, one["item"], answers)
        if value is not None:
            answered += 1
            total += Decimal(one["weight"]) * value
            weight_of_all += Decimal(one["weight"])
    above, below = counting.get("least_answered", "2/3").split("/")
    return total / weight_of_all if answered * int(below) >= of * int(above) else None


def shown(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(Decimal("0.0001"), ROUND_HALF_UP)


@pytest.mark.hypothesis
@pytest.mark.timeout(1200)
def test_scores_are_the_same_whoever_counts_them_and_whenever(request: pytest.FixtureRequest) -> None:
    @settings(max_examples=request.config.getoption("--answer-sets"))
    @given(interviews(*RAW), st.randoms(use_true_random=False))
    def check(interview: tuple[str, str, dict[str, str]], dice: Any) -> None:
        name, scheme, answers = interview
        found = score(READ[name], scheme, answers)
        with localcontext() as context:
            context.prec = 50
            dimensions = {dimension: counted_again(RAW[name], scheme, dimension, answers) for dimension in READ[name].dimensions}
            composite = None if None in dimensions.values() else counted_again(RAW[name], scheme, "composite", answers)
        assert {dimension: one.value for dimension, one in found.dimensions.items()} == {one: shown(value) for one, value in dimensions.items()}
        assert found.composite.value == shown(composite)
        for one in (*found.dimensions.values(), found.composite):
            assert (one.value is None) == (one.band is None) == (one.reason is not None)
            assert one.value is None or 0 <= one.value <= 1
        # The answers come back as text, in whatever order.
        kept = json.loads(json.dumps(list(answers.items())))
        dice.shuffle(kept)
        again = score(KEPT[name], scheme, dict(kept))
        assert asdict(again) == asdict(found)

    check()


@given(interviews("small"))
def test_whoever_declines_a_question_is_counted_as_if_it_had_no_weight(interview: tuple[str, str, dict[str, str]]) -> None:
    _, _, answers = interview
    raw = small()
    raw["weights"] = [one for one in raw["weights"] if one["item"] != "water"]
    declined = {**answers, "water": "declined"}
    asked, unweighed = score(READ["small"], "means", declined), score(read_instrument(raw), "means", declined)
    for dimension, one in asked.dimensions.items():
        assert one.value in {None, unweighed.dimensions[dimension].value}
