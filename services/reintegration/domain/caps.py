"""Caps of a person and of a family in twelve months, in whatever currencies they were helped, and requests just below a threshold."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Self

from services.reintegration.domain.amounts import NOTHING
from services.reintegration.domain.conversion import RatesInForce
from services.reintegration.domain.policies import EXAMPLE
from shared.errors import RuleViolation
from shared.money import Money

# From here on a request lies just below a threshold.
NEAR: Final = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class Caps:
    """What a version of an approval policy says of sums, all in one currency."""

    currency: str
    cap_per_person: Decimal
    cap_per_family: Decimal
    one_approver_up_to: Decimal
    two_approvers_up_to: Decimal


# What counts where no policy was published: an example, never an IOM rule.
EXAMPLE_CAPS: Final = Caps(
    EXAMPLE.cap_per_person.currency, EXAMPLE.cap_per_person.amount, EXAMPLE.cap_per_family.amount,
    EXAMPLE.one_approver_up_to.amount, EXAMPLE.two_approvers_up_to.amount,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Support:
    """What else a person, and their family with them, was granted or asked for in twelve months, a sum for each currency.

    ``family`` is everybody's of it without this grant: the family's as counselling knows it now, else the case's.
    ``rates`` are those of today.
    """

    caps: Caps
    person: tuple[Money, ...]
    family: tuple[Money, ...]
    rates: RatesInForce

    @property
    def currencies(self) -> frozenset[str]:
        """The currencies of all these sums, and of the caps."""
        return frozenset((self.caps.currency, *(money.currency for money in (*self.person, *self.family))))

    def by(self, rates: RatesInForce) -> Self:
        """The same, with these rates."""
        return replace(self, rates=rates)

    def of_the_person(self, money: Money) -> Money:
        """This amount and what else the person had, in the currency of the caps; ``rate_missing`` where it has no rate."""
        return self._together((money, *self.person))

    def of_the_family(self, money: Money) -> Money:
        """This amount and what else the family had, in the currency of the caps; ``rate_missing`` where it has no rate."""
        return self._together((money, *self.family))

    def _together(self, sums: Iterable[Money]) -> Money:
        amounts = (self.rates.convert(money, self.caps.currency).money.amount for money in sums)
        return Money(amount=sum(amounts, NOTHING), currency=self.caps.currency)


def refuse_beyond_caps(support: Support | None, money: Money) -> None:
    """Refused as ``beyond_cap`` or ``beyond_family_cap``, and where nothing was looked up."""
    if support is None or support.of_the_person(money).amount > support.caps.cap_per_person:
        raise RuleViolation(
            "beyond_cap", "With the person's other grants of the last twelve months this exceeds the cap per person."
        )
    if support.of_the_family(money).amount > support.caps.cap_per_family:
        raise RuleViolation(
            "beyond_family_cap", "With the family's other grants of the last twelve months this exceeds the cap per family."
        )


def lies_just_below_a_threshold(support: Support | None, money: Money) -> bool:
    """Whether an amount lies just below a threshold of approval that it passes with what else person or family had.

    Nothing is refused for that: somebody looks at it.
    """
    if support is None:
        return False
    caps = support.caps
    asked = support.rates.convert(money, caps.currency).money.amount
    most = max(support.of_the_person(money).amount, support.of_the_family(money).amount)
    return any(
        threshold * NEAR <= asked <= threshold < most for threshold in (caps.one_approver_up_to, caps.two_approvers_up_to)
    )
