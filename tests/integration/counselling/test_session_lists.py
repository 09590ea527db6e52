"""Lists of sessions: one's own and those with one person, in either direction, as far as the reader may know of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.counselling.domain.session import HoldSession, MarkSessionNotHeld, ScheduleSession
from services.counselling.wiring import SESSION
from shared.actors import Actor
from shared.contracts.counselling import Site
from tests.given import NOON, staff
from tests.integration.counselling.desk import ANNA, Desk, ids, next_id
from tests.integration.returns.api import problem

HOUR = timedelta(hours=1)
BERIN = staff("berin", "counsellor")
NEWEST = {"newest": "true"}


async def held(
    desk: Desk, person_ids: Sequence[UUID] = (), at: datetime = NOON, by: Actor = ANNA, site: Site = "trc_lipa",
    session_id: UUID | None = None,
) -> UUID:  # fmt: skip
    id = session_id or next_id()
    order = HoldSession(
        session_type="individual", modality="in_person", site=site, language="tur", interpreter="none", present=("not_known",),
        person_ids=tuple(person_ids), held_at=at, outcome="follow_up",
    )  # fmt: skip
    await desk.give(SESSION, id, order, by)
    return id


async def scheduled(desk: Desk, person_ids: Sequence[UUID] = (), at: datetime = NOON + HOUR) -> UUID:
    id = next_id()
    order = ScheduleSession(
        session_type="individual", modality="in_person", site="trc_lipa", language="tur", person_ids=tuple(person_ids),
        scheduled_for=at,
    )  # fmt: skip
    await desk.give(SESSION, id, order)
    return id


async def listed(desk: Desk, by: Actor = ANNA, **query: str) -> list[UUID]:
    return ids(await desk.get("sessions", query, by))


async def pages(desk: Desk, query: dict[str, str]) -> list[list[UUID]]:
    found: list[list[UUID]] = []
    while True:
        answer = await desk.get("sessions", query)
        found.append(ids(answer))
        if answer.json()["next"] is None:
            return found
        query = {**query, "after": answer.json()["next"]}


async def test_the_newest_first_goes_by_when_a_session_was_held_not_by_when_it_was_written_down(desk: Desk) -> None:
    yesterday, today, before = [await held(desk, at=NOON - days * 24 * HOUR) for days in (1, 0, 2)]
    to_come = await scheduled(desk)
    await held(desk, by=BERIN)
    assert await listed(desk, newest="true") == [to_come, today, yesterday, before]
    assert await listed(desk) == [yesterday, today, before, to_come]


async def test_a_row_tells_what_kind_of_session_it_was_and_what_came_of_it(desk: Desk) -> None:
    session_id = await held(desk)
    answer = await desk.get("sessions", NEWEST)
    assert answer.json()["items"] == [
        {
            "id": str(session_id), "status": "held", "session_type": "individual", "modality": "in_person",
            "site": "trc_lipa", "language": "tur", "held_at": "2023-05-02T12:00:00Z", "scheduled_for": None,
            "outcome": "follow_up",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("with_person", [False, True])
@pytest.mark.parametrize("newest", [False, True])
async def test_pages_hold_every_session_once_in_either_direction(desk: Desk, newest: bool, with_person: bool) -> None:
    person_id = await desk.agreed()
    # Of two at the same moment the id decides.
    times = [NOON - hours * HOUR for hours in (3, 1, 1, 5, 0, 1, 2)]
    made = [(at, await held(desk, [person_id], at)) for at in times]
    expected = [id for _, id in (sorted(made, reverse=True) if newest else made)]
    query = {"limit": "2", "newest": str(newest).lower()} | ({"person_id": str(person_id)} if with_person else {})
    found = await pages(desk, query)
    assert [len(page) for page in found] == [2, 2, 2, 1]
    assert [id for page in found for id in page] == expected


async def test_a_counsellor_sees_the_sessions_with_a_person_that_are_their_own_or_of_their_site(desk: Desk) -> None:
    person_id, somebody_else = await desk.agreed(), await desk.agreed()
    own = await held(desk, [person_id], site="remote")
    of_the_site = await held(desk, [person_id, somebody_else], by=BERIN)
    await held(desk, [somebody_else])
    elsewhere = await held(desk, [person_id], by=BERIN, site="trc_borici")
    named = {"person_id": str(person_id)}
    anna = replace(ANNA, sites=frozenset({"trc_lipa"}))
    assert await listed(desk, anna, **named) == [own, of_the_site]
    assert await listed(desk, anna, **named, **NEWEST) == [of_the_site, own]
    assert await listed(desk, ANNA, **named) == [own]
    assert await listed(desk, BERIN, **named) == [of_the_site, elsewhere]
    assert await listed(desk, staff("zoran", "coordinator"), **named) == [own, of_the_site, elsewhere]
    assert problem(await desk.get("sessions", named, staff("petra", "protection"))) == (403, "not_permitted")


async def test_who_took_part_is_known_as_the_session_was_held_in_the_end(desk: Desk) -> None:
    came, stayed_away = await desk.agreed(), await desk.agreed()
    session_id = await scheduled(desk, [came, stayed_away])
    assert await listed(desk, person_id=str(stayed_away)) == [session_id]
    await held(desk, [came], session_id=session_id, by=BERIN, site="remote")
    assert await listed(desk, person_id=str(stayed_away)) == []
    assert await listed(desk, person_id=str(came)) == []
    assert await listed(desk, BERIN, person_id=str(came)) == [session_id]
    missed = await scheduled(desk, [stayed_away])
    await desk.give(SESSION, missed, MarkSessionNotHeld(reason="cancelled_by_migrant"))
    assert await listed(desk, person_id=str(stayed_away)) == [missed]
    assert (await desk.verified()).sound


async def test_asking_for_the_sessions_with_a_person_is_on_record_and_for_ones_own_is_not(desk: Desk) -> None:
    person_id = await desk.agreed()
    session_id = await held(desk, [person_id])
    await listed(desk)
    await listed(desk, person_id=str(person_id))
    assert await desk.readings() == [
        {
            "actor_id": ANNA.person_id, "operation": "list_sessions", "about": str(person_id),
            "shown": [str(session_id)], "purpose": None,
        }
    ]  # fmt: skip


async def test_who_took_part_changed_by_hand_is_found(desk: Desk) -> None:
    person_id = await desk.agreed()
    await held(desk, [person_id])
    await desk.by_hand("UPDATE session_persons SET counsellor_id = 'staff:berin'")
    # Once as the row that should not be, once as the one that is missing.
    assert (await desk.verified()).differences == [f"session persons: {person_id}"] * 2
