"""Who decided what on which grant and for how much, a row for each that nobody changes; what was decided before is in the log."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, of_the_actor

revision = "reintegration_24"
down_revision = "reintegration_23"
branch_labels = None
depends_on = None

TABLE = "grant_decisions"
FIRST = ("requested", "resubmitted", "drafted", "revised")
# The names of a decision's event, of what was decided, and of who took it and when in its leaf.
KINDS = (
    ("endorsed", "endorsed", "endorsed_by", "endorsed_at"), ("returned", "returned", "returned_by", "returned_at"),
    ("rejected", "rejected", "rejected_by", "rejected_at"), ("approved", "approved", "approved_by", "approved_at"),
    ("cancelled", "cancelled", "cancelled_by", "cancelled_at"), ("tranche_released", "released", "released_by", "released_at"),
    ("payment_confirmed", "paid", "confirmed_by", "confirmed_at"),
    ("delivery_confirmed", "delivered", "confirmed_by", "confirmed_at"),
    ("tranche_reconciled", "reconciled", "reconciled_by", "reconciled_at"),
)  # fmt: skip


def upgrade() -> None:
    run_sql("leaf_decision_1.sql")
    op.execute("GRANT EXECUTE ON FUNCTION leaf_decision(bytea, text, text) TO reintegration_verify")
    op.create_table(
        TABLE,
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("request_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("tranche", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "grant_id", "request_version", "what", "tranche", "decided_by", "decided_at", name=op.f("pk_grant_decisions")
        ),
    )
    op.execute(_from_the_log())
    for walked in (
        ["decided_by", "decided_at", "grant_id", "request_version", "what", "tranche"],
        ["decided_by", "what", "decided_at", "grant_id", "request_version", "tranche"],
    ):
        op.create_index(op.f(f"ix_{TABLE}_{'_'.join(walked)}"), TABLE, walked)
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    # Nobody can write down a decision as somebody else's.
    own = of_the_actor("decided_by")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", own),
    ):  # fmt: skip
        check = f" WITH CHECK ({rows})" if action == "ALL" else ""
        op.execute(f"CREATE POLICY reintegration_{role} ON {TABLE} FOR {action} TO reintegration_{role} USING ({rows}){check}")
    op.execute(f"GRANT SELECT ON {TABLE} TO reintegration_verify")
    op.execute(f"GRANT SELECT, INSERT ON {TABLE} TO reintegration_api")


def downgrade() -> None:
    op.drop_table(TABLE)
    op.execute("DROP FUNCTION leaf_decision(bytea, text, text)")


def _from_the_log() -> str:
    """What was decided before this revision: the amount is the tranche's, or what the request asked for then."""
    kinds = ", ".join(f"('avrr.reintegration.grant.{event}.v1', '{what}', '{by}', '{at}')" for event, what, by, at in KINDS)
    first = ", ".join(f"'avrr.reintegration.grant.{event}.v1'" for event in FIRST)
    return (
        f"INSERT INTO {TABLE} SELECT e.subject, coalesce((asked.said ->> 'request_version')::integer, 1), k.what, s.tranche, "
        "coalesce(s.decided_by, e.actorid), coalesce(s.decided_at, e.time), "
        "(coalesce(part.said, asked.said) -> 'money' ->> 'amount')::numeric, asked.said -> 'money' ->> 'currency', "
        f"g.destination_country FROM (VALUES {kinds}) k(type, what, by, at) JOIN event_log e ON e.type = k.type "
        "JOIN grants g ON g.id = e.subject CROSS JOIN LATERAL leaf_decision(e.leaf, k.by, k.at) s "
        "CROSS JOIN LATERAL (SELECT convert_from(r.leaf, 'UTF8')::json -> 'data' AS said FROM event_log r "
        f"WHERE r.subject = e.subject AND r.aggver < e.aggver AND r.type IN ({first}) ORDER BY r.aggver DESC LIMIT 1) asked "
        "LEFT JOIN LATERAL (SELECT t.value AS said FROM json_array_elements(asked.said -> 'tranches') t "
        "WHERE (t.value ->> 'number')::integer = s.tranche) part ON true ON CONFLICT DO NOTHING"
    )
