"""What was recorded wrongly is corrected by two; what was arranged for a booking goes with it; more of the gate is held here."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "returns_13"
down_revision = "returns_12"
branch_labels = None
depends_on = None

_WAYS: Final = (("departed", "preparing"), ("departed", "withdrawn"), ("arrived", "departed"))
_GATED: Final = "status NOT IN ('ready_to_travel', 'cleared_to_board')"
_GOING: Final = '@.travel == "expected"'
_TOGETHER: Final = "departs_at IS NOT NULL OR (reception_arranged_at IS NULL AND "
_HELP: Final = ("escort", "oxygen", "wheelchair")


def _lacks(kind: str) -> str:
    return f'!(exists (@.evidence[*] ? (@.kind == "{kind}")))'


_NOBODY: Final = "NOT jsonb_path_exists(persons, '$[*] ? ({who} && {has})')"
_CHECKS: Final = {
    "arranged_for_everybody": "reception_arranged_at IS NOT NULL AND "
    + _NOBODY.format(who=_GOING, has=_lacks("exit_formalities")),
    "visa_for_everybody": "NOT transit_visa_needed OR " + _NOBODY.format(who=_GOING, has=_lacks("transit_visa")),
    "nobody_unfit": _NOBODY.format(
        who=_GOING,
        has='(exists (@.evidence[*] ? (@.outcome == "unfit")) '
        f'|| (exists (@.evidence[*] ? (@.kind == "fitness_asked")) && {_lacks("fitness")}))',
    ),
    "help_is_booked": " AND ".join(
        _NOBODY.format(
            who=_GOING,
            has=f'exists (@.evidence[*].conditions[*] ? (@ == "{help}")) && !(exists (@.assistance[*] ? (@ == "{help}")))',
        )
        for help in _HELP
    ),
}

# As the fold of their events has it. Who ever withdrew is named by the facts that say so.
_WITHDREW: Final = """
    UPDATE cases c SET persons = (
        SELECT jsonb_agg(person.one || jsonb_build_object('correction', NULL, 'withdrew', EXISTS (
            SELECT FROM event_log e WHERE e.subject = c.id
            AND e.type IN ('avrr.returns.case.person_withdrew.v1', 'avrr.returns.case.withdrawn.v1')
            AND jsonb_path_exists(
                cast(convert_from(e.leaf, 'UTF8') AS jsonb), '$.data.** ? (@ == $one)',
                jsonb_build_object('one', person.one -> 'person_id')
            )
        )) ORDER BY person.place)
        FROM jsonb_array_elements(c.persons) WITH ORDINALITY AS person(one, place)
    ) WHERE c.persons <> '[]'
"""
# Who was stopped on the way stands in the fact that says so.
_STOPPED: Final = """
    UPDATE cases c SET holds = (
        SELECT jsonb_agg(hold.one || jsonb_build_object('person_ids', coalesce((
            SELECT cast(convert_from(e.leaf, 'UTF8') AS jsonb) #> '{data,person_ids}' FROM event_log e
            WHERE e.subject = c.id AND e.type = 'avrr.returns.case.transit_interrupted.v1'
            AND cast(convert_from(e.leaf, 'UTF8') AS jsonb) #>> '{data,hold_id}' = hold.one ->> 'hold_id'
        ), '[]')) ORDER BY hold.place)
        FROM jsonb_array_elements(c.holds) WITH ORDINALITY AS hold(one, place)
    ) WHERE c.holds <> '[]'
"""
# Exit formalities that were recorded before a flight was missed, or before its booking was replaced, go with that flight.
_GIVEN_UP: Final = """
    WITH bookings AS (
        SELECT e.subject, e.idx, e.type, lag(e.type) OVER (PARTITION BY e.subject ORDER BY e.idx) AS before
        FROM event_log e WHERE e.type IN ('avrr.returns.case.booking_confirmed.v1', 'avrr.returns.case.flight_missed.v1')
    ), given_up AS (
        SELECT subject, max(idx) AS idx FROM bookings
        WHERE type = 'avrr.returns.case.flight_missed.v1' OR before = 'avrr.returns.case.booking_confirmed.v1' GROUP BY subject
    ), reported AS (
        SELECT e.subject, cast(convert_from(e.leaf, 'UTF8') AS jsonb) #>> '{data,person_id}' AS person_id, max(e.idx) AS idx
        FROM event_log e JOIN disclosure d ON d.event_id = e.id
        WHERE e.type = 'avrr.returns.case.evidence_recorded.v1' AND d.value = 'exit_formalities' GROUP BY 1, 2
    )
    UPDATE cases c SET persons = (
        SELECT jsonb_agg(CASE WHEN r.idx < g.idx THEN jsonb_set(person.one, '{evidence}', jsonb_path_query_array(
            person.one, '$.evidence[*] ? (@.kind != "exit_formalities")'
        )) ELSE person.one END ORDER BY person.place)
        FROM jsonb_array_elements(c.persons) WITH ORDINALITY AS person(one, place)
        LEFT JOIN reported r ON r.subject = c.id AND r.person_id = person.one ->> 'person_id'
    ) FROM given_up g WHERE g.subject = c.id
"""
# Nobody of a case that has ended leaves with its clearance, and when a paper ended is nobody's business.
_LAPSED: Final = """
    UPDATE cases SET cleared_at = NULL, clearance_lapsed_at = NULL WHERE clearance_lapsed_at IS NOT NULL
    AND status IN ('closed', 'withdrawn', 'ineligible', 'not_departed', 'lapsed')
"""
# What was booked for a case goes with it, and whoever left of it afterwards, who took another seat, is awaited for a day.
_UNBOOKED: Final = """
    UPDATE cases c SET departs_at = NULL, arrives_at = NULL, booked_person_ids = '{}', flight = NULL, needs = '{}',
        transit_visa_needed = false, reception_arranged_at = NULL, cleared_at = NULL, clearance_lapsed_at = NULL, persons = (
            SELECT jsonb_agg(person.one || '{"confirmed_at": null}' || CASE WHEN person.one ->> 'travel' <> 'departed'
                THEN '{}' ELSE jsonb_build_object(
                    'expected_at', (person.one ->> 'departed_at')::timestamptz + interval '24 hours'
                ) END ORDER BY person.place)
            FROM jsonb_array_elements(c.persons) WITH ORDINALITY AS person(one, place)
        )
    WHERE c.status IN ('withdrawn', 'lapsed') AND c.departs_at IS NOT NULL
"""
_MISSED: Final = """
    UPDATE cases c SET arrival_due_at = left_all_the_same.due FROM (
        SELECT c.id, min(p.expected_at)
            + CASE WHEN bool_or(p.age_group <> 'adult') THEN interval '6 hours' ELSE interval '24 hours' END AS due
        FROM cases c CROSS JOIN LATERAL
            jsonb_to_recordset(c.persons) AS p(travel text, age_group text, expected_at timestamptz)
        WHERE p.travel = 'departed' AND c.status IN ('withdrawn', 'lapsed') GROUP BY c.id
    ) left_all_the_same WHERE left_all_the_same.id = c.id AND c.arrival_due_at IS NOT NULL
"""
# Whoever stands ready from before all this was asked for is found over by the next look.
_OVER: Final = "holds_until < '2000-01-01 00:00:00+00'"
_LOOKED_AT: Final = f"UPDATE cases SET holds_until = 'epoch' WHERE NOT ({_GATED}) AND ({{held}}) IS NOT TRUE"


def upgrade() -> None:
    for name, kind in (("transit_country", sa.Text()), ("booked_at", sa.DateTime(timezone=True)), ("reopening_reason", sa.Text())):
        op.add_column("cases", sa.Column(name, kind, nullable=True))
    held = " AND ".join(f"({condition})" for condition in _CHECKS.values())
    for statement in (_WITHDREW, _STOPPED, _GIVEN_UP, _LAPSED, _UNBOOKED, _MISSED, _LOOKED_AT.format(held=held)):
        op.execute(sa.text(statement.replace(":", "\\:")))
    _booked_together("booked_at IS NULL AND transit_country IS NULL AND NOT transit_visa_needed)")
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_cases_{name}"), "cases", f"{_GATED} OR {_OVER} OR ({condition}) IS TRUE")
    op.create_check_constraint(
        op.f("ck_cases_reopened_from_closed"), "cases", "reopening_reason IS NULL OR status = 'closed'"
    )
    for before, after in _WAYS:
        op.execute(f"INSERT INTO status_transition VALUES ('cases', '{before}', '{after}')")


def downgrade() -> None:
    for before, after in _WAYS:
        op.execute(
            "DELETE FROM status_transition "
            f"WHERE (aggregate, from_status, to_status) = ('cases', '{before}', '{after}')"
        )
    for name in ("reopened_from_closed", *reversed(_CHECKS)):
        op.drop_constraint(op.f(f"ck_cases_{name}"), "cases")
    _booked_together("NOT transit_visa_needed)")
    for name in ("reopening_reason", "booked_at", "transit_country"):
        op.drop_column("cases", name)


def _booked_together(rest: str) -> None:
    op.drop_constraint(op.f("ck_cases_nothing_arranged_without_booking"), "cases")
    op.create_check_constraint(op.f("ck_cases_nothing_arranged_without_booking"), "cases", _TOGETHER + rest)
