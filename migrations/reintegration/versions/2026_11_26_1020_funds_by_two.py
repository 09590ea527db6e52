"""Funds by two persons: what they pay for, what was asked and confirmed, and balances whose grant the API cannot write."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import follow_transitions, run_sql
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN

revision = "reintegration_20"
down_revision = "reintegration_19"
branch_labels = None
depends_on = None

TABLES = ("fund_changes", "fund_confirmations")
TERMS = ["fund_id", "change_no", "what", "granted", "currency", "valid_until", "asked_by"]


def upgrade() -> None:
    op.add_column("cases", sa.Column("programme", sa.Text(), nullable=True))
    for name in ("countries", "grant_categories", "programmes"):
        op.add_column("funds", sa.Column(name, pg.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column("funds", sa.Column("status", sa.Text(), server_default="open", nullable=False))
    for name in ("change_no", "confirmed_no"):
        op.add_column("funds", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    op.add_column("funds", sa.Column("waiting", pg.JSONB(), nullable=True))
    for name in ("asked_by", "confirmed_by"):
        op.add_column("funds", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("funds", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_funds_beginning"), "funds", "version > 1 OR status IN ('asked', 'open')")
    op.create_check_constraint(op.f("ck_funds_two_persons"), "funds", "asked_by <> confirmed_by")
    op.create_check_constraint(
        op.f("ck_funds_confirmation_is_whole"), "funds",
        "(confirmed_no = 0) = (confirmed_by IS NULL) AND (confirmed_by IS NULL) = (asked_by IS NULL) "
        "AND (confirmed_by IS NULL) = (confirmed_at IS NULL) AND confirmed_no <= change_no",
    )
    follow_transitions("funds", {"asked": ("dropped", "open"), "open": ("closed",)})
    op.create_table(
        "fund_changes",
        *_of_a_change(),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "what IN ('open', 'change', 'close') AND (what = 'open') = (change_no = 1 AND reason IS NULL)",
            name=op.f("ck_fund_changes_what_is_asked"),
        ),
        sa.CheckConstraint("granted > 0", name=op.f("ck_fund_changes_granted_above_zero")),
        sa.PrimaryKeyConstraint("fund_id", "change_no", name=op.f("pk_fund_changes")),
        sa.UniqueConstraint(*TERMS, name="uq_fund_changes_terms"),
    )
    op.create_table(
        "fund_confirmations",
        *_of_a_change(),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("asked_by <> confirmed_by", name=op.f("ck_fund_confirmations_two_persons")),
        sa.ForeignKeyConstraint(TERMS, [f"fund_changes.{name}" for name in TERMS], name="fk_fund_confirmations_what_was_asked"),
        sa.PrimaryKeyConstraint("fund_id", "change_no", name=op.f("pk_fund_confirmations")),
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for role, action, rows in (
            ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW),
            ("api", "ALL", SCOPE_IS_KNOWN),
        ):  # fmt: skip
            check = f" WITH CHECK ({rows})" if action == "ALL" else ""
            op.execute(
                f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({rows}){check}"
            )
        op.execute(f"GRANT SELECT ON {table} TO reintegration_verify")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO reintegration_api")
    op.add_column("fund_balances", sa.Column("closed", sa.Boolean(), server_default="false", nullable=False))
    op.create_check_constraint(
        op.f("ck_fund_balances_closed_holds_nothing_back"), "fund_balances", "NOT closed OR committed = 0"
    )
    op.execute("REVOKE INSERT, UPDATE ON fund_balances FROM reintegration_api")
    op.execute("GRANT UPDATE (committed, spent) ON fund_balances TO reintegration_api")
    run_sql("fund_terms_1.sql")
    op.execute("REVOKE ALL ON FUNCTION set_fund_terms() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER sets_fund_terms AFTER INSERT ON fund_confirmations FOR EACH ROW EXECUTE FUNCTION set_fund_terms()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER sets_fund_terms ON fund_confirmations")
    op.execute("DROP FUNCTION set_fund_terms()")
    op.execute("REVOKE UPDATE (committed, spent) ON fund_balances FROM reintegration_api")
    op.execute("GRANT INSERT, UPDATE ON fund_balances TO reintegration_api")
    op.drop_column("fund_balances", "closed")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP TRIGGER funds_status_follows ON funds")
    op.execute("DELETE FROM status_transition WHERE aggregate = 'funds'")
    op.execute("DELETE FROM funds WHERE status IN ('asked', 'dropped')")
    for constraint in ("confirmation_is_whole", "two_persons", "beginning"):
        op.drop_constraint(op.f(f"ck_funds_{constraint}"), "funds")
    for name in (
        "confirmed_at", "confirmed_by", "asked_by", "waiting", "confirmed_no", "change_no", "status", "programmes",
        "grant_categories", "countries",
    ):  # fmt: skip
        op.drop_column("funds", name)
    op.drop_column("cases", "programme")


def _of_a_change() -> list[sa.Column[object]]:
    return [
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("change_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("granted", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
    ]
