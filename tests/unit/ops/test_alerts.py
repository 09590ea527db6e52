"""What docs/alerts.md tells to watch is told by some process."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[3]


def test_every_figure_that_a_rule_names_is_one_that_the_code_tells() -> None:
    named = set(re.findall(r"\bavrr_[a-z_]+\b", (PROJECT / "docs/alerts.md").read_text()))
    told = {
        name
        for folder in ("shared", "services", "ops")
        for path in (PROJECT / folder).rglob("*.py")
        for name in re.findall(r'"(avrr_[a-z_]+)"', path.read_text())
    }
    assert "avrr_verify_differences" in named
    assert named - told == set()
