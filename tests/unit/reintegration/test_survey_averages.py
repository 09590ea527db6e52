"""Nobody's score can be computed from the means of a round, by equations over all that is told of it."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.reintegration.domain.instruments import COMPOSITE
from services.reintegration.domain.survey_averages import LEAST_COUNTED, Mean, Scores, mean_of, means_of

DIMENSIONS = ("economic", "social")


def person(*scores: int | None) -> Scores:
    """Somebody's scores, in hundredths; all of it is the mean of the dimensions, where none is missing."""
    parts = {name: None if score is None else Decimal(score) / 100 for name, score in zip(DIMENSIONS, scores, strict=True)}
    known = [score for score in parts.values() if score is not None]
    return {**parts, COMPOSITE: sum(known, Decimal(0)) / len(known) if len(known) == len(parts) else None}


def test_a_mean_is_of_five_at_least() -> None:
    assert mean_of([Decimal("0.5")] * 4) == Mean(None, None)
    assert mean_of([Decimal("0.5"), *[Decimal("0.25")] * 4]) == Mean(5, Decimal("0.3000"))


def test_whoever_lacks_a_dimension_is_counted_with_four_others_who_do() -> None:
    whole = [person(50, 100)] * 5
    assert {name: one.counted for name, one in means_of([*whole, person(10, None)]).items()} == {
        "economic": 5, "social": 5, COMPOSITE: 5,
    }  # fmt: skip
    assert means_of([*whole, *[person(10, None)] * 5])["economic"] == Mean(10, Decimal("0.3000"))
    few = means_of([*whole[:4], *[person(10, None)] * 3])
    assert (few["economic"].counted, few["social"].counted, few[COMPOSITE].counted) == (7, None, None)


SCORE = st.integers(0, 100)
# Most have a score of everything, as people have.
ANSWERED = st.one_of(st.tuples(SCORE, SCORE), st.tuples(SCORE, SCORE), st.tuples(SCORE, st.none()), st.tuples(st.none(), SCORE))


@settings(max_examples=300, deadline=None)
@given(st.lists(ANSWERED, max_size=14))
@example([(1, 2)] * 5 + [(7, None)])
def test_no_score_of_anybody_is_in_what_the_means_say(answered: Sequence[tuple[int | None, int | None]]) -> None:
    people = [person(*scores) for scores in answered]
    means = means_of(people)
    unknown = [(at, name) for at, one in enumerate(people) for name in DIMENSIONS if one[name] is not None]
    equations: list[list[Fraction]] = []
    for name, mean in means.items():
        if mean.counted is not None:
            # Whoever reads does not know which of them are counted; at worst they do.
            counted = of(people, name, mean.counted)
            parts = DIMENSIONS if name == COMPOSITE else (name,)
            equations.append([Fraction(at in counted and of_what in parts) for at, of_what in unknown])
    rank = rank_of(equations)
    for at in range(len(unknown)):
        alone = [Fraction(number == at) for number in range(len(unknown))]
        assert rank_of([*equations, alone]) > rank


def of(people: Sequence[Scores], name: str, counted: int) -> set[int]:
    """Who was counted in a mean: everybody with such a score, or those with all of them."""
    everybody = {at for at, one in enumerate(people) if one[name] is not None}
    whole = {at for at in everybody if people[at][COMPOSITE] is not None}
    found = everybody if counted == len(everybody) else whole
    assert len(found) == counted >= LEAST_COUNTED
    return found


def rank_of(rows: Sequence[Sequence[Fraction]]) -> int:
    left, rank = [list(row) for row in rows], 0
    for column in range(len(left[0]) if left else 0):
        pivot = next((row for row in left[rank:] if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        left.insert(rank, pivot)
        for row in left[rank + 1 :]:
            factor = row[column] / pivot[column]
            row[:] = [value - factor * base for value, base in zip(row, pivot, strict=True)]
        rank += 1
    return rank
