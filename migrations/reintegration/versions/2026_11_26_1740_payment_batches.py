"""Payments that go to the bank together: batches by two signatures, and each attempt in one of them at most."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import follow_transitions
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN

revision = "reintegration_49"
down_revision = "reintegration_65"
branch_labels = None
depends_on = None

# What may be said of a batch afterwards; of a payment in it only that it is free again.
TABLES = {"payment_batches": "SELECT, INSERT, UPDATE", "batch_payments": "SELECT, INSERT, UPDATE (live)"}
TRANSITIONS = {"made": ("approved", "dropped"), "approved": ("dropped", "sent"), "sent": ("dropped",)}


def upgrade() -> None:
    op.create_table(
        "payment_batches",
        *_of_a_batch(),
        sa.CheckConstraint(
            "approved_by IS NOT NULL OR status IN ('dropped', 'made')", name=op.f("ck_payment_batches_nothing_goes_unapproved")
        ),
        sa.CheckConstraint("cardinality(attempts) = count AND count BETWEEN 1 AND 1000", name=op.f("ck_payment_batches_counted")),
        sa.CheckConstraint("made_by <> approved_by", name=op.f("ck_payment_batches_two_persons")),
        sa.CheckConstraint(
            "num_nulls(approved_by, approved_at) IN (0, 2) AND num_nulls(sent_by, sent_at) IN (0, 2)",
            name=op.f("ck_payment_batches_acts_are_whole"),
        ),
        sa.CheckConstraint(
            "(status IN ('made', 'approved')) <= (sent_by IS NULL) AND (status = 'sent') <= (sent_by IS NOT NULL)",
            name=op.f("ck_payment_batches_sent_by_somebody"),
        ),
        sa.CheckConstraint(
            "(status = 'dropped') = (dropped_by IS NOT NULL) AND num_nulls(dropped_by, dropped_at) IN (0, 2) "
            "AND num_nulls(drop_asked_by, drop_asked_at) IN (0, 2)",
            name=op.f("ck_payment_batches_drop_is_whole"),
        ),
        sa.CheckConstraint(
            "dropped_by IS NULL OR sent_by IS NULL OR (drop_asked_by <> dropped_by) IS TRUE",
            name=op.f("ck_payment_batches_dropped_by_two_persons"),
        ),
        sa.ForeignKeyConstraint(["own_account_id"], ["own_accounts.id"], name=op.f("fk_payment_batches_own_account_id_own_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_batches")),
    )
    op.create_index(op.f("ix_payment_batches_status_id"), "payment_batches", ["status", "id"])
    op.create_table(
        "batch_payments",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["payment_attempts.attempt_id"], name=op.f("fk_batch_payments_attempt_id_payment_attempts")
        ),
        sa.PrimaryKeyConstraint("batch_id", "attempt_id", name=op.f("pk_batch_payments")),
    )
    op.create_index("uq_batch_payments_live", "batch_payments", ["attempt_id"], unique=True, postgresql_where=sa.text("live"))
    op.create_index(
        "ix_payment_attempts_wait_for_a_batch", "payment_attempts", ["currency", "attempt_id"],
        postgresql_where=sa.text("status = 'released' AND method = 'bank_file'"),
    )  # fmt: skip
    follow_transitions("payment_batches", TRANSITIONS)
    for table, rights in TABLES.items():
        _open(table, rights)


def downgrade() -> None:
    op.drop_index("ix_payment_attempts_wait_for_a_batch", "payment_attempts")
    op.execute("DROP TRIGGER payment_batches_status_follows ON payment_batches")
    op.execute("DELETE FROM status_transition WHERE aggregate = 'payment_batches'")
    for table in reversed(TABLES):
        op.drop_table(table)


def _open(table: str, rights: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", SCOPE_IS_KNOWN),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute(f"GRANT SELECT ON {table} TO reintegration_verify")
    op.execute(f"GRANT {rights} ON {table} TO reintegration_api")


def _of_a_batch() -> list[sa.Column[object]]:
    text, moment = sa.Text(), sa.DateTime(timezone=True)
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("own_account_id", sa.Uuid(), nullable=False),
        sa.Column("execution_on", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("sums", pg.JSONB(), nullable=False),
        sa.Column("file_sha256", text, nullable=False),
        sa.Column("made_by", text, nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("attempts", pg.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("status", text, nullable=False),
        sa.Column("approved_by", text, nullable=True),
        sa.Column("approved_at", moment, nullable=True),
        sa.Column("sent_by", text, nullable=True),
        sa.Column("sent_at", moment, nullable=True),
        sa.Column("drop_reason", text, nullable=True),
        sa.Column("drop_asked_by", text, nullable=True),
        sa.Column("drop_asked_at", moment, nullable=True),
        sa.Column("dropped_by", text, nullable=True),
        sa.Column("dropped_at", moment, nullable=True),
    ]
