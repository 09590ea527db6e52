"""What docs/audit.md tells an auditor to run finds nothing wrong with leaves as they were logged, and any that was changed."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from shared.log_search import csv_lines
from shared.tlog.tree import leaf_hash

PAGE = Path(__file__).resolve().parents[3] / "docs" / "audit.md"
LEAVES = [b'{"data":{"n":%d},"id":"%d"}' % (n, n) for n in range(3)]


def verified(folder: Path, leaves: list[bytes]) -> tuple[int, str]:
    program = PAGE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    (folder / "chain.ndjson").write_bytes(b"".join(leaf + b"\n" for leaf in leaves))
    rows = [("event_id", "leaf_hash"), *((str(n), leaf_hash(leaf).hex()) for n, leaf in enumerate(LEAVES))]
    (folder / "chain.csv").write_bytes(csv_lines(rows))
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip()


def test_the_published_rule_is_the_one_by_which_leaves_are_hashed() -> None:
    assert leaf_hash(LEAVES[0]) == hashlib.sha256(b"\x00" + LEAVES[0]).digest()


def test_leaves_as_they_were_logged_are_found_right(tmp_path: Path) -> None:
    assert verified(tmp_path, LEAVES) == (0, "3 leaves, 0 of them other than the log says")


@pytest.mark.parametrize("place", range(3))
def test_a_leaf_that_was_changed_is_found(tmp_path: Path, place: int) -> None:
    changed = [leaf.replace(b'"n":', b'"n":1') if n == place else leaf for n, leaf in enumerate(LEAVES)]
    assert verified(tmp_path, changed) == (1, "3 leaves, 1 of them other than the log says")
