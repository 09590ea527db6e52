"""Lists of accounts of staff and of sanctions count once a second person confirmed them; those of before go on as they count."""

import sqlalchemy as sa
from alembic import op

revision = "reintegration_84"
down_revision = "reintegration_78"
branch_labels = None
depends_on = None

_OPEN = "counts_since IS NULL AND dropped_at IS NULL"
_TABLES = (("staff_lists", "proposed", ()), ("sanctions_lists", "list_name", ("list_name",)))
_COLUMNS = (
    ("counts_since", sa.DateTime(timezone=True)), ("confirmed_by", sa.Text()), ("dropped_by", sa.Text()),
    ("dropped_at", sa.DateTime(timezone=True)),
)  # fmt: skip
_CHECKS = (
    ("two_persons", "uploaded_by <> confirmed_by"),
    ("counts_once_confirmed", "(confirmed_by IS NOT NULL) = (proposed AND counts_since IS NOT NULL)"),
    ("drop_is_whole", "(dropped_by IS NULL) = (dropped_at IS NULL)"),
    ("drops_what_waits", "dropped_at IS NULL OR counts_since IS NULL"),
    ("proposed_or_counts", "proposed OR counts_since IS NOT NULL"),
)
# What was brought nobody changes, and what two persons decided on neither.
_DECIDED = "'{version,counts_since,confirmed_by,dropped_by,dropped_at}'::text[]"
_STAYS = f"""
    CREATE FUNCTION brought_list_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
    BEGIN
        IF to_jsonb(NEW) - {_DECIDED} IS DISTINCT FROM to_jsonb(OLD) - {_DECIDED}
            OR OLD.counts_since IS NOT NULL OR OLD.dropped_at IS NOT NULL THEN
            RAISE EXCEPTION 'a list that was brought stays as it is' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END $$
"""


def upgrade() -> None:
    op.execute(_STAYS)
    op.execute("REVOKE ALL ON FUNCTION brought_list_stays() FROM PUBLIC")
    for table, once, by in _TABLES:
        op.add_column(table, sa.Column("proposed", sa.Boolean(), server_default=sa.false(), nullable=False))
        for name, kind in _COLUMNS:
            op.add_column(table, sa.Column(name, kind, nullable=True))
        op.execute(f"UPDATE {table} SET counts_since = uploaded_at")
        for name, rule in _CHECKS:
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)
        op.create_index(f"uq_{table}_waiting", table, [once], unique=True, postgresql_where=sa.text(_OPEN))
        op.drop_index(op.f("_".join(("ix", table, *by, "uploaded_at", "id"))), table)
        op.create_index(op.f("_".join(("ix", table, *by, "counts_since", "id"))), table, [*by, "counts_since", "id"])
        op.execute(f"GRANT UPDATE ON {table} TO reintegration_api")
        op.execute(
            f"CREATE TRIGGER brought_list_stays BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION brought_list_stays()"
        )
    # Where as many hits were cleared at once as are kept there may be more, which the next screening finds.
    op.execute(
        "UPDATE payees p SET screened_lists = '{}' WHERE EXISTS (SELECT FROM payee_clearances c WHERE c.payee_id = p.id "
        "AND c.cleared_at >= p.screened_at GROUP BY c.cleared_at HAVING count(*) >= 100)"
    )


def downgrade() -> None:
    for table, _, by in reversed(_TABLES):
        # What waits or was dropped counted for nobody; without these columns it would.
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT FROM {table} WHERE proposed) THEN RAISE EXCEPTION "
            f"'{table} holds lists that two persons decided on, which cannot be told without them'; END IF; END $$"
        )
        op.execute(f"DROP TRIGGER brought_list_stays ON {table}")
        op.execute(f"REVOKE UPDATE ON {table} FROM reintegration_api")
        op.execute(f"GRANT UPDATE (id) ON {table} TO reintegration_api")
        op.drop_index(op.f("_".join(("ix", table, *by, "counts_since", "id"))), table)
        op.create_index(op.f("_".join(("ix", table, *by, "uploaded_at", "id"))), table, [*by, "uploaded_at", "id"])
        op.drop_index(f"uq_{table}_waiting", table)
        for name, _rule in reversed(_CHECKS):
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        for name, _kind in reversed(_COLUMNS):
            op.drop_column(table, name)
        op.drop_column(table, "proposed")
    op.execute("DROP FUNCTION brought_list_stays()")
