"""Counselling's figures for whoever runs it: erasures that wait for a decision, or for other services."""

from typing import Final

from shared.sampling import Measure, queue

MEASURES: Final[tuple[Measure, ...]] = (
    queue(
        " UNION ALL ".join(
            f"SELECT 'erasures:{status}' AS queue, count(*) AS items, coalesce(extract(epoch FROM cast(:now AS timestamptz) "
            f"- min(cast(erasure ->> 'requested_at' AS timestamptz))), 0) AS seconds FROM persons WHERE (erasure ->> 'status') = '{status}'"
            for status in ("requested", "approved")
        )
    ),
)
