"""The signed checkpoints of every log, asked of who signs them and held against the archive's own root at that size."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx
import structlog

from services.audit import archive
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import MOST_NOTE_BYTES, Note
from shared.tlog.refusals import LogRefused
from shared.tlog.tree import root_of
from shared.tlog.trust import TrustPolicy
from shared.topology import AUDIT

ASK_SECONDS: Final = 1.0
_TIMEOUT: Final = httpx.Timeout(3.0, connect=1.0)
# For a whole answer, which is a few hundred bytes.
ANSWER_SECONDS: Final = 5.0

_SIZE = Sql("SELECT last_idx + 1 AS size FROM cursor WHERE source = :log")
# The same size is signed again and again while nothing happens: of these the latest stays.
_KEEP = Sql(
    "INSERT INTO archive_checkpoints (log, size, root, note, agrees) VALUES (:log, :size, :root, :note, :agrees) "
    "ON CONFLICT (log, size, root) DO UPDATE SET note = excluded.note, kept_at = clock_timestamp()"
)
_NOTE_ROOT = Sql(
    "INSERT INTO archive_differences (log, kind, first_idx, last_idx) VALUES (:log, 'root', 0, :last) "
    "ON CONFLICT (log, kind, first_idx) DO UPDATE SET last_idx = excluded.last_idx, seen_at = clock_timestamp(), gone_at = NULL"
)
LATEST = Sql(
    "SELECT size, root, note, kept_at FROM archive_checkpoints WHERE log = :log AND agrees AND size > :index "
    "ORDER BY size DESC LIMIT 1"
)

log = structlog.get_logger("checkpoints")


@dataclass(slots=True)
class Asked:
    """What is known of one log's checkpoints: the size of the latest, and what keeps a newer one from being kept."""

    size: int = -1
    note: str = ""
    alarm: str | None = None
    fault: str | None = None


class Checkpoints:
    """Keeps each new checkpoint that is signed as the policy asks and has the root of our own archive.

    One with another root is an alarm and is kept as well, as what it is: two histories of one log.
    """

    def __init__(self, database: Database, client: httpx.AsyncClient, url: str, logs: tuple[str, ...]) -> None:
        self.logs: Mapping[str, Asked] = {name: Asked() for name in logs}
        self._database = database
        self._client = client
        self._url = url.rstrip("/")
        self._policy: TrustPolicy | None = None
        self._scope = Scope(f"service:{AUDIT.name}")

    @property
    def policy(self) -> TrustPolicy | None:
        """By which keys checkpoints are checked, None until it was read."""
        return self._policy

    async def run(self, every: float = ASK_SECONDS) -> None:
        """Asks for every log again and again; whatever fails is tried again the next time."""
        while True:
            for name in self.logs:
                await self.ask(name)
            await asyncio.sleep(every)

    async def ask(self, name: str) -> None:
        """Asks for one log's latest checkpoint, and keeps it if it is new and all of it was archived."""
        asked = self.logs[name]
        try:
            written = await self._told(f"{name}/checkpoint")
            if written.decode(errors="replace") != asked.note:
                await self._take(name, asked, written)
            asked.fault = None
        except LogRefused as refusal:
            # Keys may be others by now; the next time the policy is read anew.
            self._policy = None
            self._alarm(name, asked, refusal.code)
        except Exception as error:  # noqa: BLE001 -- who ends asking hears of no other history from then on
            fault = type(error).__name__
            if fault != asked.fault:
                asked.fault = fault
                log.warning("checkpoint_waits", source=name, kind=fault)

    def status(self) -> dict[str, object]:
        """What readiness tells of each log."""
        return {name: {"size": one.size, "alarm": one.alarm, "fault": one.fault} for name, one in self.logs.items()}

    async def _take(self, name: str, asked: Asked, written: bytes) -> None:
        if self._policy is None:
            self._policy = TrustPolicy.of((await self._told("policy")).decode(errors="replace"))
        note = Note.of(written)
        said = self._policy.checked(note)
        if said.origin.rpartition("/")[2] != name:
            raise LogRefused("another_log", "This is the checkpoint of another log.")

        async def work(unit: UnitOfWork) -> bool | None:
            row = await unit.row(_SIZE, log=name)
            if (row["size"] if row is not None else 0) < said.size:
                return None
            return await _kept(unit, name, note, said)

        agrees = await self._database.attempt(self._scope, work)
        if agrees is None:
            # The archive is behind: the same checkpoint is asked for again.
            return
        asked.note, asked.size = str(note), said.size if agrees else asked.size
        self._alarm(name, asked, None if agrees else "root_unlike_archive")

    async def _told(self, path: str) -> bytes:
        told = b""
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            self._client.stream("GET", f"{self._url}/{path}", timeout=_TIMEOUT) as answer,
        ):
            answer.raise_for_status()
            async for piece in answer.aiter_bytes():
                told += piece
                if len(told) > MOST_NOTE_BYTES:
                    break
        return told[: MOST_NOTE_BYTES + 1]

    def _alarm(self, name: str, asked: Asked, alarm: str | None) -> None:
        if alarm == asked.alarm:
            return
        if alarm is not None:
            log.error("checkpoint_refused", source=name, reason=alarm)
        asked.alarm = alarm


async def _kept(unit: UnitOfWork, name: str, note: Note, said: Checkpoint) -> bool:
    nodes = await archive.nodes_for(unit, name, said.size, lambda nodes: root_of(said.size, nodes))
    agrees = root_of(said.size, nodes) == said.root
    unit.write(
        Write(_KEEP, {"log": name, "size": said.size, "root": said.root, "note": str(note), "agrees": agrees})
    )
    if not agrees:
        unit.write(Write(_NOTE_ROOT, {"log": name, "last": said.size - 1}))
    return agrees


@contextlib.asynccontextmanager
async def asking_for_all(checkpoints: Checkpoints) -> AsyncIterator[None]:
    """Asks while the block runs."""
    task = asyncio.create_task(checkpoints.run(), name="asking for checkpoints")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
