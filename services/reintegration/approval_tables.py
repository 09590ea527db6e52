"""Reintegration's tables of endorsements, approvals and what they commit: keys that hold who may decide on which version."""

import sqlalchemy as sa

from services.reintegration.metadata import METADATA, amount
from shared.tables import scope

_DECIDED = ("grant_id", "request_version", "requester_id", "counsellor_id", "amount", "currency", "content_hash")
_ENDORSED = (*_DECIDED, "endorser_id")
_TERMS = ("authority_id", "terms_no", "holder_id", "acting_id", "role", "currency", "up_to", "valid_from", "valid_until")


def _of_a_version() -> list[sa.Column[object]]:
    """What was decided on, as the version says it: a decision on anything else has no row to refer to."""
    return [
        sa.Column("grant_id", sa.Uuid, primary_key=True),
        sa.Column("request_version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("destination_country", sa.Text, nullable=False),
        sa.Column("requester_id", sa.Text, nullable=False),
        sa.Column("counsellor_id", sa.Text, nullable=False),
        amount("amount"),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("endorser_id", sa.Text, nullable=False),
    ]


GRANT_ENDORSEMENTS = sa.Table(
    "grant_endorsements",
    METADATA,
    *_of_a_version(),
    sa.Column("endorsed_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("endorser_id NOT IN (requester_id, counsellor_id)", name="endorser_not_involved"),
    sa.ForeignKeyConstraint(
        _DECIDED, [f"grant_versions.{name}" for name in _DECIDED], name="fk_grant_endorsements_as_submitted"
    ),
    sa.UniqueConstraint(*_ENDORSED, name="uq_grant_endorsements_as_approved"),
    info=scope("country:destination_country", written_by="endorser_id"),
)

# One row for each approval. The approver is whoever may act by the terms, the holder of the authority may be somebody else;
# neither had another part in the request, and neither stands twice in the approvals of one version.
GRANT_APPROVALS = sa.Table(
    "grant_approvals",
    METADATA,
    *_of_a_version(),
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("levels_needed", sa.Integer, nullable=False),
    sa.Column("fund_id", sa.Uuid, nullable=False),
    sa.Column("approver_id", sa.Text, nullable=False),
    sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("approved_on", sa.Date, nullable=False),
    sa.Column("authority_id", sa.Uuid, nullable=False),
    sa.Column("terms_no", sa.Integer, nullable=False),
    sa.Column("authority_holder_id", sa.Text, nullable=False),
    sa.Column("authority_role", sa.Text, nullable=False),
    sa.Column("authority_currency", sa.Text, nullable=False),
    amount("authority_up_to"),
    sa.Column("authority_valid_from", sa.Date, nullable=False),
    sa.Column("authority_valid_until", sa.Date, nullable=False),
    amount("in_authority"),
    sa.Column("strength", sa.Text, nullable=False),
    sa.Column("auth_age_seconds", sa.Integer, nullable=False),
    sa.CheckConstraint("approver_id NOT IN (requester_id, counsellor_id, endorser_id)", name="approver_not_involved"),
    sa.CheckConstraint("authority_holder_id NOT IN (requester_id, counsellor_id, endorser_id)", name="holder_not_involved"),
    sa.CheckConstraint("in_authority <= authority_up_to", name="within_authority"),
    sa.CheckConstraint("authority_currency <> currency OR in_authority = amount", name="amount_as_approved"),
    sa.CheckConstraint("approved_on BETWEEN authority_valid_from AND authority_valid_until", name="authority_in_force"),
    sa.CheckConstraint("levels_needed BETWEEN 1 AND 3 AND level BETWEEN 1 AND levels_needed", name="level_of_those_needed"),
    sa.CheckConstraint("level < 3 OR authority_role = 'chief_of_mission'", name="third_is_the_chief"),
    # Far more than the least that is asked for at the door would be no step-up, and the future is no sign-in.
    sa.CheckConstraint(
        "strength = 'phishing_resistant' AND auth_age_seconds BETWEEN -30 AND 300", name="strong_and_fresh"
    ),
    sa.UniqueConstraint("grant_id", "request_version", "approver_id", name="uq_grant_approvals_person_once"),
    sa.UniqueConstraint("grant_id", "request_version", "authority_holder_id", name="uq_grant_approvals_authority_once"),
    sa.UniqueConstraint("grant_id", "request_version", "level", "fund_id", name="uq_grant_approvals_as_committed"),
    sa.ForeignKeyConstraint(
        _ENDORSED, [f"grant_endorsements.{name}" for name in _ENDORSED], name="fk_grant_approvals_as_endorsed"
    ),
    sa.ForeignKeyConstraint(
        (
            "authority_id", "terms_no", "authority_holder_id", "approver_id", "authority_role", "authority_currency",
            "authority_up_to", "authority_valid_from", "authority_valid_until",
        ),
        [f"authority_terms.{name}" for name in _TERMS],
        name="fk_grant_approvals_by_authority",
    ),
    info=scope("country:destination_country", written_by="approver_id"),
)  # fmt: skip

# What the last approval committed: as many approvals as the thresholds ask for, by levels that are there.
GRANT_COMMITMENTS = sa.Table(
    "grant_commitments",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("request_version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("fund_id", sa.Uuid, nullable=False),
    amount("amount"),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("levels_needed", sa.Integer, nullable=False),
    sa.Column("level_1", sa.Integer, nullable=False),
    sa.Column("level_2", sa.Integer),
    sa.Column("level_3", sa.Integer),
    sa.Column("policy_programme", sa.Text),
    sa.Column("policy_version", sa.Integer),
    sa.Column("policy_currency", sa.Text, nullable=False),
    amount("one_approver_up_to"),
    amount("two_approvers_up_to"),
    amount("weighed"),
    sa.CheckConstraint(
        "level_1 = 1 AND (levels_needed >= 2) = (level_2 IS NOT NULL) AND (levels_needed = 3) = (level_3 IS NOT NULL) "
        "AND coalesce(level_2, 2) = 2 AND coalesce(level_3, 3) = 3 AND levels_needed BETWEEN 1 AND 3",
        name="every_level",
    ),
    sa.CheckConstraint(
        "weighed <= CASE levels_needed WHEN 1 THEN one_approver_up_to WHEN 2 THEN two_approvers_up_to ELSE weighed END",
        name="levels_enough",
    ),
    sa.CheckConstraint("policy_currency <> currency OR weighed >= amount", name="weighed_with_the_rest"),
    sa.CheckConstraint(
        "policy_version IS NOT NULL OR (one_approver_up_to, two_approvers_up_to, policy_currency) = (500, 2000, 'EUR')",
        name="example_without_policy",
    ),
    *(
        sa.ForeignKeyConstraint(
            ("grant_id", "request_version", f"level_{level}", "fund_id"),
            [f"grant_approvals.{name}" for name in ("grant_id", "request_version", "level", "fund_id")],
            name=f"fk_grant_commitments_level_{level}",
        )
        for level in (1, 2, 3)
    ),
    sa.ForeignKeyConstraint(
        ("policy_programme", "policy_version", "policy_currency", "one_approver_up_to", "two_approvers_up_to"),
        [
            f"policy_versions.{name}"
            for name in ("programme", "policy_version", "currency", "one_approver_up_to", "two_approvers_up_to")
        ],
        name="fk_grant_commitments_by_policy",
    ),
    sa.UniqueConstraint("grant_id", "request_version", "amount", "fund_id", name="uq_grant_commitments_as_approved"),
    info=scope("country:destination_country"),
)

# What one person approved before authority was asked for; no login adds to it.
APPROVALS_BEFORE = sa.Table(
    "approvals_before",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("request_version", sa.Integer, primary_key=True, autoincrement=False),
    info=scope("known"),
)
