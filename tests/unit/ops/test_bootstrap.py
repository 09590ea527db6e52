"""The bootstrap refuses what it must not touch, and knows when an environment is up to date."""

import ast
import fcntl
import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[3]
SCRIPT = PROJECT / "avrr"


def _load() -> ModuleType:
    spec = spec_from_loader("bootstrap", SourceFileLoader("bootstrap", str(SCRIPT)))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = written
    return module


bootstrap = _load()


def _start(venv_folder: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "AVRR_VENV": str(venv_folder), **more}
    return subprocess.run(
        [sys.executable, str(SCRIPT), "demo"], env=environment, capture_output=True, text=True, check=False
    )


def _tree(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


def _copy_of_locks(folder: Path) -> Path:
    (folder / "requirements").mkdir()
    for name in ("bootstrap", "demo", "dev"):
        (folder / "requirements" / f"{name}.txt").write_text(f"{name}\n")
    (folder / "pyproject.toml").write_text("[project]\n")
    return folder


def test_a_python_before_3_11_is_refused_in_one_line() -> None:
    assert bootstrap.python_refusal((3, 10, 14)) == "needs Python 3.11 or newer; this is Python 3.10.14"
    assert bootstrap.python_refusal((3, 11, 0)) is None
    assert bootstrap.python_refusal((4, 0, 0)) is None


def test_a_python_that_is_too_old_can_still_read_the_script() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 7))


def test_the_script_imports_nothing_but_the_standard_library() -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(SCRIPT.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names


def test_only_commands_that_use_tools_need_the_development_lock() -> None:
    assert bootstrap.lock_name(["test", "--fast"]) == "dev"
    assert bootstrap.lock_name(["screenshots", "--out", "x"]) == "dev"
    assert bootstrap.lock_name(["bench"]) == "dev"
    assert bootstrap.lock_name(["demo", "test"]) == "demo"
    assert bootstrap.lock_name([]) == "demo"


def test_the_development_lock_holds_every_pin_of_the_demo_lock() -> None:
    def pins(name: str) -> set[str]:
        text = (PROJECT / "requirements" / f"{name}.txt").read_text()
        return set(re.findall(r"^[a-z0-9._\[\]-]+==[^ ;\\]+", text, re.MULTILINE))

    assert pins("demo") and pins("demo") <= pins("dev")


@pytest.mark.parametrize("changed", ["requirements/bootstrap.txt", "requirements/demo.txt", "pyproject.toml"])
@pytest.mark.parametrize("lock", ["demo", "dev"])
def test_an_edit_of_what_decides_the_installation_changes_the_stamp(
    tmp_path: Path, lock: str, changed: str
) -> None:
    root = _copy_of_locks(tmp_path)
    before = bootstrap.stamp(lock, root, Path("/venv"), "3.11.7")
    with (root / changed).open("a") as file:
        file.write("edited\n")
    assert bootstrap.stamp(lock, root, Path("/venv"), "3.11.7") != before


def test_another_python_or_another_place_changes_the_stamp(tmp_path: Path) -> None:
    root = _copy_of_locks(tmp_path)
    stamps = {
        bootstrap.stamp("demo", root, Path("/venv"), "3.11.7"),
        bootstrap.stamp("demo", root, Path("/venv"), "3.12.1"),
        bootstrap.stamp("demo", root, Path("/other"), "3.11.7"),
    }
    assert len(stamps) == 3


def test_the_development_lock_alone_does_not_touch_the_demo_stamp(tmp_path: Path) -> None:
    root = _copy_of_locks(tmp_path)
    before = bootstrap.stamp("demo", root, Path("/venv"), "3.11.7")
    (root / "requirements" / "dev.txt").write_text("edited\n")
    assert bootstrap.stamp("demo", root, Path("/venv"), "3.11.7") == before


def test_an_environment_with_either_stamp_serves_the_demo_but_only_dev_serves_tests(tmp_path: Path) -> None:
    for name, holds in (("demo", (True, False)), ("dev", (True, True))):
        folder = tmp_path / name
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "avrr").touch()
        (folder / f".avrr-lock-{name}").write_text(bootstrap.stamp(name, PROJECT, folder, sys.version))
        environment = bootstrap.Environment(folder, False)
        assert (environment.holds("demo"), environment.holds("dev")) == holds


def test_a_folder_that_avrr_did_not_make_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    before = _tree(tmp_path)
    answer = _start(folder)
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1 and "did not make" in answer.stderr
    assert _tree(tmp_path) == before


def test_the_virtual_environment_of_another_project_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    venv.EnvBuilder(with_pip=False).create(folder)
    before = _tree(tmp_path)
    answer = _start(folder)
    assert answer.returncode == 1 and "did not make" in answer.stderr
    assert _tree(tmp_path) == before


def test_a_file_in_place_of_the_environment_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    answer = _start(file)
    assert answer.returncode == 1 and answer.stderr == f"avrr: {file} is not a folder\n"


def test_the_projects_own_environment_may_have_been_made_by_hand(tmp_path: Path) -> None:
    (tmp_path / "pyvenv.cfg").touch()
    assert bootstrap.folder_refusal(tmp_path, True) is None
    assert bootstrap.folder_refusal(tmp_path, False) is not None


def test_an_interrupted_installation_of_ours_is_not_refused(tmp_path: Path) -> None:
    (tmp_path / bootstrap.STATE_FILE).write_text("installing")
    (tmp_path / "half").mkdir()
    assert bootstrap.folder_refusal(tmp_path, False) is None


def test_without_the_venv_package_the_line_to_type_is_printed(tmp_path: Path) -> None:
    # Debian without python3-venv has a venv module, but no ensurepip.
    (tmp_path / "ensurepip.py").write_text("raise ImportError\n")
    answer = _start(tmp_path / "venv", PYTHONPATH=str(tmp_path))
    assert answer.returncode == 1
    assert "apt install python3-venv" in answer.stderr and "Traceback" not in answer.stderr
    assert not (tmp_path / "venv").exists()


def test_a_start_waits_while_another_one_installs(tmp_path: Path) -> None:
    with (tmp_path / "venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(
            [sys.executable, str(SCRIPT), "demo"],
            env={"PATH": os.environ["PATH"], "AVRR_VENV": str(tmp_path / "venv")},
            stderr=subprocess.PIPE,
            text=True,
        ) as waiting:
            assert waiting.stderr is not None
            assert "another start is installing" in waiting.stderr.readline()
            assert not (tmp_path / "venv").exists()
            waiting.kill()


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("ERROR: ...\nOSError: [Errno 28] No space left on device\n", "the disk is full"),
        (
            "error: Failed to fetch: `https://x`\n  Caused by: dns error\n",
            "the package index can't be reached",
        ),
        ("Collecting x\nERROR: hashes do not match\n\n", "ERROR: hashes do not match"),
        ("", "no reason given"),
    ],
)
def test_a_failed_installer_is_explained_in_one_line(output: str, said: str) -> None:
    line = bootstrap.one_line(output)
    assert line.startswith(said) and "\n" not in line


def test_the_wheel_made_without_uv_points_at_the_sources_and_has_the_command(tmp_path: Path) -> None:
    path = bootstrap.editable_wheel(PROJECT, tmp_path)
    with zipfile.ZipFile(path) as wheel:
        assert wheel.read("avrr.pth").decode() == f"{PROJECT}\n"
        info = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
        assert wheel.read(info).decode() == "[console_scripts]\navrr = ops.cli:main\n"


@pytest.mark.parametrize("manifest", ["", "{", "[]", "{}", '{"made_from": [], "files": {}}', '{"made_from": {}, "files": {"a": 1}}'])
def test_assets_whose_manifest_is_not_what_set_up_writes_are_brought_again(tmp_path: Path, manifest: str) -> None:
    built = tmp_path / "services" / "portal" / "built"
    assert not bootstrap.assets_hold(tmp_path)
    built.mkdir(parents=True)
    assert not bootstrap.assets_hold(tmp_path)
    (built / "manifest.json").write_text(manifest)
    assert not bootstrap.assets_hold(tmp_path)
