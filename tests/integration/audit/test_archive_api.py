"""What auditors ask of the archive: searched over all logs, proven by checkpoints, and laid out as C2SP has it."""

import json
from typing import Any
from uuid import UUID

import pytest

from services.audit.searching import MOST_SHOWN
from shared.db import Sql
from shared.ids import uuid7
from shared.tlog.notes import ED25519, Signer
from shared.tlog.proofs import EntryProof
from shared.tlog.tiles import TILE_WIDTH, entries_in, hashes_in
from shared.tlog.tree import leaf_hash
from shared.tlog.trust import TrustPolicy
from tests.given import staff
from tests.integration.audit.archived_log import LOG, POLICY, WORKER, ArchivedLog
from tests.integration.returns.api import AUDITOR

_ON_RECORD = Sql("SELECT leaf FROM event_log ORDER BY idx")
WEAK = staff("amra", "auditor", acr="")


async def test_a_checkpoint_with_the_archives_root_is_kept_and_handed_out(archived: ArchivedLog) -> None:
    await archived.happen(5)
    size = await archived.archive()
    note = await archived.signed(size)
    asked = await archived.told(note)
    assert (asked.size, asked.alarm, asked.fault) == (size, None, None)
    answer = await archived.get(f"/v1/archive/{LOG}/checkpoint")
    assert (answer.status_code, answer.text) == (200, note)
    assert (await archived.get("/v1/archive/returns/checkpoint")).status_code == 404


async def test_a_checkpoint_of_another_history_is_an_alarm_and_is_never_handed_out(archived: ArchivedLog) -> None:
    await archived.happen(5)
    size = await archived.archive()
    asked = await archived.told(await archived.signed(size, other=b" "))
    assert asked.alarm == "root_unlike_archive"
    assert await archived.differences() == [("root", 0, size - 1)]
    assert (await archived.get(f"/v1/archive/{LOG}/checkpoint")).status_code == 404


async def test_a_checkpoint_that_nobody_trusted_signed_is_an_alarm(archived: ArchivedLog) -> None:
    await archived.happen(2)
    size = await archived.archive()
    stranger = Signer.of(f"logs.example/{LOG}", ED25519, bytes([9]) * 32).verifier_key
    asked = await archived.told(await archived.signed(size), TrustPolicy((stranger,), POLICY.witnesses, POLICY.groups, "g"))
    assert asked.alarm == "log_unknown"


async def test_a_checkpoint_ahead_of_the_archive_waits(archived: ArchivedLog) -> None:
    await archived.happen(2)
    await archived.archive()
    await archived.happen(1)
    asked = await archived.told(await archived.signed(3))
    assert (asked.size, asked.alarm) == (-1, None)


async def test_every_event_has_a_proof_against_the_latest_checkpoint_that_covers_it(archived: ArchivedLog) -> None:
    ids = await archived.happen(5)
    await archived.archive()
    early = await archived.get(f"/v1/archive/events/{ids[0]}/proof")
    assert (early.status_code, early.json()["code"]) == (409, "not_covered_yet")
    await archived.told(await archived.signed(3))
    await archived.told(await archived.signed(5))
    leaves = await archived.leaves()
    for index, event_id in enumerate(ids):
        event = (await archived.get(f"/v1/archive/events/{event_id}")).json()
        assert (event["log"], event["position"], event["checkpoint_size"]) == (LOG, index, 5)
        assert event["leaf"].encode() == leaves[index]
        assert event["leaf_hash"] == leaf_hash(leaves[index]).hex()
        proof = EntryProof.of((await archived.get(f"/v1/archive/events/{event_id}/proof")).content)
        assert (proof.index, POLICY.checked(proof.note).size) == (index, 5)
        assert proof.holds_for(leaves[index])
        assert not proof.holds_for(leaves[index - 1])
    assert (await archived.get(f"/v1/archive/events/{uuid7()}/proof")).status_code == 404


async def test_tiles_and_bundles_stand_where_c2sp_has_them(archived: ArchivedLog) -> None:
    await archived.happen(TILE_WIDTH + 4)
    await archived.archive()
    leaves = await archived.leaves()
    base = f"/v1/archive/{LOG}/tile"
    full = await archived.get(f"{base}/0/000")
    assert hashes_in(full.content) == [leaf_hash(leaf) for leaf in leaves[:TILE_WIDTH]]
    partial = await archived.get(f"{base}/0/001.p/4")
    assert hashes_in(partial.content) == [leaf_hash(leaf) for leaf in leaves[TILE_WIDTH:]]
    # One that grew since is still what it began with.
    assert (await archived.get(f"{base}/0/001.p/3")).content == partial.content[:-32]
    assert len(hashes_in((await archived.get(f"{base}/1/000.p/1")).content)) == 1
    assert entries_in((await archived.get(f"{base}/entries/000")).content) == leaves[:TILE_WIDTH]
    assert entries_in((await archived.get(f"{base}/entries/001.p/2")).content) == leaves[TILE_WIDTH : TILE_WIDTH + 2]
    for path in ("0/001", "0/001.p/5", "0/002.p/1", "0/x000/001", "0/000.p/256", "0/000.p/0", "0/1", "entries/001", "entries/000.p/256"):
        assert (await archived.get(f"{base}/{path}")).status_code in (404, 422), path


async def test_who_is_handed_a_bundle_is_on_record_with_its_place_and_whom_its_entries_name(archived: ArchivedLog) -> None:
    persons = [str(uuid7()) for _ in range(MOST_SHOWN + 5)]
    for begin in range(0, len(persons), 100):
        await archived.happen(person_ids=persons[begin : begin + 100])
    size = await archived.archive()
    assert (await archived.get(f"/v1/archive/{LOG}/tile/entries/000.p/{size}")).status_code == 200
    assert (await archived.get(f"/v1/archive/{LOG}/tile/entries/001")).status_code == 404
    read = [json.loads(row["leaf"]) for row in await archived.made.worker.attempt(WORKER, lambda unit: unit.rows(_ON_RECORD))]
    assert [one["type"].split(".")[3] for one in read] == ["entries_read", "entries_read", "record_read"]
    for one in read[:2]:
        said = {"actor_id": AUDITOR.person_id, "operation": "read_entries", "log": LOG, "first": 0, "entries": size, "tail": None}
        assert one["data"] == said | {"shown": one["data"]["shown"]}
    assert [len(one["data"]["shown"]) for one in read[:2]] == [MOST_SHOWN, 5]
    assert {id for one in read[:2] for id in one["data"]["shown"]} == {*persons}
    # Whoever is named is told of it, and an auditor finds it among the readings.
    held = await archived.get(f"/v1/persons/{persons[0]}/held", staff("dora", "data_protection"))
    assert [one["operation"] for one in held.json()["readers"]] == ["read_entries", "read_held"]


async def test_who_was_handed_entries_is_among_those_who_looked_at_whom_they_name(archived: ArchivedLog) -> None:
    person = uuid7()
    said: dict[str, Any] = {"operation": "read_entries", "log": "returns.1", "first": 256, "entries": 256}
    (handed,) = await archived.happen(kind="access.entries_read", by="staff:amra", shown=[str(person)], **said)
    await archived.archive()
    (found,) = (await archived.get("/v1/archive/readings", about=person)).json()["items"]
    assert (found["entry"]["id"], found["operation"], found["shown"]) == (str(handed), "read_entries", [str(person)])


async def test_a_search_is_narrowed_by_whatever_is_stated(archived: ArchivedLog) -> None:
    case = uuid7()
    (refused,) = await archived.happen(kind="access.refused", by="staff:berin", code="not_permitted")
    (opened,) = await archived.happen(kind="session.held", case=case)
    (dropped,) = await archived.happen(kind="session.held", case=case, reason="no_show")
    await archived.archive()
    minutes = [row["recorded_at"] for row in (await archived.get("/v1/archive")).json()["items"]]

    async def found(**query: Any) -> list[UUID]:
        answer = await archived.get("/v1/archive", **query)
        assert answer.status_code == 200, answer.text
        return [UUID(row["id"]) for row in answer.json()["items"]]

    assert await found() == [dropped, opened, refused]
    assert await found(service=LOG, case=case) == [dropped, opened]
    assert await found(service="returns") == []
    assert await found(actor="staff:berin") == [refused]
    assert await found(reason="not_permitted") == [refused]
    assert await found(reason="no_show", subject=case, actor="staff:anna") == [dropped]
    assert await found(kind=f"avrr.{LOG}.session.held.v1") == [dropped, opened]
    assert await found(since=minutes[1]) == [dropped, opened]
    assert await found(until=minutes[1]) == [refused]
    assert await found(since=minutes[1], until=minutes[0], case=case) == [opened]


@pytest.mark.parametrize("query", [{}, {"service": LOG}, {"actor": "staff:anna"}, {"kind": f"avrr.{LOG}.session.held.v1"}])
async def test_pages_hold_every_event_once(archived: ArchivedLog, query: dict[str, Any]) -> None:
    made = await archived.happen(7)
    await archived.archive()
    seen: list[UUID] = []
    after: dict[str, Any] = {}
    while True:
        answer = await archived.get("/v1/archive", **query, **after, limit=3, until="2027-01-01T00:00:00Z")
        seen += [UUID(row["id"]) for row in answer.json()["items"]]
        if answer.json()["next"] is None:
            break
        after = {"after": answer.json()["next"]}
    assert seen == made[::-1]


async def test_what_an_event_says_needs_the_key_of_a_moment_ago_and_is_on_record(archived: ArchivedLog) -> None:
    (event_id,) = await archived.happen(1)
    await archived.archive()
    for path in (f"/v1/archive/events/{event_id}", f"/v1/archive/events/{event_id}/proof", f"/v1/archive/{LOG}/tile/entries/000.p/1"):
        assert (await archived.get(path, WEAK)).status_code == 401, path
    assert (await archived.get("/v1/archive", WEAK, case=event_id)).status_code == 200
    counsellor = await archived.get("/v1/archive", staff("berin", "counsellor"))
    assert (counsellor.status_code, counsellor.json()["code"]) == (403, "not_permitted")
    rows = (await archived.get("/v1/log", limit=50)).json()["items"]
    kinds = [row["kind"] for row in rows]
    # Two searches, of which the second is the one that tells this, and four refusals.
    assert kinds.count("avrr.audit.access.record_read.v1") == 2
    assert kinds.count("avrr.audit.access.refused.v1") == 4
