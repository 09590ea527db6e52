"""How persons are called, asked for a whole page: those whom the caller counsels and nobody else, on record as one reading.

All persons here are invented.
"""

from collections.abc import Collection
from uuid import UUID

import asyncpg
import pytest

from services.counselling.domain.erasure import ApproveErasure
from services.counselling.wiring import PERSON
from shared.actors import PROGRAMS, Actor, Role
from shared.db import UnitOfWork
from shared.ids import uuid7
from shared.private import PersonKey
from tests.given import staff
from tests.integration.counselling.desk import Desk
from tests.integration.counselling.test_erasure import CHIEF, asked_for, tried
from tests.integration.counselling.test_identity import AT_LIPA, ELSEWHERE, WHOLE, heard, recorded

CALLED = {name: WHOLE[name] for name in ("family_name", "given_names", "family_name_own_script", "given_names_own_script")}


async def named(desk: Desk, *person_ids: UUID, by: Actor) -> dict[str, dict[str, str | None]]:
    answer = await desk.get("names", {"person_id": [str(id) for id in person_ids]}, by)  # type: ignore[dict-item]
    assert answer.status_code == 200, answer.text
    return {row.pop("person_id"): row for row in answer.json()["items"]}


async def test_whoever_counsels_somebody_reads_how_they_are_called_now_at_whatever_site(desk: Desk) -> None:
    counselled, unnamed, other = await recorded(desk), await desk.agreed(), await recorded(desk)
    for person_id in (counselled, unnamed):
        await heard(desk, person_id, ELSEWHERE)
    corrected = {"family_name": "Berichtigt", "reason": "misspelt"}
    assert (await desk.post(f"persons/{counselled}/record-identity", corrected, AT_LIPA)).status_code == 200
    found = await named(desk, other, counselled, unnamed, uuid7(), counselled, by=ELSEWHERE)
    assert found == {str(counselled): {**CALLED, "family_name": "Berichtigt"}}
    (reading,) = await desk.readings()
    assert (reading["operation"], reading["purpose"], reading["shown"]) == ("read_names", "counselling", [str(counselled)])
    assert (reading["actor_id"], reading["about"]) == (ELSEWHERE.person_id, None)


async def test_whoever_counsels_none_of_them_is_named_nobody_and_nothing_is_on_record(desk: Desk) -> None:
    person_id = await recorded(desk)
    await heard(desk, person_id, ELSEWHERE)
    # At the person's own site, but not their counsellor.
    assert await named(desk, person_id, by=AT_LIPA) == {}
    assert await desk.readings() == []


async def test_a_name_that_was_emptied_is_not_read_any_more(desk: Desk) -> None:
    person_id = await recorded(desk)
    await heard(desk, person_id, AT_LIPA)
    for emptied, left in ((["family_name", "family_name_own_script"], 2), (["given_names", "given_names_own_script"], 0)):
        order = {"emptied": emptied, "reason": "misunderstood"}
        assert (await desk.post(f"persons/{person_id}/record-identity", order, AT_LIPA)).status_code == 200
        found = await named(desk, person_id, by=AT_LIPA)
        assert sum(value is not None for row in found.values() for value in row.values()) == left
    assert found == {}


async def test_who_is_erased_between_the_statements_of_a_reading_is_left_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, stays = await recorded(desk), await recorded(desk)
    for person_id in (gone, stays):
        await heard(desk, person_id, AT_LIPA)
    await asked_for(desk, gone)
    keys = desk.database.person_keys
    keys_of, erased = keys.keys_of, list[str]()

    async def erasing_first(unit: UnitOfWork, person_ids: Collection[UUID]) -> dict[UUID, PersonKey]:
        erased.append(await tried(desk, PERSON, gone, ApproveErasure(), CHIEF))
        return await keys_of(unit, person_ids)

    monkeypatch.setattr(keys, "keys_of", erasing_first)
    assert await named(desk, gone, stays, by=AT_LIPA) == {str(stays): CALLED}
    assert erased == ["done"]
    # A key that is gone although its person is not erased is another matter.
    connection = await asyncpg.connect(desk.database.logins.migrate)
    await connection.execute("SET ROLE counselling_owner")
    await connection.execute("DELETE FROM person_keys")
    await connection.close()
    monkeypatch.setattr(keys, "keys_of", keys_of)
    answer = await desk.get("names", {"person_id": str(stays)}, AT_LIPA)
    assert (answer.status_code, answer.json()["code"]) == (500, "not_as_it_was_sealed")


@pytest.mark.parametrize("reading", ["identity", "host-status"])
async def test_who_is_erased_between_the_statements_of_one_reading_is_not_there(
    desk: Desk, reading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, stays = await recorded(desk), await recorded(desk)
    for person_id in (gone, stays):
        said = await desk.post(f"persons/{person_id}/record-host-status", {"host_status": "visa"}, AT_LIPA)
        assert said.status_code == 200
    await asked_for(desk, gone)
    keys = desk.database.person_keys
    key_of = keys.key_of

    async def erasing_first(unit: UnitOfWork, person_id: UUID) -> PersonKey | None:
        assert await tried(desk, PERSON, gone, ApproveErasure(), CHIEF) == "done"
        return await key_of(unit, person_id)

    monkeypatch.setattr(keys, "key_of", erasing_first)
    answer = await desk.get(f"persons/{gone}/{reading}", {"purpose": "casework"}, AT_LIPA)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    monkeypatch.setattr(keys, "key_of", key_of)
    assert (await desk.get(f"persons/{stays}/{reading}", {"purpose": "casework"}, AT_LIPA)).status_code == 200
    connection = await asyncpg.connect(desk.database.logins.migrate)
    await connection.execute("SET ROLE counselling_owner")
    await connection.execute("DELETE FROM person_keys")
    await connection.close()
    answer = await desk.get(f"persons/{stays}/{reading}", {"purpose": "casework"}, AT_LIPA)
    assert (answer.status_code, answer.json()["code"]) == (500, "not_as_it_was_sealed")


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.COUNSELLOR, *PROGRAMS}))
async def test_no_other_role_is_named_anybody(desk: Desk, role: Role) -> None:
    answer = await desk.get("names", {"person_id": str(uuid7())}, staff("somebody", role.value))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


async def test_a_page_of_names_costs_few_statements_and_no_more_than_a_page_can_be_asked_for(desk: Desk) -> None:
    person_ids = [await recorded(desk) for _ in range(3)]
    for person_id in person_ids:
        await heard(desk, person_id, AT_LIPA)
    counts = desk.database.api.counts
    before = counts.statements
    assert len(await named(desk, *person_ids, by=AT_LIPA)) == 3
    cost = counts.statements - before
    before = counts.statements
    await named(desk, person_ids[0], by=AT_LIPA)
    assert counts.statements - before == cost
    too_many = {"person_id": [str(uuid7()) for _ in range(101)]}
    answer = await desk.get("names", too_many, AT_LIPA)  # type: ignore[arg-type]
    assert answer.status_code == 422


async def test_a_name_that_was_put_on_another_persons_row_is_not_shown(desk: Desk) -> None:
    first, second = await recorded(desk), await recorded(desk)
    await heard(desk, first, AT_LIPA)
    await desk.by_hand(
        f"UPDATE identities SET family_name = (SELECT family_name FROM identities WHERE person_id = '{second}') "
        f"WHERE person_id = '{first}'"
    )
    answer = await desk.get("names", {"person_id": str(first)}, AT_LIPA)
    assert answer.status_code >= 400
    assert "Kanari" not in answer.text
    assert await desk.readings() == []
