"""What a later revision of each service makes alike: how far its database was set back, and that nothing enters its log until two persons accept that."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql
from migrations.kernel_2 import EVERY_ROW, READS_THE_LOG
from migrations.kernel_10 import refuse_to_lose


def make_restored(service: str) -> None:
    """The mark that whoever finds a database set back leaves there, and the acceptances by two persons as an aggregate."""
    op.create_table(
        "restored",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("one", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.Column("known", sa.BigInteger(), nullable=False),
        sa.Column("finder", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restored")),
        sa.CheckConstraint("one", name=op.f("ck_restored_single")),
        sa.CheckConstraint("kept >= 0 AND known >= kept", name=op.f("ck_restored_known_more")),
        sa.CheckConstraint(
            "finder IN ('operator', 'stream', 'checkpointer', 'archive', 'follower')", name=op.f("ck_restored_finder_known")
        ),
        sa.CheckConstraint("opened_at IS NULL OR accepted_at IS NOT NULL", name=op.f("ck_restored_accepted_first")),
    )
    op.create_index(
        op.f("ix_restored_one"), "restored", ["one"], unique=True, postgresql_where=sa.text("opened_at IS NULL")
    )
    op.create_table(
        "restores",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("known", sa.BigInteger(), nullable=False),
        sa.Column("listed", sa.BigInteger(), nullable=False),
        sa.Column("list_sha256", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restores")),
        sa.CheckConstraint("accepted_by <> proposed_by", name=op.f("ck_restores_two_persons")),
        sa.CheckConstraint("num_nulls(accepted_by, accepted_at) IN (0, 2)", name=op.f("ck_restores_accepted_whole")),
    )
    for table, rows in (("restored", EVERY_ROW), ("restores", READS_THE_LOG)):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for role, action, seen in (
            ("owner", "ALL", EVERY_ROW), ("worker", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("api", "SELECT", rows),
        ):  # fmt: skip
            check = f" WITH CHECK ({seen})" if action == "ALL" else ""
            op.execute(f"CREATE POLICY {service}_{role} ON {table} FOR {action} TO {service}_{role} USING ({seen}){check}")
        op.execute(f"GRANT SELECT ON {table} TO {service}_api, {service}_verify, {service}_worker")
    # A mark is made and ends, and says meanwhile that more is known; nobody who serves takes it away.
    op.execute(f"GRANT INSERT (id, kept, known, finder), UPDATE (known, accepted_at, opened_at) ON restored TO {service}_worker")
    op.execute(f"GRANT INSERT, UPDATE ON restores TO {service}_worker")
    run_sql("restored_1.sql")


def drop_restored() -> None:
    """Undoes `make_restored`; a database that was ever set back keeps what was accepted of that."""
    refuse_to_lose("restored", "this database was set back once, and a version of before does not know what two persons accepted of that")
    op.execute("DROP TRIGGER event_log_waits_for_acceptance ON event_log")
    op.execute("DROP FUNCTION log_waits_for_acceptance()")
    op.drop_table("restores")
    op.drop_table("restored")
