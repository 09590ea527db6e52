"""The picture of a case's states shows every way that the service knows, and no other."""

from pathlib import Path
from xml.etree import ElementTree as ET

from ops.case_states import PAGE, lanes, picture, steps
from services.returns.domain.case_guards import STATUS_IN_WORDS
from services.returns.domain.case_state import TRANSITIONS

PROJECT = Path(__file__).resolve().parents[3]


def test_the_picture_in_the_documentation_is_the_one_that_the_code_draws() -> None:
    assert (PROJECT / PAGE).read_text(encoding="utf-8") == picture(), "run ./avrr case-states > docs/case-states.svg"


def test_every_declared_way_is_drawn_once() -> None:
    drawn = [*steps(), *((source, lane.to) for lane in lanes() for source in lane.sources)]
    drawn += [(lane.to, source) for lane in lanes() for source in lane.back]
    assert sorted(drawn) == sorted((one, to) for one, followers in TRANSITIONS.items() for to in followers)


def test_every_status_is_named_in_the_picture() -> None:
    root = ET.fromstring(picture())  # noqa: S314 -- our own
    assert sorted(text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")) == sorted(STATUS_IN_WORDS.values())
