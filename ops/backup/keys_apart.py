"""Copies of the keys and passwords of a system, apart from the copies of its data: a set whenever one has changed.

A set holds what was in force from its moment on. A key that was destroyed since is in older sets, which end with the copies
of the data that they open.
"""

import os
import shutil
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Final

from ops.backup.manifests import Damaged, check_files, files_of, read_manifest, sync_tree, write_manifest
from ops.backup.places import House, house_of, is_stamped, moment_of, private, stamp
from ops.process import refused_by_system
from ops.secrets import Secrets
from ops.settings import CannotStart, OpsSettings

_KEY: Final = "backup_manifest"
_WITNESS: Final = ("witness", "witness_key")
_UNFINISHED: Final = ".unfinished"


def manifest_key(secrets_folder: Path) -> bytes:
    """What shows that a list of files is ours; whoever can only reach the copies of the data does not have it."""
    return Secrets(secrets_folder).key(_KEY)


def keep_keys(settings: OpsSettings, house: House, keys: Path) -> Path:
    """The newest set, made now if anything is other than in the last; `CannotStart` where it cannot be kept."""
    key = manifest_key(settings.secrets_folder)
    folder = keys / house.id
    private(folder)
    sets = sets_in(folder)
    content = _content(settings)
    if sets and _digests(sets[-1]) == {name: sha256(value).digest() for name, value in content.items()}:
        return sets[-1]
    name = stamp(datetime.now(UTC))
    unfinished = folder / _UNFINISHED
    try:
        if unfinished.exists():
            shutil.rmtree(unfinished)
        for file, value in content.items():
            _write(unfinished / file, value)
        write_manifest(unfinished, key, {"house": house.id})
        unfinished.rename(folder / name)
        sync_tree(folder)
    except OSError as error:
        raise refused_by_system(error, "the keys can't be kept apart") from error
    return folder / name


def copy_keys(settings: OpsSettings) -> None:
    """Copies what changed to where the backups of this data folder keep their keys, if it has any; `CannotStart` where it can't."""
    house = house_of(settings)
    if house is not None and house.keys is not None:
        keep_keys(settings, house, house.keys)


def sets_in(folder: Path) -> list[Path]:
    """The whole sets of one data folder, the oldest first."""
    return sorted(path for path in folder.iterdir() if is_stamped(path)) if folder.is_dir() else []


def set_in_force(folder: Path, moment: datetime | None) -> list[Path]:
    """The set of that moment, and behind it the following one, of which a key may have been in use for a second before.

    `CannotStart` where there is none, or where those of that moment were destroyed.
    """
    sets = sets_in(folder)
    if not sets:
        raise CannotStart("no_keys", f"There are no keys of this backup in {folder}.")
    if moment is None:
        return sets[-1:]
    before = [one for one in sets if moment_of(one.name) <= moment]
    if not before:
        raise CannotStart(
            "keys_destroyed",
            f"The keys of that time were destroyed, the oldest are of {moment_of(sets[0].name):%Y-%m-%d %H:%M:%S} UTC: name a later time.",
        )
    return [before[-1], *sets[len(before) : len(before) + 1]]


def check_set(folder: Path) -> None:
    """`Damaged` where a set is not as it was written."""
    try:
        key = manifest_key(folder / "secrets")
    except (CannotStart, OSError):
        raise Damaged(f"{folder / 'secrets' / _KEY} can't be read") from None
    check_files(folder, read_manifest(folder, key))


def put_back(sets: list[Path], data: Path) -> None:
    """Puts a set into a data folder, and from the following one the epochs that it lacks."""
    for number, one in enumerate(sets):
        for path in files_of(one):
            name = path.relative_to(one)
            if number == 0 or (name.parts[:2] == ("secrets", "epochs") and not (data / name).exists()):
                _write(data / name, path.read_bytes())


def end_sets(folder: Path, before: datetime) -> int:
    """Destroys the sets that were followed by another before this moment, and says how many."""
    sets = sets_in(folder)
    ended = [one for one, following in pairwise(sets) if moment_of(following.name) < before]
    for one in ended:
        end_set(one)
    return len(ended)


def end_set(folder: Path) -> None:
    """Overwrites every key of a set, then removes it; snapshots and flash may still hold the bytes."""
    # Renamed first: half a set must not be taken for one.
    doomed = folder.with_name(_UNFINISHED)
    if doomed.exists():
        shutil.rmtree(doomed)
    folder.rename(doomed)
    for path in files_of(doomed):
        with path.open("r+b", buffering=0) as file:
            file.write(os.urandom(path.stat().st_size))
            os.fsync(file.fileno())
    shutil.rmtree(doomed)


def _content(settings: OpsSettings) -> dict[str, bytes]:
    data = settings.data_folder
    found = {}
    for path in files_of(settings.secrets_folder):
        # What begins with a dot is being written.
        if not path.name.startswith("."):
            try:
                found[str(path.relative_to(data))] = path.read_bytes()
            except FileNotFoundError:
                continue
    witness = data.joinpath(*_WITNESS)
    if witness.is_file():
        found["/".join(_WITNESS)] = witness.read_bytes()
    return found


def _digests(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).digest() for path in files_of(folder)}


def _write(path: Path, content: bytes) -> None:
    for parent in reversed(path.parents):
        if not parent.exists():
            parent.mkdir(mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
