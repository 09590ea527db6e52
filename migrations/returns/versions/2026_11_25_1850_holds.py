"""Cases are put on hold, for reasons that go with the last of their persons, and go on where they were; closed ones reopen."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from migrations.kernel_1 import run_sql
from migrations.kernel_6 import let_erase, let_erase_no_more

revision = "returns_11"
down_revision = "returns_10"
branch_labels = None
depends_on = None

_BEFORE: Final = ("intention", "screening", "applied", "approved", "preparing", "ready_to_travel", "cleared_to_board")
_AFTER: Final = ("departed", "arrived", "reintegrating", "grant_approved", "grant_disbursed", "monitoring")
_WAYS: Final = (
    *((status, "on_hold") for status in (*_BEFORE, *_AFTER)),
    *(("on_hold", status) for status in (*_BEFORE[:5], *_AFTER, "withdrawn")),
    *(("closed", status) for status in _AFTER[2:]),
)
_TRANSITION: Final = ("aggregate", "from_status", "to_status")
_STATUS: Final = "status"
_STRETCH: Final = "coalesce(status_before_hold, status)"
# What has to be there at these statuses, and from now on also while a hold keeps a case at one of them.
_HAS: Final = (
    ("applied_by_somebody", "'applied'", "submitted_by IS NOT NULL"),
    ("approved_by_somebody", "'approved', 'preparing', 'ready_to_travel', 'cleared_to_board'", "approved_by IS NOT NULL"),
    (
        "office_settled", "'preparing', 'ready_to_travel', 'cleared_to_board'",
        "programme IS NOT NULL AND receiving_country = destination_country",
    ),
    ("departed_has_time", "'departed'", "departed_at IS NOT NULL"),
    (
        "arrived_after_departure",
        "'arrived', 'reintegrating', 'grant_approved', 'grant_disbursed', 'monitoring', 'closing', 'closed'",
        "arrived_at >= departed_at",
    ),
)  # fmt: skip
_EXPECTED: Final = "IN ('preparing', 'ready_to_travel', 'cleared_to_board', 'departed')"
_INDEXES: Final = (
    ("ix_cases_expected_arrives_at_id", ["arrives_at", "id"]),
    ("ix_cases_expected_destination_country_arrives_at_id", ["destination_country", "arrives_at", "id"]),
)
# Whoever has left and not arrived, whatever became of the booking.
_UNDER_WAY: Final = (
    ("ix_travels_under_way", ["departed_at", "case_id"]),
    ("ix_travels_under_way_to", ["destination_country", "departed_at", "case_id"]),
)
_REPORTED: Final = (
    "opened", "application_submitted", "approved", "declared_ineligible", "person_withdrew", "withdrawn", "lapsed",
    "flight_missed", "not_departed", "closed",
)  # fmt: skip
# Why a case was on hold goes from the row with the last of its persons, as everything that its events conceal does.
_BESIDES: Final = """
CREATE OR REPLACE FUNCTION erase_besides(p_person uuid) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp AS $$ BEGIN
    DECLARE of_the_person uuid;
    BEGIN
        DELETE FROM disclosure d USING log_mentions m, event_log e
            WHERE m.about = p_person AND e.idx = m.idx AND d.event_id = e.id
            AND e.type IN ('avrr.returns.case.evidence_recorded.v1', 'avrr.returns.case.booking_confirmed.v1');
        DELETE FROM idempotency i USING log_mentions m, event_log e
            WHERE m.about = p_person AND e.idx = m.idx AND i.resource_id = e.subject;
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
            {holds}
        END LOOP;
    END;
END $$
"""
# What an interrupted journey was, its event says, so that stays.
_HOLDS: Final = """
            UPDATE cases c SET holds = (
                SELECT jsonb_agg(CASE WHEN hold.one ->> 'reason' = 'transit' THEN hold.one
                    ELSE jsonb_set(hold.one, '{reason}', 'null') END ORDER BY hold.place)
                FROM jsonb_array_elements(c.holds) WITH ORDINALITY AS hold(one, place)
            ) WHERE c.id = of_the_person AND c.holds <> '[]';
"""


def upgrade() -> None:
    op.add_column("cases", sa.Column("holds", pg.JSONB(astext_type=sa.Text()), nullable=False, server_default="[]"))
    op.alter_column("cases", "holds", server_default=None)
    op.add_column("cases", sa.Column("status_before_hold", sa.Text(), nullable=True))
    _ask_of(_STRETCH)
    for name, columns in _UNDER_WAY:
        op.create_index(name, "travels", columns, postgresql_where=sa.text("arrived_at IS NULL"))
    op.create_check_constraint(
        op.f("ck_cases_held_from_somewhere"),
        "cases",
        "(status = 'on_hold') = (status_before_hold IS NOT NULL) "
        "AND status_before_hold NOT IN ('ready_to_travel', 'cleared_to_board')",
    )
    op.create_check_constraint(
        op.f("ck_cases_on_hold_while_one_stands"),
        "cases",
        "(status = 'on_hold') = jsonb_path_exists(holds, '$[*] ? (!(@.lifted_at != null))')",
    )
    _report(*_REPORTED, "reopened")
    for before, after in _WAYS:
        op.execute(
            sa.text("INSERT INTO status_transition VALUES ('cases', :before, :after)").bindparams(before=before, after=after)
        )
    run_sql("held_1.sql")
    op.execute("REVOKE ALL ON FUNCTION stretch_follows_transitions() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER cases_stretch_follows BEFORE UPDATE ON cases "
        "FOR EACH ROW EXECUTE FUNCTION stretch_follows_transitions()"
    )
    let_erase_no_more("returns", "cases")
    let_erase("returns", "cases", "UPDATE (holds)", "id", "persons", "holds")
    # By the triggers of the table that it changes.
    let_erase("returns", "status_transition", "", *_TRANSITION)
    op.execute(sa.text(_BESIDES.replace("{holds}", _HOLDS).replace(":", "\\:")))


def downgrade() -> None:
    op.execute(sa.text(_BESIDES.replace("{holds}", "").replace(":", "\\:")))
    let_erase_no_more("returns", "status_transition")
    let_erase_no_more("returns", "cases")
    let_erase("returns", "cases", "", "id", "persons")
    op.execute("DROP TRIGGER cases_stretch_follows ON cases")
    op.execute("DROP FUNCTION stretch_follows_transitions()")
    for before, after in _WAYS:
        op.execute(
            sa.text(
                "DELETE FROM status_transition WHERE aggregate = 'cases' AND from_status = :before AND to_status = :after"
            ).bindparams(before=before, after=after)
        )
    _report(*_REPORTED)
    for name in ("on_hold_while_one_stands", "held_from_somewhere"):
        op.drop_constraint(op.f(f"ck_cases_{name}"), "cases")
    _ask_of(_STATUS)
    for name, _ in _UNDER_WAY:
        op.drop_index(name, table_name="travels")
    op.drop_column("cases", "status_before_hold")
    op.drop_column("cases", "holds")


def _ask_of(where: str) -> None:
    for name, statuses, condition in _HAS:
        op.drop_constraint(op.f(f"ck_cases_{name}"), "cases")
        op.create_check_constraint(
            op.f(f"ck_cases_{name}"), "cases", f"{where} NOT IN ({statuses}) OR ({condition}) IS TRUE"
        )
    for name, columns in _INDEXES:
        op.drop_index(name, table_name="cases")
        op.create_index(name, "cases", columns, postgresql_where=sa.text(f"{where} {_EXPECTED}"))


def _report(*facts: str) -> None:
    listed = ", ".join(f"'avrr.returns.case.{fact}.v1'" for fact in facts)
    op.drop_index("ix_event_log_reported", table_name="event_log")
    op.create_index("ix_event_log_reported", "event_log", ["type", "idx"], postgresql_where=sa.text(f"type IN ({listed})"))
