"""A person can be erased: asked by one, approved by another, held off by a legal hold; then nothing personal is left."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.kernel_6 import (
    goes_with_the_person,
    keys_for_papers,
    let_erase,
    let_erase_no_more,
    make_erasable,
    one_key_again,
    stays_without_the_person,
    take_out,
    take_out_what_stays,
    undo_erasable,
)

revision = "counselling_9"
down_revision = "counselling_8"
branch_labels = None
depends_on = None

_PERSONAL = ("person_keys", "identities", "host_statuses", "search_tokens")
_NAMED_IN = ("session_persons", "family_members", "active_attempts")
# Nobody is erased whose case has not ended, also if that began a moment ago.
_BESIDES = (
    "IF EXISTS (SELECT FROM active_attempts a WHERE a.person_id = p_person) THEN RAISE EXCEPTION "
    "'this person has an open case' USING ERRCODE = '23514', CONSTRAINT = 'erased_has_no_open_case'; END IF;"
)
_CHECKS = {
    "erased_has_no_birth_year": "(birth_year IS NULL) = (erased_at IS NOT NULL)",
    "erased_on_approval": "erased_at IS NULL OR (erasure ->> 'approved_by') IS NOT NULL",
    "erasure_four_eyes": "(erasure ->> 'approved_by') IS NULL "
    "OR ((erasure ->> 'approved_by') <> (erasure ->> 'requested_by')) IS TRUE",
    "on_hold_not_erased": "erased_at IS NULL OR NOT legal_hold",
}  # fmt: skip


def upgrade() -> None:
    op.add_column("persons", sa.Column("legal_hold", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("persons", sa.Column("legal_hold_reason", sa.Text(), nullable=True))
    op.add_column("persons", sa.Column("erasure", postgresql.JSONB(), nullable=True))
    op.add_column("persons", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("persons", "birth_year", nullable=True)
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_persons_{name}"), "persons", condition)
    op.create_index(
        "ix_persons_erasure_status_id", "persons", [sa.text("(erasure ->> 'status')"), "id"],
        postgresql_where=sa.text("erasure IS NOT NULL"),
    )  # fmt: skip
    keys_for_papers()
    make_erasable("counselling", _BESIDES)
    let_erase("counselling", "active_attempts", "", "person_id")
    for table in _PERSONAL:
        goes_with_the_person("counselling", table)
    for table in _NAMED_IN:
        stays_without_the_person(table)
    # Nobody but the trigger deletes a key; the confirmations of other services are noted by who follows them.
    op.execute("REVOKE DELETE ON person_keys FROM counselling_api")
    op.execute("GRANT SELECT (person_id, about, keep_until) ON person_keys TO counselling_verify")
    op.execute("GRANT SELECT, UPDATE ON persons TO counselling_worker")
    op.execute("DROP POLICY counselling_worker ON persons")
    op.execute(
        "CREATE POLICY counselling_worker ON persons FOR ALL TO counselling_worker USING (true) WITH CHECK (true)"
    )


def downgrade() -> None:
    op.execute("DROP POLICY counselling_worker ON persons")
    op.execute("CREATE POLICY counselling_worker ON persons FOR SELECT TO counselling_worker USING (true)")
    op.execute("REVOKE SELECT, UPDATE ON persons FROM counselling_worker")
    op.execute("REVOKE SELECT (person_id, about, keep_until) ON person_keys FROM counselling_verify")
    op.execute("GRANT DELETE ON person_keys TO counselling_api")
    for table in reversed(_NAMED_IN):
        take_out_what_stays(table)
    for table in reversed(_PERSONAL):
        take_out("counselling", table)
    let_erase_no_more("counselling", "active_attempts")
    undo_erasable("counselling")
    one_key_again()
    op.drop_index("ix_persons_erasure_status_id", "persons")
    for name in reversed(_CHECKS):
        op.drop_constraint(op.f(f"ck_persons_{name}"), "persons")
    op.execute("UPDATE persons SET birth_year = 0 WHERE birth_year IS NULL")
    op.alter_column("persons", "birth_year", nullable=False)
    for column in ("erased_at", "erasure", "legal_hold_reason", "legal_hold"):
        op.drop_column("persons", column)
