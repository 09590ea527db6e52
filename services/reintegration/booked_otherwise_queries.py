"""What reintegration tells of payments that the bank booked otherwise than ordered: its charges, and what is missing."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from shared.db import Sql, UnitOfWork
from shared.ids import UUID_PATTERN
from shared.money import Amount

# By an index of these alone, which are few.
LISTED = Sql(
    "SELECT a.grant_id, a.tranche, a.attempt_no, a.attempt_id, a.destination_country, a.fund_id, a.status = 'reversed' AS came_back, a.amount, "
    "a.currency, a.bank_charges, coalesce(a.charges_currency, a.currency) AS charges_currency, a.booked_short, a.kept_by_bank, a.paid_on, a.paid_month, a.paid_line AS bank_line FROM payment_attempts a "
    "WHERE (a.bank_charges IS NOT NULL OR a.booked_short IS NOT NULL OR a.kept_by_bank IS NOT NULL) AND (a.grant_id, a.tranche, a.attempt_no) > (:grant_id, :tranche, :attempt_no) "
    "ORDER BY a.grant_id, a.tranche, a.attempt_no LIMIT :limit"
)

Place = Annotated[str, Field(pattern=f"^{UUID_PATTERN}-[1-9]-[1-9][0-9]{{0,5}}$")]


class BookedOtherwise(BaseModel):
    """A payment that the bank booked otherwise than ordered: of ``amount``, ``booked_short`` less was booked, as two persons found.

    ``bank_charges`` is what was booked beyond, in ``charges_currency``, which no fund bears, and ``kept_by_bank`` what did not come back of it; both are posted in the month that begins with ``paid_month``.
    """

    grant_id: UUID
    tranche: int
    attempt_no: int
    attempt_id: UUID
    destination_country: str
    fund_id: UUID
    came_back: bool
    amount: Amount
    currency: str
    bank_charges: Amount | None
    charges_currency: str
    booked_short: Amount | None
    kept_by_bank: Amount | None
    paid_on: date
    paid_month: date
    bank_line: UUID

    @property
    def place(self) -> str:
        """What a list takes to go on after this."""
        return f"{self.grant_id}-{self.tranche}-{self.attempt_no}"


async def booked_otherwise(unit: UnitOfWork, after: Place | None, limit: int) -> list[BookedOtherwise]:
    """What the bank booked otherwise, in the order of grants, tranches and attempts, after a place in it."""
    grant_id, tranche, attempt_no = UUID(int=0), 0, 0
    if after is not None:
        number, attempt = after[37:].split("-")
        grant_id, tranche, attempt_no = UUID(after[:36]), int(number), int(attempt)
    rows = await unit.rows(LISTED, grant_id=grant_id, tranche=tranche, attempt_no=attempt_no, limit=limit)
    return [BookedOtherwise.model_validate(dict(row)) for row in rows]
