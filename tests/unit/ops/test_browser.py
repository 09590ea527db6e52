"""A browser is found, or installed in the way that this machine allows, or its absence fails the run."""

import stat
import sys
from pathlib import Path

import pytest

from ops.browser import ensure_browser, find_browser, own_browser
from ops.gates import drives_browser
from ops.settings import CannotStart


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The only folder that programs are looked for in, with nothing but a shell's own words in reach."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def script(folder: Path, name: str, words: str) -> Path:
    found = folder / name
    found.write_text(f"#!/bin/sh\n{words}\n")
    found.chmod(found.stat().st_mode | stat.S_IXUSR)
    return found


def alone(path: Path, **more: str) -> dict[str, str]:
    """Surroundings in which Playwright has no browser of its own either, and can't get one."""
    nowhere = {"PLAYWRIGHT_BROWSERS_PATH": str(path.parent / "browsers"), "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:9"}
    return {"PATH": str(path), "HOME": str(path.parent), **nowhere, **more}


def apt(path: Path, *, brings: str | None) -> Path:
    """An apt-get that writes down what it is asked and, if so told, leaves a browser."""
    told = path.parent / "apt"
    leaves = f'[ "$5" = {brings} ] && printf "#!/bin/sh\\n" > {path}/{brings} && {sys.executable} -c \'import os; os.chmod("{path}/{brings}", 0o755)\'' if brings else ""
    script(path, "apt-get", f'echo "$@ $DEBIAN_FRONTEND" >> {told}\n{leaves}\nexit 0')
    return told


@pytest.mark.parametrize("name", ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"])
def test_the_machines_browser_is_used(path: Path, name: str) -> None:
    there = script(path, name, "exit 0")
    assert find_browser(alone(path)) == there
    assert ensure_browser(alone(path)) == there


def test_a_script_that_only_tells_where_to_get_a_browser_is_none(path: Path) -> None:
    script(path, "chromium-browser", "exit 10")
    assert find_browser(alone(path)) is None
    runs = script(path, "google-chrome", "exit 0")
    assert find_browser(alone(path)) == runs


@pytest.mark.parametrize(("brings", "asked"), [("chromium-headless-shell", 1), ("chromium", 2)])
def test_root_gets_debians_package(path: Path, brings: str, asked: int) -> None:
    told = apt(path, brings=brings)
    assert ensure_browser(alone(path), root=True) == path / brings
    assert told.read_text().splitlines() == [
        "-q update noninteractive",
        "-q install --yes --no-install-recommends chromium-headless-shell noninteractive",
        "-q install --yes --no-install-recommends chromium noninteractive",
    ][: 1 + asked]  # fmt: skip


def test_nobody_else_asks_apt_and_without_any_way_it_is_refused(path: Path) -> None:
    told = apt(path, brings="chromium")
    with pytest.raises(CannotStart, match="no Chromium and none can be installed"):
        ensure_browser(alone(path), root=False)
    assert not told.exists()


def test_where_apt_brings_none_playwrights_own_is_tried_before_it_is_refused(path: Path) -> None:
    told = apt(path, brings=None)
    with pytest.raises(CannotStart) as refused:
        ensure_browser(alone(path), root=True)
    assert (refused.value.code, "\n" in refused.value.sentence) == ("browser", False)
    assert len(told.read_text().splitlines()) == 3


def test_a_browser_that_playwright_installed_is_found(path: Path) -> None:
    environment = alone(path)
    own = own_browser(environment)
    assert own is not None and own.is_relative_to(path.parent / "browsers")
    own.parent.mkdir(parents=True)
    script(own.parent, own.name, "exit 0")
    assert find_browser(environment) == own


@pytest.mark.parametrize(
    ("extra", "drives"),
    [
        ((), True),
        (("-x", "-k", "persona"), True),
        (("tests",), True),
        (("tests/browser/test_provider.py::test_x",), True),
        (("tests/unit", "tests/browser"), True),
        (("tests/unit",), False),
        (("tests/e2e/test_api.py::test_x", "-x"), False),
    ],
)
def test_a_browser_is_needed_when_its_tests_are_among_those_that_run(extra: tuple[str, ...], drives: bool) -> None:
    assert drives_browser(extra) is drives
