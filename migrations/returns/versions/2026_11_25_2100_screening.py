"""Screening is recorded part by part; who waits for protection is in an index, and nobody is ready without each part."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_6 import let_erase, let_erase_no_more

revision = "returns_12"
down_revision = "returns_11"
branch_labels = None
depends_on = None

_READY: Final = "status NOT IN ('ready_to_travel', 'cleared_to_board')"
_TRAVELLING: Final = '@.travel == "expected"'
_PREPARED: Final = (
    f"{_READY} OR (jsonb_path_exists(persons, '$[*] ? ({_TRAVELLING})') AND NOT jsonb_path_exists(persons, "
    f"'$[*] ? ({_TRAVELLING} && !({{has}}@.declared_by != null && @.own_plan_id != null && @.document != null))')) IS TRUE"
)
# Whoever stands ready from before all this was asked for is found over by the next look.
_OVER: Final = "holds_until < '2000-01-01 00:00:00+00'"
_LOOKED_AT: Final = f"UPDATE cases SET holds_until = 'epoch' WHERE NOT ({_READY})"
_SCREENED: Final = (
    f"{_READY} OR {_OVER} OR (jsonb_path_query_array(persons, '$[*] ? ({_TRAVELLING}).person_id') "
    "<@ jsonb_path_query_array(screening, '$[*] ? ("
    "@.voluntariness.free == true && @.voluntariness.informed == true && @.voluntariness.capable == true "
    "&& @.voluntariness.legal_consequences_explained == true && @.voluntariness.alternatives_explained == true "
    '&& (@.voluntariness.interpreter == "none" || @.voluntariness.interpreter == "professional") '
    '&& (@.voluntariness.company == "nobody" '
    '|| (@.voluntariness.company == "guardian" && @.voluntariness.child_heard != null)) '
    "&& @.fear.fears_return == false && @.vulnerability != null && !(exists (@.alerts[*])) "
    '&& (!(@.vulnerability.indicators[*] == "vot_identified" || @.vulnerability.indicators[*] == "vot_presumed") '
    '|| @.trafficking.risk == "acceptable")'
    ").person_id') AND "
    f"""jsonb_path_query_array(persons, '$[*] ? ({_TRAVELLING} && @.age_group != "adult").person_id') """
    "<@ jsonb_path_query_array(screening, '$[*] ? ("
    '@.best_interests.outcome == "return" && @.best_interests.agreed[*] == "child" '
    '&& @.best_interests.agreed[*] == "family" && @.best_interests.agreed[*] == "guardian" '
    '&& (!(@.vulnerability.indicators[*] == "separated" || @.vulnerability.indicators[*] == "uasc" '
    '|| @.vulnerability.indicators[*] == "unaccompanied") || @.best_interests.procedure == "determination")'
    ").person_id')) IS TRUE"
)
_INDEX: Final = "ix_cases_protected_protection_since_id"
_NO_FLAG: Final = """
    UPDATE cases c SET persons = (
        SELECT jsonb_agg(person.one - 'screened_at' ORDER BY person.place)
        FROM jsonb_array_elements(c.persons) WITH ORDINALITY AS person(one, place)
    ) WHERE jsonb_path_exists(c.persons, '$[*].screened_at')
"""
# Holds for protection wait for it as alerts do.
_WAIT: Final = """
    UPDATE cases c SET protection_since = (
        SELECT min((hold ->> 'placed_at')::timestamptz)
        FROM jsonb_path_query(c.holds, '$[*] ? (@.reason == "protection" && !(@.lifted_at != null))') hold
    ) WHERE jsonb_path_exists(c.holds, '$[*] ? (@.reason == "protection" && !(@.lifted_at != null))')
"""
_BESIDES: Final = """
CREATE OR REPLACE FUNCTION erase_besides(p_person uuid) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp AS $$ BEGIN
    DECLARE of_the_person uuid;
    BEGIN
        DELETE FROM disclosure d USING log_mentions m, event_log e
            WHERE m.about = p_person AND e.idx = m.idx AND d.event_id = e.id
            AND e.type IN ({own});
        DELETE FROM idempotency i USING log_mentions m, event_log e
            WHERE m.about = p_person AND e.idx = m.idx AND i.resource_id = e.subject;
        {screening}
        FOR of_the_person IN
            SELECT c.id FROM cases c WHERE c.id IN (
                SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx WHERE m.about = p_person
            ) AND NOT EXISTS (
                SELECT FROM jsonb_to_recordset(c.persons) AS covered(person_id uuid)
                LEFT JOIN persons p ON p.id = covered.person_id WHERE p.erased_at IS NULL
            )
        LOOP
            DELETE FROM disclosure d USING event_log e WHERE e.subject = of_the_person AND d.event_id = e.id;
            DELETE FROM idempotency i WHERE i.resource_id = of_the_person;
            UPDATE cases c SET holds = (
                SELECT jsonb_agg(CASE WHEN hold.one ->> 'reason' = 'transit' THEN hold.one
                    ELSE jsonb_set(hold.one, '{reason}', 'null') END ORDER BY hold.place)
                FROM jsonb_array_elements(c.holds) WITH ORDINALITY AS hold(one, place)
            ) WHERE c.id = of_the_person AND c.holds <> '[]';
        END LOOP;
        {waits}
    END;
END $$
"""
_OWN: Final = ("evidence_recorded", "booking_confirmed")
# What screening found, and the alerts about the person, which would otherwise stay open for protection.
_SCREENING: Final = """
        UPDATE cases c SET screening = (
            SELECT coalesce(jsonb_agg(found.one ORDER BY found.place), '[]'::jsonb)
            FROM jsonb_array_elements(c.screening) WITH ORDINALITY AS found(one, place)
            WHERE found.one ->> 'person_id' <> p_person::text
        ) WHERE c.id IN (
            SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx WHERE m.about = p_person
        ) AND c.screening @> jsonb_build_array(jsonb_build_object('person_id', p_person::text));
"""
_WAITS: Final = """
        UPDATE cases c SET protection_since = (
            SELECT min(waits.since) FROM (
                SELECT (alert ->> 'raised_at')::timestamptz AS since
                FROM jsonb_path_query(c.screening, '$[*].alerts[*]') alert
                UNION ALL SELECT (hold ->> 'placed_at')::timestamptz
                FROM jsonb_path_query(c.holds, '$[*] ? (@.reason == "protection" && !(@.lifted_at != null))') hold
            ) waits
        ) WHERE c.protection_since IS NOT NULL AND c.id IN (
            SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx WHERE m.about = p_person
        );
"""


def upgrade() -> None:
    op.add_column("cases", sa.Column("screening", pg.JSONB(astext_type=sa.Text()), nullable=False, server_default="[]"))
    op.alter_column("cases", "screening", server_default=None)
    op.add_column("cases", sa.Column("protection_since", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(op.f("ck_cases_everybody_prepared"), "cases")
    op.create_check_constraint(op.f("ck_cases_everybody_prepared"), "cases", _PREPARED.format(has=""))
    op.execute(sa.text(_NO_FLAG))
    op.execute(sa.text(_WAIT.replace(":", "\\:")))
    op.execute(_LOOKED_AT)
    op.create_check_constraint(op.f("ck_cases_everybody_screened"), "cases", _SCREENED)
    op.create_index(
        _INDEX, "cases", ["protection_since", "id"], postgresql_where=sa.text("protection_since IS NOT NULL")
    )
    let_erase_no_more("returns", "cases")
    let_erase(
        "returns", "cases", "UPDATE (holds, screening, protection_since)",
        "id", "persons", "holds", "screening", "protection_since",
    )  # fmt: skip
    op.execute(_besides(*_OWN, "screening_recorded", screening=_SCREENING, waits=_WAITS))


def downgrade() -> None:
    op.execute(_besides(*_OWN, screening="", waits=""))
    let_erase_no_more("returns", "cases")
    let_erase("returns", "cases", "UPDATE (holds)", "id", "persons", "holds")
    op.drop_index(_INDEX, table_name="cases")
    for name in ("everybody_screened", "everybody_prepared"):
        op.drop_constraint(op.f(f"ck_cases_{name}"), "cases")
    _check("everybody_prepared", _PREPARED.format(has="@.screened_at != null && "))
    op.drop_column("cases", "protection_since")
    op.drop_column("cases", "screening")


def _check(name: str, condition: str) -> None:
    op.create_check_constraint(op.f(f"ck_cases_{name}"), "cases", condition, postgresql_not_valid=True)
    # Whoever is ready without it stays so until the next look at the clock; until then the limit is one for what changes.
    op.execute(
        f"DO $$ BEGIN ALTER TABLE cases VALIDATE CONSTRAINT ck_cases_{name}; "
        "EXCEPTION WHEN check_violation THEN NULL; END $$"
    )


def _besides(*own: str, screening: str, waits: str) -> sa.TextClause:
    listed = ", ".join(f"'avrr.returns.case.{kind}.v1'" for kind in own)
    written = _BESIDES.replace("{own}", listed).replace("{screening}", screening).replace("{waits}", waits)
    return sa.text(written.replace(":", "\\:"))
