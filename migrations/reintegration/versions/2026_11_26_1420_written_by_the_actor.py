"""What is asked for a fund is answered once, by a row for what was dropped too; who asks, answers or decides is who acts."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, in_countries, of_the_actor

revision = "reintegration_35"
down_revision = "reintegration_34"
branch_labels = None
depends_on = None

_COUNTRY = in_countries("destination_country")
# Of each table which rows the API sees, and the column that says by whom a row of it is written.
WRITTEN_BY = {
    "fund_changes": (SCOPE_IS_KNOWN, "asked_by"), "fund_confirmations": (SCOPE_IS_KNOWN, "confirmed_by"),
    "grant_endorsements": (_COUNTRY, "endorser_id"), "grant_approvals": (_COUNTRY, "approver_id"),
}  # fmt: skip
FUNCTIONS = ("ask_for_a_fund_when_nothing_waits()", "answer_for_a_fund_once()")
TRIGGERS = (
    ("when_nothing_waits", "fund_changes", FUNCTIONS[0]), ("answered_once", "fund_confirmations", FUNCTIONS[1]),
    ("answered_once", "fund_drops", FUNCTIONS[1]),
)  # fmt: skip
# What was dropped before there were rows of it, its event says.
WHAT_WAS = (
    "INSERT INTO fund_drops SELECT c.fund_id, c.change_no, d.decided_by, d.decided_at FROM event_log e "
    "CROSS JOIN LATERAL leaf_decision(e.leaf, 'dropped_by', 'dropped_at') d "
    "JOIN fund_changes c ON c.fund_id = e.subject "
    "AND cast(c.change_no AS text) = convert_from(e.leaf, 'UTF8')::json -> 'data' ->> 'change_no' "
    "WHERE e.type = 'avrr.reintegration.fund.change_dropped.v1'"
)


def upgrade() -> None:
    op.create_table(
        "fund_drops",
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("change_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("dropped_by", sa.Text(), nullable=False),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["fund_id", "change_no"], ["fund_changes.fund_id", "fund_changes.change_no"], name="fk_fund_drops_what_was_asked"
        ),
        sa.PrimaryKeyConstraint("fund_id", "change_no", name=op.f("pk_fund_drops")),
    )
    op.execute(WHAT_WAS)
    op.execute("ALTER TABLE fund_drops ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE fund_drops FORCE ROW LEVEL SECURITY")
    own = f"{SCOPE_IS_KNOWN} AND {of_the_actor('dropped_by')}"
    for role, action, rows, written in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", SCOPE_IS_KNOWN, own),
    ):  # fmt: skip
        check = f" WITH CHECK ({written})" if written is not None else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON fund_drops FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute("GRANT SELECT ON fund_drops TO reintegration_verify")
    op.execute("GRANT SELECT, INSERT ON fund_drops TO reintegration_api")
    run_sql("fund_answers_1.sql")
    for function in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    for name, table, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {function}")
    for table, (rows, column) in WRITTEN_BY.items():
        op.execute(f"ALTER POLICY reintegration_api ON {table} WITH CHECK ({rows} AND {of_the_actor(column)})")


def downgrade() -> None:
    for table, (rows, _) in WRITTEN_BY.items():
        op.execute(f"ALTER POLICY reintegration_api ON {table} WITH CHECK ({rows})")
    for name, table, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.drop_table("fund_drops")
