"""That an adult was heard alone is a fact of sessions: it is noted, lost and found again, and nobody travels without it."""

from uuid import UUID

import pytest

from services.returns.domain.case_preparation import MarkReadyToTravel
from services.returns.domain.case_screening import AssessVoluntariness
from services.returns.domain.case_timers import CheckClearance
from services.returns.domain.person import RecordCounselled, RecordSessionAmended
from services.returns.wiring import WIRING
from shared.errors import Refusal
from shared.ids import uuid7
from shared.timers import look
from tests.given import NOON
from tests.integration.returns.mission import ANNA, OLEG, RETURNS, Mission, somebody


async def session_of(mission: Mission, person_id: UUID) -> UUID:
    async with mission.owner() as connection:
        return UUID(str(await connection.fetchval("SELECT heard_alone_in[1] FROM persons WHERE id = $1", person_id)))


async def looked_at(mission: Mission, case_id: UUID) -> str:
    await look(mission.database.worker, "returns", WIRING.by_name, WIRING.timers, NOON)
    return (await mission.case(case_id)).status


async def test_a_session_set_right_takes_the_clearance_away_and_another_lets_the_case_go_on(mission: Mission) -> None:
    attempt = await mission.brought_to("cleared_to_board", somebody("female"), somebody("male"), somebody("male", "child"))
    await mission.caught_up()
    _, husband, child = attempt.ids
    # Children are heard in their own way, so that of them it makes no difference.
    await mission.note(child, RecordSessionAmended(session_id=await session_of(mission, child), alone=False))
    assert await looked_at(mission, attempt.id) == "cleared_to_board"
    await mission.note(husband, RecordSessionAmended(session_id=await session_of(mission, husband), alone=False))
    assert await looked_at(mission, attempt.id) == "preparing"
    assert not (await mission.order(attempt.id, CheckClearance(), RETURNS)).changed
    with pytest.raises(Refusal, match="session_alone_missing"):
        await mission.order(attempt.id, MarkReadyToTravel(), OLEG)
    await mission.note(husband, RecordCounselled(session_id=uuid7(), held_at=NOON, alone=True))
    await mission.order(attempt.id, MarkReadyToTravel(), OLEG)
    assert (await mission.verified()).differences == []


async def test_of_sessions_that_did_not_say_who_was_present_none_bears_an_assessment_out(mission: Mission) -> None:
    attempt = await mission.opened(somebody("female"), alone=False)
    await mission.screen(attempt)
    await mission.caught_up()
    said = mission.findings(attempt, attempt.ids[0])[0]
    assert isinstance(said, AssessVoluntariness)
    with pytest.raises(Refusal, match="not_alone_in_any_session"):
        await mission.order(attempt.id, said, ANNA)
    await mission.note(attempt.ids[0], RecordSessionAmended(session_id=uuid7(), alone=True))
    await mission.order(attempt.id, said, ANNA)
    assert (await mission.verified()).differences == []
