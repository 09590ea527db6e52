"""What reintegration's tables answer about accounting periods: the facts of their rules, the list, and a fund's months."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel

from services.reintegration.domain.periods import PeriodFacts, PeriodStatus
from services.reintegration.queries import TODAY
from shared.db import Sql, UnitOfWork
from shared.money import Amount

_BEHIND_A_PERIOD = Sql(
    "SELECT EXISTS (SELECT FROM accounting_periods WHERE month = :month AND id <> :period_id) AS taken, "
    f"{TODAY} AS today"
)
LISTED = Sql(
    "SELECT id, month, status, closed_by, closed_at, waiting IS NOT NULL AS waits, reopened_by, reopened_at "
    "FROM accounting_periods WHERE (cast(:after AS uuid) IS NULL OR id > :after) ORDER BY id LIMIT :limit"
)
# In the order of the months; what was committed and what of it became free again stand apart.
_MONTHS = Sql(
    "SELECT month, fund_currency AS currency, coalesce(sum(amount_in_fund) FILTER (WHERE kind = 'commit'), 0) AS committed, "
    "coalesce(sum(amount_in_fund) FILTER (WHERE kind = 'release'), 0) AS released, "
    "coalesce(sum(amount_in_fund) FILTER (WHERE kind = 'spend'), 0) AS spent, "
    "EXISTS (SELECT FROM closed_months c WHERE c.month = p.month) AS closed "
    "FROM fund_postings p WHERE fund_id = :fund_id GROUP BY month, fund_currency ORDER BY month"
)


class PeriodRow(BaseModel):
    """One month that was closed at least once; ``waits`` where somebody asks to reopen it."""

    id: UUID
    month: str
    status: PeriodStatus
    closed_by: str
    closed_at: datetime
    waits: bool
    reopened_by: str | None
    reopened_at: datetime | None


class FundMonth(BaseModel):
    """What was posted to a fund in one month: committed, freed again, and spent."""

    month: date
    currency: str
    committed: Amount
    released: Amount
    spent: Amount
    closed: bool


async def behind_a_period(unit: UnitOfWork, period_id: UUID, month: str, now: datetime, zone: str) -> PeriodFacts:
    """The mission's day, and whether the month was closed under another id."""
    row = await unit.row(_BEHIND_A_PERIOD, month=month, period_id=period_id, now=now, zone=zone)
    assert row is not None
    return PeriodFacts(row["today"], row["taken"])


async def months(unit: UnitOfWork, fund_id: UUID) -> list[FundMonth]:
    """What was posted to a fund, month by month."""
    return [FundMonth.model_validate(dict(row)) for row in await unit.rows(_MONTHS, fund_id=fund_id)]
