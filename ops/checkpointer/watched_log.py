"""One log whose checkpoints are made: read, compared with what was signed of it, extended, signed, shown, and published."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx

from ops.checkpointer.alarms import Alarm, raise_in, raised_in
from ops.checkpointer.bringing import brought_of, is_break, remember_brought
from ops.checkpointer.generations import (
    BY_WITNESS,
    SET_BACK,
    Begun,
    begin_in,
    begun_in,
    forget_shown,
    judged,
    keep_shown,
    shown_in,
)
from ops.checkpointer.held_tree import HeldTree, TreeDamaged
from ops.checkpointer.keys import LogKey, signing
from ops.checkpointer.marks import Bound, bounds_of, generation_unknown, refuse_unknown
from ops.checkpointer.reading import LogReader
from ops.checkpointer.signing import Shown, Witness, next_checkpoint
from ops.witness.memory import Memory
from shared.durable_files import write_durably
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import Note, Signature
from shared.tlog.refusals import LogRefused
from shared.tlog.tiles import TILE_WIDTH, tile_holding
from shared.tlog.tree import leaf_hash
from shared.tlog.trust import TrustPolicy

# So many entries are read at a time: two megabytes of hashes.
_BATCH: Final = 65_536
# At least so many tiles, and one part in so many, are compared with the database in each round: a round takes a second,
# so that what was changed in a log of up to a million entries is found within a minute.
_FEWEST_TILES: Final = 1
_MOST_TILES: Final = 128
_ROUNDS: Final = 50
# Also of a log in which nothing happens it is said that nothing did: a checkpoint that is older hides something.
SAID_AGAIN_AFTER: Final = 30.0
_CHECKPOINT: Final = "checkpoint"
_BREAK: Final = "break"
# What is for people to look at. Whatever else is refused, an answer of a witness that is none, is asked again.
_GRAVE: Final = SET_BACK
# What ends by itself only where people do something about it, though it is no alarm that stays.
_TOLD: Final = frozenset({"generation_unknown", "log_unknown_to_witness"})


@dataclass(frozen=True, slots=True)
class House:
    """What the logs of one house share: who is trusted, which witnesses are asked, by whom, and what is remembered."""

    policy: TrustPolicy
    witnesses: Sequence[Witness]
    client: httpx.AsyncClient
    memory: Memory
    now: Callable[[], datetime]


class WatchedLog:
    """One log, in a folder of its own; nobody else touches it.

    ``published`` is its latest checkpoint that witnesses saw, ``alarm`` why nothing is signed any more. ``doubts`` are the
    witnesses, by their names, that say they know another history while enough others saw the latest checkpoint, each with
    the code of what it says. A log that was set back goes on as its next generation once two persons' acceptance of that was shown;
    ``unaccepted`` is by which code what was shown does not end the alarm, and ``hindered`` the code of what kept the last round from
    signing, where that is for people to end.
    """

    def __init__(self, name: str, family: str, folder: Path, reader: LogReader, keys: Sequence[LogKey], house: House) -> None:
        """What cannot be read in the folder is made anew, or is an alarm; `CannotStart` where nobody knows how the log goes on."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.name = name
        self.doubts: Mapping[str, str] = {}
        self._folder, self._reader, self._keys, self._house = folder, reader, keys, house
        self._shown = Shown()
        self._showings = 0
        self._turn = asyncio.Lock()
        self._begun = begun_in(folder)
        self._begin(Origin(family, len(self._begun) + 1))

    def _begin(self, origin: Origin) -> None:
        """Looks at this generation as a start does; what the one before had stays where it is."""
        self._origin = origin
        self.alarm = raised_in(self._own)
        self.published = _published(self._own / _CHECKPOINT, str(origin), self._house.policy)
        self.unaccepted: str | None = None
        self.hindered: str | None = None
        self._tree: HeldTree | None = None
        self._compared = 0
        self._whole = False
        self._said_at: datetime | None = None

    @property
    def _own(self) -> Path:
        """Where this generation is kept."""
        if self._origin.generation == 1:
            return self._folder
        found = self._folder / str(self._origin.generation)
        found.mkdir(mode=0o700, exist_ok=True)
        return found

    @property
    def _last(self) -> Note | None:
        """The last checkpoint of this generation that was seen, by whoever was asked then: what it is closed with is of the past."""
        return self.published or _published(self._own / _CHECKPOINT, self.origin, self._house.policy, past=True)

    @property
    def origin(self) -> str:
        """Under which name it is signed."""
        return str(self._origin)

    @property
    def confirmed(self) -> bool:
        """Whether witnesses saw a checkpoint since this start."""
        return self._said_at is not None

    @property
    def seen_at(self) -> int | None:
        """When a witness saw what is published, the latest of them (seconds since 1970, UTC); None if nothing is."""
        times = self.published.signed_by(self._house.policy.witnesses.values()).values() if self.published else ()
        return max((time for time in times if time is not None), default=None)

    async def round(self) -> None:
        """One look at the log, and a checkpoint if it grew or the latest one becomes old.

        LogRefused as ``witness_away`` where too few witnesses saw it, one of `AWAY` where a database
        or a disk does not do its part, `CannotStart` where what was signed cannot be read: then nothing is published,
        and the next round tries again. A log that is not the one that was signed, whose database says that it was set back, or that a
        witness knows otherwise without whom too few have seen it, raises LogRefused once; that is its alarm, and nothing of it is
        signed any more.
        """
        async with self._turn:
            await self._in_turn()

    async def _in_turn(self) -> None:
        if self.alarm is not None:
            # A disk that was full when it was raised may have room now.
            await asyncio.to_thread(raise_in, self._own, self.alarm)
            if not await self._goes_on(self.alarm):
                return
        try:
            await self._round()
            self.hindered = None
        except LogRefused as refusal:
            self.hindered = refusal.code if refusal.code in _TOLD else None
            if refusal.code in _GRAVE:
                self.alarm = Alarm.of(refusal, self._house.now())
                await asyncio.to_thread(raise_in, self._own, self.alarm)
            raise
        except TreeDamaged:
            # It is read from the log again; whether that is what was signed, the memory says.
            self._tree = None
            raise

    async def close(self) -> None:
        """Gives its connection up."""
        await self._reader.close()

    async def show(self, written: bytes) -> None:
        """Keeps what a log that was set back has from the first acceptance of that to the second, for the next round to look at.

        LogRefused where it is not that, and as ``not_set_back`` where the log is not refused for having been set back: nobody fills
        the disk of a log that is signed. Who shows it does not matter: nothing but what stands in the log itself counts.
        """
        if self.alarm is None or self.alarm.code not in SET_BACK:
            raise LogRefused("not_set_back", "The log is not refused for having been set back.")
        await asyncio.to_thread(keep_shown, self._folder, self.name, written)
        self._showings += 1
        self.unaccepted = None

    async def bring(self, written: bytes) -> None:
        """Takes what was signed of the log and is known here no more: how it goes on as its next generation, or a checkpoint of this one.

        LogRefused where it is not signed and seen, not of this log's present or next name, or not how the log itself is, and as
        ``checkpoint_known`` where this name has a checkpoint. Who brings it does not matter, for the keys and the log say whether it
        counts. An alarm stays: with a checkpoint to close a generation with, what two persons accepted is shown again.
        """
        async with self._turn:
            if self._last is not None and not is_break(written):
                raise LogRefused("checkpoint_known", "A checkpoint of the present name is known here.")
            tree = await asyncio.to_thread(HeldTree, self._own / "tree")
            last = self._begun[-1] if self._begun else None
            found = await brought_of(written, self._origin, self._house.policy, self._reader, tree, self._house.memory, last)
            await asyncio.to_thread(remember_brought, self._house.memory, found)
            own = self._own if found.begun is None else self._folder / str(self._origin.next.generation)
            own.mkdir(mode=0o700, exist_ok=True)
            if found.begun is not None:
                await asyncio.to_thread(write_durably, own / _BREAK, found.written)
            elif last is not None:
                await asyncio.to_thread(_tell_break, own / _BREAK, last, found.note, tree)
            if _published(own / _CHECKPOINT, Checkpoint.of(found.note).origin, self._house.policy, past=True) is None:
                await asyncio.to_thread(write_durably, own / _CHECKPOINT, str(found.note).encode())
            if found.begun is None:
                self.published = _published(own / _CHECKPOINT, self.origin, self._house.policy)
                return
            begun_so_far = [*self._begun, found.begun]
            await asyncio.to_thread(begin_in, self._folder, begun_so_far)
            self._begun = begun_so_far
            self._begin(self._origin.next)

    def broken(self, generation: int) -> bytes | None:
        """What proves how this generation goes on after the one before it; None where it was not begun, or seen by no witness yet."""
        with contextlib.suppress(OSError):
            return (self._folder / str(generation) / _BREAK).read_bytes()
        return None

    async def _goes_on(self, alarm: Alarm) -> bool:
        """Whether the log goes on as its next generation, by what was shown."""
        showing = self._showings
        shown = await asyncio.to_thread(shown_in, self._folder, self.name) if alarm.code in SET_BACK else None
        if shown is None:
            return False
        tree = await asyncio.to_thread(HeldTree, self._own / "tree")
        try:
            least, by_witness = self._begun[-1].end if self._begun else 0, alarm.code in BY_WITNESS
            begun = await judged(shown, self._origin, self._last, self._house.memory, tree, self._reader, least=least, by_witness=by_witness)
            await self._refuse_later(begun)
        except LogRefused as refusal:
            # What was shown meanwhile is judged by the next round, and nothing is said of it before.
            if showing == self._showings:
                # It is not judged again, which reads the log, until somebody shows it again.
                await asyncio.to_thread(forget_shown, self._folder)
                self.unaccepted = refusal.code
            return False
        # What a disk did not take was not begun: a later round begins the same generation, and no other.
        begun_so_far = [*self._begun, begun]
        await asyncio.to_thread(begin_in, self._folder, begun_so_far)
        self._begun = begun_so_far
        self._begin(self._origin.next)
        return True

    async def _round(self) -> None:
        if self._tree is None:
            self._tree = await asyncio.to_thread(HeldTree, self._own / "tree")
        tree = self._tree
        if not self._whole:
            # Before anything is signed everything is compared that ever was.
            await self._compare(tree, 0, tree.size // TILE_WIDTH)
        bound = await self._bound()
        if bound is not None and self.published is not None:
            # Closed with it, this generation is shown to begin with what was kept: what was signed is needed for that.
            if tree.size < (signed := self._signed() or 0):
                await self._extend(tree, signed)
            raise bound.refusal
        await self._extend(tree, None if bound is None else bound.entries)
        self._whole = True
        full = tree.size // TILE_WIDTH
        if full:
            tiles = min(_MOST_TILES, max(_FEWEST_TILES, -(-full // _ROUNDS)))
            first = self._compared if self._compared < full else 0
            await self._compare(tree, first, min(full, first + tiles))
            self._compared = first + tiles
        size = tree.size if bound is None else min(tree.size, bound.entries)
        if self._is_due(size):
            await self._sign(tree, size)
        if bound is not None:
            raise bound.refusal

    async def _bound(self) -> Bound | None:
        """Behind what nothing is signed under this name; None where all of the log is signed under it.

        LogRefused where the database says that it was set back, and this generation does not go on behind that: its own memory may
        have been set back with the log, and then finds nothing missing. Of a generation that has no checkpoint here others may have
        one, and what was kept is what all of them begin with: so much is signed, for the next generation to close it with.
        """
        if self._house.memory.seen(str(self._origin.next)) is not None:
            raise generation_unknown()
        marks = await self._reader.set_back()
        signed = self._signed()
        if self.published is None and self._begun:
            await self._refuse_without_acceptance(self._begun[-1])
        elif signed is None:
            await asyncio.to_thread(refuse_unknown, self._folder, marks)
        return min(bounds_of(marks, self._begun, signed), key=lambda one: one.entries, default=None)

    def _signed(self) -> int | None:
        """How many entries were signed under this name, None where nobody knows of any."""
        seen = self._house.memory.seen(str(self._origin))
        published = Checkpoint.of(self.published).size if self.published is not None else None
        return published if seen is None else seen.size

    async def _refuse_without_acceptance(self, begun: Begun) -> None:
        """LogRefused where the log has not, or no longer, what this generation began by: nothing could prove how it did."""
        for place, entry in zip(begun.places, begun.entries, strict=True):
            if await self._reader.hashes(place, place + 1) != [leaf_hash(entry)]:
                raise LogRefused("log_rewritten", f"Entry {place} of the log is not the acceptance by which its present name began.")

    async def _refuse_later(self, begun: Begun) -> None:
        """LogRefused where an earlier setting back was not shown: the next name may have been begun by that already, and never is by two."""
        bounds = bounds_of(await self._reader.set_back(), self._begun, self._signed())
        if any(bound.mark < begun.accepts for bound in bounds):
            raise LogRefused("earlier_first", "An earlier setting back of the log was accepted as well, and that is shown first.")

    def _is_due(self, size: int) -> bool:
        # A witness may have seen more than a checkpointer that was restored from a backup knows: each start asks it.
        if self._said_at is None or self.published is None or Checkpoint.of(self.published).size != size:
            return True
        # By our own clock, which may have been set back; the witness's says what others go by.
        return not 0 <= (self._house.now() - self._said_at).total_seconds() < SAID_AGAIN_AFTER

    async def _compare(self, tree: HeldTree, first: int, end: int) -> None:
        """Holds full tiles of entries against what the log has there now."""
        for begin in range(first, end, _MOST_TILES):
            until = min(end, begin + _MOST_TILES)
            found = await self._reader.hashes(begin * TILE_WIDTH, until * TILE_WIDTH)
            await asyncio.to_thread(_held_against, tree, begin, until, found)

    async def _extend(self, tree: HeldTree, most: int | None) -> None:
        """Takes what is new, of which ``most`` are wanted at most, once what is just before it is found as it was."""
        while True:
            end = tree.size + _BATCH if most is None else max(tree.size, min(most, tree.size + _BATCH))
            tile = max(0, tree.size - 1) // TILE_WIDTH
            first = tile * TILE_WIDTH
            found = await self._reader.hashes(first, end)
            known = tree.size - first
            if tree.size:
                await asyncio.to_thread(_held_against, tree, tile, tile + 1, found[:known])
            if len(found) > known:
                try:
                    await asyncio.to_thread(tree.extend, found[known:])
                except BaseException:
                    # What was half done is on disk or is not; the next round opens what is.
                    self._tree = None
                    raise
            if len(found) - known < _BATCH:
                return

    async def _sign(self, tree: HeldTree, size: int) -> None:
        origin = str(self._origin)
        signers = [signer.under(origin) for signer in signing(self._keys, self._house.now().date())]
        note = await asyncio.to_thread(next_checkpoint, self._house.memory, signers, origin, size, tree.nodes)
        asked = [self._shown.to(witness, note, tree.nodes, self._house.client) for witness in self._house.witnesses]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        grave: dict[str, LogRefused] = {}
        away = LogRefused("witness_away", "Too few of the witnesses answered.")
        for witness, answer in zip(self._house.witnesses, answers, strict=True):
            if isinstance(answer, LogRefused):
                if answer.code in _GRAVE:
                    grave[witness.key.name] = answer
                elif answer.code in _TOLD:
                    away = answer
            elif isinstance(answer, BaseException):
                raise answer
        self.doubts = {name: refusal.code for name, refusal in grave.items()}
        note = note.with_signatures(answer for answer in answers if isinstance(answer, Signature))
        try:
            self._house.policy.checked(note)
        except LogRefused as refusal:
            # Nobody else's word stands against theirs.
            raise next(iter(grave.values()), away) from refusal
        if self._origin.former is not None:
            await asyncio.to_thread(_tell_break, self._own / _BREAK, self._begun[-1], note, tree)
        await asyncio.to_thread(write_durably, self._own / _CHECKPOINT, str(note).encode())
        self.published, self._said_at = note, self._house.now()


def _held_against(tree: HeldTree, first: int, end: int, found: Sequence[bytes]) -> None:
    """LogRefused where the log has other entries in these tiles than those that were taken from it, or fewer.

    `TreeDamaged` where it is the tile that is another one.
    """
    place = 0
    for tile in range(first, end):
        held = tree.leaves(tile)
        there = found[place : place + len(held)]
        if held != there:
            if not tree.stands(tile_holding(0, tile, tree.size)):
                raise TreeDamaged("a tile is damaged")
            within = next((at for at, (one, other) in enumerate(zip(held, there, strict=False)) if one != other), len(there))
            index = first * TILE_WIDTH + place + within
            if within == len(there):
                raise LogRefused("log_shrank", f"Entry {index} of the log is gone, and {tree.size} entries were there before.")
            raise LogRefused("log_rewritten", f"Entry {index} of the log is not the one that was there before.")
        place += len(held)


def _tell_break(path: Path, begun: Begun, note: Note, tree: HeldTree) -> None:
    """Keeps what proves that a generation goes on after the one before, once, by the first of its checkpoints that was seen."""
    if not path.exists():
        write_durably(path, bytes(begun.proven_by(note, tree.nodes)))


def _published(path: Path, origin: str, policy: TrustPolicy, *, past: bool = False) -> Note | None:
    """The checkpoint that was published before this start, if it is one, or of the ``past`` if it was one then."""
    with contextlib.suppress(OSError, LogRefused):
        note = Note.of(path.read_bytes())
        if policy.checked(note, past=past).origin == origin:
            return note
    return None
