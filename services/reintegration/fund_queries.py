"""What reintegration's tables answer about funds: the facts of their rules, the list, and what was asked of one."""

from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel

from services.reintegration.domain.fund import FundFacts, FundStatus
from services.reintegration.queries import AVAILABLE
from shared.db import Sql, UnitOfWork
from shared.money import Amount

_BEHIND: Final = (
    "SELECT b.committed, b.spent, EXISTS (SELECT FROM grants g WHERE g.fund_id = b.fund_id AND g.status <> 'cancelled' "
    """AND g.tranches @> '[{"status": "paid"}]') AS undelivered FROM fund_balances b WHERE b.fund_id = :fund_id"""
)
_BALANCE = Sql(_BEHIND)
# No grant is approved or paid between this and the end of the transaction: each of them changes this row. What was paid while
# this waited for it a trigger of the confirmation sees.
_BALANCE_IN_TURN = Sql(f"{_BEHIND} FOR UPDATE OF b")
_HELD = Sql(
    "SELECT f.currency, f.granted, coalesce(b.committed, 0) AS committed, coalesce(b.spent, 0) AS spent, "
    f"{AVAILABLE} FROM funds f LEFT JOIN fund_balances b ON b.fund_id = f.id "
    "WHERE f.id = :fund_id"
)
# A fund that nobody confirmed yet holds nothing.
LISTED = Sql(
    "SELECT f.id, f.project, f.donor, f.currency, f.valid_from, f.valid_until, f.countries, f.grant_categories, f.programmes, "
    "f.status, f.waiting ->> 'what' AS waiting, f.granted, coalesce(b.committed, 0) AS committed, "
    f"coalesce(b.spent, 0) AS spent, {AVAILABLE} "
    "FROM funds f LEFT JOIN fund_balances b ON b.fund_id = f.id "
    "WHERE (cast(:after AS uuid) IS NULL OR f.id > :after) ORDER BY f.id LIMIT :limit"
)
_CHANGES = Sql(
    "SELECT a.change_no, a.what, a.granted, a.currency, a.valid_until, a.reason, a.asked_by, a.asked_at, c.confirmed_by, "
    "c.confirmed_at, d.dropped_by, d.dropped_at FROM fund_changes a "
    "LEFT JOIN fund_confirmations c ON c.fund_id = a.fund_id AND c.change_no = a.change_no "
    "LEFT JOIN fund_drops d ON d.fund_id = a.fund_id AND d.change_no = a.change_no "
    "WHERE a.fund_id = :fund_id ORDER BY a.change_no"
)
What = Literal["open", "change", "close"]


class Balance(BaseModel):
    """What a fund holds: ``committed`` is approved and not yet paid, ``available`` can still be approved: nothing of a closed one."""

    currency: str
    granted: Amount
    committed: Amount
    spent: Amount
    available: Amount


class FundRow(Balance):
    """One fund in a list: what it pays for, what it still holds, and what of it waits for a second person."""

    id: UUID
    project: str
    donor: str
    valid_from: date
    valid_until: date
    countries: tuple[str, ...]
    grant_categories: tuple[str, ...]
    programmes: tuple[str, ...]
    status: FundStatus
    waiting: What | None


class FundChange(BaseModel):
    """What somebody asked for a fund, and who confirmed or dropped it; nobody where it waits."""

    change_no: int
    what: What
    granted: Amount
    currency: str
    valid_until: date
    reason: str | None
    asked_by: str
    asked_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    dropped_by: str | None
    dropped_at: datetime | None


async def behind_a_fund(unit: UnitOfWork, fund_id: UUID, *, in_turn: bool) -> FundFacts:
    """What grants took of a fund. ``in_turn``: none of it changes before the end of the transaction."""
    row = await unit.row(_BALANCE_IN_TURN if in_turn else _BALANCE, fund_id=fund_id)
    return FundFacts() if row is None else FundFacts(row["committed"], row["spent"], row["undelivered"])


async def balance(unit: UnitOfWork, fund_id: UUID) -> Balance:
    """What a fund holds now; LookupError for a fund that does not exist."""
    row = await unit.row(_HELD, fund_id=fund_id)
    if row is None:
        raise LookupError("no such fund")
    return Balance.model_validate(dict(row))


async def changes(unit: UnitOfWork, fund_id: UUID) -> list[FundChange]:
    """Everything that was asked for a fund, in its order."""
    return [FundChange.model_validate(dict(row)) for row in await unit.rows(_CHANGES, fund_id=fund_id)]
