"""What only a column or a row says is not lost by taking a revision back: its downgrade refuses, or says why nothing is lost."""

import ast
from pathlib import Path

import pytest

_VERSIONS = Path(__file__).parent.parent.parent / "migrations"
# Those of before ran somewhere and are never edited; what they would lose a later one of their service holds.
_SINCE = "2026_11_27_0200"
# Landed beside this rule, and looked at: the table is made anew out of the archive's own entries.
_LOOKED_AT = frozenset({"2026_11_27_0250_mentions.py"})
_LATER = sorted(path for path in _VERSIONS.glob("*/versions/*.py") if path.name >= _SINCE and path.name not in _LOOKED_AT)
_DROPPING = ("drop_table", "drop_column")
_GUARDS = ("refuse_to_lose", "RAISE EXCEPTION")


def loses_unsaid(source: str) -> bool:
    """Whether a revision's downgrade drops tables, columns or rows, and neither refuses while there are some nor says why not."""
    (downgrade,) = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == "downgrade")
    said = ast.unparse(downgrade)
    drops = any(word in said for word in (*_DROPPING, "DROP TABLE", "DROP COLUMN", "DELETE FROM", "TRUNCATE"))
    return drops and not any(guard in said for guard in _GUARDS) and ast.get_docstring(downgrade) is None


@pytest.mark.parametrize("path", _LATER, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_a_revision_that_drops_what_is_on_record_refuses_to_be_taken_back_or_says_why_nothing_is_lost(path: Path) -> None:
    assert not loses_unsaid(path.read_text(encoding="utf-8")), (
        f"{path.name}: let downgrade() call migrations.kernel_10.refuse_to_lose, or say in its docstring why nothing is lost"
    )


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("op.drop_column('grants', 'why')", True),
        ("op.execute('DELETE FROM grants')", True),
        ("refuse_to_lose('grants', 'there are grants'); op.drop_table('grants')", False),
        ("'''Nothing is lost: the log says it.'''; op.drop_table('grants')", False),
        ("op.drop_index('ix_grants')", False),
    ],
    ids=["column", "rows", "refuses", "says", "index"],
)
def test_it_is_found_out_by_what_the_downgrade_drops(body: str, found: bool) -> None:
    assert loses_unsaid(f"def downgrade() -> None:\n    {body}\n") is found
