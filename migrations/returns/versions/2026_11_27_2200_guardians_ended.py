"""Returns has other kinds of events, `case.guardian_ended` and `case.age_group_noted`, and grants move a held case on.

Nothing of the database changes. By its revision a process of the release before, which knows none of it, waits with its
verification instead of calling such cases a difference.
"""

from typing import Final

revision = "returns_35"
down_revision = "returns_34"
branch_labels = None
depends_on = None

# As many kinds of events as returns has from this revision on; with another one comes another revision that says so.
KINDS_OF_EVENTS: Final = 67


def upgrade() -> None:
    """Nobody meets it: nothing is changed."""


def downgrade() -> None:
    """Nothing is lost: nothing was changed."""
