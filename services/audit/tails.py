"""Entries of the archive that nobody signed, where the log was signed with others in their place: proven by that, and set apart."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Self

import asyncpg
import structlog
from pydantic import BaseModel

from services.audit import archive
from services.audit.apart import examined_first, tail_log
from services.audit.comparing import AT_A_TIME, archived
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import Note
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import Frontier
from shared.tlog.trust import TrustPolicy
from shared.topology import AUDIT

# For so long each look goes on with the tree that it finds begun, so that no other log's checkpoint waits for it.
LOOK_SECONDS: Final = 2.0
# Who answers slowly keeps another history from being an alarm for so long; what is looked at goes on behind that.
UNFINISHED_SECONDS: Final = 60.0
# What was found to prove nothing is looked at again after so many seconds.
AGAIN_SECONDS: Final = 20.0

# The first entries that a kept checkpoint covers, or that were kept where the log was set back last, are nobody's tail: who signs others
# in their place signs two histories.
_COVERED = Sql(
    "SELECT greatest((SELECT max(size) FROM archive_checkpoints WHERE log = :log AND agrees), "
    "(SELECT kept FROM archive_breaks WHERE log = :log ORDER BY generation DESC LIMIT 1), 0) AS covered, "
    "coalesce((SELECT max(idx) + 1 FROM archive_entries WHERE log = :log), 0) AS held"
)
_KEEP = Sql(
    "INSERT INTO archive_tails (log, number, generation, kept, size, root, note) "
    "VALUES (:log, :number, :generation, :kept, :size, :root, :note)"
)
_NUMBER = Sql("SELECT coalesce(max(number), 0) + 1 AS number FROM archive_tails WHERE log = :log")
TAILS = Sql(
    "SELECT t.*, (SELECT count(*) FROM archive_entries e WHERE e.log = t.log || '.t' || t.number) AS held, "
    "t.size <= (SELECT max(idx) + 1 FROM archive_entries e WHERE e.log = t.log) AND t.generation = "
    "(SELECT coalesce(max(generation), 1) FROM archive_breaks b WHERE b.log = t.log) AS stands "
    "FROM archive_tails t ORDER BY t.log, t.number"
)
_SCOPE: Final = Scope(f"service:{AUDIT.name}")

# The hashes that a service tells of its log, from an index on and so many at most.
Told = Callable[[str, int, int], Awaitable[list[bytes]]]
# ``apart``: set apart; ``unproven``: nothing is, for nothing proves that it may be; ``unfinished``: so much is looked at that it goes
# on at the next look, which proves nothing once it lasts.
Outcome = Literal["apart", "unproven", "unfinished"]

log = structlog.get_logger("tails")


def first_unlike(held: Sequence[bytes | None], told: Sequence[bytes]) -> int | None:
    """The first place in which the archive holds another entry than the log tells; None where there is none.

    LogRefused where the archive holds nothing before that in a place of which the log tells: then something else is wrong.
    """
    for place, (here, there) in enumerate(zip(held, told, strict=False)):
        if here is None:
            raise LogRefused("archive_hole", "The archive has no entry where the log tells one.")
        if here != there:
            return place
    return None


@dataclass(slots=True)
class _Begun:
    """A tree that is made anew: the archive's own as far as it is as the log tells, and from there on the log's.

    ``unlike`` is the hash of the first entry that the archive holds otherwise, ``kept`` how many go before it, ``root`` is theirs.
    ``since`` is when it was begun.
    """

    next: int
    since: float
    kept: int | None = None
    unlike: bytes = b""
    root: bytes = b""
    tree: Frontier | None = None


class Tails:
    """Sets apart what the archive took of a log and nobody signed, once a believed checkpoint proves what the log has there."""

    def __init__(self, database: Database, told: Told, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._told = told
        self._elapsed = elapsed
        self._begun: dict[str, _Begun] = {}
        self._again: dict[str, float] = {}

    async def look(self, name: str, signed: Note, said: Checkpoint) -> Outcome:
        """Sets apart what the archive holds behind the last entry that it has in common with the log of this believed checkpoint.

        Only where the entries that are kept, and those that the log tells behind them, make the root that was signed; and nothing
        that a kept checkpoint covers.
        """
        if self._elapsed() < self._again.get(name, 0.0):
            return "unproven"
        try:
            outcome = await self._look(name, signed, said)
        except LogRefused:
            # The archive's own tree, or its entries, are not as it left them: that is told elsewhere.
            outcome = "unproven"
        if outcome == "unproven":
            self._again[name] = self._elapsed() + AGAIN_SECONDS
        if outcome != "unfinished":
            self._begun.pop(name, None)
        elif self._elapsed() - self._begun[name].since > UNFINISHED_SECONDS:
            return "unproven"
        return outcome

    async def _look(self, name: str, signed: Note, said: Checkpoint) -> Outcome:
        place = await self._database.alone(_COVERED, log=name)
        covered, held = (place["covered"], place["held"]) if place is not None else (0, 0)
        begun = self._begun.get(name)
        if begun is None or begun.next > said.size:
            begun = self._begun[name] = _Begun(covered, self._elapsed() if begun is None else begun.since)
        until = self._elapsed() + LOOK_SECONDS
        while begun.next < (said.size if begun.tree is not None else min(said.size, held)):
            if self._elapsed() >= until:
                return "unfinished"
            async with asyncio.timeout(LOOK_SECONDS):
                told = await self._told(name, begun.next, min(AT_A_TIME, said.size - begun.next))
            if not told:
                return "unproven"
            await self._go_on(name, begun, told)
        if begun.kept is None or begun.tree is None or begun.tree.root() != said.root:
            return "unproven"
        return await self._set_apart(name, begun, begun.kept, signed, said)

    async def _go_on(self, name: str, begun: _Begun, told: Sequence[bytes]) -> None:
        first, behind = begun.next, told

        async def compare(unit: UnitOfWork) -> tuple[int, bytes, Frontier] | None:
            held = await archived(unit, name, first, first + len(told))
            # Behind its last entry the archive holds nothing, and that is no hole.
            while held and held[-1] is None:
                held.pop()
            place = first_unlike(held, told)
            if place is None:
                return None
            unlike = held[place]
            assert unlike is not None
            return place, unlike, await archive.tree_at(unit, name, first + place)

        if begun.tree is None:
            found = await self._database.attempt(_SCOPE, compare)
            if found is not None:
                place, begun.unlike, begun.tree = found
                begun.kept, begun.root, behind = first + place, begun.tree.root(), told[place:]
        if begun.tree is not None:
            for hashed in behind:
                begun.tree.append(hashed)
        begun.next = first + len(told)

    async def _set_apart(self, name: str, begun: _Begun, kept: int, signed: Note, said: Checkpoint) -> Outcome:
        async def work(unit: UnitOfWork) -> tuple[int, int] | None:
            last, _ = await archive.placed(unit, name)
            await examined_first(unit, name)
            place = await unit.row(_COVERED, log=name)
            (unlike,) = await archived(unit, name, kept, kept + 1)
            # Since it was looked at the archive may have gone on, and been set apart elsewhere.
            if place is None or place["covered"] > kept or unlike != begun.unlike or await archive.root_at(unit, name, kept) != begun.root:
                return None
            row = await unit.row(_NUMBER, log=name)
            number: int = row["number"] if row is not None else 1
            values: dict[str, object] = {
                "log": name, "number": number, "generation": Origin.of(said.origin).generation, "kept": kept, "size": said.size,
                "root": said.root, "note": str(signed),
            }  # fmt: skip
            # The trigger that sets them apart notes the finding, whoever writes the row.
            unit.write(Write(_KEEP, values))
            return number, last

        done = await self._database.attempt(_SCOPE, work)
        if done is None:
            return "unproven"
        log.error("tail_set_apart", source=name, number=done[0], first=kept, last=done[1])
        return "apart"


class LogTail(BaseModel):
    """Where entries that nobody signed were set apart: of the log so many were ``kept``, and ``held`` others came into the archive behind them.

    They stand in the archive as those of ``tail_log``. The checkpoint of the ``origin``, with ``size`` entries and this ``root``, is what
    the log was signed with in their place.
    """

    number: int
    origin: str
    kept: int
    held: int
    tail_log: str
    size: int
    root: str
    noted_at: datetime

    @classmethod
    def of(cls, row: asyncpg.Record, policy: str | None) -> Self | None:
        """What a row of `TAILS` tells, None where the checkpoint that stands there is not believed by the keys of this policy."""
        try:
            said = TrustPolicy.of(policy or "").checked(Note.of(row["note"].encode()), past=True)
            origin = Origin.of(said.origin)
        except LogRefused:
            return None
        if (origin.log, origin.generation, said.size, said.root) != (row["log"], row["generation"], row["size"], bytes(row["root"])):
            return None
        return cls(
            number=row["number"], origin=said.origin, kept=row["kept"], held=row["held"], tail_log=tail_log(row["log"], row["number"]),
            size=said.size, root=said.root.hex(), noted_at=row["noted_at"],
        )  # fmt: skip


async def tails_of(unit: UnitOfWork, name: str, rows: Sequence[asyncpg.Record], policy: str | None) -> tuple[list[LogTail], list[int]]:
    """The tails of one log, the oldest first, and the numbers of those that nothing proves.

    As long as the log goes on under the same name the archive has the root that was signed, unless it is not so far yet.
    """
    proven: list[LogTail] = []
    unproven: list[int] = []
    for row in rows:
        if row["log"] != name:
            continue
        found = LogTail.of(row, policy)
        if found is None or (row["stands"] and not await _stands(unit, name, found.size, bytes(row["root"]))):
            unproven.append(row["number"])
        else:
            proven.append(found)
    return proven, unproven


async def _stands(unit: UnitOfWork, name: str, size: int, root: bytes) -> bool:
    try:
        return await archive.root_at(unit, name, size) == root
    except LogRefused:
        return False
