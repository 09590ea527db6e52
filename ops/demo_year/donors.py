"""The year's donor lines: what each pays for, which one pays a grant, and what the orders of the year take of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from ops.demo_year import quotas
from ops.demo_year.banking import BringBankFile
from ops.demo_year.exchange import cost
from ops.demo_year.people import Dice, moment
from ops.demo_year.script import Journey, Step
from services.reintegration.domain.attempts import ReversePayment
from services.reintegration.domain.commitment_orders import AddToCommitment
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.reintegration.domain.grant import ApproveGrant, DraftGrant, ReviseGrant
from services.reintegration.domain.recovery import RecordRecovery
from services.reintegration.domain.tranches import ConfirmPayment, ReleaseTranche
from shared.contracts.reintegration import GrantCategory
from shared.money import Money

# Invented: what three donors give for the year, one for everything, one in dollars for some countries, one for some needs.
_TERMS: Final = tuple(
    OpenFund(
        project=f"AVRR-WB-{number}", donor=f"DONOR-{number}", granted=Money(amount=Decimal(granted), currency=currency),
        valid_from=date(quotas.YEAR, 1, 1), valid_until=date(quotas.YEAR + 1, 6, 30), countries=countries,
        grant_categories=categories,
    )
    for number, (granted, currency, countries, categories) in enumerate(
        (
            (60_000, "EUR", (), ()),
            (45_000, "USD", ("DZ", "EG", "IN", "MA", "PK", "TN", "TR"), ()),
            (50_000, "EUR", (), ("business", "housing")),
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

    def currency(self, fund_id: UUID) -> str:
        """In which currency the donor gave it."""
        return _TERMS[self.fund_ids.index(fund_id)].granted.currency

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
    """What orders take of one donor line, in its currency: ``approved`` in all and needed, ``paid`` of it, for so many grants."""

    granted: Money
    approved: Decimal
    paid: Decimal
    grants: int


@dataclass(slots=True)
class _Ordered:
    """What was ordered for one grant: its tranches, and what they cost a fund when approved, and each attempt to pay when released."""

    tranches: dict[int, Money] = field(default_factory=dict)
    fund_id: UUID | None = None
    committed: Decimal = Decimal(0)
    released: dict[UUID, Decimal] = field(default_factory=dict)
    present: dict[int, UUID] = field(default_factory=dict)
    paid: Decimal = Decimal(0)
    payments: int = 0

    def pay(self, attempt_id: UUID) -> None:
        """An attempt was paid."""
        self.paid += self.released[attempt_id]
        self.payments += 1

    def take_back(self, attempt_id: UUID) -> None:
        """What an attempt had paid came back."""
        self.paid -= self.released[attempt_id]
        self.payments -= 1

    @property
    def approved(self) -> Decimal:
        """What the fund was asked for; of a grant that is paid in full what of that was not needed is free again."""
        return self.paid if self.payments == len(self.tranches) else self.committed


def taken(journeys: Iterable[Iterable[Step]]) -> dict[UUID, Taken]:
    """What the orders of some journeys take of each fund that they open, counted from the orders and the year's rates alone.

    What the bank says of payments comes in a journey after those of the grants.
    """
    opened: dict[UUID, Money] = {}
    grants: dict[UUID, _Ordered] = defaultdict(_Ordered)
    for step in (step for journey in journeys for step in journey):
        if isinstance(step.order, OpenFund):
            opened[step.id] = step.order.granted
        else:
            _take(grants, step, opened)
    of_funds = {fund_id: [one for one in grants.values() if one.fund_id == fund_id] for fund_id in opened}
    return {
        fund_id: Taken(
            opened[fund_id], sum((one.approved for one in its), Decimal(0)), sum((one.paid for one in its), Decimal(0)), len(its)
        )
        for fund_id, its in of_funds.items()
    }  # fmt: skip


def _take(grants: dict[UUID, _Ordered], step: Step, opened: Mapping[UUID, Money]) -> None:
    match step.order:
        case DraftGrant(tranches=asked) | ReviseGrant(tranches=asked):
            grants[step.id].tranches = {tranche.number: tranche.money for tranche in asked}
        case ApproveGrant(fund_id=fund_id):
            grant = grants[step.id]
            grant.fund_id = fund_id
            grant.committed = cost(tuple(grant.tranches.values()), opened[fund_id].currency, step.at.date()).amount
        case AddToCommitment(money=money):
            grants[step.id].committed += money.amount
        case ReleaseTranche(number=number, attempt_id=attempt_id):
            grant = grants[step.id]
            assert grant.fund_id is not None
            grant.released[attempt_id] = cost((grant.tranches[number],), opened[grant.fund_id].currency, step.at.date()).amount
            grant.present[number] = attempt_id
        case ConfirmPayment(number=number):
            grants[step.id].pay(grants[step.id].present[number])
        case ReversePayment(number=number):
            grants[step.id].take_back(grants[step.id].present[number])
        case RecordRecovery(money=money):
            # Of a grant whose fund is in euro, as it is itself: no rate moves what came back.
            grants[step.id].paid -= money.amount
        case BringBankFile(booked=booked):
            by_attempt = {attempt_id: grant for grant in grants.values() for attempt_id in grant.released}
            for direction, attempt_id in [(line.direction, line.attempt_id) for line in booked if line.attempt_id is not None]:
                grant = by_attempt[attempt_id]
                (grant.pay if direction == "DBIT" else grant.take_back)(attempt_id)
        case _:
            pass
