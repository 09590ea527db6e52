"""A child that travels without an adult of its case is ready only where somebody looks after it from door to door."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "returns_19"
down_revision = "returns_18"
branch_labels = None
depends_on = None

_GATED: Final = "status NOT IN ('ready_to_travel', 'cleared_to_board')"
_TRAVELLING: Final = '@.travel == "expected"'
_CHILD: Final = f'{_TRAVELLING} && @.age_group != "adult"'
_BESIDE_AN_ADULT: Final = (
    f"""NOT jsonb_path_exists(persons, '$[*] ? ({_CHILD})') """
    f"""OR jsonb_path_exists(persons, '$[*] ? ({_TRAVELLING} && @.age_group == "adult")')"""
)
_OR_SUPERVISED: Final = (
    f"""{_BESIDE_AN_ADULT} OR (NOT jsonb_path_exists(persons, '$[*] ? ({_CHILD} """
    """&& !(exists (@.evidence[*] ? (@.kind == "supervision"))))') """
    f"""AND jsonb_path_query_array(persons, '$[*] ? ({_CHILD}).person_id') """
    """<@ jsonb_path_query_array(screening, '$[*] ? (@.best_interests.procedure == "determination").person_id'))"""
)
_GUARDIANS: Final = """
    UPDATE cases c SET persons = (
        SELECT jsonb_agg({one} ORDER BY person.place)
        FROM jsonb_array_elements(c.persons) WITH ORDINALITY AS person(one, place)
    ) WHERE c.persons <> '[]'
"""


def upgrade() -> None:
    op.execute(sa.text(_GUARDIANS.format(one="person.one || '{\"guardian_id\"\\: null}'")))
    _limit(_OR_SUPERVISED)


def downgrade() -> None:
    _limit(_BESIDE_AN_ADULT)
    op.execute(sa.text(_GUARDIANS.format(one="person.one - 'guardian_id'")))


def _limit(condition: str) -> None:
    name = "ck_cases_child_with_guardian"
    op.drop_constraint(op.f(name), "cases")
    op.create_check_constraint(
        op.f(name), "cases", f"{_GATED} OR ({condition}) IS TRUE", postgresql_not_valid=True
    )
    # A child that is ready on its own stays so until the next look; the limit is one for what changes.
    op.execute(
        f"DO $$ BEGIN ALTER TABLE cases VALIDATE CONSTRAINT {name}; EXCEPTION WHEN check_violation THEN NULL; END $$"
    )
