"""That payees share an account is found right of that account alone, and of no later one of theirs."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "reintegration_131"
down_revision = "reintegration_124"
branch_labels = None
depends_on = None

_TABLE: Final = "payee_shares"
_KEY: Final = "pk_payee_shares"
_KEPT: Final = "stated_by, accepted_by, accepted_at, reason"
# The accounts that both had when that was found, as far as they still have them: of any other nobody needs it, and nobody has it.
_OF_WHICH: Final = (
    f"INSERT INTO payee_shares (payee_id, account_no, other_id, other_no, {_KEPT}, of_before) "
    "SELECT DISTINCT s.payee_id, t.account_no, s.other_id, o.account_no, s.stated_by, s.accepted_by, s.accepted_at, s.reason, true "
    "FROM payee_shares s JOIN payee_tokens t ON t.payee_id = s.payee_id JOIN payee_tokens o ON o.payee_id = s.other_id AND o.token = t.token "
    "AND (o.bank = t.bank) IS NOT FALSE AND (o.bank_number = t.bank_number) IS NOT FALSE "
    "JOIN payee_accounts ours ON (ours.payee_id, ours.account_no) = (t.payee_id, t.account_no) AND ours.stated_at <= s.accepted_at "
    "JOIN payee_accounts theirs ON (theirs.payee_id, theirs.account_no) = (o.payee_id, o.account_no) AND theirs.stated_at <= s.accepted_at "
    "WHERE s.account_no IS NULL"
)
_AS_THE_LOG_SAYS: Final = (
    f"INSERT INTO payee_shares (payee_id, other_id, {_KEPT}) SELECT DISTINCT ON (e.subject, w.other_id) e.subject, cast(w.other_id AS uuid), "
    "d.said ->> 'stated_by', d.said ->> 'accepted_by', cast(d.said ->> 'accepted_at' AS timestamptz), d.said ->> 'reason' FROM event_log e "
    "CROSS JOIN LATERAL (SELECT cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' AS said) d "
    "CROSS JOIN LATERAL jsonb_array_elements_text(d.said -> 'with_ids') w(other_id) "
    "WHERE e.type = 'avrr.reintegration.payee.shared_account_accepted.v1' ORDER BY e.subject, w.other_id, e.idx"
)


def upgrade() -> None:
    op.drop_constraint(op.f(_KEY), _TABLE, type_="primary")
    for name in ("account_no", "other_no"):
        op.add_column(_TABLE, sa.Column(name, sa.Integer(), nullable=True))
    op.add_column(_TABLE, sa.Column("of_before", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(_OF_WHICH)
    op.execute("DELETE FROM payee_shares WHERE account_no IS NULL")
    op.create_primary_key(op.f(_KEY), _TABLE, ["payee_id", "account_no", "other_id", "other_no"])


def downgrade() -> None:
    """Nothing is lost: what was found right is read out of the log again."""
    op.drop_constraint(op.f(_KEY), _TABLE, type_="primary")
    op.execute("DELETE FROM payee_shares")
    for name in ("of_before", "other_no", "account_no"):
        op.drop_column(_TABLE, name)
    op.execute(_AS_THE_LOG_SAYS)
    op.create_primary_key(op.f(_KEY), _TABLE, ["payee_id", "other_id"])
