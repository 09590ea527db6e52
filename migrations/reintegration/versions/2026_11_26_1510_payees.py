"""Payees: who is paid, to accounts that one states and another confirms, sealed under a key of the person or of the payee."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import follow_transitions
from migrations.kernel_2 import EVERY_ROW, in_countries, of_the_actor
from migrations.kernel_6 import (
    goes_with_the_person,
    stays_without_the_person,
    take_out,
    take_out_what_stays,
)

revision = "reintegration_38"
down_revision = "reintegration_37"
branch_labels = None
depends_on = None

TABLES = {
    "payee_accounts": "SELECT, INSERT", "payee_confirmations": "SELECT, INSERT", "payee_details": "SELECT, INSERT",
    "payees": "SELECT, INSERT, UPDATE",
}  # fmt: skip
# The column that says by whom a row is written: the API writes none in another's name.
WRITTEN_BY = {"payee_accounts": "stated_by", "payee_confirmations": "confirmed_by"}
STATED = ["payee_id", "account_no", "stated_by", "stated_at"]
BY_WHOM = ["payee_id", "account_no", "stated_by", "confirmed_by"]
TRANSITIONS = {"registered": ("active", "closed"), "active": ("closed", "on_hold"), "on_hold": ("active", "closed")}


def upgrade() -> None:
    op.create_table(
        "payee_accounts",
        *_of_an_account(),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(account_no = 1) = (reason IS NULL)", name=op.f("ck_payee_accounts_changed_for_a_reason")),
        sa.PrimaryKeyConstraint("payee_id", "account_no", name=op.f("pk_payee_accounts")),
        sa.UniqueConstraint(*STATED, name="uq_payee_accounts_stated"),
    )
    op.create_table(
        "payee_confirmations",
        *_of_an_account(),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("stated_by <> confirmed_by", name=op.f("ck_payee_confirmations_two_persons")),
        sa.CheckConstraint(
            "account_no = 1 OR (called_at BETWEEN stated_at AND confirmed_at) IS TRUE",
            name=op.f("ck_payee_confirmations_called_after_the_change"),
        ),
        sa.CheckConstraint(
            "account_no = 1 OR (held_until >= stated_at + interval '48 hours') IS TRUE",
            name=op.f("ck_payee_confirmations_held_long_enough"),
        ),
        sa.ForeignKeyConstraint(
            STATED, [f"payee_accounts.{name}" for name in STATED], name="fk_payee_confirmations_what_was_stated"
        ),
        sa.PrimaryKeyConstraint("payee_id", "account_no", name=op.f("pk_payee_confirmations")),
        sa.UniqueConstraint(*BY_WHOM, name="uq_payee_confirmations_by_whom"),
    )
    op.create_table(
        "payee_details",
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("account_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("payee_id", "account_no", name=op.f("pk_payee_details")),
    )
    op.create_index(op.f("ix_payee_details_person_id"), "payee_details", ["person_id"])
    op.create_table(
        "payees",
        *_of_a_payee(),
        sa.CheckConstraint("version > 1 OR status IN ('registered')", name=op.f("ck_payees_beginning")),
        sa.CheckConstraint(
            "CASE kind WHEN 'returnee' THEN case_id IS NOT NULL AND person_id IS NOT NULL AND vendor_code IS NULL "
            "WHEN 'vendor' THEN case_id IS NULL AND person_id IS NULL AND vendor_code IS NOT NULL "
            "WHEN 'office' THEN case_id IS NULL AND person_id IS NULL AND vendor_code IS NULL ELSE false END",
            name=op.f("ck_payees_named_by_its_kind"),
        ),
        sa.CheckConstraint("stated_by <> confirmed_by", name=op.f("ck_payees_two_persons")),
        sa.CheckConstraint(
            "(confirmed_no IS NULL) = (confirmed_by IS NULL) AND (confirmed_no IS NULL) = (stated_by IS NULL) "
            "AND (confirmed_no IS NULL) = (confirmed_at IS NULL) AND confirmed_no <= stated_no",
            name=op.f("ck_payees_confirmation_is_whole"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('active', 'on_hold') OR confirmed_no IS NOT NULL", name=op.f("ck_payees_paid_once_confirmed")
        ),
        sa.CheckConstraint(
            "(status = 'on_hold') = (change IS NOT NULL)", name=op.f("ck_payees_on_hold_while_a_change_waits")
        ),
        sa.ForeignKeyConstraint(
            ["id", "confirmed_no", "stated_by", "confirmed_by"], [f"payee_confirmations.{name}" for name in BY_WHOM],
            name="fk_payees_confirmed_by_another", deferrable=True, initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payees")),
    )  # fmt: skip
    op.create_index(
        "uq_payees_vendor_code", "payees", ["vendor_code"], unique=True,
        postgresql_where=sa.text("vendor_code IS NOT NULL AND status <> 'closed'"),
    )  # fmt: skip
    for columns in (["country", "id"], ["status", "id"], ["person_id"]):
        op.create_index(op.f(f"ix_payees_{'_'.join(columns)}"), "payees", columns)
    follow_transitions("payees", TRANSITIONS)
    for table, rights in TABLES.items():
        _open(table, rights)
    # Who erases says how much there was; what it opens, it cannot read.
    op.execute("GRANT SELECT (payee_id, person_id) ON payee_details TO reintegration_worker")
    goes_with_the_person("reintegration", "payee_details")
    stays_without_the_person("payees")


def downgrade() -> None:
    take_out_what_stays("payees")
    take_out("reintegration", "payee_details")
    op.execute("DELETE FROM person_keys WHERE about IN (SELECT id FROM payees)")
    op.execute("DROP TRIGGER payees_status_follows ON payees")
    op.execute("DELETE FROM status_transition WHERE aggregate = 'payees'")
    for table in reversed(TABLES):
        op.drop_table(table)


def _open(table: str, rights: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    within = in_countries("country")
    written = f"{within} AND {of_the_actor(WRITTEN_BY[table])}" if table in WRITTEN_BY else within
    for role, action, rows, checked in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", within, written),
    ):  # fmt: skip
        check = f" WITH CHECK ({checked})" if checked is not None else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    # Who verifies opens nothing, so it has no need to read what is sealed.
    columns = " (payee_id, account_no, country, person_id)" if table == "payee_details" else ""
    op.execute(f"GRANT SELECT{columns} ON {table} TO reintegration_verify")
    op.execute(f"GRANT {rights} ON {table} TO reintegration_api")


def _of_an_account() -> list[sa.Column[object]]:
    return [
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("account_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("stated_by", sa.Text(), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
    ]


def _of_a_payee() -> list[sa.Column[object]]:
    text, moment = sa.Text(), sa.DateTime(timezone=True)
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("country", text, nullable=False),
        sa.Column("currency", text, nullable=False),
        sa.Column("registered_by", text, nullable=False),
        sa.Column("registered_at", moment, nullable=False),
        sa.Column("handlers", pg.ARRAY(text), nullable=False),
        sa.Column("status", text, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("vendor_code", text, nullable=True),
        sa.Column("stated_no", sa.Integer(), nullable=False),
        sa.Column("confirmed_no", sa.Integer(), nullable=True),
        sa.Column("stated_by", text, nullable=True),
        sa.Column("confirmed_by", text, nullable=True),
        sa.Column("confirmed_at", moment, nullable=True),
        sa.Column("held_until", moment, nullable=True),
        sa.Column("change", pg.JSONB(), nullable=True),
        sa.Column("closing_reason", text, nullable=True),
    ]
