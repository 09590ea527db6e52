"""An amount in another currency: by which rates, through which currencies, and rounded once, at the end.

Decision 34 says why it is done so, docs/money.md shows it with numbers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final, Self

from shared.contracts.rates import Base, RateSource
from shared.errors import RuleViolation
from shared.money import LARGEST, Money, rounded

_DOLLAR: Final = "USD"
_EURO: Final = "EUR"
# A rate is shown with as many digits as a source publishes at most; an amount is never converted by what is shown.
_SHOWN: Final = Context(prec=12)


@dataclass(frozen=True, slots=True)
class RecordedRate:
    """One revision of a rate: from ``effective_on`` on one unit of ``base`` is ``rate`` units of ``currency``.

    With a ``void`` one nothing is recorded for that day any more.
    """

    currency: str
    base: Base
    effective_on: date
    revision: int
    rate: Decimal
    source: RateSource
    void: bool = False


@dataclass(frozen=True, slots=True)
class Converted:
    """An amount in another currency, with the rates that it was converted by, in their order; none for the same currency.

    ``rate`` is units of the new currency for one of the old, to twelve digits, for reading; ``effective_on`` is the day
    from which on it could be converted so, the latest of the rates' days.
    """

    money: Money
    rate: Decimal
    legs: tuple[RecordedRate, ...]

    @property
    def effective_on(self) -> date | None:
        """The latest day of the rates; None for the same currency."""
        return max((leg.effective_on for leg in self.legs), default=None)


@dataclass(frozen=True, slots=True)
class RatesInForce:
    """The rates that count on one day, by currency and base."""

    by_pair: Mapping[tuple[str, str], RecordedRate]

    @classmethod
    def on(cls, day: date, recorded: Iterable[RecordedRate]) -> Self:
        """What counts on a day: of each pair the newest day that has come, of that day the last correction.

        A day whose last revision is void is passed over.
        """
        last: dict[tuple[str, str, date], RecordedRate] = {}
        for rate in recorded:
            of_day = (rate.currency, rate.base, rate.effective_on)
            known = last.get(of_day)
            if rate.effective_on <= day and (known is None or rate.revision > known.revision):
                last[of_day] = rate
        standing = sorted((rate for rate in last.values() if not rate.void), key=lambda rate: rate.effective_on)
        return cls({(rate.currency, rate.base): rate for rate in standing})

    def convert(self, money: Money, into: str) -> Converted:
        """The amount in another currency, rounded once to that one's smallest unit; in its own it stays as it is.

        A rate between the two themselves comes before one through the dollar, that before one through the euro, and
        any of them before one through both. Refused as ``rate_missing`` where there is none, and as
        ``amount_too_large`` where nobody could write what comes out.
        """
        if money.currency == into:
            return Converted(money, Decimal(1), ())
        legs = self._legs(money.currency, into)
        exact = Fraction(1)
        here = money.currency
        for leg in legs:
            if leg.base == here:
                exact *= Fraction(leg.rate)
                here = leg.currency
            else:
                exact /= Fraction(leg.rate)
                here = leg.base
        amount = rounded(Fraction(money.amount) * exact, into)
        if abs(amount) > LARGEST:
            raise RuleViolation("amount_too_large", "This amount is too large to be written in the other currency.")
        shown = _SHOWN.divide(Decimal(exact.numerator), Decimal(exact.denominator))
        return Converted(Money(amount=amount, currency=into), shown, legs)

    def _legs(self, currency: str, into: str) -> tuple[RecordedRate, ...]:
        for between in ((), (_DOLLAR,), (_EURO,), (_EURO, _DOLLAR), (_DOLLAR, _EURO)):
            stops = (currency, *between, into)
            # No currency has a rate to itself, so a way that would stop at one twice is none.
            legs = [self._between(one, other) for one, other in pairwise(stops)]
            if all(legs):
                return tuple(leg for leg in legs if leg is not None)
        raise RuleViolation(
            "rate_missing", "No rate is recorded by which this amount could be converted on that day. Finance records one."
        )

    def _between(self, one: str, other: str) -> RecordedRate | None:
        return self.by_pair.get((one, other)) or self.by_pair.get((other, one))
