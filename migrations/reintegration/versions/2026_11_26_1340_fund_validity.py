"""The days on which a fund may be used stand beside its balance, and no commitment is posted on another."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql

revision = "reintegration_33"
down_revision = "reintegration_32"
branch_labels = None
depends_on = None

_DAYS = ("valid_from", "valid_until")


def upgrade() -> None:
    for day in _DAYS:
        op.add_column("fund_balances", sa.Column(day, sa.Date(), nullable=True))
    op.execute(
        "UPDATE fund_balances b SET valid_from = f.valid_from, valid_until = f.valid_until FROM funds f WHERE f.id = b.fund_id"
    )
    for day in _DAYS:
        op.alter_column("fund_balances", day, nullable=False)
    _terms_by("fund_validity_1.sql")
    op.execute("REVOKE ALL ON FUNCTION commit_while_the_fund_is_valid() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER while_the_fund_is_valid BEFORE INSERT ON fund_postings FOR EACH ROW WHEN (NEW.kind = 'commit') "
        "EXECUTE FUNCTION commit_while_the_fund_is_valid()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER while_the_fund_is_valid ON fund_postings")
    op.execute("DROP FUNCTION commit_while_the_fund_is_valid()")
    _terms_by("fund_terms_1.sql")
    for day in _DAYS:
        op.drop_column("fund_balances", day)


def _terms_by(file: str) -> None:
    """The trigger of confirmations as this file says it."""
    op.execute("DROP TRIGGER sets_fund_terms ON fund_confirmations")
    op.execute("DROP FUNCTION set_fund_terms()")
    run_sql(file)
    op.execute("REVOKE ALL ON FUNCTION set_fund_terms() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER sets_fund_terms AFTER INSERT ON fund_confirmations FOR EACH ROW EXECUTE FUNCTION set_fund_terms()"
    )
