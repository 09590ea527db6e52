"""What the bank says: files that were imported, their statements and lines, what persons say of a line, and what a line settled.

The worker settles, so its login changes grants and what follows from them; what it does it does in nobody's hat.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import follow_transitions, run_sql
from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN, of_the_actor

revision = "reintegration_52"
down_revision = "reintegration_49"
branch_labels = None
depends_on = None

_ATTEMPTS = "payment_attempts"
_LINES = ("paid_line", "failed_line", "returned_line")
_TABLES = {
    "bank_files": ("SELECT, INSERT, UPDATE (id)", "imported_by"),
    "bank_statements": ("SELECT, INSERT", None),
    "bank_lines": ("SELECT, INSERT, UPDATE (state, of_attempt, settled_attempt)", None),
    "bank_line_acts": ("SELECT, INSERT, UPDATE", "acted_by"),
}
_TRANSITIONS = {
    "match_asked": ("match_dropped", "matched"), "match_dropped": ("match_asked", "explained"), "matched": ("match_asked", "explained"),
}  # fmt: skip
_END_IS_WHOLE = (
    "(status IN ('failed', 'reversed')) = (ended_on IS NOT NULL) AND (status = 'reversed') = (return_month IS NOT NULL) "
    "AND num_nulls(ended_at, ended_on, reason) IN (0, 3) AND num_nulls(ended_by, ended_as) IN (0, 2)"
)
_END_BEFORE = (
    "(status IN ('failed', 'reversed')) = (ended_by IS NOT NULL) AND (status = 'reversed') = (return_month IS NOT NULL) "
    "AND num_nulls(ended_by, ended_as, ended_at, ended_on, reason) IN (0, 5)"
)
_OF_ATTEMPTS = {
    "said_by_somebody": (
        "num_nonnulls(ended_by, failed_line, returned_line) = CASE WHEN ended_on IS NULL THEN 0 ELSE 1 END "
        "AND (failed_line IS NULL OR status = 'failed') AND (returned_line IS NULL OR status = 'reversed')"
    ),
    "paid_by_the_bank": (
        "CASE WHEN method = 'bank_file' THEN confirmed_by IS NULL AND (paid_on IS NULL) = (paid_line IS NULL) "
        "AND (status <> 'reversed' OR returned_line IS NOT NULL) "
        "ELSE num_nonnulls(paid_line, failed_line, returned_line) = 0 END"
    ),
}
_ENDED_BY_OTHERS = "@.ended_by == $others[*]"
_ENDED_BY_SOMEBODY = "(@.ended_by != null && @.ended_by == $others[*])"
_WHO_TRIED = (
    "NOT jsonb_path_exists(former_attempts, '$[*] ? ((@.released_by != null && @.released_by == $others[*]) || "
    f"(@.confirmed_by != null && @.confirmed_by == $others[*]) || {_ENDED_BY_SOMEBODY})', "
    "jsonb_build_object('others', jsonb_build_array(requester_id, endorser_id, approver_id, counsellor_id, "
    "certificate -> 'attested_by') || to_jsonb(former_endorsers) || to_jsonb(former_approvers) "
    "|| jsonb_path_query_array(approvals, '$[*].approver_id') || jsonb_path_query_array(additions, '$[*].adder_id') "
    "|| jsonb_path_query_array(tranches, '$[*].delivered_by'))) "
    "AND NOT jsonb_path_exists(former_attempts, '$[*] ? ((@.released_by != null && @.released_by == $theirs[*]) || "
    "(@.confirmed_by != null && @.confirmed_by == $theirs[*]) || (@.ended_as == \"payer\" && @.ended_by == $theirs[*]))', "
    "jsonb_build_object('theirs', jsonb_build_array(reconciler_id) || jsonb_path_query_array(tranches, '$[*].reconciled_by') "
    "|| jsonb_path_query_array(former_attempts, '$[*] ? (@.ended_as == \"reconciler\").ended_by'))) "
    "AND NOT jsonb_path_exists(former_attempts, '$[*] ? (@.ended_as == \"reconciler\" && @.ended_by == $theirs[*])', "
    "jsonb_build_object('theirs', jsonb_build_array(payer_id) || jsonb_path_query_array(tranches, '$[*].released_by') "
    "|| jsonb_path_query_array(tranches, '$[*].confirmed_by')))"
)
# What a settled grant changes, and what the worker may do there from here on.
_SETTLES = {
    "grants": "SELECT, UPDATE", "payment_attempts": "SELECT, UPDATE", "payment_references": "SELECT, INSERT",
    "open_advances": "SELECT, INSERT, DELETE", "fund_balances": "SELECT, UPDATE (committed, spent)", "fund_postings": "SELECT, INSERT",
    "grant_turns": "SELECT, INSERT, UPDATE, DELETE", "bank_lines": "SELECT, UPDATE (state, settled_attempt)",
}  # fmt: skip
_ALSO_READS = ("closed_months",)
# What the worker could read of grants before.
_READ_OF_GRANTS = "id, version, person_id, paid, tranches, category, approved_at, status"


def upgrade() -> None:
    _bank_tables()
    for table, (rights, written_by) in _TABLES.items():
        _open(table, rights, written_by)
    follow_transitions("bank_line_acts", _TRANSITIONS)
    _attempts()
    for table, rights in _SETTLES.items():
        _changed_by_the_worker(table, "ALL")
        op.execute(f"GRANT {rights} ON {table} TO reintegration_worker")
    for table in _ALSO_READS:
        op.execute(f"GRANT SELECT ON {table} TO reintegration_worker")


def downgrade() -> None:
    # What the bank settled nobody else said, so that a database in which it did is not taken back.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM bank_lines WHERE settled_attempt IS NOT NULL) THEN "
        "RAISE EXCEPTION 'the bank settled payments, which nobody else said'; END IF; END $$"
    )
    for table in (*_SETTLES, *_ALSO_READS):
        op.execute(f"REVOKE ALL ON {table} FROM reintegration_worker")
        _changed_by_the_worker(table, "SELECT")
    op.execute(f"GRANT SELECT ({_READ_OF_GRANTS}) ON grants TO reintegration_worker")
    op.execute(f"DROP TRIGGER attempt_is_never_edited ON {_ATTEMPTS}")
    op.execute("DROP FUNCTION attempt_goes_on()")
    for name in _OF_ATTEMPTS:
        op.drop_constraint(op.f(f"ck_{_ATTEMPTS}_{name}"), _ATTEMPTS)
    for line in _LINES:
        op.drop_column(_ATTEMPTS, line)
    _held_to("end_is_whole", _ATTEMPTS, _END_BEFORE)
    _held_to("who_tried_to_pay", "grants", _WHO_TRIED.replace(_ENDED_BY_SOMEBODY, _ENDED_BY_OTHERS))
    run_sql("attempts_2.sql")
    op.execute("REVOKE ALL ON FUNCTION attempt_goes_on() FROM PUBLIC")
    op.execute(
        f"CREATE TRIGGER attempt_is_never_edited BEFORE UPDATE ON {_ATTEMPTS} FOR EACH ROW EXECUTE FUNCTION attempt_goes_on()"
    )
    op.execute("DROP TRIGGER bank_line_acts_status_follows ON bank_line_acts")
    op.execute("DELETE FROM status_transition WHERE aggregate = 'bank_line_acts'")
    for table in reversed(_TABLES):
        op.drop_table(table)


def _attempts() -> None:
    for line in _LINES:
        op.add_column(_ATTEMPTS, sa.Column(line, sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f(f"fk_{_ATTEMPTS}_{line}"), _ATTEMPTS, "bank_lines", [line], ["id"])
        op.create_unique_constraint(op.f(f"uq_{_ATTEMPTS}_{line}"), _ATTEMPTS, [line])
    _held_to("end_is_whole", _ATTEMPTS, _END_IS_WHOLE)
    _held_to("who_tried_to_pay", "grants", _WHO_TRIED)
    for name, rule in _OF_ATTEMPTS.items():
        op.create_check_constraint(op.f(f"ck_{_ATTEMPTS}_{name}"), _ATTEMPTS, rule)
    run_sql("attempts_by_the_bank_1.sql")


def _held_to(name: str, table: str, rule: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)


def _changed_by_the_worker(table: str, action: str) -> None:
    check = f" WITH CHECK ({EVERY_ROW})" if action == "ALL" else ""
    op.execute(f"DROP POLICY reintegration_worker ON {table}")
    op.execute(
        f"CREATE POLICY reintegration_worker ON {table} FOR {action} TO reintegration_worker USING ({EVERY_ROW}){check}"
    )


def _open(table: str, rights: str, written_by: str | None) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    written = SCOPE_IS_KNOWN if written_by is None else f"{SCOPE_IS_KNOWN} AND {of_the_actor(written_by)}"
    for role, action, rows, checked in (
        ("owner", "ALL", EVERY_ROW, EVERY_ROW), ("verify", "SELECT", EVERY_ROW, None), ("worker", "SELECT", EVERY_ROW, None),
        ("api", "ALL", SCOPE_IS_KNOWN, written),
    ):  # fmt: skip
        check = f" WITH CHECK ({checked})" if checked is not None else ""
        op.execute(
            f"CREATE POLICY reintegration_{role} ON {table} FOR {action} TO reintegration_{role} USING ({rows}){check}"
        )
    op.execute(f"GRANT SELECT ON {table} TO reintegration_verify")
    op.execute(f"GRANT {rights} ON {table} TO reintegration_api")


def _bank_tables() -> None:
    op.create_table(
        "bank_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("file_kind", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("lines_sha256", sa.Text(), nullable=False),
        sa.Column("statements", pg.JSONB(), nullable=False),
        sa.Column("identification", sa.Text(), nullable=True),
        sa.Column("instruction_id", sa.Uuid(), nullable=True),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "CASE file_kind WHEN 'statement' THEN num_nonnulls(identification, instruction_id) = 0 AND jsonb_array_length(statements) > 0 "
            "WHEN 'status_report' THEN num_nulls(identification, instruction_id) = 0 AND jsonb_array_length(statements) = 0 ELSE false END",
            name=op.f("ck_bank_files_of_its_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_files")),
        sa.UniqueConstraint("sha256", name=op.f("uq_bank_files_sha256")),
    )
    op.create_index(
        "uq_bank_files_report", "bank_files", ["instruction_id", "identification"], unique=True,
        postgresql_where=sa.text("file_kind = 'status_report'"),
    )  # fmt: skip
    op.create_table(
        "bank_statements",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("own_account_id", sa.Uuid(), nullable=False),
        sa.Column("identification", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("opening", sa.Numeric(), nullable=False),
        sa.Column("closing", sa.Numeric(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "number", name=op.f("pk_bank_statements")),
        sa.UniqueConstraint("own_account_id", "identification", name=op.f("uq_bank_statements_own_account_id_identification")),
    )
    op.create_index(op.f("ix_bank_statements_own_account_id_closed_on"), "bank_statements", ["own_account_id", "closed_on"])
    _lines()
    op.create_table(
        "bank_line_acts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("acted_by", sa.Text(), nullable=False),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=True),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.CheckConstraint("version > 1 OR status IN ('explained', 'match_asked')", name=op.f("ck_bank_line_acts_beginning")),
        sa.CheckConstraint(
            "(status = 'explained') = (explanation IS NOT NULL) AND (status IN ('match_asked', 'matched')) = (attempt_id IS NOT NULL) "
            "AND (attempt_id IS NULL) = (asked_by IS NULL)",
            name=op.f("ck_bank_line_acts_act_is_whole"),
        ),
        sa.CheckConstraint("status <> 'matched' OR asked_by <> acted_by", name=op.f("ck_bank_line_acts_two_persons")),
        sa.ForeignKeyConstraint(["id"], ["bank_lines.id"], name=op.f("fk_bank_line_acts_line")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_line_acts")),
    )


def _lines() -> None:
    op.create_table(
        "bank_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("own_account_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.Numeric(), nullable=True),
        sa.Column("line_amount", sa.Numeric(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=True),
        sa.Column("reversal", sa.Boolean(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=True),
        sa.Column("value_on", sa.Date(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("remittance_code", sa.Text(), nullable=True),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("by_code", sa.Boolean(), nullable=False),
        sa.Column("reasons", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("duplicate_of", sa.Uuid(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("of_attempt", sa.Uuid(), nullable=True),
        sa.Column("settled_attempt", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "CASE kind WHEN 'booked' THEN num_nulls(own_account_id, line_amount, currency, direction, booked_on) = 0 AND line_amount >= 0 "
            "AND direction IN ('credit', 'debit') WHEN 'rejected' THEN attempt_id IS NOT NULL "
            "WHEN 'accepted' THEN attempt_id IS NOT NULL ELSE false END",
            name=op.f("ck_bank_lines_of_its_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('unmatched', 'matched', 'returned', 'rejected', 'explained', 'duplicate', 'accepted') "
            "AND (state = 'accepted') = (kind = 'accepted') AND (state = 'duplicate') = (duplicate_of IS NOT NULL) "
            "AND (state <> 'rejected' OR kind = 'rejected') AND (state NOT IN ('matched', 'returned') OR kind = 'booked')",
            name=op.f("ck_bank_lines_state_is_known"),
        ),
        sa.CheckConstraint(
            "(state IN ('matched', 'returned', 'rejected')) = (settled_attempt IS NOT NULL) "
            "AND (settled_attempt IS NULL OR (settled_attempt = of_attempt) IS TRUE)",
            name=op.f("ck_bank_lines_settles_its_attempt"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_lines")),
        sa.UniqueConstraint("file_id", "number", "part", name=op.f("uq_bank_lines_file_id_number_part")),
    )
    op.create_index(
        "uq_bank_lines_once", "bank_lines",
        ["own_account_id", "bank_reference", "booked_on", "line_amount", "direction", "occurrence", "part"], unique=True,
        postgresql_where=sa.text("kind = 'booked' AND duplicate_of IS NULL AND bank_reference IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "uq_bank_lines_settled", "bank_lines", ["settled_attempt", "state"], unique=True,
        postgresql_where=sa.text("settled_attempt IS NOT NULL"),
    )  # fmt: skip
    for columns in (["state", "id"], ["file_id", "id"], ["of_attempt"]):
        op.create_index(op.f(f"ix_bank_lines_{'_'.join(columns)}"), "bank_lines", columns)
