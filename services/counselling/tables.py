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
    sa.Column("site", sa.Text, nullable=False),
    jsonb("consents"),
    sa.Column("data_consent", sa.Boolean, nullable=False),
    sa.Column("data_expires_on", sa.Date),
    sa.Column("transfer_consent", sa.Boolean, nullable=False),
    sa.Column("transfer_country", sa.Text),
    sa.Column("transfer_expires_on", sa.Date),
    sa.Column("transfer_categories", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("registered_at", sa.DateTime(timezone=True)),
    sa.Column("identity_number", sa.Integer, nullable=False),
    sa.Column("identity_fields", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("legal_hold", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("legal_hold_reason", sa.Text),
    sa.Column("erasure", pg.JSONB),
    # The row that comes to have it is what erases: a trigger deletes everything personal in the same statement.
    sa.Column("erased_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("erased_at IS NULL OR (erasure ->> 'approved_by') IS NOT NULL", name="erased_on_approval"),
    sa.CheckConstraint(
        "(erasure ->> 'approved_by') IS NULL OR ((erasure ->> 'approved_by') <> (erasure ->> 'requested_by')) IS TRUE",
        name="erasure_four_eyes",
    ),
    sa.CheckConstraint("erased_at IS NULL OR NOT legal_hold", name="on_hold_not_erased"),
    sa.Index("ix_persons_erasure_status_id", sa.text("(erasure ->> 'status')"), "id", postgresql_where=sa.text("erasure IS NOT NULL")),
    sa.Column("host_status_number", sa.Integer, nullable=False),
    sa.Column("case_guardian_id", sa.Uuid),
    sa.Column("case_guardian_of", sa.Uuid),
    # Whom an erasure has to wait for: who stands up for somebody in an open case.
    sa.Index("ix_persons_case_guardian_id", "case_guardian_id", postgresql_where=sa.text("case_guardian_id IS NOT NULL")),
    sa.CheckConstraint("data_consent OR NOT transfer_consent", name="transfer_needs_data"),
    info=scope("country:country_of_origin"),
)

# In which year each person was born, sealed as below, and the keyed hash by which those of one year are found; country and
# sex are the person's, so that a list walks an index.
BIRTH_YEARS = sa.Table(
    "birth_years",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("country_of_origin", sa.Text, nullable=False),
    sa.Column("sex", sa.Text, nullable=False),
    sa.Column("token", sa.LargeBinary, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("birth_year", sa.LargeBinary, nullable=False),
    # The person's own when the year was last said, which the sealed value is bound to.
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Index(None, "country_of_origin", "token", "person_id"),
    sa.Index(None, "sex", "country_of_origin", "token", "person_id"),
    sa.Index(None, "key", "person_id"),
    info=scope("country:country_of_origin"),
)

# The years of those who were registered before these were sealed, until a process has sealed them; then it is empty for good.
BIRTH_YEARS_IN_CLEAR = sa.Table(
    "birth_years_in_clear",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("birth_year", sa.Integer, nullable=False),
    sa.Column("salt", sa.Text),
    info=scope("known"),
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
    sa.Column("emptied", pg.ARRAY(sa.Text), nullable=False),
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

# The signed papers of consents, sealed under the person's key: each with its wrapped key, and its pieces in rows of their
# own, so that one can be read without the others.
CONSENT_PAPERS = sa.Table(
    "consent_papers",
    METADATA,
    sa.Column("consent_id", sa.Uuid, primary_key=True),
    sa.Column("person_id", sa.Uuid, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("pieces", sa.Integer, nullable=False),
    sa.CheckConstraint("pieces > 0", name="has_pieces"),
    sa.Index(None, "person_id"),
    info=scope("site:site"),
)

CONSENT_PAPER_PIECES = sa.Table(
    "consent_paper_pieces",
    METADATA,
    sa.Column("consent_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("person_id", sa.Uuid, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Index(None, "person_id"),
    info=scope("site:site"),
)

# How a person stays in the host country, version by version: ``said`` is what was stated, sealed as above.
HOST_STATUSES = sa.Table(
    "host_statuses",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("said", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("person_id", "number"),
    info=scope("site:site"),
)

# By what somebody is found again at any site: keyed hashes of names and documents as they are believed now
# (`shared.blind_index`), which say nothing without the key. ``key`` names the one that they were made under.
SEARCH_TOKENS = sa.Table(
    "search_tokens",
    METADATA,
    sa.Column("person_id", sa.Uuid, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("token", sa.LargeBinary, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Index(None, "token", "person_id"),
    sa.Index(None, "key", "person_id"),
    info=scope("known"),
)

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
    sa.Column("interpreter_kind", sa.Text),
    sa.Column("present", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
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
    sa.Column("split_from", sa.Uuid),
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

# Every table besides the key that holds what is personal, by ``person_id``: an access request reads them, an erasure
# empties them. A test finds what is missing here.
PERSONAL_TABLES = (BIRTH_YEARS, IDENTITIES, HOST_STATUSES, SEARCH_TOKENS, CONSENT_PAPERS, CONSENT_PAPER_PIECES)
