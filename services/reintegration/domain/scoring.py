"""What answers to a survey score, by a scheme of its instrument: the same scores for the same answers, whenever it is asked.

Everything is counted exactly and rounded once, to four decimals, a half up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from services.reintegration.domain.instruments import COMPOSITE, Instrument, Item, Scheme
from shared.errors import RuleViolation

_DECIMALS: Final = 4

# Why there is no score: less was answered than the scheme asks for, or a dimension of the composite has none.
Reason = Literal["too_few_answers", "dimension_without_score"]


@dataclass(frozen=True, slots=True)
class Score:
    """A number from 0 to 1 and its band, or why there is none; from so many scored answers out of so many weighed items."""

    value: Decimal | None
    band: str | None
    reason: Reason | None
    answered: int
    of: int


@dataclass(frozen=True, slots=True)
class Scores:
    """One interview as it was scored: by which version of which instrument, by which scheme, each dimension and all together."""

    instrument: str
    version: int
    scheme: str
    dimensions: Mapping[str, Score]
    composite: Score


def score(instrument: Instrument, scheme: str, answers: Mapping[str, str]) -> Scores:
    """The scores of answers, an option's code by its item's code.

    A score is the weighted mean over the items that were answered with a score: declining, what does not apply and what was
    skipped count as no answer, never as 0. There is none where the answered share of the weighed items is below the
    scheme's; and no composite where a dimension has none, since it would tell of something else then.

    Refused as ``scheme_unknown``, ``item_unknown``, ``option_unknown``, ``answer_to_skipped_item`` and ``answer_missing`` for
    a required item that was asked.
    """
    counting = next((one for one in instrument.schemes if one.code == scheme), None)
    if counting is None:
        raise RuleViolation("scheme_unknown", "This survey has no such way to count.")
    refuse_answers(instrument, answers)
    scored = _scored(instrument, answers)
    exact: dict[str, Fraction] = {}
    dimensions: dict[str, Score] = {}
    for dimension in instrument.dimensions:
        mean, answered, of = _mean(instrument, counting, dimension, scored)
        if mean is not None:
            exact[dimension] = mean
        dimensions[dimension] = _score(instrument, mean, "too_few_answers", answered, of)
    counted = scored if counting.composite == "items" else exact
    mean, answered, of = _mean(instrument, counting, COMPOSITE, counted)
    if len(exact) < len(dimensions):
        composite = _score(instrument, None, "dimension_without_score", answered, of)
    else:
        composite = _score(instrument, mean, "too_few_answers", answered, of)
    return Scores(instrument.code, instrument.version, scheme, dimensions, composite)


def refuse_answers(instrument: Instrument, answers: Mapping[str, str]) -> None:
    """Refuses answers that this instrument did not ask for, and the want of one that it did; as ``score`` says."""
    if not answers.keys() <= {item.code for item in instrument.items}:
        raise RuleViolation("item_unknown", "This survey does not ask one of these questions.")
    for item in instrument.items:
        answer = answers.get(item.code)
        skipped = is_skipped(item, answers)
        if answer is None and item.required and not skipped:
            raise RuleViolation("answer_missing", "A question is not answered yet. Whoever does not wish to answer may say so.")
        if answer is not None and skipped:
            raise RuleViolation("answer_to_skipped_item", "A question is answered that is not asked after the answers before it.")
        if answer is not None and answer not in {option.code for option in instrument.scales[item.scale]}:
            raise RuleViolation("option_unknown", "A question has an answer that it does not offer.")


def is_skipped(item: Item, answers: Mapping[str, str]) -> bool:
    """Whether an item is not asked after these answers to the ones before it."""
    return item.skip_if is not None and answers.get(item.skip_if.item) in item.skip_if.answered


def _scored(instrument: Instrument, answers: Mapping[str, str]) -> Mapping[str, Fraction]:
    scores = {
        (scale, option.code): Fraction(option.score)
        for scale, options in instrument.scales.items()
        for option in options
        if option.score is not None
    }
    given = ((item.code, (item.scale, answers.get(item.code, ""))) for item in instrument.items)
    return {item: scores[answer] for item, answer in given if answer in scores}


def _mean(
    instrument: Instrument, scheme: Scheme, dimension: str, scored: Mapping[str, Fraction]
) -> tuple[Fraction | None, int, int]:
    """The weighted mean of what was scored, of how many, out of how many; none where that share is too small."""
    weights = {
        weight.item: Fraction(weight.weight)
        for weight in instrument.weights
        if weight.scheme == scheme.code and weight.dimension == dimension
    }
    answered = weights.keys() & scored.keys()
    if Fraction(len(answered), len(weights)) < Fraction(scheme.least_answered):
        return None, len(answered), len(weights)
    total = sum(weights[item] for item in answered)
    return sum(weights[item] * scored[item] for item in answered) / Fraction(total), len(answered), len(weights)


def _score(instrument: Instrument, mean: Fraction | None, reason: Reason, answered: int, of: int) -> Score:
    if mean is None:
        return Score(None, None, reason, answered, of)
    value = Decimal((2 * mean * 10**_DECIMALS + 1) // 2).scaleb(-_DECIMALS)
    # By what is shown, so that nobody reads 0.3300 and a band that ends before it.
    band = [one.code for one in instrument.bands if Fraction(one.begins_at) <= Fraction(value)][-1]
    return Score(value, band, None, answered, of)
