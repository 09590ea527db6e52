"""A whole run uses every core; whoever names a few tests has them in one process."""

import os

import pytest

from ops.gates import side_by_side

WHOLE = ("-n", "2", "--dist", "loadgroup")


@pytest.mark.parametrize(
    ("extra", "cores", "expected"),
    [
        ((), 2, WHOLE),
        (("-x", "--chaos-kills=60"), 2, WHOLE),
        ((), 64, ("-n", "4", "--dist", "loadgroup")),
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
