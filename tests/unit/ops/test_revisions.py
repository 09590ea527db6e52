"""The newest revision as a start reads it is the one that an upgrade would go to, and what no release made is told from a later one's."""

import pytest
from alembic.script import ScriptDirectory

from ops import databases, revisions

(NEWEST,) = revisions.newest("returns")


@pytest.mark.parametrize("owner", [owner.name for owner in databases.OWNERS])
def test_the_newest_revision_that_is_read_out_of_the_files_is_the_head_of_alembic(owner: str) -> None:
    scripts = ScriptDirectory.from_config(databases.alembic_config(owner, ""))
    assert revisions.newest(owner) == frozenset(scripts.get_heads())
    assert len(revisions.newest(owner)) == 1


@pytest.mark.parametrize("owner", [owner.name for owner in databases.OWNERS])
def test_every_revision_that_there_is_would_be_a_later_releases_where_it_is_not_known(owner: str) -> None:
    for script in ScriptDirectory.from_config(databases.alembic_config(owner, "")).walk_revisions():
        # No folder is called like this: whoever knows none of these revisions takes their names for a release's.
        assert revisions.standing("nobody", [script.revision.replace(owner, "nobody")], None) == "later"


@pytest.mark.parametrize(
    ("there", "says", "expected"),
    [
        ([], None, "behind"),
        (["returns_1"], None, "behind"),
        ([NEWEST], None, "newest"),
        # What this release knows it runs with, whatever is said beside it.
        ([NEWEST], "needs returns_9000", "newest"),
        (["returns_9000"], None, "later"),
        (["returns_9000_2"], "what somebody notes", "later"),
        (["returns_9000"], f"needs {NEWEST}", "later"),
        (["returns_9001"], "needs returns_9000", "beyond"),
        (["counselling_9000"], None, "strange"),
        (["head"], None, "strange"),
        ([""], None, "strange"),
        (["returns_9000\n"], None, "strange"),
        ([NEWEST, "returns_9000"], None, "strange"),
        (["returns_9000", "returns_9001"], f"needs {NEWEST}", "strange"),
    ],
)
def test_where_a_database_stands_is_told_by_its_revision_and_what_a_contracting_one_left_beside_it(
    there: list[str], says: str | None, expected: str
) -> None:
    assert revisions.standing("returns", there, says) == expected
