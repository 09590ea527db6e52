"""Of a database that was taken back and brought here again the attempts to pay keep the ids that their grants say."""

from alembic import op

revision = "reintegration_43"
down_revision = "reintegration_42"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The bank knows a payment by this id alone, so it comes back with the row.
    op.execute("ALTER TABLE payment_attempts DISABLE TRIGGER attempt_is_never_edited")
    op.execute(
        "UPDATE payment_attempts p SET attempt_id = t.attempt_id FROM grants g, "
        "jsonb_to_recordset(g.tranches) AS t(number integer, attempt_id uuid) "
        "WHERE g.id = p.grant_id AND t.number = p.tranche AND p.attempt_id IS NULL AND t.attempt_id IS NOT NULL"
    )
    op.execute("ALTER TABLE payment_attempts ENABLE TRIGGER attempt_is_never_edited")


def downgrade() -> None:
    # Ids that are known stay known.
    pass
