"""Each page of the list becomes pictures of every width and direction, and what can't be pictured is said."""

import re
import struct
from pathlib import Path

import pytest

from ops.identity.personas import persona
from ops.screenshots import PAGES, WIDTHS, Shot, take_screenshots
from ops.settings import CannotStart
from tests.running import Mission


def width_of(picture: Path) -> int:
    head = picture.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    width: int = struct.unpack(">I", head[16:20])[0]
    return width


def test_every_page_has_a_name_of_its_own_and_somebody_who_sees_it() -> None:
    names = [shot.name for shot in PAGES]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)
    assert all(shot.path.startswith("/") for shot in PAGES)
    for shot in PAGES:
        assert shot.persona is None or persona(shot.persona).name == shot.persona


async def test_pages_become_pictures_narrow_and_wide_and_from_right_to_left(mission: Mission, tmp_path: Path) -> None:
    said: list[str] = []
    pages = (Shot(None, "/signed-out", "signed-out"), Shot("counsellor-1", "/", "counsellor-home"))
    faults = await take_screenshots(mission.addresses.portal, tmp_path, pages, said.append)
    assert faults == []
    assert said == ["nobody: signed-out", "counsellor-1: counsellor-home"]
    expected = {f"{shot.name}{suffix}-{width}.png": width for shot in pages for suffix in ("", "-rtl") for width in WIDTHS}
    assert {path.name: width_of(path) for path in tmp_path.iterdir()} == expected


async def test_a_page_that_is_not_there_is_named_and_no_picture_of_it_is_left(mission: Mission, tmp_path: Path) -> None:
    pages = (Shot(None, "/no-such-page", "none"), Shot(None, "/signed-out", "lost", follow=("a.nowhere",)))
    faults = await take_screenshots(mission.addresses.portal, tmp_path, pages, lambda _: None)
    assert [fault.partition(":")[0] for fault in faults] == ["none", "lost", "none-rtl", "lost-rtl"]
    assert list(tmp_path.iterdir()) == []


async def test_without_a_portal_it_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="The portal does not answer"):
        await take_screenshots("http://127.0.0.1:9", tmp_path / "none")
    assert not (tmp_path / "none").exists()
