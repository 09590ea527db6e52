"""What the report counts of support on the way, and that what it counts of the erased is all counted."""

import json
from typing import Final

from services.returns.domain.support import KINDS
from services.returns.tables import SUPPORTED
from shared.db import Sql, UnitOfWork
from shared.statistics import Figure, Period
from shared.verify import Check

_GIVEN: Final = (
    f"cases c CROSS JOIN LATERAL jsonb_to_recordset(c.supports) AS s(person_id uuid, kind text, status text, "
    f"given_from date) WHERE c.{SUPPORTED} AND s.status = 'given'"
)
FIGURES = Sql(
    f"WITH given AS (SELECT s.person_id, s.kind FROM {_GIVEN} "
    "  AND s.given_from BETWEEN cast(:first AS date) AND cast(:last AS date)), "
    "kept AS (SELECT kind, supports FROM supports_of_the_erased "
    " WHERE make_date(year, 1, 1) >= cast(:first AS date) AND make_date(year, 12, 31) <= cast(:last AS date)), "
    "counted AS (SELECT kind, sum(supports) AS supports FROM (SELECT kind, count(*) AS supports FROM given "
    "  WHERE kind IS NOT NULL GROUP BY kind UNION ALL SELECT kind, supports FROM kept) each GROUP BY kind) "
    "SELECT (SELECT count(*) FROM given) AS supports, (SELECT count(DISTINCT person_id) FROM given) AS persons, "
    "(SELECT coalesce(json_object_agg(kind, supports), '{}'::json) FROM counted) AS by_kind"
)

CHECKS: Final = (
    Check(
        "support of erased persons",
        Sql(
            "SELECT c.id FROM cases c CROSS JOIN LATERAL jsonb_to_recordset(c.supports) "
            "AS s(person_id uuid, kind text, need text, provider text, budget_line text, outcome text) "
            f"JOIN persons k ON k.id = s.person_id WHERE c.{SUPPORTED} AND k.erased_at IS NOT NULL "
            "AND coalesce(s.kind, s.need, s.provider, s.budget_line, s.outcome) IS NOT NULL "
            "UNION ALL SELECT e.subject FROM event_log e JOIN disclosure d ON d.event_id = e.id JOIN log_mentions m "
            "ON m.idx = e.idx JOIN persons k ON k.id = m.about WHERE k.erased_at IS NOT NULL "
            "AND e.type LIKE 'avrr.returns.case.support\\_%'"
        ),
    ),
    Check(
        "supports of the erased",
        Sql(
            "SELECT counted.supports FROM (SELECT coalesce(sum(supports), 0) AS supports FROM supports_of_the_erased) counted "
            f"WHERE counted.supports <> (SELECT count(*) FROM {_GIVEN} AND s.kind IS NULL)"
        ),
    ),
)


async def support_figures(unit: UnitOfWork, period: Period) -> list[Figure]:
    """Support on the way that was given, on its first day, by kind, and how many persons it was given to.

    Which kind persons who were erased were given is known for whole years of the mission only, and by no shorter period.
    """
    row = await unit.row(FIGURES, first=period.first, last=period.last)
    assert row is not None
    supports: int = row["supports"]
    by_kind: dict[str, int] = json.loads(row["by_kind"])
    return [
        Figure(key="supports", unit="supports", value=supports),
        *(Figure(key=f"supports_{kind}", unit="supports", value=by_kind.get(kind, 0), of=supports) for kind in KINDS),
        Figure(key="persons_supported", unit="persons", value=row["persons"]),
    ]
