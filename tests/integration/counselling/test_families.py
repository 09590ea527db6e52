"""Who belongs to a family over time: held by the table's key, whatever happens at once, and sound for verify."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.counselling import queries
from shared.db import UnitOfWork
from shared.handling import transact
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from tests.given import NOON, staff
from tests.integration.counselling.desk import ANNA, Desk

PROTECTION = staff("dana", "protection")


async def family_of(desk: Desk, person_id: UUID) -> str | None:
    found: str | None = (await desk.get(f"persons/{person_id}", {})).json()["family_id"]
    return found


async def members(desk: Desk, family_id: UUID) -> dict[str, Any]:
    found = (await desk.get(f"families/{family_id}", {})).json()
    assert {row["id"] for row in found["persons"]} == {member["person_id"] for member in found["state"]["members"]}
    return {member["person_id"]: (member["relation"], member["guardian_of"]) for member in found["state"]["members"]}


async def test_members_join_as_guardians_leave_and_belong_elsewhere(desk: Desk) -> None:
    principal, spouse, child, uncle = [await desk.registered(year) for year in (1985, 1987, 2015, 1970)]
    family_id = await desk.family(principal, spouse)
    path = f"families/{family_id}"
    joins: list[dict[str, Any]] = [
        {"person_id": str(child), "relation": "child", "reason": "left_out_before"},
        {"person_id": str(uncle), "relation": "guardian", "guardian_of": [str(child)], "reason": "guardian_appointed"},
    ]
    for body in joins:
        assert (await desk.post(f"{path}/add-member", body)).status_code == 200
    assert await family_of(desk, uncle) == await family_of(desk, child) == str(family_id)
    named = {"person_id": str(spouse), "guardian_of": [str(child)]}
    assert (await desk.post(f"{path}/name-guardian", named, PROTECTION)).status_code == 200
    assert await members(desk, family_id) == {
        str(principal): ("principal", []), str(spouse): ("spouse", [str(child)]), str(child): ("child", []),
        str(uncle): ("guardian", [str(child)]),
    }  # fmt: skip
    assert (await desk.verified()).sound

    answer = await desk.post(f"{path}/remove-member", {"person_id": str(principal), "reason": "separated"})
    assert (answer.status_code, answer.json()["code"]) == (409, "principal_leaves_last")
    for gone in (spouse, child):
        body = {"person_id": str(gone), "reason": "separated"}
        assert (await desk.post(f"{path}/remove-member", body)).status_code == 200
    assert await members(desk, family_id) == {str(principal): ("principal", []), str(uncle): ("guardian", [])}
    assert await family_of(desk, spouse) is None
    # They belong together without the others from now on.
    other_id = await desk.family(spouse, child)
    assert await family_of(desk, child) == str(other_id)
    assert (await desk.verified()).sound


async def test_of_two_families_that_somebody_joins_at_once_one_has_them(desk: Desk) -> None:
    families = [await desk.family(await desk.registered(1980), await desk.registered(1981)) for _ in range(3)]
    somebody = await desk.registered(1990)
    body = {"person_id": str(somebody), "relation": "other_dependant", "reason": "united"}
    answers = await asyncio.gather(*(desk.post(f"families/{family_id}/add-member", body) for family_id in families))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "already_in_a_family"}
    assert (await desk.verified()).sound


async def test_a_member_who_is_not_registered_or_a_family_that_is_not_there_is_refused(desk: Desk) -> None:
    family_id = await desk.family(await desk.registered(1980), await desk.registered(1981))
    body = {"person_id": str(uuid7()), "relation": "child", "reason": "born"}
    answer = await desk.post(f"families/{family_id}/add-member", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "unknown_person")
    assert (await desk.post(f"families/{uuid7()}/add-member", body)).status_code == 404


async def test_whose_children_they_are_is_not_recorded_anew_between_a_wishs_reading_and_its_record(desk: Desk) -> None:
    husband, wife = await desk.agreed(), await desk.registered(1992, "female")
    family_id = await desk.family(husband, wife)
    to_change = f"SELECT FROM families WHERE id = '{family_id}' FOR UPDATE NOWAIT"

    async def wishing(unit: UnitOfWork) -> None:
        _, persons = await queries.behind_an_intention(unit, uuid7(), [husband, wife], NOON.date())
        assert {person.family_id for person in persons} == {family_id}
        with pytest.raises(asyncpg.LockNotAvailableError):
            await desk.by_hand(to_change)

    await transact(desk.database.api, EVERYWHERE.scope(ANNA), wishing)
    await desk.by_hand(to_change)
