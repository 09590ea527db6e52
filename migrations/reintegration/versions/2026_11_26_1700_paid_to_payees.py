"""Each attempt to pay names the payee, which of the accounts that a second person confirmed, and how it is paid."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql

revision = "reintegration_44"
down_revision = "reintegration_43"
branch_labels = None
depends_on = None

_TABLE = "payment_attempts"
_NEW = (("payee_id", sa.Uuid()), ("account_no", sa.Integer()), ("method", sa.Text()))
_WHOLE = "method IN ('bank_file', 'office_account', 'cash') AND num_nulls(payee_id, account_no, method) IN (0, 3)"


def upgrade() -> None:
    for name, kind in _NEW:
        op.add_column(_TABLE, sa.Column(name, kind, nullable=True))
    op.create_check_constraint(op.f(f"ck_{_TABLE}_payee_is_whole"), _TABLE, _WHOLE)
    op.create_foreign_key(
        op.f(f"fk_{_TABLE}_account_of_the_payee"), _TABLE, "payee_confirmations", ["payee_id", "account_no"],
        ["payee_id", "account_no"],
    )  # fmt: skip
    run_sql("attempts_2.sql")
    # Of a database that was taken back and brought here again the attempts keep whom they are paid to.
    op.execute(f"ALTER TABLE {_TABLE} DISABLE TRIGGER attempt_is_never_edited")
    for things, place in (("tranches", "number"), ("former_attempts", "tranche")):
        op.execute(
            f"UPDATE {_TABLE} p SET payee_id = t.payee_id, account_no = t.account_no, method = t.method FROM grants g, "
            f"jsonb_to_recordset(g.{things}) AS t({place} integer, attempt_no integer, payee_id uuid, account_no integer, method text) "
            f"WHERE g.id = p.grant_id AND t.{place} = p.tranche AND t.attempt_no = p.attempt_no AND EXISTS "
            "(SELECT FROM payee_confirmations c WHERE (c.payee_id, c.account_no) = (t.payee_id, t.account_no))"
        )
    op.execute(f"ALTER TABLE {_TABLE} ENABLE TRIGGER attempt_is_never_edited")


def downgrade() -> None:
    op.execute(f"DROP TRIGGER attempt_is_never_edited ON {_TABLE}")
    op.execute("DROP FUNCTION attempt_goes_on()")
    op.drop_constraint(op.f(f"fk_{_TABLE}_account_of_the_payee"), _TABLE, type_="foreignkey")
    op.drop_constraint(op.f(f"ck_{_TABLE}_payee_is_whole"), _TABLE)
    for name, _ in _NEW:
        op.drop_column(_TABLE, name)
    run_sql("attempts_1.sql")
    op.execute("REVOKE ALL ON FUNCTION attempt_goes_on() FROM PUBLIC")
    op.execute(
        f"CREATE TRIGGER attempt_is_never_edited BEFORE UPDATE ON {_TABLE} FOR EACH ROW EXECUTE FUNCTION attempt_goes_on()"
    )
