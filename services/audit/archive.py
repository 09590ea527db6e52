"""What the archive holds of a log: entries appended in order, with the tree over them, in one transaction with the place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from pydantic import ValidationError

from services.audit.findings import Difference, note
from shared.db import Sql, UnitOfWork, Write
from shared.messages import Envelope
from shared.tables import LEAF_LIMIT
from shared.tlog.tiles import Growing, Tile, nodes_of
from shared.tlog.tree import HASH_BYTES, Frontier, Nodes, leaf_hash, root_of

# The entries are what counts: a place that a superuser took out or set back would have them come a second time.
_PLACE = Sql(
    "SELECT last_idx, last_hash, stopped, (SELECT max(idx) FROM archive_entries WHERE log = :log) AS held "
    "FROM cursor WHERE source = :log FOR UPDATE"
)
# What waits for the lock reads the place as it is by then, and what stands beside it in that statement as it was before.
_HELD_NOW = Sql("SELECT max(idx) AS held FROM archive_entries WHERE log = :log")
_RESTORE = Sql(
    "UPDATE cursor SET last_idx = cast(:held AS bigint), "
    "last_hash = (SELECT leaf_hash FROM archive_entries WHERE log = :log AND idx = :held) WHERE source = :log"
)
_BEGIN = Sql("INSERT INTO cursor (source, last_idx) VALUES (:log, -1) ON CONFLICT DO NOTHING")
_MOVE = Sql("UPDATE cursor SET last_idx = :last, last_hash = :hash, stopped = NULL WHERE source = :log")
_STOP = Sql("UPDATE cursor SET stopped = cast(:why AS text) WHERE source = :log")
_HELD = Sql(
    "SELECT idx, leaf_hash FROM archive_entries WHERE log = :log AND idx >= :first AND idx <= :last ORDER BY idx"
)
_KEEP = Sql(
    "INSERT INTO archive_entries "
    "(log, idx, id, type, subject, partitionkey, actorid, time, reason, leaf, leaf_hash) "
    "SELECT :log, e.* FROM unnest(cast(:idxs AS bigint[]), cast(:ids AS uuid[]), cast(:types AS text[]), "
    "cast(:subjects AS uuid[]), cast(:partitionkeys AS uuid[]), cast(:actorids AS text[]), "
    "cast(:times AS timestamptz[]), cast(:reasons AS text[]), cast(:leaves AS bytea[]), cast(:hashes AS bytea[])) "
    "AS e(idx, id, type, subject, partitionkey, actorid, time, reason, leaf, leaf_hash)"
)
_KEEP_TILES = Sql(
    "INSERT INTO archive_tiles (log, level, idx, hashes) "
    "SELECT :log, t.* FROM unnest(cast(:levels AS integer[]), cast(:idxs AS bigint[]), cast(:hashes AS bytea[])) "
    "AS t(level, idx, hashes) ON CONFLICT (log, level, idx) DO UPDATE SET hashes = excluded.hashes"
)
_TILES = Sql(
    "SELECT t.level, t.idx, t.hashes FROM archive_tiles t JOIN unnest(cast(:levels AS integer[]), cast(:idxs AS bigint[])) "
    "AS asked(level, idx) ON (t.level, t.idx) = (asked.level, asked.idx) WHERE t.log = :log"
)
# By which names an event says why: what was decided for a reason, and what was refused by a code.
_REASONS: Final = ("reason", "code")
_MOST_OF_A_REASON: Final = 64
# What searches walk stands in indexes, which hold no more than some 2,700 bytes of a row.
_MOST_OF_A_NAME: Final = 255
_NUL: Final = "\0"
_PLACES: Final = {
    "idxs": "idx", "ids": "id", "types": "type", "subjects": "subject", "partitionkeys": "partitionkey", "actorids": "actorid",
    "times": "time", "reasons": "reason", "leaves": "leaf", "hashes": "leaf_hash",
}  # fmt: skip
_FROM_ENVELOPE: Final = ("id", "type", "subject", "partitionkey", "actorid", "time")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a log: its bytes, their hash, and what searches ask for, read out of them."""

    idx: int
    leaf: bytes
    hash: bytes
    envelope: Envelope
    reason: str | None

    @property
    def columns(self) -> dict[str, object]:
        """What stands beside the bytes, by the name of its column."""
        named = {name: getattr(self.envelope, name) for name in _FROM_ENVELOPE}
        return {"idx": self.idx, **named, "reason": self.reason, "leaf": self.leaf, "leaf_hash": self.hash}

    @classmethod
    def of(cls, idx: int, leaf: bytes) -> Self | None:
        """The entry that these bytes are, or None if they are no event or none that a log may hold."""
        if len(leaf) > LEAF_LIMIT:
            return None
        try:
            envelope = Envelope.model_validate_json(leaf)
        except ValidationError:
            return None
        if any(len(name) > _MOST_OF_A_NAME or _NUL in name for name in (envelope.type, envelope.actorid)):
            return None
        said = next((envelope.data[name] for name in _REASONS if name in envelope.data), None)
        # What an event conceals stands there as a digest, by which nobody could ask for it.
        reason = said if isinstance(said, str) and len(said) <= _MOST_OF_A_REASON and _NUL not in said else None
        return cls(idx, leaf, leaf_hash(leaf), envelope, reason)


@dataclass(frozen=True, slots=True)
class Taken:
    """How a batch ended: as far as which index all of it is archived, and why not further."""

    last: int
    stopped: str | None = None
    hole: bool = False
    tree: Growing | None = None


async def take(unit: UnitOfWork, log: str, entries: Sequence[Entry], tree: Growing | None) -> Taken:
    """Archives what continues the log, compares what was archived before, and says how far it came.

    ``tree`` is the log's right edge as the caller remembers it, and is not changed where the transaction fails: the one
    that goes on is in what is answered. *Other* is an entry in whose place another was archived: nothing of such a batch
    is taken. A hole before an entry, which may be no more than a delivery that comes later, ends what is taken of it.
    """
    last, stopped, hashed = await _placed(unit, log)
    if await _differ(unit, log, [entry for entry in entries if entry.idx <= last]):
        unit.write(Write(_STOP, {"log": log, "why": "other"}))
        return Taken(last, "other")
    fresh: list[Entry] = []
    for entry in entries:
        if entry.idx == last + 1 + len(fresh):
            fresh.append(entry)
    hole = any(entry.idx > last + len(fresh) for entry in entries)
    if not fresh:
        if stopped is not None and not hole:
            unit.write(Write(_STOP, {"log": log, "why": None}))
        return Taken(last, hole=hole, tree=tree)
    # A remembered edge may be of entries that another process set apart since, of which the log has others now.
    if tree is None or tree.size != last + 1 or tree.last is None or tree.last != hashed:
        tree = await edge_of(unit, log, last + 1)
    growing = tree.copy()
    tiles = [*growing.extend([entry.hash for entry in fresh]), *growing.partials()]
    unit.write(_kept(log, fresh), _kept_tiles(log, tiles), Write(_MOVE, {"log": log, "last": fresh[-1].idx, "hash": fresh[-1].hash}))
    return Taken(fresh[-1].idx, hole=hole, tree=growing)


async def stop(unit: UnitOfWork, log: str, why: str) -> None:
    """Leaves word that a log is not archived any further, and why."""
    await placed(unit, log)
    unit.write(Write(_STOP, {"log": log, "why": why}))


async def placed(unit: UnitOfWork, log: str) -> tuple[int, str | None]:
    """As far as which index a log is archived, and why not further, under the lock of its place.

    A place that says less than the entries do is put right, and noted as what it was: nobody but a superuser takes it back.
    """
    last, stopped, _ = await _placed(unit, log)
    return last, stopped


async def root_at(unit: UnitOfWork, log: str, size: int) -> bytes:
    """The root over a log's first entries; LogRefused where its tiles are not there."""
    nodes = await nodes_for(unit, log, size, lambda nodes: root_of(size, nodes))
    return root_of(size, nodes)


async def tree_at(unit: UnitOfWork, log: str, size: int) -> Frontier:
    """The tree over a log's first entries, which goes on by itself; LogRefused where its tiles are not there."""
    # The full subtrees that it consists of, the largest first.
    levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
    places = [(level, (size >> level + 1 << level + 1) >> level) for level in levels]

    def asked(nodes: Nodes) -> list[bytes]:
        return [nodes(level, index) for level, index in places]

    return Frontier(size, asked(await nodes_for(unit, log, size, asked)) if size else [])


async def _placed(unit: UnitOfWork, log: str) -> tuple[int, str | None, bytes | None]:
    row = await unit.row(_PLACE, log=log)
    if row is None:
        unit.write(Write(_BEGIN, {"log": log}, rows=None))
        row = await unit.row(_PLACE, log=log)
        assert row is not None
    last, held = row["last_idx"], row["held"]
    if held is not None and held > last:
        now = await unit.row(_HELD_NOW, log=log)
        held = now["held"] if now is not None else None
    if held is not None and held > last:
        unit.write(Write(_RESTORE, {"log": log, "held": held}))
        await note(unit, log, [Difference("place", last + 1, held)])
        return held, row["stopped"], None
    return last, row["stopped"], row["last_hash"]


async def edge_of(unit: UnitOfWork, log: str, size: int) -> Growing:
    """The right edge of a log's tree of this size; LogRefused where its tiles are not there."""
    wanted: list[Tile] = []

    def asked(tile: Tile) -> bytes:
        wanted.append(tile)
        return bytes(HASH_BYTES * tile.width)

    Growing(size, asked)
    held = await tiles_in(unit, log, wanted)
    return Growing(size, lambda tile: held.get(tile, b""))


async def nodes_for(unit: UnitOfWork, log: str, size: int, *questions: Callable[[Nodes], object]) -> Nodes:
    """The hashes within a log's tree of this size that these questions ask for, fetched in one statement.

    What is asked goes by places alone and never by what stands there, so that each question is put once to zeros, to learn
    which tiles it needs.
    """
    wanted: dict[Tile, None] = {}

    def asked(tile: Tile) -> bytes:
        wanted[tile] = None
        return bytes(HASH_BYTES * tile.width)

    for question in questions:
        question(nodes_of(size, asked))
    held = await tiles_in(unit, log, list(wanted))
    return nodes_of(size, lambda tile: held.get(tile, b""))


async def tiles_in(unit: UnitOfWork, log: str, tiles: Sequence[Tile]) -> dict[Tile, bytes]:
    """The hashes of these tiles, as wide as each is asked for; what the archive does not hold so wide is left out."""
    if not tiles:
        return {}
    rows = await unit.rows(
        _TILES, log=log, levels=[tile.level for tile in tiles], idxs=[tile.index for tile in tiles]
    )
    held = {(row["level"], row["idx"]): bytes(row["hashes"]) for row in rows}
    found = {tile: held.get((tile.level, tile.index), b"")[: HASH_BYTES * tile.width] for tile in tiles}
    return {tile: hashes for tile, hashes in found.items() if len(hashes) == HASH_BYTES * tile.width}


async def _differ(unit: UnitOfWork, log: str, known: Sequence[Entry]) -> bool:
    if not known:
        return False
    indexes = [entry.idx for entry in known]
    held = {row["idx"]: bytes(row["leaf_hash"]) for row in await unit.rows(_HELD, log=log, first=min(indexes), last=max(indexes))}
    return any(held.get(entry.idx) != entry.hash for entry in known)


def _kept(log: str, entries: Sequence[Entry]) -> Write:
    rows = [entry.columns for entry in entries]
    columns = {place: [row[name] for row in rows] for place, name in _PLACES.items()}
    return Write(_KEEP, {"log": log, **columns}, len(entries))


def _kept_tiles(log: str, tiles: Sequence[tuple[Tile, bytes]]) -> Write:
    values: dict[str, object] = {
        "log": log, "levels": [tile.level for tile, _ in tiles], "idxs": [tile.index for tile, _ in tiles],
        "hashes": [hashes for _, hashes in tiles],
    }  # fmt: skip
    return Write(_KEEP_TILES, values, len(tiles))


