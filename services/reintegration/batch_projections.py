"""Which attempts stand in which batch, derived from the batch, and the checks that both and the attempts agree."""

from collections.abc import Sequence
from uuid import UUID

from services.reintegration.domain.batch_state import PaymentBatch
from shared.db import Sql, Write
from shared.messages import Event
from shared.verify import Check

_PUT_IN = Sql(
    "INSERT INTO batch_payments (batch_id, attempt_id, place, live) SELECT cast(:batch_id AS uuid), attempt_id, place, true "
    "FROM unnest(cast(:attempts AS uuid[])) WITH ORDINALITY t(attempt_id, place)"
)
_FREE = Sql("UPDATE batch_payments SET live = false WHERE batch_id = :batch_id AND live")


def batch_payments(
    batch_id: UUID, before: PaymentBatch | None, batch: PaymentBatch, _: tuple[Event, ...]
) -> Sequence[Write]:
    """The attempts of a batch that is made, or what frees those of one that is dropped."""
    if before is None:
        return (Write(_PUT_IN, {"batch_id": batch_id, "attempts": list(batch.attempts)}, batch.count),)
    if batch.status == "dropped":
        return (Write(_FREE, {"batch_id": batch_id}, batch.count),)
    return ()


CHECKS: tuple[Check, ...] = (
    Check(
        "progress of batches",
        Sql(
            "SELECT coalesce(s.batch_id, p.batch_id) FROM (SELECT p.batch_id, count(*) FILTER (WHERE a.status = 'released') AS waiting, "
            "count(*) FILTER (WHERE a.status = 'paid') AS paid, count(*) FILTER (WHERE a.status = 'failed') AS failed, "
            "count(*) FILTER (WHERE a.status = 'reversed') AS returned FROM batch_payments p "
            "JOIN payment_attempts a ON a.attempt_id = p.attempt_id GROUP BY p.batch_id) s FULL JOIN batch_progress p "
            "ON p.batch_id = s.batch_id WHERE (s.waiting, s.paid, s.failed, s.returned) IS DISTINCT FROM (p.waiting, p.paid, p.failed, p.returned)"
        ),
    ),
    Check(
        "payments of batches",
        Sql(
            "SELECT coalesce(b.id, p.batch_id) FROM (SELECT id, status <> 'dropped' AS live, t.attempt_id, t.place "
            " FROM payment_batches, unnest(attempts) WITH ORDINALITY t(attempt_id, place)) b "
            "FULL JOIN batch_payments p ON p.batch_id = b.id AND p.attempt_id = b.attempt_id "
            "WHERE (p.place, p.live) IS DISTINCT FROM (b.place, b.live)"
        ),
    ),
    # A batch pays in each currency what its attempts make, to their account, and by the bank's file alone.
    Check(
        "sums of batches",
        Sql(
            "SELECT coalesce(b.id, p.batch_id) FROM (SELECT id, s.amount, s.currency FROM payment_batches, "
            " jsonb_to_recordset(sums) AS s(amount numeric, currency text)) b "
            "FULL JOIN (SELECT p.batch_id, a.currency, sum(a.amount) AS amount, bool_and(a.method = 'bank_file') AS by_file "
            " FROM batch_payments p JOIN payment_attempts a ON a.attempt_id = p.attempt_id GROUP BY p.batch_id, a.currency) p "
            "ON p.batch_id = b.id AND p.currency = b.currency WHERE p.amount IS DISTINCT FROM b.amount OR p.by_file IS NOT TRUE"
        ),
    ),
)
