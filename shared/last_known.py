"""What a service remembers of its log outside its database: by it a database that was set back is told from one that merely started again."""

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import structlog

from shared.db import Database, Scope, Sql
from shared.durable_files import write_durably

Verdict = Literal["same", "set_back", "unknown"]

_PLACE = Sql(
    "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || (SELECT timeline_id FROM pg_control_checkpoint()) || '/' || "
    "(SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || 'event_log'::regclass::oid AS identity, "
    "coalesce((SELECT id::text FROM restored WHERE opened_at IS NOT NULL ORDER BY id DESC LIMIT 1), '') AS restored, "
    "coalesce(e.idx + 1, 0) AS size, coalesce(encode(e.leaf_hash, 'hex'), '') AS leaf_hash, "
    "(SELECT encode(leaf_hash, 'hex') FROM event_log WHERE idx = :idx) AS remembered "
    "FROM (SELECT) one LEFT JOIN LATERAL (SELECT idx, leaf_hash FROM event_log ORDER BY idx DESC LIMIT 1) e ON true"
)
_NAME: Final = "last_known.json"

log = structlog.get_logger("last_known")


class MemoryDamaged(Exception):
    """Something is remembered and cannot be read: it may tell of more than the log has."""


@dataclass(frozen=True, slots=True)
class LastKnown:
    """How long a log was and the hash of its last entry, in which database, and which setting back was the last that was over by then.

    ``identity`` is of server, timeline, database and table: whatever restores a database by the server's own means begins
    another timeline, and whatever loads a dump another table. ``restored`` is the id of that setting back, empty if there was none;
    as UUIDv7 a later one is greater.
    """

    identity: str
    restored: str
    size: int
    leaf_hash: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a log is now, and what it holds where the remembered one ended."""

    now: LastKnown
    remembered: str | None


async def place_of(database: Database, service: str, memory: LastKnown | None) -> Place:
    """Where the log is, read by whichever login the process has; one of `shared.consumer.FAULTS` where nothing answers."""
    scope = Scope(f"service:{service}", log=True)
    async with database.unit_of_work(scope, snapshot=True) as unit:
        row = await unit.row(_PLACE, idx=memory.size - 1 if memory is not None else -1)
    assert row is not None
    return Place(LastKnown(row["identity"], row["restored"], row["size"], row["leaf_hash"]), row["remembered"])


def judged(memory: LastKnown | None, place: Place) -> Verdict:
    """Whether a database is the one that is remembered, or lacks what is remembered of it; else only others can tell.

    What two persons accepted since ends what was remembered before it, and tells no less. How often they did tells nothing: a
    database that was set back to before one acceptance may have had another since.
    """
    now = place.now
    if memory is None:
        return "unknown"
    if now.restored > memory.restored:
        return "same"
    if now.restored < memory.restored or (memory.size and place.remembered != memory.leaf_hash):
        return "set_back"
    return "same" if now.identity == memory.identity else "unknown"


class Memory:
    """A file in a folder of one service, which no restore of its database sets back; without a folder nothing is remembered."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / _NAME if folder is not None else None

    async def recall(self) -> LastKnown | None:
        """What was written last, None where nothing was; `MemoryDamaged` where it cannot be read."""
        return await asyncio.to_thread(self._read)

    async def keep(self, known: LastKnown) -> bool:
        """Writes in place of what was written before, whoever else does at the same time; False where that stays because a disk takes nothing."""
        try:
            await asyncio.to_thread(self._write, known)
        except OSError as error:
            log.warning("not_remembered", kind=type(error).__name__)
            return False
        return True

    def _read(self) -> LastKnown | None:
        if self._path is None:
            return None
        try:
            found = json.loads(self._path.read_bytes())
            return LastKnown(str(found["identity"]), str(found["restored"]), int(found["size"]), str(found["leaf_hash"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MemoryDamaged from error

    def _write(self, known: LastKnown) -> None:
        if self._path is not None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_durably(self._path, json.dumps(asdict(known)).encode())
