"""`./avrr chaos --quick`: whatever breaks while commands flow, nothing acknowledged is lost and nothing happens twice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.plan import Trial
from tests.chaos.running import told, tried


async def test_nothing_acknowledged_is_lost_and_nothing_happens_twice_whatever_breaks(
    request: pytest.FixtureRequest, tell: Callable[[str], None], tmp_path: Path
) -> None:
    trial = Trial(*(request.config.getoption(f"--chaos-{name}") for name in ("seed", "commands", "kills")))
    lines: list[str] = []
    outcome = await tried(trial, tmp_path, lines.append)
    tell(outcome.summary)
    assert outcome.passed, "\n".join((*lines, *told(outcome)))
