"""Each event takes effect once, in order of its key, and none is dropped, whatever fails."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest
import structlog

from shared.bus import BusFault
from shared.consumer import Consumer, Pauses
from shared.db import Database, Sql, UnitOfWork, Write
from shared.dead_letters import Replayed, dead_letters, discard, replay, step_back
from shared.epochs import EpochsAway
from shared.errors import NotFound
from shared.ids import uuid7
from shared.messages import Envelope
from shared.tlog.tree import leaf_hash
from shared.topology import durable
from tests.integration.bus.house import FOLLOWER, NOBODY, SOURCE, House, until
from tests.integration.bus.line import Line


@contextlib.asynccontextmanager
async def follower_behind_a_line(house: House) -> AsyncIterator[tuple[Line, Database]]:
    address = urlsplit(house.follower_url)
    async with Line(address.hostname or "", address.port or 0) as line:
        database = Database(house.follower_url.replace(f":{address.port}/", f":{line.port}/"), "behind")
        await database.open()
        try:
            yield line, database
        finally:
            await database.close()


async def test_every_event_takes_effect_once_and_in_order(house: House) -> None:
    consumer = house.consumer()
    async with house.running(house.relay(), consumer):
        numbers = await house.happen(100)
        await until(lambda: house.took_effect(100))
        await until(lambda: consumer.caught_up is not None)
    assert await house.effects() == numbers
    assert consumer.position == 99


async def test_an_event_that_was_never_published_counts_as_missing(house: House) -> None:
    consumer = house.consumer()
    marked = Sql("SELECT caught_up_at FROM cursor WHERE source = :source AND caught_up_at IS NOT NULL")

    async def is_marked() -> bool:
        async with house.follower.unit_of_work(NOBODY) as unit:
            return await unit.row(marked, source=SOURCE.name) is not None

    # No relay runs: the stream is empty and everything in it was applied, but the log has one event more.
    async with house.running(consumer):
        await house.bus.say(SOURCE.head, "1")
        await until(lambda: (heard := house.follower_bus.heard(SOURCE.head)) is not None and heard.text == "1")
        heard = house.follower_bus.heard(SOURCE.head)
        assert heard is not None
        assert await house.follower.attempt(NOBODY, consumer._marks(heard)) is False
        assert not await is_marked()
        assert consumer.caught_up is None
        await house.bus.say(SOURCE.head, "0")
        await until(lambda: consumer.caught_up is not None)
        assert await is_marked()


async def test_a_mark_that_fails_as_nobody_foresaw_is_said_and_made_once_it_can_be(house: House) -> None:
    consumer, server = house.consumer(), house.servers.postgres
    superuser = await asyncpg.connect(
        server.url_for(urlsplit(house.follower_url).path.strip("/"), server.user, server.password)
    )
    await superuser.execute(
        "CREATE FUNCTION damaged() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'invented' USING ERRCODE = 'XX001'; END $$; "
        "CREATE TRIGGER damaged BEFORE UPDATE OF caught_up_at ON cursor FOR EACH ROW EXECUTE FUNCTION damaged()"
    )
    with structlog.testing.capture_logs() as said:
        # Before the relay begins, or it says first how few there are, and the mark is tried once for that and once for all.
        numbers = await house.happen(2)
        async with house.running(house.relay(), consumer):
            await until(lambda: house.took_effect(2))
            await until(lambda: consumer.fault == "DataCorruptedError")
            assert consumer.caught_up is None
            await superuser.execute("DROP FUNCTION damaged CASCADE")
            await until(lambda: consumer.caught_up is not None)
            await until(lambda: consumer.fault is None)
    await superuser.close()
    assert [one["kind"] for one in said if one["event"] == "source_waits"] == ["DataCorruptedError"]
    assert await house.effects() == numbers


async def test_a_broker_wiped_while_idle_is_refilled_and_nothing_takes_effect_twice(house: House) -> None:
    async with house.running(house.relay(), house.consumer(), house.provision()):
        before = await house.happen(30)
        await until(lambda: house.took_effect(30))
        await house.wipe_broker()
        after = await house.happen(10)
        await until(lambda: house.took_effect(40))
        await until(lambda: _holds_the_log(house))
    assert await house.effects() == before + after


async def test_a_broker_wiped_under_load_loses_nothing(house: House) -> None:
    async with house.running(house.relay(), house.consumer(), house.provision()):
        load = asyncio.create_task(house.happen(600))
        await until(lambda: house.took_effect(60))
        await house.wipe_broker()
        numbers = await load
        await until(lambda: house.took_effect(600), seconds=60)
        await until(lambda: _holds_the_log(house))
    assert await house.effects() == numbers


async def test_a_killed_broker_loses_nothing(house: House) -> None:
    async with house.running(house.relay(), house.consumer(), house.provision()):
        load = asyncio.create_task(house.happen(900))
        for share in (100, 300, 500):
            await until(lambda: house.took_effect(share), seconds=60)  # noqa: B023 -- waited for within this round
            await house.servers.kill("nats")
            await house.servers.start("nats")
        numbers = await load
        await until(lambda: house.took_effect(900), seconds=60)
    assert await house.effects() == numbers


async def test_an_event_that_can_not_be_applied_parks_its_key_while_others_flow(house: House) -> None:
    sick, well = uuid7(), uuid7()
    async with house.running(house.relay(), house.consumer()):
        house.poison.update(await house.happen(1, sick))
        flowing = await house.happen(2, well)
        waiting = await house.happen(2, sick)
        flowing += await house.happen(2, well)
        await until(lambda: house.took_effect(4))
        assert await house.effects() == flowing
        letters = await dead_letters(house.follower)
        assert [(letter.idx, letter.reason) for letter in letters] == [
            (0, "LookupError"), (waiting[0], "parked"), (waiting[1], "parked"),
        ]  # fmt: skip
        assert house.tried.count(0) == 8

        failed = await replay(house.follower, SOURCE.name, 0, house.apply)
        assert (failed.applied, failed.failed, failed.reason) == ((), 0, "LookupError")
        house.poison.clear()
        replayed = await replay(house.follower, SOURCE.name, waiting[1], house.apply)
        assert replayed.applied == (0, *waiting)
        assert await house.effects(sick) == [0, *waiting]
        later = await house.happen(1, sick)
        await until(lambda: house.took_effect(8))
    assert await house.effects(sick) == [0, *waiting, *later]
    assert await dead_letters(house.follower) == []


async def test_a_replay_beside_new_events_keeps_the_order_of_their_key(house: House) -> None:
    key = uuid7()
    async with house.running(house.relay(), house.consumer()):
        house.poison.update(await house.happen(1, key))
        first = await house.happen(30, key)
        await until(lambda: _waits(house, 31))
        house.poison.clear()
        load = asyncio.create_task(house.happen(60, key))
        done = 0
        while done < 91:
            with contextlib.suppress(NotFound):
                await replay(house.follower, SOURCE.name, (await _first_waiting(house)), house.apply)
            done = len(await house.effects())
        numbers = [0, *first, *(await load)]
    assert await house.effects(key) == numbers


async def test_a_replay_takes_along_the_event_that_is_being_parked_at_that_moment(house: House) -> None:
    key = uuid7()
    async with house.running(house.relay(), house.consumer()):
        house.poison.update(await house.happen(1, key))
        await until(lambda: _waits(house, 1))
    house.poison.clear()
    await house.happen(1, key)
    leaf = (await house.log())[1]
    letter = {"idx": 1, "key": key, "leaf": leaf, "hash": leaf_hash(leaf)}
    async with house.follower.unit_of_work(NOBODY) as unit:
        verdict = await unit.row(Sql("SELECT take('counselling', :idx, :hash, :key)"), **letter)
        assert verdict is not None
        assert verdict[0] == "parked"
        replaying = asyncio.create_task(replay(house.follower, SOURCE.name, 0, house.apply))
        await until(lambda: _done_or_waiting(house, replaying))
        park = "INSERT INTO dead_letter VALUES ('counselling', :idx, :key, :leaf, 'parked', now())"
        unit.write(Write(Sql(park), letter))
    assert (await replaying).applied == (0, 1)
    assert await house.effects() == [0, 1]


async def test_a_discarded_event_is_gone_and_those_behind_it_can_be_replayed(house: House) -> None:
    key = uuid7()
    async with house.running(house.relay(), house.consumer()):
        house.poison.update(await house.happen(1, key))
        waiting = await house.happen(2, key)
        await until(lambda: _waits(house, 3))
    with pytest.raises(NotFound):
        await discard(house.follower, SOURCE.name, 77)
    await discard(house.follower, SOURCE.name, 0)
    assert (await replay(house.follower, SOURCE.name, waiting[0], house.apply)).applied == tuple(waiting)
    assert await house.effects() == waiting


async def test_a_fault_of_the_database_is_waited_out_and_never_counted_as_a_try(house: House) -> None:
    async with follower_behind_a_line(house) as (line, database):
        consumer = house.consumer(Pauses(tries=(), faults=(0.05,)), database)

        async def lose_the_line(number: int) -> None:
            if number == 3 and house.tried.count(3) <= 5:
                await line.cut()
                await line.mend()

        house.before_effect = lose_the_line
        async with house.running(house.relay(), consumer):
            numbers = await house.happen(10)
            await until(lambda: house.took_effect(10))
    assert house.tried.count(3) > 5
    assert await house.effects() == numbers
    assert await dead_letters(house.follower) == []


async def test_a_reaction_that_no_statement_ends_in_time_blocks_its_source_only_until_it_was_tried_often(house: House) -> None:
    sick, well, tries = uuid7(), uuid7(), list[int]()
    database = Database(house.follower_url, "short of time", statement_seconds=3)
    await database.open()

    async def slow(unit: UnitOfWork, envelope: Envelope, leaf_hash: bytes) -> None:
        if envelope.partitionkey == sick:
            tries.append(int(str(envelope.data["number"])))
            await unit.row(Sql("SELECT pg_sleep(60)"))
        await house.apply(unit, envelope, leaf_hash)

    pauses = Pauses(tries=(), faults=(0.01,), cancelled=3)
    consumer = Consumer(SOURCE, FOLLOWER, database, house.follower_bus, slow, pauses)
    async with house.running(house.relay(), consumer):
        (flowing, stuck, *others) = [*await house.happen(1, well), *await house.happen(1, sick), *await house.happen(2, well)]
        await until(lambda: house.took_effect(3))
        await until(lambda: consumer.fault is None)
    await database.close()
    assert await house.effects() == [flowing, *others]
    assert [(letter.idx, letter.reason) for letter in await dead_letters(house.follower)] == [(stuck, "QueryCanceledError")]
    assert tries == [stuck] * 3


async def test_while_nobody_can_unwrap_keys_an_event_waits_and_no_try_is_counted(house: House) -> None:
    consumer = house.consumer(Pauses(tries=(), faults=(0.05,)))

    async def away(number: int) -> None:
        if number == 3 and house.tried.count(3) <= 5:
            raise EpochsAway

    house.before_effect = away
    async with house.running(house.relay(), consumer):
        numbers = await house.happen(10)
        await until(lambda: house.took_effect(10))
    assert await house.effects() == numbers
    assert await dead_letters(house.follower) == []


async def test_a_database_that_is_away_for_long_is_waited_for(house: House) -> None:
    async with follower_behind_a_line(house) as (line, database):
        consumer = house.consumer(Pauses(tries=(), faults=(0.05,)), database)
        async with house.running(house.relay(), consumer):
            await house.happen(3)
            await until(lambda: house.took_effect(3))
            await line.cut()
            await house.happen(3)
            await until(lambda: consumer.fault is not None)
            await line.mend()
            await until(lambda: house.took_effect(6))
            await until(lambda: consumer.fault is None)
    assert (await house.cursor())["tries"] == 0
    assert await dead_letters(house.follower) == []


async def test_an_event_that_ends_its_process_each_time_becomes_a_dead_letter(house: House) -> None:
    reached = asyncio.Event()

    async def end_of_the_process(_: int) -> None:
        reached.set()
        await asyncio.Event().wait()

    house.before_effect = end_of_the_process
    async with house.running(house.relay()):
        await house.happen(2)
        dying = asyncio.create_task(house.consumer().run(asyncio.Event()))
        await reached.wait()
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        assert house.tried == [0]
        house.before_effect = None
        async with house.follower.unit_of_work(NOBODY) as unit:
            await unit.rows(Sql("SELECT count_try('counselling', 0, 8)"))
        async with house.running(house.consumer()):
            await until(lambda: house.took_effect(1))
    assert house.tried == [0, 1]
    assert [(letter.idx, letter.reason) for letter in await dead_letters(house.follower)] == [(0, "process_ended")]


async def test_a_leaf_that_can_not_be_read_stops_its_source_until_the_stream_is_right_again(house: House) -> None:
    consumer, relay = house.consumer(), house.relay()
    async with house.running(relay, consumer, house.provision()):
        await house.happen(2)
        await until(lambda: house.took_effect(2))
        await until(lambda: relay.lag == 0)
        await house.bus.publish("avrr.counselling.session.held", b"{}", event_id=uuid7(), after=2)
        await until(lambda: consumer.stopped == "unreadable")
        assert (await house.cursor())["stopped"] == "unreadable"
        await house.provision().rebuild(SOURCE.stream)
        await house.happen(2)
        await until(lambda: house.took_effect(4))
        await until(lambda: consumer.stopped is None)
    assert (await house.cursor())["stopped"] is None


async def test_a_foreign_event_that_was_taken_shows_as_other_and_a_step_back_repairs(house: House) -> None:
    consumer, relay = house.consumer(), house.relay()
    async with house.running(relay, consumer, house.provision()):
        await house.happen(2)
        await until(lambda: house.took_effect(2))
        await until(lambda: relay.lag == 0)
        foreign = house.leaf(uuid7(), 99)
        await house.bus.publish("avrr.counselling.session.held", foreign.body, event_id=foreign.id, after=2)
        await until(lambda: house.took_effect(3))
        await house.happen(2)
        await house.provision().rebuild(SOURCE.stream)
        await until(lambda: consumer.stopped == "other")
        assert (await house.cursor())["stopped"] == "other"
        await step_back(house.follower, SOURCE.name, 1, leaf_hash((await house.log())[1]))
        await until(lambda: house.took_effect(5))
        await until(lambda: consumer.stopped is None)
    assert await house.effects() == [0, 1, 99, 2, 3]


async def test_several_foreign_events_are_set_back_at_once_and_the_stream_is_rebuilt_once_more(house: House) -> None:
    consumer, relay = house.consumer(), house.relay()
    async with house.running(relay, consumer, house.provision()):
        await house.happen(2)
        await until(lambda: house.took_effect(2))
        await until(lambda: relay.lag == 0)
        for after, number in ((2, 98), (3, 99)):
            foreign = house.leaf(uuid7(), number)
            await house.bus.publish("avrr.counselling.session.held", foreign.body, event_id=foreign.id, after=after)
        await until(lambda: house.took_effect(4))
        await house.happen(3)
        await house.provision().rebuild(SOURCE.stream)
        await until(lambda: consumer.stopped == "other")
        await step_back(house.follower, SOURCE.name, 1, leaf_hash((await house.log())[1]))
        await until(lambda: consumer.stopped == "gap")
        await house.provision().rebuild(SOURCE.stream)
        await until(lambda: house.took_effect(7))
        await until(lambda: consumer.stopped is None)
    assert await house.effects() == [0, 1, 98, 99, 2, 3, 4]


async def test_an_event_that_does_not_come_again_stops_the_source_and_a_rebuild_is_all_that_it_takes(house: House) -> None:
    async with house.running(house.relay(), house.provision()):
        async with house.running(house.consumer()):
            await house.happen(2)
            await until(lambda: house.took_effect(2))
        await house.happen(3)
        # As by a process that said that it had taken what its database then did not keep.
        deliveries = house.follower_bus.deliveries(SOURCE.stream, durable(FOLLOWER, SOURCE), asyncio.Event(), pull=1)
        async with contextlib.aclosing(aiter(deliveries)) as coming, asyncio.timeout(30):
            async for delivery in coming:
                with delivery.held():
                    await delivery.ack()
                if delivery.sequence == 3:
                    break
        consumer = house.consumer()
        async with house.running(consumer):
            await until(lambda: consumer.stopped == "gap")
            await house.provision().rebuild(SOURCE.stream)
            await until(lambda: house.took_effect(5))
            await until(lambda: consumer.stopped is None)
    assert await house.effects() == [0, 1, 2, 3, 4]


async def test_a_missing_event_stops_the_source_until_the_stream_was_rebuilt(house: House) -> None:
    async with house.running(house.relay(), house.provision()):
        async with house.running(house.consumer()):
            await house.happen(5)
            await until(lambda: house.took_effect(5))
        # As after an older copy of the follower's cursor was put back.
        log = await house.log()
        await step_back(house.follower, SOURCE.name, 1, leaf_hash(log[1]))
        consumer = house.consumer()
        async with house.running(consumer):
            await house.happen()
            await until(lambda: consumer.stopped == "gap")
            assert (await house.cursor())["stopped"] == "gap"
            await house.provision().rebuild(SOURCE.stream)
            await until(lambda: house.took_effect(9))
            await until(lambda: consumer.stopped is None)
    assert await house.effects() == [0, 1, 2, 3, 4, 2, 3, 4, 5]


async def _waits(house: House, count: int) -> bool:
    return len(await dead_letters(house.follower)) == count


async def _done_or_waiting(house: House, task: "asyncio.Task[Replayed]") -> bool:
    waiting = Sql(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() LIMIT 1"
    )
    async with house.follower.unit_of_work(NOBODY) as unit:
        return task.done() or await unit.row(waiting) is not None


async def _first_waiting(house: House) -> int:
    letters = await dead_letters(house.follower)
    if not letters:
        raise NotFound
    return letters[0].idx


async def _holds_the_log(house: House) -> bool:
    try:
        return await house.stream_equals_log()
    except BusFault:
        return False
