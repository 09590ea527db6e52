"""Codes of vendors are kept as they are compared too, so that one is found by an index within the scope of whoever asks."""

import sqlalchemy as sa
from alembic import op

revision = "reintegration_65"
down_revision = "reintegration_61"
branch_labels = None
depends_on = None

_LIVE = sa.text("vendor_code IS NOT NULL AND status <> 'closed'")


def upgrade() -> None:
    op.add_column("payees", sa.Column("vendor_key", sa.Text(), nullable=True))
    op.execute("UPDATE payees SET vendor_key = lower(vendor_code)")
    op.create_check_constraint(
        op.f("ck_payees_vendor_key_is_the_code"), "payees", "vendor_key IS NOT DISTINCT FROM lower(vendor_code)"
    )
    _index(["country", "vendor_key"], ["vendor_key", "id"])
    op.create_index(op.f("ix_payees_country_status_id"), "payees", ["country", "status", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_payees_country_status_id"), "payees")
    _index(["country", sa.text("lower(vendor_code)")], [sa.text("lower(vendor_code)"), "id"])
    op.drop_constraint("ck_payees_vendor_key_is_the_code", "payees")
    op.drop_column("payees", "vendor_key")


def _index(live: list[str | sa.TextClause], found: list[str | sa.TextClause]) -> None:
    op.drop_index("uq_payees_vendor_code", "payees")
    op.drop_index("ix_payees_vendor", "payees")
    op.create_index("uq_payees_vendor_code", "payees", live, unique=True, postgresql_where=_LIVE)
    op.create_index("ix_payees_vendor", "payees", found)
