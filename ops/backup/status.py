"""How old the copies of a system are, as whoever watches it asks: read from files, whatever runs or not."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ops.backup.notes import read_note
from ops.backup.places import house_of, moment_of
from ops.settings import OpsSettings


@dataclass(frozen=True, slots=True)
class BackupStatus:
    """Until when everything written is in the copy, when the last base was taken, and whether the two belong together.

    ``base_at`` is None as long as the present run of the log has no base: then it restores nothing.
    """

    folder: Path
    wal_complete_until: datetime | None
    base_at: datetime | None

    def wal_age(self, now: datetime) -> float | None:
        """How many seconds of work a loss at this moment would cost; None where nothing was copied yet."""
        return (now - self.wal_complete_until).total_seconds() if self.wal_complete_until else None

    def base_age(self, now: datetime) -> float | None:
        """How many seconds of log a restore would have to apply; None where there is no base."""
        return (now - self.base_at).total_seconds() if self.base_at else None


def backup_status(settings: OpsSettings) -> BackupStatus | None:
    """None where no AVRR_BACKUP_DIR is set; `CannotStart` where what is known of the copies cannot be read."""
    if settings.backup_dir is None:
        return None
    backups = settings.backup_dir.expanduser().absolute()
    house = house_of(settings)
    if house is None:
        return BackupStatus(backups, None, None)
    run = house.run_in(backups)
    note, bases = read_note(run.note), run.bases()
    until = note.complete_until.astimezone(UTC) if note else None
    return BackupStatus(run.folder, until, moment_of(bases[-1].name) if bases else None)
