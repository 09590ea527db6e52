"""What rows tell of health, protection, support and reasons of holds is sealed, and checked in clear before it is."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql, statements_of
from migrations.kernel_2 import EVERY_ROW
from migrations.kernel_6 import let_erase, let_erase_no_more
from migrations.kernel_8 import drop_row_keys, make_row_keys

revision = "returns_22"
down_revision = "returns_21"
branch_labels = None
depends_on = None

_SQL: Final = Path(__file__).parents[2] / "sql"
_FORMER: Final = ("erasure_of_support_1.sql", "erasure_of_final_reports_1.sql")
_COUNTED: Final = "supports_of_the_erased"
_GATED: Final = "status NOT IN ('ready_to_travel', 'cleared_to_board')"
_OVER: Final = "holds_until < '2000-01-01 00:00:00+00'"
_TRAVELLING: Final = '@.travel == "expected"'
_SCREENED: Final = (
    "@.voluntariness.free == true && @.voluntariness.informed == true && @.voluntariness.capable == true "
    "&& @.voluntariness.legal_consequences_explained == true && @.voluntariness.alternatives_explained == true "
    '&& (@.voluntariness.interpreter == "none" || @.voluntariness.interpreter == "professional") '
    '&& (@.voluntariness.company == "nobody" '
    '|| (@.voluntariness.company == "guardian" && @.voluntariness.child_heard != null)) '
    "&& @.fear.fears_return == false && @.vulnerability != null && !(exists (@.alerts[*])) "
    '&& (!(@.vulnerability.indicators[*] == "vot_identified" || @.vulnerability.indicators[*] == "vot_presumed") '
    '|| @.trafficking.risk == "acceptable")'
)
_FOR_RETURN: Final = (
    '@.best_interests.outcome == "return" && @.best_interests.agreed[*] == "child" '
    '&& @.best_interests.agreed[*] == "family" && @.best_interests.agreed[*] == "guardian"'
)
_NOT_ALONE: Final = (
    '!(@.vulnerability.indicators[*] == "separated" || @.vulnerability.indicators[*] == "uasc" '
    '|| @.vulnerability.indicators[*] == "unaccompanied")'
)
_DETERMINED: Final = '@.best_interests.procedure == "determination"'
_HELP: Final = ("escort", "oxygen", "wheelchair")


def _among(persons: str, screened: str) -> str:
    return (
        f"jsonb_path_query_array({{persons}}, '$[*] ? ({persons}).person_id') "
        f"<@ jsonb_path_query_array({{screening}}, '$[*] ? ({screened}).person_id')"
    )


def _lacks(kind: str) -> str:
    return f'!(exists (@.evidence[*] ? (@.kind == "{kind}")))'


def _nobody(has: str) -> str:
    return f"NOT jsonb_path_exists({{persons}}, '$[*] ? ({_TRAVELLING} && {has})')"


_EVERYBODY_SCREENED: Final = " AND ".join(
    (
        _among(_TRAVELLING, f"{_SCREENED} && ({_NOT_ALONE} || ({_FOR_RETURN} && {_DETERMINED}))"),
        _among(f'{_TRAVELLING} && @.age_group != "adult"', _FOR_RETURN),
    )
)
_CHILD: Final = f'{_TRAVELLING} && @.age_group != "adult"'
_GUARDED: Final = (
    f"NOT jsonb_path_exists({{persons}}, '$[*] ? ({_CHILD})') "
    f"""OR jsonb_path_exists({{persons}}, '$[*] ? ({_TRAVELLING} && @.age_group == "adult")') """
    f"OR (NOT jsonb_path_exists({{persons}}, '$[*] ? ({_CHILD} && {_lacks('supervision')})') "
    f"""AND {_among(_CHILD, '@.best_interests.procedure == "determination"')})"""
)
# What is sealed is checked as it is written; `reception_arranged_at` besides by a limit of its own, as before.
_CONDITIONS: Final = {
    "child_with_guardian": _GUARDED,
    "everybody_screened": _EVERYBODY_SCREENED,
    "arranged_for_everybody": _nobody(_lacks("exit_formalities")),
    "visa_for_everybody": f"NOT {{case}}transit_visa_needed OR {_nobody(_lacks('transit_visa'))}",
    "nobody_unfit": _nobody(
        '(exists (@.evidence[*] ? (@.outcome == "unfit")) '
        f'|| (exists (@.evidence[*] ? (@.kind == "fitness_asked")) && {_lacks("fitness")}))'
    ),
    "help_is_booked": " AND ".join(
        _nobody(f'exists (@.evidence[*].conditions[*] ? (@ == "{help}")) && !(exists (@.assistance[*] ? (@ == "{help}")))')
        for help in _HELP
    ),
}
_ARRANGED: Final = "reception_arranged_at IS NOT NULL"

# Nothing of it is kept: what is written to the table is the row as it leaves this function.
_TRIGGER: Final = """
CREATE FUNCTION check_what_is_sealed() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
DECLARE
    told jsonb := NEW.in_clear;
BEGIN
    NEW.in_clear := NULL;
    -- Whoever only seals the row anew is its owner, and leaves its version and its status as they were.
    IF NEW.status NOT IN ('ready_to_travel', 'cleared_to_board') OR NEW.holds_until < '2000-01-01 00:00:00+00'
        OR TG_OP = 'UPDATE' AND NEW.version = OLD.version AND NEW.status = OLD.status AND (
            current_user = 'returns_owner' OR (NEW.persons, NEW.screening, NEW.transit_visa_needed)
            IS NOT DISTINCT FROM (OLD.persons, OLD.screening, OLD.transit_visa_needed)
        ) THEN
        RETURN NEW;
    END IF;
    {checks}
    RETURN NEW;
END
$$
"""
_CHECK: Final = """
    IF ({condition}) IS NOT TRUE THEN
        RAISE EXCEPTION 'this case is not ready' USING ERRCODE = '23514', TABLE = 'cases', CONSTRAINT = 'ck_cases_{name}';
    END IF;
"""

_BESIDES: Final = """
CREATE OR REPLACE FUNCTION erase_besides(p_person uuid) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp AS $$ BEGIN
    DECLARE of_the_person uuid;
    BEGIN
        DELETE FROM disclosure d USING log_mentions m, event_log e
            WHERE m.about = p_person AND e.idx = m.idx AND d.event_id = e.id
            AND e.type IN (
                'avrr.returns.case.evidence_recorded.v1', 'avrr.returns.case.booking_confirmed.v1',
                'avrr.returns.case.screening_recorded.v1'
            );
        DELETE FROM idempotency i USING log_mentions m, event_log e
            WHERE m.about = p_person AND e.idx = m.idx AND i.resource_id = e.subject;
        UPDATE cases c SET screening = (
            SELECT coalesce(jsonb_agg(found.one ORDER BY found.place), '[]'::jsonb)
            FROM jsonb_array_elements(c.screening) WITH ORDINALITY AS found(one, place)
            WHERE found.one ->> 'person_id' <> p_person::text
        ) WHERE c.id IN (
            SELECT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx WHERE m.about = p_person
        ) AND c.screening @> jsonb_build_array(jsonb_build_object('person_id', p_person::text));
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
                    ELSE {hold} END ORDER BY hold.place)
                FROM jsonb_array_elements(c.holds) WITH ORDINALITY AS hold(one, place)
            ) WHERE c.id = of_the_person AND c.holds <> '[]';
        END LOOP;
        {waits}
    END;
END $$
"""
_WAITS: Final = """UPDATE cases c SET protection_since = (
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
_NO_REASON: Final = "jsonb_set(hold.one, '{reason}', 'null')"
_NOT_SEALED: Final = "(hold.one - 'sealed') || '{\"reason\": null}'"


def upgrade() -> None:
    make_row_keys("returns")
    op.add_column("cases", sa.Column("in_clear", pg.JSONB(astext_type=sa.Text()), nullable=True))
    for name in _CONDITIONS:
        op.drop_constraint(op.f(f"ck_cases_{name}"), "cases")
    _limit("arranged_for_everybody", _ARRANGED)
    op.create_check_constraint(op.f("ck_cases_nothing_in_clear"), "cases", "in_clear IS NULL")
    checks = "".join(
        _CHECK.format(
            name=name,
            condition=condition.format(persons="told -> 'persons'", screening="told -> 'screening'", case="NEW."),
        )
        for name, condition in _CONDITIONS.items()
    )
    op.execute(sa.text(_TRIGGER.replace("{checks}", checks).replace(":", "\\:")))
    op.execute("REVOKE ALL ON FUNCTION check_what_is_sealed() FROM PUBLIC")
    # After those of the status, in the order of names.
    op.execute(
        "CREATE TRIGGER cases_what_is_sealed_is_checked BEFORE INSERT OR UPDATE ON cases "
        "FOR EACH ROW EXECUTE FUNCTION check_what_is_sealed()"
    )
    # Since when a case waits for protection is found by the service as well.
    _besides(_NOT_SEALED, "")
    # What the report counts of the erased is counted by the service, which opens it.
    run_sql("erasure_of_sealed_support_1.sql")
    run_sql("erasure_of_sealed_reports_1.sql")
    let_erase_no_more("returns", _COUNTED)
    op.execute(f"DROP POLICY returns_worker ON {_COUNTED}")
    op.execute(
        f"CREATE POLICY returns_worker ON {_COUNTED} FOR ALL TO returns_worker USING ({EVERY_ROW}) WITH CHECK ({EVERY_ROW})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE (supports) ON {_COUNTED} TO returns_worker")


def downgrade() -> None:
    drop_row_keys()
    op.execute(f"REVOKE ALL ON {_COUNTED} FROM returns_worker")
    op.execute(f"DROP POLICY returns_worker ON {_COUNTED}")
    op.execute(f"CREATE POLICY returns_worker ON {_COUNTED} FOR SELECT TO returns_worker USING ({EVERY_ROW})")
    let_erase("returns", _COUNTED, "INSERT, UPDATE", "year", "kind", "supports")
    for name in _FORMER:
        (former,) = statements_of((_SQL / name).read_text(encoding="utf-8"))
        written = former[former.index("CREATE") :].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
        op.execute(sa.text(written.replace(":", "\\:")))
    _besides(_NO_REASON, _WAITS)
    op.execute("DROP TRIGGER cases_what_is_sealed_is_checked ON cases")
    op.execute("DROP FUNCTION check_what_is_sealed()")
    op.drop_constraint(op.f("ck_cases_nothing_in_clear"), "cases")
    op.drop_column("cases", "in_clear")
    op.drop_constraint(op.f("ck_cases_arranged_for_everybody"), "cases")
    for name, condition in _CONDITIONS.items():
        whole = f"{_ARRANGED} AND {condition}" if name == "arranged_for_everybody" else condition
        _limit(name, whole.format(persons="persons", screening="screening", case=""))


def _limit(name: str, condition: str) -> None:
    op.create_check_constraint(op.f(f"ck_cases_{name}"), "cases", f"{_GATED} OR {_OVER} OR ({condition}) IS TRUE")


def _besides(hold: str, waits: str) -> None:
    written = _BESIDES.replace("{hold}", hold).replace("{waits}", waits)
    op.execute(sa.text(written.replace(":", "\\:")))
