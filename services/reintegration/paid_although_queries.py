"""What reintegration tells of payments that were made although something stood against them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.contracts.paid_although import StoodAgainst
from shared.db import Sql, UnitOfWork
from shared.ids import UUID_PATTERN
from shared.money import Amount

_LISTED = Sql(
    "SELECT grant_id, tranche, attempt_no, what, destination_country, payee_id, amount, currency, stood_against, said_by, said_at "
    "FROM paid_although WHERE (grant_id, tranche, attempt_no, what) > (:grant_id, :tranche, :attempt_no, :what) "
    "ORDER BY grant_id, tranche, attempt_no, what LIMIT :limit"
)

Place = Annotated[str, Field(pattern=f"^{UUID_PATTERN}-[1-9]-[1-9][0-9]{{0,5}}-(handed_over|paid)$")]


class PaidAlthough(BaseModel):
    """That an attempt was handed over or paid, and what stood against it when that was said."""

    grant_id: UUID
    tranche: int
    attempt_no: int
    what: Literal["handed_over", "paid"]
    destination_country: str
    payee_id: UUID | None
    amount: Amount
    currency: str
    stood_against: tuple[StoodAgainst, ...]
    said_by: str
    said_at: datetime

    @property
    def place(self) -> str:
        """What a list takes to go on after this."""
        return f"{self.grant_id}-{self.tranche}-{self.attempt_no}-{self.what}"


async def paid_although(unit: UnitOfWork, after: Place | None, limit: int) -> list[PaidAlthough]:
    """What was paid although something stood against it, in the order of grants and tranches, after a place in it."""
    place: tuple[UUID, int, int, str] = (UUID(int=0), 0, 0, "")
    if after is not None:
        tranche, attempt_no, what = after[37:].split("-")
        place = UUID(after[:36]), int(tranche), int(attempt_no), what
    grant_id, number, attempt, said = place
    rows = await unit.rows(_LISTED, grant_id=grant_id, tranche=number, attempt_no=attempt, what=said, limit=limit)
    return [PaidAlthough.model_validate(dict(row)) for row in rows]
