"""A transit visa says for which country it is, in its fact and in the row.

Nothing of the database changes. By its revision a process of the release before, which knows nothing of it, waits with its
verification instead of calling cases with such a visa a difference.
"""

revision = "returns_37"
down_revision = "returns_35"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody meets it: nothing is changed."""


def downgrade() -> None:
    """Nothing is lost: nothing was changed."""
