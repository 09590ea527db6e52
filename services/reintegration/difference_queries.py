"""What reintegration tells of differences: the tranches of which less was received than was paid, and why."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from shared.contracts.accounting import DifferenceReason
from shared.db import Sql, UnitOfWork
from shared.ids import UUID_PATTERN
from shared.money import Amount

LISTED = Sql(
    "SELECT grant_id, tranche, destination_country, amount, currency, reason, reconciled_by, reconciled_at "
    "FROM reconciliation_differences WHERE (grant_id, tranche) > (:grant_id, :tranche) ORDER BY grant_id, tranche LIMIT :limit"
)

Place = Annotated[str, Field(pattern=f"^{UUID_PATTERN}-[1-9]$")]


class Difference(BaseModel):
    """What was paid of a tranche and not received, and why, as who reconciled it says."""

    grant_id: UUID
    tranche: int
    destination_country: str
    amount: Amount
    currency: str
    reason: DifferenceReason
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
