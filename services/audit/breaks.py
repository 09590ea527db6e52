"""Where a log was set back, as two persons accepted it: proven before it is believed, and what was lost set apart from what is there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import asyncpg
from pydantic import BaseModel

from services.audit import archive
from services.audit.apart import examined_first, lost_log
from shared.db import Sql, UnitOfWork, Write
from shared.tlog.breaks import Acceptance, Break
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import leaf_hash
from shared.tlog.trust import TrustPolicy

_GENERATION = Sql("SELECT coalesce(max(generation), 1) AS generation FROM archive_breaks WHERE log = :log")
_KEEP = Sql("INSERT INTO archive_breaks (log, generation, kept, proof, apart) VALUES (:log, :generation, :kept, :proof, :apart)")
_HASH = Sql("SELECT leaf_hash FROM archive_entries WHERE log = :log AND idx = :index")
PROOF = Sql("SELECT proof FROM archive_breaks WHERE log = :log AND generation = :generation")
BREAKS = Sql(
    "SELECT b.log, b.generation, b.kept, b.proof, b.noted_at, (SELECT count(*) FROM archive_entries e "
    "WHERE e.log = b.log || '.' || (b.generation - 1)) AS held FROM archive_breaks b ORDER BY b.log, b.generation"
)


async def generation_of(unit: UnitOfWork, log: str) -> int:
    """Which generation of a log the archive holds."""
    row = await unit.row(_GENERATION, log=log)
    generation: int = row["generation"] if row is not None else 1
    return generation


async def follow(unit: UnitOfWork, log: str, generation: int, proof: Break, said: Acceptance) -> bool:
    """Goes on with a log as the generation that a proven break begins, behind what was kept; False where it cannot be told yet
    whether what is archived behind it was lost, or came since: then nothing is noted, and it is asked again.

    LogRefused as ``break_unlike_archive`` where what was kept, or what was last signed before, is not what was archived: then
    nothing is set apart. An archive that was set back itself, and has less, is held to the checkpoints that come.
    """
    last, stopped = await archive.placed(unit, log)
    await examined_first(unit, log)
    closed = Checkpoint.of(proof.closed.note)
    sound = [
        await archive.root_at(unit, log, size) == root
        for size, root in ((said.kept, said.root), (closed.size, closed.root)) if size <= min(said.kept, last + 1)
    ]  # fmt: skip
    if not all(sound):
        raise LogRefused("break_unlike_archive", "What was kept of the log, or signed of it, is not what was archived.")
    lost = last >= said.kept and await _was_lost(unit, log, proof, last + 1, stopped == "other")
    if lost is None:
        return False
    kept = {"log": log, "generation": generation, "kept": said.kept, "proof": bytes(proof), "apart": lost}
    unit.write(Write(_KEEP, kept))
    return True


async def _was_lost(unit: UnitOfWork, log: str, proof: Break, size: int, other: bool) -> bool | None:
    """Whether what is archived behind what was kept is of the former history; None where nothing tells yet.

    An archive that had no more than what was kept may have taken what came since before it heard of the break: that is not lost.
    ``other`` is whether the stream brought something else in its place.
    """
    begun, closed, first = Checkpoint.of(proof.begun.note), Checkpoint.of(proof.closed.note), proof.proofs[0].index
    row = await unit.row(_HASH, log=log, index=first)
    accepted = None if row is None else bytes(row["leaf_hash"]) == leaf_hash(proof.entries[0])
    if accepted if size < begun.size else await archive.root_at(unit, log, begun.size) == begun.root:
        return False
    unlike = accepted is False or other
    if proof.closed.old < closed.size <= size:
        if await archive.root_at(unit, log, closed.size) == closed.root:
            return True
        if unlike or accepted:
            raise LogRefused("break_unlike_archive", "What was archived is neither what the log had nor what it has.")
    return True if unlike else None


class LogBreak(BaseModel):
    """Where a log was set back: so many entries were ``kept``, ``lost`` others were signed or accepted as known, of which the archive has ``held``.

    ``generation`` is the one that began, ``roles`` those in which the two persons acted. The entries that were lost stand in the
    archive as those of ``lost_log``.
    """

    generation: int
    origin: str
    kept: int
    lost: int
    held: int
    lost_log: str
    reason: str
    roles: list[str]
    accepted_at: datetime
    noted_at: datetime

    @classmethod
    def of(cls, row: asyncpg.Record, policy: str | None) -> Self | None:
        """The break of a row of `BREAKS`, None where what stands there proves none by the keys of this policy."""
        try:
            proof = Break.of(bytes(row["proof"]))
            said = proof.checked(TrustPolicy.of(policy or ""))
        except LogRefused:
            return None
        if (proof.origin.log, proof.origin.generation, said.kept) != (row["log"], row["generation"], row["kept"]):
            return None
        return cls(
            generation=row["generation"], origin=str(proof.origin), kept=said.kept,
            lost=max(proof.known.size, said.known, said.kept + row["held"]) - said.kept, held=row["held"],
            lost_log=lost_log(row["log"], row["generation"] - 1), reason=said.reason, roles=list(said.roles),
            accepted_at=said.accepted_at, noted_at=row["noted_at"],
        )  # fmt: skip


def told_of(log: str, rows: Sequence[asyncpg.Record], policy: str | None) -> tuple[list[LogBreak], list[int]]:
    """The breaks of one log, the oldest first, and which generations' breaks are proven by nothing."""
    own = [(row, LogBreak.of(row, policy)) for row in rows if row["log"] == log]
    return [found for _, found in own if found is not None], [row["generation"] for row, found in own if found is None]
