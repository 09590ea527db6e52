"""What reintegration's tables answer of payees that were closed: since when name and account are kept, and of which they are no more."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from services.reintegration.domain.payee_facts import PayeeFacts
from services.reintegration.queries import TODAY
from shared.db import Sql, UnitOfWork

# A payment is evidenced from its day on, and a payee from its closing on.
_SINCE: Final = (
    "greatest(cast(p.closed_at AT TIME ZONE cast(:zone AS text) AS date), (SELECT max(a.paid_on) FROM payment_attempts a WHERE a.payee_id = p.id))"
)
_BEHIND = Sql(f"SELECT {TODAY} AS today, {_SINCE} AS kept_since FROM payees p WHERE p.id = :payee_id AND p.closed_at IS NOT NULL")
KEPT = Sql(
    f"SELECT k.id, k.kept_until FROM (SELECT p.id, cast({_SINCE} + interval '10 years' AS date) AS kept_until FROM payees p "
    "WHERE p.status = ANY (ARRAY['closed']) AND p.id > :after AND p.person_id IS NULL AND p.details_deleted_on IS NULL "
    "ORDER BY p.status, p.id) k WHERE k.kept_until <= :until ORDER BY k.id LIMIT :limit"
)


class KeptPayeeRow(BaseModel):
    """A vendor or an office that was closed, and the last day on which its name and account are kept."""

    id: UUID
    kept_until: date


async def behind_an_ending(unit: UnitOfWork, payee_id: UUID, now: datetime, zone: str) -> PayeeFacts:
    """The facts of an order that deletes name and account of a payee that was closed."""
    row = await unit.row(_BEHIND, payee_id=payee_id, now=now, zone=zone)
    return PayeeFacts() if row is None else PayeeFacts(today=row["today"], kept_since=row["kept_since"])
