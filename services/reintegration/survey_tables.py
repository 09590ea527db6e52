"""Reintegration's tables of surveys: which instruments and rounds there are, who was asked, and sealed what they answered."""

import sqlalchemy as sa

from services.reintegration.metadata import METADATA
from shared.tables import aggregate_table, scope

INSTRUMENTS = aggregate_table(
    METADATA,
    "instruments",
    sa.Column("instrument", sa.Text, nullable=False),
    sa.Column("instrument_version", sa.Integer, nullable=False),
    sa.Column("items", sa.Integer, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("published_by", sa.Text, nullable=False),
    sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("instrument", "instrument_version", name="uq_instruments_version"),
    info=scope("known"),
)

# The files as they were brought; nobody changes a row.
INSTRUMENT_TEXTS = sa.Table(
    "instrument_texts",
    METADATA,
    sa.Column("instrument_id", sa.Uuid, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    info=scope("known"),
)

SURVEY_ROUNDS = aggregate_table(
    METADATA,
    "survey_rounds",
    sa.Column("instrument", sa.Text, nullable=False),
    sa.Column("instrument_version", sa.Integer, nullable=False),
    sa.Column("scheme", sa.Text, nullable=False),
    sa.Column("round", sa.Text, nullable=False),
    sa.Column("from_month", sa.Integer, nullable=False),
    sa.Column("to_month", sa.Integer, nullable=False),
    sa.Column("planned_by", sa.Text, nullable=False),
    sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("ended_by", sa.Text),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("round IN ('baseline', 'midline', 'endline')", name="round_is_known"),
    sa.CheckConstraint("0 <= from_month AND from_month <= to_month", name="window_is_one"),
    sa.CheckConstraint("(ended_by IS NULL) = (ended_at IS NULL)", name="end_is_whole"),
    sa.Index(
        "uq_survey_rounds_planned", "instrument", "round", unique=True, postgresql_where=sa.text("ended_at IS NULL")
    ),
    info=scope("known"),
)

# How people were doing on average when a round ended; nobody changes a row. Of too few neither number nor mean is kept.
SURVEY_AVERAGES = sa.Table(
    "survey_averages",
    METADATA,
    sa.Column("round_id", sa.Uuid, primary_key=True),
    sa.Column("country", sa.Text, primary_key=True),
    sa.Column("dimension", sa.Text, primary_key=True),
    sa.Column("counted", sa.Integer),
    sa.Column("value", sa.Numeric(5, 4)),
    sa.CheckConstraint("(counted IS NULL) = (value IS NULL) AND counted >= 5", name="of_nobody_alone"),
    info=scope("known"),
)

SURVEYS = aggregate_table(
    METADATA,
    "surveys",
    sa.Column("case_id", sa.Uuid, nullable=False),
    sa.Column("person_id", sa.Uuid, nullable=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("round_id", sa.Uuid, nullable=False),
    sa.Column("instrument", sa.Text, nullable=False),
    sa.Column("instrument_version", sa.Integer, nullable=False),
    sa.Column("scheme", sa.Text),
    sa.Column("round", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("asked_on", sa.Date, nullable=False),
    sa.Column("months", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("out_of_window", sa.Boolean, nullable=False),
    sa.Column("answers_no", sa.Integer, nullable=False),
    sa.Column("correction_reason", sa.Text),
    sa.Column("corrected_by", sa.Text),
    sa.Column("corrected_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint(
        "CASE outcome WHEN 'answered' THEN answers_no >= 1 AND scheme IS NOT NULL "
        "WHEN 'declined' THEN answers_no = 0 AND scheme IS NULL AND NOT out_of_window ELSE false END",
        name="answered_or_declined",
    ),
    sa.CheckConstraint(
        "(answers_no > 1) = (correction_reason IS NOT NULL) AND num_nulls(correction_reason, corrected_by, corrected_at) IN (0, 3)",
        name="corrected_for_a_reason",
    ),
    # Who refused may be asked again; who answered is not.
    sa.Index(
        "uq_surveys_answered", "person_id", "instrument", "round", unique=True,
        postgresql_where=sa.text("outcome = 'answered'"),
    ),
    sa.Index(None, "case_id", "id"),
    sa.Index(None, "round_id", "id"),
    sa.Index(None, "instrument", "instrument_version", "id"),
    info=scope("country:country"),
)  # fmt: skip

# What was answered and what it scores, each time it was recorded, sealed under the person's key and gone with them; nobody
# changes a row.
SURVEY_ANSWERS = sa.Table(
    "survey_answers",
    METADATA,
    sa.Column("survey_id", sa.Uuid, primary_key=True),
    sa.Column("answers_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("person_id", sa.Uuid, nullable=False),
    sa.Column("answered", sa.LargeBinary, nullable=False),
    sa.Index(None, "person_id"),
    info=scope("country:country"),
)
