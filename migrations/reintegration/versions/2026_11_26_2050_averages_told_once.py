"""How people were doing on average by a round of a survey is kept when it ends, and what changes later is not told."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN

revision = "reintegration_85"
down_revision = "reintegration_84"
branch_labels = None
depends_on = None

_TABLE = "survey_averages"


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("value", sa.Numeric(5, 4), nullable=True),
        sa.CheckConstraint(
            "(counted IS NULL) = (value IS NULL) AND counted >= 5", name=op.f("ck_survey_averages_of_nobody_alone")
        ),
        sa.PrimaryKeyConstraint("round_id", "country", "dimension", name=op.f("pk_survey_averages")),
    )
    op.create_index(op.f("ix_surveys_round_id_id"), "surveys", ["round_id", "id"])
    op.execute(f"ALTER TABLE {_TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {_TABLE} FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", SCOPE_IS_KNOWN),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON {_TABLE} FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute(f"GRANT SELECT ON {_TABLE} TO reintegration_verify")
    op.execute(f"GRANT SELECT, INSERT ON {_TABLE} TO reintegration_api")


def downgrade() -> None:
    op.drop_index(op.f("ix_surveys_round_id_id"), "surveys")
    op.drop_table(_TABLE)
