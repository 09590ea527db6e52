"""A child beside whom not both of its parents travel is ready only where that is settled; checked before it is sealed."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "returns_28"
down_revision = "returns_27"
branch_labels = None
depends_on = None

_PARENTS: Final = """
    UPDATE cases c SET persons = (
        SELECT jsonb_agg({one} ORDER BY person.place)
        FROM jsonb_array_elements(c.persons) WITH ORDINALITY AS person(one, place)
    ) WHERE c.persons <> '[]'
"""
_ADULT: Final = '$[*] ? (@.travel == "expected" && @.age_group == "adult")'
_CHILD: Final = '$[*] ? (@.travel == "expected" && @.age_group != "adult")'
_NAMED: Final = '$.evidence[*] ? (@.kind == "other_parent")'
_SETTLED: Final = (
    "consent_signed", "consent_notarised", "consent_at_consulate", "consent_at_receiving_office", "custody_decision",
    "sole_custody", "death_certificate", "protection_decision",
)  # fmt: skip
# The same early end as of the check of everything else that is sealed. By the order of names this one comes before that,
# which leaves nothing in clear.
_TRIGGER: Final = f"""
CREATE FUNCTION check_other_parent() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    told jsonb := NEW.in_clear -> 'persons';
BEGIN
    IF NEW.status NOT IN ('ready_to_travel', 'cleared_to_board') OR NEW.holds_until < '2000-01-01 00:00:00+00'
        OR TG_OP = 'UPDATE' AND NEW.version = OLD.version AND NEW.status = OLD.status AND (
            current_user = 'returns_owner' OR NEW.persons IS NOT DISTINCT FROM OLD.persons
        ) THEN
        RETURN NEW;
    END IF;
    IF (
        NOT jsonb_path_exists(told, '{_ADULT}') OR NOT EXISTS (
            SELECT FROM jsonb_path_query(told, '{_CHILD}') child WHERE NOT CASE
                WHEN jsonb_path_exists(child, '{_NAMED}')
                THEN jsonb_path_exists(child, '{_NAMED}.conditions[*]')
                    AND jsonb_path_query_array(child, '{_NAMED}.conditions[*]') <@ '{{settled}}'
                ELSE jsonb_array_length(child -> 'parent_ids') > 1
                    AND child -> 'parent_ids' <@ jsonb_path_query_array(told, '$[*] ? (@.travel != "withdrawn").person_id')
            END
        )
    ) IS NOT TRUE THEN
        RAISE EXCEPTION 'this case is not ready'
            USING ERRCODE = '23514', TABLE = 'cases', CONSTRAINT = 'ck_cases_other_parent_settled';
    END IF;
    RETURN NEW;
END
$$
"""
# What was ready before this was asked is looked at anew.
_LOOKED_AT_ANEW: Final = f"""
    UPDATE cases SET holds_until = 'epoch'
    WHERE status IN ('ready_to_travel', 'cleared_to_board') AND jsonb_path_exists(persons, '{_ADULT}')
        AND jsonb_path_exists(persons, '{_CHILD}')
"""


def upgrade() -> None:
    op.execute(sa.text(_PARENTS.format(one="person.one || '{\"parent_ids\"\\: []}'")))
    op.execute(sa.text(_LOOKED_AT_ANEW.replace(":", "\\:")))
    codes = ", ".join(f'"{code}"' for code in _SETTLED)
    op.execute(sa.text(_TRIGGER.replace("{settled}", f"[{codes}]").replace(":", "\\:")))
    op.execute("REVOKE ALL ON FUNCTION check_other_parent() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER cases_other_parent_is_checked BEFORE INSERT OR UPDATE ON cases "
        "FOR EACH ROW EXECUTE FUNCTION check_other_parent()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER cases_other_parent_is_checked ON cases")
    op.execute("DROP FUNCTION check_other_parent()")
    op.execute(sa.text(_PARENTS.format(one="person.one - 'parent_ids'")))
