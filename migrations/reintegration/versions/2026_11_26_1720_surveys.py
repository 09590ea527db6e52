"""Surveys: versions of instruments that never change, rounds that are planned, who was asked, and sealed what they answered."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, in_countries
from migrations.kernel_6 import (
    goes_with_the_person,
    stays_without_the_person,
    take_out,
    take_out_what_stays,
)

revision = "reintegration_60"
down_revision = "reintegration_48"
branch_labels = None
depends_on = None

TABLES = {
    "instruments": "SELECT, INSERT, UPDATE (id)", "instrument_texts": "SELECT, INSERT",
    "survey_rounds": "SELECT, INSERT, UPDATE", "surveys": "SELECT, INSERT, UPDATE", "survey_answers": "SELECT, INSERT",
}  # fmt: skip
OF_A_COUNTRY = ("surveys", "survey_answers")
# Who verifies opens nothing, so it has no need to read what is sealed.
VERIFIED = "survey_id, answers_no, country, person_id"


def upgrade() -> None:
    op.create_table(
        "instruments",
        *_versioned(),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instruments")),
        sa.UniqueConstraint("instrument", "instrument_version", name="uq_instruments_version"),
    )
    op.create_table(
        "instrument_texts",
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("instrument_id", name=op.f("pk_instrument_texts")),
    )
    op.create_table(
        "survey_rounds",
        *_versioned(),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("round", sa.Text(), nullable=False),
        sa.Column("from_month", sa.Integer(), nullable=False),
        sa.Column("to_month", sa.Integer(), nullable=False),
        sa.Column("planned_by", sa.Text(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("round IN ('baseline', 'midline', 'endline')", name=op.f("ck_survey_rounds_round_is_known")),
        sa.CheckConstraint("0 <= from_month AND from_month <= to_month", name=op.f("ck_survey_rounds_window_is_one")),
        sa.CheckConstraint("(ended_by IS NULL) = (ended_at IS NULL)", name=op.f("ck_survey_rounds_end_is_whole")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_rounds")),
    )
    op.create_index(
        "uq_survey_rounds_planned", "survey_rounds", ["instrument", "round"], unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
    _surveys()
    op.create_table(
        "survey_answers",
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("answers_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("answered", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("survey_id", "answers_no", name=op.f("pk_survey_answers")),
    )
    op.create_index(op.f("ix_survey_answers_person_id"), "survey_answers", ["person_id"])
    for table, rights in TABLES.items():
        _open(table, rights)
    # Who erases says how much there was; what it opens, it cannot read.
    op.execute("GRANT SELECT (survey_id, person_id) ON survey_answers TO reintegration_worker")
    goes_with_the_person("reintegration", "survey_answers")
    stays_without_the_person("surveys")


def downgrade() -> None:
    take_out_what_stays("surveys")
    take_out("reintegration", "survey_answers")
    for table in reversed(TABLES):
        op.drop_table(table)


def _versioned() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("instrument_version", sa.Integer(), nullable=False),
    ]


def _surveys() -> None:
    text, moment = sa.Text(), sa.DateTime(timezone=True)
    op.create_table(
        "surveys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("country", text, nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("instrument", text, nullable=False),
        sa.Column("instrument_version", sa.Integer(), nullable=False),
        sa.Column("scheme", text, nullable=True),
        sa.Column("round", text, nullable=False),
        sa.Column("mode", text, nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("outcome", text, nullable=False),
        sa.Column("recorded_by", text, nullable=False),
        sa.Column("recorded_at", moment, nullable=False),
        sa.Column("out_of_window", sa.Boolean(), nullable=False),
        sa.Column("answers_no", sa.Integer(), nullable=False),
        sa.Column("correction_reason", text, nullable=True),
        sa.Column("corrected_by", text, nullable=True),
        sa.Column("corrected_at", moment, nullable=True),
        sa.CheckConstraint(
            "CASE outcome WHEN 'answered' THEN answers_no >= 1 AND scheme IS NOT NULL "
            "WHEN 'declined' THEN answers_no = 0 AND scheme IS NULL AND NOT out_of_window ELSE false END",
            name=op.f("ck_surveys_answered_or_declined"),
        ),
        sa.CheckConstraint(
            "(answers_no > 1) = (correction_reason IS NOT NULL) AND num_nulls(correction_reason, corrected_by, corrected_at) IN (0, 3)",
            name=op.f("ck_surveys_corrected_for_a_reason"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_surveys")),
    )
    op.create_index(
        "uq_surveys_answered", "surveys", ["person_id", "instrument", "round"], unique=True,
        postgresql_where=sa.text("outcome = 'answered'"),
    )  # fmt: skip
    op.create_index(op.f("ix_surveys_case_id_id"), "surveys", ["case_id", "id"])
    op.create_index(op.f("ix_surveys_instrument_instrument_version_id"), "surveys", ["instrument", "instrument_version", "id"])


def _open(table: str, rights: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    within = in_countries("country") if table in OF_A_COUNTRY else SCOPE_IS_KNOWN
    for role, action, rows, checked in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", within, within),
    ):  # fmt: skip
        check = f" WITH CHECK ({checked})" if checked is not None else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    columns = f" ({VERIFIED})" if table == "survey_answers" else ""
    op.execute(f"GRANT SELECT{columns} ON {table} TO reintegration_verify")
    op.execute(f"GRANT {rights} ON {table} TO reintegration_api")
