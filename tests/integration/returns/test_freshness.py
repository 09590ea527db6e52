"""Nobody is cleared to board unless all that happened elsewhere is known here; how long ago is real time."""

import json
from uuid import UUID

import asyncpg
import pytest

from services.returns.domain.case_preparation import ClearToBoard
from shared.actors import Actor
from shared.contracts.counselling import AttemptMayMove, FamilyMemberLeft, GuardianNamed
from shared.errors import RuleViolation
from shared.ids import uuid7
from shared.ledger import enclose
from shared.messages import Context, Event, Origin
from tests.given import NOON
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


async def bury(mission: Mission, partitionkey: object, leaf: bytes = b"") -> None:
    await as_worker(
        mission,
        "INSERT INTO dead_letter (source, idx, partitionkey, leaf, reason) VALUES ('counselling', 0, $1, $2, 'x')",
        partitionkey, leaf,
    )  # fmt: skip


def of_another_key(key: UUID, event: Event) -> bytes:
    """An event as its own service says it, under the key of somebody who is not of the case."""
    context = Context(Actor.service("counselling"), NOON)
    _, leaf = enclose("counselling", key, key, 1, event, context, Origin(str(uuid7())))
    return leaf


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


@pytest.mark.parametrize("of", ["spouse", "guardian", "move"])
async def test_an_event_that_names_a_traveller_under_the_key_of_another_makes_it_uncertain(mission: Mission, of: str) -> None:
    attempt, key = await waiting(mission), uuid7()
    traveller = attempt.ids[0]
    events: dict[str, Event] = {
        "spouse": FamilyMemberLeft(person_id=traveller, reason="separated"),
        "guardian": GuardianNamed(person_id=key, guardian_of=(), no_more_of=(traveller,)),
        "move": AttemptMayMove(to_id=attempt.id, person_ids=(uuid7(),), principal_id=None),
    }
    await mission.caught_up()
    await bury(mission, key, of_another_key(key, events[of]))
    with pytest.raises(RuleViolation, match="facts_stale"):
        await clear(mission, attempt)


async def test_an_event_about_the_guardian_of_a_child_that_could_not_be_applied_makes_it_uncertain(mission: Mission) -> None:
    attempt, guardian_id = await waiting(mission), uuid7()
    async with mission.owner() as connection:
        persons = "jsonb_set(persons, '{0,guardian_id}', to_jsonb(cast($2 AS text)))"
        await connection.execute(f"UPDATE cases SET persons = {persons} WHERE id = $1", attempt.id, str(guardian_id))
    await mission.caught_up()
    await bury(mission, guardian_id)
    with pytest.raises(RuleViolation, match="facts_stale"):
        await clear(mission, attempt)


async def test_an_event_about_somebody_else_that_could_not_be_applied_stops_nobody(mission: Mission) -> None:
    attempt = await waiting(mission)
    await mission.caught_up()
    # Whoever asked for it named the request as the traveller, which says nothing of whom it is about.
    named = GuardianNamed(person_id=uuid7(), guardian_of=(), no_more_of=(uuid7(),))
    leaf = of_another_key(uuid7(), named)
    asked = json.loads(leaf)["correlationid"].encode()
    await bury(mission, uuid7(), leaf.replace(asked, str(attempt.ids[0]).encode()))
    await clear(mission, attempt)
    assert (await mission.case(attempt.id)).status == "cleared_to_board"
