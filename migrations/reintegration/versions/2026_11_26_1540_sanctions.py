"""Lists of sanctions, whom of the payees they may mean, and that two persons clear that; the worker screens."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, of_the_actor

revision = "reintegration_42"
down_revision = "reintegration_41"
branch_labels = None
depends_on = None

TABLES = {
    "sanctions_lists": "SELECT, INSERT, UPDATE (id)", "sanctions_entries": "SELECT, INSERT", "payee_clearances": "SELECT, INSERT",
}  # fmt: skip
BLOCKED_FROM = ("registered", "active", "on_hold")
# What whoever screens by the clock opens: the name of a payee, under the key that it is sealed with.
OPENED = {
    "payee_details": "payee_id, account_no, person_id, account", "person_keys": "person_id, about, epoch, wrapped, keep_until",
}  # fmt: skip
BEFORE = {"payee_details": "payee_id, person_id", "person_keys": "person_id, about, keep_until"}


def upgrade() -> None:
    for name, kind in (("screened_no", sa.Integer()), ("screened_at", sa.DateTime(timezone=True))):
        op.add_column("payees", sa.Column(name, kind, nullable=True))
    op.add_column("payees", sa.Column("screened_lists", pg.ARRAY(sa.Uuid()), server_default="{}", nullable=False))
    for name in ("hits", "cleared"):
        op.add_column("payees", sa.Column(name, pg.JSONB(), server_default="[]", nullable=False))
    for name in ("clearing_reason", "clearing_asked_by", "cleared_by"):
        op.add_column("payees", sa.Column(name, sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_payees_cleared_by_two_persons"), "payees", "clearing_asked_by <> cleared_by")
    op.create_check_constraint(
        op.f("ck_payees_clearing_is_whole"), "payees", "(clearing_asked_by IS NULL) = (clearing_reason IS NULL)"
    )
    for before in BLOCKED_FROM:
        op.execute(f"INSERT INTO status_transition VALUES ('payees', '{before}', 'blocked')")
    op.create_table(
        "sanctions_lists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("list_name", sa.Text(), nullable=False),
        sa.Column("list_version", sa.Text(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("entries > 0", name=op.f("ck_sanctions_lists_holds_some")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sanctions_lists")),
    )
    op.create_index(
        op.f("ix_sanctions_lists_list_name_uploaded_at_id"), "sanctions_lists", ["list_name", "uploaded_at", "id"]
    )
    op.create_table(
        "sanctions_entries",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("born", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("list_id", "entry_id", name=op.f("pk_sanctions_entries")),
    )
    op.create_table(
        "payee_clearances",
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("cleared_by", sa.Text(), nullable=False),
        sa.CheckConstraint("asked_by <> cleared_by", name=op.f("ck_payee_clearances_two_persons")),
        sa.PrimaryKeyConstraint("payee_id", "list_id", "entry_id", "cleared_at", name=op.f("pk_payee_clearances")),
    )
    for table, rights in TABLES.items():
        _open(table, rights)
    op.execute("GRANT SELECT ON sanctions_lists, sanctions_entries TO reintegration_worker")
    _screened_by_the_worker("ALL")
    op.execute("GRANT SELECT, UPDATE ON payees TO reintegration_worker")
    for table, columns in OPENED.items():
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO reintegration_worker")


def downgrade() -> None:
    for table, columns in BEFORE.items():
        op.execute(f"REVOKE SELECT ON {table} FROM reintegration_worker")
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO reintegration_worker")
    op.execute("REVOKE SELECT, UPDATE ON payees FROM reintegration_worker")
    _screened_by_the_worker("SELECT")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DELETE FROM status_transition WHERE aggregate = 'payees' AND to_status = 'blocked'")
    for name in ("clearing_is_whole", "cleared_by_two_persons"):
        op.drop_constraint(op.f(f"ck_payees_{name}"), "payees")
    for name in (
        "cleared_by", "clearing_asked_by", "clearing_reason", "cleared", "hits", "screened_lists", "screened_at", "screened_no",
    ):  # fmt: skip
        op.drop_column("payees", name)


def _screened_by_the_worker(action: str) -> None:
    check = f" WITH CHECK ({EVERY_ROW})" if action == "ALL" else ""
    op.execute("DROP POLICY reintegration_worker ON payees")
    op.execute(
        f"CREATE POLICY reintegration_worker ON payees FOR {action} TO reintegration_worker USING ({EVERY_ROW}){check}"
    )


def _open(table: str, rights: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    written = f"{SCOPE_IS_KNOWN} AND {of_the_actor('cleared_by')}" if table == "payee_clearances" else SCOPE_IS_KNOWN
    for role, action, rows, checked in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", SCOPE_IS_KNOWN, written),
    ):  # fmt: skip
        check = f" WITH CHECK ({checked})" if checked is not None else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute(f"GRANT SELECT ON {table} TO reintegration_verify")
    op.execute(f"GRANT {rights} ON {table} TO reintegration_api")
