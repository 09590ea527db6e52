"""What was found of a log: which entries and how, kept until the same entries are looked at again and are as they should be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from shared.db import Sql, UnitOfWork, Write

Kind = Literal["other", "missing", "archive", "root", "column", "tile", "twice", "place", "note", "exception"]

# What begins before the range that was looked at stays open as far as the range, and what ends behind it from there on: both
# are cleared, or found again, when their own entries are looked at.
_BEHIND = Sql(
    "INSERT INTO archive_differences AS d (log, kind, first_idx, last_idx, found_at) "
    "SELECT log, kind, cast(:end AS bigint), max(last_idx), min(found_at) FROM archive_differences "
    "WHERE log = :log AND kind = ANY (cast(:kinds AS text[])) AND gone_at IS NULL AND first_idx < :end AND last_idx >= :end "
    "AND last_idx >= :first GROUP BY log, kind ON CONFLICT (log, kind, first_idx) DO UPDATE "
    "SET last_idx = CASE WHEN d.gone_at IS NULL THEN greatest(d.last_idx, excluded.last_idx) ELSE excluded.last_idx END, "
    "gone_at = NULL"
)
_BEFORE = Sql(
    "UPDATE archive_differences SET last_idx = cast(:first AS bigint) - 1 WHERE log = :log "
    "AND kind = ANY (cast(:kinds AS text[])) AND gone_at IS NULL AND first_idx < :first AND last_idx >= :first"
)
_GONE = Sql(
    "UPDATE archive_differences SET gone_at = clock_timestamp() WHERE log = :log AND kind = ANY (cast(:kinds AS text[])) "
    "AND first_idx >= :first AND first_idx < :end AND gone_at IS NULL"
)
_NOTE = Sql(
    "INSERT INTO archive_differences (log, kind, first_idx, last_idx) SELECT :log, f.* FROM "
    "unnest(cast(:kinds AS text[]), cast(:firsts AS bigint[]), cast(:lasts AS bigint[])) AS f(kind, first_idx, last_idx) "
    "ON CONFLICT (log, kind, first_idx) DO UPDATE SET last_idx = excluded.last_idx, seen_at = clock_timestamp(), gone_at = NULL"
)
_OPEN = Sql("SELECT count(*) AS found FROM archive_differences WHERE log = :log AND gone_at IS NULL")

COMPARED: Final[tuple[Kind, ...]] = ("other", "missing", "archive")
CHECKED: Final[tuple[Kind, ...]] = ("archive", "column", "tile", "twice")


@dataclass(frozen=True, slots=True)
class Difference:
    """Entries, from the first to the last, of which something is not as it should be.

    ``other``: the log tells other bytes there; ``missing``: none; ``archive``: the archive has the entry no more; ``root``: a
    checkpoint was signed of another history; ``column``: what searches go by is not what the bytes say; ``tile``: a hash of
    the tree is not that of the bytes; ``twice``: the event's id stands elsewhere, too; ``place``: the archive was told that it
    had not come so far; ``note``: what is kept as the checkpoint of its last entry is none; ``exception``: what is kept of
    exceptions is not what the rules find.
    """

    kind: Kind
    first: int
    last: int


def joined(found: Sequence[Difference]) -> list[Difference]:
    """The same, with neighbours of one kind as one."""
    ranges: list[Difference] = []
    for one in sorted(found, key=lambda one: (one.kind, one.first)):
        before = ranges[-1] if ranges else None
        if before is not None and before.kind == one.kind and before.last >= one.first - 1:
            ranges[-1] = Difference(one.kind, before.first, max(before.last, one.last))
        else:
            ranges.append(one)
    return ranges


async def settle(
    unit: UnitOfWork, log: str, kinds: Sequence[Kind], first: int, end: int, found: Sequence[Difference]
) -> None:
    """Notes what these entries, before ``end``, were found to be; what was found there before and is not any more is gone."""
    looked: dict[str, object] = {"log": log, "kinds": list(kinds), "first": first, "end": end}
    for statement in (_BEHIND, _BEFORE, _GONE):
        unit.write(Write(statement, looked, rows=None))
        await unit.flush()
    await note(unit, log, found)


async def note(unit: UnitOfWork, log: str, found: Sequence[Difference]) -> None:
    """Notes these, whatever was found before."""
    if found:
        values: dict[str, object] = {
            "log": log, "kinds": [one.kind for one in found], "firsts": [one.first for one in found],
            "lasts": [one.last for one in found],
        }  # fmt: skip
        unit.write(Write(_NOTE, values, len(found)))
        await unit.flush()


async def open_of(unit: UnitOfWork, log: str) -> int:
    """How many findings of a log are open."""
    row = await unit.row(_OPEN, log=log)
    return 0 if row is None else row["found"]
