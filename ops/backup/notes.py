"""Until when the copied write-ahead log is known to be complete, in a small file beside it."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ops.backup.wal import lsn_of, lsn_text
from shared.durable_files import write_durably


@dataclass(frozen=True, slots=True)
class Note:
    """Whatever was committed until ``complete_until`` is in the copy, which then went up to ``lsn`` at least."""

    complete_until: datetime
    lsn: int


def write_note(path: Path, note: Note) -> None:
    """Puts it in place of the one of before; OSError where it cannot be kept."""
    told = {"complete_until": note.complete_until.isoformat(), "lsn": lsn_text(note.lsn)}
    write_durably(path, json.dumps(told).encode())


def read_note(path: Path) -> Note | None:
    """The note, or None if there is none that can be read."""
    try:
        told = json.loads(path.read_text("utf-8"))
        return Note(datetime.fromisoformat(told["complete_until"]), lsn_of(told["lsn"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
