"""Controls: each fault that is planted in one process of a small system is found, and by the finding that names it."""

from pathlib import Path
from typing import Final

import pytest

from tests.chaos.controls import found_of, prepared_in
from tests.chaos.planted import PLANTED

FOUND_AS: Final[dict[str, str]] = {
    "acknowledges_before_it_commits": "stands still",
    "moves_on_before_it_reacts": "took effect 0 times in returns",
    "skips_an_event": "another event than the log",
    "relays_without_a_turn": "another event than the log",
    "remembers_no_key": "done, and refused when it was asked again",
    "appends_before_it_commits": "events without a row",
    "leaves_out_an_event": "was acknowledged and is lost",
}


@pytest.fixture(scope="module")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await prepared_in(tmp_path_factory.mktemp("planted") / "data")


@pytest.mark.parametrize("fault", PLANTED)
async def test_a_planted_fault_is_found(fault: str, prepared: Path, tmp_path: Path) -> None:
    found = await found_of(fault, FOUND_AS[fault], prepared, tmp_path)
    assert any(FOUND_AS[fault] in finding.text for finding in found), found
