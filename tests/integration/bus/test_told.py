"""Whether a database was set back: told by what the stream holds and not by how much, and never assumed before anybody said it.

Real PostgreSQL and a real broker. All events are invented.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from ops.system import in_role_of_owner
from shared.actors import Actor
from shared.appending import Leaf
from shared.bus import Bus, StreamState
from shared.db import NotYetTold, Scope, SetBack
from shared.ids import uuid7
from shared.last_known import LastKnown, Memory, Place, judged, place_of
from shared.metrics import Metrics
from shared.relay import Relay
from shared.set_back import Standing, mark, marked
from shared.settings import Settings
from shared.topology import COUNSELLING
from tests.given import staff
from tests.integration.bus.house import HELD, House, until
from tests.integration.conftest import MakeDatabase, ServiceDatabase

FIRST, SECOND = sorted(str(uuid7()) for _ in range(2))
NOWHERE = "nats://127.0.0.1:1"
ANNA: Actor = staff("anna", "counsellor")


def leaves(count: int) -> list[Leaf]:
    return [House.leaf(SimpleNamespace(), uuid7(), number, HELD) for number in range(count)]  # type: ignore[arg-type]


async def log_of(make_database: MakeDatabase, *entries: Leaf) -> ServiceDatabase:
    """Counselling's database with these entries in its log; each call makes another, as a restore does."""
    made = await make_database("counselling")
    for entry in entries:
        async with made.worker.unit_of_work(Scope("service:counselling")) as unit:
            unit.append(entry)
    return made


def standing(database: ServiceDatabase, house: House | None, memory: Path | None = None) -> Standing:
    url = SecretStr(database.logins.worker)
    nats = {"nats_url": NOWHERE} if house is None else {
        "nats_url": house.servers.nats.url, "nats_user": "counselling", "nats_password": house.servers.nats.passwords["counselling"],
    }  # fmt: skip
    settings = Settings.model_validate(
        {"worker_database_url": url, "role": "worker", "oidc_issuer": "http://127.0.0.1:1", "memory_folder": memory, **nats}
    )
    return Standing(COUNSELLING, settings, database.worker, Metrics("counselling"))


async def relayed(house: House, *entries: Leaf) -> None:
    for after, entry in enumerate(entries):
        await house.bus.publish("avrr.counselling.session.held", entry.body, event_id=entry.id, after=after)


async def test_more_entries_written_after_an_unnoticed_restore_than_were_lost_do_not_hide_these(
    house: House, make_database: MakeDatabase
) -> None:
    kept, lost, written = leaves(3), leaves(2), leaves(4)
    await relayed(house, *kept, *lost)
    database = await log_of(make_database, *kept, *written)
    found = standing(database, house)
    await found.compare(house.bus)
    assert found.waits is not None
    assert (found.waits.kept, found.waits.known, found.waits.finder) == (3, 5, "stream")


async def test_of_as_many_entries_the_first_that_differs_is_found(house: House, make_database: MakeDatabase) -> None:
    kept, lost, written = leaves(1), leaves(6), leaves(6)
    await relayed(house, *kept, *lost)
    found = standing(await log_of(make_database, *kept, *written), house)
    await found.compare(house.bus)
    assert found.waits is not None
    assert (found.waits.kept, found.waits.known) == (1, 7)


async def test_a_stream_that_is_behind_its_log_or_empty_marks_nothing_and_only_the_former_says_so(
    house: House, make_database: MakeDatabase, tmp_path: Path
) -> None:
    entries = leaves(4)
    found = standing(await log_of(make_database, *entries), house, tmp_path)
    await Memory(tmp_path).keep(LastKnown("another", "", 0, ""))
    await found.look()
    await found.compare(house.bus)
    assert (found.waits, found.told) == (None, False)
    await relayed(house, *entries[:2])
    await found.compare(house.bus)
    assert (found.waits, found.told) == (None, True)


async def test_of_a_log_that_has_entries_an_empty_stream_and_no_memory_say_nothing_until_two_persons_accept_that(
    house: House, make_database: MakeDatabase, tmp_path: Path
) -> None:
    # Database, broker and memory were lost with their machine, and the database was restored without a mark.
    database = await log_of(make_database, *leaves(2))
    async with started(standing(database, house, tmp_path)) as found:
        assert not takes_orders(found)
        assert "./avrr restored mark --service counselling" in str(found.status()["not_known_whether_set_back"])
        await mark(database.worker, "counselling", 0, "operator")
        await until(lambda: found.waits is not None)
        assert not takes_orders(found)
        assert not found.told
        await over(database)
        await until(lambda: takes_orders(found))


async def test_who_was_told_and_then_waits_has_to_be_told_anew(house: House, make_database: MakeDatabase, tmp_path: Path) -> None:
    entries = leaves(2)
    await relayed(house, *entries)
    database = await log_of(make_database, *entries)
    async with started(standing(database, house, tmp_path)) as found:
        await until(lambda: found.told)
        await mark(database.worker, "counselling", 3, "operator")
        await until(lambda: found.waits is not None)
        assert not found.told


async def test_the_last_restore_that_was_over_is_remembered_by_its_id(make_database: MakeDatabase) -> None:
    database = await log_of(make_database)
    for _ in range(2):
        left = await mark(database.worker, "counselling", 3, "operator")
        assert left is not None
        before = (await place_of(database.api, "counselling", None)).now.restored
        await over(database)
        assert before < (await place_of(database.api, "counselling", None)).now.restored == str(left.id)


async def over(database: ServiceDatabase) -> None:
    """As if two persons had accepted what waits, and all that follows had been done."""
    owner = await asyncpg.connect(in_role_of_owner(database.logins.migrate, COUNSELLING))
    try:
        await owner.execute("ALTER TABLE restored DISABLE TRIGGER restored_ends_by_two")
        await owner.execute("UPDATE restored SET accepted_at = now(), opened_at = now() WHERE opened_at IS NULL")
        await owner.execute("ALTER TABLE restored ENABLE TRIGGER restored_ends_by_two")
    finally:
        await owner.close()


async def test_a_relay_that_meets_another_event_in_its_stream_has_the_database_wait_for_two_persons(
    house: House, make_database: MakeDatabase
) -> None:
    kept, lost, written = leaves(2), leaves(1), leaves(3)
    await relayed(house, *kept, *lost)
    database = await log_of(make_database, *kept, *written)
    found = standing(database, house)
    relay = Relay(
        database.logins.worker, house.bus, COUNSELLING, asyncio.Event(), poll_seconds=0.2, differs=partial(found.compare, house.bus)
    )

    async def waits() -> bool:
        return await marked(database.worker) is not None

    async with house.running(relay):
        await until(waits)
    left = await marked(database.worker)
    assert left is not None
    assert (left.kept, left.known, relay.alarm) == (2, 3, "stream_holds_another_event")


class Holed(Bus):
    """The broker as it is, but for messages that it has lost."""

    lost: frozenset[int] = frozenset()

    async def message(self, stream: str, sequence: int) -> bytes | None:
        return None if sequence in self.lost else await super().message(stream, sequence)

    async def stream_state(self, stream: str) -> StreamState:
        state = await super().stream_state(stream)
        return replace(state, messages=state.messages - len(self.lost))


@contextlib.asynccontextmanager
async def holed(house: House, *lost: int) -> AsyncIterator[Holed]:
    nats = house.servers.nats
    async with Holed(nats.url, "counselling", "counselling", nats.passwords["counselling"]) as bus:
        bus.lost = frozenset(lost)
        await bus.ready()
        yield bus


@pytest.mark.parametrize(
    ("lost", "kept"),
    [((), 3), ((6,), 3), ((5, 6, 7), 3), ((3,), 2), ((1, 2, 3), 0), ((4,), 3), ((9, 10), 3), ((2, 6), 3)],
    ids=lambda value: "_".join(map(str, value)) or "whole" if isinstance(value, tuple) else f"kept{value}",
)
async def test_a_message_that_the_stream_lost_is_not_taken_for_one_that_the_log_kept(
    house: House, make_database: MakeDatabase, lost: tuple[int, ...], kept: int
) -> None:
    begun = leaves(3)
    await relayed(house, *begun, *leaves(7))
    found = standing(await log_of(make_database, *begun, *leaves(7)), house)
    async with holed(house, *lost) as bus:
        await found.compare(bus)
    assert found.waits is not None
    assert (found.waits.kept, found.waits.known) == (kept, 10)


async def test_a_stream_that_lost_its_last_messages_marks_nothing_and_says_nothing(
    house: House, make_database: MakeDatabase, tmp_path: Path
) -> None:
    entries = leaves(4)
    await relayed(house, *entries)
    found = standing(await log_of(make_database, *entries), house, tmp_path)
    await found.look()
    async with holed(house, 4) as bus:
        await found.compare(bus)
        assert (found.waits, found.told) == (None, False)
    async with holed(house, 2) as bus:
        await found.compare(bus)
        assert (found.waits, found.told) == (None, True)


async def test_a_relay_whose_stream_has_holes_has_it_compared_all_the_same(house: House, make_database: MakeDatabase) -> None:
    kept, lost, written = leaves(2), leaves(1), leaves(1)
    await relayed(house, *kept, *lost)
    database = await log_of(make_database, *kept, *written)
    found = standing(database, house)
    async with holed(house, 1) as bus:
        relay = Relay(
            database.logins.worker, bus, COUNSELLING, asyncio.Event(), poll_seconds=0.2, differs=partial(found.compare, bus)
        )

        async def waits() -> bool:
            return await marked(database.worker) is not None

        async with house.running(relay):
            await until(waits)
    assert relay.alarm == "stream_has_holes"


async def test_what_somebody_else_wrote_into_the_stream_marks_nothing(house: House, make_database: MakeDatabase) -> None:
    await house.bus.publish("avrr.counselling.session.held", b"{}", event_id=uuid7(), after=0)
    found = standing(await log_of(make_database, *leaves(1)), house)
    await found.compare(house.bus)
    assert (found.waits, found.told) == (None, False)


@contextlib.asynccontextmanager
async def started(found: Standing, *, works: bool = True) -> AsyncIterator[Standing]:
    async with found.running(works=works):
        yield found


def takes_orders(found: Standing) -> bool:
    try:
        found.admit(ANNA, "POST", "register_person")
    except (NotYetTold, SetBack):
        return False
    return True


async def test_who_starts_while_nobody_answers_takes_orders_of_the_database_that_is_remembered_and_of_no_other(
    house: House, make_database: MakeDatabase, tmp_path: Path
) -> None:
    entries = leaves(3)
    await relayed(house, *entries)
    database = await log_of(make_database, *entries)
    async with started(standing(database, None, tmp_path)) as found:
        assert not takes_orders(found)
        assert found.status()["not_known_whether_set_back"] is not None
        assert found.lacks is None
        found.admit(staff("edin", "auditor"), "GET", "read_events")
    async with started(standing(database, house, tmp_path)) as found:
        await until(lambda: takes_orders(found))
        await until((tmp_path / "last_known.json").exists)
    # An ordinary start while the broker is down.
    async with started(standing(database, None, tmp_path)) as found:
        assert takes_orders(found)
        assert found.status()["not_known_whether_set_back"] is None
    # The same entries in another database: restored to some moment after all that is remembered.
    async with started(standing(await log_of(make_database, *entries), None, tmp_path)) as found:
        assert not takes_orders(found)
        assert found.lacks is None
    # Set back to before what is remembered, and then to where others were written instead.
    for another in (entries[:2], [*entries[:2], *leaves(3)]):
        back = await log_of(make_database, *another)
        async with started(standing(back, None, tmp_path)) as found:
            assert not takes_orders(found)
            assert found.lacks == 3
            assert "--service counselling --known 3" in str(found.status()["not_known_whether_set_back"])
        # A stream that lost the same says nothing against what is remembered.
        async with started(standing(back, None, tmp_path)) as found:
            found._heard()
            assert not takes_orders(found)


async def test_who_only_answers_opens_once_its_worker_was_told(house: House, make_database: MakeDatabase, tmp_path: Path) -> None:
    entries = leaves(2)
    await relayed(house, *entries)
    database = await log_of(make_database, *entries)
    answering = standing(database, None, tmp_path)
    answering._database = database.api
    async with started(answering, works=False):
        assert not takes_orders(answering)
        async with started(standing(database, house, tmp_path)):
            await until(lambda: takes_orders(answering))


async def test_an_empty_log_lost_nothing(make_database: MakeDatabase, tmp_path: Path) -> None:
    async with started(standing(await log_of(make_database), None, tmp_path)) as found:
        assert takes_orders(found)


@pytest.mark.parametrize("entries", [0, 2], ids=["empty_log", "log"])
@pytest.mark.parametrize("found_there", ["", "{", '{"identity": "a"}', "[]"], ids=["nothing", "half", "less", "list"])
async def test_a_damaged_memory_keeps_a_service_shut_until_somebody_else_speaks(
    house: House, make_database: MakeDatabase, tmp_path: Path, entries: int, found_there: str
) -> None:
    (tmp_path / "last_known.json").write_text(found_there)
    had = leaves(entries)
    database = await log_of(make_database, *had)
    async with started(standing(database, None, tmp_path)) as found:
        assert not takes_orders(found)
        assert "damaged" in str(found.status()["not_known_whether_set_back"])
    if had:
        await relayed(house, *had)
        async with started(standing(database, house, tmp_path)) as found:
            await until(lambda: takes_orders(found))
            await until(lambda: (tmp_path / "last_known.json").read_text() != found_there)
        async with started(standing(database, None, tmp_path)) as found:
            assert takes_orders(found)


async def test_what_several_processes_remember_at_once_is_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    processes = [Memory(tmp_path) for _ in range(8)]
    for size in range(20):
        # So long that writing it takes a while.
        known = LastKnown("a", "", size, "c" * 1_000_000)
        assert all(await asyncio.gather(*(one.keep(known) for one in processes)))
        assert await processes[0].recall() == known
    assert [one.name for one in tmp_path.iterdir()] == ["last_known.json"]


async def test_what_cannot_be_remembered_is_logged(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with capture_logs() as logged:
        assert not await Memory(tmp_path / "file").keep(LastKnown("a", "", 1, "c"))
    assert [one["event"] for one in logged] == ["not_remembered"]


@pytest.mark.parametrize(
    ("now", "remembered", "verdict"),
    [
        (LastKnown("a", "", 5, "e"), "c", "same"),
        (LastKnown("b", "", 5, "e"), "c", "unknown"),
        (LastKnown("a", "", 2, "b"), None, "set_back"),
        (LastKnown("a", "", 5, "e"), "x", "set_back"),
        (LastKnown("b", FIRST, 2, "b"), None, "same"),
    ],
    ids=["grown", "another_database", "shorter", "other_entries", "accepted_since"],
)
def test_a_log_is_judged_by_what_is_remembered_of_it(now: LastKnown, remembered: str | None, verdict: str) -> None:
    assert judged(LastKnown("a", "", 3, "c"), Place(now, remembered)) == verdict


def test_of_two_restores_only_the_later_one_ends_what_is_remembered() -> None:
    # To before the first, and then accepted anew: as many as before, and this is no database that lacks what is remembered.
    assert judged(LastKnown("a", FIRST, 3, "c"), Place(LastKnown("b", SECOND, 2, "b"), None)) == "same"
    # More were over in another history, which is not known to have followed.
    assert judged(LastKnown("a", SECOND, 3, "c"), Place(LastKnown("b", FIRST, 5, "e"), "c")) == "set_back"


def test_a_restore_that_was_accepted_and_is_unknown_again_was_set_back() -> None:
    assert judged(LastKnown("a", FIRST, 3, "c"), Place(LastKnown("a", "", 5, "e"), "c")) == "set_back"
    assert judged(LastKnown("a", "", 0, ""), Place(LastKnown("a", "", 5, "e"), None)) == "same"
    assert judged(None, Place(LastKnown("a", "", 5, "e"), None)) == "unknown"
