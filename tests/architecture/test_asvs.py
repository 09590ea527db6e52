"""The table of ASVS 5.0.0: no requirement of level 1 or 2 is missing, and every test that it names is there."""

import re
from collections import Counter

import pytest

from ops.settings import PROJECT

TEXT = (PROJECT / "docs" / "asvs.md").read_text()
ROWS = re.findall(r"(?m)^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| (test: `[^|`]+`|reason: [^|]+|\*\*open\*\*: [^|]+) \|$", TEXT)

# How many of level 1 and of level 2 each chapter of the standard has, as its own list of 5.0.0 counts them.
CHAPTERS = {
    1: (8, 19), 2: (4, 7), 3: (8, 11), 4: (2, 8), 5: (4, 5), 6: (13, 22), 7: (6, 12), 8: (4, 3), 9: (4, 3), 10: (5, 24),
    11: (3, 11), 12: (3, 6), 13: (1, 12), 14: (2, 7), 15: (3, 10), 16: (0, 16), 17: (0, 7),
}  # fmt: skip


def test_every_row_can_be_read() -> None:
    assert len(ROWS) == len(re.findall(r"(?m)^\| \d", TEXT))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_as_many_of_each_level_as_the_standard(chapter: int) -> None:
    levels = Counter(level for id, level, _, _ in ROWS if id.startswith(f"{chapter}."))
    assert (levels["1"], levels["2"]) == CHAPTERS[chapter]


def test_there_are_70_and_183_and_no_number_stands_there_twice() -> None:
    assert Counter(level for _, level, _, _ in ROWS) == {"1": 70, "2": 183}
    assert max(Counter(id for id, _, _, _ in ROWS).values()) == 1


def test_every_test_that_is_named_is_there() -> None:
    missing = []
    for id, _, _, held in ROWS:
        if held.startswith("test: "):
            path, _, name = held.removeprefix("test: `").removesuffix("`").partition("::")
            file = PROJECT / path
            if not file.exists() or not re.search(rf"(?m)^(?:async )?def {name}\(", file.read_text()):
                missing.append((id, path, name))
    assert missing == []


def test_the_sums_are_those_of_the_table() -> None:
    kinds = Counter(held.partition(":")[0].strip("*") for _, _, _, held in ROWS)
    assert f"{kinds['test']} have a test, {kinds['reason']} a reason, {kinds['open']} are open." in TEXT


def test_what_is_open_is_said_in_the_guide_too() -> None:
    guide = (PROJECT / "docs" / "hardening.md").read_text()
    assert "## What is open" in guide
    assert "asvs.md" in guide
