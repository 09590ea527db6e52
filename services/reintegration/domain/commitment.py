"""What a grant costs its fund: in another currency by the rates of the day, tranche by tranche, and never more than committed.

Decision 52 says why, docs/money.md shows it with numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.reintegration.domain.amounts import NOTHING
from services.reintegration.domain.conversion import RatesInForce, RecordedRate
from services.reintegration.domain.grant_facts import GrantFacts
from services.reintegration.domain.grant_state import Grant, GrantTranche
from shared.contracts.commitments import RateUsed
from shared.decider import ReadsFacts
from shared.errors import RuleViolation
from shared.messages import Context
from shared.money import Money


@dataclass(frozen=True, slots=True)
class Cost:
    """What tranches cost a fund, and by which rates; none where the fund is in the grant's own currency."""

    money: Money
    rates: tuple[RateUsed, ...]

    @property
    def in_another(self) -> Money | None:
        """The same, or None in the grant's own currency."""
        return self.money if self.rates else None


def cost(state: Grant, tranches: Sequence[GrantTranche], currency: str, rates: RatesInForce) -> Cost:
    """What these tranches cost a fund in this currency: each is converted and rounded once, as each is paid.

    So as long as no rate moves the tranches cost exactly what was committed for them. Refused as ``rate_missing``, and as
    ``worth_nothing_in_fund`` where one of them is less than half of the smallest unit.
    """
    converted = [rates.convert(state.money_of(tranche), currency) for tranche in tranches]
    if any(one.money.amount <= NOTHING for one in converted):
        raise RuleViolation(
            "worth_nothing_in_fund", "A tranche is worth less than the smallest unit of the fund's currency. Ask for fewer tranches."
        )
    total = sum((one.money.amount for one in converted), NOTHING)
    legs = converted[0].legs if converted else ()
    return Cost(Money(amount=total, currency=currency), tuple(_used(leg) for leg in legs))


def shortfall(state: Grant, rates: RatesInForce) -> Decimal:
    """By how much all that is not released costs the fund more today than is committed for it, in its currency.

    Not above zero where it is enough. What is committed for a tranche that was released is spent by that one. Refused as `cost`.
    """
    assert state.fund_currency is not None
    rest = cost(state, state.tranches_in("planned"), state.fund_currency, rates)
    released = sum((tranche.in_fund or NOTHING for tranche in state.tranches_in("released")), NOTHING)
    return rest.money.amount - ((state.fund_committed or NOTHING) - released)


@ReadsFacts
def still_covered(state: Grant, facts: GrantFacts, context: Context) -> None:
    """The guard that stops the money as ``commitment_short`` while all that is not released costs more than is committed."""
    if state.fund_in_another_currency and shortfall(state, facts.rates) > NOTHING:
        raise RuleViolation(
            "commitment_short",
            "The rates have moved: what is left to pay costs the fund more today than is committed. An approver adds to the "
            "commitment first.",
        )


def cost_of_release(state: Grant, tranche: GrantTranche, facts: GrantFacts) -> Cost:
    """What a tranche that is released now costs the fund, by the rates of today."""
    return cost(state, (tranche,), state.fund_currency or state.currency, facts.rates)


def in_fund(state: Grant, amount: Decimal | None) -> Money | None:
    """This amount in the currency of a fund in another one than the grant; None for a fund in the grant's own."""
    if not state.fund_in_another_currency or state.fund_currency is None or amount is None:
        return None
    return Money(amount=amount, currency=state.fund_currency)


def not_needed(state: Grant, last: GrantTranche) -> Money | None:
    """What of the commitment is left once the last tranche is paid, since the rates had moved; None where nothing is."""
    rest = (state.fund_committed or NOTHING) - (last.in_fund or NOTHING)
    return in_fund(state, rest) if rest > NOTHING else None


def _used(leg: RecordedRate) -> RateUsed:
    return RateUsed(
        currency=leg.currency, base=leg.base, effective_on=leg.effective_on, revision=leg.revision, rate=leg.rate,
        source=leg.source,
    )  # fmt: skip
