"""A log that was set back goes on under a new origin, once two persons' acceptances stand in it behind what was kept of what was signed."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

from ops.checkpointer.held_tree import HeldTree
from ops.checkpointer.reading import LogReader
from ops.settings import CannotStart
from ops.witness.memory import Memory
from shared.durable_files import write_durably
from shared.tlog.breaks import Acceptance, Break
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import Note
from shared.tlog.proofs import EntryProof
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import (
    Frontier,
    Nodes,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
)
from shared.tlog.witnessing import AddCheckpoint

# Of what a whole day of looking at a log that waits for the second of two persons leaves in it, and more: what was recorded
# before the first of them accepted is not shown.
MOST_SHOWN_BYTES: Final = 16 << 20
_BATCH: Final = 65_536
_SHOWN: Final = "shown"
_BEGUN: Final = "begun"
# From the first acceptance on the database takes nothing but who looked and what is accepted (`restored_1.sql`). Before it, it may
# have gone on for a while before anybody found that it was set back.
_MEANWHILE: Final = ("access", "restore")
# What a log may be refused for that was set back, whoever found it: who signs it by its own memory, or by the database's own word
# where that memory was set back with it, or a witness, where nobody left word.
BY_WITNESS: Final = frozenset({"witness_saw_more", "witness_saw_another"})
SET_BACK: Final = frozenset({"log_shrank", "log_rewritten", "log_set_back"}) | BY_WITNESS


@dataclass(frozen=True, slots=True)
class Shown:
    """Every entry from the first acceptance to the second, as somebody showed it who read the log."""

    acceptance: Acceptance
    entries: tuple[bytes, ...]

    @classmethod
    def of(cls, log: str, written: bytes) -> Self:
        """Entries one after the other, each with the end of its line; LogRefused where they are not two persons' word and who looked meanwhile.

        What is shown from before the first acceptance is passed over.
        """
        entries = tuple(written.removesuffix(b"\n").split(b"\n"))
        kinds = [_kind(log, entry) for entry in entries]
        proposed = max((at for at, kind in enumerate(kinds) if kind == ("restore", "acceptance_proposed")), default=-1)
        if proposed < 0 or kinds[-1] != ("restore", "accepted"):
            raise LogRefused("not_accepted", "Two persons have not accepted the restore.")
        if any(kind[0] not in _MEANWHILE for kind in kinds[proposed:]):
            raise LogRefused("accepted_too_late", "Something was recorded between the first acceptance and the second.")
        return cls(Acceptance.of(log, entries[proposed], entries[-1]), entries[proposed:])


@dataclass(frozen=True, slots=True)
class Begun:
    """From where a generation of a log goes on, what was last signed of the one before, and where it was accepted."""

    kept: int
    places: tuple[int, int]
    entries: tuple[bytes, bytes]
    closed: AddCheckpoint

    @property
    def accepts(self) -> UUID:
        """Which setting back was accepted, by the id under which the database has it."""
        return UUID(json.loads(self.entries[1])["subject"])

    @property
    def end(self) -> int:
        """How many entries there are up to the second acceptance; of fewer no checkpoint proves how the generation began."""
        return self.places[1] + 1

    @property
    def told(self) -> dict[str, object]:
        """As it is kept."""
        entries = [base64.b64encode(entry).decode() for entry in self.entries]
        return {"kept": self.kept, "places": list(self.places), "entries": entries, "closed": bytes(self.closed).decode()}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """One that was kept."""
        first, second = (base64.b64decode(entry, validate=True) for entry in told["entries"])
        places = (int(told["places"][0]), int(told["places"][1]))
        return cls(int(told["kept"]), places, (first, second), AddCheckpoint.of(told["closed"].encode()))

    def proven_by(self, note: Note, nodes: Nodes) -> Break:
        """The break's file, with the first checkpoint of this generation that witnesses saw, over a tree that has at least its size."""
        size = Checkpoint.of(note).size
        first, second = (EntryProof(place, inclusion_proof(place, size, nodes), note) for place in self.places)
        begun = AddCheckpoint(self.kept, consistency_proof(self.kept, size, nodes), note)
        return Break(self.closed, begun, (first, second), self.entries)


def begun_in(folder: Path) -> list[Begun]:
    """Every generation of a log after the first, the oldest first; `CannotStart` where the file cannot be read."""
    try:
        return [Begun.of(told) for told in json.loads((folder / _BEGUN).read_bytes())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise CannotStart("memory_damaged", f"{folder / _BEGUN} does not say under which name the log goes on") from None


def begin_in(folder: Path, begun: Sequence[Begun]) -> None:
    """Returns once it is on disk that the log goes on so; what was shown for it is not needed any more."""
    write_durably(folder / _BEGUN, json.dumps([one.told for one in begun]).encode())
    forget_shown(folder)


def keep_shown(folder: Path, log: str, written: bytes) -> None:
    """Keeps what somebody shows, for the next round to hold it against the log; LogRefused where it cannot be what is asked for."""
    Shown.of(log, written)
    write_durably(folder / _SHOWN, written)


def forget_shown(folder: Path) -> None:
    """What was shown and refused is not looked at again."""
    (folder / _SHOWN).unlink(missing_ok=True)


def shown_in(folder: Path, log: str) -> Shown | None:
    """What was shown last, if anything was."""
    try:
        return Shown.of(log, (folder / _SHOWN).read_bytes())
    except FileNotFoundError:
        return None


async def judged(
    shown: Shown, origin: Origin, published: Note | None, memory: Memory, tree: HeldTree, reader: LogReader, *, least: int, by_witness: bool
) -> Begun:  # fmt: skip
    """How a log goes on that is not the one of ``tree`` any more; LogRefused where what was shown does not have it go on.

    The log's first entries have to be those that were signed, exactly as many as two persons accepted, and what was shown has to
    stand somewhere behind them, whatever was recorded in between. An acceptance of an earlier restore has nothing to say of this one:
    there, what was signed goes on with the same entry as the log. Of the first ``least`` entries, up to the acceptance by which this
    generation began, it may say that fewer were kept: the mark of before waits again, or was made anew, and says what it said, while
    its acceptance stands in the log as signed, or a part of it does. Whoever refuses a log ``by_witness`` may have signed more of it than
    witnesses took: that nobody was told, and it does not count.
    """
    kept = shown.acceptance.kept
    seen = memory.seen(str(origin))
    if published is None or seen is None or tree.size < seen.size or root_of(seen.size, tree.nodes) != seen.root:
        raise LogRefused("closing_unknown", "What was signed before is not known here any more.")
    nodes = tree.nodes
    if kept > tree.size:
        # The log has all that was signed, whatever it seemed to have lost in between, and went on before it was accepted.
        if await root_in(reader, tree.size) != root_of(tree.size, nodes):
            raise LogRefused("kept_unlike", "What is said to be kept is not how the log began that was signed.")
        more = [hashed async for found in _batches(reader, tree.size, kept) for hashed in found]
        nodes = await asyncio.to_thread(tree.followed_by, more)
    if await root_in(reader, kept) != shown.acceptance.root or root_of(kept, nodes) != shown.acceptance.root:
        raise LogRefused("kept_unlike", "What is said to be kept is not how the log began that was signed.")
    hashes = await asyncio.to_thread(lambda: [leaf_hash(entry) for entry in shown.entries])
    first = await _place(reader, kept, hashes[0])
    last = first + len(hashes) - 1
    if await reader.hashes(first, last + 1) != hashes:
        raise LogRefused("not_in_log", "What was shown does not stand in the log behind what was kept.")
    signed = Checkpoint.of(published).size if by_witness else seen.size
    if kept < signed and [tree.nodes(0, kept)] == await reader.hashes(kept, kept + 1):
        if last < tree.size and tree.nodes(0, last) == hashes[-1]:
            raise LogRefused("accepted_before", "This was accepted of an earlier restore.")
        behind = max(kept, least)
        if behind < signed and [tree.nodes(0, behind)] == await reader.hashes(behind, behind + 1):
            raise LogRefused("kept_fewer", "More stands in the log of what was signed than is said to be kept.")
    closed = Checkpoint.of(published)
    smaller, larger = sorted((closed.size, kept))
    path = consistency_proof(smaller, larger, nodes)
    return Begun(kept, (first, last), (shown.entries[0], shown.entries[-1]), AddCheckpoint(kept, path, published))


async def _place(reader: LogReader, kept: int, hashed: bytes) -> int:
    """Where behind what was kept an entry stands in the log; LogRefused if it does not."""
    first = kept
    while found := await reader.hashes(first, first + _BATCH):
        if hashed in found:
            return first + found.index(hashed)
        first += len(found)
    raise LogRefused("not_in_log", "What was shown does not stand in the log behind what was kept.")


async def root_in(reader: LogReader, size: int) -> bytes | None:
    """The root over the first entries of the log itself, None where it has fewer."""
    frontier = Frontier()
    async for found in _batches(reader, 0, size):
        # Other logs are looked at meanwhile.
        await asyncio.to_thread(_put, frontier, found)
    return frontier.root() if frontier.size == size else None


def _put(frontier: Frontier, hashes: Sequence[bytes]) -> None:
    for hashed in hashes:
        frontier.append(hashed)


async def _batches(reader: LogReader, first: int, end: int) -> AsyncIterator[list[bytes]]:
    """The hashes of these entries of a log, as far as there are any."""
    while first < end and (found := await reader.hashes(first, min(end, first + _BATCH))):
        yield found
        first += len(found)


def _kind(log: str, entry: bytes) -> tuple[str, str]:
    """Of which aggregate an entry of this log is, and what happened; LogRefused where it is none."""
    try:
        avrr, service, aggregate, event, _ = json.loads(entry)["type"].split(".")
    except (ValueError, LookupError, TypeError, AttributeError):
        raise LogRefused("not_accepted", "These are no entries of a log.") from None
    if (avrr, service) != ("avrr", log):
        raise LogRefused("not_accepted", "These are entries of another log.")
    return aggregate, event
