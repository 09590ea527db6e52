"""Every command that the README and the documentation show is there, with each option that they show."""

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from ops.cli import app

_PROJECT = Path(__file__).parent.parent.parent.parent
_PAGES = sorted([_PROJECT / "README.md", *(_PROJECT / "docs").rglob("*.md"), *(_PROJECT / "deploy").rglob("*.md")])
# What follows the name of a command as far as it is still the same one.
_SHOWN = re.compile(r"\./avrr((?: (?![#|>&])[^\s`\"();,]+)+)")
COMMAND = typer.main.get_command(app)


def shown_in(text: str) -> set[str]:
    return {" ".join(found.split()) for found in _SHOWN.findall(text)}


def unknown(shown: str) -> str | None:
    """The first word or option of a command that does not exist."""
    at = COMMAND
    for word in shown.replace("[", "").replace("]", "").split():
        if at.context_settings.get("ignore_unknown_options"):
            # `./avrr test` hands what it does not know to pytest.
            return None
        if word.startswith("--"):
            if not any(word.partition("=")[0] in param.opts + param.secondary_opts for param in at.params):
                return word
        elif isinstance(at, TyperGroup):
            if word not in at.commands:
                return word
            at = at.commands[word]
    return None


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_PROJECT)))
def test_what_a_page_shows_can_be_typed(page: Path) -> None:
    found = {shown: wrong for shown in shown_in(page.read_text(encoding="utf-8")) if (wrong := unknown(shown)) is not None}
    assert found == {}


def test_commands_are_found_where_they_are_shown() -> None:
    assert len(shown_in((_PROJECT / "README.md").read_text(encoding="utf-8"))) >= 30


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        ("keys rotate", None), ("keys turn", "turn"), ("report --year 2023 --from-export DIR", None), ("report --years 2023", "--years"),
        ("audit checkpoints [--policy keys]", None), ("staff add counsellor-lipa --role counsellor", None), ("nothing", "nothing"),
    ],
)  # fmt: skip
def test_what_cannot_be_typed_is_found(shown: str, wrong: str | None) -> None:
    assert unknown(shown) == wrong
