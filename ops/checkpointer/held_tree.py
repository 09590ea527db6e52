"""A log's tree as its checkpoints were made of it: its tiles on disk, so that memory stays the same at any size."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from shared.durable_files import write_durably
from shared.tlog.tiles import TILE_WIDTH, Growing, Tile, hashes_in, nodes_of, tile_holding, tiles_of
from shared.tlog.tree import HASH_BYTES, Nodes, full_hash

_EDGE: Final = "edge"


class TreeDamaged(OSError):
    """A tile on disk is not the one that was written; the log itself may be as it was."""


class HeldTree:
    """The tiles of one log below a private folder.

    Tiles at the edge that are not full stand in one file with the size of the tree, which is written after those that are
    full. What is damaged or missing is not held, and read from the log again: whether that is still what was signed, the
    signer's memory says.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._growing = self._kept()
        if not self._is_sound():
            self._growing = Growing()

    @property
    def size(self) -> int:
        """How many entries it has."""
        return self._growing.size

    @property
    def nodes(self) -> Nodes:
        """The hashes within the tree as it is now."""
        return nodes_of(self.size, self._read)

    def leaves(self, tile: int) -> list[bytes]:
        """The hashes of the entries in that tile of level 0; LogRefused if it has none, `TreeDamaged` where it cannot be read."""
        return hashes_in(self._read(tile_holding(0, tile, self.size)))

    def followed_by(self, leaves: Sequence[bytes]) -> Nodes:
        """The hashes within the tree that these new entries would make of it; nothing of it is kept."""
        growing = self._growing.copy()
        new = dict(growing.extend(leaves)) | dict(growing.partials())
        return nodes_of(growing.size, lambda tile: new[tile] if tile in new else self._read(tile))

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Takes the hashes of new entries; OSError where they cannot be kept, and then it has to be opened anew."""
        for tile, hashes in self._growing.extend(leaves):
            path = self._folder / tile.path
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_durably(path, hashes)
        edge = {tile.level: base64.b64encode(hashes).decode() for tile, hashes in self._growing.partials()}
        write_durably(self._folder / _EDGE, json.dumps({"size": self.size, "edge": edge}).encode())

    def _kept(self) -> Growing:
        try:
            told = json.loads((self._folder / _EDGE).read_bytes())
            edge = {int(level): base64.b64decode(hashes, validate=True) for level, hashes in told["edge"].items()}
            return Growing(int(told["size"]), lambda tile: edge[tile.level])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Growing()

    def stands(self, tile: Tile) -> bool:
        """Whether the hashes of a tile, if it is full, make what stands above them."""
        if tile.width < TILE_WIDTH:
            return True
        try:
            hashes = hashes_in(self._read(tile))
            above = hashes_in(self._read(tile_holding(tile.level + 1, tile.index // TILE_WIDTH, self.size)))
        except TreeDamaged:
            return False
        return above[tile.index % TILE_WIDTH] == full_hash(hashes)

    def _is_sound(self) -> bool:
        return all(self.stands(tile) for tile in tiles_of(self.size))

    def _read(self, tile: Tile) -> bytes:
        if tile.width < TILE_WIDTH:
            return dict(self._growing.partials())[tile]
        try:
            hashes = (self._folder / tile.path).read_bytes()
        except OSError:
            raise TreeDamaged("a tile cannot be read") from None
        if len(hashes) != HASH_BYTES * TILE_WIDTH:
            raise TreeDamaged("a tile has another number of hashes")
        return hashes
