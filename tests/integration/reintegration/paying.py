"""Payments that wait for the bank: grants in several currencies, each approved and released as the routes would do it."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from services.reintegration.domain.budget import BudgetLine
from services.reintegration.domain.grant import DraftGrant
from services.reintegration.domain.grant_facts import RequestedTranche
from services.reintegration.domain.rates import RecordRate
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import RATE
from shared.ids import uuid7
from shared.money import Money
from tests.integration.reintegration.office import House
from tests.unit.reintegration.examples import PAYER, RECONCILER

# What one grant is paid in each, and what one euro was; invented.
AMOUNTS: Final = {"EUR": "1250.50", "BAM": "99.05", "TRY": "48000.00", "TND": "3187.125", "XOF": "655957"}
ONE_EURO: Final = {"BAM": "1.95583", "TRY": "21.4", "TND": "3.35", "XOF": "655.957"}


@dataclass
class Paying:
    """What is paid in a house: from one fund in euros, by rates of one day."""

    house: House
    fund_id: UUID | None = None
    rated: set[str] = field(default_factory=set)

    async def waiting(self, currency: str = "EUR", payee_id: UUID | None = None, method: str = "bank_file") -> UUID:
        """An attempt to pay a vendor that waits for the bank, of a person who has no other grant."""
        attempt_id = uuid7()
        grant_id = await self.approved(currency)
        said: dict[str, Any] = {"method": method, "attempt_id": attempt_id, **({} if payee_id is None else {"payee_id": payee_id})}
        await self.house.give(GRANT, grant_id, await self.house.vendors.release(1, currency, **said), PAYER)
        return attempt_id

    async def approved(self, currency: str = "EUR") -> UUID:
        """A grant in this currency of which nothing is released yet."""
        await self._rate(currency)
        if self.fund_id is None:
            self.fund_id = await self.house.fund("90000000.00")
        money = Money(amount=Decimal(AMOUNTS[currency]), currency=currency)
        (line,) = await self.house.lines("business", planned=AMOUNTS[currency], currency=currency)
        request = DraftGrant(
            case_id=line.case_id, person_id=line.person_id, plan_id=line.plan_id, plan_line_id=line.line_id, category="business",
            modality="cash_instalment", money=money, tranches=(RequestedTranche(number=1, money=money),),
            budget_lines=(BudgetLine(what="goods", money=money),),
        )  # fmt: skip
        return await self.house.approved(request, self.fund_id)

    async def _rate(self, currency: str) -> None:
        if currency != "EUR" and currency not in self.rated:
            self.rated.add(currency)
            rate = RecordRate(
                currency=currency, base="EUR", effective_on=date(2023, 1, 1), rate=Decimal(ONE_EURO[currency]), source="central_bank"
            )
            await self.house.give(RATE, uuid7(), rate, RECONCILER)
