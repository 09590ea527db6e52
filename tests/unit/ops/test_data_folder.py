"""The data folder: private, and one supervisor's at a time."""

import stat
from pathlib import Path

import pytest

from ops.data_folder import DataFolder
from ops.settings import CannotStart


def test_a_new_data_folder_is_closed_to_others(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "deep" / "data"):
        assert stat.S_IMODE((tmp_path / "deep" / "data").stat().st_mode) == 0o700


def test_a_second_supervisor_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with (
        DataFolder(tmp_path / "data"),
        pytest.raises(CannotStart, match=r"used by another avrr \(process \d+\)"),
        DataFolder(tmp_path / "data"),
    ):
        pass
    with DataFolder(tmp_path / "data"):
        pass


def test_an_empty_folder_made_by_hand_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    with DataFolder(tmp_path / "data"):
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_an_open_folder_with_other_things_inside_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "letter.txt").touch()
    with pytest.raises(CannotStart) as refused, DataFolder(folder):
        pass
    assert refused.value.code == "data_folder_open"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def test_a_file_in_its_place_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(CannotStart) as refused, DataFolder(tmp_path / "data"):
        pass
    assert "\n" not in refused.value.sentence
