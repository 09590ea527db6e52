"""Accounts are found again by keyed hashes: those that payees share, and those of staff."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, of_the_actor
from migrations.kernel_6 import goes_with_the_person, take_out

revision = "reintegration_40"
down_revision = "reintegration_39"
branch_labels = None
depends_on = None

TABLES = {
    "payee_tokens": "SELECT, INSERT, DELETE, UPDATE (token, key)", "payee_shares": "SELECT, INSERT",
    "staff_lists": "SELECT, INSERT, UPDATE (id)", "staff_accounts": "SELECT, INSERT",
}  # fmt: skip
# What a hash is of nobody who verifies needs to know.
SEEN = {"payee_tokens": " (payee_id, account_no, person_id)", "staff_accounts": " (list_id)"}


def upgrade() -> None:
    op.add_column("payees", sa.Column("shares", pg.ARRAY(sa.Uuid()), server_default="{}", nullable=False))
    op.create_table(
        "payee_tokens",
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("account_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("payee_id", "account_no", name=op.f("pk_payee_tokens")),
    )
    for columns in (["token", "payee_id"], ["key", "payee_id"], ["person_id"]):
        op.create_index(op.f(f"ix_payee_tokens_{'_'.join(columns)}"), "payee_tokens", columns)
    op.create_table(
        "payee_shares",
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("stated_by", sa.Text(), nullable=False),
        sa.Column("accepted_by", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("stated_by <> accepted_by", name=op.f("ck_payee_shares_two_persons")),
        sa.CheckConstraint("payee_id <> other_id", name=op.f("ck_payee_shares_two_payees")),
        sa.PrimaryKeyConstraint("payee_id", "other_id", name=op.f("pk_payee_shares")),
    )
    op.create_index(op.f("ix_payee_shares_other_id"), "payee_shares", ["other_id"])
    op.create_table(
        "staff_lists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("list_version", sa.Text(), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("accounts > 0", name=op.f("ck_staff_lists_holds_some")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_lists")),
    )
    op.create_index(op.f("ix_staff_lists_uploaded_at_id"), "staff_lists", ["uploaded_at", "id"])
    op.create_table(
        "staff_accounts",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("list_id", "token", name=op.f("pk_staff_accounts")),
    )
    for table, rights in TABLES.items():
        _open(table, rights)
    goes_with_the_person("reintegration", "payee_tokens")


def downgrade() -> None:
    take_out("reintegration", "payee_tokens")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("payees", "shares")


def _open(table: str, rights: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    written = f"{SCOPE_IS_KNOWN} AND {of_the_actor('accepted_by')}" if table == "payee_shares" else SCOPE_IS_KNOWN
    for role, action, rows, checked in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", SCOPE_IS_KNOWN, written),
    ):  # fmt: skip
        check = f" WITH CHECK ({checked})" if checked is not None else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute(f"GRANT SELECT{SEEN.get(table, '')} ON {table} TO reintegration_verify")
    op.execute(f"GRANT {rights} ON {table} TO reintegration_api")
