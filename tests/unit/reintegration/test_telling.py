"""What is told of a fund month by month: five grants at a time, so that no two months tell what changed for one of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from services.reintegration.domain.telling import Posted, known, told_at_the_end_of
from services.reintegration.domain.withholding import LEAST_SHOWN, MERGED, Figures, Table, in_full, withheld

MONTHS = tuple(date(2023, month, 1) for month in range(1, 7))
JANUARY, FEBRUARY, MARCH, APRIL, MAY, JUNE = MONTHS
SHOP, ROOM = ("business", "PK"), ("housing", "PK")
CENT = Decimal("0.01")


def ref(number: int) -> UUID:
    return UUID(int=number | 0x7 << 76 | 0x2 << 62)


def given_to(number: int, month: date = JANUARY, cell: tuple[str, str] = SHOP, amount: int = 100) -> Posted:
    return Posted(month, ref(number), cell, Decimal(amount), Decimal(0))


def paid(number: int, month: date, cell: tuple[str, str] = SHOP, amount: int = 100) -> Posted:
    return Posted(month, ref(number), cell, Decimal(-amount), Decimal(amount))


def views(posted: Sequence[Posted]) -> list[Table]:
    return [withheld(told_at_the_end_of(month, posted)) for month in MONTHS]


def test_five_grants_of_a_cell_are_told_at_once_and_a_sixth_waits_for_four_others() -> None:
    six = [*(given_to(number) for number in range(5)), given_to(5, FEBRUARY)]
    assert told_at_the_end_of(JANUARY, six) == {SHOP: Figures(5, Decimal(500), Decimal(0))}
    assert told_at_the_end_of(FEBRUARY, six) == told_at_the_end_of(JANUARY, six)
    ten = [*six, *(given_to(number, FEBRUARY, amount=7) for number in range(6, 10))]
    assert told_at_the_end_of(FEBRUARY, ten) == {SHOP: Figures(10, Decimal(628), Decimal(0))}


def test_what_waits_at_the_end_of_a_quarter_is_told_by_category_and_then_all_together() -> None:
    abroad = [given_to(number, cell=("business", place)) for number, place in enumerate(("PK", "PK", "TN", "TN", "MA"))]
    assert told_at_the_end_of(FEBRUARY, abroad) == {}
    assert told_at_the_end_of(MARCH, abroad) == {("business", MERGED): Figures(5, Decimal(500), Decimal(0))}
    mixed = [given_to(number, cell=(("business", "housing", "medical")[number % 3], "PK")) for number in range(5)]
    assert told_at_the_end_of(MARCH, mixed) == {(MERGED, MERGED): Figures(5, Decimal(500), Decimal(0))}
    # Where a grant was counted its payment is told too.
    spent = [*mixed, *(paid(number, MARCH, mixed[number].cell) for number in range(5))]
    assert told_at_the_end_of(MARCH, spent) == {(MERGED, MERGED): Figures(5, Decimal(0), Decimal(500))}


def test_a_payment_alone_is_not_told_and_neither_is_what_is_left_of_fewer_than_five() -> None:
    five = [given_to(number) for number in range(5)]
    assert told_at_the_end_of(FEBRUARY, [*five, paid(0, FEBRUARY)])[SHOP].spent == 0
    nine = [given_to(number) for number in range(9)]
    ended = [replace(given_to(number, FEBRUARY), committed=Decimal(-100)) for number in range(5)]
    assert told_at_the_end_of(FEBRUARY, [*nine, *ended])[SHOP] == Figures(9, Decimal(900), Decimal(0))
    assert told_at_the_end_of(FEBRUARY, [*five, *ended]) == {}


def test_whoever_answers_for_the_fund_is_told_all_of_it() -> None:
    posted = [given_to(0), given_to(1, cell=ROOM), paid(1, FEBRUARY, ROOM, 40), replace(given_to(0, MARCH), committed=Decimal(-100))]
    assert known(posted) == {ROOM: Figures(1, Decimal(60), Decimal(40))}


@st.composite
def small_worlds(draw: st.DrawFn) -> list[Posted]:
    """Up to ten grants of three cells over half a year: given, paid whole or in part, given more, freed, and sent back."""
    posted: list[Posted] = []
    for number in range(draw(st.integers(1, 10))):
        cell = draw(st.sampled_from((SHOP, ROOM, ("business", "TN"))))
        left, spent = draw(st.integers(1, 9)), 0
        begins = draw(st.integers(0, 5))
        posted.append(given_to(number, MONTHS[begins], cell, left))
        for month in MONTHS[begins:]:
            what = draw(st.sampled_from(("nothing", "nothing", "paid", "paid", "freed", "more", "back")))
            if what == "paid" and left:
                part = draw(st.integers(1, left))
                left, spent = left - part, spent + part
                posted.append(Posted(month, ref(number), cell, Decimal(-part), Decimal(part)))
            elif what == "freed" and left:
                posted.append(Posted(month, ref(number), cell, Decimal(-left), Decimal(0)))
                left = 0
            elif what == "more":
                posted.append(Posted(month, ref(number), cell, Decimal(1), Decimal(0)))
                left += 1
            elif what == "back" and spent:
                posted.append(Posted(month, ref(number), cell, Decimal(spent), Decimal(-spent)))
                left, spent = left + spent, 0
    return posted


# Four grants were given less, and nobody was told of it: with a fifth they would have been. What is not known is how much was paid.
FOUR_WAIT = [
    given_to(0, FEBRUARY, ROOM, 3), paid(0, FEBRUARY, ROOM, 1), paid(0, MAY, ROOM, 2),
    given_to(1, FEBRUARY, SHOP, 5), paid(1, FEBRUARY, SHOP, 4), given_to(1, MAY, SHOP, -1),
    given_to(2, JANUARY, ROOM, 9), paid(2, JANUARY, ROOM, 3), given_to(2, APRIL, ROOM, -6),
    given_to(3, FEBRUARY, ROOM, 6), paid(3, MARCH, ROOM, 1), given_to(3, APRIL, ROOM, -5),
    given_to(4, FEBRUARY, SHOP, 2), given_to(4, MAY, SHOP, 1), paid(4, JUNE, SHOP, 2),
]  # fmt: skip


@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(small_worlds())
@example(FOUR_WAIT)
def test_in_another_world_a_grant_has_another_amount_and_every_month_looks_the_same(posted: list[Posted]) -> None:
    shown = views(posted)
    for at, one in enumerate(posted):
        for measure in ("committed", "spent"):
            if getattr(one, measure):
                # Of what was paid less may have been left because more was spent.
                by = ("committed", "spent") if one.spent else (measure,)
                assert any(views(other) == shown for way in by for other in others(posted, at, way)), (at, measure)


def others(posted: list[Posted], at: int, measure: str) -> Iterator[list[Posted]]:
    """Worlds in which a cent of what was posted is another grant's: of the one alone, and of the other too."""
    for mine in changed(posted, at, measure, CENT):
        # Where nobody was told of it at all, none of the others has to change.
        yield mine
        for other, one in enumerate(posted):
            if one.grant_id != posted[at].grant_id:
                yield from changed(mine, other, measure, -CENT)


def changed(posted: list[Posted], at: int, measure: str, by: Decimal) -> Iterator[list[Posted]]:
    """Worlds in which so much more was posted there, be it that so much less was posted in another month of the grant."""
    more = [*posted]
    more[at] = moved(posted[at], measure, by)
    yield more
    for other, one in enumerate(posted):
        if other != at and one.grant_id == posted[at].grant_id:
            world = [*more]
            world[other] = moved(one, measure, -by)
            yield world


def moved(one: Posted, measure: str, by: Decimal) -> Posted:
    # What was spent was given before.
    return replace(one, committed=one.committed + by) if measure == "committed" else replace(one, spent=one.spent + by, committed=one.committed - by)


@settings(max_examples=300, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(small_worlds())
def test_between_any_two_months_a_number_is_the_same_or_five_grants_made_the_difference(posted: list[Posted]) -> None:
    tables = [told_at_the_end_of(month, posted) for month in MONTHS]
    for table in tables:
        assert all(one.grants == 0 or one.grants >= LEAST_SHOWN for one in table.values())
        assert withheld(table) == in_full(table)
    for (before, first), (after, second) in combinations(enumerate(tables), 2):
        changed = {one.grant_id for one in posted if one.month <= MONTHS[after]}
        assert after > before
        if first != second:
            assert len(changed) >= LEAST_SHOWN


@pytest.mark.parametrize("alone", range(5))
def test_nothing_is_told_of_fewer_than_five(alone: int) -> None:
    assert views([given_to(number) for number in range(alone)])[-1].total.grants == 0
