"""Credits by which money that was asked back may have come are found by an index of these alone."""

from migrations.online import drop_index, make_index

revision = "reintegration_130"
down_revision = "reintegration_134"
branch_labels = None
depends_on = None

_INDEX = "ix_bank_lines_may_recover"


def upgrade() -> None:
    make_index(
        _INDEX,
        "bank_lines (currency, id) WHERE kind = 'booked' AND direction = 'credit' AND NOT reversal "
        "AND state IN ('unmatched', 'recovered', 'explained')",
    )


def downgrade() -> None:
    drop_index(_INDEX)
