"""What a row tells of health and protection is sealed where it stands, opens nowhere else, and is sealed anew with each epoch."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ops.keys import Logins, rotate
from ops.settings import CannotStart
from ops.system import in_role_of_owner
from services.returns.domain.case_holds import PutOnHold
from services.returns.domain.case_screening import RecordVulnerability
from services.returns.domain.screening import PersonScreening
from services.returns.wiring import CASE, WIRING
from shared.contracts.returns import ScreeningRecorded
from shared.db import Database, Scope, Sql
from shared.epochs import FileEpochs
from shared.errors import RuleViolation
from shared.handling import Repeat, handle, transact
from shared.ids import uuid7
from shared.ledger import rows_of
from shared.messages import Context, Origin
from shared.policy import EVERYWHERE
from shared.private import PersonKeys
from shared.row_sealing import seal_anew
from shared.sealing import Unsealed
from shared.topology import RETURNS
from tests.given import NOON
from tests.integration.returns.mission import ANNA, PETRA, Attempt, Mission, family
from tests.integration.test_rotation import Breaking, Ends, silent

_ROW = Sql("SELECT to_jsonb(c)::text AS body FROM cases c WHERE id = :id")
_BESIDE = Sql(
    "SELECT d.event_id, d.path, d.salt, d.value FROM disclosure d JOIN event_log e ON e.id = d.event_id WHERE e.subject = :id"
)
SCOPE = Scope("operator")
CODES = ("vot_presumed", "protection", "voluntariness", "exit_formalities")


async def found_out(mission: Mission) -> Attempt:
    """A case that is on hold for protection, of whose mother it was noted that she may have been trafficked."""
    attempt = await mission.brought_to("approved", *family())
    noted = RecordVulnerability(record_id=uuid7(), person_id=attempt.ids[0], noted_at=NOON, indicators=("vot_presumed",))
    await mission.order(attempt.id, noted, PETRA)
    await mission.order(attempt.id, PutOnHold(hold_id=uuid7(), reason="protection"), PETRA)
    return attempt


async def row_of(mission: Mission, id: UUID) -> dict[str, Any]:
    async with mission.database.verify.unit_of_work(SCOPE) as unit:
        row = await unit.row(_ROW, id=id)
    assert row is not None
    body: dict[str, Any] = json.loads(row["body"])
    return body


async def beside(mission: Mission, id: UUID) -> list[Mapping[str, Any]]:
    async with mission.database.verify.unit_of_work(SCOPE) as unit:
        return [dict(row) for row in await unit.rows(_BESIDE, id=id)]


async def put(mission: Mission, id: UUID, **columns: object) -> None:
    async with mission.owner() as connection:
        for column, value in columns.items():
            await connection.execute(f"UPDATE cases SET {column} = $2::jsonb WHERE id = $1", id, json.dumps(value))


@asynccontextmanager
async def logins(mission: Mission) -> AsyncIterator[Logins]:
    owner = Database(in_role_of_owner(mission.database.logins.migrate, RETURNS), "owner", 2)
    owner.keys = mission.database.person_keys
    await owner.open()
    yield Logins(mission.database.api, mission.database.worker, owner)
    await owner.close()


def test_every_part_of_what_screening_found_is_sealed() -> None:
    (screening,) = [part for part in CASE.sealed if part.column == "screening"]
    assert {field.name for field in fields(PersonScreening)} - {"person_id"} == set(screening.keys)


async def test_of_two_rotations_at_once_one_is_refused(mission: Mission) -> None:
    await found_out(mission)
    epochs = mission.database.person_keys._epochs
    async with logins(mission) as of:
        connection = await asyncpg.connect(of.owner.url)
        await connection.execute("SELECT pg_advisory_lock(7261945)")
        with pytest.raises(CannotStart) as refused:
            await rotate(RETURNS, of, epochs, silent)
        await connection.close()
        assert (refused.value.code, await epochs.current()) == ("rotation_under_way", "1")
        await rotate(RETURNS, of, epochs, silent)
    assert await epochs.current() == "2"


async def test_a_row_and_what_stands_beside_the_log_say_nothing_in_clear(mission: Mission) -> None:
    attempt = await found_out(mission)
    row, told = await row_of(mission, attempt.id), await beside(mission, attempt.id)
    assert ScreeningRecorded.kind in [event.kind for event in CASE.decider.events] and len(told) > 10
    assert [one for one in told if one["salt"] or not one["value"].startswith("sealed:")] == []
    text = json.dumps({name: value for name, value in row.items() if name != "protection_since"})
    assert [code for code in CODES if code in text] == []
    assert row["in_clear"] is None
    case = await mission.case(attempt.id)
    assert case.screening_of(attempt.ids[0]).vulnerability is not None
    assert [hold.reason for hold in case.holds if hold.stands].count("protection") >= 1


async def test_what_is_swapped_between_persons_columns_rows_or_versions_does_not_open(mission: Mission) -> None:
    attempt, other = await found_out(mission), await found_out(mission)
    row, another = await row_of(mission, attempt.id), await row_of(mission, other.id)
    mother, child = row["screening"]
    between_persons = [{**mother, "sealed": child["sealed"]}, {**child, "sealed": mother["sealed"]}]
    between_columns = [{**one, "sealed": mother["sealed"]} for one in row["persons"]]
    changes: tuple[dict[str, object], ...] = (
        {"screening": between_persons}, {"persons": between_columns}, {"screening": another["screening"]},
        {"holds": [{**row["holds"][0], "hold_id": str(uuid7())}]},
    )  # fmt: skip
    for change in changes:
        await put(mission, attempt.id, **change)
        with pytest.raises(Unsealed):
            await mission.case(attempt.id)
        await put(mission, attempt.id, **{column: row[column] for column in change})
    assert (await mission.case(attempt.id)).screening_of(attempt.ids[0]).vulnerability is not None
    # Nor does what stood there before, and what belongs beside another event of the log.
    noted = RecordVulnerability(record_id=uuid7(), person_id=attempt.ids[1], noted_at=NOON, indicators=("disability",))
    await mission.order(attempt.id, noted, PETRA)
    await put(mission, attempt.id, screening=row["screening"])
    with pytest.raises(Unsealed):
        await mission.case(attempt.id)
    first, second, *_ = await beside(mission, other.id)
    async with mission.owner() as connection:
        await connection.execute(
            "UPDATE disclosure SET value = $3 WHERE event_id = $1 AND path = $2", first["event_id"], first["path"], second["value"]
        )
    found = (await mission.verified()).differences
    assert [one for one in found if "does not stand where it was sealed" in one and str(attempt.id) in one]
    assert [one for one in found if "does not match its digest" in one and str(other.id) in one]


async def test_a_rotation_that_broke_off_at_any_moment_is_done_by_the_next_and_nothing_is_lost(mission: Mission) -> None:
    attempt = await found_out(mission)
    before, case = await row_of(mission, attempt.id), await mission.case(attempt.id)
    epochs = mission.database.person_keys._epochs
    assert isinstance(epochs, FileEpochs)
    order, key = PutOnHold(hold_id=uuid7(), reason="medical"), str(uuid7())

    async def ask(body: bytes) -> bool:
        repeat = Repeat.of(key, "put_on_hold", attempt.id, body)
        handled = await transact(
            mission.database.api, EVERYWHERE.scope(ANNA),
            lambda unit: handle(
                unit, CASE, attempt.id, order, Context(ANNA, NOON), Origin("test"), repeat=repeat, reach=EVERYWHERE
            ),
        )  # fmt: skip
        return handled.repeated

    assert not await ask(b"first")
    case = await mission.case(attempt.id)
    broke = 0
    for calls in range(20):
        try:
            async with logins(mission) as of:
                await rotate(RETURNS, of, Breaking(epochs, calls), silent)
        except Ends:
            broke += 1
        # As every process sees it, whatever it remembers.
        mission.database.api.keys = mission.database.verify.keys = PersonKeys("returns", epochs)
        assert await mission.case(attempt.id) == case
        if broke <= calls:
            break
    assert broke >= 4
    assert (await mission.verified()).sound
    # What was asked before is still known, and that nothing else was asked.
    assert await ask(b"first")
    with pytest.raises(RuleViolation, match="idempotency_key_reused"):
        await ask(b"second")
    # With the keys that are left the row from before does not open, and the key that sealed it is nowhere.
    with pytest.raises(Unsealed):
        async with mission.database.api.unit_of_work(EVERYWHERE.scope(ANNA)) as unit:
            await rows_of(CASE).parsed(unit, json.dumps(before))


async def test_whatever_stands_in_clear_from_before_is_sealed_and_nothing_twice(mission: Mission) -> None:
    attempt = await found_out(mission)
    case = await mission.case(attempt.id)
    told = rows_of(CASE).dump(case)
    await put(mission, attempt.id, **{part.column: told[part.column] for part in CASE.sealed})
    assert await mission.case(attempt.id) == case, "rows from before are read as they are"
    async with logins(mission) as of:
        assert await seal_anew(of.owner, SCOPE, "returns", tuple(WIRING.by_name.values())) == 1
        assert await seal_anew(of.owner, SCOPE, "returns", tuple(WIRING.by_name.values())) == 0
    assert await mission.case(attempt.id) == case
    assert [code for code in CODES if code in json.dumps((await row_of(mission, attempt.id))["screening"])] == []


async def test_a_rotation_refuses_what_does_not_open_and_a_verification_names_it(mission: Mission) -> None:
    attempt = await found_out(mission)
    epochs = mission.database.person_keys._epochs
    event, *_ = await beside(mission, attempt.id)
    key = event["value"].split(":")[1]
    api = await asyncpg.connect(mission.database.logins.api)
    await api.execute("INSERT INTO disclosure (event_id, path, salt, value) VALUES ($1, 'made_up', '', $2)", event["event_id"], f"sealed:{key}:é")
    await api.close()
    async with logins(mission) as of:
        with pytest.raises(CannotStart) as refused:
            await rotate(RETURNS, of, epochs, silent)
        assert refused.value.code == "does_not_open"
        (found,) = (await mission.verified()).differences
        assert found.startswith(f"case {attempt.id}: ") and found.endswith("stands a value that it does not conceal")
        async with mission.owner() as connection:
            await connection.execute("DELETE FROM disclosure WHERE path = 'made_up'")
        await rotate(RETURNS, of, epochs, silent)
    assert (await mission.verified()).sound
