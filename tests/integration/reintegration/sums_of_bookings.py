"""What each booking of the bank's comes to, reckoned from what was ordered, said and known as the rate of its day, and from nothing else."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from shared.db import Sql
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paying import ONE_EURO

# Each part of what was booked, and what the attempt that it paid says of it.
_BOOKED: Final = Sql(
    "SELECT l.file_id, l.number, l.line_amount, l.amount, l.currency, l.paid_part, l.state, a.currency AS ordered_in, a.bank_charges, "
    "coalesce(a.charges_currency, a.currency) AS charged_in FROM bank_lines l LEFT JOIN payment_attempts a ON a.paid_line = l.id "
    "WHERE l.kind = 'booked' ORDER BY l.file_id, l.number, l.part"
)


async def bookings_add_up(house: House, steps: list[str]) -> set[str]:
    """Of each booking that is payments and nothing else they and the charges make what was booked; of others nobody took the rest.

    Answers of which kinds there were: payments booked ``alone`` or ``together``.
    """
    bookings: dict[Any, list[Any]] = {}
    rows: list[Any] = await house.rows(_BOOKED)
    for row in rows:
        bookings.setdefault((row["file_id"], row["number"]), []).append(row)
    summed = set()
    for parts in bookings.values():
        paid = [one for one in parts if one["state"] == "matched"]
        assert all(one["bank_charges"] is None or one["charged_in"] == one["currency"] for one in paid), (parts, steps)
        charged = sum((one["bank_charges"] or Decimal(0) for one in paid), Decimal(0))
        if len(paid) == len(parts):
            summed.add("alone" if len(parts) == 1 else "together")
            assert sum(map(_taken, paid), Decimal(0)) + charged == parts[0]["line_amount"], (parts, steps)
        else:
            assert charged == sum(((one["amount"] or _taken(one)) - _taken(one) for one in paid), Decimal(0)), (parts, steps)
    return summed


def _taken(part: Any) -> Decimal:
    """How much of a booking in euros is a payment."""
    if part["paid_part"] is None:
        return Decimal(part["amount"])
    if part["ordered_in"] == part["currency"]:
        return Decimal(part["paid_part"])
    worth = (Decimal(part["paid_part"]) / Decimal(ONE_EURO[part["ordered_in"]])).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return worth if part["amount"] is None else min(worth, Decimal(part["amount"]))
