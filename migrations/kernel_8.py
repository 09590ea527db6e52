"""What a later revision of each service makes alike: keys under which parts of its rows are sealed."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW


def make_row_keys(service: str) -> None:
    """The table of a service's keys of rows, which each that reads or writes rows needs; who verifies them only reads."""
    op.create_table(
        "row_keys",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_row_keys")),
        sa.UniqueConstraint("number", name=op.f("uq_row_keys_number")),
    )
    op.execute("ALTER TABLE row_keys ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE row_keys FORCE ROW LEVEL SECURITY")
    for role, action, right in (
        ("owner", "ALL", ""), ("verify", "SELECT", "SELECT"), ("worker", "ALL", "SELECT, INSERT"),
        ("api", "ALL", "SELECT, INSERT"),
    ):  # fmt: skip
        check = f" WITH CHECK ({EVERY_ROW})" if action == "ALL" else ""
        op.execute(f"CREATE POLICY {service}_{role} ON row_keys FOR {action} TO {service}_{role} USING ({EVERY_ROW}){check}")
        if right:
            op.execute(f"GRANT {right} ON row_keys TO {service}_{role}")


def drop_row_keys() -> None:
    """Undoes `make_row_keys`; nothing may be sealed under one of them any more."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM row_keys) THEN RAISE EXCEPTION "
        "'rows are sealed under keys of this version: nothing opens them without'; END IF; END $$"
    )
    op.drop_table("row_keys")
