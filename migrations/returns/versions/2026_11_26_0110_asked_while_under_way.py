"""An office asks about anybody under way, whatever became of their case, and the question stands as long as one of them is."""

from typing import Final

from alembic import op

revision = "returns_26"
down_revision = "returns_25"
branch_labels = None
depends_on = None

_LIMIT: Final = "ck_cases_asked_while_departed"
_CASE: Final = "avrr.returns.case."
_UNDER_WAY: Final = """jsonb_path_exists(persons, '$[*] ? (@.travel == "departed")')"""
# What was forgotten before, when one of several turned out not to have left, stands again as the log says: of each case
# since nobody of it was under way.
_AS_IT_WAS_ASKED: Final = f"""
    UPDATE cases c SET departure_asked_at = since.asked_at, departure_confirmed_at = since.confirmed_at
    FROM (
        SELECT subject, (array_agg(confirmed_at ORDER BY idx DESC) FILTER (WHERE confirmed_at IS NOT NULL))[1] AS confirmed_at,
            (array_agg(asked_at ORDER BY idx DESC))[1] AS asked_at
        FROM (
            SELECT subject, idx, max(idx) FILTER (WHERE under_way = 0) OVER (PARTITION BY subject) AS nobody_at,
                (data ->> 'asked_at')::timestamptz AS asked_at, (data ->> 'confirmed_at')::timestamptz AS confirmed_at, type
            FROM (
                SELECT subject, idx, type, cast(convert_from(leaf, 'UTF8') AS jsonb) -> 'data' AS data,
                    sum(CASE WHEN type IN ('{_CASE}person_departed.v1', '{_CASE}arrival_corrected.v1') THEN 1
                        WHEN type IN ('{_CASE}person_arrived.v1', '{_CASE}departure_corrected.v1') THEN -1 ELSE 0 END)
                        OVER (PARTITION BY subject ORDER BY idx) AS under_way
                FROM event_log WHERE subject IN (
                    SELECT subject FROM event_log WHERE type = '{_CASE}departure_confirmation_asked.v1')
            ) AS counted
        ) AS counted
        WHERE type IN ('{_CASE}departure_confirmation_asked.v1', '{_CASE}departure_confirmed.v1')
            AND idx > coalesce(nobody_at, -1)
        GROUP BY subject
    ) AS since
    WHERE c.id = since.subject AND {_UNDER_WAY.replace("persons", "c.persons")}
"""


def upgrade() -> None:
    op.drop_constraint(op.f(_LIMIT), "cases")
    op.execute(_AS_IT_WAS_ASKED)
    op.create_check_constraint(
        op.f(_LIMIT), "cases", f"(departure_asked_at IS NULL AND departure_confirmed_at IS NULL) OR {_UNDER_WAY}"
    )


def downgrade() -> None:
    op.drop_constraint(op.f(_LIMIT), "cases")
    op.execute(
        "UPDATE cases SET departure_asked_at = NULL, departure_confirmed_at = NULL "
        "WHERE coalesce(status_before_hold, status) <> 'departed'"
    )
    op.create_check_constraint(
        op.f(_LIMIT), "cases",
        "(departure_asked_at IS NULL AND departure_confirmed_at IS NULL) "
        "OR coalesce(status_before_hold, status) = 'departed'",
    )
