"""A log is archived byte for byte and in order out of its stream, with its tree, whatever fails on the way."""

import asyncio
import contextlib
from uuid import UUID

import asyncpg
import pytest
import rfc8785

from services.audit import archive
from services.audit.archive import Entry, Taken
from shared.db import Database
from shared.messages import Envelope
from shared.tlog.tree import consistency_proof, continues, includes, inclusion_proof, leaf_hash
from shared.topology import AUDIT, durable
from tests.integration.audit.archiving import WORKER, Archiving, root_over
from tests.integration.bus.house import NOBODY, SOURCE, House, until
from tests.integration.conftest import MakeDatabase

NIL = UUID(int=0)


async def test_all_of_a_log_is_archived_with_the_root_that_it_has_at_every_size(archiving: Archiving) -> None:
    house = archiving.house
    archiver = archiving.archiver()
    async with house.running(house.relay(), archiver):
        await house.happen(300)
        await until(lambda: archiver.position == 299)
        await house.happen(220)
        await until(lambda: archiver.position == 519)
        await until(lambda: archiver.caught_up is not None)
    log = await house.log()
    assert await archiving.leaves() == log
    for size in (0, 1, 2, 255, 256, 257, 299, 300, 512, 519, 520):
        assert await archiving.root(size) == root_over(log[:size]), size


async def test_any_entry_is_proven_to_stand_in_any_later_log_and_that_to_continue_any_earlier_one(archiving: Archiving) -> None:
    house = archiving.house
    archiver = archiving.archiver()
    async with house.running(house.relay(), archiver):
        await house.happen(300)
        await until(lambda: archiver.position == 299)
    log = await house.log()
    for index, size in ((0, 1), (0, 300), (254, 255), (255, 256), (256, 300), (299, 300), (128, 257)):
        async with archiving.made.worker.unit_of_work(WORKER) as unit:
            nodes = await archive.nodes_for(
                unit, SOURCE.name, size,
                lambda nodes, index=index, size=size: inclusion_proof(index, size, nodes),  # type: ignore[misc]
                lambda nodes, index=index, size=size: consistency_proof(index + 1, size, nodes),  # type: ignore[misc]
            )
        root = root_over(log[:size])
        assert includes(root, size, leaf_hash(log[index]), index, inclusion_proof(index, size, nodes))
        proof = consistency_proof(index + 1, size, nodes)
        assert continues(root_over(log[: index + 1]), index + 1, root, size, proof)


async def test_a_broker_that_was_wiped_brings_nothing_twice_and_what_it_brings_again_is_compared(archiving: Archiving) -> None:
    house = archiving.house
    archiver = archiving.archiver()
    async with house.running(house.relay(), archiver, house.provision()):
        await house.happen(30)
        await until(lambda: archiver.position == 29)
        await house.wipe_broker()
        await house.happen(10)
        await until(lambda: archiver.position == 39)
    assert await archiving.leaves() == await house.log()
    assert archiver.stopped is None


async def test_what_somebody_had_in_hand_when_they_died_comes_to_the_next_in_order(archiving: Archiving) -> None:
    house = archiving.house
    async with house.running(house.relay()):
        await house.happen(50)
        stop = asyncio.Event()
        dead = archiving.bus.deliveries(SOURCE.stream, durable(AUDIT, SOURCE), stop, pull=20)
        async with contextlib.aclosing(dead.batches(20)) as coming:
            taken = await anext(coming)
        assert taken[0].sequence == 1
        archiver = archiving.archiver()
        async with house.running(archiver):
            await until(lambda: archiver.position == 49)
    assert await archiving.leaves() == await house.log()
    assert archiver.stopped is None


async def test_of_a_flow_one_batch_takes_what_has_come_and_neither_the_first_nor_a_full_one_waits(
    archiving: Archiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A sign of life ends a batch, and what is not acknowledged in time comes again: here neither is what is tested.
    monkeypatch.setattr("shared.bus.pull.HEARTBEAT_SECONDS", 15.0)
    house, stop, never = archiving.house, asyncio.Event(), 1e9
    deliveries = archiving.bus.deliveries(SOURCE.stream, durable(AUDIT, SOURCE), stop, pull=40)
    async with house.running(house.relay()), contextlib.aclosing(deliveries.batches(10, never)) as coming:
        await house.happen(1)
        (first,) = await anext(coming)
        await first.ack()
        await house.happen(12)
        await until(lambda: deliveries.arrived >= 10)
        ten = await anext(coming)
        assert len(ten) == 10
        await ten[-1].ack()
        await until(lambda: deliveries.arrived == 2)
        following = asyncio.ensure_future(anext(coming))
        await until(lambda: deliveries.arrived == 1)
        await house.happen(3)
        await until(lambda: deliveries.arrived == 4)
        assert not following.done()
        stop.set()
        assert len(await following) == 5


async def test_a_database_that_is_being_changed_is_waited_for(archiving: Archiving) -> None:
    house = archiving.house
    archiver = archiving.archiver()
    admin = await asyncpg.connect(archiving.made.logins.migrate)
    async with house.running(house.relay(), archiver):
        await house.happen(5)
        await until(lambda: archiver.position == 4)
        await admin.execute("SET ROLE audit_owner")
        await admin.execute("ALTER TABLE archive_entries RENAME COLUMN leaf TO moved_away")
        await house.happen(5)
        await until(lambda: archiver.fault is not None)
        await admin.execute("ALTER TABLE archive_entries RENAME COLUMN moved_away TO leaf")
        await until(lambda: archiver.position == 9)
    await admin.close()
    assert archiver.fault is None
    assert await archiving.leaves() == await house.log()


async def test_an_archive_that_lost_what_it_had_acknowledged_stops_at_the_gap(
    archiving: Archiving, make_database: MakeDatabase
) -> None:
    house = archiving.house
    archiver = archiving.archiver()
    restored = await make_database("audit")
    async with house.running(house.relay()):
        async with house.running(archiver):
            await house.happen(5)
            await until(lambda: archiver.position == 4)
        other = archiving.archiver(restored.worker)
        async with house.running(other):
            await house.happen(1)
            await until(lambda: other.stopped == "gap", 60)
    assert await archiving.stopped(restored.worker) == "gap"
    assert await archiving.leaves(restored.worker) == []


async def test_another_entry_in_the_place_of_an_archived_one_stops_the_log_and_nothing_of_its_batch_is_taken(
    archiving: Archiving,
) -> None:
    first, second = _entries(archiving.house, 4), _entries(archiving.house, 4)
    assert await _taken(archiving, first[:3]) == (2, None, False)
    # The same again is no difference.
    assert await _taken(archiving, first[1:3]) == (2, None, False)
    assert await _taken(archiving, [first[1], second[2], first[3]]) == (2, "other", False)
    assert await archiving.stopped() == "other"
    assert len(await archiving.leaves()) == 3
    # Once the right ones come, it goes on.
    assert await _taken(archiving, [first[2], first[3]]) == (3, None, False)
    assert await archiving.stopped() is None


async def test_before_a_hole_everything_is_taken_and_behind_it_nothing(archiving: Archiving) -> None:
    entries = _entries(archiving.house, 5)
    assert await _taken(archiving, [entries[0], entries[1], entries[3]]) == (1, None, True)
    assert await _taken(archiving, [entries[4]]) == (1, None, True)
    assert len(await archiving.leaves()) == 2
    assert await _taken(archiving, entries[2:]) == (4, None, False)
    assert await archiving.root(5) == root_over([entry.leaf for entry in entries])


async def test_what_is_no_event_stops_the_log_behind_everything_before_it(archiving: Archiving) -> None:
    house = archiving.house
    async with house.source.unit_of_work(NOBODY) as unit:
        good, bad = house.leaf(NIL, 1), house.leaf(NIL, 2)
        unit.append(good, type(bad)(bad.id, bad.type, bad.subject, bad.version, b"no event"))
    archiver = archiving.archiver()
    async with house.running(house.relay(), archiver):
        await until(lambda: archiver.stopped == "unreadable", 60)
    assert await archiving.stopped() == "unreadable"
    assert await archiving.leaves() == [good.body]


async def test_an_event_that_the_database_does_not_take_stops_the_log_behind_everything_before_it(archiving: Archiving) -> None:
    house = archiving.house
    async with house.source.unit_of_work(NOBODY) as unit:
        good = [house.leaf(NIL, number) for number in range(1, 6)]
        bad = good.pop()
        envelope = Envelope.model_validate_json(bad.body).model_dump(mode="json", exclude_none=True)
        # Before the first year of all in UTC.
        envelope["time"] = "0001-01-01T00:00:00+14:00"
        unit.append(*good, type(bad)(bad.id, bad.type, bad.subject, bad.version, rfc8785.dumps(envelope)))
    archiver = archiving.archiver()
    async with house.running(house.relay(), archiver):
        await until(lambda: archiver.stopped == "unreadable", 60)
    assert await archiving.stopped() == "unreadable"
    assert await archiving.leaves() == [leaf.body for leaf in good]


@pytest.mark.parametrize("login", ["worker", "owner"])
@pytest.mark.parametrize("statement", ["UPDATE archive_entries SET reason = 'x'", "DELETE FROM archive_entries", "TRUNCATE archive_entries"])
async def test_what_was_archived_is_changed_by_nobody(archiving: Archiving, login: str, statement: str) -> None:
    await _taken(archiving, _entries(archiving.house, 1))
    connection = await asyncpg.connect(archiving.made.logins.migrate if login == "owner" else archiving.made.logins.worker)
    if login == "owner":
        await connection.execute("SET ROLE audit_owner")
    with pytest.raises(asyncpg.PostgresError) as refused:
        await connection.execute(statement)
    assert refused.value.sqlstate == ("AV002" if login == "owner" else "42501")
    await connection.close()


def _entries(house: House, count: int) -> list[Entry]:
    found = [Entry.of(number, house.leaf(NIL, number).body) for number in range(count)]
    return [entry for entry in found if entry is not None]


async def _taken(archiving: Archiving, entries: list[Entry]) -> tuple[int, str | None, bool]:
    database: Database = archiving.made.worker
    taken: Taken = await database.attempt(WORKER, lambda unit: archive.take(unit, SOURCE.name, entries, None))
    return taken.last, taken.stopped, taken.hole
