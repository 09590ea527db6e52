"""Whoever signs a batch beside another order on one of its grants is held to it, and it to them, whichever comes first."""

from uuid import UUID

import pytest

from services.reintegration.domain.batch import ApproveBatch, TakeBatchFile
from services.reintegration.domain.stops import OpenRecovery
from services.reintegration.domain.tranches import ConfirmDelivery, ReconcileTranche
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import PAYMENT_BATCH
from shared.ids import uuid7
from tests.given import staff
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.paid_by_bank import PRICE
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_batches import approve, made
from tests.integration.reintegration.test_own_accounts import own_account
from tests.unit.reintegration.examples import APPROVER, PAYER, eur

people = people_of
# One person with two roles, who may wear either hat and never both.
BOTH = staff("both", "finance_payer", "finance_reconciler")
ASKS_BACK = OpenRecovery(reason="used_otherwise", money=eur("100.00"))


async def in_a_batch(house: House, people: People) -> tuple[UUID, UUID]:
    """A grant of which one tranche waits to be reconciled and the next one stands in a batch that waits for its second signature."""
    grant_id = await house.approved((await house.line()).request("1000.00", "500.00", "500.00"), await house.fund())
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    attempt_id = uuid7()
    await house.give(GRANT, grant_id, await house.vendors.release(2, method="bank_file", attempt_id=attempt_id), PAYER)
    sums = [{"amount": str(PRICE), "currency": "EUR"}]
    return grant_id, await made(people, await own_account(people), [attempt_id], expected_sums=sums)


async def the_second_signature(people: People, batch_id: UUID) -> ApproveBatch:
    state = (await people.payer.get(f"payment-batches/{batch_id}")).json()["state"]
    return ApproveBatch.model_validate(
        {"expected_count": state["count"], "expected_sums": state["sums"], "file_sha256": state["file_sha256"]}
    )


async def test_of_one_who_signs_and_reconciles_at_the_same_moment_the_second_is_refused(house: House, people: People) -> None:
    grant_id, batch_id = await in_a_batch(house, people)
    signs = await the_second_signature(people, batch_id)
    async with house.half_done(PAYMENT_BATCH, batch_id, signs, BOTH):
        reconciles = await house.meanwhile(house.try_to(GRANT, grant_id, ReconcileTranche(number=1), BOTH))
    assert await reconciles == "four_eyes"
    assert (await house.findings()).differences == []


async def test_of_one_who_reconciles_and_signs_at_the_same_moment_the_second_is_refused(house: House, people: People) -> None:
    grant_id, batch_id = await in_a_batch(house, people)
    signs = await the_second_signature(people, batch_id)
    async with house.half_done(GRANT, grant_id, ReconcileTranche(number=1), BOTH):
        signature = await house.meanwhile(house.try_to(PAYMENT_BATCH, batch_id, signs, BOTH))
    assert await signature == "four_eyes"
    assert (await house.findings()).differences == []


@pytest.mark.parametrize("taken_first", [True, False], ids=["file-first", "stop-first"])
async def test_a_file_is_handed_out_before_the_grant_is_stopped_or_not_at_all(house: House, people: People, taken_first: bool) -> None:
    grant_id, batch_id = await in_a_batch(house, people)
    assert (await approve(people, batch_id)).status_code == 200
    if taken_first:
        async with house.half_done(PAYMENT_BATCH, batch_id, TakeBatchFile(), PAYER):
            other = await house.meanwhile(house.try_to(GRANT, grant_id, ASKS_BACK, APPROVER))
    else:
        async with house.half_done(GRANT, grant_id, ASKS_BACK, APPROVER):
            other = await house.meanwhile(house.try_to(PAYMENT_BATCH, batch_id, TakeBatchFile(), PAYER))
    assert await other == ("done" if taken_first else "recovery_open")
    state = (await people.payer.get(f"payment-batches/{batch_id}")).json()["state"]
    assert state["status"] == ("sent" if taken_first else "approved")
    assert (await house.findings()).differences == []
