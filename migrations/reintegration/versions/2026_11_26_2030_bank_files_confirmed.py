"""A file of the bank's counts once a second person confirmed it, or is dropped; those of before count by whoever imported them."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import follow_transitions, run_sql
from migrations.kernel_2 import SCOPE_IS_KNOWN, of_the_actor

revision = "reintegration_73"
down_revision = "reintegration_80"
branch_labels = None
depends_on = None

_TRANSITIONS = {"unconfirmed": ("confirmed", "dropped")}
_ADDED = (
    ("acted_by", sa.Text()), ("status", sa.Text()), ("before_rule", sa.Boolean()), ("confirmed_by", sa.Text()),
    ("confirmed_at", sa.DateTime(timezone=True)), ("dropped_by", sa.Text()), ("dropped_at", sa.DateTime(timezone=True)),
    ("drop_reason", sa.Text()),
)  # fmt: skip
_ALWAYS = ("acted_by", "status", "before_rule")
_CHECKS = {
    "beginning": "version > 1 OR status = 'unconfirmed' OR before_rule",
    "two_persons": "imported_by <> confirmed_by",
    "dropped_by_another": "imported_by <> dropped_by",
    "counts_by_two_persons": (
        "CASE status WHEN 'unconfirmed' THEN num_nonnulls(confirmed_by, confirmed_at, dropped_by, dropped_at, drop_reason) = 0 AND NOT before_rule "
        "WHEN 'confirmed' THEN num_nonnulls(confirmed_by, confirmed_at) = CASE WHEN before_rule THEN 0 ELSE 2 END "
        "AND num_nonnulls(dropped_by, dropped_at, drop_reason) = 0 "
        "WHEN 'dropped' THEN num_nonnulls(confirmed_by, confirmed_at) = 0 AND num_nulls(dropped_by, dropped_at, drop_reason) = 0 "
        "AND NOT before_rule ELSE false END"
    ),
    "acted_by_whom_it_says": "acted_by = coalesce(dropped_by, confirmed_by, imported_by)",
}
_STATE_BEFORE = (
    "state IN ('unmatched', 'matched', 'returned', 'rejected', 'explained', 'duplicate', 'accepted') "
    "AND (state = 'accepted') = (kind = 'accepted') AND (state = 'duplicate') = (duplicate_of IS NOT NULL) "
    "AND (state <> 'rejected' OR kind = 'rejected') AND (state NOT IN ('matched', 'returned') OR kind = 'booked')"
)
_STATE = (
    "CASE WHEN state IN ('unconfirmed', 'dropped') THEN true "
    "WHEN state IN ('unmatched', 'matched', 'returned', 'rejected', 'explained', 'duplicate', 'accepted') "
    "THEN (state = 'accepted') = (kind = 'accepted') AND (state = 'duplicate') = (duplicate_of IS NOT NULL) "
    "AND (state <> 'rejected' OR kind = 'rejected') AND (state NOT IN ('matched', 'returned') OR kind = 'booked') ELSE false END"
)
_ONCE = ["own_account_id", "bank_reference", "booked_on", "line_amount", "direction", "occurrence", "part"]
_ONCE_BEFORE = "kind = 'booked' AND duplicate_of IS NULL AND bank_reference IS NOT NULL"


def upgrade() -> None:
    for name, kind in _ADDED:
        op.add_column("bank_files", sa.Column(name, kind, nullable=True))
    op.execute("UPDATE bank_files SET acted_by = imported_by, status = 'confirmed', before_rule = true")
    for name in _ALWAYS:
        op.alter_column("bank_files", name, nullable=False)
    for name, rule in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_bank_files_{name}"), "bank_files", rule)
    op.drop_constraint(op.f("uq_bank_files_sha256"), "bank_files")
    op.create_index("uq_bank_files_sha256", "bank_files", ["sha256"], unique=True, postgresql_where=sa.text("status <> 'dropped'"))
    _reports("file_kind = 'status_report' AND status <> 'dropped'")
    op.create_index("ix_bank_files_unconfirmed", "bank_files", ["id"], postgresql_where=sa.text("status = 'unconfirmed'"))
    op.add_column("bank_statements", sa.Column("live", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.alter_column("bank_statements", "live", server_default=None)
    op.drop_constraint(op.f("uq_bank_statements_own_account_id_identification"), "bank_statements")
    op.create_index(
        "uq_bank_statements_live", "bank_statements", ["own_account_id", "identification"], unique=True,
        postgresql_where=sa.text("live"),
    )  # fmt: skip
    _lines(_STATE, f"{_ONCE_BEFORE} AND state NOT IN ('unconfirmed', 'dropped')")
    run_sql("bank_files_confirmed_1.sql")
    for function, trigger, table in (
        ("bank_file_goes_on", "bank_file_is_never_edited", "bank_files"), ("bank_line_goes_on", "bank_line_counts_once_confirmed", "bank_lines"),
    ):  # fmt: skip
        op.execute(f"REVOKE ALL ON FUNCTION {function}() FROM PUBLIC")
        op.execute(f"CREATE TRIGGER {trigger} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()")
    follow_transitions("bank_files", _TRANSITIONS)
    _written_by("acted_by")
    op.execute("GRANT UPDATE ON bank_files TO reintegration_api")
    op.execute("GRANT UPDATE (live) ON bank_statements TO reintegration_api")
    op.execute("GRANT UPDATE (duplicate_of) ON bank_lines TO reintegration_api")
    op.execute("GRANT SELECT (status) ON bank_files TO reintegration_worker")


def downgrade() -> None:
    # What nobody confirmed would count from then on, and what was dropped as well.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM bank_files WHERE status <> 'confirmed') THEN "
        "RAISE EXCEPTION 'there are files of the bank that nobody confirmed'; END IF; END $$"
    )
    op.execute("REVOKE SELECT (status) ON bank_files FROM reintegration_worker")
    op.execute("REVOKE UPDATE (duplicate_of) ON bank_lines FROM reintegration_api")
    op.execute("REVOKE UPDATE (live) ON bank_statements FROM reintegration_api")
    op.execute("REVOKE UPDATE ON bank_files FROM reintegration_api")
    op.execute("GRANT UPDATE (id) ON bank_files TO reintegration_api")
    _written_by("imported_by")
    op.execute("DROP TRIGGER bank_files_status_follows ON bank_files")
    op.execute("DELETE FROM status_transition WHERE aggregate = 'bank_files'")
    for trigger, table, function in (
        ("bank_line_counts_once_confirmed", "bank_lines", "bank_line_goes_on"), ("bank_file_is_never_edited", "bank_files", "bank_file_goes_on"),
    ):  # fmt: skip
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
        op.execute(f"DROP FUNCTION {function}()")
    _lines(_STATE_BEFORE, _ONCE_BEFORE)
    op.drop_index("uq_bank_statements_live", "bank_statements")
    op.create_unique_constraint(
        op.f("uq_bank_statements_own_account_id_identification"), "bank_statements", ["own_account_id", "identification"]
    )
    op.drop_column("bank_statements", "live")
    op.drop_index("ix_bank_files_unconfirmed", "bank_files")
    _reports("file_kind = 'status_report'")
    op.drop_index("uq_bank_files_sha256", "bank_files")
    op.create_unique_constraint(op.f("uq_bank_files_sha256"), "bank_files", ["sha256"])
    for name in _CHECKS:
        op.drop_constraint(op.f(f"ck_bank_files_{name}"), "bank_files")
    for name, _ in reversed(_ADDED):
        op.drop_column("bank_files", name)


def _reports(where: str) -> None:
    op.drop_index("uq_bank_files_report", "bank_files")
    op.create_index(
        "uq_bank_files_report", "bank_files", ["instruction_id", "identification"], unique=True, postgresql_where=sa.text(where)
    )


def _lines(state: str, once: str) -> None:
    op.drop_constraint(op.f("ck_bank_lines_state_is_known"), "bank_lines")
    op.create_check_constraint(op.f("ck_bank_lines_state_is_known"), "bank_lines", state)
    op.drop_index("uq_bank_lines_once", "bank_lines")
    op.create_index("uq_bank_lines_once", "bank_lines", _ONCE, unique=True, postgresql_where=sa.text(once))


def _written_by(column: str) -> None:
    op.execute("DROP POLICY reintegration_api ON bank_files")
    op.execute(
        f"CREATE POLICY reintegration_api ON bank_files FOR ALL TO reintegration_api USING ({SCOPE_IS_KNOWN}) "
        f"WITH CHECK ({SCOPE_IS_KNOWN} AND {of_the_actor(column)})"
    )
