"""That whatever offices were told of arrivals is noted, and nothing else."""

from typing import Final

from shared.db import Sql
from shared.verify import Check

_IDS: Final = "ANY (cast(:ids AS uuid[]))"

CHECKS: Final = (
    Check(
        "arrival notices",
        # Who was told of a case is found by what names it, entry by entry: a join might read all that offices ever asked.
        Sql(
            f"WITH asked AS (SELECT id FROM cases WHERE id = {_IDS} UNION SELECT case_id FROM arrival_notices WHERE case_id = {_IDS}), "
            "told AS (SELECT a.id, (array_agg(one ->> 'status' = 'not_coming' ORDER BY e.idx DESC))[1] AS not_coming FROM asked a "
            " CROSS JOIN LATERAL (SELECT m.idx, (SELECT e.leaf FROM event_log e WHERE e.idx = m.idx "
            "  AND e.type = 'avrr.returns.access.status_asked.v1') AS leaf FROM log_mentions m WHERE m.about = a.id OFFSET 0) e "
            " CROSS JOIN LATERAL jsonb_array_elements(cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' -> 'told') one "
            " WHERE one ->> 'case_id' = cast(a.id AS text) AND one ->> 'status' IN ('travel_scheduled', 'departed', 'not_coming') "
            " GROUP BY a.id "
            " HAVING bool_or(one ->> 'status' IN ('travel_scheduled', 'departed'))) "
            "SELECT a.id FROM asked a LEFT JOIN arrival_notices n ON n.case_id = a.id LEFT JOIN told t ON t.id = a.id "
            "WHERE (n.case_id IS NULL) <> (t.id IS NULL) OR (n.not_coming_at IS NOT NULL) <> t.not_coming ORDER BY a.id"
        ),
        by_id=True,
    ),
    Check(
        "arrival notices of no case",
        Sql("SELECT n.case_id FROM arrival_notices n WHERE NOT EXISTS (SELECT FROM cases c WHERE c.id = n.case_id)"),
    ),
)
