"""The figures of the annual report on small invented sets: persons and cases apart, days in the mission's zone."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from services.returns import queries
from services.returns.domain.case_application import DeclareIneligible
from services.returns.domain.case_holds import PutOnHold
from services.returns.domain.case_journey import RecordNotDeparted
from services.returns.domain.case_preparation import RecordMissedFlight, RecordOwnPlan
from services.returns.domain.case_withdrawal import (
    LapseCase,
    RecordContactTried,
    WithdrawCase,
    WithdrawPerson,
)
from services.returns.domain.person import RecordCounselled
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.returns.mission import (
    ANNA,
    ARRIVES,
    DEPARTS,
    MIRA,
    OLEG,
    ZORAN,
    Mission,
    family,
    somebody,
)

FIRST, LAST = date(2023, 1, 1), date(2023, 12, 31)


async def test_a_year_counts_persons_who_departed_in_it_and_arrived(mission: Mission) -> None:
    turkey = await mission.brought_to("cleared_to_board", *family())
    iraq = await mission.brought_to("cleared_to_board", somebody(), country="IQ")
    under_way = await mission.brought_to("cleared_to_board", somebody(), country="MA")
    for attempt in (turkey, iraq, under_way):
        await mission.depart(attempt)
    await mission.arrive(turkey)
    await mission.arrive(iraq)
    figures = await mission.figures(FIRST, LAST)
    expected = {
        "returns": 3, "departures": 4, "returned_cases": 2, "countries": 2, "female": 1, "male": 2, "children": 1,
        "counselled": 3, "own_plans": 3, "returns_TR": 2, "returns_IQ": 1, "applications": 3, "approvals": 3,
        "open_cases": 3,
    }  # fmt: skip
    assert {key: figures[key] for key in expected} == expected
    assert "returns_MA" not in figures


async def test_an_empty_year_is_all_noughts(mission: Mission) -> None:
    assert set((await mission.figures(FIRST, LAST)).values()) == {0}


@pytest.mark.parametrize(
    ("departed_at", "counted"),
    [
        (datetime(2022, 12, 31, 22, 59, tzinfo=UTC), 0),
        (datetime(2022, 12, 31, 23, 0, tzinfo=UTC), 1),
        (datetime(2023, 12, 31, 22, 59, tzinfo=UTC), 1),
        (datetime(2023, 12, 31, 23, 0, tzinfo=UTC), 0),
    ],
)
async def test_a_departure_belongs_to_the_day_it_is_in_the_mission(
    mission: Mission, departed_at: datetime, counted: int
) -> None:
    attempt = await mission.opened(at=departed_at - timedelta(days=1))
    await mission.depart(attempt, departed_at)
    await mission.arrive(attempt, departed_at + timedelta(days=20))
    assert (await mission.figures(FIRST, LAST))["returns"] == counted


async def test_whoever_was_heard_only_after_departure_was_not_counselled(mission: Mission) -> None:
    attempt = await mission.opened(counselled=False)
    await mission.depart(attempt)
    await mission.arrive(attempt)
    session = RecordCounselled(session_id=uuid7(), held_at=ARRIVES)
    await mission.note(attempt.ids[0], session, ARRIVES)
    figures = await mission.figures(FIRST, LAST)
    assert (figures["returns"], figures["counselled"], figures["own_plans"]) == (1, 0, 0)


async def test_a_session_before_departure_that_became_known_late_counts(mission: Mission) -> None:
    attempt = await mission.opened(counselled=False)
    await mission.depart(attempt)
    await mission.arrive(attempt)
    await mission.note(attempt.ids[0], RecordCounselled(session_id=uuid7(), held_at=NOON), ARRIVES)
    assert (await mission.figures(FIRST, LAST))["counselled"] == 1


async def test_a_plan_before_departure_that_became_known_late_counts(mission: Mission) -> None:
    attempt = await mission.opened()
    await mission.depart(attempt)
    await mission.arrive(attempt)
    await mission.order(attempt.id, RecordOwnPlan(plan_id=uuid7(), person_ids=attempt.ids), at=ARRIVES)
    assert (await mission.figures(FIRST, LAST))["own_plans"] == 1
    assert (await mission.verified()).sound


async def test_the_median_of_days_is_over_persons_who_returned_and_over_no_fewer_than_five(mission: Mission) -> None:
    waits = (4, 9, 9, 20, 30)
    for number, wait in enumerate(waits):
        began = DEPARTS - timedelta(days=wait)
        attempt = await mission.opened(country="TR" if number else "MA", at=began)
        await mission.depart(attempt)
        assert "days_to_departure" not in await mission.figures(FIRST, LAST)
        await mission.arrive(attempt)
    figures = await mission.figures(FIRST, LAST)
    assert (figures["days_to_departure"], "days_to_departure_TR" in figures) == (9, False)
    under_way = await mission.opened(at=DEPARTS - timedelta(days=100))
    await mission.depart(under_way)
    assert (await mission.figures(FIRST, LAST))["days_to_departure"] == 9
    await mission.arrive(under_way)
    figures = await mission.figures(FIRST, LAST)
    # In the middle of 9 and 20 lies half a day, which counts as a whole one.
    assert (figures["days_to_departure"], figures["days_to_departure_TR"]) == (15, 20)
    assert "days_to_departure_MA" not in figures


async def test_days_are_counted_by_the_missions_calendar(mission: Mission) -> None:
    # In Sarajevo the one is on the third of March already, and the other still on the fourth.
    expressed_at, departed_at = datetime(2023, 3, 2, 23, 30, tzinfo=UTC), datetime(2023, 3, 4, 22, 30, tzinfo=UTC)
    for _ in range(5):
        attempt = await mission.opened(at=expressed_at)
        await mission.depart(attempt, departed_at)
        await mission.arrive(attempt, departed_at + timedelta(hours=9))
    assert (await mission.figures(FIRST, LAST))["days_to_departure"] == 1


async def test_nobody_who_stayed_after_all_departed(mission: Mission) -> None:
    attempt = await mission.opened()
    await mission.depart(attempt)
    assert (await mission.figures(FIRST, LAST))["departures"] == 1
    await mission.order(attempt.id, RecordNotDeparted(), MIRA, ARRIVES + timedelta(days=31))
    figures = await mission.figures(FIRST, LAST)
    assert (figures["departures"], figures["open_cases"]) == (0, 0)


async def test_endings_are_counted_in_persons_and_in_cases(mission: Mission) -> None:
    withdrawn = await mission.opened(*family())
    await mission.order(withdrawn.id, WithdrawCase(), ANNA)
    smaller = await mission.opened(*family(), somebody())
    await mission.order(smaller.id, WithdrawPerson(person_id=smaller.ids[2]), ANNA)
    refused = await mission.brought_to("applied", *family())
    await mission.order(refused.id, DeclareIneligible(reason="destination_not_served"), ZORAN)
    lapsed = await mission.opened(*family())
    for day in (1, 2):
        tried_at = NOON + timedelta(days=day)
        await mission.order(lapsed.id, RecordContactTried(tried_at=tried_at), ANNA, tried_at)
    await mission.order(lapsed.id, LapseCase(reason="no_contact"), ZORAN, NOON + timedelta(days=40))
    missed = await mission.brought_to("ready_to_travel")
    await mission.order(missed.id, RecordMissedFlight(reason="late"), OLEG)
    figures = await mission.figures(FIRST, LAST)
    expected = {
        "withdrawn_persons": 3, "withdrawn_cases": 1, "ineligible_persons": 2, "ineligible_cases": 1,
        "lapsed_persons": 2, "lapsed_cases": 1, "missed_flights": 1, "applications": 2, "approvals": 1,
        "open_cases": 2, "returns": 0,
    }  # fmt: skip
    assert {key: figures[key] for key in expected} == expected


async def test_a_case_is_open_until_the_period_in_which_it_ended(mission: Mission) -> None:
    attempt = await mission.opened()
    await mission.order(attempt.id, WithdrawCase(), ANNA, NOON + timedelta(days=60))
    assert (await mission.figures(date(2023, 1, 1), date(2023, 4, 30)))["open_cases"] == 0
    before = await mission.figures(date(2023, 5, 1), date(2023, 6, 30))
    after = await mission.figures(date(2023, 7, 1), date(2023, 7, 31))
    assert (before["open_cases"], before["withdrawn_cases"]) == (1, 0)
    assert (after["open_cases"], after["withdrawn_cases"]) == (0, 1)


def standing(figures: dict[str, int]) -> dict[str, int]:
    """What is told of how the cases stand that began in the period."""
    return {key: value for key, value in figures.items() if key.startswith("cases_")}


async def ended(mission: Mission, cases: int, at: datetime = NOON + timedelta(days=400)) -> None:
    """As many cases of the year whose people took their wish back."""
    for _ in range(cases):
        await mission.order((await mission.opened(somebody())).id, WithdrawCase(), ANNA, at)


async def test_cases_that_began_in_a_year_are_told_by_how_they_stand_now_and_a_hold_is_none_of_these(mission: Mission) -> None:
    await mission.brought_to("applied")
    for _ in range(4):
        await mission.opened()
    await ended(mission, 5)
    later = await mission.opened(at=NOON + timedelta(days=400))
    before = await mission.figures(FIRST, LAST)
    assert (standing(before), before["begun_cases"]) == ({"cases_under_way": 5, "cases_withdrawn": 5}, 10)
    held = await mission.brought_to("applied")
    await mission.order(held.id, PutOnHold(hold_id=uuid7(), reason="legal"), ZORAN)
    await mission.order(later.id, WithdrawCase(), ANNA, NOON + timedelta(days=401))
    assert standing(await mission.figures(FIRST, LAST)) == {"cases_under_way": 6, "cases_withdrawn": 5}


async def test_how_few_cases_stand_is_told_neither_by_itself_nor_by_what_is_left_of_all(mission: Mission) -> None:
    for _ in range(6):
        await mission.opened()
    await ended(mission, 7)
    left = await mission.opened()
    await mission.depart(left)
    figures = await mission.figures(FIRST, LAST)
    assert (standing(figures), figures["begun_cases"]) == ({"cases_withdrawn": 7}, 14)


@pytest.mark.parametrize(
    ("first", "last"),
    [(NOON.date(), NOON.date()), (date(2023, 5, 1), date(2023, 5, 31)), (FIRST, date(2023, 12, 30)), (date(2022, 1, 1), LAST)],
)
async def test_of_any_time_but_one_whole_year_it_is_not_told_how_cases_stand(mission: Mission, first: date, last: date) -> None:
    await ended(mission, 5, NOON + timedelta(days=1))
    assert standing(await mission.figures(FIRST, LAST)) == {"cases_withdrawn": 5}
    figures = await mission.figures(first, last)
    assert (standing(figures), figures["begun_cases"]) == ({}, 5)


async def test_the_report_reads_indexes_and_neither_the_whole_log_nor_all_cases(mission: Mission) -> None:
    await mission.brought_to("applied")
    values = {"first": FIRST, "last": LAST, "zone": "Europe/Sarajevo"}
    async with mission.owner() as connection:
        # Of a few rows all would be read whatever the statement says: left is how it can reach one among very many.
        await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        await connection.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")
        sql = queries.FIGURES
        plan = "\n".join(row[0] for row in await connection.fetch("EXPLAIN " + sql.text, *sql.arguments(values)))
    assert "ix_event_log_reported" in plan
    assert re.search(r"Index Scan using pk_cases on cases c .*\n +Index Cond: \(id = r\.subject\)", plan)
    assert "Seq Scan on event_log" not in plan
    assert "Seq Scan on cases" not in plan
