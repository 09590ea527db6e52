"""What a later revision of each service makes alike: where its verification notes what it found, and how far it is."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG
from migrations.kernel_10 import refuse_to_lose


def make_verified(service: str) -> None:
    """Two tables: differences, to which the worker adds and of which it says when they were gone, and its own progress."""
    op.create_table(
        "verify_differences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verify_differences")),
        sa.CheckConstraint(
            "fault IN ('other', 'missing', 'unlogged', 'broken', 'derived', 'log')", name=op.f("ck_verify_differences_fault_known")
        ),
    )
    op.create_index(
        op.f("ix_verify_differences_kind_about_fault_columns"), "verify_differences", ["kind", "about", "fault", "columns"],
        unique=True, postgresql_where=sa.text("gone_at IS NULL"),
    )  # fmt: skip
    op.create_index(op.f("ix_verify_differences_gone_at"), "verify_differences", ["gone_at"])
    op.create_table(
        "verify_progress",
        sa.Column("one", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("looked_from", sa.BigInteger(), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looks", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("position", sa.Uuid(), nullable=True),
        sa.Column("round_began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rounds", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("round_ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("round_seconds", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_verify_progress")),
        sa.CheckConstraint("one", name=op.f("ck_verify_progress_single")),
    )
    for table in ("verify_differences", "verify_progress"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for role, action, rows in (
            ("owner", "ALL", EVERY_ROW), ("worker", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW),
            ("api", "SELECT", READS_THE_LOG),
        ):  # fmt: skip
            check = f" WITH CHECK ({rows})" if action == "ALL" else ""
            op.execute(f"CREATE POLICY {service}_{role} ON {table} FOR {action} TO {service}_{role} USING ({rows}){check}")
        op.execute(f"GRANT SELECT ON {table} TO {service}_api, {service}_verify, {service}_worker")
    op.execute(f"GRANT INSERT (kind, about, fault, columns), UPDATE (gone_at) ON verify_differences TO {service}_worker")
    op.execute(f"GRANT INSERT, UPDATE ON verify_progress TO {service}_worker")
    run_sql("verified_1.sql")


def drop_verified() -> None:
    """Undoes `make_verified`; nothing may have been found by then, for nothing else remembers it."""
    refuse_to_lose("verify_differences", "what the verification of rows found is told nowhere else")
    op.drop_table("verify_progress")
    op.drop_table("verify_differences")
    op.execute("DROP FUNCTION differences_stay()")
