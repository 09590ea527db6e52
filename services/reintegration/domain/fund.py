"""A fund: one donor's money for one project, in one currency, for approvals from a day to a day."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.reintegration.domain.amounts import PositiveMoney
from shared.contracts.reintegration import Code, FundOpened
from shared.decider import Decider, Events, NoFacts, opening
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.moments import Day
from shared.money import refuse_unpayable


@dataclass(frozen=True, slots=True)
class Fund:
    """What a donor granted, and from when until when it may be committed."""

    project: str
    donor: str
    granted: Decimal
    currency: str
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class FundBalance:
    """A fund with what its grants took: ``committed`` is approved and not yet paid, ``spent`` is paid."""

    fund: Fund
    committed: Decimal
    spent: Decimal

    @property
    def available(self) -> Decimal:
        """What can still be approved, in the fund's currency."""
        return self.fund.granted - self.committed - self.spent

    def valid_on(self, day: date) -> bool:
        """Whether money may be committed on this day; the first and the last day count."""
        return self.fund.valid_from <= day <= self.fund.valid_until


class OpenFund(Command):
    """Record a donor's money for a project, with the first and the last day to approve grants from it."""

    project: Code
    donor: Code
    granted: PositiveMoney
    valid_from: Day
    valid_until: Day


def _open(order: OpenFund, facts: NoFacts, context: Context) -> Events:
    if order.valid_until < order.valid_from:
        raise RuleViolation("validity_reversed", "The last day of the fund lies before its first day.")
    refuse_unpayable((order.granted,))
    return (
        FundOpened(
            project=order.project,
            donor=order.donor,
            granted=order.granted,
            valid_from=order.valid_from,
            valid_until=order.valid_until,
        ),
    )


def evolve(state: Fund | None, event: Event) -> Fund:
    """The fund after its event; TypeError for any other."""
    match event:
        case FundOpened():
            return Fund(
                project=event.project,
                donor=event.donor,
                granted=event.granted.amount,
                currency=event.granted.currency,
                valid_from=event.valid_from,
                valid_until=event.valid_until,
            )
        case _:
            raise TypeError(f"{type(event).__name__} is not an event of a fund")


FUND: Decider[Fund, NoFacts] = Decider(
    rules=(opening(OpenFund, "Open a fund", _open),), evolve=evolve, events=(FundOpened,)
)
