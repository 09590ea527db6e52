"""What reintegration tells of differences: the tranches of which less was received than was paid, or booked than ordered, and why."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from shared.contracts.accounting import DifferenceReason, ShortReason
from shared.db import Sql, UnitOfWork
from shared.ids import UUID_PATTERN
from shared.money import Amount

LISTED = Sql(
    "SELECT grant_id, tranche, destination_country, amount, currency, reason, booked_short, short_reason, reconciled_by, reconciled_at "
    "FROM reconciliation_differences WHERE (grant_id, tranche) > (:grant_id, :tranche) ORDER BY grant_id, tranche LIMIT :limit"
)

Place = Annotated[str, Field(pattern=f"^{UUID_PATTERN}-[1-9]$")]


class Difference(BaseModel):
    """What was paid of a tranche and not received, and what the bank booked less than was ordered, each with why, as who reconciled it says.

    In reconciliations of before, which give no ``short_reason``, ``amount`` is both.
    """

    grant_id: UUID
    tranche: int
    destination_country: str
    amount: Amount | None
    currency: str
    reason: DifferenceReason | None
    booked_short: Amount | None
    short_reason: ShortReason | None
    reconciled_by: str
    reconciled_at: datetime

    @property
    def place(self) -> str:
        """What a list takes to go on after this."""
        return f"{self.grant_id}-{self.tranche}"


async def differences(unit: UnitOfWork, after: Place | None, limit: int) -> list[Difference]:
    """What differs, in the order of grants and tranches, after a place in it."""
    grant_id, tranche = (UUID(int=0), 0) if after is None else (UUID(after[:36]), int(after[37:]))
    rows = await unit.rows(LISTED, grant_id=grant_id, tranche=tranche, limit=limit)
    return [Difference.model_validate(dict(row)) for row in rows]
