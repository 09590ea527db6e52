"""What reintegration's tables answer about payments that restores lost: whether money may be ordered, of what it may not, and the lists for finance."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from services.reintegration.domain.lost_payments import (
    LostPaymentsStatus,
    paid_before_restore,
    restore_not_cleared,
)
from shared.db import Sql, UnitOfWork
from shared.money import Amount

NOT_CLEARED: Final = "EXISTS (SELECT FROM lost_payments WHERE status <> 'cleared')"
# Of which nobody stated that no money left. An entry names an attempt or a tranche; whatever the attempt, the tranche is paid once.
_LOST: Final = (
    "FROM lost_payments lost CROSS JOIN LATERAL jsonb_to_recordset(lost.payments) "
    "AS p(attempt_id uuid, grant_id uuid, number integer, outcome text) "
    "LEFT JOIN payment_attempts k ON k.attempt_id = p.attempt_id WHERE p.outcome IS DISTINCT FROM 'not_left'"
)
# For a statement that knows the grant.
LOST_TRANCHES: Final = (
    f"ARRAY(SELECT coalesce(p.number, k.tranche) {_LOST} AND coalesce(p.grant_id, k.grant_id) = :grant_id "
    "AND coalesce(p.number, k.tranche) IS NOT NULL)"
)


def is_lost(attempt: str) -> str:
    """Whether a lost entry tells more of this attempt or its tranche than the database knows, for a statement that knows it under this name."""
    of_its_tranche = f"(coalesce(p.grant_id, k.grant_id), coalesce(p.number, k.tranche)) = ({attempt}.grant_id, {attempt}.tranche)"
    return f"EXISTS (SELECT {_LOST} AND (p.attempt_id = {attempt}.attempt_id OR {of_its_tranche}))"


# Named by the entry, or of the tranche that it names where it names no attempt. ``a`` is the attempt, for a statement that knows it so.
_NAMED: Final = (
    "FROM lost_payments lost CROSS JOIN LATERAL jsonb_to_recordset(lost.payments) "
    "AS p(attempt_id uuid, grant_id uuid, number integer, outcome text) "
    "WHERE (p.attempt_id = a.attempt_id OR p.attempt_id IS NULL AND (p.grant_id, p.number) = (a.grant_id, a.tranche))"
)
# Whatever finance states of it now: what was settled by it stays.
TOLD_OF_BEFORE: Final = f"EXISTS (SELECT {_NAMED})"
# Of attempt ``a`` and line ``l``. What stands in a batch from another account left by another one at most once that is dropped.
LEFT_BEFORE: Final = (
    f"(EXISTS (SELECT {_NAMED} AND p.outcome = 'left') AND NOT EXISTS (SELECT FROM batch_payments b JOIN payment_batches o ON o.id = b.batch_id "
    "WHERE b.attempt_id = a.attempt_id AND b.live AND o.own_account_id <> l.own_account_id))"
)

_OF_ONE = Sql(
    f"SELECT {NOT_CLEARED} AS not_cleared, {is_lost('asked')} AS lost FROM (SELECT w.attempt_id, a.grant_id, a.tranche "
    "FROM (SELECT cast(:attempt_id AS uuid) AS attempt_id) w LEFT JOIN payment_attempts a ON a.attempt_id = w.attempt_id) asked"
)


async def refuse_lost(unit: UnitOfWork, attempt_id: UUID) -> None:
    """Refused as ``restore_not_cleared`` or ``paid_before_restore`` where nothing may be handed out for this attempt."""
    row = await unit.row(_OF_ONE, attempt_id=attempt_id)
    assert row is not None
    if row["not_cleared"]:
        raise restore_not_cleared()
    if row["lost"]:
        raise paid_before_restore()


_IN_BATCHES = Sql("SELECT id, attempts FROM payment_batches WHERE id = ANY (cast(:ids AS uuid[])) ORDER BY id")


async def attempts_of_batches(unit: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Which attempts stand in these batches, of those that the database knows."""
    return {row["id"]: tuple(row["attempts"]) for row in await unit.rows(_IN_BATCHES, ids=list(ids))}


# One for each restore; of each how many payments nobody knows yet what became of.
LISTED = Sql(
    "SELECT id, listed_at, status, asked_by, cleared_by, cleared_at, jsonb_array_length(payments) AS payments, "
    "(SELECT count(*) FROM jsonb_to_recordset(payments) AS p(outcome text) WHERE p.outcome IS NULL) AS unsettled, "
    "unknown, since, jsonb_array_length(stops) AS stops "
    "FROM lost_payments WHERE id > :after ORDER BY id LIMIT :limit"
)
# The attempt that an entry names, or the last one of the tranche that it names where it names no attempt.
_KNOWN_NOW = Sql(
    "SELECT p.event_id, coalesce(p.grant_id, k.grant_id) AS grant_id, coalesce(p.number, k.tranche) AS tranche, "
    "coalesce(k.amount, t.amount) AS amount, coalesce(k.currency, g.currency) AS currency, t.status AS tranche_status, k.status AS attempt_status, "
    "EXISTS (SELECT FROM bank_lines l WHERE coalesce(p.attempt_id, k.attempt_id) IN (l.attempt_id, l.of_attempt) AND l.kind = 'booked' "
    "AND l.direction = 'debit' AND l.state NOT IN ('unconfirmed', 'dropped', 'duplicate')) "
    # Found by that very line.
    "OR EXISTS (SELECT FROM bank_lines f WHERE f.id = p.line_id) AS booked, "
    'coalesce(p."by" = :reader, false) AS own '
    "FROM lost_payments lost CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(lost.payments) "
    'AS (event_id uuid, attempt_id uuid, grant_id uuid, number integer, "by" text, line_id uuid)) WITH ORDINALITY '
    'AS p(event_id, attempt_id, grant_id, number, "by", line_id, place) LEFT JOIN LATERAL (SELECT a.* FROM payment_attempts a WHERE a.attempt_id = p.attempt_id '
    "OR p.attempt_id IS NULL AND a.grant_id = p.grant_id AND a.tranche = p.number ORDER BY a.attempt_no DESC LIMIT 1) k ON true "
    "LEFT JOIN grants g ON g.id = coalesce(p.grant_id, k.grant_id) "
    "LEFT JOIN LATERAL jsonb_to_recordset(g.tranches) AS t(number integer, amount numeric, status text) ON t.number = coalesce(p.number, k.tranche) "
    "WHERE lost.id = :id ORDER BY p.place"
)


class LostPaymentsRow(BaseModel):
    """What one restore lost of payments: how many, of how many of these it is not known yet what became of them, and who cleared it.

    ``unknown`` entries more, since the time ``since``, are known to nobody; ``stops`` said that money may not go.
    """

    id: UUID
    listed_at: datetime
    status: LostPaymentsStatus
    asked_by: str | None
    cleared_by: str | None
    cleared_at: datetime | None
    payments: int
    unsettled: int
    unknown: int
    since: datetime | None
    stops: int


class KnownNow(BaseModel):
    """What is known by now of one lost payment: its amount, how its tranche and the attempt stand, and whether the bank ``booked`` it.

    ``own``: the reader ordered or recorded it, and states nothing of it.
    """

    event_id: UUID
    grant_id: UUID | None
    tranche: int | None
    amount: Amount | None
    currency: str | None
    tranche_status: str | None
    attempt_status: str | None
    booked: bool
    own: bool


async def known_now(unit: UnitOfWork, id: UUID, reader: str) -> list[KnownNow]:
    """What the database knows by now of each payment that one restore lost, in the order of its list."""
    return [KnownNow.model_validate(dict(row)) for row in await unit.rows(_KNOWN_NOW, id=id, reader=reader)]
