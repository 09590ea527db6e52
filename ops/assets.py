"""Set-up's last step: brings the few files that the portal's pages take from others into `services/portal/built`."""

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.npm import DECLARING, Wanted
from ops.settings import PROJECT, CannotStart

PORTAL: Final = Path("services/portal")
BUILT: Final = PORTAL / "built"
MANIFEST: Final = "manifest.json"
DECLARED: Final = tuple(PORTAL / "assets" / name for name in DECLARING)

ASSETS: Final = "the portal's assets"


@dataclass(frozen=True, slots=True)
class Taken:
    """One file out of a package, and the name that pages know it by."""

    name: str
    package: str
    path: str


TAKEN: Final = (
    Taken("htmx.js", "htmx.org", "dist/htmx.min.js"),
    Taken("vazirmatn.woff2", "@fontsource-variable/vazirmatn", "files/vazirmatn-arabic-wght-normal.woff2"),
)


def bring_assets(root: Path = PROJECT, environment: Mapping[str, str] = os.environ) -> None:
    """Fetches the locked packages and leaves `built` whole and new; `CannotStart` leaves it as it was.

    The manifest names what each file was made from, so that a start can tell whether anything has changed since.
    """
    with _turn(root):
        fresh, old = root / BUILT.with_name("built.new"), root / BUILT.with_name("built.old")
        for rest in (fresh, old):
            shutil.rmtree(rest, ignore_errors=True)
        work = fresh / "work"
        try:
            work.mkdir(parents=True)
            Wanted(ASSETS, root).install(PORTAL / "assets", work, environment)
            _choose(root, work, fresh)
            shutil.rmtree(work)
            if (root / BUILT).exists():
                (root / BUILT).replace(old)
            fresh.replace(root / BUILT)
        except OSError as error:
            raise CannotStart("assets", f"{ASSETS} can't be written: {error.strerror}") from None
        finally:
            for rest in (fresh, old):
                shutil.rmtree(rest, ignore_errors=True)


def lock_assets(root: Path = PROJECT, environment: Mapping[str, str] = os.environ) -> None:
    """Makes the lock of the assets anew from package.json, with hashes and without any address."""
    Wanted(ASSETS, root).lock(PORTAL / "assets", environment)


def _choose(root: Path, work: Path, folder: Path) -> None:
    locked = json.loads((root / PORTAL / "assets" / "package-lock.json").read_bytes())["packages"]
    files: dict[str, dict[str, str]] = {}
    for taken in TAKEN:
        package = work / "node_modules" / taken.package
        content = (package / taken.path).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        stem, _, kind = taken.name.rpartition(".")
        file = f"{stem}.{digest[:8]}.{kind}"
        (folder / file).write_bytes(content)
        # Whoever passes the files on has to pass on their licences.
        shutil.copyfile(package / "LICENSE", folder / f"{stem}.LICENSE.txt")
        entry = locked[f"node_modules/{taken.package}"]
        files[taken.name] = {
            "file": file, "sha256": digest, "package": taken.package, "version": entry["version"], "licence": entry["license"],
        }  # fmt: skip
    made_from = {str(source): _hash(root / source) for source in (*DECLARED, Path("ops/assets.py"))}
    (folder / MANIFEST).write_text(json.dumps({"made_from": made_from, "files": files}, indent=2) + "\n")


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _turn(root: Path) -> Iterator[None]:
    """One at a time, also where several environments share this checkout."""
    descriptor = os.open(root / PORTAL / "assets", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main() -> int:
    """Brings the assets; 1 after one line that says why they could not be had."""
    try:
        bring_assets()
    except CannotStart as refusal:
        print(f"avrr: {refusal.sentence}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
