"""Reintegration's tables of who may approve what: authorities and their terms, and the policies of programmes."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.reintegration.metadata import METADATA, amount
from shared.tables import aggregate_table, jsonb, scope

_APPROVES = "role IN ('finance_approver', 'chief_of_mission')"

AUTHORITIES = aggregate_table(
    METADATA,
    "authorities",
    sa.Column("holder_id", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    amount("up_to"),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_until", sa.Date, nullable=False),
    sa.Column("given_by", sa.Text, nullable=False),
    sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
    jsonb("deputies"),
    sa.Column("ended_by", sa.Text),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column("end_reason", sa.Text),
    sa.CheckConstraint("holder_id <> given_by", name="nobody_for_themselves"),
    sa.CheckConstraint(_APPROVES, name="role_approves"),
    sa.CheckConstraint("up_to > 0", name="limit_above_zero"),
    sa.CheckConstraint("valid_from <= valid_until", name="validity_in_order"),
    sa.CheckConstraint(
        "(ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (end_reason IS NULL)", name="end_is_whole"
    ),
    info=scope("known"),
)

# Who may act by which terms, the holder's own first, then each deputy's; nobody changes a row, so that a decision can name
# the terms that it was taken by.
AUTHORITY_TERMS = sa.Table(
    "authority_terms",
    METADATA,
    sa.Column("authority_id", sa.Uuid, primary_key=True),
    sa.Column("terms_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("holder_id", sa.Text, nullable=False),
    sa.Column("acting_id", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    amount("up_to"),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_until", sa.Date, nullable=False),
    sa.Column("given_by", sa.Text, nullable=False),
    sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("given_by <> holder_id AND given_by <> acting_id", name="nobody_for_themselves"),
    sa.CheckConstraint("(terms_no = 1) = (acting_id = holder_id)", name="holder_comes_first"),
    sa.CheckConstraint(_APPROVES, name="role_approves"),
    sa.CheckConstraint("up_to > 0", name="limit_above_zero"),
    sa.CheckConstraint("valid_from <= valid_until", name="validity_in_order"),
    sa.UniqueConstraint(
        "authority_id", "terms_no", "holder_id", "acting_id", "role", "currency", "up_to", "valid_from", "valid_until",
        name="uq_authority_terms_as_used",
    ),
    sa.Index(None, "acting_id"),
    info=scope("known"),
)

# One open authority for each holder, role and currency: two limits of one person had no answer to which of them counts.
OPEN_AUTHORITIES = sa.Table(
    "open_authorities",
    METADATA,
    sa.Column("holder_id", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("authority_id", sa.Uuid, nullable=False),
    sa.UniqueConstraint("authority_id"),
    info=scope("known"),
)

_IN_ORDER = (
    "one_approver_up_to > 0 AND one_approver_up_to <= two_approvers_up_to "
    "AND cap_per_person > 0 AND cap_per_person <= cap_per_family AND quotations_above > 0"
)


def _of_a_version() -> list[sa.Column[object] | sa.Constraint]:
    return [
        sa.Column("currency", sa.Text, nullable=False),
        amount("cap_per_person"),
        amount("cap_per_family"),
        amount("one_approver_up_to"),
        amount("two_approvers_up_to"),
        amount("quotations_above"),
        sa.Column("own_contribution_percent", sa.Integer, nullable=False),
        jsonb("required_papers"),
        sa.Column("published_by", sa.Text, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_tranche_needs", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
        sa.Column("reconciling_needs", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
        sa.CheckConstraint(_IN_ORDER, name="amounts_in_order"),
        sa.CheckConstraint("own_contribution_percent BETWEEN 0 AND 100", name="percent_of_it"),
    ]


# The newest version of each programme's approval policy; beside it every version, none of which is ever changed: a
# request names the one that it is measured by.
FUNDING_POLICIES = aggregate_table(
    METADATA,
    "funding_policies",
    sa.Column("programme", sa.Text, nullable=False),
    sa.Column("policy_version", sa.Integer, nullable=False),
    *_of_a_version(),
    info=scope("known"),
)

POLICY_VERSIONS = sa.Table(
    "policy_versions",
    METADATA,
    sa.Column("programme", sa.Text, primary_key=True),
    sa.Column("policy_version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("policy_id", sa.Uuid, nullable=False),
    *_of_a_version(),
    sa.UniqueConstraint("policy_id", "policy_version"),
    sa.UniqueConstraint(
        "programme", "policy_version", "currency", "one_approver_up_to", "two_approvers_up_to", name="uq_policy_versions_thresholds"
    ),
    info=scope("known"),
)
