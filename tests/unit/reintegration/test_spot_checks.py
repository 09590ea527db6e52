"""What is looked at on the spot is left to chance that anybody can check, and looked at by somebody who had no part in it."""

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.reintegration.domain.spot_checks import (
    OVER_FOR,
    SPOT_CHECK,
    SPOT_CHECK_DRAW,
    CheckFacts,
    DrawFacts,
    DrawSpotCheck,
    RecordSpotCheck,
    draw,
    population_hash,
)
from shared.contracts.spot_checks import DrawnDelivery, SpotCheckDrawn, SpotCheckRecorded
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import MANAGER, OFFICE, PAYER, RECONCILER, TODAY, ref

AUDITOR = staff("auditor", "auditor")
SEED = "5e" * 32
DELIVERIES = tuple(DrawnDelivery(grant_id=ref(100 + number // 2), number=1 + number % 2, country="PK") for number in range(12))
APRIL = DrawSpotCheck(from_day=date(2023, 4, 1), to_day=date(2023, 4, 30), size=3)
FACTS = DrawFacts(DELIVERIES, SEED, NOON - timedelta(days=1))
DRAWING = Given(SPOT_CHECK_DRAW, FACTS)
CHECK = RecordSpotCheck(
    draw_id=ref(61), grant_id=ref(101), number=2, outcome="differs", mode="in_person", checked_on=TODAY
)
KNOWN = CheckFacts(
    DrawnDelivery(grant_id=ref(101), number=2, country="PK"), drawn_on=TODAY - timedelta(days=3), today=TODAY,
    took_part=frozenset({PAYER.person_id, OFFICE.person_id, RECONCILER.person_id}),
)  # fmt: skip
CHECKING = Given(SPOT_CHECK, KNOWN)


def again(names: list[str], seed: str, size: int) -> list[str]:
    """The same drawn by another hand, as docs/monitoring.md says it."""
    return sorted(names, key=lambda name: hashlib.sha256(bytes.fromhex(seed) + name.encode()).hexdigest())[:size]


def names(deliveries: Any) -> list[str]:
    return [f"{one.grant_id}/{one.number}" for one in deliveries]


def test_a_draw_says_out_of_what_and_by_which_seed_it_was_made() -> None:
    (event,) = DRAWING.when(APRIL, AUDITOR).events
    assert isinstance(event, SpotCheckDrawn)
    listed = sorted(names(DELIVERIES))
    assert (event.population, event.population_hash) == (12, hashlib.sha256("\n".join(listed).encode()).hexdigest())
    assert (event.seed, names(event.drawn)) == (SEED, again(listed, SEED, 3))
    assert (event.drawn_by, event.drawn_at, event.from_day, event.to_day) == (AUDITOR.person_id, NOON, APRIL.from_day, APRIL.to_day)


PLACES = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6)), min_size=1, max_size=40, unique=True)


@examples(PLACES, st.binary(min_size=32, max_size=32), st.integers(1, 50), st.randoms())
def test_what_is_drawn_depends_on_the_seed_and_the_deliveries_and_on_nothing_else(
    places: list[tuple[int, int]], seed: bytes, size: int, random: Any
) -> None:
    found = [DrawnDelivery(grant_id=ref(200 + grant), number=number, country="PK") for grant, number in places]
    shuffled = random.sample(found, len(found))
    drawn = draw(found, seed.hex(), size)
    assert names(drawn) == names(draw(shuffled, seed.hex(), size)) == again(names(found), seed.hex(), size)
    assert population_hash(found) == population_hash(shuffled)
    assert len(set(names(drawn))) == min(size, len(found))
    # Whoever asks for more gets the same ones first.
    assert drawn == draw(found, seed.hex(), size + 1)[:size]


def test_over_many_seeds_every_delivery_is_drawn_as_often_as_any_other() -> None:
    counted = dict.fromkeys(names(DELIVERIES), 0)
    for number in range(3000):
        for name in names(draw(DELIVERIES, hashlib.sha256(str(number).encode()).hexdigest(), 3)):
            counted[name] += 1
    assert all(650 < often < 850 for often in counted.values()), counted


@pytest.mark.parametrize(
    ("facts", "order", "code"),
    [
        (FACTS, APRIL.model_copy(update={"to_day": date(2023, 3, 31)}), "period_reversed"),
        (replace(FACTS, over_at=NOON - OVER_FOR + timedelta(seconds=1)), APRIL, "period_not_over"),
        (replace(FACTS, over_at=None), APRIL, "period_not_over"),
        (replace(FACTS, drew_before=True), APRIL, "period_drawn"),
        (replace(FACTS, population=()), APRIL, "nothing_to_draw"),
    ],
)
def test_nobody_draws_until_it_suits_them(facts: DrawFacts, order: DrawSpotCheck, code: str) -> None:
    DRAWING.knowing(facts).when(order, AUDITOR).refused(code)


def test_days_can_be_drawn_once_they_are_over_for_an_hour() -> None:
    DRAWING.knowing(replace(FACTS, over_at=NOON - OVER_FOR)).when(APRIL, AUDITOR).then_kinds(SpotCheckDrawn)


def test_whoever_had_no_part_records_what_they_found() -> None:
    CHECKING.when(CHECK, MANAGER).then(
        SpotCheckRecorded(
            draw_id=ref(61), grant_id=ref(101), number=2, country="PK", outcome="differs", mode="in_person", checked_on=TODAY,
            recorded_by=MANAGER.person_id, recorded_at=NOON,
        )
    )
    for involved in (PAYER, OFFICE, RECONCILER):
        CHECKING.when(CHECK, involved).refused("four_eyes")


@pytest.mark.parametrize(
    ("facts", "order", "code"),
    [
        (replace(KNOWN, drawn=None), CHECK, "not_drawn"),
        (replace(KNOWN, checked_already=True), CHECK, "spot_check_recorded"),
        (KNOWN, CHECK.model_copy(update={"checked_on": TODAY + timedelta(days=1)}), "in_the_future"),
        (KNOWN, CHECK.model_copy(update={"checked_on": TODAY - timedelta(days=4)}), "before_draw"),
    ],
)
def test_nothing_is_found_that_nobody_could_have_looked_at(facts: CheckFacts, order: RecordSpotCheck, code: str) -> None:
    CHECKING.knowing(facts).when(order, MANAGER).refused(code)
