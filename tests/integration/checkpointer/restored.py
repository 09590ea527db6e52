"""What two persons leave in a log that they accept after it was set back; all persons are invented."""

import json
from uuid import UUID

from shared.ids import uuid7
from tests.integration.checkpointer.office import LOG, Log

FIRST, SECOND = "staff:invented-a", "staff:invented-b"


def event(kind: str, actor: str = FIRST, subject: UUID | None = None, log: str = LOG, **data: object) -> bytes:
    """An entry of a log, with what whoever checks it looks at."""
    said = {
        "id": str(uuid7()), "type": f"avrr.{log}.{kind}.v1", "source": f"urn:avrr:{log}", "subject": str(subject or uuid7()),
        "actorid": actor, "actorrole": "auditor", "time": "2026-11-27T08:00:00Z", "data": data,
    }  # fmt: skip
    return json.dumps(said).encode()


def acceptances(
    kept: int, root: bytes, known: int, first: str = FIRST, second: str = SECOND, log: str = LOG, mark: UUID | None = None
) -> tuple[bytes, bytes]:
    """The first and the second word on a mark."""
    subject = mark or uuid7()
    proposed = event(
        "restore.acceptance_proposed", first, subject, log, kept=kept, root=root.hex(), known=known, listed=known - kept,
        list_sha256="0" * 64, reason="exercise", proposed_by=first, proposed_at="2026-11-27T08:00:00Z",
    )  # fmt: skip
    accepted = event(
        "restore.accepted", second, subject, log, kept=kept, known=known, accepted_by=second, accepted_at="2026-11-27T08:05:00Z"
    )
    return proposed, accepted


async def accepted(log: Log, kept: int, known: int, *meanwhile: bytes, mark: UUID | None = None) -> bytes:
    """Two persons accept, while others look; what is shown of it."""
    first, second = acceptances(kept, await log.root_at(kept), known, log=log.name, mark=mark)
    entries = (*meanwhile, first, event("access.record_read", log=log.name), second)
    await log.record(*entries)
    return shown(*entries)


def shown(*entries: bytes) -> bytes:
    """Entries as they are shown."""
    return b"".join(entry + b"\n" for entry in entries)


async def marked(log: Log, kept: int, known: int) -> UUID:
    """Whoever restores leaves word in the database."""
    id = uuid7()
    await log.by_hand(f"INSERT INTO restored (id, kept, known, finder) VALUES ('{id}', {kept}, {known}, 'operator')")
    return id
