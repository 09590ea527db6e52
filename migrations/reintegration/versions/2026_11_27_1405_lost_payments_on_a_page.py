"""Finance states and clears on its page what restores lost of payments, but for who ordered one of them."""

from alembic import op

from migrations.kernel_2 import EVERY_ROW

revision = "reintegration_124"
down_revision = "reintegration_130"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_check_constraint(
        op.f("ck_lost_payments_cleared_by_another"),
        "lost_payments",
        "cleared_by IS NULL OR NOT payments @> jsonb_build_array(jsonb_build_object('by', cleared_by))",
    )
    # It changes what is there; what a restore lost is put there by whoever accepts the restore alone.
    op.execute("DROP POLICY reintegration_api ON lost_payments")
    op.execute(
        f"CREATE POLICY reintegration_api ON lost_payments FOR ALL TO reintegration_api USING ({EVERY_ROW}) WITH CHECK ({EVERY_ROW})"
    )
    op.execute("GRANT UPDATE ON lost_payments TO reintegration_api")


def downgrade() -> None:
    op.execute("REVOKE UPDATE ON lost_payments FROM reintegration_api")
    op.execute("DROP POLICY reintegration_api ON lost_payments")
    op.execute(f"CREATE POLICY reintegration_api ON lost_payments FOR SELECT TO reintegration_api USING ({EVERY_ROW})")
    op.drop_constraint(op.f("ck_lost_payments_cleared_by_another"), "lost_payments")
