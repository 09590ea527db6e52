"""A log whose archive may have taken what nobody signed, and a worker that is told of it by the checkpointer and by the service."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx

from services.audit import archive
from services.audit.archive import Entry
from services.audit.checking import Checking
from services.audit.checkpoints import Checkpoints
from services.audit.examining import examine
from services.audit.kept_checkpoints import KeptCheckpoints
from services.audit.noting import Noting
from services.audit.rederiving import Rederiving
from services.audit.tails import Told
from services.audit.verified import keep
from shared.db import Sql
from shared.ids import uuid7
from tests.integration.audit.archived_log import LOG, POLICY, WORKER, ArchivedLog
from tests.integration.audit.broken_log import note_of
from tests.integration.audit.test_breaks import ZONE
from tests.integration.audit.test_integrity import SOUND, codes, told

_TAILS = Sql("SELECT number, kept, size FROM archive_tails WHERE log = :log ORDER BY number")
LEAVES = Sql("SELECT leaf FROM archive_entries WHERE log = :log ORDER BY idx")


def foreign(like: bytes, number: int = 0) -> bytes:
    """An entry that the log never had."""
    return json.dumps({**json.loads(like), "id": str(uuid7()), "data": {"number": number}}, separators=(",", ":"), sort_keys=True).encode()


@dataclass
class Signed:
    """A worker that is told this of a log: by the checkpointer a note, and by the service what it has."""

    archived: ArchivedLog
    note: str = ""
    now: float = 0.0
    service: Told | None = None
    asked: list[tuple[int, int]] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[Checkpoints]:
        async def of_service(name: str, first: int, count: int) -> list[bytes]:
            self.asked.append((first, count))
            return await (self.service or self.archived.comparing.told)(name, first, count)

        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, text=str(POLICY) if request.url.path == "/policy" else self.note)

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            yield Checkpoints(
                self.archived.made.worker, client, "http://checkpointer.test", (LOG,), elapsed=lambda: self.now, told=of_service
            )

    async def look(self) -> str | None:
        """A worker that was just started asks once; the alarm, or the kind of fault."""
        async with self.asking() as checkpoints:
            await checkpoints.ask(LOG)
        return checkpoints.logs[LOG].alarm or checkpoints.logs[LOG].fault

    async def alarms(self) -> list[str]:
        """The worker asks, compares, checks, examines and notes what it knows; what auditors are then told."""
        archived, worker = self.archived, self.archived.made.worker
        async with self.asking() as checkpoints:
            await checkpoints.ask(LOG)
            await archived.comparing.look(LOG)
            while await examine(worker, LOG, ZONE):
                pass
            checking = Checking(worker, (LOG,), (KeptCheckpoints(worker, checkpoints.signed).look, Rederiving(worker, ZONE).look))
            while checking.logs[LOG].rounds < 1:
                await checking.look(LOG)
                assert checking.logs[LOG].fault is None
            await Noting(worker, archived.comparing, checking, checkpoints).note()
        await keep(worker, LOG, SOUND)
        return codes(await told(archived))

    async def sign(self, count: int = 0) -> None:
        """The service writes so many more, and all of its log is signed."""
        await self.archived.happen(count)
        self.note = str(note_of(await self.archived.leaves()))

    async def take(self, *leaves: bytes) -> None:
        """These came in the stream behind what is archived."""
        worker = self.archived.made.worker
        last, _ = await worker.attempt(WORKER, lambda unit: archive.placed(unit, LOG))
        entries = [entry for at, leaf in enumerate(leaves) if (entry := Entry.of(last + 1 + at, leaf)) is not None]
        await worker.attempt(WORKER, lambda unit: archive.take(unit, LOG, entries, None))

    async def tails(self) -> list[tuple[object, ...]]:
        return [tuple(row.values()) for row in await self.archived.made.worker.attempt(WORKER, lambda unit: unit.rows(_TAILS, log=LOG))]

    async def stopped(self) -> str | None:
        """Why the archive does not go on."""
        return (await self.archived.made.worker.attempt(WORKER, lambda unit: archive.placed(unit, LOG)))[1]

    async def held(self, log: str = LOG) -> list[bytes]:
        return [bytes(row["leaf"]) for row in await self.archived.made.worker.attempt(WORKER, lambda unit: unit.rows(LEAVES, log=log))]
