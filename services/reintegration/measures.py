"""Reintegration's figures for whoever runs it: how much waits for whom, and for how long."""

from typing import Final

from services.reintegration.ageing_queries import AGED
from shared.sampling import Measure, queue, queue_of

MEASURES: Final[tuple[Measure, ...]] = (
    queue(
        "SELECT 'grants:' || hat AS queue, count(*) AS items, extract(epoch FROM cast(:now AS timestamptz) - min(since)) AS seconds "
        "FROM grant_turns GROUP BY hat"
    ),
    queue_of(AGED),
    # While one waits nothing is ordered to be paid.
    queue(
        "SELECT 'money:lost_payments' AS queue, count(*) AS items, extract(epoch FROM cast(:now AS timestamptz) - min(listed_at)) AS seconds "
        "FROM lost_payments WHERE status <> 'cleared' HAVING count(*) > 0"
    ),
)
