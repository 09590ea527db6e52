"""A child on its own is cleared only where its guardian has confirmed for it, as adults do for themselves."""

from typing import Final

from alembic import op

revision = "returns_23"
down_revision = "returns_22"
branch_labels = None
depends_on = None

_NAME: Final = "ck_cases_cleared_on_confirmation"
_CLEARED: Final = "status NOT IN ('cleared_to_board')"
_ADULT: Final = '@.travel == "expected" && @.age_group == "adult"'
_UNCONFIRMED: Final = "!(@.confirmed_at != null)"
_BY_ADULTS: Final = f"cleared_at IS NOT NULL AND NOT jsonb_path_exists(persons, '$[*] ? ({_ADULT} && {_UNCONFIRMED})')"
_FOR_CHILDREN: Final = (
    f"{_BY_ADULTS} AND (jsonb_path_exists(persons, '$[*] ? ({_ADULT})') "
    f"""OR NOT jsonb_path_exists(persons, '$[*] ? (@.travel == "expected" && {_UNCONFIRMED})'))"""
)


def upgrade() -> None:
    _limit(_FOR_CHILDREN)


def downgrade() -> None:
    _limit(_BY_ADULTS)


def _limit(condition: str) -> None:
    op.drop_constraint(op.f(_NAME), "cases")
    op.create_check_constraint(op.f(_NAME), "cases", f"{_CLEARED} OR ({condition}) IS TRUE", postgresql_not_valid=True)
    # A child that is cleared on its own stays so until the next look; the limit is one for what changes.
    op.execute(
        f"DO $$ BEGIN ALTER TABLE cases VALIDATE CONSTRAINT {_NAME}; EXCEPTION WHEN check_violation THEN NULL; END $$"
    )
