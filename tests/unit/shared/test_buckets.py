"""Token buckets: nobody gets more than a bucketful and what runs in, nobody pays for others, and memory is bounded."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.buckets import HOUR, MINUTE, PEOPLE, SECOND, Allowance, Buckets, Kind


class Time:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 5 * SECOND

    def __call__(self) -> int:
        return self.now


ALLOWANCES = st.builds(Allowance, st.integers(1, 12), st.integers(1, 400).map(lambda tenths: tenths * SECOND // 10))
PAUSES = st.integers(0, 20 * SECOND)
# So few nanoseconds that each one that is rounded away shows.
SHORT_ALLOWANCES = st.builds(Allowance, st.integers(1, 12), st.integers(1, 60))
SHORT_PAUSES = st.integers(0, 2)
ACTORS = st.sampled_from(["anna", "mira", "oleg"])


def buckets(allowance: Allowance, time: Time, most: int = 1000) -> Buckets:
    return Buckets({"write": allowance}, time, most)


def taken_at(allowance: Allowance, asked: Sequence[tuple[int, str]], actor: str = "anna") -> list[int]:
    """When an actor got a token, of all that were asked for."""
    time = Time()
    held, got = buckets(allowance, time), []
    for pause, who in asked:
        time.now += pause
        if held.take(who, "write") == 0 and who == actor:
            got.append(time.now)
    return got


@given(
    st.tuples(ALLOWANCES, st.lists(PAUSES, max_size=60)) | st.tuples(SHORT_ALLOWANCES, st.lists(SHORT_PAUSES, max_size=120))
)
def test_in_no_stretch_of_time_is_there_more_than_a_bucketful_and_what_ran_in(
    asked: tuple[Allowance, list[int]]
) -> None:
    allowance, pauses = asked
    got = taken_at(allowance, [(pause, "anna") for pause in pauses])
    for first, begins in enumerate(got):
        for last, ends in enumerate(got[first:], first):
            ran_in = (ends - begins) * allowance.requests // allowance.nanoseconds
            assert last - first + 1 <= allowance.requests + ran_in


@given(ALLOWANCES, st.lists(st.tuples(PAUSES, ACTORS), max_size=60))
def test_what_others_ask_for_changes_nothing_for_anybody(allowance: Allowance, asked: list[tuple[int, str]]) -> None:
    alone: list[tuple[int, str]] = []
    waited = 0
    for pause, who in asked:
        waited += pause
        if who == "anna":
            alone.append((waited, who))
            waited = 0
    assert taken_at(allowance, asked) == taken_at(allowance, alone)


@given(ALLOWANCES, st.lists(PAUSES, max_size=40))
def test_whoever_waits_as_long_as_told_gets_a_token_and_nobody_gets_one_earlier(
    allowance: Allowance, pauses: list[int]
) -> None:
    time = Time()
    held = buckets(allowance, time)
    for pause in pauses:
        time.now += pause
        wait = round(held.take("anna", "write") * SECOND)
        if wait:
            time.now += wait - 2
            assert held.take("anna", "write") > 0
            time.now += 3
            assert held.take("anna", "write") == 0


def test_whoever_comes_fresh_may_take_all_tokens_at_once_and_one_each_time_another_ran_in() -> None:
    time = Time()
    held = buckets(Allowance(60, MINUTE), time)
    assert [held.take("anna", "write") for _ in range(60)] == [0.0] * 60
    assert held.take("anna", "write") == 1.0
    time.now += SECOND
    assert held.take("anna", "write") == 0.0
    assert held.take("anna", "write") == 1.0


def test_kinds_have_buckets_of_their_own() -> None:
    held = Buckets(now=Time())
    for kind, allowance in PEOPLE.items():
        assert [held.take("anna", kind) for _ in range(allowance.requests)] == [0.0] * allowance.requests
        assert held.take("anna", kind) > 0


@pytest.mark.parametrize(
    ("kind", "requests", "nanoseconds"),
    [("write", 60, MINUTE), ("read", 300, MINUTE), ("search", 10, MINUTE), ("export", 3, HOUR)],
)
def test_people_get_what_people_need(kind: Kind, requests: int, nanoseconds: int) -> None:
    assert PEOPLE[kind] == Allowance(requests, nanoseconds)


@given(st.integers(1, 20), st.lists(st.tuples(PAUSES, st.integers(0, 100)), max_size=200))
def test_memory_is_bounded_whoever_comes(most: int, asked: list[tuple[int, int]]) -> None:
    time = Time()
    held = buckets(Allowance(3, MINUTE), time, most)
    for pause, number in asked:
        time.now += pause
        held.take(f"staff:{number}", "write")
        assert len(held) <= most


def test_whoever_asked_last_is_remembered_when_there_are_too_many() -> None:
    time = Time()
    held = buckets(Allowance(2, HOUR), time, most=2)
    for who in ("anna", "mira", "anna", "oleg"):
        assert held.take(who, "write") == 0
    # Mira, who asked longest ago, was forgotten.
    assert held.take("anna", "write") > 0
    assert held.take("oleg", "write") == 0
    assert held.take("oleg", "write") > 0


def test_a_bucket_that_is_full_again_is_forgotten_without_a_loss() -> None:
    time = Time()
    held = buckets(Allowance(2, MINUTE), time)
    for number in range(50):
        held.take(f"staff:{number}", "write")
    time.now += MINUTE
    held.take("anna", "write")
    assert len(held) == 1


def test_a_pace_that_does_not_divide_evenly_is_rounded_to_the_slower_side() -> None:
    got = taken_at(Allowance(7, 60), [(1, "anna")] * 600)
    assert 7 + 60 <= len(got) <= 7 + 70
