"""A request is drafted, submitted and revised: what each version asked for stays, with the hash of its content."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, in_countries

revision = "reintegration_22"
down_revision = "reintegration_21"
branch_labels = None
depends_on = None

# The RFC 8785 JSON of a request of before, as `grant_content.py` writes it: those named no papers.
_CONTENT = (
    """'{"case_id":"' || g.case_id || '","modality":"' || g.modality || '","money":{"amount":"' || trim_scale(g.amount) """
    """|| '","currency":"' || g.currency || '"},"person_id":"' || g.person_id || '","plan_id":"' || g.plan_id """
    """|| '","plan_line_id":"' || g.plan_line_id || '","tranches":[' || ("""
    """SELECT string_agg('{"amount":"' || trim_scale(cast(t ->> 'amount' AS numeric)) || '","currency":"' || g.currency """
    """|| '","number":' || (t ->> 'number') || '}', ',' ORDER BY cast(t ->> 'number' AS integer)) """
    """FROM jsonb_array_elements(g.tranches) t) || ']}'"""
)
_WAYS = (("draft", "submitted"), ("draft", "cancelled"), ("endorsed", "submitted"))
_OF_POLICY = "(policy_programme IS NULL) = (policy_version IS NULL)"
_BEFORE = "'submitted', 'returned', 'endorsed', 'rejected', 'cancelled'"
_MONEY_NEEDS = (
    "(approver_id IS NOT NULL AND endorser_id IS NOT NULL) OR (committed = 0 AND paid = 0 AND status IN ({}))"
)


def upgrade() -> None:
    _columns_of_grants()
    _grant_versions()
    for before, after in _WAYS:
        op.execute(f"INSERT INTO status_transition VALUES ('grants', '{before}', '{after}')")
    _held_to("beginning", "version > 1 OR status IN ('draft', 'submitted')")
    _held_to("money_needs_approval", _MONEY_NEEDS.format(f"'draft', {_BEFORE}"))
    op.execute("UPDATE grant_turns SET step = 'revise' WHERE step = 'resubmit'")
    run_sql("support_elsewhere_2.sql")


def _columns_of_grants() -> None:
    for name, kind in (
        ("content_hash", sa.Text()), ("submitted_version", sa.Integer()), ("papers", pg.ARRAY(sa.Uuid())),
        ("policy_programme", sa.Text()), ("policy_version", sa.Integer()), ("return_reasons", pg.ARRAY(sa.Text())),
        ("appeal_told", sa.Boolean()),
    ):  # fmt: skip
        op.add_column("grants", sa.Column(name, kind, nullable=True))
    content = _CONTENT.replace(":", "\\:")
    op.execute(
        sa.text(
            "UPDATE grants g SET submitted_version = g.request_version, papers = '{}', return_reasons = '{}', "
            f"content_hash = encode(sha256(convert_to({content}, 'UTF8')), 'hex')"
        )
    )
    for name in ("content_hash", "papers", "return_reasons"):
        op.alter_column("grants", name, nullable=False)
    op.create_check_constraint(op.f("ck_grants_policy_is_whole"), "grants", _OF_POLICY)
    op.create_check_constraint(
        op.f("ck_grants_submitted_but_for_drafts"),
        "grants",
        "submitted_version = request_version OR (submitted_version IS NULL AND request_version = 1 "
        "AND status IN ('draft', 'cancelled'))",
    )


def _grant_versions() -> None:
    op.create_table(
        "grant_versions",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("request_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("requester_id", sa.Text(), nullable=False),
        sa.Column("counsellor_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("policy_programme", sa.Text(), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_grant_versions_amount_above_zero")),
        sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_grant_versions_is_a_hash")),
        sa.CheckConstraint(_OF_POLICY, name=op.f("ck_grant_versions_policy_is_whole")),
        sa.ForeignKeyConstraint(
            ["policy_programme", "policy_version"], ["policy_versions.programme", "policy_versions.policy_version"],
            name=op.f("fk_grant_versions_policy"),
        ),
        sa.PrimaryKeyConstraint("grant_id", "request_version", name=op.f("pk_grant_versions")),
        sa.UniqueConstraint(
            "grant_id", "request_version", "amount", "currency", "content_hash",
            name=op.f("uq_grant_versions_as_submitted"),
        ),
        sa.UniqueConstraint(
            "grant_id", "request_version", "requester_id", "counsellor_id", "amount", "currency", "content_hash",
            name=op.f("uq_grant_versions_as_decided"),
        ),
    )  # fmt: skip
    # When a later version than the first was submitted, rows of before do not tell.
    op.execute(
        "INSERT INTO grant_versions (grant_id, request_version, destination_country, requester_id, counsellor_id, amount, "
        "currency, content_hash, submitted_at) SELECT id, request_version, destination_country, requester_id, "
        "counsellor_id, amount, currency, content_hash, requested_at FROM grants"
    )
    op.create_foreign_key(
        op.f("fk_grants_as_submitted"), "grants", "grant_versions",
        ["id", "submitted_version", "amount", "currency", "content_hash"],
        ["grant_id", "request_version", "amount", "currency", "content_hash"],
    )  # fmt: skip
    op.execute("ALTER TABLE grant_versions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE grant_versions FORCE ROW LEVEL SECURITY")
    within = in_countries("destination_country")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW), ("api", "ALL", within),
    ):  # fmt: skip
        check = "" if action == "SELECT" else f" WITH CHECK ({rows})"
        op.execute(
            f"CREATE POLICY reintegration_{role} ON grant_versions FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute("GRANT SELECT ON grant_versions TO reintegration_verify")
    op.execute("GRANT SELECT, INSERT ON grant_versions TO reintegration_api")


def _held_to(name: str, rule: str) -> None:
    op.drop_constraint(op.f(f"ck_grants_{name}"), "grants")
    op.create_check_constraint(op.f(f"ck_grants_{name}"), "grants", rule)


def downgrade() -> None:
    """Takes no version back: that is refused as long as there is a draft, which nothing of before could hold."""
    former = (Path(__file__).parents[2] / "sql" / "support_elsewhere_1.sql").read_text(encoding="utf-8")
    op.execute(sa.text(former.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(":", "\\:")))
    op.execute("UPDATE grant_turns SET step = 'resubmit' WHERE step = 'revise'")
    _held_to("money_needs_approval", _MONEY_NEEDS.format(_BEFORE))
    _held_to("beginning", "version > 1 OR status IN ('submitted')")
    for before, after in _WAYS:
        op.execute(
            "DELETE FROM status_transition WHERE (aggregate, from_status, to_status) "
            f"= ('grants', '{before}', '{after}')"
        )
    op.drop_constraint(op.f("fk_grants_as_submitted"), "grants")
    op.drop_table("grant_versions")
    for name in (
        "appeal_told", "return_reasons", "policy_version", "policy_programme", "papers", "submitted_version", "content_hash",
    ):  # fmt: skip
        op.drop_column("grants", name)
