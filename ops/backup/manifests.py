"""A list of every file of a folder with its SHA-256, under a key that is kept elsewhere: what was changed since is named."""

import hashlib
import hmac
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from shared.durable_files import write_durably

LIST: Final = "manifest.json"
MARK: Final = "manifest.mac"
_PIECE: Final = 1 << 20


class Damaged(Exception):
    """The folder is not as it was listed; ``fault`` names the file."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


def write_manifest(folder: Path, key: bytes, told: Mapping[str, object]) -> None:
    """Lists what the folder holds, once every file of it is on disk; ``told`` is kept with the list."""
    files = {str(path.relative_to(folder)): _described(path) for path in files_of(folder)}
    content = json.dumps({"format": 1, **told, "files": files}, indent=1).encode()
    sync_tree(folder)
    write_durably(folder / LIST, content)
    write_durably(folder / MARK, hmac.digest(key, content, "sha256").hex().encode())


def read_manifest(folder: Path, key: bytes) -> dict[str, object]:
    """What was told with the list; `Damaged` if list and mark do not belong together, or under another key."""
    try:
        content, mark = (folder / LIST).read_bytes(), (folder / MARK).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise Damaged(f"{folder / LIST} can't be read") from None
    if not hmac.compare_digest(hmac.digest(key, content, "sha256").hex(), mark):
        raise Damaged(f"{folder / LIST} was changed, or was written with other keys")
    told: dict[str, object] = json.loads(content)
    return told


def check_files(folder: Path, told: Mapping[str, object], below: str = "") -> int:
    """Reads every file that was listed, or that is ``below`` a folder, and says how many; `Damaged` at the first that is missing, other or not listed."""
    named = told["files"]
    assert isinstance(named, dict)
    listed = {name: found for name, found in named.items() if name.startswith(below)}
    there = {str(path.relative_to(folder)) for path in files_of(folder / below)}
    for name in sorted(listed.keys() | there):
        if name not in there:
            raise Damaged(f"{folder / name} is missing")
        if name not in listed:
            raise Damaged(f"{folder / name} was not there when the copy was taken")
        try:
            same = _described(folder / name) == listed[name]
        except OSError:
            same = False
        if not same:
            raise Damaged(f"{folder / name} is not as it was written")
    return len(listed)


def files_of(folder: Path) -> Iterator[Path]:
    """Every file below the folder but the list itself."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent / path.name not in (folder / LIST, folder / MARK):
            yield path


def sync_tree(folder: Path) -> None:
    """Returns once every file and folder below is on disk."""
    for path in (*folder.rglob("*"), folder):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _described(path: Path) -> dict[str, object]:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return {"bytes": size, "sha256": digest.hexdigest()}
