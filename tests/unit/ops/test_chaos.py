"""What breaks a system is started from the sources, and from nowhere else."""

from pathlib import Path

import pytest

from ops import chaos
from ops.settings import PROJECT, CannotStart


def test_without_the_sources_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos, "PROJECT", tmp_path)
    with pytest.raises(CannotStart) as refused:
        chaos.run_chaos(2_000, 15, 1)
    assert refused.value.code == "no_sources"


def test_the_sources_hold_what_it_starts() -> None:
    assert (PROJECT / "tests" / "chaos" / "__main__.py").is_file()
