"""What reintegration tells of payments that were made although something stood against them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from shared.contracts.paid_although import StoodAgainst, codes_in
from shared.db import Sql, UnitOfWork
from shared.histories import concealed_at
from shared.ids import UUID_PATTERN
from shared.money import Amount

# With each the event that says it, among the few of its grant; the first said in clear what it was.
_LISTED = Sql(
    "SELECT p.*, said.id AS event_id, said.in_clear FROM (SELECT grant_id, tranche, attempt_no, what, destination_country, payee_id, "
    "amount, currency, said_by, said_at FROM paid_although WHERE (grant_id, tranche, attempt_no, what) > "
    "(:grant_id, :tranche, :attempt_no, :what) ORDER BY grant_id, tranche, attempt_no, what LIMIT :limit) p "
    "LEFT JOIN LATERAL (SELECT e.id, ARRAY(SELECT jsonb_array_elements_text(d.data -> 'paid_although')) AS in_clear FROM event_log e "
    "CROSS JOIN LATERAL (SELECT cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' AS data) d WHERE e.subject = p.grant_id "
    "AND e.type = CASE p.what WHEN 'paid' THEN 'avrr.reintegration.grant.payment_confirmed.v1' "
    "ELSE 'avrr.reintegration.grant.cash_witnessed.v1' END AND cast(d.data ->> 'number' AS integer) = p.tranche "
    "AND cast(d.data ->> 'attempt_no' AS integer) = p.attempt_no) said ON true "
    "ORDER BY p.grant_id, p.tranche, p.attempt_no, p.what"
)

Place = Annotated[str, Field(pattern=f"^{UUID_PATTERN}-[1-9]-[1-9][0-9]{{0,5}}-(handed_over|paid)$")]


class PaidAlthough(BaseModel):
    """That an attempt was handed over or paid, and what stood against it when that was said; nothing once the person was erased."""

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
    """What was paid although something stood against it, in the order of grants and tranches, after a place in it.

    The transaction has to be one that may read the log.
    """
    place: tuple[UUID, int, int, str] = (UUID(int=0), 0, 0, "")
    if after is not None:
        tranche, attempt_no, what = after[37:].split("-")
        place = UUID(after[:36]), int(tranche), int(attempt_no), what
    grant_id, number, attempt, said = place
    rows = await unit.rows(_LISTED, grant_id=grant_id, tranche=number, attempt_no=attempt, what=said, limit=limit)
    against = await concealed_at(unit, "stood_against", [row["event_id"] for row in rows])
    return [PaidAlthough.model_validate({**dict(row), "stood_against": _codes(row["in_clear"], against.get(row["event_id"]))}) for row in rows]


def _codes(in_clear: Sequence[str] | None, concealed: str | None) -> Sequence[str]:
    return codes_in(concealed) if concealed is not None else in_clear or ()
