"""What was signed of a log and is known here no more is brought from where it is kept, and taken only as the log itself bears it out."""

from dataclasses import dataclass
from typing import Final

from ops.checkpointer.generations import Begun, root_in
from ops.checkpointer.held_tree import HeldTree
from ops.checkpointer.reading import LogReader
from ops.witness.memory import Memory
from shared.tlog.breaks import MOST_BREAK_BYTES, Break
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import Note
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import root_of
from shared.tlog.trust import TrustPolicy
from shared.tlog.witnessing import Seen

MOST_BROUGHT_BYTES: Final = MOST_BREAK_BYTES


@dataclass(frozen=True, slots=True)
class Brought:
    """A checkpoint that was signed and seen, by whoever was asked then, and, where a generation begins with it, how that does, as it was written."""

    note: Note
    begun: Begun | None = None
    written: bytes = b""


def is_break(written: bytes) -> bool:
    """Whether what somebody brings is to be how a log goes on, which is JSON, or else a checkpoint, which no name begins so."""
    return written.startswith(b"{")


async def brought_of(
    written: bytes, origin: Origin, policy: TrustPolicy, reader: LogReader, tree: HeldTree, memory: Memory, begun: Begun | None
) -> Brought:  # fmt: skip
    """What somebody brings of a log whose present name is ``origin``; LogRefused where it is not signed and seen, or not how the log is.

    A break (`Break`) begins the next generation. A checkpoint is of the present one, of no more than was signed of it here, and
    of no less than the acceptance by which it began: with it that generation can be closed.
    """
    if is_break(written):
        return await _next_generation(written, origin, policy, reader, memory)
    note = Note.of(written)
    said = policy.checked(note, past=True)
    if said.origin != str(origin):
        raise _of_another()
    seen = memory.seen(said.origin)
    if said.size > (tree.size if seen is None else min(seen.size, tree.size)) or said.size < (begun.end if begun is not None else 0):
        raise LogRefused("checkpoint_unfit", "The checkpoint is of more entries than were signed here, or of fewer than its name begins with.")
    if said.root != root_of(said.size, tree.nodes) or said.root != await root_in(reader, said.size):
        raise _unlike_log()
    return Brought(note)


async def _next_generation(written: bytes, origin: Origin, policy: TrustPolicy, reader: LogReader, memory: Memory) -> Brought:
    proof = Break.of(written)
    if proof.origin != origin.next:
        raise _of_another()
    kept = proof.checked(policy).kept
    first = Checkpoint.of(proof.begun.note)
    # With its root the log has the entries that were kept and both acceptances, where the proofs say that they stand.
    if await root_in(reader, first.size) != first.root:
        raise _unlike_log()
    seen = memory.seen(first.origin)
    if seen is not None and await root_in(reader, seen.size) != seen.root:
        raise _unlike_log()
    one, other = proof.proofs
    return Brought(proof.begun.note, Begun(kept, (one.index, other.index), proof.entries, proof.closed), written)


def remember_brought(memory: Memory, brought: Brought) -> None:
    """Keeps, before anything else, that so much was signed, where no more than that is known."""
    said = Checkpoint.of(brought.note)
    seen = memory.seen(said.origin)
    if seen is None or seen.size < said.size:
        memory.remember(said.origin, Seen(said.size, said.root))


def _of_another() -> LogRefused:
    return LogRefused("another_generation", "This is not of the name under which the log stands here, nor how it goes on from there.")


def _unlike_log() -> LogRefused:
    return LogRefused("unlike_log", "The log is not the one of which this was signed.")
