"""The bench asks for real pages as those who see them, and tells what they cost next to nothing at all."""

from ops.bench.pages import time_pages
from ops.screenshots import Shot
from tests.running import Mission


async def test_pages_are_timed_as_those_who_see_them(mission: Mission) -> None:
    told: list[str] = []
    pages = (Shot(None, "/signed-out", "signed-out"), Shot("manager", "/funds", "manager-funds"))
    found = await time_pages(mission.addresses.portal, 3, pages, told.append)
    assert [timing.name for timing in found] == ["floor", "signed-out", "manager-funds"]
    assert all(len(timing.times) == 3 and 0 < timing.median <= timing.p95 == max(timing.times) for timing in found)
    assert all(timing.bytes for timing in found[1:])
    assert len(told) == 1 + len(found)
