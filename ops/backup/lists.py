"""What earlier restores lost, as copies have it: in the newest base that holds of this system, and of each that was restored from it."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from ops.backup.keys_apart import manifest_key, set_in_force
from ops.backup.manifests import Damaged, check_files, read_manifest
from ops.backup.places import houses_in, moment_of, runs_in
from ops.settings import CannotStart, OpsSettings

_LISTS: Final = "state/restored"
_UNFINISHED: Final = ".bringing"

Say = Callable[[str], None]


def kept_lists(house: Path, keys: Path) -> Mapping[str, Path]:
    """The folder of each earlier restore's lists, by the restore's id, be it copied after what is restored now.

    A system that was restored has copies of its own, beside those of the one that it was restored from: what it lost stands there
    alone. Of each system the newest base counts that has any and holds as it was written; ``keys`` are those of ``house``.
    """
    found: dict[str, Path] = {}
    for folder in sorted(_of_each(house, keys), key=lambda lists: lists.parent.parent.name, reverse=True):
        for restore in sorted(folder.iterdir()):
            if restore.is_dir():
                found.setdefault(restore.name, restore)
    return found


def bring(settings: OpsSettings, backups: Path, keys: Path, say: Say) -> None:
    """Puts the lists of earlier restores into the data folder beside those that are there, for whom `./avrr restore` made none.

    `CannotStart` where copies of several systems are there and none is named.
    """
    house = house_named(backups.expanduser().absolute())
    kept = kept_lists(house, keys_of(house, keys.expanduser().absolute()))
    target = settings.data_folder / Path(_LISTS).name
    brought = 0
    for name, folder in kept.items():
        if not (target / name).exists():
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = target.with_name(f"{_UNFINISHED}-{name}")
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(folder, unfinished)
            unfinished.chmod(0o700)
            unfinished.rename(target / name)
            brought += 1
    say(f"{len(kept)} earlier restores have lists in the copies; {brought} of them were brought to {target}")


def house_named(backups: Path) -> Path:
    """The one system whose copies are here; `CannotStart` where there is none, or several."""
    found = houses_in(backups)
    if not found:
        raise CannotStart("no_backup", f"There is no backup in {backups}.")
    if len(found) > 1:
        spans = "; ".join(f"{house} ({_span(house)})" for house in found)
        raise CannotStart("several_systems", f"Copies of several systems are here, name one of them: {spans}.")
    return found[0]


def keys_of(house: Path, keys: Path) -> Path:
    """Where the keys of one system's copies are, of the folder of all keys or of its own."""
    return keys / house.name if (keys / house.name).is_dir() else keys


def _span(house: Path) -> str:
    bases = [moment_of(base.name) for run in runs_in(house) for base in run.bases()]
    return f"bases from {min(bases):%Y-%m-%d %H:%M:%S UTC} to {max(bases):%Y-%m-%d %H:%M:%S UTC}" if bases else "no base"


def _of_each(house: Path, keys: Path) -> Iterator[Path]:
    """The lists of this system, and of each other one whose database is a copy of the same."""
    systems = {told["system"] for _, told in _bases(house, keys) if "system" in told}
    for other in sorted({house, *houses_in(house.parent)}):
        its_keys = keys if other == house else keys.with_name(other.name)
        for folder, told in _bases(other, its_keys):
            if other != house and told.get("system") not in systems:
                continue
            try:
                if check_files(folder, told, f"{_LISTS}/"):
                    yield folder / _LISTS
                    break
            except (Damaged, OSError):
                continue


def _bases(house: Path, keys: Path) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """The bases of one system that were written under these keys, the newest first."""
    for folder in sorted((base for run in runs_in(house) for base in run.bases()), key=lambda base: base.name, reverse=True):
        try:
            yield folder, read_manifest(folder, manifest_key(set_in_force(keys, moment_of(folder.name))[0] / "secrets"))
        except (Damaged, CannotStart, OSError):
            continue
