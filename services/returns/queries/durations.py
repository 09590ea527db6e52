"""How long a return takes from the wish to the departure: the median, over those whom the report counts as returned."""

from shared.db import Sql, UnitOfWork
from shared.statistics import FEWEST, Figure, Period

_MEDIANS = Sql(
    "WITH returned AS (SELECT t.destination_country, "
    "  cast(t.departed_at AT TIME ZONE cast(:zone AS text) AS date) "
    "  - cast(c.expressed_at AT TIME ZONE cast(:zone AS text) AS date) AS days "
    " FROM travels t JOIN cases c ON c.id = t.case_id "
    " WHERE t.departed_at >= cast(:first AS date)::timestamp AT TIME ZONE cast(:zone AS text) "
    " AND t.departed_at < (cast(:last AS date) + 1)::timestamp AT TIME ZONE cast(:zone AS text) "
    " AND t.arrived_at IS NOT NULL) "
    # Between two persons in the middle it is half a day or a whole one; a half is counted as a whole.
    "SELECT destination_country, cast(floor(percentile_cont(0.5) WITHIN GROUP (ORDER BY days) + 0.5) AS integer) AS median "
    f"FROM returned GROUP BY GROUPING SETS ((), (destination_country)) HAVING count(*) >= {FEWEST} "
    "ORDER BY destination_country NULLS FIRST"
)


async def durations(unit: UnitOfWork, period: Period) -> list[Figure]:
    """The median of days, by the mission's calendar, from the wish to return to the departure; over all and by country.

    It is taken over persons who departed in the period and whose arrival is confirmed; over fewer than `FEWEST` there is none.
    """
    rows = await unit.rows(_MEDIANS, first=period.first, last=period.last, zone=period.zone)
    keys = ("days_to_departure" if (to := row["destination_country"]) is None else f"days_to_departure_{to}" for row in rows)
    return [Figure(key=key, unit="days", value=row["median"]) for key, row in zip(keys, rows, strict=True)]
