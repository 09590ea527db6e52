"""Debits that lost their reference: of which payments that a bank was ordered they may be, though the bank names none of them."""

from typing import Final

from services.reintegration.several_payments_queries import may_be_among

# Of lines that nobody has found out anything about yet, be their file confirmed or not.
WAITS: Final = "l.state IN ('unmatched', 'unconfirmed')"
# Of an attempt: it was refused, came back or was ended, so that it pays nothing, as far as anybody knows.
ENDED: Final = "status IN ('failed', 'reversed')"


def may_be_of(attempt: str, still: str = "status = 'released'") -> str:
    """The condition that line ``l`` names no payment of ours and may all the same be what the bank paid for ``attempt``; SQL.

    It is a debit of the amount that the attempt is of, as it was booked or ordered, from the account of a file that was handed
    out, be that dropped since, and the attempt is still open, or what ``still`` says instead. The bank's days are of its own zone, which is at most one day off.
    """
    return (
        f"(l.kind = 'booked' AND l.direction = 'debit' AND {attempt}.{still} AND {attempt}.method = 'bank_file' "
        f"AND ((l.amount, l.currency) = ({attempt}.amount, {attempt}.currency) "
        f"OR (l.instructed_amount, l.instructed_currency) = ({attempt}.amount, {attempt}.currency)) "
        "AND NOT EXISTS (SELECT FROM payment_attempts n WHERE n.attempt_id = l.of_attempt) "
        "AND EXISTS (SELECT FROM batch_payments h JOIN payment_batches f ON f.id = h.batch_id "
        f"WHERE h.attempt_id = {attempt}.attempt_id AND f.own_account_id = l.own_account_id "
        "AND l.booked_on >= cast(f.sent_at AT TIME ZONE 'UTC' AS date) - 1))"
    )


def waits_unnamed(attempt: str, still: str = "status = 'released'") -> str:
    """The condition that a debit waits that may be ``attempt``, alone as `may_be_of` or with others as `may_be_among`; SQL.

    Each is asked for itself, so that neither is read through the other's lines.
    """
    return (
        f"(EXISTS (SELECT FROM bank_lines l WHERE {WAITS} AND {may_be_of(attempt, still)}) "
        f"OR EXISTS (SELECT FROM bank_lines l WHERE {WAITS} AND {may_be_among(attempt, still)}))"
    )


def waits_for_one_before(attempt: str) -> str:
    """The condition that a debit waits that is or may be an attempt of the same tranche that ended, however it did; SQL.

    What was refused, came back or was ended unanswered and is booked after all left the account, and ``attempt`` would pay the
    tranche a second time.
    """
    return (
        f"EXISTS (SELECT FROM payment_attempts e WHERE (e.grant_id, e.tranche) = ({attempt}.grant_id, {attempt}.tranche) "
        f"AND e.{ENDED} AND (EXISTS (SELECT FROM bank_lines l WHERE l.of_attempt = e.attempt_id AND {WAITS} "
        f"AND l.direction = 'debit') OR {waits_unnamed('e', ENDED)}))"
    )
