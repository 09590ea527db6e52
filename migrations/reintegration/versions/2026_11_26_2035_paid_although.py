"""What was paid although something stood against it is a row that nobody changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_2 import EVERY_ROW, in_countries, of_the_actor

revision = "reintegration_81"
down_revision = "reintegration_69"
branch_labels = None
depends_on = None

_TABLE = "paid_although"
_CODES = (
    "'grant_suspended', 'recovery_open', 'payee_closed', 'payee_blocked', 'payee_erased', 'screening_hit', 'account_of_staff', "
    "'payee_not_confirmed', 'payee_on_hold', 'not_screened', 'account_shared', 'account_changed'"
)


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("tranche", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("payee_id", sa.Uuid()),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("stood_against", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("what IN ('handed_over', 'paid')", name=op.f("ck_paid_although_what_is_known")),
        sa.CheckConstraint(
            f"cardinality(stood_against) > 0 AND stood_against <@ ARRAY[{_CODES}]",
            name=op.f("ck_paid_although_something_stood_against_it"),
        ),
        sa.CheckConstraint(
            "amount > 0 AND attempt_no >= 1 AND tranche BETWEEN 1 AND 6", name=op.f("ck_paid_although_of_an_attempt")
        ),
        sa.PrimaryKeyConstraint("grant_id", "tranche", "attempt_no", "what", name=op.f("pk_paid_although")),
    )
    op.execute(f"ALTER TABLE {_TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {_TABLE} FORCE ROW LEVEL SECURITY")
    within = in_countries("destination_country")
    own = f"{within} AND {of_the_actor('said_by')}"
    for role, action, seen, written in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", within, own),
    ):  # fmt: skip
        check = f" WITH CHECK ({written})" if written is not None else ""
        op.execute(f"CREATE POLICY reintegration_{role} ON {_TABLE} FOR {action} TO reintegration_{role} USING ({seen}){check}")
    op.execute(f"GRANT SELECT ON {_TABLE} TO reintegration_verify")
    op.execute(f"GRANT SELECT, INSERT ON {_TABLE} TO reintegration_api")


def downgrade() -> None:
    op.drop_table(_TABLE)
