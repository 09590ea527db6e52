"""What somebody who asks is told of a session in which they were not, and of a family or a wish that they are part of no more."""

import json
from uuid import UUID

from services.counselling.domain.session import AmendSession, HoldSession, ScheduleSession
from services.counselling.wiring import SESSION, WIRING
from shared.handling import transact
from shared.held import Held
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.counselling.desk import ANNA, Desk, next_id
from tests.integration.counselling.test_identity import COORDINATOR


async def held(desk: Desk, person_id: UUID) -> Held:
    return await transact(
        desk.database.api, EVERYWHERE.scope(ANNA, log=True),
        lambda unit: WIRING.teller.held(unit, person_id, desk.database.person_keys),
    )


def of(told: Held, aggregate: str) -> list[str]:
    """The events of an aggregate of which somebody is told, in short."""
    kinds = (event.kind.split(".") for event in told.history)
    return [kind[3] for kind in kinds if kind[2] == aggregate]


async def scheduled(desk: Desk, *person_ids: UUID) -> UUID:
    session_id = next_id()
    order = ScheduleSession(
        session_type="individual", modality="in_person", site="trc_lipa", language="tur", person_ids=person_ids,
        scheduled_for=NOON.replace(month=6),
    )  # fmt: skip
    await desk.give(SESSION, session_id, order)
    return session_id


async def took_place(desk: Desk, session_id: UUID, *person_ids: UUID) -> None:
    order = HoldSession(
        session_type="individual", modality="in_person", site="trc_lipa", language="tur", interpreter="none", present=("not_known",),
        person_ids=person_ids, held_at=NOON, topics=("temporary_protection",),
        outcome="intention_expressed" if person_ids else "follow_up",
    )  # fmt: skip
    await desk.give(SESSION, session_id, order)


async def test_of_a_session_that_was_held_without_them_somebody_is_told_that_they_had_been_named(desk: Desk) -> None:
    husband, wife = await desk.agreed(), await desk.agreed(sex="female")
    session_id = await scheduled(desk, husband, wife)
    assert [row["id"] for row in (await held(desk, husband)).records["sessions"]] == [str(session_id)]
    await took_place(desk, session_id, wife)
    amended = AmendSession(interpreter="none", present=("alone",), reason="recorded_by_mistake")
    await desk.give(SESSION, session_id, amended)
    assert (await desk.get(f"sessions/{session_id}", {}, COORDINATOR)).status_code == 200

    told = await held(desk, husband)
    assert "sessions" not in told.records
    (event,) = (event for event in told.history if event.kind.startswith("avrr.counselling.session."))
    assert event.kind == "avrr.counselling.session.scheduled.v1"
    assert event.said == {"person_ids": [str(husband), "another_person"]}
    text = told.model_dump_json()
    assert not [word for word in (str(session_id), "temporary_protection", "intention_expressed", "read_session") if f'"{word}"' in text]

    told = await held(desk, wife)
    assert [(row["id"], row["topics"]) for row in told.records["sessions"]] == [(str(session_id), ["temporary_protection"])]
    assert of(told, "session") == ["scheduled", "held", "amended"]
    assert "read_session" in [one.operation for one in told.readers]
    assert str(husband) not in json.dumps(told.records)


async def test_of_a_session_in_which_everybody_stayed_anonymous_nobody_is_told_more(desk: Desk) -> None:
    person_id = await desk.agreed()
    session_id = await scheduled(desk, person_id)
    await took_place(desk, session_id)
    told = await held(desk, person_id)
    assert "sessions" not in told.records
    assert of(told, "session") == ["scheduled"]
