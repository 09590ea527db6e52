"""What the cursor says of an event, and what it keeps."""

from uuid import UUID

from shared.db import Sql
from shared.ids import uuid7
from tests.integration.bus.house import NOBODY, House

KEY = uuid7()
A, B, C = b"a" * 32, b"b" * 32, b"c" * 32
_TAKE = Sql("SELECT take('counselling', :idx, :hash, :key)")
_TRY = Sql("SELECT count_try('counselling', :idx, cast(:by AS integer))")


async def take(house: House, idx: int, hash: bytes, key: UUID = KEY) -> object:
    async with house.follower.unit_of_work(NOBODY) as unit:
        row = await unit.row(_TAKE, idx=idx, hash=hash, key=key)
    assert row is not None
    return row[0]


async def tries(house: House, idx: int, by: int) -> object:
    async with house.follower.unit_of_work(NOBODY) as unit:
        row = await unit.row(_TRY, idx=idx, by=by)
    assert row is not None
    return row[0]


async def test_the_first_event_is_new_and_makes_the_cursor(house: House) -> None:
    assert await take(house, 0, A) == "new"
    cursor = await house.cursor()
    assert (cursor["last_idx"], cursor["last_hash"], cursor["tries"], cursor["stopped"]) == (0, A, 0, None)


async def test_an_event_is_new_only_once(house: House) -> None:
    assert [await take(house, idx, hash) for idx, hash in ((0, A), (0, A), (1, B), (1, B), (0, A))] == [
        "new", "seen", "new", "seen", "seen",
    ]  # fmt: skip


async def test_another_event_in_the_place_of_the_last_one_moves_nothing(house: House) -> None:
    await take(house, 0, A)
    assert await take(house, 0, B) == "other"
    cursor = await house.cursor()
    assert (cursor["last_idx"], cursor["last_hash"], cursor["stopped"]) == (0, A, "other")
    assert await take(house, 0, A) == "seen"
    assert (await house.cursor())["stopped"] is None


async def test_an_event_past_a_missing_one_moves_nothing_until_that_one_comes(house: House) -> None:
    assert await take(house, 1, B) == "gap"
    assert ((await house.cursor())["last_idx"], (await house.cursor())["stopped"]) == (-1, "gap")
    assert [await take(house, 0, A), await take(house, 1, B)] == ["new", "new"]
    assert (await house.cursor())["stopped"] is None


async def test_an_event_whose_key_has_a_dead_letter_is_parked_and_the_cursor_moves_on(house: House) -> None:
    await take(house, 0, A)
    async with house.follower.unit_of_work(NOBODY) as unit:
        await unit.rows(
            Sql(
                "INSERT INTO dead_letter (source, idx, partitionkey, leaf, reason) "
                "VALUES ('counselling', 0, :key, ''\\:\\:bytea, 'x') RETURNING 1"
            ),
            key=KEY,
        )
    assert await take(house, 1, B) == "parked"
    assert await take(house, 2, C, uuid7()) == "new"
    assert (await house.cursor())["last_idx"] == 2


async def test_tries_belong_to_the_next_event_and_start_anew_with_each(house: House) -> None:
    assert [await tries(house, 0, 1), await tries(house, 0, 1), await tries(house, 0, -1)] == [1, 2, 1]
    assert await tries(house, 5, 1) == 0
    await take(house, 0, A)
    assert (await house.cursor())["tries"] == 0
    assert await tries(house, 0, 1) == 0
    assert await tries(house, 1, 1) == 1
