"""Which files were in the bank's hands when it said what a line says: kept with the line as its file begins to count, by no clock."""

from typing import Final

_NAMED: Final = (
    "SELECT b.batch_id FROM batch_payments b JOIN payment_batches p ON p.id = b.batch_id WHERE b.attempt_id = {line}.attempt_id "
    "AND p.sent_at IS NOT NULL"
)
# Every batch of which something is under way, or was ended since the bank had not answered, looked up once for all lines of a file: of which attempt a line is two persons may find.
UNDER_WAY: Final = (
    "(SELECT array_agg(DISTINCT b.batch_id) AS batches FROM payment_attempts a JOIN batch_payments b ON b.attempt_id = a.attempt_id "
    "JOIN payment_batches p ON p.id = b.batch_id WHERE (a.status = 'released' OR a.reason = 'not_answered') "
    "AND a.method = 'bank_file' AND p.sent_at IS NOT NULL)"
)
# The files in which attempt ``a`` was in the bank's hands by line ``l``; be one dropped since, the bank had it all the same.
# What the bank said to have paid it had, whichever of its lines two persons find to be what came back of it.
SENT: Final = (
    "FROM batch_payments b JOIN payment_batches p ON p.id = b.batch_id WHERE b.attempt_id = a.attempt_id AND (p.id = ANY (l.sent_batches) "
    "OR l.direction = 'credit' AND a.paid_line IS NOT NULL AND a.attempt_id IS DISTINCT FROM l.attempt_id AND p.sent_at IS NOT NULL)"
)


def handed_out_by_now(line: str, under_way: str) -> str:
    """The batches that were handed out to the bank by the present transaction and that this line may tell of; SQL."""
    return f"ARRAY({_NAMED.format(line=line)} UNION SELECT unnest({under_way}) WHERE {line}.kind = 'booked')"
