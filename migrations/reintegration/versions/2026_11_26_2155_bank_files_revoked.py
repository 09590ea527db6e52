"""A file of the bank's that counts is dropped by two others if nothing followed; a statement is known by its closing day as well."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql

revision = "reintegration_90"
down_revision = "reintegration_97"
branch_labels = None
depends_on = None

_TWO_OTHERS = (
    "coalesce(revocation_asked_by NOT IN (imported_by, confirmed_by), true) AND coalesce(kept_by NOT IN (imported_by, confirmed_by), true) "
    "AND coalesce(dropped_by NOT IN (revocation_asked_by, confirmed_by), true)"
)
_COUNTS_BEFORE = (
    "CASE status WHEN 'unconfirmed' THEN num_nonnulls(confirmed_by, confirmed_at, dropped_by, dropped_at, drop_reason) = 0 AND NOT before_rule "
    "WHEN 'confirmed' THEN num_nonnulls(confirmed_by, confirmed_at) = CASE WHEN before_rule THEN 0 ELSE 2 END "
    "AND num_nonnulls(dropped_by, dropped_at, drop_reason) = 0 "
    "WHEN 'dropped' THEN num_nonnulls(confirmed_by, confirmed_at) = 0 AND num_nulls(dropped_by, dropped_at, drop_reason) = 0 "
    "AND NOT before_rule ELSE false END"
)
_COUNTS = (
    "CASE status WHEN 'unconfirmed' THEN num_nonnulls(confirmed_by, confirmed_at, dropped_by, dropped_at, drop_reason, revocation_asked_by, kept_by) = 0 "
    "AND NOT before_rule "
    "WHEN 'confirmed' THEN num_nonnulls(confirmed_by, confirmed_at) = CASE WHEN before_rule THEN 0 ELSE 2 END "
    "AND num_nonnulls(dropped_by, dropped_at) = 0 AND (drop_reason IS NULL) = (revocation_asked_by IS NULL) "
    "WHEN 'dropped' THEN num_nulls(dropped_by, dropped_at, drop_reason) = 0 AND CASE WHEN revocation_asked_by IS NULL "
    "THEN num_nonnulls(confirmed_by, confirmed_at, kept_by) = 0 AND NOT before_rule "
    "ELSE num_nonnulls(confirmed_by, confirmed_at) = CASE WHEN before_rule THEN 0 ELSE 2 END END ELSE false END"
)
_ACTED_BEFORE = "acted_by = coalesce(dropped_by, confirmed_by, imported_by)"
_ACTED = "acted_by = coalesce(dropped_by, revocation_asked_by, kept_by, confirmed_by, imported_by)"


def upgrade() -> None:
    for name in ("revocation_asked_by", "kept_by"):
        op.add_column("bank_files", sa.Column(name, sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_bank_files_revoked_by_two_others"), "bank_files", _TWO_OTHERS)
    _held("counts_by_two_persons", _COUNTS)
    _held("acted_by_whom_it_says", _ACTED)
    _known_by("own_account_id", "identification", "closed_on")
    op.execute("INSERT INTO status_transition VALUES ('bank_files', 'confirmed', 'dropped')")
    run_sql("bank_files_revoked_1.sql")
    op.execute("GRANT SELECT (revocation_asked_by) ON bank_files TO reintegration_worker")


def downgrade() -> None:
    # Who dropped what counted, or asked to, nothing else would say; and two statements of one name would be one.
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM bank_files WHERE num_nonnulls(revocation_asked_by, kept_by) > 0) "
        "OR EXISTS (SELECT FROM bank_statements WHERE live GROUP BY own_account_id, identification HAVING count(*) > 1) THEN "
        "RAISE EXCEPTION 'there are files of the bank that somebody asked to drop, or statements of one name'; END IF; END $$"
    )
    op.execute("REVOKE SELECT (revocation_asked_by) ON bank_files FROM reintegration_worker")
    run_sql("bank_files_revoked_0.sql")
    op.execute("DELETE FROM status_transition WHERE (aggregate, from_status, to_status) = ('bank_files', 'confirmed', 'dropped')")
    _known_by("own_account_id", "identification")
    _held("acted_by_whom_it_says", _ACTED_BEFORE)
    _held("counts_by_two_persons", _COUNTS_BEFORE)
    op.drop_constraint(op.f("ck_bank_files_revoked_by_two_others"), "bank_files")
    for name in ("kept_by", "revocation_asked_by"):
        op.drop_column("bank_files", name)


def _held(name: str, rule: str) -> None:
    op.drop_constraint(op.f(f"ck_bank_files_{name}"), "bank_files")
    op.create_check_constraint(op.f(f"ck_bank_files_{name}"), "bank_files", rule)


def _known_by(*columns: str) -> None:
    op.drop_index("uq_bank_statements_live", "bank_statements")
    op.create_index("uq_bank_statements_live", "bank_statements", list(columns), unique=True, postgresql_where=sa.text("live"))
