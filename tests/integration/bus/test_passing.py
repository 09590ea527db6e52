"""An event of which nothing follows is taken in order like any other, by one statement and without a reaction."""

from importlib import import_module
from typing import cast

import pytest
from pydantic import ValidationError

from shared.clock import Clock
from shared.db import UnitOfWork
from shared.dead_letters import dead_letters, replay, step_back
from shared.ids import uuid7
from shared.messages import Envelope
from shared.reacting import concerned, reacting
from shared.tlog.tree import leaf_hash
from shared.topology import SERVICES, Service
from shared.wiring import Wiring
from tests.given import NOON
from tests.integration.bus.house import HELD, SOURCE, House, until

NOTED = "avrr.counselling.session.noted.v1"


def nothing(_: str) -> bool:
    """A follower whom no event concerns."""
    return False


async def test_events_of_which_nothing_follows_move_the_cursor_and_cause_nothing(house: House) -> None:
    consumer = house.consumer(concerns=lambda type: type == HELD)
    async with house.running(house.relay(), consumer):
        await house.happen(20, type=NOTED)
        (number,) = await house.happen()
        await house.happen(4, type=NOTED)
        await until(lambda: consumer.position == 24)
        await until(lambda: consumer.caught_up is not None)
    cursor, log = await house.cursor(), await house.log()
    assert (cursor["last_idx"], bytes(cursor["last_hash"])) == (24, leaf_hash(log[24]))
    assert house.tried == await house.effects() == [number]


async def test_an_event_of_which_nothing_follows_waits_behind_the_dead_letter_of_its_key(house: House) -> None:
    sick, well = uuid7(), uuid7()
    consumer = house.consumer(concerns=lambda type: type == HELD)
    async with house.running(house.relay(), consumer):
        house.poison.update(await house.happen(1, sick))
        await house.happen(1, sick, NOTED)
        await house.happen(1, well, NOTED)
        await until(lambda: consumer.position == 2)
    letters = await dead_letters(house.follower)
    assert [(letter.idx, letter.reason) for letter in letters] == [(0, "LookupError"), (1, "parked")]
    house.poison.clear()
    assert (await replay(house.follower, SOURCE.name, 0, house.apply)).applied == (0, 1)


async def test_nothing_is_passed_over_behind_a_missing_event(house: House) -> None:
    async with house.running(house.relay(), house.provision()):
        async with house.running(consumer := house.consumer(concerns=nothing)):
            await house.happen(5, type=NOTED)
            await until(lambda: consumer.position == 4)
        # As after an older copy of the follower's cursor was put back.
        await step_back(house.follower, SOURCE.name, 1, leaf_hash((await house.log())[1]))
        follower = house.consumer(concerns=nothing)
        async with house.running(follower):
            await house.happen(type=NOTED)
            await until(lambda: follower.stopped == "gap")
            assert (await house.cursor())["stopped"] == "gap"
            await house.provision().rebuild(SOURCE.stream)
            await until(lambda: follower.position == 5)
            assert follower.stopped is None
    assert house.tried == []


async def test_another_event_in_the_place_of_one_that_was_passed_over_stops_the_source(house: House) -> None:
    async with house.running(house.relay(), house.provision()):
        consumer = house.consumer(concerns=nothing)
        async with house.running(consumer):
            await house.happen(5, type=NOTED)
            await until(lambda: consumer.position == 4)
            await step_back(house.follower, SOURCE.name, 4, leaf_hash(b"another event"))
            await house.provision().rebuild(SOURCE.stream)
            await until(lambda: consumer.stopped == "other")
    assert (await house.cursor())["stopped"] == "other"


def happened(kind: str) -> Envelope:
    """A fact of this kind of which nothing is said, so that whatever reads it or follows from it fails."""
    return Envelope(
        id=uuid7(), source="/anybody", type=kind, subject=uuid7(), partitionkey=uuid7(), time=NOON, dataschema="urn:any",
        aggregateversion=1, actorid="staff:anna", actorrole="counsellor", actororg="avrr", actorcountry="", actoracr="",
        correlationid="any", data={},
    )  # fmt: skip


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_of_whatever_does_not_concern_a_service_nothing_follows_in_it(service: Service) -> None:
    wiring: Wiring = import_module(f"{service.module}.wiring").WIRING
    concerns = concerned(wiring.heard, wiring.reactions)
    apply = reacting(service.name, wiring.heard, wiring.reactions, wiring.by_name, Clock())
    # A unit that has nothing: whoever touches it fails.
    untouched = cast("UnitOfWork", object())
    for kind in wiring.heard:
        if not concerns(kind.kind):
            await apply(untouched, happened(kind.kind), b"")
    assert not concerns("avrr.counselling.nothing.anybody_knows.v1")
    await apply(untouched, happened("avrr.counselling.nothing.anybody_knows.v1"), b"")


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_a_service_reads_every_event_that_concerns_it(service: Service) -> None:
    wiring: Wiring = import_module(f"{service.module}.wiring").WIRING
    apply = reacting(service.name, wiring.heard, wiring.reactions, wiring.by_name, Clock())
    for kind in wiring.heard:
        if concerned(wiring.heard, wiring.reactions)(kind.kind):
            # It misses what the fact should say, or, of one that says nothing, the row of which something follows.
            with pytest.raises((ValidationError, AttributeError)):
                await apply(cast("UnitOfWork", object()), happened(kind.kind), b"")
