"""Refusals and sensitive reads on record: one event each, repeats counted, and nothing else of the system moved."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ops.supervisor import Running
from services.returns.wiring import WIRING
from shared.clock import Clock
from shared.db import Database, Scope
from shared.handling import states
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from shared.recording import CLOSE, CLOSE_ONE, MOST_OF_A_KIND, MOST_OF_AN_ACTOR, count_refusals
from shared.tables import LEAF_LIMIT
from tests.given import NOON, staff
from tests.integration.returns.api import FINANCE, Api, problem
from tests.integration.returns.mission import ANKARA, ANNA, OLEG, ZORAN, Mission


async def accesses(mission: Mission) -> list[tuple[str, Mapping[str, Any]]]:
    """The access events of the log, in order: the fact's name and its envelope."""
    async with mission.owner() as connection:
        rows = await connection.fetch(
            "SELECT type, leaf FROM event_log WHERE type LIKE 'avrr.returns.access.%' ORDER BY idx"
        )
    return [(row["type"].split(".")[3], json.loads(row["leaf"])) for row in rows]


async def versions(connection: "asyncpg.Connection[asyncpg.Record]") -> Sequence[asyncpg.Record]:
    return await connection.fetch(
        "SELECT id, version FROM cases UNION ALL SELECT id, version FROM persons ORDER BY 1, 2"
    )


async def closed(mission: Mission) -> int:
    return await count_refusals(mission.database.worker, WIRING.access, Clock("replay"), older_than_seconds=0)


async def test_sixteen_parallel_repeats_of_a_refused_act_leave_one_event_and_one_count(
    mission: Mission, api: Api
) -> None:
    attempt = await mission.brought_to("applied")
    async with mission.owner() as connection:
        before = await versions(connection)
        answers = await asyncio.gather(
            *(api.post(f"cases/{attempt.id}/approve", {}, ANNA) for _ in range(16))
        )
        assert {problem(answer) for answer in answers} == {(403, "not_permitted")}
        assert [name for name, _ in await accesses(mission)] == ["refused"]
        assert await closed(mission) == 1
        assert await closed(mission) == 0
        assert await versions(connection) == before
    (_, first), (_, count) = await accesses(mission)
    assert first["data"] == {
        "actor_id": ANNA.person_id, "operation": "approve_case", "code": "not_permitted", "about": str(attempt.id)
    }  # fmt: skip
    assert (first["actorid"], first["actorrole"]) == (ANNA.person_id, "counsellor")
    assert (count["data"]["repeats"], count["actorid"]) == (15, "service:returns")
    assert (count["subject"], count["aggregateversion"], count["causationid"]) == (
        first["subject"],
        2,
        first["id"],
    )
    assert (await mission.verified()).differences == []


async def test_a_refusal_that_was_not_repeated_needs_no_count(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("applied")
    await api.post(f"cases/{attempt.id}/approve", {}, ANNA)
    assert await closed(mission) == 1
    await api.post(f"cases/{attempt.id}/approve", {}, ANNA)
    assert [name for name, _ in await accesses(mission)] == ["refused", "refused"]


async def test_each_actor_operation_code_and_subject_has_a_window_of_its_own(
    mission: Mission, api: Api
) -> None:
    one, other = await mission.brought_to("applied"), await mission.brought_to("applied")
    await api.post(f"cases/{one.id}/approve", {}, ANNA)
    await api.post(f"cases/{other.id}/approve", {}, ANNA)
    await api.post(f"cases/{one.id}/lapse", {"reason": "no_contact"}, ANNA)
    await api.post(f"cases/{one.id}/approve", {}, FINANCE)
    await api.get("cases", FINANCE)
    assert [(entry["actorid"], entry["data"]["operation"], entry["data"]["about"]) for _, entry in await accesses(mission)] == [
        (ANNA.person_id, "approve_case", str(one.id)),
        (ANNA.person_id, "approve_case", str(other.id)),
        (ANNA.person_id, "lapse_case", str(one.id)),
        (FINANCE.person_id, "approve_case", str(one.id)),
        (FINANCE.person_id, "list_cases", None),
    ]  # fmt: skip


async def test_a_window_stays_open_for_its_minute(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("applied")
    await api.post(f"cases/{attempt.id}/approve", {}, ANNA)
    assert await count_refusals(mission.database.worker, WIRING.access, Clock("replay")) == 0
    await api.post(f"cases/{attempt.id}/approve", {}, ANNA)
    assert [name for name, _ in await accesses(mission)] == ["refused"]


# What whoever has the password of the API can put among the windows, and nobody can count: of nothing, of a case, of an access that was
# counted, by a correlation that no entry has room for, and of a time that cannot be read.
_OF_NOTHING = "gen_random_uuid(), 1, now(), 'x'"
_OF_A_CASE = "(SELECT id FROM cases LIMIT 1), 1, now(), 'x'"
_COUNTED = "(SELECT subject FROM event_log WHERE type LIKE '%.access.refusals_counted.v1' LIMIT 1), 1, now(), 'x'"
_A_REFUSAL = "(SELECT subject FROM event_log WHERE convert_from(leaf, 'UTF8') LIKE '%list_cases%' LIMIT 1)"
_TOO_LONG = f"{_A_REFUSAL}, 1, now(), repeat('x', 40000)"
_TOO_LATE = f"{_A_REFUSAL}, 1, '20000-01-01', 'x'"

# What is put beside a window: the entry in whose place the count would stand, and an access that was changed as often as can be.
_APPENDED = "SELECT append_events(ARRAY[gen_random_uuid()], ARRAY['x'], ARRAY[{of}], ARRAY[{place}], ARRAY[cast('{{}}' AS bytea)])"
_IN_ITS_PLACE = _APPENDED.format(of=_A_REFUSAL, place=2)
_MADE_UP = "'01890a5d-ac96-774b-bcce-b302099a8057'::uuid"
_CHANGED = (
    "INSERT INTO accesses (id, version, operation, outcome, actor_id, about) "
    f"VALUES ({_MADE_UP}, 2147483647, 'x', 'refused', 'staff:x', ARRAY[]::uuid[]); " + _APPENDED.format(of=_MADE_UP, place=1)
)


async def counted_beside(mission: Mission, api: Api, window: str, beside: str = "") -> list[int]:
    """How often refusals of before and after a window was put in are said to have been repeated, once no window is open."""
    attempt = await mission.brought_to("applied")
    for _ in range(2):
        await api.post(f"cases/{attempt.id}/lapse", {"reason": "no_contact"}, ANNA)
    await api.get("cases", FINANCE)
    assert await closed(mission) == 2
    for _ in range(3):
        await api.post(f"cases/{attempt.id}/approve", {}, ANNA)
    async with mission.owner() as connection:
        await connection.execute(
            f"{beside}; INSERT INTO refusal_windows (actor_id, operation, code, about, access_id, repeats, last_at, last_correlation, began_at) "
            f"SELECT 'staff:x', 'x', 'x', gen_random_uuid(), {window}, now() - make_interval(secs => 60)"
        )
    while await closed(mission):
        pass
    async with mission.owner() as connection:
        assert await connection.fetchval("SELECT count(*) FROM refusal_windows") == 0
    return [entry["data"]["repeats"] for name, entry in await accesses(mission) if name == "refusals_counted"]


@pytest.mark.parametrize(
    "window", [_OF_NOTHING, _OF_A_CASE, _COUNTED, _TOO_LONG, _TOO_LATE], ids=["nothing", "case", "counted", "long", "late"]
)
async def test_a_window_that_was_put_in_and_that_nobody_can_count_keeps_no_other_from_being_counted(
    mission: Mission, api: Api, window: str
) -> None:
    assert await counted_beside(mission, api, window) == [1, 2]
    assert (await mission.verified()).differences == []


@pytest.mark.parametrize(
    ("of", "beside"), [(_A_REFUSAL, _IN_ITS_PLACE), (_MADE_UP, _CHANGED)], ids=["in its place", "changed"]
)
async def test_nor_does_one_beside_which_more_was_put_in(mission: Mission, api: Api, of: str, beside: str) -> None:
    assert await counted_beside(mission, api, f"{of}, 1, now(), 'x'", beside) == [1, 2]


@pytest.mark.parametrize("one_by_one", [False, True], ids=["together", "one by one"])
async def test_of_a_correlation_no_more_is_read_than_no_entry_has_room_for(mission: Mission, api: Api, one_by_one: bool) -> None:
    await api.get("cases", FINANCE)
    async with mission.owner() as connection:
        await connection.execute("UPDATE refusal_windows SET last_correlation = repeat('x', 5000000)")
        window = await connection.fetchrow("SELECT actor_id, operation, code, about, access_id FROM refusal_windows")
    assert window is not None
    async with mission.database.worker.unit_of_work(Scope("service:returns")) as unit:
        (found,) = await (unit.rows(CLOSE_ONE, **dict(window)) if one_by_one else unit.rows(CLOSE, seconds=0.0))
    assert len(found["last_correlation"]) == LEAF_LIMIT


async def two_refused(mission: Mission, api: Api) -> None:
    """Two windows: the older one of a refusal that was repeated once, the other of one that was repeated twice."""
    attempt = await mission.brought_to("applied")
    for _ in range(2):
        await api.get("cases", FINANCE)
    for _ in range(3):
        await api.post(f"cases/{attempt.id}/approve", {}, ANNA)


async def counted_a_minute_later(mission: Mission, worker: Database) -> list[int]:
    """How often which refusals are said to have been repeated, once no window is older than a minute."""
    async with mission.owner() as connection:
        # One behind the other, as they were opened.
        await connection.execute(
            "UPDATE refusal_windows SET began_at = began_at - make_interval(secs => 3600) WHERE began_at > now() - make_interval(secs => 3600)"
        )
    while await count_refusals(worker, WIRING.access, Clock("replay")):
        pass
    return [entry["data"]["repeats"] for name, entry in await accesses(mission) if name == "refusals_counted"]


async def as_superuser(mission: Mission, servers: Running, statement: str) -> None:
    name = mission.database.logins.worker.rpartition("/")[2].partition("?")[0]
    server = servers.postgres
    connection = await asyncpg.connect(server.url_for(name, server.user, server.password))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


# Something that stands in the way of one access and is no fault of its window.
_IN_THE_WAY = (
    "CREATE FUNCTION in_the_way() RETURNS boolean LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '{sqlstate}'; END $$; "
    "GRANT EXECUTE ON FUNCTION in_the_way() TO PUBLIC; "
    "ALTER TABLE accesses ADD CONSTRAINT in_the_way CHECK (operation <> 'list_cases' OR repeats IS NULL OR in_the_way()) NOT VALID"
)


@pytest.mark.parametrize(
    "sqlstate", ["42704", "55P03", "57014", "40P01", "53200"],
    ids=["lacks something", "locked", "takes too long", "deadlock", "takes too much"],
)  # fmt: skip
async def test_a_window_that_something_else_keeps_from_being_counted_is_put_off_and_counted_later(
    mission: Mission, api: Api, servers: Running, sqlstate: str
) -> None:
    await two_refused(mission, api)
    await as_superuser(mission, servers, _IN_THE_WAY.format(sqlstate=sqlstate))
    assert await counted_a_minute_later(mission, mission.database.worker) == [2]
    async with mission.owner() as connection:
        await connection.execute("ALTER TABLE accesses DROP CONSTRAINT in_the_way")
    assert await counted_a_minute_later(mission, mission.database.worker) == [2, 1]
    assert (await mission.verified()).differences == []


async def test_so_is_one_whose_access_somebody_keeps_locked(mission: Mission, api: Api) -> None:
    await two_refused(mission, api)
    worker = Database(mission.database.logins.worker, "returns-worker", 2, statement_seconds=1, keys=mission.database.worker.keys)
    await worker.open()
    try:
        async with mission.owner() as connection, connection.transaction():
            await connection.execute("SELECT FROM accesses WHERE operation = 'list_cases' FOR UPDATE")
            assert await counted_a_minute_later(mission, worker) == [2]
        assert await counted_a_minute_later(mission, worker) == [2, 1]
    finally:
        await worker.close()
    assert (await mission.verified()).differences == []


async def test_a_fault_of_the_surroundings_is_raised_and_puts_nothing_off(mission: Mission, api: Api, servers: Running) -> None:
    await two_refused(mission, api)
    await as_superuser(mission, servers, _IN_THE_WAY.format(sqlstate="57P01"))
    async with mission.owner() as connection:
        with pytest.raises(asyncpg.AdminShutdownError):
            await closed(mission)
        assert await connection.fetchval("SELECT array_agg(repeats ORDER BY began_at) FROM refusal_windows") == [1, 2]


async def test_who_would_decide_on_their_own_case_is_on_record(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("applied")
    both = staff("anna", "counsellor", "coordinator")
    assert problem(await api.post(f"cases/{attempt.id}/approve", {}, both)) == (409, "four_eyes")
    ((name, entry),) = await accesses(mission)
    assert (name, entry["data"]["code"], entry["data"]["about"]) == ("refused", "four_eyes", str(attempt.id))
    async with mission.owner() as connection:
        assert await connection.fetchval("SELECT version FROM cases WHERE id = $1", attempt.id) == (
            await connection.fetchval("SELECT max(aggver) FROM event_log WHERE subject = $1", attempt.id)
        )


async def test_an_ordinary_refusal_of_a_rule_is_not(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("applied")
    answer = await api.post(f"cases/{attempt.id}/lapse", {"reason": "no_contact"}, ZORAN)
    assert problem(answer) == (409, "too_early_to_lapse")
    assert await accesses(mission) == []


async def test_what_stands_against_a_departure_is_on_record_once_and_without_what_it_is(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("ready_to_travel")
    async with mission.owner() as connection:
        before = await versions(connection)
        answers = [await api.post(f"cases/{attempt.id}/clear-to-board", {}, OLEG) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {409}
        assert await versions(connection) == before
    assert problem(answers[0])[1] != "gate_not_passed"
    assert await closed(mission) == 1
    (name, first), (_, count) = await accesses(mission)
    assert (name, first["data"]["code"], first["data"]["about"]) == ("refused", "gate_not_passed", str(attempt.id))
    assert count["data"]["repeats"] == 2
    assert (await mission.verified()).differences == []


async def test_a_sign_in_that_is_too_weak_is_challenged_and_on_record(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("applied")
    weak = staff("mira", "coordinator", acr="pwd")
    answer = await api.post(f"cases/{attempt.id}/approve", {}, weak)
    assert problem(answer) == (401, "insufficient_user_authentication")
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer error="insufficient_user_authentication"')
    assert 'acr_values="phr"' in challenge
    assert 'max_age="300"' in challenge
    ((_, entry),) = await accesses(mission)
    assert (entry["data"]["code"], entry["actoracr"]) == ("insufficient_user_authentication", "pwd")
    assert (await api.post(f"cases/{attempt.id}/approve", {}, ZORAN)).status_code == 200


async def test_a_reader_learns_which_actions_need_a_stronger_sign_in(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("applied")
    actions = (await api.get(f"cases/{attempt.id}", ZORAN)).json()["actions"]
    assert {action["name"] for action in actions if action["step_up"]} == {"approve_case"}


async def test_whoever_reads_a_case_is_on_record_before_the_answer(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("applied")
    for path in (f"cases/{attempt.id}", f"cases/{attempt.id}", f"cases/{attempt.id}/departure-gate"):
        assert (await api.get(path, ANNA)).status_code == 200
    found = [(name, entry["data"]) for name, entry in await accesses(mission)]
    expected: dict[str, object] = {"actor_id": ANNA.person_id, "about": str(attempt.id), "shown": [], "purpose": None}
    assert found == [
        ("record_read", {**expected, "operation": "read_case"}),
        ("record_read", {**expected, "operation": "read_case"}),
        ("record_read", {**expected, "operation": "read_departure_gate"}),
    ]  # fmt: skip
    assert (await mission.verified()).differences == []


async def test_what_an_office_does_not_find_is_on_record_as_a_try(mission: Mission, api: Api) -> None:
    unknown = uuid7()
    arrival = {"person_id": str(uuid7()), "arrived_at": NOON.isoformat(), "known_by": "met"}
    assert problem(await api.post(f"cases/{unknown}/confirm-arrival", arrival, ANKARA)) == (404, "not_found")
    ((_, entry),) = await accesses(mission)
    assert (entry["data"]["code"], entry["data"]["about"]) == ("unknown", str(unknown))


async def test_nobody_reads_the_refusals_of_others(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("applied")
    await api.post(f"cases/{attempt.id}/approve", {}, ANNA)

    async def found(actor: str) -> int:
        scope = EVERYWHERE.scope(staff(actor))
        async with mission.database.api.unit_of_work(scope) as unit:
            ids = [UUID(entry["subject"]) for _, entry in await accesses(mission)]
            return len(await states(unit, WIRING.access, ids, staff(actor), reach=EVERYWHERE))

    assert (await found("anna"), await found("zoran")) == (1, 0)


async def test_whoever_tries_very_many_things_cannot_fill_the_log(mission: Mission, api: Api) -> None:
    nobody = staff("nobody")
    for number in range(30):
        await api.get(f"cases/{uuid7()}", nobody)
        await api.post(f"cases/{uuid7()}/{('approve', 'lapse', 'withdraw')[number % 3]}", {}, nobody)
    paths = ("start-screening", "submit-application", "start-preparation", "mark-ready-to-travel", "clear-to-board")
    for path in paths * 3:
        await api.post(f"cases/{uuid7()}/{path}", {}, nobody)
    found = await accesses(mission)
    assert len(found) <= MOST_OF_AN_ACTOR + 1
    by_operation: dict[str, int] = {}
    for _, entry in found:
        by_operation[entry["data"]["operation"]] = by_operation.get(entry["data"]["operation"], 0) + 1
    assert max(by_operation.values()) <= MOST_OF_A_KIND + 1
    assert by_operation["several"] == 1
    while await closed(mission):
        pass
    counted = sum(entry["data"]["repeats"] for name, entry in await accesses(mission) if name == "refusals_counted")
    assert len(found) + counted == 75
    assert (await mission.verified()).differences == []
