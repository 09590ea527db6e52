"""The tour of the documentation: its pictures are those that the command takes, and each persona's page is among them."""

import re
from pathlib import Path

from ops.identity.personas import persona
from ops.screenshots import ON_TOUR, TOUR

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")


def test_every_picture_of_the_tour_is_shown_once_and_is_there() -> None:
    taken = [f"{shot.name}-{width}.png" for shot in TOUR for width in ON_TOUR.widths]
    assert re.findall(r"\]\(tour/([^)]+)\)", TEXT) == taken
    assert sorted(path.name for path in (ROOT / "docs" / "tour").iterdir()) == sorted(taken)


def test_the_tour_names_whoever_is_seen_on_it_and_nobody_who_cannot_sign_in() -> None:
    named = set(re.findall(r"`([a-z0-9-]+)`", " ".join(re.findall(r"^## .*$", TEXT, re.MULTILINE))))
    assert {shot.persona for shot in TOUR} <= named
    assert [persona(name).name for name in sorted(named)] == sorted(named)


def test_the_readme_leads_to_it() -> None:
    assert "(docs/tour.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
