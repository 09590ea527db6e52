"""Credits that lost their reference: of which payments that the bank made they may be the return, though it names none of them."""

from typing import Final

_NAMES_NONE: Final = "l.kind = 'booked' AND l.direction = 'credit' AND NOT EXISTS (SELECT FROM payment_attempts n WHERE n.attempt_id = l.of_attempt)"


def may_return(attempt: str) -> str:
    """The condition that line ``l`` names no payment of ours and may all the same be what came back of ``attempt``; SQL.

    It is a credit of what was paid and booked, in the currency of either, to the account from which a file with that attempt was
    handed out, on the day of the payment or later.
    """
    return (
        f"({_NAMES_NONE} AND {attempt}.status = 'paid' AND {attempt}.method = 'bank_file' AND {attempt}.paid_on <= l.booked_on "
        f"AND ((l.amount, l.currency) = ({attempt}.amount, {attempt}.currency) "
        f"OR (l.instructed_amount, l.instructed_currency) = ({attempt}.amount, {attempt}.currency) "
        f"OR {attempt}.booked_short IS NOT NULL AND (l.amount, l.currency) = ({attempt}.amount - {attempt}.booked_short, {attempt}.currency)) "
        "AND EXISTS (SELECT FROM batch_payments h JOIN payment_batches f ON f.id = h.batch_id "
        f"WHERE h.attempt_id = {attempt}.attempt_id AND f.own_account_id = l.own_account_id))"
    )


# Or of several at once: of what a file that was handed out orders in a currency or in one of its blocks, or without an amount of its own.
_OF_A_FILE: Final = (
    "f.own_account_id = l.own_account_id AND f.sent_at IS NOT NULL "
    "AND (l.amount IS NULL OR EXISTS (SELECT FROM jsonb_to_recordset(f.sums || f.block_sums) AS t(amount numeric, currency text) "
    "WHERE (t.amount, t.currency) IN ((l.line_amount, l.currency), (l.instructed_amount, l.instructed_currency))))"
)
MAY_RETURN_SEVERAL: Final = f"({_NAMES_NONE} AND EXISTS (SELECT FROM payment_batches f WHERE {_OF_A_FILE}))"


def several_paid_by(reader: str) -> str:
    """The condition that line ``l`` may be the return of several payments, as `MAY_RETURN_SEVERAL`, that ``reader`` released or signed; SQL."""
    return (
        f"({_NAMES_NONE} AND EXISTS (SELECT FROM payment_batches f WHERE {_OF_A_FILE} AND (cast({reader} AS text) = ANY (f.takers || f.made_by "
        "|| f.approved_by) OR EXISTS (SELECT FROM batch_payments h JOIN payment_attempts o ON o.attempt_id = h.attempt_id "
        f"WHERE h.batch_id = f.id AND o.released_by = cast({reader} AS text)))))"
    )
