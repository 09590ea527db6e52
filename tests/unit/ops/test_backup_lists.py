"""What earlier restores lost is taken of the newest copy of it that holds as it was written, be its base later than what is restored."""

from datetime import timedelta
from pathlib import Path

import pytest

from ops.backup.choosing import _lists
from ops.backup.keys_apart import manifest_key
from ops.backup.manifests import write_manifest
from ops.backup.places import stamp
from tests.given import NOON


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Keys that were in force before any base was taken."""
    folder = tmp_path / "keys"
    made = folder / stamp(NOON - timedelta(hours=1))
    made.mkdir(parents=True)
    write_manifest(made, manifest_key(made / "secrets"), {})
    return folder


def base(house: Path, keys: Path, hour: int, *, lost: bool = True) -> Path:
    """A base of that hour; of its other files one is gone, which nobody asks for here."""
    folder = house / "run-1" / "base" / stamp(NOON + timedelta(hours=hour))
    (folder / "postgres").mkdir(parents=True)
    (folder / "postgres" / "PG_VERSION").write_text("18")
    if lost:
        (folder / "state" / "restored").mkdir(parents=True)
        (folder / "state" / "restored" / "list").write_text(str(hour))
    write_manifest(folder, manifest_key(next(keys.iterdir()) / "secrets"), {})
    (folder / "postgres" / "PG_VERSION").unlink()
    return folder


def test_the_newest_copy_counts_that_has_any_and_holds(tmp_path: Path, keys: Path) -> None:
    house = tmp_path / "house"
    house.mkdir()
    assert _lists(house, keys) is None
    first, second, _ = base(house, keys, 1), base(house, keys, 2), base(house, keys, 3, lost=False)
    assert _lists(house, keys) == second / "state" / "restored"
    (second / "state" / "restored" / "another").write_text("put there since")
    assert _lists(house, keys) == first / "state" / "restored"
    (first / "state" / "restored" / "list").write_text("9")
    assert _lists(house, keys) is None
