"""What earlier restores lost is taken of the newest copies of it that hold as they were written, be they of a later time or of a system restored since."""

from datetime import timedelta
from pathlib import Path

import pytest

from ops.backup.keys_apart import manifest_key
from ops.backup.lists import bring, kept_lists
from ops.backup.manifests import write_manifest
from ops.backup.places import stamp
from ops.settings import CannotStart, OpsSettings
from tests.given import NOON

HOUSE, RESTORED, FOREIGN = "0" * 12, "1" * 12, "f" * 12
FIRST, SECOND = "restore-1", "restore-2"


def keys_for(folder: Path, house: str) -> Path:
    """Keys that were in force before any base was taken."""
    made = folder / "keys" / house / stamp(NOON - timedelta(hours=1))
    made.mkdir(parents=True)
    write_manifest(made, manifest_key(made / "secrets"), {})
    return made.parent


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return keys_for(tmp_path, HOUSE)


def base(keys: Path, hour: int, *lost: str, system: str = "7") -> Path:
    """A base of that hour, of the house whose keys these are; of its other files one is gone, which nobody asks for here."""
    folder = keys.parent.parent / "backups" / keys.name / "run-1" / "base" / stamp(NOON + timedelta(hours=hour))
    (folder / "postgres").mkdir(parents=True)
    (folder / "postgres" / "PG_VERSION").write_text("18")
    for name in lost:
        (folder / "state" / "restored" / name).mkdir(parents=True)
        (folder / "state" / "restored" / name / "list").write_text(str(hour))
    write_manifest(folder, manifest_key(next(keys.iterdir()) / "secrets"), {"system": system})
    (folder / "postgres" / "PG_VERSION").unlink()
    return folder


def lists(keys: Path) -> dict[str, str]:
    """Of each restore, of which hour the copy of its list is."""
    house = keys.parent.parent / "backups" / keys.name
    return {name: (folder / "list").read_text() for name, folder in kept_lists(house, keys).items()}


def test_the_newest_copy_counts_that_has_any_and_holds(keys: Path) -> None:
    base(keys, 0)
    assert lists(keys) == {}
    first, second, _ = base(keys, 1, FIRST), base(keys, 2, FIRST, SECOND), base(keys, 3)
    assert lists(keys) == {FIRST: "2", SECOND: "2"}
    (second / "state" / "restored" / FIRST / "another").write_text("put there since")
    assert lists(keys) == {FIRST: "1"}
    (first / "state" / "restored" / FIRST / "list").write_text("9")
    assert lists(keys) == {}


def test_what_a_system_lost_that_was_restored_from_these_copies_is_known_by_its_own(tmp_path: Path, keys: Path) -> None:
    base(keys, 1, FIRST)
    later, other = keys_for(tmp_path, RESTORED), keys_for(tmp_path, FOREIGN)
    newest = base(later, 5, FIRST, SECOND)
    base(other, 6, "restore-of-somebody-else", system="8")
    assert lists(keys) == {FIRST: "5", SECOND: "5"}
    assert lists(later) == {FIRST: "5", SECOND: "5"}
    # Of a copy that does not hold nothing is taken, and what is older stays known.
    (newest / "state" / "restored" / SECOND / "list").write_text("9")
    assert lists(keys) == {FIRST: "1"}


def test_lists_are_brought_beside_those_that_are_there_where_no_restore_made_the_folder(tmp_path: Path, keys: Path) -> None:
    base(keys, 1, FIRST, SECOND)
    settings, said = OpsSettings(data=tmp_path / "data"), list[str]()
    own = settings.data_folder / "restored" / FIRST
    own.mkdir(parents=True)
    (own / "list").write_text("its own")
    for brought in (1, 0):
        bring(settings, tmp_path / "backups", keys.parent, said.append)
        assert f"2 earlier restores have lists in the copies; {brought} of them were brought" in said[-1]
    found = {path.parent.name: path.read_text() for path in (settings.data_folder / "restored").glob("*/list")}
    assert found == {FIRST: "its own", SECOND: "1"}
    with pytest.raises(CannotStart) as refused:
        bring(settings, tmp_path / "nowhere", keys.parent, said.append)
    assert refused.value.code == "no_backup"
