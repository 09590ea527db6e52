"""The files of a log as C2SP's tlog-tiles lays them out: tiles of up to 256 hashes and bundles of up to 256 entries."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.tlog.refusals import LogRefused
from shared.tlog.tree import HASH_BYTES, Nodes, full_hash

TILE_BITS: Final = 8
TILE_WIDTH: Final = 1 << TILE_BITS
MOST_ENTRY_BYTES: Final = (1 << 16) - 1
_GROUP = re.compile(r"x?[0-9]{3}")
_WIDTH = re.compile(r"[1-9][0-9]{0,2}")
# So many tiles are kept in memory at a time where proofs are made.
_KEPT: Final = 128


@dataclass(frozen=True, slots=True)
class Tile:
    """Which tile of a log: its level, its place in that level, and of how many hashes or entries."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where its hashes stand, below the log's folder."""
        return f"tile/{self.level}/{_place(self.index, self.width)}"

    @property
    def entries_path(self) -> str:
        """Where the entries stand of which a tile of level 0 has the hashes."""
        return f"tile/entries/{_place(self.index, self.width)}"


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree with so many entries, level after level; there is none for an empty one."""
    level, width = 0, size
    while width:
        full, partial = divmod(width, TILE_WIDTH)
        yield from (Tile(level, index) for index in range(full))
        if partial:
            yield Tile(level, full, partial)
        level, width = level + 1, full


def tile_holding(level: int, index: int, size: int) -> Tile:
    """The tile ``index`` of a level as a tree of ``size`` entries has it, full or partial; LogRefused if there is none."""
    width = min(TILE_WIDTH, (size >> TILE_BITS * level) - index * TILE_WIDTH)
    if width <= 0 or index < 0:
        raise LogRefused("no_such_tile", "A tree of this size has no such tile.")
    return Tile(level, index, width)


def bundled(entries: Iterable[bytes]) -> bytes:
    """Entries one after the other, each after its length; LogRefused where one is too long to be told so."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MOST_ENTRY_BYTES:
            raise LogRefused("entry_too_long", "An entry has more bytes than its length can tell.")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def entries_in(bundle: bytes) -> list[bytes]:
    """The entries of a bundle; LogRefused where it ends within one."""
    entries: list[bytes] = []
    place, end = 0, len(bundle)
    while place < end:
        begin = place + 2
        place = begin + int.from_bytes(bundle[place:begin], "big")
        if begin > end or place > end:
            raise LogRefused("bundle_cut", "A bundle of entries ends within one.")
        entries.append(bundle[begin:place])
    return entries


def hashes_in(tile: bytes) -> list[bytes]:
    """The hashes of a tile; LogRefused where it is no number of whole ones, none, or more than a tile has."""
    if not tile or len(tile) % HASH_BYTES or len(tile) > HASH_BYTES * TILE_WIDTH:
        raise LogRefused("tile_wrong", "A tile has not from 1 to 256 whole hashes.")
    return [tile[place : place + HASH_BYTES] for place in range(0, len(tile), HASH_BYTES)]


class Growing:
    """The right edge of a log's tiles: takes the hashes of new entries, and gives the tiles that they fill.

    A log goes on where it stood with the partial tiles of its size.
    """

    def __init__(self, size: int = 0, partial: Callable[[Tile], bytes] | None = None) -> None:
        self.size = size
        self._edge: list[list[bytes]] = []
        while size >> TILE_BITS * len(self._edge):
            level = len(self._edge)
            full, width = divmod(size >> TILE_BITS * level, TILE_WIDTH)
            self._edge.append(_of_width(partial, Tile(level, full, width)) if width else [])

    @property
    def last(self) -> bytes | None:
        """The hash of the newest entry, None where its tile is full, or there is none."""
        return self._edge[0][-1] if self._edge and self._edge[0] else None

    def copy(self) -> "Growing":
        """The same edge, that may go on by itself."""
        other = Growing()
        other.size, other._edge = self.size, [list(hashes) for hashes in self._edge]
        return other

    def extend(self, leaves: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Every tile that becomes full with these hashes, each before the tile above it."""
        for leaf in leaves:
            self.size += 1
            yield from self._put(0, leaf)

    def partials(self) -> Iterator[tuple[Tile, bytes]]:
        """The tiles at the edge that are not full, as they are now."""
        for level, hashes in enumerate(self._edge):
            if hashes:
                yield Tile(level, (self.size >> TILE_BITS * level) // TILE_WIDTH, len(hashes)), b"".join(hashes)

    def _put(self, level: int, found: bytes) -> Iterator[tuple[Tile, bytes]]:
        if level == len(self._edge):
            self._edge.append([])
        hashes = self._edge[level]
        hashes.append(found)
        if len(hashes) == TILE_WIDTH:
            yield Tile(level, (self.size >> TILE_BITS * level) // TILE_WIDTH - 1), b"".join(hashes)
            self._edge[level] = []
            yield from self._put(level + 1, full_hash(hashes))


def nodes_of(size: int, read: Callable[[Tile], bytes]) -> Nodes:
    """The hashes within a tree of ``size`` entries, read from its tiles; LogRefused where a tile is not as wide as it has to be."""

    @lru_cache(maxsize=_KEPT)
    def hashes(tile: Tile) -> list[bytes]:
        return _of_width(read, tile)

    def node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_BITS)
        first = index << height
        found = hashes(tile_holding(tile_level, first // TILE_WIDTH, size))
        within = first % TILE_WIDTH
        return full_hash(found[within : within + (1 << height)])

    return node


def _of_width(read: Callable[[Tile], bytes] | None, tile: Tile) -> list[bytes]:
    found = hashes_in(read(tile)) if read is not None else []
    if len(found) != tile.width:
        raise LogRefused("tile_unlike_size", "A tile has another number of hashes than a tree of this size needs.")
    return found


def tile_at(level: int, place: str) -> Tile:
    """The tile of a level that is written like this in addresses; LogRefused where none is."""
    written, partial, width = place.partition(".p/")
    groups = written.split("/")
    if not all(_GROUP.fullmatch(group) for group in groups) or (partial and not _WIDTH.fullmatch(width)):
        raise LogRefused("no_such_tile", "No tile is written like this.")
    tile = Tile(level, int("".join(group[-3:] for group in groups)), int(width) if partial else TILE_WIDTH)
    # One tile has one address, so that nobody is told of two where there is one.
    if _place(tile.index, tile.width) != place:
        raise LogRefused("no_such_tile", "No tile is written like this.")
    return tile


def _place(index: int, width: int) -> str:
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    return "/".join(reversed(groups)) + ("" if width == TILE_WIDTH else f".p/{width}")
