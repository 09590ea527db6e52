"""What a request is made up of: the lines of its budget, what the person brings, and the quotations that were compared."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Protocol
from uuid import UUID, uuid4

import rfc8785
from pydantic import Field

from services.reintegration.domain.amounts import NOTHING, PlannedMoney, PositiveMoney, refuse_two_currencies
from shared.contracts.reintegration import BudgetItem, Code
from shared.errors import RuleViolation
from shared.messages import Concealed, Part
from shared.money import Money, refuse_unpayable

MOST_LINES: Final = 40
MOST_QUOTATIONS: Final = 12


class BudgetLine(Part):
    """What a part of the money is for."""

    what: BudgetItem
    money: PositiveMoney


class Quotation(Part):
    """What one vendor (a code) asks for it, by a paper that is filed with the request."""

    vendor: Code
    money: PositiveMoney
    evidence_id: UUID
    chosen: bool = False


BudgetLines = Annotated[tuple[BudgetLine, ...], Field(max_length=MOST_LINES)]
Quotations = Annotated[tuple[Quotation, ...], Field(max_length=MOST_QUOTATIONS)]
OwnContribution = Annotated[PlannedMoney | None, Field(description="What the person brings beside the grant.")]
# Whoever orders makes it, so that deciding stays without chance. With it nobody can try out what the hash is of.
NONCE: Final[UUID] = Field(
    default_factory=uuid4, description="Random, and another one for each request and version.",
    json_schema_extra={"x-asked": False},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BudgetedLine:
    """A line of the budget; every amount is in the grant's currency."""

    what: BudgetItem
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quotation and the paper that it stands in."""

    vendor: str
    amount: Decimal
    evidence_id: UUID
    chosen: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """What the money of a request is made up of; every amount is in the grant's currency.

    It may tell of health, so that the log conceals it and the row keeps it sealed.
    """

    lines: tuple[BudgetedLine, ...]
    own_contribution: Decimal
    quotations: tuple[Quoted, ...]
    nonce: UUID

    @property
    def planned(self) -> Decimal:
        """What the lines make together."""
        return sum((line.amount for line in self.lines), NOTHING)

    @property
    def chosen(self) -> Quoted | None:
        """The quotation that was chosen."""
        return next((quoted for quoted in self.quotations if quoted.chosen), None)


def as_asked(
    money: Money, lines: Sequence[BudgetLine], own_contribution: Money | None, quotations: Sequence[Quotation], nonce: UUID
) -> Budget | None:
    """The budget of a request for this money; None as long as nothing is said of it.

    Refuses as ``currencies_differ`` what is not in the grant's currency, as ``budget_lines_do_not_add_up`` lines that do
    not make exactly its amount, as ``vendor_twice`` and ``several_chosen`` quotations that cannot be compared.
    """
    sums = (*(line.money for line in lines), *(one.money for one in quotations), *((own_contribution,) if own_contribution else ()))
    refuse_two_currencies((money, *sums))
    refuse_unpayable(sums)
    if len({one.vendor for one in quotations}) < len(quotations):
        raise RuleViolation("vendor_twice", "A vendor is named twice. Compare what different vendors ask for.")
    if sum(one.chosen for one in quotations) > 1:
        raise RuleViolation("several_chosen", "More than one quotation is chosen. Choose one.")
    if not sums:
        return None
    budget = Budget(
        lines=tuple(BudgetedLine(line.what, line.money.amount) for line in lines),
        own_contribution=own_contribution.amount if own_contribution else NOTHING,
        quotations=tuple(Quoted(one.vendor, one.money.amount, one.evidence_id, one.chosen) for one in quotations),
        nonce=nonce,
    )
    if budget.planned != money.amount:
        raise lines_do_not_add_up()
    return budget


def lines_do_not_add_up() -> RuleViolation:
    """Refuses a request whose lines of the budget do not make its amount, or that has none."""
    return RuleViolation("budget_lines_do_not_add_up", "The lines of the budget together must make exactly the amount of the grant.")


def written(budget: Budget) -> str:
    """The budget as RFC 8785 JSON, without noughts behind an amount: what is concealed in the log, and what is hashed."""
    return rfc8785.dumps(
        {
            "lines": [{"what": line.what, "amount": _plain(line.amount)} for line in budget.lines],
            "own_contribution": _plain(budget.own_contribution),
            "quotations": [
                {
                    "vendor": one.vendor, "amount": _plain(one.amount), "evidence_id": str(one.evidence_id), "chosen": one.chosen,
                }
                for one in budget.quotations
            ],
            "nonce": str(budget.nonce),
        }
    ).decode()  # fmt: skip


def read(text: str) -> Budget:
    """The budget that `written` wrote."""
    told: dict[str, Any] = json.loads(text)
    return Budget(
        lines=tuple(BudgetedLine(line["what"], Decimal(line["amount"])) for line in told["lines"]),
        own_contribution=Decimal(told["own_contribution"]),
        quotations=tuple(
            Quoted(one["vendor"], Decimal(one["amount"]), UUID(one["evidence_id"]), one["chosen"]) for one in told["quotations"]
        ),
        nonce=UUID(told["nonce"]),
    )


class Asks(Protocol):
    """An order that says what the money of a request is made up of."""

    @property
    def money(self) -> Money:
        """The amount of the grant."""

    @property
    def budget_lines(self) -> tuple[BudgetLine, ...]:
        """What each part of it is for."""

    @property
    def own_contribution(self) -> Money | None:
        """What the person brings beside it."""

    @property
    def quotations(self) -> tuple[Quotation, ...]:
        """The prices that were compared."""

    @property
    def nonce(self) -> UUID:
        """The random part."""


def concealed(order: Asks) -> tuple[Concealed | None, str | None]:
    """The budget of an order as an event has it, and its hash; nothing of none."""
    budget = as_asked(order.money, order.budget_lines, order.own_contribution, order.quotations, order.nonce)
    return (None, None) if budget is None else (Concealed.of(written(budget)), budget_hash(written(budget)))


def budget_in(told: Concealed | None) -> Budget | None:
    """The budget that an event conceals; None where it has none, and once the person was erased."""
    return None if told is None or told.value is None else read(told.value)


def budget_hash(text: str) -> str:
    """SHA-256, in hexadecimal digits, of a written budget; its nonce keeps it from being guessed."""
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
