"""The signed checkpoints of every log, asked of who signs them and held against the archive's own root at that size."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx
import structlog

from services.audit import archive
from services.audit.findings import Difference, note
from services.audit.repeating import each, waited_out
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
# The same size is signed again and again while nothing happens: the first of these stays as it came, and beside it the latest,
# whose time is that of its coming and not that of its being told once more.
_KEEP = Sql(
    "INSERT INTO archive_checkpoints AS k (log, size, root, note, agrees) VALUES (:log, :size, :root, :note, :agrees) "
    "ON CONFLICT (log, size, root) DO UPDATE SET again = excluded.note, kept_at = clock_timestamp() "
    "WHERE coalesce(k.again, k.note) <> excluded.note"
)
LATEST = Sql(
    "SELECT size, root, coalesce(again, note) AS note, kept_at FROM archive_checkpoints WHERE log = :log AND agrees AND size > :index "
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

    async def round(self) -> None:
        """Asks for every log once; whatever fails is tried again in the next round."""
        await each(self.logs, self.ask)

    async def ask(self, name: str) -> None:
        """Asks for one log's latest checkpoint, and keeps it if it is new and all of it was archived."""
        asked = self.logs[name]
        with waited_out(asked, lambda kind: log.warning("checkpoint_waits", source=name, kind=kind)):
            try:
                written = await self._told(f"{name}/checkpoint")
                if written.decode(errors="replace") != asked.note:
                    await self._take(name, asked, written)
            except LogRefused as refusal:
                # Keys may be others by now; the next time the policy is read anew.
                self._policy = None
                self._alarm(name, asked, refusal.code)

    def status(self) -> dict[str, object]:
        """What readiness tells of each log."""
        return {name: {"size": one.size, "alarm": one.alarm, "fault": one.fault} for name, one in self.logs.items()}

    async def _take(self, name: str, asked: Asked, written: bytes) -> None:
        if self._policy is None:
            self._policy = TrustPolicy.of((await self._told("policy")).decode(errors="replace"))
        signed = Note.of(written)
        said = self._policy.checked(signed)
        if said.origin.rpartition("/")[2] != name:
            raise LogRefused("another_log", "This is the checkpoint of another log.")

        async def work(unit: UnitOfWork) -> bool | None:
            row = await unit.row(_SIZE, log=name)
            if (row["size"] if row is not None else 0) < said.size:
                return None
            return await _kept(unit, name, signed, said)

        agrees = await self._database.attempt(self._scope, work)
        if agrees is None:
            # The archive is behind: the same checkpoint is asked for again.
            return
        asked.note, asked.size = str(signed), said.size if agrees else asked.size
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


async def _kept(unit: UnitOfWork, name: str, signed: Note, said: Checkpoint) -> bool:
    nodes = await archive.nodes_for(unit, name, said.size, lambda nodes: root_of(said.size, nodes))
    agrees = root_of(said.size, nodes) == said.root
    unit.write(
        Write(_KEEP, {"log": name, "size": said.size, "root": said.root, "note": str(signed), "agrees": agrees}, rows=None)
    )
    if not agrees:
        await note(unit, name, [Difference("root", 0, said.size - 1)])
    return agrees
