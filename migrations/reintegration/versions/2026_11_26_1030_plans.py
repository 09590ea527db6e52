"""Plans are drafted, shared, revised for a reason and completed; what a line says beyond its money goes with the person."""

import sqlalchemy as sa
from alembic import op

from migrations.kernel_1 import run_sql

revision = "reintegration_21"
down_revision = "reintegration_20"
branch_labels = None
depends_on = None

_COLUMNS = (("method", sa.Text()), ("agreed_by", sa.Text()), ("reason", sa.Text()),
            ("shared_at", sa.DateTime(timezone=True)), ("completed_at", sa.DateTime(timezone=True)))  # fmt: skip
_TRANSITIONS = (
    ("draft", "draft"), ("draft", "own_plan"), ("draft", "agreed"), ("own_plan", "shared"), ("shared", "agreed"),
    ("agreed", "completed"), ("completed", "agreed"),
)  # fmt: skip
_CHECKS = {
    "ck_plans_agreed_has_a_day": "(status IN ('agreed', 'completed')) = (agreed_on IS NOT NULL)",
    "ck_plans_beginning": "version > 1 OR status IN ('agreed', 'draft', 'own_plan')",
    "ck_plans_shared_at_a_time": "status <> 'shared' OR shared_at IS NOT NULL",
    "ck_plans_completed_at_a_time": "(status = 'completed') = (completed_at IS NOT NULL)",
    "ck_plans_draft_is_no_version": "(status = 'draft') = (plan_version = 0)",
}
_FORMER = {
    "ck_plans_agreed_has_a_day": "(status = 'agreed') = (agreed_on IS NOT NULL)",
    "ck_plans_beginning": "version > 1 OR status IN ('agreed', 'own_plan')",
}
_FUNCTION = "erase_plan_details()"


def upgrade() -> None:
    for name, kind in _COLUMNS:
        op.add_column("plans", sa.Column(name, kind, nullable=True))
    for name in _FORMER:
        op.drop_constraint(op.f(name), "plans", type_="check")
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(name), "plans", condition)
    for before, after in _TRANSITIONS:
        op.execute(f"INSERT INTO status_transition VALUES ('plans', '{before}', '{after}')")
    op.add_column("case_limits", sa.Column("plan_completed", sa.Boolean(), nullable=False, server_default="false"))
    op.create_check_constraint(
        op.f("ck_case_limits_completed_plan_takes_no_grant"), "case_limits", "NOT plan_completed OR live_grants = 0"
    )
    run_sql("erasure_of_plan_details_1.sql")
    op.execute(f"REVOKE ALL ON FUNCTION {_FUNCTION} FROM PUBLIC")
    op.execute("GRANT CREATE ON SCHEMA public TO reintegration_eraser")
    op.execute(f"ALTER FUNCTION {_FUNCTION} OWNER TO reintegration_eraser")
    op.execute("REVOKE CREATE ON SCHEMA public FROM reintegration_eraser")
    op.execute(
        "CREATE TRIGGER erases_plan_details AFTER INSERT ON persons FOR EACH ROW EXECUTE FUNCTION erase_plan_details()"
    )
    # Of who was erased before, the dimension that stands in clear goes as well.
    op.execute(
        "UPDATE plans p SET lines = (SELECT coalesce(jsonb_agg(CASE WHEN line.one -> 'category' = 'null' "
        "THEN line.one || '{\"dimension\"\\: null}' ELSE line.one END ORDER BY line.place), '[]') "
        "FROM jsonb_array_elements(p.lines) WITH ORDINALITY AS line(one, place)) "
        "WHERE p.lines @> '[{\"category\"\\: null}]'"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER erases_plan_details ON persons")
    op.execute(f"DROP FUNCTION {_FUNCTION}")
    op.drop_constraint(op.f("ck_case_limits_completed_plan_takes_no_grant"), "case_limits", type_="check")
    op.drop_column("case_limits", "plan_completed")
    for before, after in _TRANSITIONS:
        op.execute(
            "DELETE FROM status_transition WHERE (aggregate, from_status, to_status) = "
            f"('plans', '{before}', '{after}')"
        )
    for name in _CHECKS:
        op.drop_constraint(op.f(name), "plans", type_="check")
    for name, condition in _FORMER.items():
        op.create_check_constraint(op.f(name), "plans", condition)
    for name, _ in reversed(_COLUMNS):
        op.drop_column("plans", name)
