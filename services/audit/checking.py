"""The archive held against itself: what stands beside each entry's bytes, and every hash of the tree over them, made anew."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from services.audit import archive
from services.audit.archive import Entry
from services.audit.findings import CHECKED, NOTHING_OPEN, Difference, Standing, joined, settle, standing
from services.audit.repeating import each, waited_out
from services.audit.tables import CAUSE
from shared.db import Database, Scope, Sql, UnitOfWork
from shared.tlog.tiles import TILE_WIDTH, Tile, hashes_in, tile_holding
from shared.tlog.tree import full_hash, leaf_hash
from shared.topology import AUDIT

LOOK_SECONDS: Final = 20.0
# Of each look and each log, a hundredth of one core: what searches go by is made anew by the same code that made it.
CHECK_SECONDS: Final = 0.25

_ENTRIES = Sql(
    "SELECT idx, id, type, subject, partitionkey, actorid, time, reason, leaf, leaf_hash, "
    f"causationid IS NOT DISTINCT FROM {CAUSE} AS cause_holds, "
    "NOT EXISTS (SELECT FROM leaf_ids(e.leaf) named WHERE named <> e.id AND NOT EXISTS (SELECT FROM archive_mentions m "
    "WHERE m.about = named AND m.time = e.time AND m.log = e.log AND m.idx = e.idx "
    "AND m.access = (e.type LIKE 'avrr.%.access.%') AND m.type = e.type)) AS ids_named "
    "FROM archive_entries e WHERE log = :log AND idx >= :first AND idx < :end"
)
_TWICE = Sql(
    "SELECT id FROM archive_entries WHERE id = ANY (cast(:ids AS uuid[])) GROUP BY id HAVING count(*) > 1"
)
_NEXT = Sql("SELECT check_next FROM archive_watched WHERE log = :log")

# What else is held against these entries of a log, from the first to before the last.
Along = Callable[[str, int, int], Awaitable[None]]

log = structlog.get_logger("checking")


@dataclass(slots=True)
class Checked:
    """How far one log was checked: ``rounds`` whole ones, ``next`` the tile at which the present one goes on."""

    next: int | None = None
    rounds: int = 0
    found: Standing = NOTHING_OPEN
    fault: str | None = None

    @property
    def differences(self) -> int:
        """How many findings of the log are open and accepted by nobody."""
        return self.found.ringing


class Checking:
    """Checks the archive of every log, for as long as it runs, from where the process before it stopped."""

    def __init__(
        self, database: Database, logs: Sequence[str], along: Sequence[Along] = (), elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self.logs: Mapping[str, Checked] = {name: Checked() for name in logs}
        self._database = database
        self._along = along
        self._elapsed = elapsed
        self._scope = Scope(f"service:{AUDIT.name}")

    async def round(self) -> None:
        """Looks at the archive of every log once; whatever fails is tried again in the next round."""
        await each(self.logs, self.look)

    async def look(self, name: str) -> None:
        """Checks the place, the newest entries, and goes on with the round for a while."""
        checked = self.logs[name]
        with waited_out(checked, lambda kind: log.warning("check_waits", source=name, kind=kind)):
            until = self._elapsed() + CHECK_SECONDS
            last, _ = await self._database.attempt(self._scope, lambda unit: archive.placed(unit, name))
            checked.found = await self._database.attempt(self._scope, lambda unit: standing(unit, name))
            if checked.next is None:
                row = await self._database.alone(_NEXT, log=name)
                checked.next = row["check_next"] if row is not None else 0
            size, newest = last + 1, last // TILE_WIDTH
            if size:
                await self._check(name, newest, size)
            while self._elapsed() < until:
                if checked.next < newest:
                    await self._check(name, checked.next, size)
                    checked.next += 1
                else:
                    checked.next, checked.rounds = 0, checked.rounds + 1
                    break
            checked.found = await self._database.attempt(self._scope, lambda unit: standing(unit, name))

    def status(self) -> dict[str, object]:
        """What readiness tells of each log."""
        return {
            name: {
                "rounds": one.rounds, "next": one.next, "differences": one.differences, "accepted": one.found.accepted, "fault": one.fault,
            }
            for name, one in self.logs.items()
        }  # fmt: skip

    async def _check(self, name: str, index: int, size: int) -> None:
        tile = tile_holding(0, index, size)
        first, end = index * TILE_WIDTH, index * TILE_WIDTH + tile.width

        async def read(unit: UnitOfWork) -> list[Difference]:
            rows = {row["idx"]: row for row in await unit.rows(_ENTRIES, log=name, first=first, end=end)}
            twice = await unit.rows(_TWICE, ids=[row["id"] for row in rows.values()])
            tiles = await archive.tiles_in(unit, name, [tile, *_above(tile, size)])
            return found_in(tile, size, rows, {row["id"] for row in twice}, tiles)

        found = await self._database.attempt(self._scope, read)
        if found or self.logs[name].found != NOTHING_OPEN:
            await self._database.attempt(self._scope, lambda unit: settle(unit, name, CHECKED, first, end, found))
        for one in found:
            log.error("archive_differs_from_itself", source=name, kind=one.kind, first=one.first, last=one.last)
        for look in self._along:
            await look(name, first, end)


def found_in(
    tile: Tile, size: int, rows: Mapping[int, asyncpg.Record], twice: set[UUID], tiles: Mapping[Tile, bytes]
) -> list[Difference]:
    """What is wrong with the entries of this tile of level 0, with its hashes, and with those that are made of it alone.

    A hash above the tile is looked at with the last tile below it, so that a round over all tiles looks at every hash of the
    tree; what is wrong with one is named by the entries of the tile by which it was noticed.
    """
    first = tile.index * TILE_WIDTH
    held = hashes_in(tiles[tile]) if tile in tiles else []
    found: list[Difference] = []
    leaves: list[bytes] = []
    for place in range(tile.width):
        idx = first + place
        row = rows.get(idx)
        if row is None:
            found.append(Difference("archive", idx, idx))
            leaves.append(b"")
            continue
        leaves.append(leaf_hash(bytes(row["leaf"])))
        if not _stands(row):
            found.append(Difference("column", idx, idx))
        if row["id"] in twice:
            found.append(Difference("twice", idx, idx, f"{idx}:{row['id']}"))
        if not held or held[place] != leaves[place]:
            found.append(Difference("tile", idx, idx))
    if tile.width == TILE_WIDTH and b"" not in leaves and not _climbs(tile, leaves, size, tiles):
        found.append(Difference("tile", first, first + tile.width - 1))
    return joined(found)


def _stands(row: asyncpg.Record) -> bool:
    """Whether what stands beside an entry's bytes is what they say."""
    entry = Entry.of(row["idx"], bytes(row["leaf"]))
    if entry is None or not row["cause_holds"] or not row["ids_named"]:
        return False
    return all(row[name] == value for name, value in entry.columns.items())


def _above(tile: Tile, size: int) -> list[Tile]:
    """The tiles that have a hash which is made of this full tile, and of what is before it, alone."""
    above: list[Tile] = []
    while tile.width == TILE_WIDTH:
        place = tile.index % TILE_WIDTH
        tile = tile_holding(tile.level + 1, tile.index // TILE_WIDTH, size)
        above.append(tile)
        if place != TILE_WIDTH - 1:
            break
    return above


def _climbs(tile: Tile, hashes: Sequence[bytes], size: int, tiles: Mapping[Tile, bytes]) -> bool:
    """Whether each of the hashes above a full tile is the one that is made of those below it."""
    index = tile.index
    for above in _above(tile, size):
        if above not in tiles:
            return False
        there = hashes_in(tiles[above])
        if there[index % TILE_WIDTH] != full_hash(hashes):
            return False
        hashes, index = there, above.index
    return True
