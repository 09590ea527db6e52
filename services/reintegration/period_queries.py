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
# In the order of the months, and in each of the grants' currencies, which are paid in their own.
_MONTHS = Sql(
    "SELECT month, fund_currency AS currency, currency AS grant_currency, "
    + ", ".join(
        f"coalesce(sum({column}) FILTER (WHERE kind = '{kind}'), 0) AS {name}"
        for name, kind, column in (
            ("committed", "commit", "amount_in_fund"), ("added", "add", "amount_in_fund"), ("spent", "spend", "amount_in_fund"),
            ("reversed", "reverse", "amount_in_fund"), ("released", "release", "amount_in_fund"),
            ("not_needed", "difference", "amount_in_fund"), ("recovered", "recover", "amount_in_fund"),
            ("recovered_in_grants", "recover", "amount"), ("reversed_in_grants", "reverse", "amount"),
            ("committed_in_grants", "commit", "amount"), ("spent_in_grants", "spend", "amount"),
            ("released_in_grants", "release", "amount"),
        )
    )
    + ", EXISTS (SELECT FROM closed_months c WHERE c.month = p.month) AS closed "
    "FROM fund_postings p WHERE fund_id = :fund_id GROUP BY month, fund_currency, currency ORDER BY month, currency"
)  # fmt: skip


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
    """What was posted to a fund in one month for grants in one currency, in the fund's own.

    Committed, added since the rates had moved, spent, come back of what was spent, freed again, committed but not needed in the
    end, and come back since it was asked back. What of that was so in the grants' own currency stands beside it.
    """

    month: date
    currency: str
    committed: Amount
    added: Amount
    spent: Amount
    reversed: Amount
    released: Amount
    not_needed: Amount
    recovered: Amount
    grant_currency: str
    committed_in_grants: Amount
    spent_in_grants: Amount
    reversed_in_grants: Amount
    released_in_grants: Amount
    recovered_in_grants: Amount
    closed: bool


async def behind_a_period(unit: UnitOfWork, period_id: UUID, month: str, now: datetime, zone: str) -> PeriodFacts:
    """The mission's day, and whether the month was closed under another id."""
    row = await unit.row(_BEHIND_A_PERIOD, month=month, period_id=period_id, now=now, zone=zone)
    assert row is not None
    return PeriodFacts(row["today"], row["taken"])


async def months(unit: UnitOfWork, fund_id: UUID) -> list[FundMonth]:
    """What was posted to a fund, month by month, for grants in each currency."""
    return [FundMonth.model_validate(dict(row)) for row in await unit.rows(_MONTHS, fund_id=fund_id)]
