"""Who looks for accounts that others have, or for whom a list may mean, walks few payees; how far a batch is, is counted as it goes."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN

revision = "reintegration_110"
down_revision = "reintegration_109"
branch_labels = None
depends_on = None


_COUNTED = ("waiting", "paid", "failed", "returned")


def upgrade() -> None:
    _findings()
    _progress()


def _progress() -> None:
    op.create_table(
        "batch_progress",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in _COUNTED),
        sa.CheckConstraint("least(waiting, paid, failed, returned) >= 0", name=op.f("ck_batch_progress_counted")),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_batch_progress")),
    )
    op.execute("ALTER TABLE batch_progress ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE batch_progress FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", SCOPE_IS_KNOWN),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON batch_progress FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute("GRANT SELECT ON batch_progress TO reintegration_verify, reintegration_api")
    run_sql("batch_progress_1.sql")
    for function in ("count_what_was_put_in()", "count_how_it_went()"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute(
        "INSERT INTO batch_progress SELECT p.batch_id, count(*) FILTER (WHERE a.status = 'released'), "
        "count(*) FILTER (WHERE a.status = 'paid'), count(*) FILTER (WHERE a.status = 'failed'), "
        "count(*) FILTER (WHERE a.status = 'reversed') FROM batch_payments p JOIN payment_attempts a "
        "ON a.attempt_id = p.attempt_id GROUP BY p.batch_id"
    )
    op.execute(
        "CREATE TRIGGER counts_what_was_put_in AFTER INSERT ON batch_payments REFERENCING NEW TABLE AS entered "
        "FOR EACH STATEMENT EXECUTE FUNCTION count_what_was_put_in()"
    )
    op.execute(
        "CREATE TRIGGER counts_how_it_went AFTER UPDATE OF status ON payment_attempts FOR EACH ROW "
        "WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION count_how_it_went()"
    )


def _findings() -> None:
    op.add_column("payee_tokens", sa.Column("met", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(op.f("ix_staff_accounts_token"), "staff_accounts", ["token"])
    op.execute(
        "UPDATE payee_tokens t SET met = true WHERE EXISTS (SELECT FROM payee_tokens o WHERE o.token = t.token "
        "AND o.payee_id <> t.payee_id) OR EXISTS (SELECT FROM staff_accounts a WHERE a.token = t.token)"
    )
    op.create_index("ix_payee_tokens_met", "payee_tokens", ["payee_id"], postgresql_where=sa.text("met"))
    op.create_index("ix_payees_hits", "payees", ["id"], postgresql_where=sa.text("hits <> '[]' AND status <> 'closed'"))
    run_sql("hashes_met_1.sql")
    op.execute("REVOKE ALL ON FUNCTION note_hashes_met() FROM PUBLIC")
    for table in ("payee_tokens", "staff_accounts"):
        op.execute(
            f"CREATE TRIGGER notes_hashes_met AFTER INSERT ON {table} REFERENCING NEW TABLE AS entered "
            "FOR EACH STATEMENT EXECUTE FUNCTION note_hashes_met()"
        )


def downgrade() -> None:
    op.execute("DROP TRIGGER counts_how_it_went ON payment_attempts")
    op.execute("DROP TRIGGER counts_what_was_put_in ON batch_payments")
    for function in ("count_what_was_put_in()", "count_how_it_went()"):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_table("batch_progress")
    for table in ("payee_tokens", "staff_accounts"):
        op.execute(f"DROP TRIGGER notes_hashes_met ON {table}")
    op.execute("DROP FUNCTION note_hashes_met()")
    op.drop_index("ix_payees_hits", table_name="payees")
    op.drop_index("ix_payee_tokens_met", table_name="payee_tokens")
    op.drop_index(op.f("ix_staff_accounts_token"), table_name="staff_accounts")
    op.drop_column("payee_tokens", "met")
