"""Tranches that the mission's bank is ordered to pay, by a file that two persons signed and one took."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.reintegration.grant_wiring import GRANT
from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_batches import approved, take
from tests.unit.reintegration.examples import PAYER

PRICE = Decimal("500.00")


async def released_by_bank(house: House, fund_id: UUID) -> tuple[UUID, UUID]:
    """A grant of 1,500.00 EUR of which the first tranche, 500.00 EUR, is released to the bank; with the attempt's id."""
    grant_id = await house.approved((await house.line()).request("1500.00", "500.00", "1000.00"), fund_id)
    attempt_id = uuid7()
    await house.give(GRANT, grant_id, await house.vendors.release(1, method="bank_file", attempt_id=attempt_id), PAYER)
    return grant_id, attempt_id


async def sent(people: People, account_id: UUID, attempts: Sequence[UUID], **said: Any) -> UUID:
    """The batch of these attempts, of 500.00 EUR each unless said otherwise, once its file was taken."""
    sums = [{"amount": str(PRICE * len(attempts)), "currency": "EUR"}]
    batch_id = await approved(people, account_id, attempts, **{"expected_count": len(attempts), "expected_sums": sums, **said})
    answer = await take(people.payer, batch_id)
    assert answer.status_code == 200, answer.text
    return batch_id
