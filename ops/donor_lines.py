"""Whether the funds of the demo's year hold what its orders left of them: balance, postings and orders side by side."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from rich.table import Table

from ops.demo_year.donors import Taken
from ops.identity.client import PersonaTokens
from services.reintegration.routes.funds import FundView
from shared.certificates import trusted
from shared.currencies import minor_units
from shared.outgoing import Outgoing

READER = "finance-reconciler"


@dataclass(frozen=True, slots=True)
class DonorLine:
    """One fund, in its currency: what it holds, what was posted to it, and what the orders of the year took of it."""

    donor: str
    currency: str
    grants: int
    granted: Decimal
    approved: Decimal
    spent: Decimal
    committed: Decimal
    available: Decimal
    ordered: Taken

    @property
    def reconciles(self) -> bool:
        """Whether nothing was approved or paid but what was ordered, and what was granted is all accounted for."""
        return (
            (self.granted, self.approved, self.spent) == (self.ordered.granted.amount, self.ordered.approved, self.ordered.paid)
            and self.committed == self.approved - self.spent
            and self.available == self.granted - self.committed - self.spent
        )


async def reconcile(url: str, tokens: PersonaTokens, ordered: Mapping[UUID, Taken]) -> list[DonorLine]:
    """The funds under these ids as reintegration at this address knows them, in their order."""
    headers = {"Authorization": f"Bearer {await tokens.token(READER)}"}

    async def line(client: Outgoing, fund_id: UUID, taken: Taken) -> DonorLine:
        answer = await client.get(f"{url}/v1/funds/{fund_id}", headers=headers)
        fund = FundView.model_validate_json(answer.raise_for_status().content)
        assert fund.state is not None
        # What came back of a grant is none of what it needed.
        posted = sum(
            (month.committed + month.added - month.released - month.not_needed - month.recovered for month in fund.months), Decimal(0)
        )
        return DonorLine(
            fund.state.donor, fund.balance.currency, taken.grants, fund.balance.granted, posted,
            sum((month.spent - month.reversed - month.recovered for month in fund.months), Decimal(0)), fund.balance.committed, fund.balance.available, taken,
        )  # fmt: skip

    async with Outgoing(timeout=30, verify=trusted(), trust_env=False) as client:
        return list(await asyncio.gather(*(line(client, fund_id, taken) for fund_id, taken in ordered.items())))


def as_table(lines: list[DonorLine]) -> Table:
    """The lines as finance reads them; DIFFERS where one says something else than the orders of the year."""
    # Narrow enough for a terminal of 80 columns, so that no amount is cut short.
    table = Table(title="Donor lines of the year (invented)", title_justify="left", box=None, padding=(0, 1, 0, 0))
    for name in "", "grants", "granted", "approved", "spent", "committed", "available", "":
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for line in lines:
        amounts = (line.granted, line.approved, line.spent, line.committed, line.available)
        table.add_row(
            f"{line.donor} {line.currency}", str(line.grants), *(f"{amount:,.{minor_units(line.currency)}f}" for amount in amounts),
            "equal" if line.reconciles else "DIFFERS",
        )  # fmt: skip
    return table
