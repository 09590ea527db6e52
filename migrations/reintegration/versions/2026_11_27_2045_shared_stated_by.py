"""Whoever stated one of two accounts does not find it right themselves that these are the same one, from whichever side."""

from typing import Final

from alembic import op

from migrations.kernel_1 import run_sql
from migrations.online import fill, hold

revision = "reintegration_137"
down_revision = "reintegration_135"
branch_labels = None
depends_on = None

_TABLE: Final = "payee_shares"
_TRIGGER: Final = "notes_who_stated_the_other"
_RULE: Final = "ck_payee_shares_not_by_who_stated_the_other"
_KEY: Final = "payee_id, account_no, other_id, other_no"
_FILL: Final = (
    f"UPDATE {_TABLE} s SET other_stated_by = f.stated_by FROM (SELECT n.payee_id, n.account_no, n.other_id, n.other_no, a.stated_by "
    f"FROM {_TABLE} n JOIN payee_accounts a ON (a.payee_id, a.account_no) = (n.other_id, n.other_no) WHERE n.other_stated_by IS NULL LIMIT 1000) f "
    "WHERE (s.payee_id, s.account_no, s.other_id, s.other_no) = (f.payee_id, f.account_no, f.other_id, f.other_no)"
)
# What they found right stays in the log and counts no more: somebody who stated neither account is asked.
_COUNTS_NO_MORE: Final = f"DELETE FROM {_TABLE} WHERE accepted_by = other_stated_by"
_AS_THE_LOG_SAYS: Final = (
    f"INSERT INTO {_TABLE} ({_KEY}, stated_by, accepted_by, accepted_at, reason) SELECT e.subject, a.account_no, a.other_id, a.other_no, "
    "d.said ->> 'stated_by', d.said ->> 'accepted_by', cast(d.said ->> 'accepted_at' AS timestamptz), d.said ->> 'reason' FROM event_log e "
    "CROSS JOIN LATERAL (SELECT cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' AS said) d "
    "CROSS JOIN LATERAL jsonb_to_recordset(d.said -> 'accounts') AS a(account_no integer, other_id uuid, other_no integer) "
    "WHERE e.type = 'avrr.reintegration.payee.shared_account_accepted.v1' ORDER BY e.idx ON CONFLICT DO NOTHING"
)
# What was found before events said of which accounts: of those that both had then, as far as they still have them. Of any other
# nobody needs it.
_AS_BEFORE: Final = (
    f"INSERT INTO {_TABLE} ({_KEY}, stated_by, accepted_by, accepted_at, reason, of_before) SELECT e.subject, t.account_no, o.payee_id, "
    "o.account_no, d.said ->> 'stated_by', d.said ->> 'accepted_by', found.accepted_at, d.said ->> 'reason', true FROM event_log e "
    "CROSS JOIN LATERAL (SELECT cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' AS said) d "
    "CROSS JOIN LATERAL (SELECT cast(d.said ->> 'accepted_at' AS timestamptz) AS accepted_at) found "
    "CROSS JOIN LATERAL jsonb_array_elements_text(d.said -> 'with_ids') w(other_id) "
    "JOIN payee_tokens t ON t.payee_id = e.subject JOIN payee_tokens o ON o.payee_id = cast(w.other_id AS uuid) AND o.token = t.token "
    "AND (o.bank = t.bank) IS NOT FALSE AND (o.bank_number = t.bank_number) IS NOT FALSE "
    "JOIN payee_accounts mine ON (mine.payee_id, mine.account_no) = (t.payee_id, t.account_no) AND mine.stated_at <= found.accepted_at "
    "JOIN payee_accounts theirs ON (theirs.payee_id, theirs.account_no) = (o.payee_id, o.account_no) AND theirs.stated_at <= found.accepted_at "
    "WHERE e.type = 'avrr.reintegration.payee.shared_account_accepted.v1' AND (NOT d.said ? 'accounts' OR d.said -> 'accounts' = '[]') "
    "ORDER BY e.idx ON CONFLICT DO NOTHING"
)


def upgrade() -> None:
    # Whatever breaks off is begun anew, so each step may find itself done.
    op.execute(f"ALTER TABLE {_TABLE} ADD COLUMN IF NOT EXISTS other_stated_by text")
    run_sql("shared_stated_by_1.sql")
    op.execute("REVOKE ALL ON FUNCTION note_who_stated_the_other() FROM PUBLIC")
    op.execute(
        f"CREATE OR REPLACE TRIGGER {_TRIGGER} BEFORE INSERT ON {_TABLE} FOR EACH ROW EXECUTE FUNCTION note_who_stated_the_other()"
    )
    fill(_FILL)
    op.execute(_COUNTS_NO_MORE)
    hold(_TABLE, _RULE, "CHECK ((accepted_by <> other_stated_by) IS TRUE)")


def downgrade() -> None:
    """Nothing is lost: who stated an account stands with it, and what counted before is read out of the log again.

    Where its event does not say of which accounts, it counts for those that both had then and still have: of others nobody needs it.
    """
    op.execute(f"DROP TRIGGER {_TRIGGER} ON {_TABLE}")
    op.execute("DROP FUNCTION note_who_stated_the_other()")
    op.drop_constraint(op.f(_RULE), _TABLE)
    op.drop_column(_TABLE, "other_stated_by")
    op.execute(_AS_THE_LOG_SAYS)
    op.execute(_AS_BEFORE)
