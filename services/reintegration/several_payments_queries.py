"""Debits that are several payments of ours at once, so that they fit none: that they are no payment two persons say."""

from typing import Final

_NAMES_NONE: Final = "NOT EXISTS (SELECT FROM payment_attempts n WHERE n.attempt_id = l.of_attempt)"

# A line that bears several ids or codes of ours, or a code of ours that is nobody's or several's now; and a part of a booking of
# which the bank names another part as ours. SQL about line `l`.
NAMES_SEVERAL: Final = (
    f"(l.names_several OR (l.remittance_code IS NOT NULL AND {_NAMES_NONE}) OR EXISTS (SELECT FROM bank_lines s "
    "JOIN payment_attempts n ON n.attempt_id = s.of_attempt WHERE s.file_id = l.file_id AND s.number = l.number AND s.part <> l.part))"
)


def may_be_among(attempt: str, still: str = "status = 'released'") -> str:
    """The condition that line ``l`` names no payment of ours, or several, and may be ``attempt`` with others; SQL.

    It is a debit from the account of a file that was handed out with that attempt, be that dropped since, on the day before
    that or later, and the attempt is still open, or what ``still`` says instead: one that names several or a block of ours, of what the file orders in a currency or in one of its blocks, or without an
    amount of its own, as a part of one that is large enough.
    """
    return (
        f"(l.kind = 'booked' AND l.direction = 'debit' AND {attempt}.{still} AND {attempt}.method = 'bank_file' "
        f"AND (l.names_several OR {_NAMES_NONE}) AND EXISTS (SELECT FROM batch_payments h JOIN payment_batches f ON f.id = h.batch_id "
        f"WHERE h.attempt_id = {attempt}.attempt_id AND f.own_account_id = l.own_account_id "
        "AND l.booked_on >= cast(f.sent_at AT TIME ZONE 'UTC' AS date) - 1 "
        f"AND (l.names_several OR (l.amount IS NULL AND ({attempt}.currency <> l.currency OR {attempt}.amount <= l.line_amount)) "
        "OR EXISTS (SELECT FROM jsonb_to_recordset(f.sums || f.block_sums) AS t(amount numeric, currency text) "
        "WHERE (t.amount, t.currency) IN ((l.line_amount, l.currency), (l.instructed_amount, l.instructed_currency))))))"
    )


def of_a_booking(attempt: str) -> str:
    """The condition that another part of what line ``l`` was booked with is of ``attempt``; SQL."""
    return (
        "EXISTS (SELECT FROM bank_lines s WHERE s.file_id = l.file_id AND s.number = l.number AND s.part <> l.part "
        f"AND s.of_attempt = {attempt}.attempt_id)"
    )
