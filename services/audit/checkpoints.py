"""The signed checkpoints of every log, asked of who signs them and held against the archive's own root at that size."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

import asyncpg
import httpx
import structlog

from services.audit import archive
from services.audit.breaks import follow, generation_of
from services.audit.findings import Difference, mark_of, note
from services.audit.pinning import POLICY_SECONDS, Pin, is_earlier, log_of
from services.audit.repeating import each, waited_out
from services.audit.tails import Tails, Told
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.tlog.breaks import MOST_BREAK_BYTES, Acceptance, Break
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import MOST_NOTE_BYTES, Note
from shared.tlog.refusals import LogRefused
from shared.tlog.trust import TrustPolicy
from shared.topology import AUDIT

ASK_SECONDS: Final = 1.0
_TIMEOUT: Final = httpx.Timeout(3.0, connect=1.0)
# For a whole answer, which is a few hundred bytes.
ANSWER_SECONDS: Final = 5.0
# A log that grew is signed within a second; what signs it is late itself after so many (`ops.checkpointer.app`).
COVERED_WITHIN_SECONDS: Final = 60.0
# What is in a stream is archived within a second; who died with deliveries in hand holds them up for some five, three times.
ARCHIVED_WITHIN_SECONDS: Final = 60.0

_SIZE = Sql("SELECT last_idx + 1 AS size, stopped FROM cursor WHERE source = :log")
# The same size is signed again and again while nothing happens: the first of these stays as it came, and beside it the latest,
# whose time is that of its coming and not that of its being told once more.
_KEEP = Sql(
    "INSERT INTO archive_checkpoints AS k (log, size, root, note, agrees) VALUES (:log, :size, :root, :note, :agrees) "
    "ON CONFLICT (log, size, root) DO UPDATE SET again = excluded.note, kept_at = clock_timestamp() "
    "WHERE coalesce(k.again, k.note) <> excluded.note"
)
LATEST = Sql(
    "SELECT size, root, coalesce(again, note) AS note, kept_at FROM archive_checkpoints WHERE log = :log AND agrees AND size > :index "
    # Nothing is kept of what is not archived, so that a row which says so was written by somebody else.
    "AND size <= (SELECT max(idx) + 1 FROM archive_entries WHERE log = :log) ORDER BY size DESC LIMIT 1"
)
# One of them is honest at most, unless an older checkpoint is told: what others wrote there beside it is passed over.
_NOT_OLDER = Sql(
    "SELECT size, root, note, again FROM archive_checkpoints WHERE log = :log AND agrees AND size >= :size "
    "AND size <= (SELECT max(idx) + 1 FROM archive_entries WHERE log = :log) ORDER BY size DESC LIMIT 1000"
)

# How a checkpoint stands to the archive: it has the archive's root or another one, or it is of more than is archived, where a stream
# that brought another entry keeps the archive from going on, or nothing does.
Held = Literal["agrees", "unlike", "stopped", "behind"]

log = structlog.get_logger("checkpoints")


@dataclass(slots=True)
class Lag:
    """How long something has been behind: since when what was ahead at that moment was not reached."""

    target: int = 0
    since: float | None = None

    def seen(self, ahead: int, behind: int, now: float) -> None:
        """How far both are at this moment."""
        if self.since is None or behind >= self.target:
            self.target, self.since = (ahead, now) if ahead > behind else (0, None)

    def seconds(self, now: float) -> float:
        """For how long, 0 if it is not."""
        return 0.0 if self.since is None else now - self.since


@dataclass(slots=True)
class Asked:
    """What is known of one log's checkpoints: the size of the latest, and what keeps a newer one from being kept.

    ``told`` is the size of the latest that was told, whether it could be kept or not. ``uncovered`` is how long entries of the
    archive have been waiting for a checkpoint, ``unarchived`` how long a checkpoint has been waiting for its entries.
    """

    size: int = -1
    note: str = ""
    alarm: str | None = None
    fault: str | None = None
    told: int = 0
    uncovered: Lag = field(default_factory=Lag)
    unarchived: Lag = field(default_factory=Lag)


class Checkpoints:
    """Keeps each new checkpoint that is signed as the pinned policy asks and has the root of our own archive.

    One with another root is an alarm and is kept as well, as what it is: two histories of one log. An older one than was kept
    already is an alarm, too. Where the archive took what nobody signed, that is set apart instead, as far as a log tells what it
    has (``told``) and the checkpoint proves it.
    """

    def __init__(
        self, database: Database, client: httpx.AsyncClient, url: str, logs: tuple[str, ...], by_people: TrustPolicy | None = None,
        elapsed: Callable[[], float] = time.monotonic, told: Told | None = None,
    ) -> None:  # fmt: skip
        self.logs: Mapping[str, Asked] = {name: Asked() for name in logs}
        self.policy_changed = False
        self._database = database
        self._client = client
        self._url = url.rstrip("/")
        self._elapsed = elapsed
        self._scope = Scope(f"service:{AUDIT.name}")
        self._pin = Pin(database, self._scope, logs, by_people)
        self._tails = Tails(database, told, elapsed) if told is not None else None
        self._served: TrustPolicy | None = None
        self._served_at: float | None = None

    @property
    def policy(self) -> TrustPolicy | None:
        """By which keys checkpoints are checked, None until it was read."""
        return self._pin.policy

    async def round(self) -> None:
        """Asks for every log once, and now and then for the policy; whatever fails is tried again in the next round."""
        if self._served_at is None or self._elapsed() - self._served_at >= POLICY_SECONDS:
            # Whether it cannot be reached is told of each log.
            with contextlib.suppress(httpx.HTTPError, TimeoutError):
                await self.ask_policy()
        await each(self.logs, self.ask)
        changed = self._served is not None and self._pin.is_unlike(self._served)
        if changed and not self.policy_changed:
            log.error("policy_changed")
        self.policy_changed = changed

    async def ask_policy(self) -> None:
        """Reads which policy is served; nothing is believed for its being served, unless nothing ever was."""
        served = await self._told("policy")
        try:
            self._served = TrustPolicy.of(served.decode(errors="replace"))
        except LogRefused:
            self._served = TrustPolicy(())
        self._served_at = self._elapsed()

    async def ask(self, name: str) -> None:
        """Asks for one log's latest checkpoint, and keeps it if it is new and all of it was archived."""
        asked = self.logs[name]
        with waited_out(asked, lambda kind: log.warning("checkpoint_waits", source=name, kind=kind)):
            row = await self._database.alone(_SIZE, log=name)
            archived = row["size"] if row is not None else 0
            # Also where the checkpointer does not answer.
            self._lagging(asked, archived)
            try:
                written = await self._told(f"{name}/checkpoint")
                if written.decode(errors="replace") != asked.note:
                    await self._take(name, asked, written)
            except LogRefused as refusal:
                self._alarm(name, asked, refusal.code)
            self._lagging(asked, archived)

    def signed(self, name: str, row: asyncpg.Record) -> bool | None:
        """Whether a key of this log signed what is kept in a row; None as long as no policy is believed."""
        return None if self._pin.policy is None else self._pin.kept(name, row) is not None

    def _lagging(self, asked: Asked, archived: int) -> None:
        asked.uncovered.seen(archived, max(asked.size, 0), self._elapsed())
        asked.unarchived.seen(asked.told, archived, self._elapsed())

    def seconds(self, lag: Lag) -> float:
        """For how long a lag has lasted at this moment."""
        return lag.seconds(self._elapsed())

    def status(self) -> dict[str, object]:
        """What readiness tells of each log."""
        return {
            name: {
                "size": one.size, "alarm": one.alarm, "fault": one.fault,
                "uncovered_seconds": round(self.seconds(one.uncovered), 3),
                "unarchived_seconds": round(self.seconds(one.unarchived), 3),
            }
            for name, one in self.logs.items()
        }  # fmt: skip

    async def _take(self, name: str, asked: Asked, written: bytes) -> None:
        if not await self._pin.begin():
            if self._served is None:
                await self.ask_policy()
            if self._served is None or not self._served.logs:
                raise LogRefused("policy_wrong", "What is served first, to be believed from then on, is no policy.")
            await self._pin.first(self._served)
        signed = Note.of(written)
        said = self._pin.checked(signed)
        if log_of(said.origin) != name:
            raise LogRefused("another_log", "This is the checkpoint of another log.")
        if self._served is not None and (added := await self._pin.rotated(self._served, signed)):
            log.warning("key_rotated", source=name, keys=len(added))
        goes_on = await self._go_on(name, asked, Origin.of(said.origin))
        asked.told = said.size
        if not goes_on:
            self._alarm(name, asked, None)
            return

        held = await self._database.attempt(self._scope, partial(_held, name, self._pin, signed, said, self._tails is None))
        if held != "agrees" and await self._apart(name, asked, held, signed, said):
            return
        if held == "unlike" and self._tails is not None:
            held = await self._database.attempt(self._scope, partial(_held, name, self._pin, signed, said, True))
        if held in ("stopped", "behind"):
            # The archive is behind: the same checkpoint is asked for again.
            self._alarm(name, asked, None)
            return
        asked.note, asked.size = str(signed), said.size if held == "agrees" else asked.size
        self._alarm(name, asked, None if held == "agrees" else "root_unlike_archive")

    async def _apart(self, name: str, asked: Asked, held: Held, signed: Note, said: Checkpoint) -> bool:
        """Whether entries that nobody signed were set apart, or are looked for still, so that the checkpoint is asked for again."""
        late = self.seconds(asked.uncovered) > COVERED_WITHIN_SECONDS
        if self._tails is None or (held == "behind" and not late):
            return False
        try:
            outcome = await self._tails.look(name, signed, said)
        except (httpx.HTTPError, TimeoutError):
            # Who keeps a service from answering keeps another history from being an alarm for so long, and no longer.
            if not late:
                raise
            return False
        if outcome == "apart":
            asked.uncovered = Lag()
            self._alarm(name, asked, None)
        return outcome != "unproven"

    async def _go_on(self, name: str, asked: Asked, origin: Origin) -> bool:
        """Follows a log that was set back to the generation of this origin, break by break, each proven before it is believed;
        whether it came that far, or waits until it can be told what was lost.
        """
        held = await self._database.attempt(self._scope, lambda unit: generation_of(unit, name))
        if origin.generation < held:
            raise LogRefused("checkpoint_older", "The log goes on under another name since this was signed.")
        for generation in range(held + 1, origin.generation + 1):
            proof = Break.of(await self._told(f"{name}/breaks/{generation}", MOST_BREAK_BYTES))
            if proof.origin != Origin(origin.family, generation):
                raise LogRefused("break_unproven", "This is not how the log goes on.")
            # By the keys of its time: that the newest one signs is asked of the checkpoint that led here, not of what was signed
            # before there was that key.
            assert self._pin.policy is not None
            said = proof.checked(self._pin.policy)
            if not await self._database.attempt(self._scope, partial(_follow, name, generation, proof, said)):
                return False
            log.warning("log_was_set_back", source=name, generation=generation, kept=said.kept, known=said.known)
            asked.size, asked.note = min(asked.size, said.kept), ""
        return True

    async def _told(self, path: str, most: int = MOST_NOTE_BYTES) -> bytes:
        told = b""
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            self._client.stream("GET", f"{self._url}/{path}", timeout=_TIMEOUT) as answer,
        ):
            answer.raise_for_status()
            async for piece in answer.aiter_bytes():
                told += piece
                if len(told) > most:
                    break
        return told[: most + 1]

    def _alarm(self, name: str, asked: Asked, alarm: str | None) -> None:
        if alarm == asked.alarm:
            return
        if alarm is not None:
            log.error("checkpoint_refused", source=name, reason=alarm)
        asked.alarm = alarm


async def _follow(name: str, generation: int, proof: Break, said: Acceptance, unit: UnitOfWork) -> bool:
    return await follow(unit, name, generation, proof, said)


async def _refuse_older(unit: UnitOfWork, pin: Pin, name: str, signed: Note, said: Checkpoint) -> None:
    """LogRefused where a later checkpoint of this log was kept: it holds more entries, or a witness saw it later."""
    assert pin.policy is not None
    for row in await unit.rows(_NOT_OLDER, log=name, size=said.size):
        kept = pin.kept(name, row)
        if kept is not None and (
            row["size"] > said.size
            or (bytes(row["root"]) == said.root and is_earlier(signed, kept, tuple(pin.policy.witnesses.values())))
        ):
            raise LogRefused("checkpoint_older", "A later checkpoint of this log was told before.")


async def _held(name: str, pin: Pin, signed: Note, said: Checkpoint, unlike_too: bool, unit: UnitOfWork) -> Held:
    """How a checkpoint stands to the archive; keeps it if it has the archive's root, one with another root only if told to."""
    await _refuse_older(unit, pin, name, signed, said)
    row = await unit.row(_SIZE, log=name)
    if (row["size"] if row is not None else 0) < said.size:
        return "stopped" if row is not None and row["stopped"] == "other" else "behind"
    agrees = await archive.root_at(unit, name, said.size) == said.root
    if not agrees and not unlike_too:
        return "unlike"
    unit.write(
        Write(_KEEP, {"log": name, "size": said.size, "root": said.root, "note": str(signed), "agrees": agrees}, rows=None)
    )
    if not agrees:
        await note(unit, name, [Difference("root", 0, said.size - 1, mark_of(said.size, said.root))])
    return "agrees" if agrees else "unlike"
