"""The first tables of the portal: browser sessions, sign-ins on the way, forms that outlast a sign-in."""

import sqlalchemy as sa
from alembic import op

revision = "portal_1"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("browser_sessions", "pending_sign_ins", "kept_forms")


def upgrade() -> None:
    op.create_table(
        "browser_sessions",
        sa.Column("id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_browser_sessions")),
        sa.CheckConstraint("octet_length(id_hash) = 32", name=op.f("ck_browser_sessions_id_hash_size")),
    )
    op.create_table(
        "pending_sign_ins",
        sa.Column("id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_pending_sign_ins")),
        sa.CheckConstraint("octet_length(id_hash) = 32", name=op.f("ck_pending_sign_ins_id_hash_size")),
    )
    op.create_table(
        "kept_forms",
        sa.Column("id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("owner_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_kept_forms")),
        sa.CheckConstraint("octet_length(id_hash) = 32", name=op.f("ck_kept_forms_id_hash_size")),
    )
    op.create_index(op.f("ix_kept_forms_owner_hash"), "kept_forms", ["owner_hash"])
    for table in TABLES:
        op.create_index(op.f(f"ix_{table}_expires_at"), table, ["expires_at"])
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO portal_api")
        _close(table)
        # Which session somebody may use is decided by a secret that only their browser knows, not by a scope.
        op.execute(f"CREATE POLICY portal_api ON {table} FOR ALL TO portal_api USING (true) WITH CHECK (true)")
    _close("alembic_version")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP POLICY portal_owner ON alembic_version")
    op.execute("ALTER TABLE alembic_version NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE alembic_version DISABLE ROW LEVEL SECURITY")


def _close(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY portal_owner ON {table} FOR ALL TO portal_owner USING (true) WITH CHECK (true)")
