"""A log in a real database is signed as it grows and refused once it is another one; only what a witness saw is published."""

import contextlib
import shutil
from pathlib import Path

import httpx
import pytest

from ops.checkpointer import watched_log
from ops.checkpointer.app import LATE_AFTER, create_app
from ops.checkpointer.held_tree import HeldTree
from ops.checkpointer.keys import LogKeys
from ops.checkpointer.reading import AWAY
from ops.checkpointer.watched_log import SAID_AGAIN_AFTER, WatchedLog
from ops.settings import CannotStart
from shared.durable_files import write_durably
from shared.tlog.notes import Note
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import TrustPolicy
from tests.integration.checkpointer.office import HOUSE, LOG, OTHER, Office, edge_of, tile_file


async def refused(watched: WatchedLog) -> str:
    """By which code the next round refuses."""
    with pytest.raises(LogRefused) as refusal:
        await watched.round()
    return refusal.value.code


async def test_a_log_is_signed_as_it_grows_and_seen_each_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_log, "_BATCH", 300)
    async with office.started() as watched:
        await watched.round()
        assert (await office.told(watched)).size == 0
        size = 0
        for more in (1, 255, 1, 700):
            await office.log.append(more)
            await watched.round()
            size += more
            said = await office.told(watched)
            assert (said.origin, said.size, said.root) == (f"{HOUSE}/{LOG}", size, await office.log.root())


async def test_a_log_in_which_nothing_happens_is_seen_again_in_time(office: Office) -> None:
    async with office.started() as watched:
        await office.log.append(3)
        await watched.round()
        first, asked = watched.seen_at, len(office.posted)
        office.later(SAID_AGAIN_AFTER - 1)
        await watched.round()
        assert (watched.seen_at, len(office.posted)) == (first, asked)
        office.later(1)
        await watched.round()
        assert watched.seen_at == int(office.now.timestamp())
        assert SAID_AGAIN_AFTER < LATE_AFTER
        # A clock that was set back does not keep it silent until it has caught up.
        asked = len(office.posted)
        office.later(-3600)
        await watched.round()
        assert len(office.posted) == asked + 1


async def test_a_database_that_is_restored_from_a_backup_is_refused_for_good(office: Office) -> None:
    async with office.started() as watched:
        await office.log.append(300)
        await watched.round()
        published = watched.published
        await office.log.restore(280)
        assert await refused(watched) == "log_shrank"
        assert watched.alarm is not None
        assert "Entry 280" in watched.alarm.sentence
        # Nor is it forgotten once there are as many entries again, or by a new start.
        await office.log.append(100)
        await watched.round()
        assert watched.published == published
    async with office.started() as watched:
        assert (watched.alarm is not None, watched.published) == (True, published)
        await watched.round()
        assert watched.published == published


async def test_an_alarm_that_people_took_away_is_raised_anew_unless_the_log_is_the_one_that_was_signed(office: Office) -> None:
    alarm = office.folder / "signs" / LOG / "alarm"
    async with office.started() as watched:
        await office.log.append(300)
        await watched.round()
        await office.log.by_hand("CREATE TABLE backup AS SELECT * FROM event_log", "UPDATE event_log SET leaf_hash = sha256('x') WHERE idx = 290")
        assert await refused(watched) == "log_rewritten"
    alarm.unlink()
    async with office.started() as watched:
        assert await refused(watched) == "log_rewritten"
    await office.log.by_hand("UPDATE event_log e SET leaf_hash = b.leaf_hash FROM backup b WHERE b.idx = e.idx")
    alarm.unlink()
    async with office.started() as watched:
        await watched.round()
        assert (await office.told(watched)).size == 300
    alarm.write_bytes(b"nonsense")
    async with office.started() as watched:
        assert watched.alarm is not None


@pytest.mark.parametrize("again", [20, 21, 600])
async def test_a_restored_database_that_went_on_is_refused_however_much_it_holds_since(office: Office, again: int) -> None:
    async with office.started() as watched:
        await office.log.append(300)
        await watched.round()
    await office.log.restore(280)
    await office.log.append(again)
    async with office.started() as watched:
        assert await refused(watched) == "log_rewritten"
        assert watched.alarm is not None
        assert "Entry 280" in watched.alarm.sentence


async def test_an_entry_that_is_changed_meanwhile_is_found_within_the_rounds_of_a_minute_and_named(office: Office) -> None:
    async with office.started() as watched:
        await office.log.append(256 * 5 + 3)
        await watched.round()
        await office.log.by_hand("UPDATE event_log SET leaf_hash = sha256('else') WHERE idx = 700")
        for _ in range(60):
            with contextlib.suppress(LogRefused):
                await watched.round()
        assert watched.alarm is not None
        assert "Entry 700" in watched.alarm.sentence


async def test_an_entry_that_is_changed_while_nobody_looks_is_found_before_anything_is_signed(office: Office) -> None:
    async with office.started() as watched:
        await office.log.append(256 * 5 + 3)
        await watched.round()
    await office.log.by_hand("UPDATE event_log SET leaf_hash = sha256('else') WHERE idx = 700")
    await office.log.append(1)
    asked = len(office.posted)
    async with office.started() as watched:
        assert await refused(watched) == "log_rewritten"
    assert len(office.posted) == asked


@pytest.mark.parametrize("statement", [
    "DELETE FROM event_log WHERE idx = 4", "UPDATE event_log SET leaf_hash = 'short' WHERE idx = 4",
    "UPDATE event_log SET idx = 4000 WHERE idx = 9",
])  # fmt: skip
async def test_a_log_with_a_gap_or_without_a_hash_is_refused(office: Office, statement: str) -> None:
    await office.log.append(10)
    await office.log.by_hand(statement)
    async with office.started() as watched:
        assert await refused(watched) == "log_rewritten"
        assert watched.published is None


async def test_a_checkpointer_and_a_database_that_are_both_restored_are_refused_by_the_witness(office: Office) -> None:
    await office.backed_up()
    await office.log.restore(300)
    async with office.started("backup") as watched:
        assert await refused(watched) == "witness_saw_more"
    shutil.rmtree(office.folder / "backup")
    # One that lost everything signs another history, and nobody sees it.
    await office.log.append(200)
    async with office.started("lost") as watched:
        assert await refused(watched) == "witness_saw_another"
        assert watched.published is None


@pytest.mark.parametrize(("answer", "code"), [
    (httpx.Response(422, text="no"), "witness_saw_another"),
    (httpx.Response(409, text="7000\n", headers={"content-type": "text/x.tlog.size"}), "witness_saw_more"),
], ids=["422", "409"])  # fmt: skip
async def test_one_witness_that_says_otherwise_stops_nothing_that_enough_others_saw_and_is_told(
    office: Office, answer: httpx.Response, code: str
) -> None:
    office.other = lambda _: httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)
    await office.log.append(3)
    async with office.started() as watched:
        await watched.round()
        assert (await office.told(watched)).size == 3
        assert (watched.alarm, watched.doubts) == (None, {OTHER.name: code})
        settings = office.settings(office.folder)
        policy = settings.policy(settings.keys_of_all(office.now.date()))
        app = create_app([watched], policy, lambda: office.now)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://checkpointer") as client:
            told = await client.get("/readyz")
            assert (told.status_code, told.json()) == (200, {"logs": {}, "doubts": {LOG: {OTHER.name: code}}})
            assert f'avrr_checkpoint_doubts{{log="{LOG}"}} 1.0' in (await client.get("/metrics")).text
        # A doubt goes with the next answer that is none; alone, where nobody else saw it, the same answer is an alarm.
        office.other = lambda _: httpx.Response(503)
        await office.log.append(1)
        await watched.round()
        assert watched.doubts == {}
        office.other, office.reached = (lambda _: answer), False
        await office.log.append(1)
        assert await refused(watched) == code
        assert watched.alarm is not None and watched.alarm.code == code


async def test_a_checkpointer_that_is_restored_alone_goes_on(office: Office) -> None:
    await office.backed_up()
    async with office.started("backup") as watched:
        await watched.round()
        assert (await office.told(watched)).size == 400


@pytest.mark.parametrize("damage", ["edge gone", "edge cut", "tile gone", "tile cut", "tile changed", "everything gone"])
async def test_what_is_damaged_of_the_tree_is_read_anew_and_the_memory_says_whether_it_is_the_same(office: Office, damage: str) -> None:
    async with office.started() as watched:
        await office.log.append(600)
        await watched.round()
    tree, tile = office.folder / "signs" / LOG / "tree", tile_file(office)
    assert len(edge_of(office)["0"]) == 32 * (600 - 512)
    match damage:
        case "edge gone":
            (tree / "edge").unlink()
        case "edge cut":
            (tree / "edge").write_bytes((tree / "edge").read_bytes()[:-40])
        case "tile gone":
            tile.unlink()
        case "tile cut":
            tile.write_bytes(tile.read_bytes()[:-32])
        case "tile changed":
            tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
        case _:
            shutil.rmtree(tree)
    await office.log.append(1)
    async with office.started() as watched:
        await watched.round()
        assert (await office.told(watched)).root == await office.log.root()
    # A tree that was lost together with what the log held is not taken for a new one.
    shutil.rmtree(tree)
    await office.log.restore(590)
    async with office.started() as watched:
        assert await refused(watched) == "log_shrank"


@pytest.mark.parametrize("content", [b"", bytes(256 * 32)])
async def test_a_tile_that_is_damaged_meanwhile_is_no_alarm_and_is_read_anew(office: Office, content: bytes) -> None:
    async with office.started() as watched:
        await office.log.append(600)
        await watched.round()
        tile_file(office).write_bytes(content)
        await office.log.append(1)
        for _ in range(4):
            with contextlib.suppress(LogRefused, OSError):
                await watched.round()
        assert watched.alarm is None
        assert (await office.told(watched)).root == await office.log.root()
        assert tile_file(office).read_bytes() != content


async def test_a_tree_that_was_not_kept_to_its_end_is_opened_as_it_is_on_disk(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async with office.started() as watched:
        await office.log.append(300)
        await watched.round()
        await office.log.append(300)

        def no_space(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as full:
            full.setattr("ops.checkpointer.held_tree.write_durably", no_space)
            with pytest.raises(OSError, match="No space"):
                await watched.round()
        await watched.round()
        assert (await office.told(watched)).root == await office.log.root()
        assert HeldTree(office.folder / "signs" / LOG / "tree").size == 600


async def test_an_alarm_that_finds_no_room_on_the_disk_counts_and_is_kept_once_there_is_some(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with office.started() as watched:
        await office.log.append(5)
        await watched.round()
        await office.log.restore(3)
        with monkeypatch.context() as full:
            full.setattr("ops.checkpointer.watched_log.raise_in", no_space)
            for _ in range(2):
                with pytest.raises(OSError, match="No space"):
                    await watched.round()
            assert watched.alarm is not None
        await watched.round()
    async with office.started() as watched:
        assert watched.alarm is not None


async def test_full_tiles_are_on_disk_before_the_size_of_the_tree_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def noted(path: Path, content: bytes) -> None:
        write_durably(path, content)
        order.append(path.relative_to(tmp_path).as_posix())

    monkeypatch.setattr("ops.checkpointer.held_tree.write_durably", noted)
    HeldTree(tmp_path).extend([bytes([at % 256]) * 32 for at in range(600)])
    assert order == ["tile/0/000", "tile/0/001", "edge"]


async def test_nothing_is_published_that_no_witness_saw(office: Office) -> None:
    async with office.started() as watched:
        await office.log.append(5)
        office.reached = False
        assert await refused(watched) == "witness_away"
        assert (watched.published, watched.alarm) == (None, None)
        office.reached = True
        await watched.round()
        assert (await office.told(watched)).size == 5
        office.reached = False
        await office.log.append(5)
        assert await refused(watched) == "witness_away"
        assert (await office.told(watched)).size == 5


async def test_a_database_that_was_away_is_read_again(office: Office) -> None:
    async with office.started() as watched:
        await office.log.append(5)
        await watched.round()
        await office.log.superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'returns_checkpoint'")
        # Whether it is noticed before something is asked is a matter of moments.
        with contextlib.suppress(*AWAY):
            await watched.round()
        await watched.close()
        await office.log.append(5)
        await watched.round()
        assert (await office.told(watched)).size == 10


async def test_a_memory_that_cannot_be_read_lets_nothing_be_signed(office: Office) -> None:
    async with office.started() as watched:
        await office.log.append(5)
        await watched.round()
        (kept,) = (office.folder / "signs" / "signed").glob("*.json")
        kept.write_bytes(kept.read_bytes()[:-9])
        await office.log.append(5)
        with pytest.raises(CannotStart):
            await watched.round()
        assert (await office.told(watched)).size == 5


async def test_whoever_asks_is_told_the_checkpoint_the_policy_and_what_is_wrong(office: Office) -> None:
    settings = office.settings(office.folder)
    policy = settings.policy(settings.keys_of_all(office.now.date()))
    async with office.started() as watched:
        app = create_app([watched], policy, lambda: office.now)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://c") as client:
            assert (await client.get(f"/{LOG}/checkpoint")).status_code == 503
            assert (await client.get("/elsewhere/checkpoint")).status_code == 404
            assert (await client.get("/readyz")).json() == {"logs": {LOG: {"code": "no_checkpoint_yet"}}}
            await office.log.append(5)
            await watched.round()
            said = await client.get(f"/{LOG}/checkpoint")
            trusted = TrustPolicy.of((await client.get("/policy")).text)
            assert (trusted.checked(Note.of(said.content)).size, said.headers["content-type"]) == (5, "text/plain; charset=utf-8")
            assert ((await client.get("/readyz")).status_code, (await client.get("/healthz")).status_code) == (200, 200)
            assert f'avrr_checkpoint_entries{{log="{LOG}"}} 5.0' in (await client.get("/metrics")).text
            office.later(LATE_AFTER + 1)
            assert f'avrr_checkpoint_age_seconds{{log="{LOG}"}} {LATE_AFTER + 1}' in (await client.get("/metrics")).text
            assert (await client.get("/readyz")).json() == {"logs": {LOG: {"code": "checkpoint_late"}}}
            await office.log.restore(2)
            assert await refused(watched) == "log_shrank"
            answer = await client.get("/readyz")
            assert (answer.status_code, answer.json()["logs"][LOG]["code"]) == (503, "log_shrank")
            assert f'avrr_checkpoint_alarm{{log="{LOG}"}} 1.0' in (await client.get("/metrics")).text


async def test_a_key_is_changed_for_another_under_two_signatures_for_thirty_days(office: Office) -> None:
    keys = LogKeys(office.folder / "keys", HOUSE)
    (former,) = keys.of(LOG, office.now.date())
    of_the_former = TrustPolicy((former.signer.verifier_key,))
    with pytest.raises(CannotStart):
        keys.rotate([LOG], office.now.date())
    office.later(24 * 3600)
    keys.rotate([LOG], office.now.date())
    _, newer = keys.of(LOG, office.now.date())
    of_the_newer = TrustPolicy((newer.signer.verifier_key,))
    for days, both in ((0, True), (29, True), (1, False)):
        office.later(days * 24 * 3600)
        await office.log.append(1)
        async with office.started() as watched:
            await watched.round()
            assert watched.published is not None
            await office.told(watched)
            of_the_newer.checked(watched.published)
            if both:
                of_the_former.checked(watched.published)
            else:
                with pytest.raises(LogRefused):
                    of_the_former.checked(watched.published)
    assert {(path.stat().st_mode & 0o777) for path in (office.folder / "keys").iterdir()} == {0o600}
