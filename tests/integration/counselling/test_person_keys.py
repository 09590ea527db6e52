"""Keys of persons on PostgreSQL: one for each, made with what is sealed under it, and gone at once when destroyed."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import asyncpg
import pytest

from shared import private
from shared.db import Scope, Sql, UnitOfWork
from shared.epochs import Bare, EpochsAway, FileEpochs, Wrapped
from shared.ids import uuid7
from shared.private import PersonKey, PersonKeys, Place, Unsealed, opened, seal
from tests.integration.conftest import MakeDatabase, ServiceDatabase

ANNA = Scope("staff:anna", frozenset({"TR", "PK"}))
ALL_KEYS = Sql("SELECT person_id, epoch, wrapped FROM person_keys ORDER BY person_id")


class CountedEpochs:
    """Epochs that count how often keys are unwrapped, and that can be away."""

    def __init__(self, epochs: FileEpochs) -> None:
        self.epochs = epochs
        self.unwrapped: list[int] = []
        self.away = False

    async def current(self) -> str:
        return await self.epochs.current()

    async def wrap(self, keys: Sequence[Bare]) -> list[Wrapped]:
        if self.away:
            raise EpochsAway
        return await self.epochs.wrap(keys)

    async def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes]:
        if self.away:
            raise EpochsAway
        self.unwrapped.append(len(wrapped))
        return await self.epochs.unwrap(wrapped)

    async def rotate(self) -> str:
        return await self.epochs.rotate()

    async def destroy(self, epoch: str) -> None:
        await self.epochs.destroy(epoch)


class Kept:
    """Counselling's database and the keys in it, as one process has them."""

    def __init__(self, made: ServiceDatabase, epochs: CountedEpochs) -> None:
        self.made = made
        self.epochs = epochs
        self.now = 0.0
        self.keys = self.process()

    def process(self, most: int = 2000) -> PersonKeys:
        """The keys as another process has them, which remembers none of them."""
        return PersonKeys("counselling", self.epochs, most=most, seconds=60, now=lambda: self.now)

    async def make(self, person_id: UUID, text: str = "Şükran") -> bytes:
        async def work(unit: UnitOfWork) -> bytes:
            return seal(await self.keys.made_key(unit, person_id), place(person_id), text)

        return await self.made.api.attempt(ANNA, work)

    async def key_of(self, person_id: UUID, keys: PersonKeys | None = None) -> PersonKey | None:
        async with self.made.api.unit_of_work(ANNA) as unit:
            return await (keys or self.keys).key_of(unit, person_id)

    async def read(self, person_id: UUID, sealed: bytes, keys: PersonKeys | None = None) -> str:
        key = await self.key_of(person_id, keys)
        assert key is not None
        return opened(key, place(person_id), sealed)

    async def destroy(self, person_id: UUID) -> None:
        """What the trigger of an erased person's row does."""
        await self.as_owner("DELETE FROM person_keys WHERE person_id = $1", person_id)

    async def rolled_back(self, work: Callable[[UnitOfWork], Awaitable[None]]) -> None:
        async def fails(unit: UnitOfWork) -> None:
            await work(unit)
            raise LookupError

        with pytest.raises(LookupError):
            await self.made.api.attempt(ANNA, fails)

    async def rows(self) -> list[asyncpg.Record]:
        async with self.made.api.unit_of_work(ANNA) as unit:
            return await unit.rows(ALL_KEYS)

    async def as_owner(self, statement: str, *values: object) -> None:
        connection = await asyncpg.connect(self.made.logins.migrate)
        await connection.execute("SET ROLE counselling_owner")
        await connection.execute(statement, *values)
        await connection.close()


def place(person_id: UUID) -> Place:
    return Place("counselling", "persons", "surname", person_id, person_id, 1)


@pytest.fixture
async def kept(make_database: MakeDatabase) -> Kept:
    made = await make_database("counselling")
    epochs = made.person_keys._epochs
    assert isinstance(epochs, FileEpochs)
    return Kept(made, CountedEpochs(epochs))


async def test_a_key_is_made_once_and_another_process_finds_it(kept: Kept) -> None:
    person = uuid7()
    assert await kept.key_of(person) is None
    first, second = await kept.make(person, "Şükran"), await kept.make(person, "شكران")
    (row,) = await kept.rows()
    assert (row["person_id"], row["epoch"]) == (person, "1")
    other = kept.process()
    assert [await kept.read(person, sealed, other) for sealed in (first, second)] == ["Şükran", "شكران"]


async def test_of_two_who_make_one_at_a_time_both_end_with_the_same(kept: Kept) -> None:
    person = uuid7()
    both_found_none = asyncio.Barrier(2)

    async def register(keys: PersonKeys, text: str) -> tuple[bytes, int]:
        tries = 0

        async def work(unit: UnitOfWork) -> bytes:
            nonlocal tries
            tries += 1
            key = await keys.made_key(unit, person)
            if tries == 1:
                await both_found_none.wait()
            return seal(key, place(person), text)

        return await kept.made.api.attempt(ANNA, work), tries

    (one, tries), (other, other_tries) = await asyncio.gather(
        register(kept.process(), "one"), register(kept.process(), "other")
    )
    assert {tries, other_tries} == {1, 2}
    assert len(await kept.rows()) == 1
    assert [await kept.read(person, sealed) for sealed in (one, other)] == ["one", "other"]


async def test_made_twice_within_one_transaction_it_is_the_same_key(kept: Kept) -> None:
    person = uuid7()
    async with kept.made.api.unit_of_work(ANNA) as unit:
        first = seal(await kept.keys.made_key(unit, person), place(person), "first")
        second = seal(await kept.keys.made_key(unit, person), place(person), "second")
    assert [await kept.read(person, sealed) for sealed in (first, second)] == ["first", "second"]


async def test_a_key_that_was_rolled_back_is_never_used_again(kept: Kept) -> None:
    person = uuid7()

    async def make(unit: UnitOfWork) -> None:
        await kept.keys.made_key(unit, person)
        await unit.flush()

    await kept.rolled_back(make)
    assert await kept.key_of(person) is None
    sealed = await kept.make(person)
    assert await kept.read(person, sealed, kept.process()) == "Şükran"




async def test_one_person_or_fifty_are_one_statement_and_one_unwrapping(kept: Kept) -> None:
    persons = [uuid7() for _ in range(50)]
    for person in persons:
        await kept.make(person)
    nobody, other = uuid7(), kept.process()
    kept.epochs.unwrapped.clear()
    async with kept.made.api.unit_of_work(ANNA) as unit:
        before = kept.made.api.counts.statements
        found = await other.keys_of(unit, [*persons, nobody])
        assert (set(found), kept.made.api.counts.statements - before) == (set(persons), 1)
        assert (await other.keys_of(unit, persons)).keys() == found.keys()
        assert await other.keys_of(unit, []) == {}
        assert kept.made.api.counts.statements - before == 2
        assert kept.epochs.unwrapped == [50]


async def test_making_a_key_adds_one_statement_to_a_command_that_writes_anyway(kept: Kept) -> None:
    async with kept.made.api.unit_of_work(ANNA) as unit:
        before = kept.made.api.counts.statements
        await kept.keys.made_key(unit, uuid7())
        await kept.keys.made_key(unit, uuid7())
        assert kept.made.api.counts.statements - before == 3
        await unit.flush()
        assert kept.made.api.counts.statements - before == 4


async def test_a_remembered_key_is_unwrapped_again_after_its_time_and_where_others_took_its_place(kept: Kept) -> None:
    persons = [uuid7() for _ in range(3)]
    for person in persons:
        await kept.make(person)
    small = kept.process(most=2)

    async def unwraps(person: UUID) -> int:
        kept.epochs.unwrapped.clear()
        assert await kept.key_of(person, small) is not None
        return sum(kept.epochs.unwrapped)

    first, second, third = persons
    assert [await unwraps(person) for person in (first, first, second, first)] == [1, 0, 1, 0]
    # The third takes the place of the first, which was unwrapped before the second.
    assert [await unwraps(person) for person in (third, second, first)] == [1, 0, 1]
    assert len(small._known) == 2
    kept.now += 61
    assert [await unwraps(person) for person in (first, first)] == [1, 0]
    assert len(small._known) == 1


async def test_destroyed_by_one_process_a_key_is_gone_for_each_at_once(kept: Kept) -> None:
    person, other = uuid7(), kept.process()
    await kept.make(person)
    assert await kept.key_of(person, other) is not None
    await kept.destroy(person)
    assert await kept.rows() == []
    assert (await kept.key_of(person), await kept.key_of(person, other)) == (None, None)
    kept.keys.forget(person)
    assert kept.keys._known == {}


async def test_kept_keys_that_were_exchanged_are_refused_also_in_another_service(kept: Kept) -> None:
    one, other = uuid7(), uuid7()
    await kept.make(one)
    await kept.make(other)
    of_another = PersonKeys("returns", kept.epochs)
    with pytest.raises(Unsealed):
        await kept.key_of(one, of_another)
    await kept.as_owner(
        "UPDATE person_keys k SET wrapped = o.wrapped FROM person_keys o WHERE o.person_id <> k.person_id"
    )
    for keys in (kept.keys, kept.process()):
        with pytest.raises(Unsealed):
            await kept.key_of(one, keys)


async def test_while_nobody_can_unwrap_nobody_is_taken_for_erased_and_no_key_is_made(kept: Kept) -> None:
    person = uuid7()
    sealed = await kept.make(person)
    kept.epochs.away = True
    with pytest.raises(EpochsAway):
        await kept.key_of(person, kept.process())
    with pytest.raises(EpochsAway):
        await kept.make(uuid7())
    assert len(await kept.rows()) == 1
    assert await kept.read(person, sealed) == "Şükran"


async def test_after_all_keys_were_wrapped_anew_the_former_epoch_can_go(kept: Kept) -> None:
    sealed = {person: await kept.make(person, str(person)) for person in (uuid7() for _ in range(5))}
    erased = next(iter(sealed))
    before = {row["person_id"]: row["wrapped"] for row in await kept.rows()}
    await kept.epochs.rotate()
    found: list[int] = []
    while not found or found[-1]:
        async with kept.made.api.unit_of_work(ANNA) as unit:
            found.append(await kept.keys.rewrap(unit, most=2))
    assert found == [2, 2, 1, 0]
    assert {row["epoch"] for row in await kept.rows()} == {"2"}
    await kept.destroy(erased)
    await kept.epochs.destroy("1")
    for person, value in sealed.items():
        if person != erased:
            assert await kept.read(person, value, kept.process()) == str(person)
    # From a copy of the database from before, nobody's key comes back.
    for person, wrapped in before.items():
        await kept.as_owner(
            "INSERT INTO person_keys (person_id, about, epoch, wrapped) VALUES ($1, $1, '1', $2) "
            "ON CONFLICT (person_id, about) DO UPDATE SET epoch = '1', wrapped = $2",
            person, wrapped,
        )  # fmt: skip
        with pytest.raises(Unsealed):
            await kept.key_of(person, kept.process())


async def test_papers_have_a_key_of_their_own_which_does_not_open_what_is_the_persons(kept: Kept) -> None:
    person, grant = uuid7(), uuid7()
    sealed = await kept.make(person)
    async with kept.made.api.unit_of_work(ANNA) as unit:
        papers = await kept.keys.made_key(unit, person, grant)
    assert len(await kept.rows()) == 2
    with pytest.raises(Unsealed):
        opened(papers, place(person), sealed)
    async with kept.made.api.unit_of_work(ANNA) as unit:
        again = await kept.process().key_of(unit, person, grant)
        assert again is not None
        assert await kept.process().key_of(unit, person, uuid7()) is None
    assert again.fingerprint(b"x") == papers.fingerprint(b"x")
    # One put in the place of the other does not unwrap.
    await kept.as_owner("UPDATE person_keys k SET wrapped = o.wrapped FROM person_keys o WHERE o.about <> k.about")
    with pytest.raises(Unsealed):
        await kept.key_of(person, kept.process())


@pytest.mark.parametrize("again", [False, True])
async def test_who_is_erased_while_keys_are_wrapped_anew_does_not_get_the_old_key_back(again: bool, kept: Kept) -> None:
    person, sealed = uuid7(), b""
    await kept.make(person)
    await kept.epochs.rotate()
    async with kept.made.api.unit_of_work(ANNA) as unit:
        assert await kept.keys.rewrap(unit) == 1
        await kept.destroy(person)
        if again:
            sealed = await kept.make(person, "again")
    assert len(await kept.rows()) == int(again)
    if again:
        assert await kept.read(person, sealed, kept.process()) == "again"


async def test_no_question_for_keys_reads_the_whole_table(kept: Kept) -> None:
    await kept.as_owner(
        "INSERT INTO person_keys (person_id, about, epoch, wrapped) "
        "SELECT id, id, '2', '\\x00' FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 50000)) made"
    )
    await kept.as_owner("ANALYZE person_keys")
    asked = (
        (private._KEYS, {"person_ids": (asked_for := [uuid7() for _ in range(50)]), "abouts": asked_for}),
        (private._OF_OTHER_EPOCHS, {"epoch": "2", "most": 100}),
    )
    connection = await asyncpg.connect(kept.made.logins.api)
    await connection.execute("SELECT set_config('app.countries', 'TR', false)")
    for mode in ("force_custom_plan", "force_generic_plan"):
        await connection.execute(f"SET plan_cache_mode = {mode}")
        for sql, values in asked:
            plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql.text}", *sql.arguments(values))
            assert "Seq Scan" not in json.dumps(json.loads(plan)), mode
    await connection.close()
