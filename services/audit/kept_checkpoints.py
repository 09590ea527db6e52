"""Every kept checkpoint proven anew, in the archive's round over itself: the tree at its size still has its root."""

from collections.abc import Callable, Collection
from typing import Final

import asyncpg
import structlog

from services.audit import archive
from services.audit.findings import Difference, mark_of, note
from shared.db import Database, Scope, Sql, UnitOfWork
from shared.tlog.refusals import LogRefused
from shared.tlog.tiles import TILE_WIDTH, hashes_in, tile_holding
from shared.tlog.tree import Frontier
from shared.topology import AUDIT

# A log is signed a second at most, so that of one tile's entries there are no more sizes than entries; who writes more rows
# beside them is found by the first.
_MOST: Final = 1_000

_KEPT = Sql(
    "SELECT size, root, note, again, agrees FROM archive_checkpoints WHERE log = :log AND size > :first AND size <= :end "
    f"ORDER BY size, agrees DESC LIMIT {_MOST}"
)
_BEYOND = Sql(
    "SELECT size, root, note, again, agrees FROM archive_checkpoints WHERE log = :log AND agrees "
    "AND (size > :size OR size < 0 OR (size = 0 AND root <> cast(:empty AS bytea))) "
    f"ORDER BY size LIMIT {_MOST}"
)
_SCOPE: Final = Scope(f"service:{AUDIT.name}")

# Whether a key of the log signed what is kept in this row; None as long as no policy is believed.
Signed = Callable[[str, asyncpg.Record], bool | None]

log = structlog.get_logger("kept_checkpoints")


class KeptCheckpoints:
    """Walks the kept checkpoints of a log beside the tiles of its tree."""

    def __init__(self, database: Database, signed: Signed) -> None:
        self._database = database
        self._signed = signed

    async def look(self, name: str, first: int, end: int) -> None:
        """Proves the kept checkpoints whose last entry is one of these, before ``end``; those of nothing archived with the first.

        One that was signed of another history is noted as ``root``; one that nobody signed, or that is said to be what it is
        not, as ``note`` of its last entry.
        """

        async def work(unit: UnitOfWork) -> list[Difference]:
            found = await self._found(unit, name, first, end)
            await note(unit, name, found)
            return found

        for one in await self._database.attempt(_SCOPE, work):
            log.error("kept_checkpoint_unproven", source=name, kind=one.kind, size=one.last + 1)

    async def _found(self, unit: UnitOfWork, name: str, first: int, end: int) -> list[Difference]:
        rows = await unit.rows(_KEPT, log=name, first=first, end=end)
        roots = await _roots(unit, name, first, end, {row["size"] for row in rows}) if rows else {}
        found = [one for row in rows if (one := self._wrong(name, row, roots.get(row["size"]))) is not None]
        if first == 0:
            last, _ = await archive.placed(unit, name)
            # Nothing is kept of what is not archived, so that somebody else wrote such a row; a log is signed before its first entry.
            for row in await unit.rows(_BEYOND, log=name, size=last + 1, empty=Frontier().root()):
                at = max(row["size"] - 1, 0)
                found.append(Difference("note", at, at, mark_of(row["size"], row["root"])))
        return found

    def _wrong(self, name: str, row: asyncpg.Record, root: bytes | None) -> Difference | None:
        if root is None or (bytes(row["root"]) == root) is row["agrees"]:
            # Where hashes of the tree are not there, that is what is wrong.
            return None
        size, mark = row["size"], mark_of(row["size"], row["root"])
        if row["agrees"] and self._signed(name, row) is not False:
            return Difference("root", 0, size - 1, mark)
        return Difference("note", size - 1, size - 1, mark)


async def _roots(unit: UnitOfWork, name: str, first: int, end: int, sizes: Collection[int]) -> dict[int, bytes]:
    """The tree's root at each of these sizes, which lie in one tile; nothing where hashes of the tree are not there."""
    tile = tile_holding(0, first // TILE_WIDTH, end)
    held = (await archive.tiles_in(unit, name, [tile])).get(tile)
    try:
        frontier = await archive.tree_at(unit, name, first)
    except LogRefused:
        return {}
    roots: dict[int, bytes] = {}
    for hashed in hashes_in(held) if held is not None else ():
        frontier.append(hashed)
        if frontier.size in sizes:
            roots[frontier.size] = frontier.root()
    return roots
