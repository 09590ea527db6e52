"""Evidence: what was filed stands with its grant, the sealed files in tables of their own, open as the grant is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.kernel_2 import in_countries

revision = "reintegration_3"
down_revision = "reintegration_2"
branch_labels = None
depends_on = None

TABLES = ("evidence_files", "evidence_pieces")


def upgrade() -> None:
    op.add_column(
        "grants",
        sa.Column("evidence", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
    )
    # For the grants that there are; from now on each says what it has.
    op.alter_column("grants", "evidence", server_default=None)
    op.create_table(
        "evidence_files",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.CheckConstraint("pieces > 0", name=op.f("ck_evidence_files_has_pieces")),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_evidence_files")),
    )
    op.create_table(
        "evidence_pieces",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("destination_country", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("evidence_id", "number", name=op.f("pk_evidence_pieces")),
    )
    # What is sealed cannot be made smaller.
    op.execute("ALTER TABLE evidence_pieces ALTER COLUMN sealed SET STORAGE EXTERNAL")
    within = in_countries("destination_country")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY reintegration_owner ON {table} FOR ALL TO reintegration_owner USING (true) WITH CHECK (true)"
        )
        for login in ("verify", "worker"):
            op.execute(f"CREATE POLICY reintegration_{login} ON {table} FOR SELECT TO reintegration_{login} USING (true)")
        op.execute(
            f"CREATE POLICY reintegration_api ON {table} FOR ALL TO reintegration_api USING ({within}) WITH CHECK ({within})"
        )
        # A file is kept once and never changed; who follows and relays events has no business with it.
        op.execute(f"GRANT SELECT, INSERT ON {table} TO reintegration_api")
        op.execute(f"GRANT SELECT ON {table} TO reintegration_verify")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("grants", "evidence")
