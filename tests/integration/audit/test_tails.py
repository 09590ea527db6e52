"""What the archive took and nobody signed is set apart once a checkpoint proves what the log has there, and the archive goes on."""

import asyncio
import json
from collections.abc import Callable, Sequence
from math import inf

import httpx
import pytest

from services.audit import archive, exceptions
from services.audit.apart import parts_of
from services.audit.archive import Entry
from services.audit.checkpoints import Checkpoints
from services.audit.examining import Examining
from services.audit.exception_queries import WAITING
from services.audit.tails import AGAIN_SECONDS, LOOK_SECONDS, Told
from shared.db import Sql
from shared.ids import uuid7
from shared.tlog.tiles import bundled
from shared.tlog.tree import leaf_hash
from tests.integration.audit.archived_log import LOG, POLICY, WORKER, ArchivedLog
from tests.integration.audit.archiving import Archiving
from tests.integration.audit.broken_log import Checkpointer, note_of
from tests.integration.audit.signed_log import LEAVES, Signed, foreign
from tests.integration.audit.test_breaks import ZONE
from tests.integration.audit.test_findings import accept, listed
from tests.integration.audit.test_integrity import told
from tests.integration.bus.house import SOURCE, until

_ON_RECORD = Sql("SELECT leaf FROM event_log ORDER BY idx")


async def test_what_nobody_signed_is_set_apart_and_rings_until_two_accept_it_and_the_archive_goes_on(signed: Signed) -> None:
    archived = signed.archived
    never = foreign((await archived.leaves())[-1])
    await signed.take(never)
    await signed.sign(2)
    # The stream was filled again from the log, and brings another entry there: the archive stands.
    await archived.archive()
    assert await signed.stopped() == "other"
    assert await signed.look() is None
    assert (await signed.tails(), await signed.held(f"{LOG}.t1")) == ([(1, 6, 8)], [never])
    assert await signed.stopped() is None
    await archived.archive()
    assert await signed.alarms() == ["entries_tail"]
    assert await signed.held() == await archived.leaves()

    found = await told(archived)
    (tail,) = found["tails"]
    assert (tail["kept"], tail["held"], tail["tail_log"], tail["size"]) == (6, 1, f"{LOG}.t1", 8)
    assert (found["archived"], found["checkpoint"]["size"]) == (8, 8)
    # Whoever looks for it finds it, marked, with no proof.
    (listing,) = (await archived.get("/v1/archive", service=f"{LOG}.t1")).json()["items"]
    assert (listing["position"], listing["lost"]) == (6, True)
    event = (await archived.get(f"/v1/archive/events/{json.loads(never)['id']}")).json()
    assert (event["log"], event["leaf"].encode(), event["checkpoint_size"]) == (f"{LOG}.t1", never, None)
    assert (await archived.get(f"/v1/archive/events/{json.loads(never)['id']}/proof")).json()["code"] == "not_covered_yet"

    (row,) = await listed(archived)
    assert (row["finding"], row["first"], row["last"], row["lasts"], row["sightings"]) == ("tail", 6, 6, True, 1)
    await accept(archived, row["id"])
    assert await signed.alarms() == []
    assert len((await told(archived))["tails"]) == 1


@pytest.mark.parametrize("more", [0, 1, 3], ids=["as many", "one more", "more"])
async def test_an_archive_that_does_not_stand_sets_apart_as_well_once_another_root_is_signed(signed: Signed, more: int) -> None:
    like = (await signed.archived.leaves())[-1]
    taken = [foreign(like, number) for number in range(2 + more)]
    await signed.take(*taken)
    await signed.sign(2)
    assert await signed.look() is None
    assert (await signed.tails(), await signed.held(f"{LOG}.t1")) == ([(1, 6, 8)], taken)
    await signed.archived.archive()
    assert await signed.alarms() == ["entries_tail"]


async def test_an_archive_that_waits_for_a_checkpoint_of_less_than_it_is_told_sets_apart_after_a_minute(signed: Signed) -> None:
    await signed.take(foreign((await signed.archived.leaves())[-1]))
    await signed.sign(5)
    async with signed.asking() as checkpoints:
        await checkpoints.ask(LOG)
        signed.now += 59
        await checkpoints.ask(LOG)
        assert (await signed.tails(), signed.asked) == ([], [])
        signed.now += 2
        await checkpoints.ask(LOG)
    assert await signed.tails() == [(1, 6, 11)]


async def test_what_came_behind_entries_that_agree_is_set_apart_alone(signed: Signed) -> None:
    archived = signed.archived
    await archived.happen(2)
    await archived.archive()
    never = foreign((await archived.leaves())[-1])
    await signed.take(never)
    await signed.sign(1)
    assert await signed.look() is None
    assert (await signed.tails(), await signed.held(f"{LOG}.t1")) == ([(1, 8, 9)], [never])


@pytest.mark.parametrize("size", [0, 255, 256, 257, 512])
async def test_the_tree_goes_on_where_it_was_cut_at_any_size(archived: ArchivedLog, size: int) -> None:
    made = Signed(archived)
    await archived.happen(size or 1)
    if size:
        await made.sign()
        await archived.archive()
        assert await made.alarms() == []
    like = (await archived.leaves())[0]
    await made.take(*(foreign(like, number) for number in range(300)))
    await made.sign(300 if size else 299)
    assert await made.look() is None
    assert await made.tails() == [(1, size, size + 300)]
    await archived.archive()
    await made.sign(3)
    await archived.archive()
    assert await made.alarms() == ["entries_tail"]


async def test_what_another_process_remembers_of_the_edge_of_the_former_tree_is_in_nobodys_way(signed: Signed) -> None:
    archived, worker = signed.archived, signed.archived.made.worker
    entry = Entry.of(6, foreign((await archived.leaves())[-1]))
    assert entry is not None
    remembered = (await worker.attempt(WORKER, lambda unit: archive.take(unit, LOG, [entry], None))).tree
    await signed.sign(1)
    assert await signed.look() is None
    # It is as long as the log's own by then, and of another entry.
    assert await archived.archive() == 7
    await archived.happen(1)
    more = Entry.of(7, (await archived.leaves())[7])
    assert remembered is not None and more is not None and remembered.size == 7
    await worker.attempt(WORKER, lambda unit: archive.take(unit, LOG, [more], remembered))
    await signed.sign()
    assert await signed.alarms() == ["entries_tail"]


async def test_twice_in_a_row_each_is_set_apart_by_itself_and_found_again(signed: Signed) -> None:
    archived = signed.archived
    like = (await archived.leaves())[-1]
    first, second = foreign(like, 1), foreign(like, 2)
    await signed.take(first)
    await signed.sign(1)
    assert await signed.look() is None
    await accept(archived, (await listed(archived))[0]["id"])
    # Before the stream is filled again it brings another one.
    await signed.take(second)
    assert await signed.look() is None
    assert [one[:2] for one in await signed.tails()] == [(1, 6), (2, 6)]
    assert (await signed.held(f"{LOG}.t1"), await signed.held(f"{LOG}.t2")) == ([first], [second])
    await archived.archive()
    assert await signed.alarms() == ["entries_tail"]
    (row,) = await listed(archived, accepted=False)
    assert (row["stands"], row["sightings"]) == ("found_again", 2)
    await accept(archived, row["id"], sightings=2)
    assert await signed.alarms() == []
    assert [one["number"] for one in (await told(archived))["tails"]] == [1, 2]


async def test_a_log_that_was_set_back_has_tails_too_and_is_set_back_behind_them(signed: Signed) -> None:
    archived = signed.archived
    checkpointer = Checkpointer(archived, signed.note)
    await checkpointer.set_back(3)
    assert await checkpointer.look() is None
    await archived.archive()
    await signed.take(foreign((await archived.leaves())[-1]))
    await archived.happen(2)
    signed.note = str(note_of(await archived.leaves(), 2))
    await archived.archive()
    assert await signed.look() is None
    assert await signed.tails() == [(1, 6, 8)]
    await archived.archive()
    assert await signed.alarms() == ["entries_tail"]
    await checkpointer.set_back(5, generation=3)
    assert await checkpointer.look() is None
    await archived.archive()
    signed.note = checkpointer.note
    assert await signed.alarms() == ["entries_tail"]
    found = await told(archived)
    assert ([one["kept"] for one in found["breaks"]], [one["kept"] for one in found["tails"]]) == ([3, 5], [6])
    parts = await archived.made.worker.attempt(WORKER, lambda unit: parts_of(unit, f"{LOG}.t1"))
    assert parts == {f"{LOG}.t1": inf, f"{LOG}.2": 6, LOG: 5}


async def _nothing(name: str, first: int, count: int) -> list[bytes]:
    del name, first, count
    return []


def _others(archived: ArchivedLog, changed: Callable[[list[bytes]], Sequence[bytes]]) -> Told:
    async def tell(name: str, first: int, count: int) -> list[bytes]:
        return list(changed(await archived.comparing.told(name, first, count)))

    return tell


@pytest.mark.parametrize("tells", ["nothing", "another", "fewer", "more", "in another order"])
async def test_nothing_is_set_apart_where_what_the_service_tells_does_not_make_the_root_that_was_signed(signed: Signed, tells: str) -> None:
    changed: dict[str, Callable[[list[bytes]], Sequence[bytes]]] = {
        "another": lambda found: [*found[:-1], bytes(32)], "fewer": lambda found: found[:-1], "more": lambda found: [*found, bytes(32)],
        "in another order": lambda found: found[::-1], "nothing": lambda _: [],
    }  # fmt: skip
    like = (await signed.archived.leaves())[-1]
    await signed.take(*(foreign(like, number) for number in range(3)))
    await signed.sign(3)
    signed.service = _others(signed.archived, changed[tells])
    assert await signed.look() == "root_unlike_archive"
    assert (await signed.tails(), len(await signed.held())) == ([], 9)
    assert "entries_root" in await signed.alarms()
    # Once it tells what it has in truth, that is set apart; and that another history was signed stays.
    signed.service = None
    signed.note = str(note_of(await signed.archived.leaves(), at=2))
    assert await signed.look() is None
    assert await signed.tails() == [(1, 6, 9)]
    await signed.archived.archive()
    assert sorted(await signed.alarms()) == ["entries_root", "entries_tail"]


async def test_a_service_that_does_not_answer_delays_the_alarm_of_another_history_by_a_minute_at_most(signed: Signed) -> None:
    async def silent(name: str, first: int, count: int) -> list[bytes]:
        raise TimeoutError

    await signed.take(foreign((await signed.archived.leaves())[-1]))
    await signed.sign(1)
    signed.service = silent
    async with signed.asking() as checkpoints:
        await checkpoints.ask(LOG)
        assert (checkpoints.logs[LOG].alarm, checkpoints.logs[LOG].fault) == (None, "TimeoutError")
        signed.now += 61
        await checkpoints.ask(LOG)
        assert checkpoints.logs[LOG].alarm == "root_unlike_archive"
        signed.service = None
        signed.note = str(note_of(await signed.archived.leaves(), at=2))
        await checkpoints.ask(LOG)
        assert checkpoints.logs[LOG].alarm is None
    assert await signed.tails() == [(1, 6, 7)]


async def test_a_service_that_answers_one_row_a_look_delays_it_by_a_minute_too_and_the_look_goes_on(signed: Signed) -> None:
    async def slowly(name: str, first: int, count: int) -> list[bytes]:
        del count
        signed.now += LOOK_SECONDS
        return await signed.archived.comparing.told(name, first, 1)

    like = (await signed.archived.leaves())[-1]
    await signed.take(*(foreign(like, number) for number in range(50)))
    await signed.sign(50)
    signed.service = slowly
    async with signed.asking() as checkpoints:
        looks = 0
        while checkpoints.logs[LOG].alarm is None and looks < 100:
            await checkpoints.ask(LOG)
            looks += 1
        assert (checkpoints.logs[LOG].alarm, signed.now, len(signed.asked)) == ("root_unlike_archive", 62, 31)
        at = 1
        while checkpoints.logs[LOG].alarm is not None and at < 100:
            signed.note = str(note_of(await signed.archived.leaves(), at=at))
            await checkpoints.ask(LOG)
            at += 1
        assert (len(signed.asked), signed.asked[31][0]) == (50, 6 + 31), "it went on where it was"
    assert await signed.tails() == [(1, 6, 56)]


async def test_no_answer_is_waited_for_longer_than_a_look(signed: Signed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(name: str, first: int, count: int) -> list[bytes]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr("services.audit.tails.LOOK_SECONDS", 0.05)
    await signed.take(foreign((await signed.archived.leaves())[-1]))
    await signed.sign(1)
    signed.service = never
    assert await signed.look() == "TimeoutError"


async def test_what_proves_nothing_is_looked_at_again_after_a_while_and_not_each_second(signed: Signed) -> None:
    signed.service = _nothing
    await signed.take(foreign((await signed.archived.leaves())[-1]))
    await signed.sign(2)
    await signed.archived.archive()
    async with signed.asking() as checkpoints:
        for _ in range(5):
            await checkpoints.ask(LOG)
            signed.now += 1
        assert len(signed.asked) == 1
        signed.now += AGAIN_SECONDS
        await checkpoints.ask(LOG)
        assert len(signed.asked) == 2


async def test_a_log_of_many_entries_is_looked_at_in_steps_that_no_other_log_waits_for(signed: Signed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.audit.tails.AT_A_TIME", 3)
    await signed.take(foreign((await signed.archived.leaves())[-1]))
    await signed.sign(10)
    await signed.archived.archive()

    async def slowly(name: str, first: int, count: int) -> list[bytes]:
        signed.now += 1
        return await signed.archived.comparing.told(name, first, count)

    signed.service = slowly
    async with signed.asking() as checkpoints:
        await checkpoints.ask(LOG)
        assert (signed.asked, await signed.tails()) == ([(6, 3), (9, 3)], [])
        await checkpoints.ask(LOG)
    assert (signed.asked[2:], await signed.tails()) == ([(12, 3), (15, 1)], [(1, 6, 16)])


async def test_an_export_is_told_what_was_set_apart_and_behind_how_many(signed: Signed) -> None:
    never = [foreign((await signed.archived.leaves())[-1], number) for number in range(2)]
    await signed.take(*never)
    await signed.sign(1)
    assert await signed.look() is None
    since, until = "2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"
    order = (await signed.archived.get("/v1/archive/export", since=since, until=until)).json()
    assert (order["archived"][f"{LOG}.t1"], order["tails"]) == (8, {f"{LOG}.t1": 6})
    answer = await signed.archived.get(f"/v1/archive/exports/{order['id']}/{LOG}.t1", first=6, entries=2)
    assert answer.content == bundled(never)
    none = (await signed.archived.get("/v1/archive/export", since=since, until=until, log="returns")).json()
    assert (none["tails"], set(none["archived"])) == ({}, {"returns"})


async def test_who_is_handed_a_bundle_of_what_nobody_signed_is_on_record_with_which_it_is(archived: ArchivedLog) -> None:
    made = Signed(archived)
    await archived.happen()
    never = foreign((await archived.leaves())[0])
    await made.take(never)
    await made.sign()
    assert await made.look() is None
    assert (await archived.get(f"/v1/archive/{LOG}.t1/tile/entries/000.p/1")).content == bundled([never])
    rows = await archived.made.worker.attempt(WORKER, lambda unit: unit.rows(_ON_RECORD))
    (said,) = [event["data"] for row in rows if ".entries_read." in (event := json.loads(row["leaf"]))["type"]]
    assert (said["log"], said["tail"], said["first"], said["entries"]) == (LOG, 1, 0, 1)


async def test_exceptions_of_what_was_set_apart_are_held_against_what_had_gone_before_it(signed: Signed) -> None:
    await signed.take(foreign((await signed.archived.leaves())[-1]))
    await signed.sign(1)
    assert await signed.look() is None
    worker = signed.archived.made.worker
    await signed.archived.archive()
    await signed.sign()
    assert await signed.look() is None
    assert await worker.attempt(WORKER, lambda unit: parts_of(unit, f"{LOG}.t1")) == {f"{LOG}.t1": inf, LOG: 6}
    examining = Examining(worker, ZONE)
    await examining.round()
    assert examining.fault is None
    rows = await worker.attempt(WORKER, lambda unit: unit.rows(WAITING, logs=[LOG], rules=exceptions.RULES))
    assert {row["log"]: row["waiting"] for row in rows} == {LOG: 0, f"{LOG}.t1": 0}


async def test_what_comes_past_the_relay_is_set_apart_and_a_stream_that_is_rebuilt_fills_the_archive(archiving: Archiving) -> None:
    house, archiver, name = archiving.house, archiving.archiver(), SOURCE.name
    never = house.leaf(uuid7(), 99)
    note = ""

    async def of_service(_: str, first: int, count: int) -> list[bytes]:
        return [leaf_hash(leaf) for leaf in (await house.log())[first : first + count]]

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=str(POLICY) if request.url.path == "/policy" else note)

    async def archived_whole() -> bool:
        return await archiving.leaves() == await house.log()

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client, house.running(archiver):
        checkpoints = Checkpoints(archiving.made.worker, client, "http://checkpointer.test", (name,), told=of_service)
        async with house.running(house.relay()):
            await house.happen(5)
            await until(lambda: archiver.position == 4)
        note = str(note_of(await house.log()))
        await checkpoints.ask(name)
        assert checkpoints.logs[name].size == 5
        await house.bus.publish("avrr.counselling.session.held", never.body, event_id=never.id, after=5)
        await until(lambda: archiver.position == 5)
        await house.happen(1)
        relay = house.relay()
        async with house.running(relay):
            await until(lambda: relay.alarm == "stream_holds_another_event")
            note = str(note_of(await house.log()))
            await checkpoints.ask(name)
            rows = await archiving.made.worker.attempt(WORKER, lambda unit: unit.rows(LEAVES, log=f"{name}.t1"))
            assert ([bytes(row["leaf"]) for row in rows], checkpoints.logs[name].alarm) == ([never.body], None)
            await house.provision().rebuild(SOURCE.stream)
            await house.happen(3)
            await until(archived_whole)
        note = str(note_of(await house.log()))
        await checkpoints.ask(name)
        assert (checkpoints.logs[name].size, checkpoints.logs[name].alarm, checkpoints.logs[name].fault) == (9, None, None)
        assert (archiver.stopped, await archiving.stopped()) == (None, None)
