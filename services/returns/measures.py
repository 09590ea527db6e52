"""Returns' figures for whoever runs it: how much waits for whom and for how long, and how often readiness was lost."""

from typing import Final

from services.returns.tables import DEPARTURE_ASKED, DOUBTED, INQUIRED, OVERDUE, PROTECTED
from shared.contracts.returns import ClearanceLost
from shared.db import Sql
from shared.sampling import Measure, queue

# What each waits for, by the few cases of which an index holds no other.
_QUEUES: Final = {
    "cases:protection": ("protection_since", PROTECTED),
    "cases:arrival_overdue": ("arrival_overdue_at", OVERDUE),
    "cases:departure_to_confirm": ("departure_asked_at", DEPARTURE_ASKED),
    "cases:correction": ("correction_since", DOUBTED),
    "cases:inquiry": ("inquired_since", INQUIRED),
}

MEASURES: Final[tuple[Measure, ...]] = (
    queue(
        " UNION ALL ".join(
            f"SELECT '{name}' AS queue, count(*) AS items, "
            f"coalesce(extract(epoch FROM cast(:now AS timestamptz) - min({since})), 0) AS seconds FROM cases WHERE {condition}"
            for name, (since, condition) in _QUEUES.items()
        )
    ),
    Measure(
        Sql(
            f"SELECT count(*) AS lost FROM event_log WHERE type = '{ClearanceLost.kind}' "
            "AND time > cast(:now AS timestamptz) - interval '1 day' AND time <= cast(:now AS timestamptz)"
        ),
        {"lost": ("avrr_clearances_lost_day", "readiness or clearances to board that were taken away within a day")},
    ),
)
