"""What is known of the copies of a system: how much work a loss at this moment would cost, and whether they restore anything."""

from datetime import UTC, datetime, timedelta
from typing import Final

from ops.backup.places import house_of, houses_in, last_copied
from ops.backup.status import BackupStatus
from ops.doctor.findings import Finding, warning, well, wrong
from ops.settings import OpsSettings

# What was written longer ago has to be in the copy.
WAL_LATE: Final = timedelta(minutes=5)
BASE_LATE: Final = timedelta(days=8)
_LOOK: Final = "Look whether the process that copies runs, and whether the folder has room and can be written to; ./avrr backup takes a base now."
_FOREIGN: Final = timedelta(days=30)


def copies(status: BackupStatus | None, now: datetime, *, elsewhere: bool = False) -> Finding:
    """How old the copies are; a system without any is told too. Of one whose servers are ``elsewhere`` they cannot be seen."""
    if status is None and elsewhere:
        return warning(
            "backup", "Whether copies are made of this system cannot be seen from here.",
            "Have whoever runs the database's server copy it with its log, and the volumes of checkpointer and witness; apart from them, "
            "for thirty days at most, those of epochs (docs/operations.md, A server of its own).",
        )  # fmt: skip
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


def of_others(settings: OpsSettings, now: datetime) -> list[Finding]:
    """Copies of other systems beside those of this one that are older than anything here is kept: who was erased since can be read from them."""
    own, found = house_of(settings), []
    places = [place.expanduser().absolute() for place in (settings.backup_dir, settings.backup_keys_dir) if place is not None]
    houses = sorted({house.name for place in places for house in houses_in(place)} - {own.id if own is not None else ""})
    for id in houses:
        there = [place / id for place in places if (place / id).is_dir()]
        told_at = [moment for folder in there if (moment := last_copied(folder)) is not None]
        newest = max(told_at or [datetime.fromtimestamp(folder.stat().st_mtime, UTC) for folder in there])
        if now - newest > _FOREIGN:
            told = " and ".join(str(folder) for folder in there)
            found.append(
                warning(
                    "backup", f"The copies of another system in {told} are of {newest:%Y-%m-%d} and before: who was erased since can be read from them.",
                    "Find out whose they are. What this system was restored from ends with ./avrr backup --keep; delete what nobody needs, the keys first.",
                )
            )  # fmt: skip
    return found
