"""The newest revision as a start reads it is the one that an upgrade would go to."""

import pytest
from alembic.script import ScriptDirectory

from ops import databases, revisions


@pytest.mark.parametrize("owner", [owner.name for owner in databases.OWNERS])
def test_the_newest_revision_that_is_read_out_of_the_files_is_the_head_of_alembic(owner: str) -> None:
    scripts = ScriptDirectory.from_config(databases.alembic_config(owner, ""))
    assert revisions.newest(owner) == frozenset(scripts.get_heads())
    assert len(revisions.newest(owner)) == 1
