"""What reintegration's tables answer of a payment that the bank was ordered and has not answered."""

from datetime import datetime
from typing import Final
from uuid import UUID

from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.lost_reference_queries import WAITS, waits_unnamed
from services.reintegration.queries import TODAY
from services.reintegration.signer_queries import signed_by
from shared.db import Sql, UnitOfWork

# The attempt that is under way: a grant has at most one.
_OPEN: Final = "FROM payment_attempts a"
_UNDER_WAY: Final = "a.grant_id = :grant_id AND a.status = 'released'"
_FACTS = Sql(
    f"SELECT {TODAY} AS today, "
    f"(SELECT max(p.execution_on) {_OPEN} JOIN batch_payments b ON b.attempt_id = a.attempt_id AND b.live "
    f"JOIN payment_batches p ON p.id = b.batch_id WHERE {_UNDER_WAY} AND p.status = 'sent') AS ordered_on, "
    # Whatever the bank says of it and nobody has found out yet, be it that money came back that was never booked as paid.
    f"EXISTS (SELECT {_OPEN} JOIN bank_lines l ON l.of_attempt = a.attempt_id AND {WAITS} WHERE {_UNDER_WAY}) "
    f"OR EXISTS (SELECT {_OPEN} WHERE {_UNDER_WAY} AND {waits_unnamed('a')}) AS bank_line_waits, "
    # Unless a later report refuses it, of which two persons found out by then.
    f"(SELECT max(cast(l.imported_at AT TIME ZONE cast(:zone AS text) AS date)) {_OPEN} JOIN bank_lines l ON l.of_attempt = a.attempt_id "
    f"AND l.state = 'accepted' AND l.code IN ('ACSC', 'ACCC') WHERE {_UNDER_WAY} AND NOT EXISTS (SELECT FROM bank_lines r "
    "WHERE r.of_attempt = a.attempt_id AND r.kind = 'rejected' AND r.state NOT IN ('unconfirmed', 'dropped') AND r.imported_at > l.imported_at)) AS said_paid_on, "
    f"{signed_by(':reader', ':grant_id')} AS signed_its_batch"
)


async def behind_an_end(unit: UnitOfWork, grant_id: UUID, reader: str, now: datetime, zone: str) -> GrantFacts:
    """The facts of an order by which a payment ends that the bank never answered, for ``reader`` who gives it."""
    row = await unit.row(_FACTS, grant_id=grant_id, reader=reader, now=now, zone=zone)
    assert row is not None
    return GrantFacts(
        today=row["today"], ordered_on=row["ordered_on"], bank_line_waits=row["bank_line_waits"],
        said_paid_on=row["said_paid_on"], signed_its_batch=row["signed_its_batch"],
    )  # fmt: skip
