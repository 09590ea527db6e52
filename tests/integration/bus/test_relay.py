"""The log reaches the stream whole and in order, whatever happens to the broker."""

import asyncio

from shared.bus import BusFault
from shared.db import Sql
from shared.ids import uuid7
from shared.relay import subject_of
from shared.topology import RETURNS
from tests.integration.bus.house import NOBODY, SOURCE, House, until

_END_RELAYS = Sql(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'counselling-relay' AND datname = current_database()"
)
_PUT_IN = Sql(
    "SELECT append_events(ARRAY[gen_random_uuid()], ARRAY[cast(:type AS text)], ARRAY[gen_random_uuid()], ARRAY[1], ARRAY[cast('{}' AS bytea)])"
)


async def test_an_event_stands_in_the_stream_under_its_index_plus_one(house: House) -> None:
    async with house.running(house.relay()):
        await house.happen(25)
        await until(house.stream_equals_log)


async def test_events_that_happened_before_the_relay_started_are_published_too(house: House) -> None:
    await house.happen(300)
    relay = house.relay()
    async with house.running(relay):
        await until(house.stream_equals_log)
        await until(lambda: relay.lag == 0)
        assert relay.lag_seconds() == 0
    assert relay.published == 300


async def test_of_two_relays_one_is_active_and_the_other_takes_over(house: House) -> None:
    first, second = house.relay(), house.relay(wake=asyncio.Event())
    async with house.running(second):
        async with house.running(first):
            await until(lambda: first.active or second.active)
            await house.happen(10)
            await until(house.stream_equals_log)
            assert first.active != second.active
        await house.happen(10)
        await until(house.stream_equals_log)
        assert second.active


async def test_a_broker_that_lost_everything_is_refilled_by_itself(house: House) -> None:
    async with house.running(house.relay(), house.provision()):
        await house.happen(50)
        await until(house.stream_equals_log)
        await house.wipe_broker()
        await until(lambda: _holds_the_log(house))


async def test_a_message_somebody_else_wrote_stops_the_relay_until_the_stream_is_rebuilt(house: House) -> None:
    relay = house.relay()
    async with house.running(relay, house.provision()):
        await house.happen(5)
        await until(house.stream_equals_log)
        foreign = house.leaf(uuid7(), 99)
        await house.bus.publish("avrr.counselling.session.held", foreign.body, event_id=foreign.id, after=5)
        await until(lambda: relay.alarm == "stream_longer_than_log")
        await house.happen(2)
        await until(lambda: relay.alarm == "stream_holds_another_event")
        assert (await house.bus.stream_state(SOURCE.stream)).last == 6
        await until(lambda: relay.lag == 1 and relay.lag_seconds() > 0)
        assert relay.compared_ago() > 0

        await house.provision().rebuild(SOURCE.stream)
        await until(lambda: _holds_the_log(house))
        await until(lambda: relay.alarm is None)
        await house.happen(2)
        await until(house.stream_equals_log)


async def test_a_relay_whose_database_vanished_goes_on_when_it_is_back(house: House) -> None:
    relay = house.relay()
    async with house.running(relay):
        await house.happen(3)
        await until(house.stream_equals_log)
        async with house.source.unit_of_work(NOBODY) as unit:
            await unit.rows(_END_RELAYS)
        await house.happen(3)
        await until(house.stream_equals_log)
        await until(lambda: relay.active)


async def test_a_relay_in_another_process_is_woken_by_the_database(house: House) -> None:
    house.source.notify = True
    relay = house.relay(wake=asyncio.Event())
    relay._poll_seconds = 60
    async with house.running(relay):
        await until(lambda: relay.last_ok is not None)
        await house.happen(1)
        await until(house.stream_equals_log, seconds=20)


async def test_a_type_that_is_longer_than_the_broker_reads_keeps_nothing_behind_it_from_the_stream(house: House) -> None:
    relay = house.relay()
    async with house.running(relay):
        # With the password of the API: nobody takes an entry out of the log again.
        async with house.source.unit_of_work(NOBODY) as unit:
            await unit.rows(_PUT_IN, type=f"avrr.{SOURCE.name}.{'a' * 5_000}.v1")
        await house.happen(3)
        await until(house.stream_equals_log)
        assert relay.fault is None


def test_a_type_that_can_not_be_a_subject_goes_to_other() -> None:
    assert subject_of(RETURNS, "avrr.returns.case.approved.v1") == "avrr.returns.case.approved"
    longest = "avrr.returns." + "a" * 187
    assert subject_of(RETURNS, longest) == longest
    for odd in ("avrr.counselling.case.approved.v1", "avrr.returns.>.v1", "avrr.returns..v1", "", "avrr.returns a", longest + "a"):
        assert subject_of(RETURNS, odd) == "avrr.returns.other"


async def _holds_the_log(house: House) -> bool:
    try:
        return await house.stream_equals_log()
    except BusFault:
        return False
