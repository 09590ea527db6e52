"""What stood against a payment that was made is concealed beside the log, and in no row of its own any more."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "reintegration_97"
down_revision = "reintegration_71"
branch_labels = None
depends_on = None

_TABLE = "paid_although"
_CHECK = "ck_paid_although_something_stood_against_it"
_CODES = (
    "'grant_suspended', 'recovery_open', 'payee_closed', 'payee_blocked', 'payee_erased', 'screening_hit', 'account_of_staff', "
    "'payee_not_confirmed', 'payee_on_hold', 'not_screened', 'account_shared', 'account_changed'"
)


def upgrade() -> None:
    op.drop_constraint(op.f(_CHECK), _TABLE, type_="check")
    op.drop_column(_TABLE, "stood_against")


def downgrade() -> None:
    op.add_column(_TABLE, sa.Column("stood_against", pg.ARRAY(sa.Text())))
    # What was said in clear is there again; what was concealed nobody puts into a row, and the next statement refuses.
    op.execute(
        f"UPDATE {_TABLE} p SET stood_against = ARRAY(SELECT code FROM jsonb_array_elements_text(d.said -> 'paid_although') code "
        'ORDER BY code COLLATE "C") FROM event_log e CROSS JOIN LATERAL '
        "(SELECT cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' AS said) d WHERE e.subject = p.grant_id "
        "AND e.type = CASE p.what WHEN 'paid' THEN 'avrr.reintegration.grant.payment_confirmed.v1' "
        "ELSE 'avrr.reintegration.grant.cash_witnessed.v1' END AND cast(d.said ->> 'number' AS integer) = p.tranche "
        "AND cast(d.said ->> 'attempt_no' AS integer) = p.attempt_no AND jsonb_array_length(d.said -> 'paid_although') > 0"
    )
    op.alter_column(_TABLE, "stood_against", nullable=False)
    op.create_check_constraint(
        op.f(_CHECK), _TABLE, f"cardinality(stood_against) > 0 AND stood_against <@ ARRAY[{_CODES}]"
    )
