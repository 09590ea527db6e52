"""The archive of a running system: everything is in it, proven by checkpoints, and what a superuser changes is found and named."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx

from ops.demo_year.people import moment
from ops.system import verify_url
from services.counselling.domain.person import RegisterPerson
from shared.ids import uuid7
from shared.tlog.proofs import EntryProof
from shared.tlog.trust import TrustPolicy
from shared.topology import AUDIT, BY_NAME, LOGS
from tests.e2e.conftest import Mission

# What the archive promises of a difference in the newest entries, with a little for a busy machine.
WITHIN_SECONDS = 75


async def until(found: Callable[[], Awaitable[bool]], seconds: float = WITHIN_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await found():
                return
            await asyncio.sleep(0.25)


async def worker_of(mission: Mission) -> dict[str, Any]:
    answer = await mission.client.get(f"{mission.addresses.services['audit']}/readyz")
    found: dict[str, Any] = answer.json()["worker"]
    return found


async def read(mission: Mission, path: str) -> httpx.Response:
    return await mission.read("audit", "auditor", path)


async def test_every_log_is_archived_compared_and_covered_by_checkpoints(mission: Mission) -> None:
    async def whole() -> bool:
        worker = await worker_of(mission)
        compared, checkpoints = worker.get("comparisons", {}), worker.get("checkpoints", {})
        return all(
            worker["sources"][log.name]["caught_up_seconds_ago"] is not None
            and compared.get(log.name, {}).get("rounds", 0) > 0
            and checkpoints.get(log.name, {}).get("size", -1) >= 0
            for log in LOGS
        )

    await until(whole)
    worker = await worker_of(mission)
    assert {name: one["differences"] for name, one in worker["comparisons"].items()} == {log.name: 0 for log in LOGS}
    assert {name: one["alarm"] for name, one in worker["checkpoints"].items()} == {log.name: None for log in LOGS}


async def test_an_auditor_finds_a_new_event_and_proves_it_with_keys_from_elsewhere(mission: Mission) -> None:
    person_id = uuid7()
    order = RegisterPerson(sex="male", birth_year=1990, country_of_origin="TR", site="trc_lipa")
    await mission.done("counselling", "counsellor-1", person_id, order, moment(1, 9))

    async def proven() -> bool:
        rows = (await read(mission, f"/v1/archive?service=counselling&subject={person_id}")).json()["items"]
        return bool(rows) and (await read(mission, f"/v1/archive/events/{rows[0]['id']}/proof")).status_code == 200

    await until(proven)
    (row,) = (await read(mission, f"/v1/archive?service=counselling&subject={person_id}")).json()["items"]
    event = (await read(mission, f"/v1/archive/events/{row['id']}")).json()
    proof = EntryProof.of((await read(mission, f"/v1/archive/events/{row['id']}/proof")).content)
    policy = TrustPolicy.of((await mission.client.get(f"{mission.addresses.checkpointer}/policy")).text)
    assert policy.checked(proof.note).origin == f"{mission.settings.logs_origin}/counselling"
    assert (proof.index, proof.holds_for(event["leaf"].encode())) == (event["position"], True)


async def test_a_row_of_a_log_that_a_superuser_changes_is_found_within_a_minute_and_named(mission: Mission) -> None:
    superuser = await asyncpg.connect(
        mission.running.postgres.url_for("counselling", mission.running.postgres.user, mission.running.postgres.password)
    )
    archive = await asyncpg.connect(verify_url(mission.settings, BY_NAME[AUDIT.name]))
    row = await superuser.fetchrow("SELECT idx, leaf FROM event_log ORDER BY idx LIMIT 1")
    assert row is not None
    idx, kept = int(row["idx"]), bytes(row["leaf"])

    async def named() -> bool:
        rows = await archive.fetch("SELECT kind, first_idx, last_idx FROM archive_differences WHERE log = 'counselling' AND gone_at IS NULL")
        return [tuple(row.values()) for row in rows] == [("other", idx, idx)]

    async def gone() -> bool:
        return bool((await worker_of(mission))["comparisons"]["counselling"]["differences"] == 0)

    async def counted() -> bool:
        return bool((await worker_of(mission))["comparisons"]["counselling"]["differences"] == 1)

    async def write(leaf: bytes) -> None:
        await superuser.execute("ALTER TABLE event_log DISABLE TRIGGER ALL")
        await superuser.execute("UPDATE event_log SET leaf = $2 WHERE idx = $1", idx, leaf)
        await superuser.execute("ALTER TABLE event_log ENABLE TRIGGER ALL")

    try:
        await write(kept.replace(b'"actorid":"', b'"actorid":"x'))
        await until(named)
        # It is counted at the end of the look that found it.
        await until(counted)
        figures = (await mission.client.get(f"{mission.addresses.services['audit']}/metrics")).text
        assert 'avrr_archive_differences{log="counselling"} 1.0' in figures
    finally:
        await write(kept)
    await until(gone)
    await superuser.close()
    await archive.close()


async def test_what_nothing_clears_rings_until_two_persons_dealt_with_it_and_then_counts_apart(mission: Mission) -> None:
    superuser = await asyncpg.connect(
        mission.running.postgres.url_for(AUDIT.name, mission.running.postgres.user, mission.running.postgres.password)
    )
    await superuser.execute("SET session_replication_role = replica")

    async def ringing() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await read(mission, "/v1/archive/findings?accepted=false")).json()["items"]
        return [one for one in found if (one["log"], one["finding"]) == (AUDIT.name, "place")]

    async def set_back() -> bool:
        # Whoever reads is on record there, so that the archive of its own log goes on.
        assert (await read(mission, "/v1/archive?limit=1")).status_code == 200
        return str(await superuser.execute("UPDATE cursor SET last_idx = last_idx - 1 WHERE source = 'audit' AND last_idx > 1")) == "UPDATE 1"

    async def counted(ring: int, accepted: int) -> bool:
        figures = (await mission.client.get(f"{mission.addresses.services['audit']}/metrics")).text
        checks = (await worker_of(mission))["checks"][AUDIT.name]
        told = f'avrr_archive_differences{{log="audit"}} {ring}.0' in figures and f'avrr_archive_accepted{{log="audit"}} {accepted}.0' in figures
        return told and (checks["differences"], checks["accepted"]) == (ring, accepted)

    async def said(what: str, persona: str, **body: object) -> None:
        answer = await mission.raw("POST", "audit", f"/v1/archive/findings/{one['id']}/{what}", persona, body, Idempotency_Key=str(uuid7()))
        assert answer.is_success, answer.text

    await until(set_back)
    await until(lambda: counted(1, 0))
    (one,) = await ringing()
    await said("explain", "administrator", sightings=one["sightings"], cause="exercise", incident="INC-2026-14")
    await said("accept", "data-protection")
    assert await ringing() == []
    await until(lambda: counted(0, 1))
    await superuser.close()
