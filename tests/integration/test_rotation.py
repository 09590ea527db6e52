"""An epoch ends: every key in use is wrapped anew before the former one goes, also after a rotation that broke off."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import asyncpg
import pytest

from ops import keys as ops_keys
from ops.keys import Logins, rotate, rotate_keys, show_keys
from ops.settings import CannotStart, OpsSettings
from ops.system import in_role_of_owner
from services.reintegration.payee_details import key_of
from shared.blind_index import FileIndexKeys
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.epochs import Bare, Epochs, FileEpochs, Wrapped
from shared.handling import opened_fingerprint, sealed_fingerprint
from shared.ids import uuid7
from shared.private import PersonKeys, Place, Unsealed, opened, seal
from shared.row_keys import NEWEST, newest_of
from shared.topology import COUNSELLING, LOGS, REINTEGRATION, Service
from tests.integration.bus.house import until
from tests.integration.conftest import MakeDatabase, ServiceDatabase

ANNA = Scope("staff:anna", frozenset({"TR"}))
_EPOCHS = Sql("SELECT DISTINCT epoch FROM person_keys")
_ROW_KEYS = Sql("SELECT name, epoch, wrapped FROM row_keys")
_ANSWERED = Sql(
    "INSERT INTO idempotency (actor_id, key, fingerprint, status, resource_id, version) "
    "VALUES ('staff:anna', 'order-1', :fingerprint, 201, :id, 1)"
)
_MADE_UP = Sql(
    "INSERT INTO idempotency (actor_id, key, fingerprint, status, resource_id, version) "
    "VALUES ('staff:anna', :key, :fingerprint, 201, :id, 1)"
)
_FINGERPRINTS = Sql("SELECT key, fingerprint FROM idempotency")
_FINGERPRINT = Sql("SELECT fingerprint FROM idempotency WHERE key = 'order-1'")


_TAKE_OUT = Sql("DELETE FROM person_keys WHERE person_id = :person_id AND about = :about")
_WRAPPED = Sql("SELECT wrapped FROM person_keys")
_PUT_BACK = Sql("UPDATE person_keys SET wrapped = :wrapped")
_PUT_IN = "INSERT INTO row_keys (name, number, epoch, wrapped) VALUES ('made up', $1, '1', 'made up')"


class Ends(Exception):
    """The process was killed here."""


class Breaking:
    """Epochs whose process is killed at the call of this number."""

    def __init__(self, epochs: Epochs, calls: int) -> None:
        self.epochs = epochs
        self.calls = calls

    def _count(self) -> None:
        self.calls -= 1
        if self.calls < 0:
            raise Ends

    async def current(self) -> str:
        self._count()
        return await self.epochs.current()

    async def wrap(self, keys: Sequence[Bare]) -> list[Wrapped]:
        self._count()
        return await self.epochs.wrap(keys)

    async def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes]:
        self._count()
        return await self.epochs.unwrap(wrapped)

    async def rotate(self) -> str:
        self._count()
        return await self.epochs.rotate()

    async def destroy(self, epoch: str) -> None:
        self._count()
        await self.epochs.destroy(epoch)


def place(person_id: UUID) -> Place:
    return Place("counselling", "identities", "family_name", person_id, person_id, 1)


async def sealed(made: ServiceDatabase, keys: PersonKeys, person_id: UUID) -> bytes:
    async def work(unit: UnitOfWork) -> bytes:
        return seal(await keys.made_key(unit, person_id), place(person_id), "Invented")

    return await made.api.attempt(ANNA, work)


async def read(made: ServiceDatabase, keys: PersonKeys, person_id: UUID, value: bytes) -> str:
    async with made.api.unit_of_work(ANNA) as unit:
        key = await keys.key_of(unit, person_id)
    assert key is not None
    return opened(key, place(person_id), value)


@asynccontextmanager
async def logins_of(made: ServiceDatabase, service: Service = COUNSELLING) -> AsyncIterator[Logins]:
    owner = Database(in_role_of_owner(made.logins.migrate, service), "owner", 2)
    await owner.open()
    yield Logins(made.api, made.worker, owner)
    await owner.close()


def silent(_: str) -> None:
    """Nobody listens."""


def epochs_of(made: ServiceDatabase) -> FileEpochs:
    epochs = made.person_keys._epochs
    assert isinstance(epochs, FileEpochs)
    return epochs


async def test_a_rotation_that_broke_off_at_any_moment_is_done_by_the_next_and_nobody_loses_a_key(
    make_database: MakeDatabase,
) -> None:
    made = await make_database("counselling")
    epochs = epochs_of(made)
    values = {person: await sealed(made, made.person_keys, person) for person in (uuid7() for _ in range(3))}
    broke = 0
    for calls in range(20):
        try:
            async with logins_of(made) as logins:
                await rotate(COUNSELLING, logins, Breaking(epochs, calls), silent)
        except Ends:
            broke += 1
        for person, value in values.items():
            assert await read(made, PersonKeys("counselling", epochs), person, value) == "Invented"
        if broke <= calls:
            break
    assert broke >= 6
    current = await epochs.current()
    async with made.api.unit_of_work(ANNA) as unit:
        assert [row["epoch"] for row in await unit.rows(_EPOCHS)] == [current]
    assert epochs._numbers() == [int(current)]


async def test_a_key_that_is_being_made_under_the_former_epoch_is_waited_for(make_database: MakeDatabase) -> None:
    made = await make_database("counselling")
    epochs, person_id, early = epochs_of(made), uuid7(), uuid7()
    await sealed(made, made.person_keys, early)
    made_under, value, said = asyncio.Event(), b"", list[str]()

    async def slow(unit: UnitOfWork) -> bytes:
        key = await made.person_keys.made_key(unit, person_id)
        made_under.set()
        # As a request that takes its time: the rotation has begun and wrapped all that it saw.
        await until(lambda: epochs._numbers() != [1])
        return seal(key, place(person_id), "Invented")

    task = asyncio.ensure_future(made.api.attempt(ANNA, slow))
    await made_under.wait()
    async with logins_of(made) as logins:
        await rotate(COUNSELLING, logins, epochs, said.append)
    value = await task
    assert await read(made, PersonKeys("counselling", epochs), person_id, value) == "Invented"
    assert said == ["counselling: epoch 2, 2 keys wrapped and 0 rows sealed anew; epoch 1 and all before it are destroyed"]


async def test_what_a_copy_from_before_holds_opens_with_no_key_that_is_left(make_database: MakeDatabase) -> None:
    made = await make_database("counselling")
    epochs, person_id = epochs_of(made), uuid7()
    await sealed(made, made.person_keys, person_id)
    async with made.api.unit_of_work(ANNA) as unit:
        (before,) = await unit.rows(Sql("SELECT epoch, wrapped FROM person_keys"))
    async with logins_of(made) as logins:
        await rotate(COUNSELLING, logins, epochs, silent)
    bound = made.person_keys._bound(person_id, person_id)
    with pytest.raises(Unsealed):
        await epochs.unwrap([Wrapped(before["epoch"], bytes(before["wrapped"]), bound)])


async def answered(made: ServiceDatabase, service: str) -> None:
    """What was asked under a key of answers is remembered, sealed under the service's key of rows."""

    async def work(unit: UnitOfWork) -> None:
        key = await unit.keys.rows.newest(unit)
        sealed = sealed_fingerprint(service, key, "staff:anna", "order-1", b"invented")
        unit.write(Write(_ANSWERED, {"fingerprint": sealed, "id": uuid7()}))

    await made.api.attempt(ANNA, work)


async def test_the_keys_of_rows_of_every_service_that_has_a_log_end_with_their_epoch(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {service.name: await make_database(service.name) for service in LOGS}
    before = {}
    for name, one in made.items():
        await answered(one, name)
        async with one.api.unit_of_work(ANNA) as unit:
            (before[name],) = await unit.rows(_ROW_KEYS)

    @asynccontextmanager
    async def opened(_: OpsSettings, service: Service) -> AsyncIterator[tuple[Logins, Epochs, FileIndexKeys]]:
        epochs = epochs_of(made[service.name])
        async with logins_of(made[service.name], service) as logins:
            yield logins, epochs, FileIndexKeys(epochs._folder)

    async def nobody_is_erased(_: OpsSettings) -> None:
        """No erasure is under way."""

    monkeypatch.setattr(ops_keys, "_opened", opened)
    monkeypatch.setattr(ops_keys, "_refuse_while_erasing", nobody_is_erased)
    monkeypatch.setattr(ops_keys, "_end_the_services_own_key", lambda *_: asyncio.sleep(0))
    said: list[str] = []
    await rotate_keys(OpsSettings(), said.append)
    assert [line.partition(":")[0] for line in said if "sealed anew" in line] == [service.name for service in LOGS]
    for name, one in made.items():
        epochs = epochs_of(one)
        async with one.api.unit_of_work(ANNA) as unit:
            (after,) = await unit.rows(_ROW_KEYS)
            (row,) = await unit.rows(_FINGERPRINT)
            assert await opened_fingerprint(unit, name, "staff:anna", "order-1", bytes(row["fingerprint"])) == b"invented"
        assert (after["name"] != before[name]["name"], after["epoch"]) == (True, "2")
        former, bound = before[name], one.person_keys.rows._bound(before[name]["name"])
        with pytest.raises(Unsealed):
            await epochs.unwrap([Wrapped(former["epoch"], bytes(former["wrapped"]), bound)])
    shown = await show_keys(OpsSettings())
    assert [line.partition(":")[0] for line in shown] == [service.name for service in LOGS]
    assert all("epoch 2 wraps 1 keys of rows" in line for line in shown)


async def test_an_answer_under_a_key_that_opens_nothing_ends_no_rotation_and_repeats_nothing(make_database: MakeDatabase) -> None:
    made = await make_database("counselling")
    epochs = epochs_of(made)
    await answered(made, "counselling")
    async with made.api.unit_of_work(ANNA) as unit:
        (key,) = await unit.rows(_ROW_KEYS)
        for order, kept in (("order-2", f"sealed:{key['name']}:é"), ("order-3", "sealed:9-0123456789abcdef:AAAA")):
            values = {"key": order, "fingerprint": kept.encode(), "id": uuid7()}
            unit.write(Write(_MADE_UP, values))
    async with logins_of(made) as logins:
        await rotate(COUNSELLING, logins, epochs, silent)
    made.api.keys = PersonKeys("counselling", epochs)
    async with made.api.unit_of_work(ANNA) as unit:
        opened_ones = {
            row["key"]: await opened_fingerprint(unit, "counselling", "staff:anna", row["key"], bytes(row["fingerprint"]))
            for row in await unit.rows(_FINGERPRINTS)
        }
    assert opened_ones == {"order-1": b"invented", "order-2": b"", "order-3": b""}


async def sealing_key(made: ServiceDatabase) -> str:
    """The name of the key under which a command of this moment seals."""
    async with made.api.unit_of_work(ANNA) as unit:
        return (await unit.keys.rows.newest(unit)).name


async def put_in(made: ServiceDatabase, login: str, number: int) -> None:
    """Whoever has this login's password, and no vault, puts in a key that opens nothing; it may be refused."""
    connection = await asyncpg.connect(getattr(made.logins, login))
    try:
        with suppress(asyncpg.InsufficientPrivilegeError):
            await connection.execute(_PUT_IN, number)
    finally:
        await connection.close()


@pytest.mark.parametrize("login", ["api", "worker"])
@pytest.mark.parametrize("number", [2, 2**31 - 1])
async def test_a_key_that_opens_nothing_is_put_above_the_one_in_use_by_nobody_who_serves(
    number: int, login: str, make_database: MakeDatabase
) -> None:
    made = await make_database("counselling")
    await answered(made, "counselling")
    before = await sealing_key(made)
    await put_in(made, login, number)
    assert await sealing_key(made) == before
    async with logins_of(made) as logins:
        await rotate(COUNSELLING, logins, epochs_of(made), silent)
    assert (await sealing_key(made)).startswith("2-")


async def test_a_key_that_opens_nothing_below_the_one_in_use_stops_nothing_and_goes_with_the_next_rotation(make_database: MakeDatabase) -> None:
    made = await make_database("counselling")
    await answered(made, "counselling")
    async with logins_of(made) as logins:
        await rotate(COUNSELLING, logins, epochs_of(made), silent)
        before = await sealing_key(made)
        await put_in(made, "api", 1)
        assert await sealing_key(made) == before
        await rotate(COUNSELLING, logins, epochs_of(made), silent)
    async with made.api.unit_of_work(ANNA) as unit:
        assert [row["name"] for row in await unit.rows(_ROW_KEYS)] == [await sealing_key(made)]


async def test_of_two_that_make_the_first_key_at_a_time_the_later_seals_under_the_others(make_database: MakeDatabase) -> None:
    made = await make_database("counselling")
    tries: list[str] = []

    async def later(unit: UnitOfWork) -> str:
        found = await unit.row(Sql(f"SELECT {NEWEST} AS row_key"))
        assert found is not None
        if not tries:
            # Between its look and its own key another makes the first.
            tries.append(await made.api.attempt(ANNA, earlier))
        key = await unit.keys.rows.sealing(unit, newest_of(found))
        tries.append(key.name)
        return key.name

    async def earlier(unit: UnitOfWork) -> str:
        return (await unit.keys.rows.newest(unit)).name

    sealed_under = await made.api.attempt(ANNA, later)
    first, refused, again = tries
    assert (sealed_under, again) == (first, first)
    assert refused != first


async def put_past(made: ServiceDatabase, person_id: UUID, about: UUID) -> None:
    """A key that does not open stands under both, as whoever has the password of the API leaves it."""
    connection = await asyncpg.connect(made.logins.api)
    await connection.execute("SELECT set_config('app.countries', 'TR', false)")
    await connection.execute("INSERT INTO person_keys (person_id, about, epoch, wrapped) VALUES ($1, $2, '1', 'made up')", person_id, about)
    await connection.close()


@pytest.mark.parametrize("known", [False, True], ids=["of nobody", "of a known person"])
async def test_which_kept_key_does_not_open_is_said_and_nothing_is_destroyed(make_database: MakeDatabase, known: bool) -> None:
    made = await make_database("counselling")
    epochs, person_id, about = epochs_of(made), uuid7(), uuid7()
    value = await sealed(made, made.person_keys, person_id)
    whose = person_id if known else about
    await put_past(made, whose, about)
    async with logins_of(made) as logins:
        named = f"counselling: 1 kept keys do not open, such as those of person_id {whose}, about {about}\\."
        with pytest.raises(CannotStart, match=named) as stopped:
            await rotate(COUNSELLING, logins, epochs, silent)
        assert stopped.value.code == "key_does_not_open"
        assert await read(made, PersonKeys("counselling", epochs), person_id, value) == "Invented"
        # As the owner of the tables and by both columns, as it says.
        async with logins.owner.unit_of_work(ANNA) as unit:
            unit.write(Write(_TAKE_OUT, {"person_id": whose, "about": about}))
        await rotate(COUNSELLING, logins, epochs, silent)
    assert await read(made, PersonKeys("counselling", epochs), person_id, value) == "Invented"


@pytest.mark.parametrize("of_a_payee", [True, False], ids=["a payee of no person", "known but without a key"])
async def test_what_becomes_of_a_key_that_does_not_open_is_decided_by_the_copies_and_not_by_whom_it_names(
    make_database: MakeDatabase, of_a_payee: bool
) -> None:
    """A payee's own key stands under the payee twice, and of who is known there may never have been a key."""
    made = await make_database("reintegration")
    epochs, which = epochs_of(made), key_of(uuid7(), None if of_a_payee else uuid7())
    if of_a_payee:
        value = await sealed(made, made.person_keys, which[0])
        async with logins_of(made, REINTEGRATION) as logins, logins.owner.unit_of_work(ANNA) as unit:
            (kept,) = await unit.rows(_WRAPPED)
            unit.write(Write(_PUT_BACK, {"wrapped": b"made up"}))
    else:
        await put_past(made, *which)
    async with logins_of(made, REINTEGRATION) as logins:
        with pytest.raises(CannotStart) as stopped:
            await rotate(REINTEGRATION, logins, epochs, silent)
        said = str(stopped.value)
        assert f"such as those of person_id {which[0]}, about {which[1]}." in said
        assert "Look for each by both columns in person_keys of the copies from before. One that stands there is put back" in said
        assert "also where its person_id is neither a person nor a grant, as with payees of no person." in said
        assert "One that stands in none, and under which nothing is sealed, was put in: " in said
        async with logins.owner.unit_of_work(ANNA) as unit:
            unit.write(Write(_PUT_BACK, dict(kept)) if of_a_payee else Write(_TAKE_OUT, {"person_id": which[0], "about": which[1]}))
        await rotate(REINTEGRATION, logins, epochs, silent)
    if of_a_payee:
        assert await read(made, PersonKeys("reintegration", epochs), which[0], value) == "Invented"
