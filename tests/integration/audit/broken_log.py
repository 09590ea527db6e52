"""A log that was set back under its archive, and a checkpointer that tells how it goes on; all persons are invented."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import httpx

from services.audit.checkpoints import Checkpoints
from shared.ids import uuid7
from shared.tlog.breaks import Break
from shared.tlog.checkpoints import Checkpoint, Origin
from shared.tlog.notes import Note
from shared.tlog.tree import Frontier, leaf_hash, root_of
from shared.tlog.trust import TrustPolicy
from tests.integration.audit.archived_log import LOG, OF_LOG, OF_WITNESS, POLICY, ArchivedLog
from tests.unit.shared.tlog.breaking import break_between
from tests.unit.shared.tlog.test_tree import nodes_over

FAMILY = OF_LOG.name
FIRST, SECOND = "staff:invented-a", "staff:invented-b"


def note_of(leaves: Sequence[bytes], generation: int = 1, at: int = 1) -> Note:
    """The checkpoint of these entries under the name of a generation, seen at that second."""
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf_hash(leaf))
    origin = str(Origin(FAMILY, generation))
    text = Checkpoint(origin, tree.size, tree.root()).text
    return Note(text, (OF_LOG.under(origin).sign(text), OF_WITNESS.sign(text, at)))


def break_of(before: Sequence[bytes], after: Sequence[bytes], kept: int, places: tuple[int, int], generation: int = 2) -> Break:
    """What proves that these entries go on after what was kept of those."""
    return break_between(before, note_of(before, generation - 1), after, note_of(after, generation), kept, places)


@dataclass
class Checkpointer:
    """What the archive is told."""

    archived: ArchivedLog
    note: str = ""
    breaks: dict[int, bytes] = field(default_factory=dict)
    policy: TrustPolicy = POLICY

    @contextlib.asynccontextmanager
    async def asked(self) -> AsyncIterator[Checkpoints]:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/policy":
                return httpx.Response(200, text=str(self.policy))
            if "/breaks/" in request.url.path:
                found = self.breaks.get(int(request.url.path.rpartition("/")[2]))
                return httpx.Response(200, content=found) if found is not None else httpx.Response(404)
            return httpx.Response(200, text=self.note)

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            yield Checkpoints(self.archived.made.worker, client, "http://checkpointer.test", (LOG,))

    async def look(self) -> str | None:
        """A worker that was just started asks; the alarm, or the kind of fault."""
        async with self.asked() as checkpoints:
            await checkpoints.round()
        return checkpoints.logs[LOG].alarm or checkpoints.logs[LOG].fault

    async def set_back(
        self, kept: int, second: str = SECOND, root: bytes | None = None, generation: int = 2, since: int = 0, unsigned: int = 0
    ) -> Break:
        """The log is set back under its archive, goes on, and two persons accept that; what is told of it from then on.

        They know of so many more entries than were signed.
        """
        archived = self.archived
        before = await archived.leaves()
        await archived.change("DELETE FROM event_log WHERE idx >= $1", kept)
        await archived.change("UPDATE log_head SET size = $1", kept)
        await archived.happen(since)
        return await self._accepted(before, kept, (kept + since, kept + since + 2), second, root, generation, unsigned)

    async def accepted_anew(self, kept: int, generation: int) -> Break:
        """Two persons accept once more that the log kept so many entries, behind their first acceptance of that."""
        before = await self.archived.leaves()
        return await self._accepted(before, kept, (len(before), len(before) + 2), SECOND, None, generation, 0)

    async def _accepted(
        self, before: Sequence[bytes], kept: int, places: tuple[int, int], second: str, root: bytes | None, generation: int, unsigned: int
    ) -> Break:  # fmt: skip
        archived, subject = self.archived, uuid7()
        said = root_of(kept, nodes_over([leaf_hash(leaf) for leaf in before])) if root is None else root
        await archived.happen(
            kind="restore.acceptance_proposed", by=FIRST, role="chief_of_mission", subject=subject, kept=kept, root=said.hex(),
            known=len(before) + unsigned, listed=len(before) + unsigned - kept, list_sha256="0" * 64, reason="exercise", proposed_by=FIRST,
            proposed_at="2026-11-27T08:00:00Z",
        )  # fmt: skip
        await archived.happen(kind="access.record_read")
        await archived.happen(
            kind="restore.accepted", by=second, role="auditor", subject=subject, kept=kept, known=len(before) + unsigned, accepted_by=second,
            accepted_at="2026-11-27T08:05:00Z",
        )  # fmt: skip
        after = await archived.leaves()
        broken = break_of(before, after, kept, places, generation)
        self.note, self.breaks[generation] = str(note_of(after, generation)), bytes(broken)
        return broken
