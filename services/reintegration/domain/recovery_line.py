"""Money that was asked back and came to an account of ours: by which line of the bank's, and how much of it is still free."""

from dataclasses import dataclass
from decimal import Decimal

from services.reintegration.domain.bank_line_acts import (
    BankLineActStatus,
    line_settled,
    refuse_unless_free,
)
from shared.contracts.bank import Explanation
from shared.errors import RuleViolation
from shared.money import Money


@dataclass(frozen=True, slots=True)
class RecoveryLine:
    """A line of the bank's as money may have come back by it, of which ``recovered`` was recorded as such already.

    ``credit``: it was booked in our favour. ``returns``: it names a payment of ours that it may be the return of, so that it
    may not be taken for anything else. ``may_return``: it names none, and may be the return of one all the same, or of several.
    ``said`` is what was said of it last, ``explained_as`` what it was found to be.
    """

    credit: bool
    amount: Decimal | None
    currency: str | None
    recovered: Decimal
    state: str
    returns: bool
    said: BankLineActStatus | None = None
    explained_as: Explanation | None = None
    may_return: bool = True


def beyond_line() -> RuleViolation:
    """Refuses to record more than came by a line; the database's CHECK refuses it in the same words."""
    return RuleViolation("beyond_line", "More came back than this line of the bank's says, with what was recorded of it before.")


def refuse_unless_recovers(line: RecoveryLine | None, money: Money) -> None:
    """Refused unless this money came by this line: a credit in its currency that waits or was found to be a recovery.

    ``bank_line_unknown``, ``no_credit``, ``currencies_differ``, ``line_settled`` and what else `refuse_unless_free` says,
    ``line_returns_a_payment``, ``line_may_return_a_payment``, ``beyond_line``. What may be the return of a payment is a recovery
    only after two persons explained it as one.
    """
    if line is None:
        raise RuleViolation("bank_line_unknown", "There is no such line of the bank's.")
    if not line.credit or line.amount is None:
        raise RuleViolation("no_credit", "This line is no money that came to an account of ours, or the bank does not say how much.")
    if line.currency != money.currency:
        raise RuleViolation("currencies_differ", "The line is in another currency.")
    if line.state == "unmatched":
        refuse_unless_free(line.said, waits=True)
        if line.returns:
            raise RuleViolation("line_returns_a_payment", "This line names a payment of ours that it may be the return of.")
        if line.may_return:
            raise RuleViolation(
                "line_may_return_a_payment",
                "This line may be a payment of ours that came back. Have it explained as a recovery first, which two persons do.",
            )
    elif line.state != "recovered" and (line.state, line.explained_as) != ("explained", "recovery"):
        raise line_settled()
    if money.amount > line.amount - line.recovered:
        raise beyond_line()
