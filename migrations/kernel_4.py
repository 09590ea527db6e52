"""What a later revision of each service that seals personal values makes alike: a wrapped key for each person."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_2 import EVERY_ROW, SCOPE_IS_KNOWN


def make_person_keys(service: str) -> None:
    """The table of a service's keys of persons, open to its API alone."""
    op.create_table(
        "person_keys",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_keys")),
    )
    op.create_index(op.f("ix_person_keys_epoch"), "person_keys", ["epoch"])
    op.execute("ALTER TABLE person_keys ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE person_keys FORCE ROW LEVEL SECURITY")
    for role, action, rows in (
        ("owner", "ALL", EVERY_ROW), ("verify", "SELECT", EVERY_ROW), ("worker", "SELECT", EVERY_ROW),
        ("api", "ALL", SCOPE_IS_KNOWN),
    ):  # fmt: skip
        check = "" if action == "SELECT" else f" WITH CHECK ({rows})"
        op.execute(
            f"CREATE POLICY {service}_{role} ON person_keys FOR {action} TO {service}_{role} USING ({rows}){check}"
        )
    # Who follows events and who verifies them opens nothing. A key is changed only by being wrapped anew.
    op.execute(f"GRANT SELECT, INSERT, DELETE, UPDATE (epoch, wrapped) ON person_keys TO {service}_api")


def drop_person_keys() -> None:
    """Undoes `make_person_keys`, and with it everything that was sealed under these keys."""
    op.drop_table("person_keys")
