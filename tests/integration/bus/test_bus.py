"""What the one module that speaks NATS promises to the rest."""

import asyncio
from contextlib import aclosing

import pytest

from shared.bus import Bus, BusDown, BusRefused, Delivery, SequenceTaken, StreamMissing
from shared.ids import uuid7
from shared.topology import durable
from tests.integration.bus.house import FOLLOWER, SOURCE, House, until

SUBJECT = "avrr.counselling.session.held"


async def test_a_message_is_stored_once_and_only_behind_the_one_it_follows(house: House) -> None:
    event_id = uuid7()
    assert await house.bus.publish(SUBJECT, b"first", event_id=event_id, after=0) == 1
    for after, id in ((0, event_id), (0, uuid7()), (5, uuid7())):
        with pytest.raises(SequenceTaken):
            await house.bus.publish(SUBJECT, b"again", event_id=id, after=after)
    assert await house.bus.publish(SUBJECT, b"second", event_id=uuid7(), after=1) == 2
    assert [await house.bus.message(SOURCE.stream, number) for number in (1, 2, 3)] == [b"first", b"second", None]
    state = await house.bus.stream_state(SOURCE.stream)
    assert (state.first, state.last, state.messages) == (1, 2, 2)


async def test_a_missing_stream_and_a_broker_out_of_reach_are_told_apart(house: House) -> None:
    provision = house.make_bus("provision")
    async with provision:
        await provision.ready()
        await provision.api(f"STREAM.DELETE.{SOURCE.stream}")
        with pytest.raises(BusRefused):
            await provision.api("CONSUMER.INFO.RETURNS.nobody")
    with pytest.raises(StreamMissing):
        await house.bus.stream_state(SOURCE.stream)
    with pytest.raises(StreamMissing):
        await house.bus.publish(SUBJECT, b"", event_id=uuid7(), after=0)
    nowhere = Bus("nats://127.0.0.1:1", "counselling")
    async with nowhere:
        assert not nowhere.connected
        with pytest.raises(BusDown):
            await nowhere.stream_state(SOURCE.stream)


async def test_a_lone_message_after_a_quiet_time_is_not_held_back(house: House) -> None:
    got: list[Delivery] = []
    stop = asyncio.Event()
    deliveries = house.follower_bus.deliveries(SOURCE.stream, durable(FOLLOWER, SOURCE), stop)

    async def follow() -> None:
        async with aclosing(aiter(deliveries)) as coming:
            async for delivery in coming:
                got.append(delivery)
                await delivery.ack()

    following = asyncio.create_task(follow())
    for number in range(3):
        beats = deliveries.heartbeats
        await until(lambda: deliveries.heartbeats > beats)  # noqa: B023 -- waited for within this round
        await house.bus.publish(SUBJECT, b"lone", event_id=uuid7(), after=number)
        await until(lambda: len(got) == number + 1, seconds=5)  # noqa: B023 -- waited for within this round
    stop.set()
    await following
    assert [(delivery.sequence, delivery.num_delivered, delivery.pending) for delivery in got] == [
        (1, 1, 0), (2, 1, 0), (3, 1, 0),
    ]  # fmt: skip


async def test_what_is_given_back_comes_again(house: House) -> None:
    stop = asyncio.Event()
    times: list[int] = []
    await house.bus.publish(SUBJECT, b"hot", event_id=uuid7(), after=0)
    deliveries = house.follower_bus.deliveries(SOURCE.stream, durable(FOLLOWER, SOURCE), stop)
    async with aclosing(aiter(deliveries)) as coming:
        async for delivery in coming:
            times.append(delivery.num_delivered)
            if delivery.num_delivered == 3:
                await delivery.ack()
                stop.set()
            else:
                await delivery.nak(0.01)
    assert times == [1, 2, 3]
