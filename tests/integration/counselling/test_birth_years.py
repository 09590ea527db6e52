"""The year of birth: sealed with the salt that binds it to the log, refused where it does not stand, sealed where it stood in clear."""

import json
from uuid import UUID

import asyncpg
import pytest

from services.counselling.birth_years import seal_first
from shared.db import UnitOfWork
from shared.messages import Concealed
from shared.policy import EVERYWHERE
from shared.private import Place, opened
from tests.integration.counselling.desk import ANNA, Desk
from tests.integration.counselling.test_identity import AT_LIPA

BORN = 1990
BY_YEAR = {"country_of_origin": "TR", "birth_year": str(BORN)}


async def found(desk: Desk) -> list[str]:
    return [row["id"] for row in (await desk.get("persons", BY_YEAR, AT_LIPA)).json()["items"]]


async def test_the_log_holds_a_digest_that_only_who_opens_the_year_can_prove(desk: Desk) -> None:
    person_id = await desk.registered(BORN)

    async def kept(unit: UnitOfWork) -> tuple[int, str]:
        key = await unit.keys.key_of(unit, person_id)
        assert key is not None
        sealed = await connection.fetchval("SELECT birth_year FROM birth_years")
        year, salt = json.loads(opened(key, Place("counselling", "birth_years", "birth_year", person_id, person_id, 1), sealed))
        return year, salt

    connection = await asyncpg.connect(desk.database.logins.migrate)
    await connection.execute("SET ROLE counselling_owner")
    year, salt = await desk.database.api.attempt(EVERYWHERE.scope(ANNA), kept)
    (leaf,) = await connection.fetch("SELECT leaf FROM event_log")
    digest = json.loads(leaf["leaf"])["data"]["birth_year"]
    assert Concealed.model_validate(digest).reveal(salt, str(year)).clear() == str(BORN)
    with pytest.raises(ValueError, match="digest"):
        Concealed.model_validate(digest).reveal(salt, str(year + 1))
    assert await connection.fetchval("SELECT count(*) FROM disclosure") == 0
    await connection.close()


SWAPS = {
    "of another person": "UPDATE birth_years SET birth_year = (SELECT birth_year FROM birth_years WHERE person_id = '{other}') "
    "WHERE person_id = '{one}'",
    "of another key": "UPDATE person_keys SET wrapped = (SELECT wrapped FROM person_keys WHERE person_id = '{other}') "
    "WHERE person_id = '{one}'",
    "without a key": "DELETE FROM person_keys WHERE person_id = '{one}'",
}


async def test_a_year_put_elsewhere_is_refused_on_reading(desk: Desk) -> None:
    other = await desk.registered(BORN + 1)
    for swap, statement in SWAPS.items():
        one = await desk.registered(BORN)
        await desk.by_hand(statement.format(one=one, other=other))
        for path, query in ((f"persons/{one}", {}), ("persons", BY_YEAR)):
            answer = await desk.get(path, query, AT_LIPA)
            assert (answer.status_code, answer.json()["code"]) == (500, "not_as_it_was_sealed"), swap
        await desk.by_hand(f"DELETE FROM birth_years WHERE person_id = '{one}'")
    # A year of whom there is none in the register, or the other way round, is found by whoever verifies.
    assert len((await desk.verified()).differences) == len(SWAPS)


async def test_years_that_stood_in_clear_are_known_at_once_and_sealed_by_the_first_process(desk: Desk) -> None:
    people: list[UUID] = [await desk.agreed(BORN) for _ in range(3)]
    await desk.by_hand(
        f"WITH gone AS (DELETE FROM birth_years RETURNING person_id) INSERT INTO birth_years_in_clear SELECT person_id, {BORN}, "
        "'a-salt' FROM gone"
    )
    assert (await desk.get(f"persons/{people[0]}", {}, AT_LIPA)).json()["birth_year"] == BORN
    assert (await desk.verified()).sound
    # Nobody is told that somebody is not registered who is.
    assert (await desk.get("persons", BY_YEAR, AT_LIPA)).status_code == 503
    scope = EVERYWHERE.scope(ANNA)
    assert [await desk.database.api.attempt(scope, lambda unit: seal_first(unit, 2)) for _ in range(3)] == [2, 1, 0]
    assert await found(desk) == [str(id) for id in people]
    assert (await desk.get(f"persons/{people[0]}", {}, AT_LIPA)).json()["birth_year"] == BORN
    assert (await desk.verified()).sound
