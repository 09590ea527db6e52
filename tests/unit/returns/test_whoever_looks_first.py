"""Who left with clearance is the same whether the clock has looked before it is recorded or not, and whoever is recorded first."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from services.returns.domain.case_evidence import FlagForMedical
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_state import CaseFacts
from services.returns.domain.case_timers import CheckClearance
from services.returns.domain.days import home_day, over_at, over_at_home
from services.returns.domain.screening_facts import left_uncleared
from shared.contracts.returns import ClearanceLost, ClearedToBoard, PersonDeparted, ReadyToTravel
from shared.messages import Event
from tests.given import NOON
from tests.unit.returns.examples import (
    CHILD,
    DOCUMENTED,
    FAMILY,
    FATHER,
    MOTHER,
    OPERATIONS,
    REACTION,
    RECEPTION,
    after,
    booked,
    caught_up,
    confirmed,
    fit,
    flagged,
    given,
    knowing,
    left,
    lost,
)

CLEARED_AT = NOON + timedelta(hours=6)
LEAVES, LANDS = NOON + timedelta(hours=8), NOON + timedelta(hours=11)
LAST_DAY = date(2023, 5, 3)
# The mother's decision on fitness holds no longer than that.
OVER_AT = over_at(LAST_DAY)
CLEARED: tuple[Event, ...] = (
    *DOCUMENTED, fit(MOTHER, valid_until=LAST_DAY), booked(*FAMILY, departs_at=LEAVES, arrives_at=LANDS), RECEPTION, ReadyToTravel(),
    confirmed(MOTHER), confirmed(FATHER), ClearedToBoard(cleared_at=CLEARED_AT),
)  # fmt: skip
SOON_AFTER, A_DAY_AFTER = OVER_AT + timedelta(seconds=20), OVER_AT + timedelta(days=1)
BEFORE, SINCE = OVER_AT - timedelta(minutes=10), OVER_AT + timedelta(seconds=10)
NO_CONSENT = knowing(FATHER, data_consent=False)


def departures(order: tuple[tuple[UUID, ...], ...], facts: CaseFacts, left_at: datetime, now: datetime, *, looked: bool) -> Iterator[Event]:
    case = given(*CLEARED).knowing(facts)
    if looked:
        case = case.given(*case.when(CheckClearance(), REACTION, now).events)
    for persons in order:
        told = case.when(RecordDeparture(person_ids=persons, departed_at=left_at), OPERATIONS, now).events
        yield from told
        case = case.given(*told)


def cleared(order: tuple[tuple[UUID, ...], ...], facts: CaseFacts, left_at: datetime, now: datetime, *, looked: bool) -> dict[UUID, bool]:
    told = departures(order, facts, left_at, now, looked=looked)
    return {one.person_id: one.cleared for one in told if isinstance(one, PersonDeparted)}


@pytest.mark.parametrize("looked", [False, True], ids=["nobody looked", "the clock looked"])
@pytest.mark.parametrize("order", [(FAMILY,), *permutations(((MOTHER,), (FATHER, CHILD)))], ids=["together", "mother first", "mother last"])
@pytest.mark.parametrize("now", [SOON_AFTER, A_DAY_AFTER], ids=["at once", "a day later"])
def test_whoever_left_before_a_paper_was_over_left_with_clearance_and_nobody_after_it(
    order: tuple[tuple[UUID, ...], ...], now: datetime, looked: bool
) -> None:
    facts = caught_up(now)
    assert cleared(order, facts, BEFORE, now, looked=looked) == dict.fromkeys(FAMILY, True)
    assert cleared(order, facts, SINCE, now, looked=looked) == dict.fromkeys(FAMILY, False)


@pytest.mark.parametrize("looked", [False, True], ids=["nobody looked", "the clock looked"])
@pytest.mark.parametrize("order", [(FAMILY,), *permutations(((MOTHER, CHILD), (FATHER,)))], ids=["together", "mother first", "father first"])
def test_nobody_left_with_clearance_once_a_consent_is_known_to_be_taken_back(
    order: tuple[tuple[UUID, ...], ...], looked: bool
) -> None:
    known = replace(NO_CONSENT, followers_caught_up_at=LEAVES)
    assert cleared(order, known, LEAVES, LEAVES, looked=looked) == dict.fromkeys(FAMILY, False)
    # Right after a start it may have been renewed.
    unheard = replace(NO_CONSENT, followers_caught_up_at=None)
    assert cleared((FAMILY,), unheard, LEAVES, LEAVES, looked=looked) == dict.fromkeys(FAMILY, True)


@pytest.mark.parametrize("looked", [False, True], ids=["nobody looked", "the clock looked"])
@pytest.mark.parametrize("order", [(FAMILY,), *permutations(((MOTHER, CHILD), (FATHER,)))], ids=["together", "mother first", "father first"])
def test_whoever_left_before_a_consent_ended_by_its_day_left_with_clearance_and_nobody_after_it(
    order: tuple[tuple[UUID, ...], ...], looked: bool
) -> None:
    last_day = home_day(LEAVES)
    over = over_at_home(last_day)
    now = over + timedelta(hours=1)

    def ended(day: date | None) -> CaseFacts:
        known = (replace(one, data_expires_on=day) if one.person_id == FATHER else one for one in NO_CONSENT.persons)
        return replace(NO_CONSENT, persons=tuple(known), followers_caught_up_at=now)

    assert cleared(order, ended(last_day), LEAVES, now, looked=looked) == dict.fromkeys(FAMILY, True)
    assert cleared(order, ended(last_day), over + timedelta(seconds=1), now, looked=looked) == dict.fromkeys(FAMILY, False)
    # Since when one was gone that was taken back nobody here knows.
    assert cleared(order, ended(None), LEAVES, now, looked=looked) == dict.fromkeys(FAMILY, False)


def test_whoever_leaves_so_is_told_to_protection_and_the_others_have_lost_the_clearance() -> None:
    case = given(*CLEARED).knowing(caught_up(SOON_AFTER))
    alone = case.when(RecordDeparture(person_ids=(FATHER,), departed_at=SINCE), OPERATIONS, SOON_AFTER)
    alone.then(lost("fitness_not_decided", OVER_AT), left(FATHER, SINCE, cleared=False), left_uncleared(FATHER, SINCE))
    # While all holds nothing is lost.
    in_time = given(*CLEARED).when(RecordDeparture(person_ids=(FATHER,), departed_at=LEAVES), OPERATIONS, LEAVES)
    in_time.then(left(FATHER, LEAVES))


def test_a_clearance_that_time_had_taken_stood_until_then_whatever_order_finds_that() -> None:
    told = given(*CLEARED).when(FlagForMedical(person_id=FATHER), OPERATIONS, SOON_AFTER)
    told.then(flagged(FATHER, SOON_AFTER), lost("fitness_not_decided", OVER_AT))
    case = after(*CLEARED, *told.events)
    assert (case.cleared_at, case.clearance_lapsed_at) == (CLEARED_AT, OVER_AT)
    # What an order takes away by itself is gone at once.
    early = given(*CLEARED).when(FlagForMedical(person_id=FATHER), OPERATIONS, BEFORE)
    early.then_kinds(type(flagged(FATHER)), ClearanceLost)
    assert after(*CLEARED, *early.events).clearance_lapsed_at is None
