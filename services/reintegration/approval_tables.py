"""Reintegration's tables of endorsements, approvals, what they commit and what is added to that: keys that hold who may decide."""

import sqlalchemy as sa

from services.reintegration.metadata import METADATA, amount
from shared.tables import scope

_DECIDED = ("grant_id", "request_version", "requester_id", "counsellor_id", "amount", "currency", "content_hash")
_ENDORSED = (*_DECIDED, "endorser_id")
_LIMITS = ("authority_role", "authority_currency", "authority_up_to", "authority_valid_from", "authority_valid_until")
_COMMITTED = (
    "grant_id", "request_version", "fund_id", "fund_currency", "levels_needed", "policy_currency", "one_approver_up_to",
    "two_approvers_up_to",
)  # fmt: skip
_TERMS = ("authority_id", "terms_no", "holder_id", "acting_id", "role", "currency", "up_to", "valid_from", "valid_until")


def _of_a_version() -> list[sa.Column[object]]:
    """What was decided on, as the version says it: a decision on anything else has no row to refer to."""
    return [sa.Column("grant_id", sa.Uuid, primary_key=True), *_what_was_decided_on(primary_key=True)]


def _what_was_decided_on(*, primary_key: bool = False) -> list[sa.Column[object]]:
    return [
        sa.Column("request_version", sa.Integer, primary_key=primary_key, autoincrement=False, nullable=False),
        sa.Column("destination_country", sa.Text, nullable=False),
        sa.Column("requester_id", sa.Text, nullable=False),
        sa.Column("counsellor_id", sa.Text, nullable=False),
        amount("amount"),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("endorser_id", sa.Text, nullable=False),
    ]


def _by_authority() -> list[sa.Column[object]]:
    """By whose authority somebody decided, on which terms, and how they had signed in."""
    return [
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
    ]


def _strong_and_fresh() -> sa.CheckConstraint:
    # Far more than the least that is asked for at the door would be no step-up, and the future is no sign-in.
    return sa.CheckConstraint(
        "strength = 'phishing_resistant' AND auth_age_seconds BETWEEN -30 AND 300", name="strong_and_fresh"
    )


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
    *_by_authority(),
    sa.CheckConstraint("approver_id NOT IN (requester_id, counsellor_id, endorser_id)", name="approver_not_involved"),
    sa.CheckConstraint("authority_holder_id NOT IN (requester_id, counsellor_id, endorser_id)", name="holder_not_involved"),
    sa.CheckConstraint("in_authority <= authority_up_to", name="within_authority"),
    sa.CheckConstraint("authority_currency <> currency OR in_authority = amount", name="amount_as_approved"),
    sa.CheckConstraint("approved_on BETWEEN authority_valid_from AND authority_valid_until", name="authority_in_force"),
    sa.CheckConstraint("levels_needed BETWEEN 1 AND 3 AND level BETWEEN 1 AND levels_needed", name="level_of_those_needed"),
    sa.CheckConstraint("level < 3 OR authority_role = 'chief_of_mission'", name="third_is_the_chief"),
    _strong_and_fresh(),
    sa.UniqueConstraint("grant_id", "request_version", "approver_id", name="uq_grant_approvals_person_once"),
    sa.UniqueConstraint("grant_id", "request_version", "authority_holder_id", name="uq_grant_approvals_authority_once"),
    sa.UniqueConstraint("grant_id", "request_version", "level", "fund_id", name="uq_grant_approvals_as_committed"),
    sa.ForeignKeyConstraint(
        _ENDORSED, [f"grant_endorsements.{name}" for name in _ENDORSED], name="fk_grant_approvals_as_endorsed"
    ),
    sa.ForeignKeyConstraint(
        ("authority_id", "terms_no", "authority_holder_id", "approver_id", *_LIMITS),
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
    # The amount in the currency of the fund, which the key of its balance says.
    sa.Column("fund_currency", sa.Text, nullable=False),
    amount("fund_amount"),
    sa.CheckConstraint("fund_amount > 0 AND (fund_currency <> currency OR fund_amount = amount)", name="amount_in_fund"),
    sa.ForeignKeyConstraint(
        ("fund_id", "fund_currency"), ("fund_balances.fund_id", "fund_balances.currency"),
        name="fk_grant_commitments_currency_of_the_fund",
    ),
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
    sa.UniqueConstraint(
        "grant_id", "request_version", "amount", "fund_id", "fund_currency", "fund_amount", name="uq_grant_commitments_as_approved"
    ),
    sa.UniqueConstraint("grant_id", "request_version", "fund_amount", name="uq_grant_commitments_as_begun"),
    sa.UniqueConstraint(*_COMMITTED, name="uq_grant_commitments_as_added"),
    info=scope("country:destination_country"),
)

# What was added to a commitment since the rates had moved, one after the other: each names the total that it was added to, the
# first one the commitment's, and the terms of an authority that covers the new total. Nobody changes a row.
COMMITMENT_ADDITIONS = sa.Table(
    "commitment_additions",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("addition_no", sa.Integer, primary_key=True, autoincrement=False),
    *_what_was_decided_on(),
    sa.Column("fund_id", sa.Uuid, nullable=False),
    sa.Column("fund_currency", sa.Text, nullable=False),
    sa.Column("levels_given", sa.Integer, nullable=False),
    sa.Column("policy_currency", sa.Text, nullable=False),
    amount("one_approver_up_to"),
    amount("two_approvers_up_to"),
    sa.Column("former_no", sa.Integer),
    sa.Column("begun_with", sa.Numeric),
    amount("former_total"),
    amount("added"),
    amount("total"),
    sa.Column("levels_needed", sa.Integer, nullable=False),
    amount("weighed"),
    sa.Column("adder_id", sa.Text, nullable=False),
    sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("added_on", sa.Date, nullable=False),
    *_by_authority(),
    sa.CheckConstraint("added > 0 AND total = former_total + added", name="total_is_added_up"),
    sa.CheckConstraint(
        "addition_no >= 1 AND coalesce(former_no, 0) = addition_no - 1 AND (former_no IS NULL) = (begun_with IS NOT NULL) "
        "AND coalesce(begun_with, former_total) = former_total",
        name="one_after_the_other",
    ),
    sa.CheckConstraint("adder_id NOT IN (requester_id, counsellor_id, endorser_id)", name="adder_not_involved"),
    sa.CheckConstraint("authority_holder_id NOT IN (requester_id, counsellor_id, endorser_id)", name="holder_not_involved"),
    sa.CheckConstraint("in_authority <= authority_up_to", name="within_authority"),
    sa.CheckConstraint("authority_currency <> fund_currency OR in_authority = total", name="total_as_added"),
    sa.CheckConstraint("added_on BETWEEN authority_valid_from AND authority_valid_until", name="authority_in_force"),
    sa.CheckConstraint(
        "levels_needed BETWEEN 1 AND 3 AND weighed <= CASE levels_needed WHEN 1 THEN one_approver_up_to "
        "WHEN 2 THEN two_approvers_up_to ELSE weighed END",
        name="levels_enough",
    ),
    sa.CheckConstraint("policy_currency <> fund_currency OR weighed >= total", name="weighed_with_the_rest"),
    # By their own hand: a deputy may have given one of the approvals.
    sa.CheckConstraint(
        "levels_needed <= levels_given OR (authority_role = 'chief_of_mission' AND authority_holder_id = adder_id)",
        name="else_by_the_chief",
    ),
    _strong_and_fresh(),
    sa.ForeignKeyConstraint(
        _ENDORSED, [f"grant_endorsements.{name}" for name in _ENDORSED], name="fk_commitment_additions_as_endorsed"
    ),
    sa.ForeignKeyConstraint(
        ("grant_id", "request_version", "fund_id", "fund_currency", "levels_given", *_COMMITTED[5:]),
        [f"grant_commitments.{name}" for name in _COMMITTED],
        name="fk_commitment_additions_to_commitment",
    ),
    sa.ForeignKeyConstraint(
        ("grant_id", "request_version", "begun_with"),
        [f"grant_commitments.{name}" for name in ("grant_id", "request_version", "fund_amount")],
        name="fk_commitment_additions_begun_with",
    ),
    sa.ForeignKeyConstraint(
        ("grant_id", "former_no", "former_total"),
        [f"commitment_additions.{name}" for name in ("grant_id", "addition_no", "total")],
        name="fk_commitment_additions_former",
    ),
    sa.ForeignKeyConstraint(
        ("authority_id", "terms_no", "authority_holder_id", "adder_id", *_LIMITS),
        [f"authority_terms.{name}" for name in _TERMS],
        name="fk_commitment_additions_by_authority",
    ),
    sa.UniqueConstraint("grant_id", "addition_no", "total", name="uq_commitment_additions_total"),
    info=scope("country:destination_country", written_by="adder_id"),
)

# What one person approved before authority was asked for; no login adds to it.
APPROVALS_BEFORE = sa.Table(
    "approvals_before",
    METADATA,
    sa.Column("grant_id", sa.Uuid, primary_key=True),
    sa.Column("request_version", sa.Integer, primary_key=True, autoincrement=False),
    info=scope("known"),
)
