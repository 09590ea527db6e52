"""Counselling's tables: one for each aggregate, and the rows that limits shared by several aggregates live in."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.counselling.domain.identity import FIELDS
from shared.tables import aggregate_table, jsonb, person_keys_table, scope, service_metadata

METADATA = service_metadata()

ACCESSES = METADATA.tables["accesses"]
PERSON_KEYS = person_keys_table(METADATA)

PERSONS = aggregate_table(
    METADATA,
    "persons",
    sa.Column("sex", sa.Text, nullable=False),
    sa.Column("country_of_origin", sa.Text, nullable=False),
    sa.Column("birth_year", sa.Integer, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("data_consent", sa.Boolean, nullable=False),
    sa.Column("data_consent_version", sa.Text),
    sa.Column("data_decided_at", sa.DateTime(timezone=True)),
    sa.Column("transfer_consent", sa.Boolean, nullable=False),
    sa.Column("transfer_consent_version", sa.Text),
    sa.Column("transfer_country", sa.Text),
    sa.Column("transfer_decided_at", sa.DateTime(timezone=True)),
    sa.Column("registered_at", sa.DateTime(timezone=True)),
    sa.Column("identity_number", sa.Integer, nullable=False),
    sa.Column("identity_fields", pg.ARRAY(sa.Text), nullable=False),
    sa.Index(None, "country_of_origin", "birth_year", "id"),
    sa.Index(None, "country_of_origin", "birth_year", "sex", "id"),
    sa.CheckConstraint("data_consent OR NOT transfer_consent", name="transfer_needs_data"),
    info=scope("country:country_of_origin"),
)

# Who a person is, version by version: each holds what it stated, sealed under the person's key, and nothing that it left
# as it was. ``version`` is the person's own, which the sealed values are bound to; ``number`` counts these rows.
IDENTITIES = sa.Table(
    "identities",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("stated", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("reason", sa.Text),
    *(sa.Column(field, sa.LargeBinary) for field in FIELDS),
    sa.UniqueConstraint("person_id", "number"),
    sa.CheckConstraint(
        "array_remove(ARRAY[" + ", ".join(f"CASE WHEN {field} IS NOT NULL THEN '{field}' END" for field in FIELDS)
        + "], NULL) = stated",
        name="sealed_as_stated",
    ),
    info=scope("site:site"),
)  # fmt: skip

FAMILIES = aggregate_table(
    METADATA, "families", sa.Column("principal_id", sa.Uuid, nullable=False), jsonb("members"), info=scope("known")
)

SESSIONS = aggregate_table(
    METADATA,
    "sessions",
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("session_type", sa.Text, nullable=False),
    sa.Column("modality", sa.Text, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("person_ids", pg.ARRAY(sa.Uuid), nullable=False),
    sa.Column("counsellor_id", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("scheduled_for", sa.DateTime(timezone=True)),
    sa.Column("held_at", sa.DateTime(timezone=True)),
    sa.Column("interpreter", sa.Text),
    sa.Column("topics", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("receiving_country", sa.Text),
    sa.Column("not_held_reason", sa.Text),
    sa.CheckConstraint("(status = 'held') = (held_at IS NOT NULL)", name="held_has_time"),
    sa.Index(None, "held_at"),
    sa.Index(None, "counsellor_id", "id"),
    sa.Index(None, "counsellor_id", "at", "id"),
    info=scope("site:site", "actor:counsellor_id"),
)

# In which sessions somebody took part: under row security no index of an array's elements is used, for comparing arrays
# might leak. The columns that say who may know of a session are the session's own.
SESSION_PERSONS = sa.Table(
    "session_persons",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("session_id", sa.Uuid, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("counsellor_id", sa.Text, nullable=False),
    info=scope("site:site", "actor:counsellor_id"),
)

GROUP_SESSIONS = aggregate_table(
    METADATA,
    "group_sessions",
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("participants", sa.Integer, nullable=False),
    sa.Column("female", sa.Integer, nullable=False),
    sa.Column("male", sa.Integer, nullable=False),
    sa.Column("children", sa.Integer, nullable=False),
    sa.Column("topics", pg.ARRAY(sa.Text), nullable=False),
    sa.CheckConstraint("female + male <= participants AND children <= participants", name="counts_add_up"),
    sa.Index(None, "held_at"),
    info=scope("site:site"),
)

OUTREACH = aggregate_table(
    METADATA,
    "outreach",
    sa.Column("location", sa.Text, nullable=False),
    sa.Column("municipality", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("contacts", sa.Integer, nullable=False),
    sa.Index(None, "held_at"),
    info=scope("known"),
)

INTENTIONS = aggregate_table(
    METADATA,
    "intentions",
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("session_id", sa.Uuid, nullable=False),
    sa.Column("principal_id", sa.Uuid, nullable=False),
    sa.Column("destination_country", sa.Text, nullable=False),
    sa.Column("counsellor_id", sa.Text, nullable=False),
    sa.Column("expressed_at", sa.DateTime(timezone=True), nullable=False),
    jsonb("persons"),
    sa.Column("active_person_ids", pg.ARRAY(sa.Uuid), nullable=False),
    sa.Index(None, "session_id"),
    sa.Index(None, "expressed_at"),
    info=scope("country:destination_country"),
)

# Limits that several aggregates share are rows of their own, so that the database holds them under any concurrency.
FAMILY_MEMBERS = sa.Table(
    "family_members",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("family_id", sa.Uuid, nullable=False),
    sa.Index(None, "family_id"),
    info=scope("known"),
)

ACTIVE_ATTEMPTS = sa.Table(
    "active_attempts",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("intention_id", sa.Uuid, nullable=False),
    info=scope("known"),
)
