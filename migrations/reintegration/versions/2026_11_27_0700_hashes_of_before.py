"""What a line says of the payment that the bank names is kept beside what two persons find; hashes of former accounts go with a person."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN
from migrations.kernel_6 import goes_with_the_person, take_out

revision = "reintegration_119"
down_revision = "reintegration_126"
branch_labels = None
depends_on = None

_FORMER, _ATTEMPTS, _LINES = "former_payee_tokens", "payment_attempts", "bank_lines"
# As far as hashes of both are still there; of what two persons found since it is compared anew with the payment that the bank names.
_NAMED = (
    "UPDATE bank_lines l SET other_payee_named = CASE WHEN l.by_hand THEN CASE WHEN EXISTS (SELECT FROM bank_line_accounts s WHERE s.line_id = l.id) "
    "AND EXISTS (SELECT FROM attempt_accounts t WHERE t.attempt_id = l.attempt_id) THEN NOT EXISTS (SELECT FROM bank_line_accounts s "
    "JOIN attempt_accounts t ON s.token = t.token AND (s.bank = t.bank) IS NOT FALSE AND (s.bank_number = t.bank_number) IS NOT FALSE "
    "WHERE s.line_id = l.id AND t.attempt_id = l.attempt_id) WHEN l.of_attempt = l.attempt_id THEN l.other_payee END "
    "ELSE l.other_payee END WHERE l.attempt_id IS NOT NULL AND (l.by_hand OR l.other_payee IS NOT NULL)"
)


def upgrade() -> None:
    op.create_index(op.f(f"ix_{_LINES}_attempt_id"), _LINES, ["attempt_id"])
    op.create_index(
        f"ix_{_ATTEMPTS}_ended_amounts", _ATTEMPTS, ["amount", "currency"],
        postgresql_where=sa.text("status IN ('failed', 'reversed') AND method = 'bank_file'"),
    )  # fmt: skip
    op.add_column(_LINES, sa.Column("other_payee_named", sa.Boolean(), nullable=True))
    op.execute(_NAMED)
    op.execute("GRANT UPDATE (other_payee_named) ON bank_lines TO reintegration_api, reintegration_eraser")
    op.create_table(
        _FORMER,
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("account_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("payee_id", "account_no", "token", name=op.f(f"pk_{_FORMER}")),
    )
    op.create_index(op.f(f"ix_{_FORMER}_person_id"), _FORMER, ["person_id"])
    _open()
    goes_with_the_person("reintegration", _FORMER)
    op.execute(f"GRANT SELECT (token) ON {_FORMER} TO reintegration_eraser")
    run_sql("erasure_of_hashes_2.sql")


def downgrade() -> None:
    """Loses nothing that another row does not tell: former accounts stay sealed beside their payees, and are hashed anew."""
    # That a line went elsewhere than to the payment that the bank names nothing else says while it is of another one.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM bank_lines WHERE other_payee_named AND other_payee IS NOT TRUE) THEN "
        "RAISE EXCEPTION 'there are lines of the bank that went elsewhere than to the payment that they name'; END IF; END $$"
    )
    run_sql("erasure_of_hashes_0.sql")
    take_out("reintegration", _FORMER)
    op.drop_table(_FORMER)
    op.drop_column(_LINES, "other_payee_named")
    op.drop_index(f"ix_{_ATTEMPTS}_ended_amounts", _ATTEMPTS)
    op.drop_index(op.f(f"ix_{_LINES}_attempt_id"), _LINES)


def _open() -> None:
    op.execute(f"ALTER TABLE {_FORMER} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {_FORMER} FORCE ROW LEVEL SECURITY")
    for role, action, rows, checked in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", SCOPE_IS_KNOWN, SCOPE_IS_KNOWN),
    ):  # fmt: skip
        check = f" WITH CHECK ({checked})" if checked is not None else ""
        op.execute(f"CREATE POLICY reintegration_{role} ON {_FORMER} FOR {action} TO reintegration_{role} USING ({rows}){check}")
    # What a hash is of nobody who verifies needs to know.
    op.execute(f"GRANT SELECT (payee_id, account_no, person_id) ON {_FORMER} TO reintegration_verify")
    op.execute(f"GRANT SELECT, INSERT ON {_FORMER} TO reintegration_api")
