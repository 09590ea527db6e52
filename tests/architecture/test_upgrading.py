"""What a revision does to a table in use stops nobody who works with it by the release before, or its docstring says why not."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.test_services import wiring_of

_VERSIONS = Path(__file__).parent.parent.parent / "migrations"
# Those of before were made for a system that stood still meanwhile.
_SINCE = "2026_11_27_2300"
_LATER = sorted(path for path in _VERSIONS.glob("*/versions/*.py") if path.name >= _SINCE)
# Each reads or writes a whole table while nobody else may touch it, or takes away what the release before still asks for.
_IN_THE_WAY = {
    "an index beside nobody: use migrations.online.make_index": re.compile(r"create_index\((?!.*concurrently)|CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)"),
    "a rule that reads the whole table: use migrations.online.hold": re.compile(
        r"create_(check_constraint|foreign_key|unique_constraint)|ADD CONSTRAINT (?!.*NOT VALID)|SET NOT NULL|nullable=False\)$"
    ),
    "another type": re.compile(r"ALTER COLUMN \w+ (SET DATA )?TYPE|type_="),
    "something else's name": re.compile(r"rename_table|RENAME |new_column_name"),
    "what the release before asks for": re.compile(r"drop_(table|column|constraint|index)|DROP (TABLE|COLUMN|FUNCTION|CONSTRAINT|TRIGGER|POLICY)|REVOKE"),
}
# Whoever goes back behind these two is refused by what the revision says.
_TAKES_AWAY = re.compile(r"drop_(table|column)\(|DROP (TABLE|COLUMN)")
_KINDS = re.compile(r"^KINDS_OF_EVENTS: Final = (\d+)$", re.MULTILINE)
_MADE_HERE = re.compile(r"(?:create_table\(\s*['\"]|CREATE TABLE |CREATE FUNCTION )(\w+)")


def in_the_way(source: str) -> list[str]:
    """What a revision's upgrade does that somebody would meet, unless its docstring says why nobody does."""
    upgrade = upgrade_of(source)
    if ast.get_docstring(upgrade) is not None:
        return []
    return [what for what, pattern in _IN_THE_WAY.items() if any(pattern.search(step) for step in steps_of(source))]


def says_what_it_needs(source: str) -> bool:
    """Whether a revision that takes a table or a column away says which release one cannot go back before."""
    steps = steps_of(source)
    return not any(_TAKES_AWAY.search(step) for step in steps) or any(re.search(r"\bneeds\('\w+'\)", step) for step in steps)


def upgrade_of(source: str) -> ast.FunctionDef:
    (upgrade,) = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    return upgrade


def steps_of(source: str) -> list[str]:
    """What an upgrade does to what was there before it: a table or a function that nobody knows yet is in nobody's way."""
    upgrade = upgrade_of(source)
    apart = (node for node in ast.parse(source).body if isinstance(node, ast.Assign | ast.AnnAssign))
    made = set(_MADE_HERE.findall("\n".join(map(ast.unparse, (*apart, upgrade)))))
    body = upgrade.body if ast.get_docstring(upgrade) is None else upgrade.body[1:]
    return [said for said in map(ast.unparse, body) if not any(re.search(rf"\b{name}\b", said) for name in made)]


def test_a_revision_stops_nobody_or_says_why_nobody_meets_it() -> None:
    assert _LATER
    found = {path.name: wrong for path in _LATER if (wrong := in_the_way(path.read_text(encoding="utf-8")))}
    assert found == {}, "docs/upgrading.md has how to do it otherwise"


def test_a_revision_behind_which_a_former_release_does_not_run_leaves_word_of_it() -> None:
    assert [path.name for path in _LATER if not says_what_it_needs(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("'''Nobody reads it.'''; op.drop_column('grants', 'at')", False),
        ("'''Nobody reads it.'''; op.drop_column('grants', 'at'); needs('reintegration_200')", True),
        ("op.execute('ALTER TABLE grants DROP COLUMN at'); needs(None)", False),
        ("'''DROP COLUMN is not done here.'''; op.add_column('grants', sa.Column('at', sa.Text()))", True),
        ("op.create_table('notes', sa.Column('id', sa.Uuid())); op.drop_column('notes', 'id')", True),
    ],
)
def test_what_a_revision_takes_away_is_found_out(body: str, says: bool) -> None:
    assert says_what_it_needs(f"def upgrade() -> None:\n    {body}\n") is says


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("op.create_index('ix_grants_at', 'grants', ['at'])", 1),
        ("op.execute('CREATE INDEX ix_grants_at ON grants (at)')", 1),
        ("make_index('ix_grants_at', 'grants (at)')", 0),
        ("op.execute('ALTER TABLE grants ADD CONSTRAINT ck CHECK (at IS NOT NULL)')", 1),
        ("op.execute('ALTER TABLE grants ALTER COLUMN at SET NOT NULL')", 1),
        ("op.execute('ALTER TABLE grants ALTER COLUMN at TYPE text')", 1),
        ("op.execute('ALTER TABLE grants RENAME at TO on_day')", 1),
        ("op.execute('ALTER TABLE grants DROP COLUMN at')", 1),
        ("op.drop_column('grants', 'at')", 1),
        ("'''Nothing of the release before reads it.'''; op.drop_column('grants', 'at')", 0),
        ("op.add_column('grants', sa.Column('at', sa.Text()))", 0),
        ("op.create_table('notes', sa.Column('id', sa.Uuid())); op.create_index('ix_notes_id', 'notes', ['id'])", 0),
        ("op.execute('CREATE FUNCTION stays() RETURNS trigger'); op.execute('REVOKE ALL ON FUNCTION stays() FROM PUBLIC')", 0),
        ("op.execute('CREATE OR REPLACE FUNCTION stays() RETURNS trigger'); op.execute('REVOKE ALL ON FUNCTION stays() FROM x')", 1),
    ],
)  # fmt: skip
def test_it_is_found_out_by_what_the_upgrade_says(body: str, found: int) -> None:
    assert len(in_the_way(f"def upgrade() -> None:\n    {body}\n")) == found


def kinds_noted() -> dict[str, int]:
    """Of each service of which a revision notes it, how many kinds of events there were with the newest that does."""
    return {
        path.parent.parent.name: int(noted.group(1))
        for path in sorted(_VERSIONS.glob("*/versions/*.py"))
        if (noted := _KINDS.search(path.read_text(encoding="utf-8"))) is not None
    }


def test_a_service_that_has_another_kind_of_event_has_a_revision_that_notes_it() -> None:
    noted = kinds_noted()
    assert "returns" in noted
    made = {name: len({event.kind for one in wiring_of(name).aggregates for event in one.decider.events}) for name in noted}
    assert made == noted, "docs/upgrading.md says why: make a revision, be it empty, and note KINDS_OF_EVENTS in it"
