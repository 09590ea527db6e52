"""Every text that the portal shows of its own is found by Babel, and shown in the reader's language."""

import ast
import gettext
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg

from services.portal import wording
from services.portal.pages.home import WAITING, Waiting
from services.portal.pages.steps import _TASKS
from services.portal.plain import plain_page
from services.portal.translation import READERS, translated
from services.portal.wording import FAULTS, LABELS, LANGUAGES, WORDS, label, language, word
from services.portal.words import HERE, _environment

# Where a text is for whoever runs the portal, or for another program.
ELSEWHERE = {"Sql", "FastAPI", "ValueError", "AssertionError", "LookupError", "AssetsUnusable", "log", "re", "Field"}
PROSE = re.compile(r"[A-Z][a-z]+[ ,.:]+[a-z]|[a-z]{2,} [a-z]{2,}")
# In a template, what stands outside of tags and of expressions: a brand and marks.
LEFT_AS_IT_IS = {"avrr"}


class Reversed(gettext.NullTranslations):
    """A language in which every text is written backwards."""

    def gettext(self, message: str) -> str:
        return message[::-1]

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return (msgid1 if n == 1 else msgid2)[::-1]


@contextmanager
def read_backwards() -> Iterator[None]:
    token = READERS.set(Reversed())
    try:
        yield
    finally:
        READERS.reset(token)


@pytest.fixture(scope="module")
def found() -> set[str]:
    with (HERE / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    return {text for _, _, text, _, _ in extract_from_dir(HERE, methods, options) if isinstance(text, str)}


def test_babel_finds_what_python_holds_and_what_templates_say(found: set[str]) -> None:
    held = {waiting.heading for lists in WAITING.values() for waiting in lists}
    held |= {text for task in _TASKS for text in (task.name, task.whose)}
    held |= {*WORDS.values(), *LABELS.values(), *FAULTS.values(), *LANGUAGES.values()}
    assert held - found == set()
    assert {"Find or register a person", "There is no such page."} <= found


def test_babel_finds_each_table_of_words(found: set[str]) -> None:
    tables = [table for name, table in vars(wording).items() if name.isupper() and isinstance(table, dict)]
    assert len(tables) >= 4
    assert {text for table in tables for text in table.values()} - found == set()


@pytest.mark.parametrize("path", sorted(HERE.rglob("*.py")), ids=lambda path: path.name)
def test_a_text_for_people_is_marked_where_python_holds_it(path: Path) -> None:
    if path.name in {"wording.py", "translation.py"}:
        return
    assert list(unmarked(ast.parse(path.read_text(encoding="utf-8")))) == []


def unmarked(node: ast.AST) -> Iterator[str]:
    """Texts under this node that read like sentences and are in no call that marks them."""
    if isinstance(node, ast.Call) and _called(node.func) in {"_", *ELSEWHERE}:
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if PROSE.search(node.value) and node.value not in WORDS and "<" not in node.value:
            yield node.value
        return
    for child in ast.iter_child_nodes(node):
        yield from unmarked(child)


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return _called(function.value)
    return function.id if isinstance(function, ast.Name) else ""


@pytest.mark.parametrize("path", sorted((HERE / "templates").glob("*.html")), ids=lambda path: path.name)
def test_a_template_says_nothing_that_is_not_translated(path: Path) -> None:
    written = "".join(
        value if kind == "data" else " "
        for _, kind, value in _environment().lex(path.read_text(encoding="utf-8"))
        if kind == "data" or kind.endswith("_end")
    )
    outside = re.sub(r"<[^>]*>|&[a-z]+;", " ", re.sub(r'="[^"]*"', "", written))
    assert set(re.findall(r"[A-Za-z]{3,}", outside)) - LEFT_AS_IT_IS == set()


def test_words_are_shown_in_the_readers_language() -> None:
    with read_backwards():
        assert (word("not_stated"), label("held_at"), language("tur")) == ("detats ton", "Dleh saw ti nehw", "hsikruT")
        assert "egap hcus" in bytes(plain_page("such page", "sentence", 404).body).decode()
        assert translated("%(a)s") == "s)a(%"
        assert translated("") == ""
    assert translated("%(amount)s available", amount="1.00 EUR") == "1.00 EUR available"


def test_what_python_holds_is_translated_by_the_template_that_shows_it() -> None:
    lists: list[tuple[Waiting, dict[str, object]]] = [(waiting, {"items": [], "next": None}) for waiting in WAITING["counsellor"]]
    given = {
        "lists": lists, "has": lambda *roles: "counsellor" in roles, "new_id": lambda: "id", "direction": "ltr",
        "asset": lambda name: name, "session": None, "flash": None, "days": None, "short": None,
    }  # fmt: skip
    with read_backwards():
        page = _environment().get_template("home.html").render(given)
    for waiting, _ in lists:
        assert waiting.heading[::-1] in page
        assert waiting.heading not in page


def test_a_text_of_a_service_is_shown_as_text_whatever_it_holds() -> None:
    page = _environment().get_template("fault.html").render(
        sentence="100 % of <b>it</b> %(x)s", direction="ltr", asset=lambda name: name, session=None, flash=None, back=""
    )
    assert "100 % of &lt;b&gt;it&lt;/b&gt; %(x)s" in page
