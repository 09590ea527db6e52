"""What a journey rests on beside documents, until when a readiness holds, and when an arrival is overdue."""

import sqlalchemy as sa
from alembic import op

revision = "returns_10"
down_revision = "returns_9"
branch_labels = None
depends_on = None

_READY = "status IN ('ready_to_travel', 'cleared_to_board')"
_MOMENTS = (
    "reception_arranged_at", "clearance_lapsed_at", "holds_until", "arrival_due_at", "arrival_overdue_at"
)  # fmt: skip
_INDEXES = {
    "ix_cases_gated_id": "holds_until IS NOT NULL",
    "ix_cases_awaited_id": "arrival_due_at IS NOT NULL",
    "ix_cases_overdue_id": "arrival_overdue_at IS NOT NULL",
}
_NOTHING_ARRANGED = "departs_at IS NOT NULL OR (reception_arranged_at IS NULL AND NOT transit_visa_needed)"
_ENDS = f"({_READY}) = (holds_until IS NOT NULL)"

# As the fold of their events has it: the end of a clearance or the booked departure, or of the first document.
_HOLDS = f"""
    UPDATE cases c SET holds_until = least(
        CASE WHEN c.status = 'cleared_to_board' THEN c.cleared_at + interval '24 hours' ELSE c.departs_at END,
        (SELECT min(((cast(p.document_valid_until AS date) + 1)::timestamp AT TIME ZONE 'UTC') - interval '14 hours')
         FROM jsonb_to_recordset(c.persons) AS p(travel text, document_valid_until text) WHERE p.travel = 'expected')
    ) WHERE c.{_READY}
"""
# When whoever is under way should land, by the booking that stood as they left, as their events have it.
_EXPECTED = """
    UPDATE cases c SET persons = (
        SELECT jsonb_agg(CASE WHEN person.one ->> 'travel' <> 'departed' THEN person.one ELSE
            person.one || jsonb_build_object('overdue_at', NULL, 'expected_at', (
                SELECT CASE
                    WHEN booking.arrives_at IS NULL OR person.departed_at < booking.departs_at - interval '24 hours'
                        THEN person.departed_at + interval '24 hours'
                    ELSE greatest(booking.arrives_at, person.departed_at + (booking.arrives_at - booking.departs_at)) END
                FROM (SELECT 1) always LEFT JOIN LATERAL (
                    SELECT (cast(convert_from(e.leaf, 'UTF8') AS jsonb) #>> '{data,departs_at}')::timestamptz AS departs_at,
                        (cast(convert_from(e.leaf, 'UTF8') AS jsonb) #>> '{data,arrives_at}')::timestamptz AS arrives_at
                    FROM event_log e WHERE e.subject = c.id
                    AND e.type IN ('avrr.returns.case.booking_confirmed.v1', 'avrr.returns.case.flight_missed.v1')
                    AND e.idx < (
                        SELECT max(d.idx) FROM event_log d WHERE d.subject = c.id
                        AND d.type = 'avrr.returns.case.person_departed.v1'
                        AND cast(convert_from(d.leaf, 'UTF8') AS jsonb) #>> '{data,person_id}' = person.one ->> 'person_id'
                    ) ORDER BY e.idx DESC LIMIT 1
                ) booking ON true
            )) END ORDER BY person.place)
        FROM (SELECT one, place, (one ->> 'departed_at')::timestamptz AS departed_at
            FROM jsonb_array_elements(c.persons) WITH ORDINALITY AS p(one, place)) person
    ) WHERE jsonb_path_exists(c.persons, '$[*] ? (@.travel == "departed")')
"""
_DUE = """
    UPDATE cases c SET arrival_due_at = left_behind.due FROM (
        SELECT c.id, min(p.expected_at)
            + CASE WHEN bool_or(p.age_group <> 'adult') THEN interval '6 hours' ELSE interval '24 hours' END AS due
        FROM cases c CROSS JOIN LATERAL
            jsonb_to_recordset(c.persons) AS p(travel text, age_group text, expected_at timestamptz)
        WHERE p.travel = 'departed' GROUP BY c.id
    ) left_behind WHERE left_behind.id = c.id
"""
_BESIDES = """
CREATE OR REPLACE FUNCTION erase_besides(p_person uuid) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp AS $$ BEGIN
    DECLARE of_the_person uuid;
    BEGIN
        {own}
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
        END LOOP;
    END;
END $$
"""
# What was decided about somebody's health, and what was booked for it, does not wait for the rest of their family; nor do
# the answers to such orders, of whose hashes the few possible texts could be tried.
_OWN = """
        DELETE FROM disclosure d USING log_mentions m, event_log e
            WHERE m.about = p_person AND e.idx = m.idx AND d.event_id = e.id
            AND e.type IN ('avrr.returns.case.evidence_recorded.v1', 'avrr.returns.case.booking_confirmed.v1');
        DELETE FROM idempotency i USING log_mentions m, event_log e
            WHERE m.about = p_person AND e.idx = m.idx AND i.resource_id = e.subject;
"""


def upgrade() -> None:
    op.add_column("cases", sa.Column("transit_visa_needed", sa.Boolean(), nullable=False, server_default="false"))
    op.alter_column("cases", "transit_visa_needed", server_default=None)
    for moment in _MOMENTS:
        op.add_column("cases", sa.Column(moment, sa.DateTime(timezone=True), nullable=True))
    op.execute(_HOLDS)
    op.execute(sa.text(_EXPECTED.replace(":", "\\:")))
    op.execute(_DUE)
    op.create_check_constraint(op.f("ck_cases_nothing_arranged_without_booking"), "cases", _NOTHING_ARRANGED)
    op.create_check_constraint(op.f("ck_cases_readiness_ends"), "cases", _ENDS)
    for name, rows in _INDEXES.items():
        op.create_index(name, "cases", ["id"], postgresql_where=sa.text(rows))
    op.execute("GRANT SELECT (type) ON event_log TO returns_eraser")
    op.execute(_BESIDES.format(own=_OWN))


def downgrade() -> None:
    op.execute(_BESIDES.format(own=""))
    op.execute("REVOKE SELECT (type) ON event_log FROM returns_eraser")
    for name in _INDEXES:
        op.drop_index(name, "cases")
    for name in ("ck_cases_readiness_ends", "ck_cases_nothing_arranged_without_booking"):
        op.drop_constraint(op.f(name), "cases")
    for column in (*reversed(_MOMENTS), "transit_visa_needed"):
        op.drop_column("cases", column)
