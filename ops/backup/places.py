"""Where the copies of one data folder are: a folder under its own id, in it a run for each unbroken write-ahead log."""

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ops.backup.notes import read_note
from ops.process import refused_by_system
from ops.settings import CannotStart, OpsSettings
from shared.durable_files import write_durably

_FILE: Final = "backup.json"
_ID: Final = re.compile(r"[0-9a-f]{12}")
_RUN: Final = re.compile(r"run-([1-9][0-9]{0,5})")
_STAMPED: Final = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z")
_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True, slots=True)
class Run:
    """One unbroken write-ahead log, and the bases that were taken beside it; after a gap another one begins."""

    folder: Path

    @property
    def number(self) -> int:
        """Which one it is, from 1 on."""
        found = _RUN.fullmatch(self.folder.name)
        return int(found[1]) if found else 0

    @property
    def wal(self) -> Path:
        """Segments of the write-ahead log, the last one named `….partial`."""
        return self.folder / "wal"

    @property
    def note(self) -> Path:
        """Until when the log is known to be complete."""
        return self.folder / "wal.json"

    def bases(self) -> list[Path]:
        """The finished bases, the oldest first; what broke off carries another name."""
        folder = self.folder / "base"
        return sorted(path for path in _listed(folder) if is_stamped(path))

    def make(self) -> None:
        """Makes its folders, open to nobody else."""
        for folder in (self.folder, self.wal, self.folder / "base"):
            private(folder)


@dataclass(frozen=True, slots=True)
class House:
    """What one data folder remembers of its copies: the id they stand under, the present run, and where its keys go.

    ``former`` are the ids of what it was restored from, for as long as there are copies of them.
    """

    id: str
    run: int = 1
    keys: Path | None = None
    former: tuple[str, ...] = ()

    def run_in(self, backups: Path) -> Run:
        """The run that is written to at present."""
        return Run(backups / self.id / f"run-{self.run}")

    @property
    def slot(self) -> str:
        """By what name the server keeps back its log until it was copied."""
        return f"avrr_{self.id}"


def house_of(settings: OpsSettings) -> House | None:
    """What the data folder remembers; None before its first copy. `CannotStart` where that cannot be read."""
    path = settings.data_folder / _FILE
    try:
        told = json.loads(path.read_text("utf-8"))
        id, run, keys, former = str(told["id"]), int(told["run"]), told["keys"], tuple(map(str, told.get("former", ())))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        id, run, keys, former = "", 0, None, ()
    except OSError as error:
        raise refused_by_system(error, "what is known of former backups can't be read") from error
    if run < 1 or not all(_ID.fullmatch(one) for one in (id, *former)):
        raise CannotStart("backup_unknown", f"{path} is damaged; remove it, and the next backup begins anew")
    return House(id, run, Path(keys) if keys else None, former)


def make_house(settings: OpsSettings) -> House:
    """As `house_of`, made now if there is none."""
    found = house_of(settings)
    if found is None:
        found = House(secrets.token_hex(6))
        remember(settings, found)
    return found


def make_house_after(settings: OpsSettings, former: Sequence[str]) -> None:
    """Gives a data folder that was restored an id of its own, and has it remember those of the copies that it was made of."""
    remember(settings, House(secrets.token_hex(6), former=tuple(dict.fromkeys(former))))


def remember(settings: OpsSettings, house: House) -> None:
    """Keeps it in the data folder; `CannotStart` where that cannot be."""
    told = {"id": house.id, "run": house.run, "keys": str(house.keys) if house.keys else None, "former": list(house.former)}
    try:
        write_durably(settings.data_folder / _FILE, json.dumps(told).encode())
    except OSError as error:
        raise refused_by_system(error, "where backups go can't be noted") from error


def begin_another_run(settings: OpsSettings) -> House:
    """After the log was broken: what comes from now on stands apart from what came before."""
    following = make_house(settings)
    following = replace(following, run=following.run + 1)
    remember(settings, following)
    return following


def last_copied(house: Path) -> datetime | None:
    """The last moment that the copies of one data folder are of, by their bases and by the notes of their log; None without either."""
    bases = [moment_of(base.name) for run in runs_in(house) for base in run.bases()]
    notes = [note.complete_until.astimezone(UTC) for run in runs_in(house) if (note := read_note(run.note)) is not None]
    return max([*bases, *notes], default=None)


def houses_in(backups: Path) -> list[Path]:
    """The folders of all data folders whose copies are here."""
    if _ID.fullmatch(backups.name) and any(_RUN.fullmatch(path.name) for path in _listed(backups)):
        return [backups]
    return sorted(path for path in _listed(backups) if _ID.fullmatch(path.name))


def runs_in(house: Path) -> list[Run]:
    """The runs of one data folder, the oldest first."""
    return sorted((Run(path) for path in _listed(house) if _RUN.fullmatch(path.name)), key=lambda run: run.number)


def stamp(moment: datetime) -> str:
    """A moment as the name of a folder, in UTC and such that names sort by time."""
    return moment.astimezone(UTC).strftime(_STAMP)


def is_stamped(folder: Path) -> bool:
    """Whether this is the folder of a moment, and no unfinished one."""
    return folder.is_dir() and _STAMPED.fullmatch(folder.name) is not None


def moment_of(stamped: str) -> datetime:
    """The moment that a folder is named after."""
    return datetime.strptime(stamped, _STAMP).replace(tzinfo=UTC)


def private(folder: Path) -> None:
    """Makes a folder that nobody else may look into, with those above it; `CannotStart` where that cannot be."""
    try:
        for each in (*reversed(folder.parents), folder):
            each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise refused_by_system(error, "a folder for backups can't be made") from error


def apart(one: Path, other: Path) -> bool:
    """Whether neither folder is within the other."""
    first, second = one.expanduser().resolve(), other.expanduser().resolve()
    return not first.is_relative_to(second) and not second.is_relative_to(first)


def _listed(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise refused_by_system(error, f"{folder} can't be read") from error
