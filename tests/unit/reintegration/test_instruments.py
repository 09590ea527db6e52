"""A survey that could not be asked or counted is none, and the one that is shipped says that it is an example."""

import tomllib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from services.reintegration.domain.instruments import DECLINED, read_instrument
from services.reintegration.surveys import shipped
from shared.errors import RuleViolation
from tests.given import reads_well

FOLDER = Path(__file__).parent.parent.parent.parent / "services" / "reintegration" / "surveys"
DEMO = "rss_demo_equal_weights"
LANGUAGES = {"eng", "bos", "fra", "ara", "fas", "pus", "urd"}
WITHIN = {"low": "0", "middle": "1/3", "high": "2/3"}


def text(english: str) -> dict[str, str]:
    return {"eng": english}


def scale(**scores: str | None) -> list[dict[str, Any]]:
    return [{"code": code, "label": text(code)} | ({} if score is None else {"score": score}) for code, score in scores.items()]


def small() -> dict[str, Any]:
    """An invented survey of two dimensions, small enough to be counted in the head."""
    weights = {"economic": {"food": "1", "work": "3"}, "social": {"home": "1", "school": "1", "water": "1"}}
    items = [("food", "economic"), ("work", "economic"), ("home", "social"), ("school", "social"), ("water", "social"), ("why", "social")]
    by_item = {item: weight for of in weights.values() for item, weight in of.items()}
    return {
        "code": "small", "version": 3, "title": text("Small"), "banner": text("Invented."), "source": "Invented.", "licence": "None.",
        "scales": {
            "yes_no": scale(yes="1", no="0", declined=None, not_applicable=None),
            "five": scale(a="1", b="0.75", c="0.5", d="0.25", e="0", declined=None),
            "told": scale(this=None, that=None, declined=None),
        },
        "items": [
            {"code": code, "dimension": dimension, "text": text(code), "scale": "told" if code == "why" else "yes_no" if code == "work" else "five"}
            for code, dimension in items
        ],
        "schemes": [{"code": "plain", "composite": "items"}, {"code": "means", "composite": "dimensions", "least_answered": "1/2"}],
        "weights": [
            {"scheme": scheme, "dimension": dimension, "item": item, "weight": weight}
            for scheme in ("plain", "means") for dimension, of in weights.items() for item, weight in of.items()
        ] + [
            {"scheme": "plain", "dimension": "composite", "item": item, "weight": weight} for item, weight in by_item.items()
        ] + [
            {"scheme": "means", "dimension": "composite", "item": "economic", "weight": "2"},
            {"scheme": "means", "dimension": "composite", "item": "social", "weight": "1"},
        ],
        "bands": [{"code": code, "begins_at": begins, "label": text(code)} for code, begins in WITHIN.items()],
    }  # fmt: skip


def test_a_survey_whose_parts_fit_is_read() -> None:
    assert read_instrument(small()).dimensions == ("economic", "social")


FAULTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "no_items": lambda one: one.update(items=[]),
    "unknown_field": lambda one: one.update(author="somebody"),
    "no_version": lambda one: one.pop("version"),
    "version_as_text": lambda one: one.update(version="3"),
    "code_with_capitals": lambda one: one.update(code="Small"),
    "no_english": lambda one: one.update(title={"fra": "Petit"}),
    "no_english_option": lambda one: one["scales"]["five"][0].update(label={"fra": "a"}),
    "no_language": lambda one: one.update(title={"english": "Small"}),
    "item_twice": lambda one: one["items"].append(deepcopy(one["items"][-1])),
    "scheme_twice": lambda one: one["schemes"].append(deepcopy(one["schemes"][0])),
    "band_twice": lambda one: one["bands"].append({"code": "low", "begins_at": "0.9", "label": text("low")}),
    "composite_as_dimension": lambda one: one["items"][-1].update(dimension="composite"),
    "option_twice": lambda one: one["scales"]["told"].append({"code": "this", "label": text("this")}),
    "score_above_one": lambda one: one["scales"]["five"][0].update(score="1.01"),
    "score_below_zero": lambda one: one["scales"]["five"][0].update(score="-0.1"),
    "score_as_number": lambda one: one["scales"]["five"][0].update(score=0.1),
    "nobody_may_decline": lambda one: one["scales"]["five"].pop(),
    "declining_scores": lambda one: one["scales"]["five"][-1].update(score="0"),
    "not_applicable_scores": lambda one: one["scales"]["yes_no"][-1].update(score="0"),
    "unknown_scale": lambda one: one["items"][0].update(scale="six"),
    "skipped_by_a_later_item": lambda one: one["items"][0].update(skip_if={"item": "work", "answered": ["no"]}),
    "skipped_by_itself": lambda one: one["items"][1].update(skip_if={"item": "work", "answered": ["no"]}),
    "skipped_by_no_answer_of_it": lambda one: one["items"][1].update(skip_if={"item": "food", "answered": ["a", "no"]}),
    "skipped_by_nothing": lambda one: one["items"][1].update(skip_if={"item": "food", "answered": []}),
    "weight_twice": lambda one: one["weights"].append({**one["weights"][0], "weight": "2"}),
    "weight_of_nothing": lambda one: one["weights"][0].update(weight="0.0"),
    "weight_of_an_unknown_scheme": lambda one: one["weights"].append({**one["weights"][0], "scheme": "other"}),
    "weight_of_an_unknown_item": lambda one: one["weights"].append({**one["weights"][0], "item": "other"}),
    "weight_in_another_dimension": lambda one: one["weights"].append({**one["weights"][0], "dimension": "social"}),
    "weight_of_what_scores_nothing": lambda one: one["weights"].append({**one["weights"][0], "dimension": "social", "item": "why"}),
    "item_in_a_composite_of_dimensions": lambda one: one["weights"].append({**one["weights"][-1], "item": "food"}),
    "dimension_in_a_composite_of_items": lambda one: one["weights"].append({**one["weights"][-1], "scheme": "plain"}),
    "a_dimension_without_weights": lambda one: one.update(weights=[w for w in one["weights"] if (w["scheme"], w["dimension"]) != ("means", "social")]),
    "no_composite": lambda one: one.update(weights=[w for w in one["weights"] if w["dimension"] != "composite"]),
    "nothing_need_be_answered": lambda one: one["schemes"][0].update(least_answered="0"),
    "more_than_all_must_be_answered": lambda one: one["schemes"][0].update(least_answered="3/2"),
    "parts_of_nothing": lambda one: one["schemes"][0].update(least_answered="1/0"),
    "first_band_above_zero": lambda one: one["bands"][0].update(begins_at="0.1"),
    "bands_in_disorder": lambda one: one["bands"].reverse(),
    "bands_that_begin_together": lambda one: one["bands"][2].update(begins_at="1/3"),
    "band_above_one": lambda one: one["bands"][2].update(begins_at="1.1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_survey_in_which_something_does_not_fit_is_refused(fault: str) -> None:
    data = small()
    FAULTS[fault](data)
    with pytest.raises(RuleViolation) as refused:
        read_instrument(data)
    assert refused.value.code == "instrument_unreadable"
    assert reads_well(refused.value.sentence)


def texts(data: object) -> list[dict[str, str]]:
    """Each text of an instrument's data, by language."""
    if isinstance(data, list):
        return [found for one in data for found in texts(one)]
    if not isinstance(data, dict):
        return []
    return [data] if "eng" in data else [found for one in data.values() for found in texts(one)]


def test_every_shipped_survey_says_that_it_is_an_example_and_in_each_language_what_it_asks() -> None:
    assert set(shipped()) == {path.stem for path in FOLDER.glob("*.toml")}
    for name, instrument in shipped().items():
        assert instrument.code == name
        assert "example" in instrument.banner["eng"].lower()
        for one in texts(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))):
            assert set(one) == LANGUAGES


def test_the_example_of_a_reintegration_survey_is_not_the_official_one_and_weighs_all_items_alike() -> None:
    demo = shipped()[DEMO]
    assert demo.banner["eng"] == "An example: not the official IOM scoring."
    assert demo.dimensions == ("economic", "social", "psychosocial")
    assert {weight.weight for weight in demo.weights} == {"1"}
    scored = {item.code for item in demo.items if any(option.score for option in demo.scales[item.scale])}
    for place in (None, "composite"):
        assert {weight.item for weight in demo.weights if (weight.dimension == "composite") is (place is not None)} == scored
    assert all(DECLINED in {option.code for option in options} for options in demo.scales.values())


def test_what_may_tell_of_health_is_all_but_what_is_known_to_tell_nothing_of_it() -> None:
    asked = {survey.code: survey.of_health for survey in shipped().values()}
    assert asked == {DEMO: frozenset({"psychosocial"}), "satisfaction_demo": frozenset()}
    named = small()
    for item in named["items"]:
        item["dimension"] = {"economic": "wellbeing"}.get(item["dimension"], item["dimension"])
    for weight in named["weights"]:
        for name in ("dimension", "item"):
            weight[name] = {"economic": "wellbeing"}.get(weight[name], weight[name])
    survey = read_instrument(named)
    assert survey.of_health == {"wellbeing"}
    assert survey.items_of(survey.of_health) == {"food", "work"}
    # Whether somebody was asked tells what they had answered before.
    named["items"][-1]["skip_if"] = {"item": "work", "answered": ["no"]}
    assert read_instrument(named).of_health == {"wellbeing", "social"}
