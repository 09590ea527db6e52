"""A wrong year of birth, corrected over HTTP: sealed anew, found by that year alone, and told as child or adult.

All persons here are invented.
"""

import asyncio
import json
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from services.counselling.birth_years import hash_years_anew
from services.counselling.domain.session import HoldSession
from services.counselling.wiring import PERSON, SESSION
from shared.actors import Actor
from shared.db import UnitOfWork
from shared.erasing import TAKE_TURN
from shared.handling import locked
from shared.ids import uuid7
from shared.messages import Concealed
from shared.policy import EVERYWHERE
from shared.private import Place, opened
from tests.given import NOON
from tests.integration.counselling.desk import ANNA, Desk, next_id
from tests.integration.counselling.test_identity import (
    AT_LIPA,
    COORDINATOR,
    ELSEWHERE,
    PROTECTION,
    WHOLE,
    recorded,
    seen,
)
from tests.integration.counselling.test_searching import found, named

ADULT, CHILD = 1990, 2010
SEEN: dict[str, Any] = {"birth_year": CHILD, "reason": "document_seen"}
CORRECTED = "avrr.counselling.person.birth_year_corrected.v1"


async def corrected(
    desk: Desk, person_id: UUID, by: Actor = AT_LIPA, key: str | None = None, **body: object
) -> httpx.Response:
    return await desk.post(f"persons/{person_id}/correct-birth-year", {**SEEN, **body}, by, key)


async def leaves(desk: Desk, *kinds: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(desk.database.worker.url)
    rows = await connection.fetch("SELECT leaf FROM event_log WHERE type = ANY ($1) ORDER BY idx", list(kinds))
    await connection.close()
    return [json.loads(row["leaf"]) for row in rows]


async def of_year(desk: Desk, year: int) -> list[str]:
    answer = await desk.get("persons", {"country_of_origin": "TR", "birth_year": str(year)}, AT_LIPA)
    return [row["id"] for row in answer.json()["items"]]


async def year_of(desk: Desk, person_id: UUID) -> int:
    year: int = (await desk.get(f"persons/{person_id}", {}, AT_LIPA)).json()["birth_year"]
    return year


async def test_the_year_that_is_right_takes_the_place_of_the_other_everywhere(desk: Desk) -> None:
    person_id, other = await recorded(desk), await desk.agreed(ADULT)
    answer = await corrected(desk, person_id)
    assert answer.status_code == 200, answer.text
    assert (await year_of(desk, person_id), await year_of(desk, other)) == (CHILD, ADULT)
    assert (await of_year(desk, CHILD), await of_year(desk, ADULT)) == ([str(person_id)], [str(other)])
    assert await found(desk, named("Kanarifamily", CHILD)) == [person_id]
    assert await found(desk, named("Kanarifamily", ADULT)) == []
    # A date that lay in the year that was believed is believed no more, and the one that is right can be recorded.
    identity = await seen(desk, person_id, purpose="correction", all="true")
    assert "birth_date" not in identity["known"]
    assert [one["emptied"] for one in identity["versions"]] == [[], ["birth_date"]]
    assert identity["versions"][1]["reason"] == "document_seen"
    said = await desk.post(f"persons/{person_id}/record-identity", {"birth_date": f"{CHILD}-05-02"}, AT_LIPA)
    assert said.status_code == 200, said.text
    assert (await desk.verified()).sound


async def test_the_log_tells_that_it_was_corrected_and_why_and_a_digest_that_only_who_opens_it_can_prove(desk: Desk) -> None:
    person_id = await desk.registered(ADULT)
    assert (await corrected(desk, person_id)).status_code == 200

    async def kept(unit: UnitOfWork) -> tuple[int, str]:
        key = await unit.keys.key_of(unit, person_id)
        assert key is not None
        sealed = await connection.fetchval("SELECT birth_year FROM birth_years")
        year, salt = json.loads(opened(key, Place("counselling", "birth_years", "birth_year", person_id, person_id, 2), sealed))
        return year, salt

    connection = await asyncpg.connect(desk.database.logins.migrate)
    await connection.execute("SET ROLE counselling_owner")
    year, salt = await desk.database.api.attempt(EVERYWHERE.scope(ANNA), kept)
    (leaf,) = await leaves(desk, CORRECTED)
    assert leaf["data"].keys() == {"birth_year", "reason", "age_group"}
    assert Concealed.model_validate(leaf["data"]["birth_year"]).reveal(salt, str(year)).clear() == str(CHILD)
    assert await connection.fetchval("SELECT count(*) FROM disclosure") == 0
    await connection.close()
    assert str(CHILD) not in json.dumps(leaf["data"])


async def test_a_row_that_does_not_go_with_the_log_is_found_and_does_not_open(desk: Desk) -> None:
    person_id = await desk.registered(ADULT)
    assert (await corrected(desk, person_id)).status_code == 200
    assert (await desk.verified()).sound
    await desk.by_hand("UPDATE birth_years SET version = 1")
    assert len((await desk.verified()).differences) == 1
    assert (await desk.get(f"persons/{person_id}", {}, AT_LIPA)).json()["code"] == "not_as_it_was_sealed"


async def test_it_is_told_where_an_adult_becomes_a_child_or_a_child_an_adult_and_not_else(desk: Desk) -> None:
    person_id = await desk.registered(ADULT)
    for year in (ADULT - 1, CHILD, CHILD + 1, ADULT):
        assert (await corrected(desk, person_id, birth_year=year)).status_code == 200
    assert [leaf["data"]["age_group"] for leaf in await leaves(desk, CORRECTED)] == [None, "child", None, "adult"]
    assert (await desk.verified()).sound


async def test_it_is_done_once_however_often_it_is_sent_and_the_year_that_is_known_changes_nothing(desk: Desk) -> None:
    person_id, key = await recorded(desk), str(uuid7())
    first = await corrected(desk, person_id, key=key)
    again = await asyncio.gather(*(corrected(desk, person_id, key=key) for _ in range(3)))
    assert [answer.json()["version"] for answer in again] == [first.json()["version"]] * 3
    assert (await corrected(desk, person_id)).status_code == 200
    assert len(await leaves(desk, CORRECTED)) == 1
    assert (await desk.verified()).sound


async def test_who_may_record_an_identity_may_correct_a_year_and_nobody_is_corrected_without_a_reason(desk: Desk) -> None:
    person_id = await desk.registered(ADULT)
    answers = [
        (await corrected(desk, person_id, PROTECTION), (403, "not_permitted")),
        (await corrected(desk, person_id, ELSEWHERE), (404, "not_found")),
        (await corrected(desk, person_id, birth_year=1899), (409, "birth_year_impossible")),
        (await corrected(desk, person_id, birth_year=2024), (409, "birth_year_impossible")),
        (await corrected(desk, person_id, birth_year=9999), (409, "birth_year_impossible")),
        (await corrected(desk, person_id, reason="changed_since"), (422, "malformed")),
        (await corrected(desk, person_id, reason=None), (422, "malformed")),
        (await corrected(desk, uuid7()), (404, "not_found")),
    ]
    for answer, expected in answers:
        assert (answer.status_code, answer.json()["code"]) == expected, answer.text
    assert await year_of(desk, person_id) == ADULT
    assert await leaves(desk, CORRECTED) == []
    # Without any consent of theirs: what is wrong about somebody is set right.
    assert (await corrected(desk, person_id, COORDINATOR)).status_code == 200
    assert await year_of(desk, person_id) == CHILD


async def waiting(desk: Desk, how_many: int) -> None:
    """Until so many wait for a lock of others."""
    connection = await asyncpg.connect(desk.database.logins.migrate)
    asked = (
        "SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
        "WHERE NOT l.granted AND a.datname = current_database()"
    )
    while await connection.fetchval(asked) < how_many:
        pass
    await connection.close()


async def test_whoever_names_somebody_while_their_year_is_corrected_is_found_by_the_right_one(desk: Desk) -> None:
    person_id = await desk.agreed(ADULT)

    async def both(unit: UnitOfWork) -> list[asyncio.Task[httpx.Response]]:
        # Held as whoever corrects it holds it, until both have come so far that they wait.
        await locked(unit, PERSON, person_id)
        first = asyncio.create_task(corrected(desk, person_id))
        await waiting(desk, 1)
        name = {"family_name": "Kanarifamily"}
        second = asyncio.create_task(desk.post(f"persons/{person_id}/record-identity", name, AT_LIPA))
        await waiting(desk, 2)
        return [first, second]

    answers = await asyncio.gather(*await desk.database.api.attempt(EVERYWHERE.scope(ANNA), both))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert await found(desk, named("Kanarifamily", CHILD)) == [person_id]


async def test_whoever_wishes_to_return_while_their_year_is_corrected_goes_as_what_they_are(desk: Desk) -> None:
    person_id = await desk.agreed(ADULT)
    session_id, intention_id = next_id(), next_id()
    held = HoldSession(
        session_type="individual", modality="in_person", site="trc_lipa", language="tur", interpreter="none",
        present=("not_known",), person_ids=(person_id,), held_at=NOON, outcome="intention_expressed",
    )  # fmt: skip
    await desk.give(SESSION, session_id, held)
    wish = {
        "session_id": str(session_id), "principal_id": str(person_id), "person_ids": [str(person_id)], "destination_country": "TR"
    }  # fmt: skip

    async def both(unit: UnitOfWork) -> list[asyncio.Task[httpx.Response]]:
        await unit.row(TAKE_TURN, person_id=person_id)
        first = asyncio.create_task(corrected(desk, person_id))
        await waiting(desk, 1)
        second = asyncio.create_task(desk.post(f"intentions/{intention_id}", wish, AT_LIPA))
        await waiting(desk, 2)
        return [first, second]

    answers = await asyncio.gather(*await desk.database.api.attempt(EVERYWHERE.scope(ANNA), both))
    assert [answer.status_code for answer in answers] == [200, 201]
    (leaf,) = await leaves(desk, "avrr.counselling.intention.expressed.v1")
    assert [one["age_group"] for one in leaf["data"]["persons"]] == ["child"]


async def test_a_corrected_year_is_hashed_anew_with_all_others(desk: Desk) -> None:
    person_id = await recorded(desk, {name: value for name, value in WHOLE.items() if name != "birth_date"})
    assert (await corrected(desk, person_id)).status_code == 200
    await desk.by_hand("UPDATE birth_years SET key = 'former', token = '\\x00'")
    scope = EVERYWHERE.scope(ANNA)
    assert await desk.database.api.attempt(scope, lambda unit: hash_years_anew(unit, unit.keys)) == 1
    assert await of_year(desk, CHILD) == [str(person_id)]
    assert await year_of(desk, person_id) == CHILD
