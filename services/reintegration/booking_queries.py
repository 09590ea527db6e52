"""What of a booking no part of it takes: a bank books several payments as one line, with its charges, and says of some how much they were."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from services.reintegration.domain.matching import BankLine, PartOfBooking, rest_of_booking
from shared.db import Sql, UnitOfWork
from shared.verify import Check

# How much of its booking a part `s` takes, in the account's currency: all that the bank says of it, else what two persons found.
TAKEN: Final = "coalesce(s.amount, CASE p.currency WHEN s.currency THEN s.paid_part ELSE s.part_worth END)"
_OTHERS: Final = (
    "FROM bank_lines s LEFT JOIN payment_attempts p ON p.attempt_id = s.of_attempt WHERE s.file_id = l.file_id AND s.number = l.number "
    "AND s.part <> l.part AND s.currency = l.currency"
)
# Of line `l`: what no other part takes, whether of another one nobody knows how much it takes, and the whole where the line is not all of it.
ABOUT_ITS_BOOKING: Final = (
    f"cast(l.line_amount - (SELECT coalesce(sum(CASE s.direction WHEN l.direction THEN 1 ELSE -1 END * {TAKEN}), 0) {_OTHERS}) AS text) AS booking_left, "
    f"EXISTS (SELECT {_OTHERS} AND {TAKEN} IS NULL) AS booking_open, "
    "CASE WHEN l.amount IS DISTINCT FROM l.line_amount THEN cast(l.line_amount AS text) END AS booking_whole"
)
# Each in the order of its place, so that of two settled at once the later one waits and finds the earlier one settled.
_LOCKED = Sql(
    f"SELECT s.state = 'matched' AS settled, CASE s.direction WHEN 'debit' THEN 1 ELSE -1 END * {TAKEN} AS taken "
    "FROM bank_lines l JOIN bank_lines s ON s.file_id = l.file_id AND s.number = l.number AND s.part <> l.part "
    "LEFT JOIN payment_attempts p ON p.attempt_id = s.of_attempt WHERE l.id = :line_id ORDER BY s.part FOR UPDATE OF s"
)


async def with_its_rest(unit: UnitOfWork, line: BankLine, currency: str) -> BankLine:
    """A debit that pays something of this currency, with what its booking has beyond all parts where it is the last one to be settled.

    The other parts are locked until the transaction ends, so that the rest is taken once. Asks nothing of a line that is all of its booking.
    """
    if line.direction != "debit" or line.booking_whole is None:
        return line
    others: Sequence[PartOfBooking] = [PartOfBooking(row["settled"], row["taken"]) for row in await unit.rows(_LOCKED, line_id=line.id)]
    return replace(line, booking_rest=rest_of_booking(line, others, currency))

# Of part `s` beyond what two persons found to be the payment.
_OWN: Final = (
    "CASE WHEN s.amount IS NULL OR s.paid_part IS NULL THEN 0 WHEN p.currency = s.currency THEN s.amount - s.paid_part "
    "ELSE greatest(s.amount - coalesce(s.part_worth, s.amount), 0) END"
)
# Once all parts of a booking are settled as payments they and the charges make what was booked; until then nobody took what is left,
# nor where of one nobody knows how much it takes: it was ordered in another currency, and booked with others.
# Of what was settled before there was this rule the rest stands nowhere.
BOOKINGS: Final = Check(
    "bookings of the bank",
    Sql(
        "SELECT (array_agg(b.id ORDER BY b.part))[1] FROM (SELECT s.id, s.file_id, s.number, s.part, s.line_amount, s.before_sums, "
        f"s.state = 'matched' AND s.direction = 'debit' AS pays, {TAKEN} AS taken, CASE WHEN s.state = 'matched' THEN {_OWN} ELSE 0 END AS own, "
        "CASE p.paid_line WHEN s.id THEN coalesce(p.bank_charges, 0) ELSE 0 END AS charges, "
        "p.paid_line = s.id AND p.bank_charges IS NOT NULL AND coalesce(p.charges_currency, p.currency) <> s.currency AS elsewhere "
        "FROM bank_lines s LEFT JOIN payment_attempts p ON p.attempt_id = s.of_attempt WHERE s.kind = 'booked') b "
        "GROUP BY b.file_id, b.number HAVING bool_or(b.pays) AND (bool_or(b.elsewhere) OR CASE WHEN bool_or(b.before_sums) THEN sum(b.charges) < sum(b.own) "
        "WHEN bool_and(b.pays AND b.taken IS NOT NULL) THEN max(b.line_amount) IS DISTINCT FROM sum(b.taken) + sum(b.charges) - sum(b.own) ELSE sum(b.charges) <> sum(b.own) END)"
    ),
)
