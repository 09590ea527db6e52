"""What is open is found by indexes of its own: payments under way, and tranches that are not delivered or not reconciled."""

import sqlalchemy as sa
from alembic import op

revision = "reintegration_68"
down_revision = "reintegration_57"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_payment_attempts_released", "payment_attempts", ["grant_id", "tranche"], "status = 'released'"),
    ("ix_grants_not_delivered", "grants", ["id"], """tranches @> '[{"status": "paid"}]'"""),
    ("ix_grants_not_reconciled", "grants", ["id"], """tranches @> '[{"status": "delivered"}]'"""),
)


def upgrade() -> None:
    for name, table, columns, where in _INDEXES:
        op.create_index(name, table, columns, postgresql_where=sa.text(where))


def downgrade() -> None:
    for name, table, _, _ in reversed(_INDEXES):
        op.drop_index(name, table)
