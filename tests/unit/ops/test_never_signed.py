"""Whoever runs a system on one machine says that a log was never signed, where the checkpointer keeps what it knows."""

from pathlib import Path

import pytest

from ops.after_restore.commands import never_signed
from ops.checkpointer.marks import refuse_unknown
from ops.checkpointer.reading import SetBackTo
from ops.settings import CannotStart
from shared.ids import uuid7


def test_what_is_said_of_a_log_is_known_to_who_signs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVRR_DATA", str(tmp_path))
    with pytest.raises(CannotStart, match="not here"):
        never_signed("returns")
    (tmp_path / "checkpointer").mkdir()
    with pytest.raises(CannotStart, match="no such log"):
        never_signed("portal")
    never_signed("returns")
    refuse_unknown(tmp_path / "checkpointer" / "returns", [SetBackTo(uuid7(), 5, True)])
