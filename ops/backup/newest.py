"""The newest moment that anything tells of at which a system was at work: what a restore is held to, so that what it lacks is counted."""

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from ops.backup.notes import read_note
from ops.backup.places import Run, moment_of
from ops.backup.programs import Programs
from ops.backup.wal import last_commit, segments_in

# In the last segment nothing may have been committed yet.
_SEGMENTS: Final = 2
# Where the parts of a running system write all the time, each in files of its own.
_WRITTEN: Final = ("postgres/pg_wal", "nats", "checkpointer", "witness")


async def newest_of(run: Run, programs: Programs) -> datetime | None:
    """Until when a run tells of something: by its note, its bases, and the last that was committed in its log; None if nothing does."""
    found = [moment_of(base.name) for base in run.bases()]
    note = read_note(run.note)
    if note is not None:
        found.append(note.complete_until.astimezone(UTC))
    segments = segments_in(run.wal)
    for name in islice(sorted(segments, reverse=True), _SEGMENTS):
        last = await last_commit(programs, name, segments[name])
        if last is not None:
            found.append(last.at)
            break
    return max(found, default=None)


def newest_in(former: Path) -> datetime | None:
    """When something was last written in a data folder by the parts that write all the time; None where there is nothing of them."""
    times = [path.stat().st_mtime for name in _WRITTEN for path in (former / name).rglob("*") if path.is_file()]
    return datetime.fromtimestamp(max(times), UTC) if times else None
