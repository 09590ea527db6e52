"""What reintegration's tables answer about a donor's view of a fund: grants, committed and spent, by category and country."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.reintegration.domain.amounts import NOTHING
from services.reintegration.domain.withholding import Cell, Figures
from services.reintegration.sealed import categories_of
from shared.db import Sql, UnitOfWork

# What grants had of a fund at the end of a month, by the months in which it was posted.
_AT_THE_END = Sql(
    "SELECT g.id, g.version, g.category, g.destination_country, p.committed, p.spent FROM (SELECT grant_id, "
    " sum(CASE WHEN kind IN ('commit', 'add', 'reverse') THEN amount_in_fund WHEN kind = 'recover' THEN 0 ELSE -amount_in_fund END) AS committed, "
    " sum(CASE WHEN kind = 'spend' THEN amount_in_fund WHEN kind IN ('reverse', 'recover') THEN -amount_in_fund ELSE 0 END) AS spent "
    " FROM fund_postings WHERE fund_id = :fund_id AND month <= :month GROUP BY grant_id) p "
    "JOIN grants g ON g.id = p.grant_id WHERE p.committed <> 0 OR p.spent <> 0 ORDER BY g.id LIMIT :limit"
)
# Of whoever was erased nobody knows any more what the grant was for.
NOT_KEPT: Final = "not_kept"


async def at_the_end_of(unit: UnitOfWork, fund_id: UUID, month: date, limit: int) -> dict[Cell, Figures]:
    """The first grants, so many, that hold or spent money of a fund at the end of the month that begins so, by category and country."""
    rows = await unit.rows(_AT_THE_END, fund_id=fund_id, month=month, limit=limit)
    found: defaultdict[Cell, Figures] = defaultdict(Figures)
    for row, category in zip(rows, await categories_of(unit, rows), strict=True):
        committed: Decimal = row["committed"] or NOTHING
        found[category or NOT_KEPT, row["destination_country"]] += Figures(1, committed, row["spent"] or NOTHING)
    return dict(found)
