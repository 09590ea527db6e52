"""What reintegration's tables answer about a donor's view of a fund: what was posted for each grant, month by month."""

import json
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.reintegration.domain.telling import Posted
from services.reintegration.sealed import categories_of
from shared.db import Sql, UnitOfWork

# What grants had of a fund up to the end of a month, by the months in which it was posted.
_POSTED = Sql(
    "SELECT g.id, g.version, g.category, g.destination_country, p.months FROM (SELECT grant_id, "
    " json_agg(json_build_array(month, cast(committed AS text), cast(spent AS text)) ORDER BY month) AS months FROM (SELECT grant_id, month, "
    "  sum(CASE WHEN kind IN ('commit', 'add', 'reverse') THEN amount_in_fund WHEN kind = 'recover' THEN 0 ELSE -amount_in_fund END) AS committed, "
    "  sum(CASE WHEN kind = 'spend' THEN amount_in_fund WHEN kind IN ('reverse', 'recover') THEN -amount_in_fund ELSE 0 END) AS spent "
    "  FROM fund_postings WHERE fund_id = :fund_id AND month <= :month GROUP BY grant_id, month) m GROUP BY grant_id) p "
    "JOIN grants g ON g.id = p.grant_id ORDER BY g.id LIMIT :limit"
)
# A month that takes postings may still change, and all that is told of later ones with it; also one in which nothing was posted
# so far. Nothing is ever posted of a fund before the first of its commitments.
_OPEN = Sql(
    "SELECT cast(min(m) AS date) AS month FROM generate_series(cast(coalesce((SELECT min(month) FROM fund_postings "
    " WHERE fund_id = :fund_id AND month < :month), cast(:month AS date)) AS timestamp), cast(cast(:month AS date) AS timestamp), "
    "interval '1 month') m WHERE NOT EXISTS (SELECT FROM closed_months c WHERE c.month = m)"
)
# Of whoever was erased nobody knows any more what the grant was for.
NOT_KEPT: Final = "not_kept"


async def posted_until(unit: UnitOfWork, fund_id: UUID, month: date, limit: int) -> list[Posted]:
    """What was posted of a fund until the end of the month that begins so, for the first grants, so many, by their months."""
    rows = await unit.rows(_POSTED, fund_id=fund_id, month=month, limit=limit)
    return [
        Posted(date.fromisoformat(at), row["id"], (category or NOT_KEPT, row["destination_country"]), Decimal(committed), Decimal(spent))
        for row, category in zip(rows, await categories_of(unit, rows), strict=True)
        for at, committed, spent in json.loads(row["months"])
    ]  # fmt: skip


async def oldest_open_month(unit: UnitOfWork, fund_id: UUID, month: date) -> date | None:
    """The first month, up to the one that begins so, in which something can still be posted of a fund; None if there is none."""
    row = await unit.row(_OPEN, fund_id=fund_id, month=month)
    assert row is not None
    found: date | None = row["month"]
    return found
