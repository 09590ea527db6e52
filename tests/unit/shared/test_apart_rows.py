"""Rows that no command wrote wait to be compared: the newest first, each once, and none is lost among many."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.apart_rows import Apart, ApartRows


def apart(number: int, age: int, xmin: int = 7) -> Apart:
    return Apart(age, xmin, "grants", UUID(int=number))


def ids(rows: ApartRows, most: int = 10) -> list[int]:
    return [id.int for _, id in rows.following(most)]


def test_the_newest_is_compared_first_and_what_waits_longer_later() -> None:
    rows = ApartRows()
    rows.read([apart(1, 9), apart(2, 3)])
    rows.read([apart(3, 5)])
    assert ids(rows) == [3, 2, 1]


def test_what_was_compared_does_not_wait_again_until_it_is_written_anew() -> None:
    rows = ApartRows()
    rows.read([apart(1, 9), apart(2, 3)])
    rows.compared(rows.following(1))
    rows.read([apart(1, 9), apart(2, 4)])
    assert ids(rows) == [1]
    rows.read([apart(1, 9), apart(2, 1, xmin=8)])
    assert ids(rows) == [2, 1]


def test_no_more_wait_than_may_and_the_oldest_are_left_to_the_round() -> None:
    rows = ApartRows(most=2)
    rows.read([apart(1, 9), apart(2, 3), apart(3, 1)])
    assert ids(rows) == [3, 2]


@given(st.lists(st.integers(0, 50), unique=True), st.integers(1, 7))
def test_each_of_many_is_compared_once_however_often_they_are_read(numbers: list[int], most: int) -> None:
    rows, done = ApartRows(), []
    every = [apart(number, number) for number in numbers]
    rows.read(every)
    while len(rows):
        some = rows.following(most)
        rows.compared(some)
        done += [id.int for _, id in some]
        rows.read(every)
    assert done == sorted(numbers)
