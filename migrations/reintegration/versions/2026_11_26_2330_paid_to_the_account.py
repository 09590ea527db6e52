"""A debit is held against the account that its attempt was released to, by keyed hashes, and against the block that the bank names."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN

revision = "reintegration_101"
down_revision = "reintegration_111"
branch_labels = None
depends_on = None

_TABLES = {"attempt_accounts": "attempt_id", "bank_line_accounts": "line_id"}
_FOUND = (
    "UPDATE bank_lines l SET by_hand = true FROM bank_line_acts a WHERE a.id = l.id AND a.status IN ('matched', 'undo_asked', 'match_kept')"
)
# Those that are under way; which account another one was released to cannot be found again from hashes of what is paid to now.
_RELEASED = (
    "INSERT INTO attempt_accounts (attempt_id, token, bank, bank_number, key) SELECT a.attempt_id, t.token, t.bank, t.bank_number, t.key "
    "FROM payment_attempts a JOIN payee_tokens t ON (t.payee_id, t.account_no) = (a.payee_id, a.account_no) "
    "WHERE a.status = 'released' AND a.attempt_id IS NOT NULL"
)


def upgrade() -> None:
    op.add_column("bank_lines", sa.Column("block", sa.Text(), nullable=True))
    op.add_column("bank_lines", sa.Column("by_hand", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("bank_lines", sa.Column("other_payee", sa.Boolean(), nullable=True))
    op.execute("GRANT UPDATE (by_hand, other_payee) ON bank_lines TO reintegration_api")
    for table, of in _TABLES.items():
        op.create_table(
            table,
            sa.Column(of, sa.Uuid(), nullable=False),
            sa.Column("token", sa.LargeBinary(), nullable=False),
            sa.Column("bank", sa.LargeBinary(), nullable=True),
            sa.Column("bank_number", sa.LargeBinary(), nullable=True),
            sa.Column("key", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint(of, "token", name=op.f(f"pk_{table}")),
        )
        _open(table, of)
    op.execute(_FOUND)
    op.execute(_RELEASED)


def downgrade() -> None:
    # Lines with a block are hashed with it, and that money went to another account nothing else would say.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM bank_lines WHERE block IS NOT NULL OR other_payee) THEN "
        "RAISE EXCEPTION 'there are lines of the bank that say by which block or to which account'; END IF; END $$"
    )
    for table in reversed(_TABLES):
        op.drop_table(table)
    for name in ("other_payee", "by_hand", "block"):
        op.drop_column("bank_lines", name)


def _open(table: str, of: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role, action, rows, checked in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", SCOPE_IS_KNOWN, SCOPE_IS_KNOWN),
    ):  # fmt: skip
        check = f" WITH CHECK ({checked})" if checked is not None else ""
        op.execute(f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({rows}){check}")
    # What a hash is of nobody who verifies needs to know, and the worker compares none.
    op.execute(f"GRANT SELECT ({of}) ON {table} TO reintegration_verify")
    op.execute(f"GRANT SELECT, INSERT ON {table} TO reintegration_api")
