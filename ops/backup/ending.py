"""Which copies end: bases and keys older than the days that were named, and the log before the oldest base that stays."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from ops.backup.bases import Base
from ops.backup.keys_apart import end_set, end_sets, sets_in
from ops.backup.places import Run, last_copied, moment_of, runs_in
from ops.backup.programs import Programs
from ops.settings import CannotStart

# A copy of a key undoes its destruction for as long as the copy is there (docs/decisions/0019).
MOST_DAYS: Final = 30
# A system that runs notes each second how far its copies go, and takes a base each night.
_STILL: Final = timedelta(days=2)


async def end_what_is_old(house: Path, keys: Path, days: int, programs: Programs, now: datetime) -> int:
    """Ends the bases that are older, and says how many; the newest base stays in any case.

    Keys that were followed by others end after the same days, also where a base from before them stays: it is then restored
    to a time after the change and to none before.
    """
    if not 1 <= days <= MOST_DAYS:
        raise CannotStart("keep_days", f"Backups are kept for 1 to {MOST_DAYS} days: a copy of a key must end with what it opens.")
    before = now - timedelta(days=days)
    runs = runs_in(house)
    newest = max((base for run in runs for base in run.bases()), key=lambda base: base.name, default=None)
    ended = 0
    for run in runs:
        for base in run.bases():
            if base != newest and moment_of(base.name) < before:
                # Renamed first: what is half removed must not be taken for a base.
                doomed = base.with_name(f".ended-{base.name}")
                base.rename(doomed)
                shutil.rmtree(doomed)
                ended += 1
        await _end_log(run, programs, is_present=run == runs[-1])
    end_sets(keys, before)
    return ended


async def end_former(house: Path, keys: Path, days: int, programs: Programs, now: datetime) -> int:
    """Ends of a system that this one was restored from what is older, in the end all of it with its keys; says how many bases.

    Whoever still writes there is let be: a restore for exercise ends nothing of the system that it was made of.
    """
    newest, before = last_copied(house), now - timedelta(days=days)
    # Of what is not here, its keys may open copies that are elsewhere.
    if newest is None or now - newest < _STILL:
        return 0
    if newest >= before:
        return await end_what_is_old(house, keys, days, programs, now)
    ended = sum(len(run.bases()) for run in runs_in(house))
    # The keys first: as long as there are copies, the next round ends what this one did not.
    for one in sets_in(keys):
        end_set(one)
    shutil.rmtree(keys, ignore_errors=True)
    # Renamed before: what is half removed must not be taken for copies.
    doomed = house.with_name(f".ended-{house.name}")
    shutil.rmtree(doomed, ignore_errors=True)
    house.rename(doomed)
    shutil.rmtree(doomed)
    return ended


async def _end_log(run: Run, programs: Programs, *, is_present: bool) -> None:
    bases = run.bases()
    if bases:
        said = await programs.run("pg_archivecleanup", str(run.wal), Base.unchecked(bases[0]).first_segment)
        if said.code:
            raise CannotStart("wal_not_ended", f"The old write-ahead log can't be removed: {said.reason}")
    elif not is_present:
        shutil.rmtree(run.folder)
