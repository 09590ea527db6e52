"""Whoever was paid before and is registered anew is called first; accounts are found again however they are written."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "reintegration_64"
down_revision = "reintegration_60"
branch_labels = None
depends_on = None

# A contact was confirmed with each account that somebody confirmed.
CONTACTS = """
UPDATE payees p SET contacts = known.contacts FROM (
    SELECT payee_id, jsonb_agg(jsonb_build_object(
        'account_no', account_no, 'payee_id', NULL,
        'since', to_char(confirmed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    ) ORDER BY account_no) AS contacts FROM payee_confirmations GROUP BY payee_id
) known WHERE known.payee_id = p.id
"""
# Whoever dropped a change had a part as well: all parts anew, in the order of the log, where there was such a drop.
PARTS = (
    ("payee.registered", "registered_by", 0), ("payee.confirmed", "confirmed_by", 0), ("payee.account_change_asked", "asked_by", 0),
    ("payee.call_back_confirmed", "confirmed_by", 0), ("payee.account_change_dropped", "dropped_by", 0),
    ("payee.shared_account_accepted", "accepted_by", 0), ("payee.hits_cleared", "asked_by", 0),
    ("payee.hits_cleared", "cleared_by", 1),
)  # fmt: skip
KINDS = [f"('avrr.reintegration.{kind}.v1', '{by}', {place})" for kind, by, place in PARTS]


def parts_again(kinds: str) -> str:
    """Who had a part in each payee, in the order of the log, as these facts say; where a change was dropped."""
    return f"""
UPDATE payees p SET handlers = found.handlers FROM (
    SELECT subject, array_agg(who ORDER BY first) AS handlers FROM (
        SELECT e.subject, convert_from(e.leaf, 'UTF8')::json -> 'data' ->> k.by AS who, min(e.aggver * 2 + k.place) AS first
        FROM (VALUES {kinds}) k(type, by, place) JOIN event_log e ON e.type = k.type GROUP BY 1, 2
    ) parts GROUP BY subject
) found WHERE found.subject = p.id AND EXISTS (
    SELECT FROM event_log e WHERE e.subject = p.id AND e.type = 'avrr.reintegration.payee.account_change_dropped.v1'
)
"""


def upgrade() -> None:
    op.add_column("payees", sa.Column("contacts", pg.JSONB(), server_default="[]", nullable=False))
    op.execute(CONTACTS)
    op.execute(parts_again(", ".join(KINDS)))
    op.drop_index("uq_payees_vendor_code", "payees")
    op.create_index(
        "uq_payees_vendor_code", "payees", ["country", sa.text("lower(vendor_code)")], unique=True,
        postgresql_where=sa.text("vendor_code IS NOT NULL AND status <> 'closed'"),
    )  # fmt: skip
    op.create_index(
        "uq_payees_person_currency", "payees", ["person_id", "currency"], unique=True,
        postgresql_where=sa.text("person_id IS NOT NULL AND status <> 'closed'"),
    )  # fmt: skip
    op.create_index("ix_payees_vendor", "payees", [sa.text("lower(vendor_code)"), "id"])
    for table in ("payee_accounts", "payee_confirmations"):
        op.add_column(table, sa.Column("anew", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_check_constraint(op.f("ck_payee_accounts_anew_is_the_first"), "payee_accounts", "NOT anew OR account_no = 1")
    op.create_unique_constraint("uq_payee_accounts_anew", "payee_accounts", ["payee_id", "account_no", "anew"])
    op.create_foreign_key(
        "fk_payee_confirmations_anew", "payee_confirmations", "payee_accounts", ["payee_id", "account_no", "anew"],
        ["payee_id", "account_no", "anew"],
    )  # fmt: skip
    op.create_check_constraint(
        op.f("ck_payee_confirmations_called_in_time"), "payee_confirmations", "called_at BETWEEN stated_at AND confirmed_at"
    )
    _held("(account_no = 1 AND NOT anew)")
    # Hashes of before say nothing of banks and are made anew with the next key; of an IBAN they are the same until then.
    for table in ("payee_tokens", "staff_accounts"):
        for column in ("bank", "bank_number"):
            op.add_column(table, sa.Column(column, sa.LargeBinary(), nullable=True))
    op.execute("UPDATE payee_tokens SET key = '0'")
    op.drop_constraint("pk_payee_tokens", "payee_tokens")
    op.create_primary_key("pk_payee_tokens", "payee_tokens", ["payee_id", "account_no", "token"])
    op.add_column("staff_accounts", sa.Column("account_no", sa.Integer(), autoincrement=False, nullable=True))
    op.execute(
        "UPDATE staff_accounts a SET account_no = n.account_no FROM (SELECT list_id, token, "
        "row_number() OVER (PARTITION BY list_id ORDER BY token) AS account_no FROM staff_accounts) n "
        "WHERE n.list_id = a.list_id AND n.token = a.token"
    )
    op.drop_constraint("pk_staff_accounts", "staff_accounts")
    op.create_primary_key("pk_staff_accounts", "staff_accounts", ["list_id", "account_no", "token"])
    op.create_index("ix_staff_accounts_list_id_token", "staff_accounts", ["list_id", "token"])
    op.execute("GRANT SELECT (account_no) ON staff_accounts TO reintegration_verify")
    # An account has as many hashes as spellings, so that all go and others come.
    op.execute("REVOKE UPDATE (token, key) ON payee_tokens FROM reintegration_api")


def downgrade() -> None:
    op.execute("GRANT UPDATE (token, key) ON payee_tokens TO reintegration_api")
    # One hash for an account again: any of them, for it is made anew with the next key.
    op.drop_index("ix_staff_accounts_list_id_token", "staff_accounts")
    for table in ("payee_tokens", "staff_accounts"):
        of = "payee_id" if table == "payee_tokens" else "list_id"
        op.execute(
            f"DELETE FROM {table} t USING {table} o WHERE o.{of} = t.{of} AND o.account_no = t.account_no AND o.token < t.token"
        )
        op.drop_constraint(f"pk_{table}", table)
        for column in ("bank", "bank_number"):
            op.drop_column(table, column)
    op.drop_column("staff_accounts", "account_no")
    op.execute("DELETE FROM staff_accounts a USING staff_accounts o WHERE o.list_id = a.list_id AND o.token = a.token AND o.ctid < a.ctid")
    op.create_primary_key("pk_staff_accounts", "staff_accounts", ["list_id", "token"])
    op.create_primary_key("pk_payee_tokens", "payee_tokens", ["payee_id", "account_no"])
    _held("account_no = 1")
    op.drop_constraint("ck_payee_confirmations_called_in_time", "payee_confirmations")
    op.drop_constraint("fk_payee_confirmations_anew", "payee_confirmations")
    op.drop_constraint("uq_payee_accounts_anew", "payee_accounts")
    op.drop_constraint("ck_payee_accounts_anew_is_the_first", "payee_accounts")
    for table in ("payee_accounts", "payee_confirmations"):
        op.drop_column(table, "anew")
    for index in ("ix_payees_vendor", "uq_payees_person_currency", "uq_payees_vendor_code"):
        op.drop_index(index, "payees")
    op.create_index(
        "uq_payees_vendor_code", "payees", ["vendor_code"], unique=True,
        postgresql_where=sa.text("vendor_code IS NOT NULL AND status <> 'closed'"),
    )  # fmt: skip
    op.drop_column("payees", "contacts")
    op.execute(parts_again(", ".join(kind for kind in KINDS if "dropped" not in kind)))


def _held(never: str) -> None:
    op.drop_constraint("ck_payee_confirmations_held_long_enough", "payee_confirmations")
    op.create_check_constraint(
        op.f("ck_payee_confirmations_held_long_enough"), "payee_confirmations",
        f"{never} OR (held_until >= stated_at + interval '48 hours') IS TRUE",
    )  # fmt: skip
