"""Nobody is cleared to board unless all that happened elsewhere is known here; how long ago is real time."""

import asyncpg
import pytest

from services.returns.domain.case_preparation import ClearToBoard
from shared.errors import RuleViolation
from shared.ids import uuid7
from tests.integration.returns.mission import EVE, OLEG, Attempt, Mission


async def waiting(mission: Mission) -> Attempt:
    """A case at which nothing is missing but the clearance, prepared in another year than the database's."""
    attempt = await mission.brought_to("ready_to_travel")
    await mission.confirm(attempt)
    return attempt


async def clear(mission: Mission, attempt: Attempt) -> None:
    await mission.order(attempt.id, ClearToBoard(), OLEG, EVE)


async def as_worker(mission: Mission, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(mission.database.logins.worker)
    await connection.execute(statement, *values)
    await connection.close()


async def bury(mission: Mission, partitionkey: object) -> None:
    await as_worker(
        mission,
        "INSERT INTO dead_letter (source, idx, partitionkey, leaf, reason) VALUES ('counselling', 0, $1, '', 'x')",
        partitionkey,
    )


async def test_a_case_is_cleared_while_every_source_was_caught_up_a_moment_ago(mission: Mission) -> None:
    attempt = await waiting(mission)
    await mission.caught_up(seconds_ago=30)
    await clear(mission, attempt)
    assert (await mission.case(attempt.id)).status == "cleared_to_board"


async def test_before_any_source_was_heard_nothing_is_certain(mission: Mission) -> None:
    attempt = await waiting(mission)
    with pytest.raises(RuleViolation, match="facts_stale"):
        await clear(mission, attempt)


@pytest.mark.parametrize("heard", ["counselling", "reintegration"])
async def test_one_source_that_was_never_heard_makes_it_uncertain(mission: Mission, heard: str) -> None:
    attempt = await waiting(mission)
    await mission.caught_up(heard)
    with pytest.raises(RuleViolation, match="facts_stale"):
        await clear(mission, attempt)


@pytest.mark.parametrize("late", ["counselling", "reintegration"])
async def test_one_source_that_lags_by_more_than_a_minute_makes_it_uncertain(mission: Mission, late: str) -> None:
    attempt = await waiting(mission)
    await mission.caught_up()
    await mission.caught_up(late, seconds_ago=61)
    with pytest.raises(RuleViolation, match="facts_stale"):
        await clear(mission, attempt)


async def test_a_source_that_stands_still_makes_it_uncertain(mission: Mission) -> None:
    attempt = await waiting(mission)
    await mission.caught_up()
    await as_worker(mission, "UPDATE cursor SET stopped = 'gap' WHERE source = 'counselling'")
    with pytest.raises(RuleViolation, match="facts_stale"):
        await clear(mission, attempt)


async def test_an_event_about_a_traveller_that_could_not_be_applied_makes_it_uncertain(mission: Mission) -> None:
    attempt = await waiting(mission)
    await mission.caught_up()
    await bury(mission, attempt.ids[0])
    with pytest.raises(RuleViolation, match="facts_stale"):
        await clear(mission, attempt)


async def test_an_event_about_the_case_that_could_not_be_applied_makes_it_uncertain(mission: Mission) -> None:
    attempt = await waiting(mission)
    await mission.caught_up()
    await bury(mission, attempt.id)
    with pytest.raises(RuleViolation, match="facts_stale"):
        await clear(mission, attempt)


async def test_an_event_about_somebody_else_that_could_not_be_applied_stops_nobody(mission: Mission) -> None:
    attempt = await waiting(mission)
    await mission.caught_up()
    await bury(mission, uuid7())
    await clear(mission, attempt)
    assert (await mission.case(attempt.id)).status == "cleared_to_board"
