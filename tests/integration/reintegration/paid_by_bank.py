"""Tranches that the mission's bank is ordered to pay, and nothing else of them is known yet."""

from uuid import UUID

from services.reintegration.grant_wiring import GRANT
from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.unit.reintegration.examples import PAYER


async def released_by_bank(house: House, fund_id: UUID) -> tuple[UUID, UUID]:
    """A grant of 1,500.00 EUR of which the first tranche, 500.00 EUR, is released to the bank; with the attempt's id."""
    grant_id = await house.approved((await house.line()).request("1500.00", "500.00", "1000.00"), fund_id)
    attempt_id = uuid7()
    await house.give(GRANT, grant_id, await house.vendors.release(1, method="bank_file", attempt_id=attempt_id), PAYER)
    return grant_id, attempt_id
