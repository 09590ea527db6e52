"""The year's donor lines: what each pays for, which one pays a grant, and what the orders of the year take of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from ops.demo_year import quotas
from ops.demo_year.people import Dice, moment
from ops.demo_year.script import Journey, Step
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.domain.grant import ApproveGrant, DraftGrant, ReviseGrant
from services.reintegration.domain.tranches import ConfirmPayment
from shared.contracts.reintegration import GrantCategory
from shared.money import Money

# Invented: what three donors give for the year, one for everything, one for some countries, one for some needs.
_TERMS: Final = tuple(
    OpenFund(
        project=f"AVRR-WB-{number}", donor=f"DONOR-{number}", granted=Money(amount=Decimal(granted), currency="EUR"),
        valid_from=date(quotas.YEAR, 1, 1), valid_until=date(quotas.YEAR + 1, 6, 30), countries=countries,
        grant_categories=categories,
    )
    for number, (granted, countries, categories) in enumerate(
        (
            (60_000, (), ()),
            (45_000, ("DZ", "EG", "IN", "MA", "PK", "TN", "TR"), ()),
            (50_000, (), ("business", "housing")),
        ),
        start=1,
    )
)  # fmt: skip


@dataclass(slots=True)
class DonorLines:
    """The funds of one year; those that pay for a grant take turns."""

    fund_ids: Sequence[UUID]
    turns: dict[tuple[UUID, ...], int] = field(default_factory=dict)

    @classmethod
    def of(cls, dice: Dice) -> "DonorLines":
        """As many as the year has donors, under ids of the year's dice."""
        return cls([dice.id(1) for _ in _TERMS])

    def open(self, journey: Journey) -> None:
        """A manager asks for each, and the chief of mission confirms it."""
        for number, (fund_id, terms) in enumerate(zip(self.fund_ids, _TERMS, strict=True)):
            journey.give(moment(2, 8, number), "manager", fund_id, terms)
            journey.give(moment(2, 8, 30 + number), "chief-of-mission", fund_id, ConfirmFund(change_no=1))

    def for_a_grant(self, country: str, category: GrantCategory) -> UUID:
        """The next one in turn of those that pay for grants of this category in this country."""
        paying = tuple(
            fund_id
            for fund_id, terms in zip(self.fund_ids, _TERMS, strict=True)
            if (not terms.countries or country in terms.countries)
            and (not terms.grant_categories or category in terms.grant_categories)
        )
        turn = self.turns.get(paying, 0)
        self.turns[paying] = turn + 1
        return paying[turn % len(paying)]


@dataclass(frozen=True, slots=True)
class Taken:
    """What orders take of one donor line, in its currency: ``approved`` in all, ``paid`` of it, for so many grants."""

    granted: Money
    approved: Decimal
    paid: Decimal
    grants: int


def taken(journeys: Iterable[Iterable[Step]]) -> dict[UUID, Taken]:
    """What the orders of some journeys take of each fund that they open, counted from the orders alone."""
    opened: dict[UUID, Money] = {}
    tranches: dict[UUID, dict[int, Decimal]] = {}
    approved: dict[UUID, ApproveGrant] = {}
    paid: dict[UUID, Decimal] = {}
    for step in (step for journey in journeys for step in journey):
        match step.order:
            case OpenFund(granted=granted):
                opened[step.id] = granted
            case DraftGrant(tranches=asked) | ReviseGrant(tranches=asked):
                tranches[step.id] = {tranche.number: tranche.money.amount for tranche in asked}
            case ApproveGrant() as approval:
                approved[step.id] = approval
            case ConfirmPayment(number=number):
                paid[step.id] = paid.get(step.id, Decimal(0)) + tranches[step.id][number]
            case _:
                pass
    of_funds = {fund_id: [id for id, one in approved.items() if one.fund_id == fund_id] for fund_id in opened}
    return {
        fund_id: Taken(
            opened[fund_id], sum((approved[id].money.amount for id in grants), Decimal(0)),
            sum((paid.get(id, Decimal(0)) for id in grants), Decimal(0)), len(grants),
        )
        for fund_id, grants in of_funds.items()
    }  # fmt: skip
