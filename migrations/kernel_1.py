"""What the first revision of each service makes alike: log, cursors, dead letters, answers, roles' rights.

Revisions that ran somewhere are never edited; a later change of the kernel gets a ``kernel_2`` of its own.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import sqlalchemy as sa
from alembic import op

_SQL = Path(__file__).parent / "sql"
_KERNEL = ("log_head", "event_log", "disclosure", "cursor", "dead_letter", "idempotency", "status_transition")


def create_kernel(service: str) -> None:
    """The kernel's tables, functions and trigger, with rights for the service's two logins and nobody else."""
    op.create_table(
        "log_head",
        sa.Column("one", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_log_head")),
        sa.CheckConstraint("one", name=op.f("ck_log_head_single")),
    )
    op.create_table(
        "event_log",
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("aggver", sa.Integer(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("idx", name=op.f("pk_event_log")),
        sa.UniqueConstraint("id", name=op.f("uq_event_log_id")),
        sa.UniqueConstraint("subject", "aggver", name=op.f("uq_event_log_subject_aggver")),
        sa.CheckConstraint("octet_length(leaf) <= 32768", name=op.f("ck_event_log_leaf_size")),
    )
    op.create_table(
        "disclosure",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "path", name=op.f("pk_disclosure")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event_log.id"], name=op.f("fk_disclosure_event_id_event_log"),
            deferrable=True, initially="DEFERRED",
        ),
    )
    op.create_table(
        "cursor",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("last_idx", sa.BigInteger(), nullable=False),
        sa.Column("last_hash", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stopped", sa.Text(), nullable=True),
        sa.Column("caught_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_cursor")),
    )
    op.create_table(
        "dead_letter",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partitionkey", sa.Uuid(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("source", "idx", name=op.f("pk_dead_letter")),
    )
    op.create_index(op.f("ix_dead_letter_source_partitionkey"), "dead_letter", ["source", "partitionkey"])
    op.create_table(
        "idempotency",
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("actor_id", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_at"), "idempotency", ["at"])
    op.create_table(
        "status_transition",
        sa.Column("aggregate", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("aggregate", "from_status", "to_status", name=op.f("pk_status_transition")),
    )
    run_sql("log_1.sql")
    run_sql("take_1.sql")
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC")
    op.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
    for login in (f"{service}_api", f"{service}_worker"):
        op.execute(f"GRANT USAGE ON SCHEMA public TO {login}")
        op.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {login}")
        op.execute(
            f"GRANT SELECT ON log_head, event_log, disclosure, cursor, dead_letter, idempotency, status_transition "
            f"TO {login}"
        )
        op.execute(f"GRANT INSERT ON disclosure, idempotency TO {login}")
    op.execute(f"GRANT INSERT, UPDATE ON cursor TO {service}_worker")
    op.execute(f"GRANT INSERT, DELETE ON dead_letter TO {service}_worker")


def drop_kernel() -> None:
    """Everything that `create_kernel` made."""
    for table in reversed(_KERNEL):
        op.execute(f"DROP TABLE {table} CASCADE")
    op.execute(
        "DO $$ DECLARE f text; BEGIN FOR f IN SELECT oid::regprocedure::text FROM pg_proc "
        "WHERE pronamespace = 'public'::regnamespace LOOP EXECUTE 'DROP FUNCTION ' || f; END LOOP; END $$"
    )


def run_sql(name: str) -> None:
    """Runs a numbered file of functions; its statements are parted by lines that hold ``$$;`` or end in ``;``."""
    for statement in statements_of((_SQL / name).read_text(encoding="utf-8")):
        op.execute(sa.text(statement.replace(":", "\\:")))


def statements_of(text: str) -> list[str]:
    """The statements of an SQL file, function bodies kept whole."""
    found: list[str] = []
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        lines.append(line)
        if line.count("$$") % 2:
            inside = not inside
        if not inside and line.rstrip().endswith(";"):
            found.append("\n".join(lines))
            lines = []
    return found


def rows_of(service: str, tables: Iterable[str]) -> None:
    """Rights on tables whose rows are states or projections: read and write, never delete."""
    for table in tables:
        for login in (f"{service}_api", f"{service}_worker"):
            op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {login}")


def deletable(service: str, table: str) -> None:
    """The right to delete from a projection whose rows come and go."""
    for login in (f"{service}_api", f"{service}_worker"):
        op.execute(f"GRANT DELETE ON {table} TO {login}")


def follow_transitions(table: str, transitions: Mapping[str, Iterable[str]]) -> None:
    """The database's copy of a state machine, and the trigger that holds a table's status to it."""
    for before, followers in transitions.items():
        for after in followers:
            op.execute(
                sa.text("INSERT INTO status_transition VALUES (:aggregate, :before, :after)").bindparams(
                    aggregate=table, before=before, after=after
                )
            )
    op.execute(
        f"CREATE TRIGGER {table}_status_follows BEFORE UPDATE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION status_follows_transitions()"
    )
