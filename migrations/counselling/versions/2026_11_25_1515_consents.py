"""Each consent of a person stands by itself with its history; its signed paper is kept sealed, open where the person is."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.kernel_2 import EVERY_ROW, in_sites
from migrations.kernel_6 import goes_with_the_person, take_out

revision = "counselling_11"
down_revision = "counselling_10"
branch_labels = None
depends_on = None

_FORMER = ("data_consent_version", "data_decided_at", "transfer_consent_version", "transfer_decided_at")
# What a consent covers that names no categories, as it was when these were first kept.
_USUAL = {
    "data": ["identity", "contact", "documents", "travel", "plan", "grants", "health", "family"],
    "transfer": ["identity", "contact", "documents", "travel", "plan", "grants", "family"],
}
_EVENTS = sa.text(
    "SELECT subject, cast(convert_from(leaf, 'UTF8') AS jsonb) -> 'data' AS data, type LIKE '%consent_given%' AS given "
    "FROM event_log WHERE type IN ('avrr.counselling.person.consent_given.v1', "
    "'avrr.counselling.person.consent_withdrawn.v1') ORDER BY idx"
)
_KEEP = sa.text(
    "UPDATE persons SET consents = cast(:consents AS jsonb), transfer_categories = "
    "CASE WHEN transfer_consent THEN cast(:categories AS text[]) ELSE '{}'::text[] END WHERE id = :id"
)


def upgrade() -> None:
    op.add_column(
        "persons", sa.Column("consents", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    )
    op.add_column("persons", sa.Column("data_expires_on", sa.Date(), nullable=True))
    op.add_column("persons", sa.Column("transfer_expires_on", sa.Date(), nullable=True))
    op.add_column(
        "persons",
        sa.Column("transfer_categories", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
    )
    # For the persons that there are; from now on each says what was agreed.
    op.alter_column("persons", "consents", server_default=None)
    op.alter_column("persons", "transfer_categories", server_default=None)
    _tell_of_what_was_agreed()
    for column in _FORMER:
        op.drop_column("persons", column)
    op.create_table(
        "consent_papers",
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.CheckConstraint("pieces > 0", name=op.f("ck_consent_papers_has_pieces")),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_consent_papers")),
    )
    op.create_index(op.f("ix_consent_papers_person_id"), "consent_papers", ["person_id"])
    op.create_table(
        "consent_paper_pieces",
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("consent_id", "number", name=op.f("pk_consent_paper_pieces")),
    )
    op.create_index(op.f("ix_consent_paper_pieces_person_id"), "consent_paper_pieces", ["person_id"])
    # What is sealed cannot be made smaller.
    op.execute("ALTER TABLE consent_paper_pieces ALTER COLUMN sealed SET STORAGE EXTERNAL")
    for table in ("consent_papers", "consent_paper_pieces"):
        _secure(table)
        goes_with_the_person("counselling", table)


def downgrade() -> None:
    for table in ("consent_paper_pieces", "consent_papers"):
        take_out("counselling", table)
    op.drop_table("consent_paper_pieces")
    op.drop_table("consent_papers")
    op.add_column("persons", sa.Column("data_consent_version", sa.Text(), nullable=True))
    op.add_column("persons", sa.Column("data_decided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("persons", sa.Column("transfer_consent_version", sa.Text(), nullable=True))
    op.add_column("persons", sa.Column("transfer_decided_at", sa.DateTime(timezone=True), nullable=True))
    for column in ("transfer_categories", "transfer_expires_on", "data_expires_on", "consents"):
        op.drop_column("persons", column)


def _tell_of_what_was_agreed() -> None:
    """Makes of each person's events the consents that folding them makes: of one kind the later takes the other's place."""
    agreed: dict[Any, list[dict[str, Any]]] = {}
    for subject, data, given in op.get_bind().execute(_EVENTS):
        known = agreed.setdefault(subject, [])
        for consent in known:
            if consent["consent"] == data["consent"] and consent["ended"] is None:
                consent["ended"] = "replaced" if given else "withdrawn"
                consent["ended_at"] = data["given_at" if given else "withdrawn_at"]
        if given:
            stated = ("consent", "text_version", "language", "method", "given_at", "recipient", "recipient_country", "purpose")
            known.append(
                {
                    **{name: data.get(name) for name in stated}, "consent_id": None, "categories": _USUAL[data["consent"]],
                    "given_by": None, "witness_id": None, "expires_on": None, "ended": None, "ended_at": None, "paper": None,
                }
            )  # fmt: skip
    for subject, consents in agreed.items():
        op.get_bind().execute(
            _KEEP, {"id": subject, "consents": json.dumps(consents), "categories": _USUAL["transfer"]}
        )


def _secure(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW),
        ("api", "ALL", in_sites("site")),
    ):  # fmt: skip
        check = "" if action == "SELECT" else f" WITH CHECK ({rows})"
        op.execute(f"CREATE POLICY counselling_{role} ON {table} FOR {action} TO counselling_{role} USING ({rows}){check}")
    # A paper is kept once and never changed; who verifies sees that there is one, not what is on it.
    op.execute(f"GRANT SELECT, INSERT ON {table} TO counselling_api")
    seen = "consent_id, person_id, site, " + ("pieces" if table == "consent_papers" else "number")
    op.execute(f"GRANT SELECT ({seen}) ON {table} TO counselling_verify")
