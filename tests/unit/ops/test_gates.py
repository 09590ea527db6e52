"""A whole run uses every core; whoever names a few tests has them in one process; where there is room, all is in memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops import gates
from ops.gates import PROJECT, compiled_once, side_by_side, working_folder

WHOLE = ("-n", "3", "--dist", "loadgroup", "--no-loadscope-reorder")


@pytest.mark.parametrize(
    ("extra", "cores", "expected"),
    [
        ((), 2, WHOLE),
        (("-x", "--chaos-kills=60"), 2, WHOLE),
        ((), 64, ("-n", "4", "--dist", "loadgroup", "--no-loadscope-reorder")),
        ((), 1, ()),
        ((), None, ()),
        (("tests/unit",), 2, ()),
        (("tests/unit/ops/test_gates.py::test_it",), 2, ()),
    ],
)
def test_a_whole_run_is_spread_over_the_cores(
    extra: tuple[str, ...], cores: int | None, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert side_by_side(extra) == expected


def test_folders_in_memory_are_gone_after_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "MEMORY", tmp_path)
    monkeypatch.setattr(gates, "ENOUGH_BYTES", 0)
    with working_folder(()) as (argument,):
        folder = Path(argument.removeprefix("--basetemp="))
        assert folder.is_relative_to(tmp_path)
        (folder / "some" / "data").mkdir(parents=True)
    assert list(tmp_path.iterdir()) == []


def test_the_disk_is_used_where_memory_is_short_or_missing_or_somebody_chose_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "MEMORY", tmp_path)
    with working_folder(("--basetemp=elsewhere",)) as chosen:
        assert chosen == ()
    monkeypatch.setattr(gates, "ENOUGH_BYTES", 2**60)
    with working_folder(()) as short:
        assert short == ()
    monkeypatch.setattr(gates, "MEMORY", tmp_path / "missing")
    monkeypatch.setattr(gates, "ENOUGH_BYTES", 0)
    with working_folder(()) as missing:
        assert missing == ()


def test_a_second_process_finds_what_the_first_has_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    with compiled_once() as environment:
        folder = Path(environment["PYTHONPYCACHEPREFIX"])
        subprocess.run([sys.executable, "-c", "import ops.gates"], env=environment, cwd=PROJECT, check=True)
        assert [path.name.partition(".")[0] for path in folder.rglob("gates.*.pyc")] == ["gates"]
    assert not folder.exists()
