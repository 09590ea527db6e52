"""What was found of a log: which entries and how, kept until the same entries are looked at again and are as they should be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal, get_args

from shared.contracts.audit import LastingFinding
from shared.db import Sql, UnitOfWork, Write
from shared.ids import uuid7

Kind = Literal["other", "missing", "archive", "root", "column", "tile", "twice", "place", "note", "exception", "tail"]

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
    "INSERT INTO archive_differences (log, id, kind, first_idx, last_idx) SELECT :log, f.* FROM "
    "unnest(cast(:ids AS uuid[]), cast(:kinds AS text[]), cast(:firsts AS bigint[]), cast(:lasts AS bigint[])) AS f(id, kind, first_idx, last_idx) "
    "ON CONFLICT (log, kind, first_idx) DO UPDATE SET last_idx = excluded.last_idx, seen_at = clock_timestamp(), gone_at = NULL"
)
_SIGHT = Sql(
    "INSERT INTO archive_sightings (finding_id, mark) SELECT d.id, f.mark FROM "
    "unnest(cast(:kinds AS text[]), cast(:firsts AS bigint[]), cast(:marks AS text[])) AS f(kind, first_idx, mark) "
    "JOIN archive_differences d ON d.log = :log AND d.kind = f.kind AND d.first_idx = f.first_idx ON CONFLICT DO NOTHING"
)
# Of a finding ``d``: how often it was found, and whether two persons explained and accepted all of these times.
SIGHTINGS: Final = "(SELECT count(*) FROM archive_sightings s WHERE s.finding_id = d.id)"
ACCEPTED: Final = (
    f"EXISTS (SELECT FROM explained_findings x WHERE x.id = d.id AND x.status = 'accepted' AND x.sightings >= {SIGHTINGS})"
)
_OPEN = Sql(
    f"SELECT count(*) AS open, count(*) FILTER (WHERE {ACCEPTED}) AS accepted FROM archive_differences d WHERE log = :log AND gone_at IS NULL"
)

COMPARED: Final[tuple[Kind, ...]] = ("other", "missing", "archive")
CHECKED: Final[tuple[Kind, ...]] = ("archive", "column", "tile", "twice")
# What nothing clears though all is put right, since no entry is ever taken out and nothing that happened unhappens.
LASTING: Final = frozenset(get_args(LastingFinding))


@dataclass(frozen=True, slots=True)
class Difference:
    """Entries, from the first to the last, of which something is not as it should be.

    ``other``: the log tells other bytes there; ``missing``: none; ``archive``: the archive has the entry no more; ``root``: a
    checkpoint was signed of another history; ``column``: what searches go by is not what the bytes say; ``tile``: a hash of
    the tree is not that of the bytes; ``twice``: the event's id stands elsewhere, too; ``place``: the archive was told that it
    had not come so far; ``note``: what is kept as the checkpoint of its last entry is none; ``exception``: what is kept of
    exceptions is not what the rules find; ``tail``: these entries came into the archive and nobody signed them, and the log was
    signed with others in their place, so that they were set apart.

    ``mark`` is by what one that lasts is known when it is looked at again, round after round; one without is found once and put
    right at once, so that each time is another. It is no part of what the difference is.
    """

    kind: Kind
    first: int
    last: int
    mark: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """How many findings of a log are open, those apart that two persons explained and accepted: these ring no more."""

    ringing: int = 0
    accepted: int = 0


NOTHING_OPEN: Final = Standing()


def joined(found: Sequence[Difference]) -> list[Difference]:
    """The same, with neighbours of one kind as one."""
    ranges: list[Difference] = []
    for one in sorted(found, key=lambda one: (one.kind, one.first)):
        before = ranges[-1] if ranges else None
        if before is not None and before.kind == one.kind and before.last >= one.first - 1:
            marks = [mark for mark in (before.mark, one.mark) if mark is not None]
            ranges[-1] = Difference(one.kind, before.first, max(before.last, one.last), " ".join(marks) or None)
        else:
            ranges.append(one)
    return ranges


def mark_of(size: int, root: bytes) -> str:
    """By what a checkpoint is known, however often it is looked at: one of another size, or of another root, is another."""
    return f"{size}:{bytes(root).hex()}"


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
    """Notes these, whatever was found before; of what lasts each time that it is found, and one by its mark once."""
    if not found:
        return
    # A row is written once in one statement: of several that begin at one entry, as far as the last of them goes.
    reach: dict[tuple[Kind, int], int] = {}
    for one in found:
        reach[one.kind, one.first] = max(one.last, reach.get((one.kind, one.first), one.last))
    values: dict[str, object] = {
        "log": log, "ids": [uuid7() for _ in reach], "kinds": [kind for kind, _ in reach], "firsts": [first for _, first in reach],
        "lasts": list(reach.values()),
    }  # fmt: skip
    unit.write(Write(_NOTE, values, len(reach)))
    await unit.flush()
    lasting = [one for one in found if one.kind in LASTING]
    if lasting:
        seen: dict[str, object] = {
            "log": log, "kinds": [one.kind for one in lasting], "firsts": [one.first for one in lasting],
            "marks": [str(uuid7()) if one.mark is None else sha256(one.mark.encode()).hexdigest() for one in lasting],
        }  # fmt: skip
        unit.write(Write(_SIGHT, seen, rows=None))
        await unit.flush()


async def standing(unit: UnitOfWork, log: str) -> Standing:
    """How many findings of a log are open and ring, and how many are accepted."""
    row = await unit.row(_OPEN, log=log)
    return NOTHING_OPEN if row is None else Standing(row["open"] - row["accepted"], row["accepted"])
