"""Exceptions are only added and by the present rules, how far was looked only rises, and a pin has the next number."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_10 import refuse_to_lose

revision = "audit_12"
down_revision = "audit_17"
branch_labels = None
depends_on = None

_TABLES = ("archive_exceptions", "archive_reader_days", "archive_examined")
_KEYS = {
    "archive_exceptions": ("kind", "log", "idx"), "archive_reader_days": ("actorid", "day"), "archive_examined": ("log",),
}  # fmt: skip
_WALKED = (
    ("time", "log", "idx", "kind"),
    ("kind", "time", "log", "idx"),
    ("actorid", "time", "log", "idx", "kind"),
    ("partitionkey", "time", "log", "idx", "kind"),
)
_CHANGED = {"archive_exceptions": "number", "archive_reader_days": "records", "archive_examined": "last_idx"}
_KIND = "ck_archive_differences_kind_known"
_FORMER = ("other", "missing", "archive", "root", "column", "tile", "twice", "place")


def upgrade() -> None:
    # Before the triggers: who found what is found anew by the rules of this release in any case.
    for table in ("archive_exceptions", "archive_reader_days"):
        op.add_column(table, sa.Column("rules", sa.Integer(), nullable=True))
        op.execute(f"UPDATE {table} SET rules = coalesce((SELECT max(rules) FROM archive_examined), 0)")
        op.alter_column(table, "rules", nullable=False)
    _keys(("rules",))
    run_sql("archive_guarded_1.sql")
    for table in _TABLES:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM audit_worker")
        op.execute(f"GRANT UPDATE ({_CHANGED[table]}) ON {table} TO audit_worker")
    op.execute("GRANT EXECUTE ON FUNCTION next_archive_pin() TO audit_worker")
    _kinds((*_FORMER, "note", "exception"))


def downgrade() -> None:
    """Loses of exceptions nothing: the worker finds all of them anew in the archived events."""
    refuse_to_lose(
        "archive_differences WHERE kind IN ('note', 'exception')",
        "what was found of kept checkpoints and of exceptions would be lost",
    )
    _kinds(_FORMER)
    op.execute("DROP TRIGGER archive_pin_follows ON archive_policies")
    for table in _TABLES:
        op.execute(f"DROP TRIGGER {table}_stay ON {table}")
        op.execute(f"DROP TRIGGER {table}_only_rise ON {table}")
        op.execute(f"DELETE FROM {table}")
        op.execute(f"REVOKE UPDATE ({_CHANGED[table]}) ON {table} FROM audit_worker")
        op.execute(f"GRANT UPDATE, DELETE ON {table} TO audit_worker")
    for function in ("archive_pin_follows", "next_archive_pin", "archive_exception_rises", "archive_reader_day_rises", "archive_examined_rises"):
        op.execute(f"DROP FUNCTION {function}()")
    _keys(())
    for table in ("archive_exceptions", "archive_reader_days"):
        op.drop_column(table, "rules")


def _keys(led_by: tuple[str, ...]) -> None:
    """Keys and indexes anew, led by these columns."""
    for table, key in _KEYS.items():
        op.drop_constraint(op.f(f"pk_{table}"), table)
        op.create_primary_key(op.f(f"pk_{table}"), table, [*led_by, *key])
    for columns in _WALKED:
        name = f"ix_archive_exceptions_{'_'.join(columns)}"
        op.drop_index(op.f(name), "archive_exceptions")
        op.create_index(op.f(name), "archive_exceptions", [*led_by, *columns])
    op.drop_index("ix_archive_exceptions_many_reads", "archive_exceptions")
    op.create_index(
        "ix_archive_exceptions_many_reads", "archive_exceptions", [*led_by, "actorid", "day"],
        postgresql_where=sa.text("kind = 'many_reads'"),
    )


def _kinds(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(_KIND), "archive_differences")
    op.create_check_constraint(op.f(_KIND), "archive_differences", f"kind IN ({', '.join(f'{kind!r}' for kind in kinds)})")
