"""Every kept checkpoint is proven anew in each round of the archive over itself, and not the latest alone."""

import asyncpg
import pytest

from services.audit.checking import Checking
from services.audit.kept_checkpoints import KeptCheckpoints
from shared.tlog.tiles import TILE_WIDTH
from tests.integration.audit.archived_log import LOG, ArchivedLog

SIZES = (1, 2, 3, 7, TILE_WIDTH - 1, TILE_WIDTH, TILE_WIDTH + 1, TILE_WIDTH + 40, 2 * TILE_WIDTH, 2 * TILE_WIDTH + 3)
_FORGED = "INSERT INTO archive_checkpoints (log, size, root, note, agrees) VALUES ($1, $2, $3, 'nothing', $4)"


@pytest.fixture
async def kept(archived: ArchivedLog) -> ArchivedLog:
    await archived.happen(2 * TILE_WIDTH + 9)
    await archived.archive()
    for size in SIZES:
        assert (await archived.told(await archived.signed(size))).alarm is None
    return archived


async def walked(archived: ArchivedLog, *, signed: bool | None = True) -> list[tuple[object, ...]]:
    """What a whole round finds of kept checkpoints, of which a key signed all, none, or nobody knows."""
    checking = Checking(archived.made.worker, (LOG,), [KeptCheckpoints(archived.made.worker, lambda *_: signed).look])
    while not checking.logs[LOG].rounds:
        await checking.look(LOG)
        assert checking.logs[LOG].fault is None
    return await archived.differences()


async def put(archived: ArchivedLog, size: int, root: bytes, *, agrees: bool = True) -> None:
    """What whoever has the worker's password can put there."""
    worker = await asyncpg.connect(archived.made.logins.worker)
    await worker.execute(_FORGED, LOG, size, root, agrees)
    await worker.close()


async def test_kept_checkpoints_of_every_size_are_those_of_the_tree(kept: ArchivedLog) -> None:
    assert await walked(kept) == []


@pytest.mark.parametrize("size", [1, 5, TILE_WIDTH, 2 * TILE_WIDTH - 7])
@pytest.mark.parametrize("signed", [True, False, None])
async def test_one_among_them_that_has_another_root_is_found_though_the_latest_is_proven(
    kept: ArchivedLog, size: int, signed: bool | None
) -> None:
    await put(kept, size, bytes(32))
    assert await walked(kept, signed=signed) == [("note", size - 1, size - 1) if signed is False else ("root", 0, size - 1)]


async def test_one_that_is_said_to_be_of_another_history_and_is_not_is_found(kept: ArchivedLog) -> None:
    async with kept.beside_the_archive() as superuser:
        await superuser.execute("UPDATE archive_checkpoints SET agrees = false WHERE size = 7")
    assert await walked(kept) == [("note", 6, 6)]


async def test_one_of_entries_that_are_not_archived_is_found(kept: ArchivedLog) -> None:
    await put(kept, 10**12, bytes(32))
    assert await walked(kept) == [("note", 10**12 - 1, 10**12 - 1)]


async def test_two_histories_that_were_told_are_found_once_and_stay(kept: ArchivedLog) -> None:
    size = 2 * TILE_WIDTH + 5
    assert (await kept.told(await kept.signed(size, other=b"x", at=9))).alarm == "root_unlike_archive"
    assert await walked(kept) == [("root", 0, size - 1)]


async def test_a_log_that_was_signed_before_its_first_entry_is_as_it_should_be_and_another_root_of_nothing_is_not(
    archived: ArchivedLog,
) -> None:
    assert (await archived.told(await archived.signed(0))).alarm is None
    await archived.happen(3)
    await archived.archive()
    assert await walked(archived) == []
    await put(archived, 0, bytes(32))
    assert await walked(archived) == [("note", 0, 0)]


async def test_each_of_several_other_histories_is_found_once_however_often_it_is_looked_at(kept: ArchivedLog) -> None:
    # All of them are told as beginning with the first entry, two of one tile among them.
    for size, root in ((5, bytes(32)), (6, bytes(32)), (TILE_WIDTH + 3, bytes(32)), (6, b"\1" * 32)):
        await put(kept, size, root)
    for _ in range(2):
        assert [(kind, first) for kind, first, _ in await walked(kept)] == [("root", 0)]
        assert await kept.sightings() == {("root", 0): 4}
    await put(kept, 9, bytes(32))
    await walked(kept)
    assert await kept.sightings() == {("root", 0): 5}
