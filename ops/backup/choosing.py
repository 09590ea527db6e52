"""Which base and which log a system is restored from, and whether all of it is as it was written; nothing is changed here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ops.backup.bases import Base
from ops.backup.keys_apart import check_set, manifest_key, set_in_force
from ops.backup.lists import house_named, kept_lists, keys_of
from ops.backup.login import programs_of
from ops.backup.manifests import Damaged, check_files, read_manifest
from ops.backup.newest import newest_of
from ops.backup.notes import Note, read_note
from ops.backup.places import Run, moment_of, runs_in
from ops.backup.programs import Programs
from ops.backup.wal import Commit, Held, joined, read_wal, unbroken
from ops.settings import CannotStart, OpsSettings

_SHOWN: Final = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(frozen=True, slots=True)
class Source:
    """What is restored: a base with its keys, and the log up to ``target``; all of the log where that is None.

    ``lists`` are the folders of what earlier restores lost, by their ids, be they copied after ``target`` (`ops.backup.lists`). ``last`` is the last of what was committed by then; ``complete_until`` is until when the copied log is known to be whole.
    ``house`` is the folder of the copies, under the id of the system. ``newest`` is the newest moment that any of the copies tells of, and ``passed_over`` are runs of the log that are newer and restore nothing.
    """

    base: Base
    keys: tuple[Path, ...]
    segments: dict[str, Path]
    target: datetime | None
    last: Commit | None
    complete_until: datetime | None
    programs: Programs
    lists: Mapping[str, Path]
    newest: datetime
    passed_over: tuple[Run, ...]
    house: Path


async def choose(settings: OpsSettings, backups: Path, keys: Path, moment: datetime | None) -> Source:
    """Chooses and checks what a system is restored from, to this moment or to the end; `CannotStart` says what is in the way."""
    house = house_named(backups)
    kept_keys = keys_of(house, keys)
    run, folder = _base_before(house, moment)
    try:
        sets = set_in_force(kept_keys, moment)
        for one in sets:
            check_set(one)
        key = manifest_key(sets[0] / "secrets")
        base = Base.checked(folder, key)
        check_files(folder, read_manifest(folder, key))
    except Damaged as damaged:
        raise CannotStart("backup_damaged", f"The backup is damaged: {damaged.fault}. Nothing was changed.") from None
    programs = programs_of(settings, base.postgres)
    segments = unbroken(joined(base.server_files / "pg_wal", run.wal), base.first_segment)
    note = read_note(run.note)
    if not segments:
        raise CannotStart("backup_damaged", f"The backup is damaged: {base.server_files / 'pg_wal' / base.first_segment} is missing.")
    held = await read_wal(programs, segments, base.start, max(base.end, note.lsn if note else 0), moment)
    later = [one for one in runs_in(house) if one.number > run.number]
    passed_over = tuple(one for one in later if not one.bases())
    target, last = _until(held, note, base, segments, moment, passed_over)
    complete_until = note.complete_until if note else base.finished_at
    told = [complete_until, *(moment_of(one.name) for one in run.bases()), *([held.last.at] if held.last else [])]
    newest = max([*told, *[found for one in later if (found := await newest_of(one, programs)) is not None]])
    return Source(base, tuple(sets), segments, target, last, complete_until, programs, kept_lists(house, kept_keys), newest, passed_over, house)


def _base_before(house: Path, moment: datetime | None) -> tuple[Run, Path]:
    bases = [(run, base) for run in runs_in(house) for base in run.bases()]
    if not bases:
        raise CannotStart("no_base", f"{house} holds no finished base.")
    before = [(run, base) for run, base in bases if moment is None or moment_of(base.name) <= moment]
    if not before:
        first = moment_of(bases[0][1].name)
        raise CannotStart("before_the_base", f"The earliest moment that can be restored is {first:{_SHOWN}}, the end of the first base.")
    return before[-1]


def _until(
    held: Held, note: Note | None, base: Base, segments: dict[str, Path], moment: datetime | None, passed_over: Sequence[Run]
) -> tuple[datetime | None, Commit | None]:
    """Where recovery is told to stop, if it is, and the last of what is restored then."""
    if held.end < base.end:
        place = segments.get(held.broken or "", base.folder)
        raise CannotStart("backup_damaged", f"The backup is damaged: {place} can't be read. Nothing was changed.")
    if moment is not None and held.later:
        return moment, held.by_then
    last = held.last
    until = last.at if last else base.finished_at
    if moment is not None and moment == until:
        # All that reads is what was asked for; PostgreSQL would look for something later to stop at.
        return None, last
    if held.broken is not None:
        raise CannotStart(
            "wal_damaged",
            f"The write-ahead log is damaged: {segments.get(held.broken, held.broken)} can't be read. Nothing was changed. With "
            f"--to {until.astimezone(UTC).isoformat(timespec='microseconds')} what came before can be restored.",
        )
    known = max(until, note.complete_until if note else base.finished_at)
    if moment is not None and moment > known:
        behind = "".join(f" {one.folder} was copied after a gap, has no base, and restores nothing." for one in passed_over)
        raise CannotStart(
            "after_the_end", f"The backup goes to {known:{_SHOWN}}: without --to all that is in it is restored.{behind}"
        )
    return None, last
