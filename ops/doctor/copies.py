"""What is known of the copies of a system: how much work a loss at this moment would cost, and whether they restore anything."""

from datetime import datetime, timedelta
from typing import Final

from ops.backup.status import BackupStatus
from ops.doctor.findings import Finding, warning, well, wrong

# What was written longer ago has to be in the copy.
WAL_LATE: Final = timedelta(minutes=5)
BASE_LATE: Final = timedelta(days=8)
_LOOK: Final = "Look whether the process that copies runs, and whether the folder has room and can be written to; ./avrr backup takes a base now."


def copies(status: BackupStatus | None, now: datetime) -> Finding:
    """How old the copies are; a system without any is told too."""
    if status is None:
        return warning("backup", "No copies are made of this system.", "Name a folder on another machine's disk in AVRR_BACKUP_DIR.")
    wal, base = status.wal_age(now), status.base_age(now)
    if base is None or wal is None:
        return wrong("backup", f"What is in {status.folder} restores nothing: it has no base, or no log.", _LOOK)
    if wal > WAL_LATE.total_seconds():
        return wrong("backup", f"A loss at this moment would cost the work of {wal / 60:.0f} minutes.", _LOOK)
    if base > BASE_LATE.total_seconds():
        return warning("backup", f"The last base of the copies is {base / 86_400:.0f} days old.", _LOOK)
    return well("backup", f"A loss at this moment would cost the work of {max(wal, 0):.0f} seconds; the last base is {base / 3600:.0f} hours old.")
