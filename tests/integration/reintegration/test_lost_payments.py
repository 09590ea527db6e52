"""What a restore lost of payments holds up every order of money, and what left already for ever, also where the API asks."""

from datetime import datetime
from uuid import UUID

from ops.after_restore.sources import SCOPE
from services.reintegration.domain.lost_payments import (
    AskToClearLostPayments,
    ClearLostPayments,
    RecordLostPayments,
    SettleLostPayment,
)
from services.reintegration.lost_payment_queries import attempts_of_batches
from services.reintegration.wiring import LOST_PAYMENTS
from shared.actors import Actor
from shared.contracts.lost_payments import LostPayment
from shared.db import Sql
from shared.handling import handle, transact
from shared.ids import uuid7
from shared.messages import Command, Context, Origin
from shared.policy import EVERYWHERE
from tests.given import NOON, staff
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paying import Paying
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_batches import approved as batch_approved
from tests.integration.reintegration.test_batches import make, second_payer, take
from tests.integration.reintegration.test_own_accounts import own_account
from tests.integration.reintegration.test_release import approved
from tests.unit.reintegration.examples import TODAY

people = people_of
SERVICE = Actor.service("reintegration")
RECONCILER, APPROVER = staff("rek-2", "finance_reconciler"), staff("apr-2", "finance_approver")

NOT_SENT = {"number": 1, "reason": "not_sent", "failed_on": TODAY.isoformat()}
_GRANT = Sql("SELECT grant_id FROM payment_attempts WHERE attempt_id = :attempt_id")


async def give(house: House, id: UUID, order: Command, by: Actor, at: datetime = NOON) -> None:
    """As whoever accepts a restore does, by the worker's login; as finance does by the API's."""
    await transact(
        house.made.worker if by is SERVICE else house.made.api, EVERYWHERE.scope(by),
        lambda unit: handle(unit, LOST_PAYMENTS, id, order, Context(by, at), Origin("restore"), reach=EVERYWHERE),
    )  # fmt: skip


async def tranche_of(house: House, attempt_id: UUID) -> UUID:
    """Of which grant the first tranche is that an attempt pays."""
    ((grant_id,),) = [row.values() for row in await house.rows(_GRANT, attempt_id=attempt_id)]
    return UUID(str(grant_id))


async def test_nothing_is_released_until_two_cleared_what_was_lost_and_nothing_that_left_before(house: House, people: People) -> None:
    left, stayed, other = [await approved(house) for _ in range(3)]
    shop, restore = await house.vendors.of(), uuid7()
    lost = [LostPayment(event_id=uuid7(), fact="released", attempt_id=uuid7(), grant_id=grant, number=1) for grant in (left, stayed)]

    async def release(grant_id: UUID) -> tuple[int, str | None]:
        answer = await people.payer.post(
            f"grants/{grant_id}/release-tranche", {"number": 1, "payee_id": str(shop), "method": "office_account"}
        )
        return answer.status_code, answer.json().get("code")

    await give(house, restore, RecordLostPayments(payments=tuple(lost)), SERVICE)
    for grant_id in (left, stayed, other):
        assert await release(grant_id) == (409, "restore_not_cleared")
    await give(house, restore, SettleLostPayment(event_id=lost[0].event_id, outcome="left"), RECONCILER)
    await give(house, restore, SettleLostPayment(event_id=lost[1].event_id, outcome="not_left"), RECONCILER)
    await give(house, restore, AskToClearLostPayments(without_statements=True), RECONCILER)
    assert await release(other) == (409, "restore_not_cleared")
    await give(house, restore, ClearLostPayments(), APPROVER)
    assert await release(left) == (409, "paid_before_restore")
    assert await release(stayed) == (200, None)
    assert await release(other) == (200, None)
    found_later = LostPayment(event_id=uuid7(), fact="released", attempt_id=uuid7(), grant_id=other, number=1)
    await give(house, restore, RecordLostPayments(payments=(*lost, found_later)), SERVICE)
    assert await release(left) == (409, "restore_not_cleared")
    assert (await house.findings()).differences == []


async def test_a_batch_whose_handing_out_was_lost_is_neither_dropped_before_it_is_cleared_nor_taken_after_it_left(
    house: House, people: People
) -> None:
    attempts, restore = [await Paying(house).waiting() for _ in range(2)], uuid7()
    batch_id = await batch_approved(people, await own_account(people), attempts)
    known = await house.made.api.attempt(SCOPE, lambda unit: attempts_of_batches(unit, [batch_id, uuid7()]))
    assert known == {batch_id: tuple(attempts)}
    lost = [LostPayment(event_id=uuid7(), fact="batched", attempt_id=id, grant_id=None, number=None) for id in attempts]
    await give(house, restore, RecordLostPayments(payments=tuple(lost)), SERVICE)
    drop = {"reason": "never_sent"}
    assert (await people.payer.post(f"payment-batches/{batch_id}/drop", drop)).json()["code"] == "restore_not_cleared"
    assert (await take(people.payer, batch_id)).json()["code"] == "restore_not_cleared"
    await give(house, restore, SettleLostPayment(event_id=lost[0].event_id, outcome="left"), RECONCILER)
    await give(house, restore, SettleLostPayment(event_id=lost[1].event_id, outcome="not_left"), RECONCILER)
    await give(house, restore, AskToClearLostPayments(without_statements=True), RECONCILER)
    await give(house, restore, ClearLostPayments(), APPROVER)
    assert (await take(people.payer, batch_id)).json()["code"] == "paid_before_restore"
    assert (await people.payer.post(f"payment-batches/{batch_id}/drop", drop)).status_code == 200
    released, _ = [await tranche_of(house, id) for id in attempts]
    refused = await second_payer(people).post(f"grants/{released}/report-payment-failed", NOT_SENT)
    assert (refused.status_code, refused.json().get("code")) == (409, "paid_before_restore")


async def test_a_payment_of_which_no_attempt_is_named_holds_every_attempt_of_its_tranche_and_no_other(house: House, people: People) -> None:
    account_id, restore, paying = await own_account(people), uuid7(), Paying(house)
    paid, other = [await paying.waiting() for _ in range(2)]
    entry = LostPayment(event_id=uuid7(), fact="paid", attempt_id=None, grant_id=await tranche_of(house, paid), number=1)
    await give(house, restore, RecordLostPayments(payments=(entry,)), SERVICE)
    await give(house, restore, SettleLostPayment(event_id=entry.event_id, outcome="left"), RECONCILER)
    await give(house, restore, AskToClearLostPayments(without_statements=True), RECONCILER)
    await give(house, restore, ClearLostPayments(), APPROVER)
    assert (await make(people, account_id, [paid])).json()["code"] == "paid_before_restore"
    assert (await make(people, account_id, [other])).status_code == 201


async def test_what_was_cleared_as_left_and_did_not_leave_is_paid_once_two_cleared_the_correction(house: House, people: People) -> None:
    account_id, restore, paying = await own_account(people), uuid7(), Paying(house)
    turned_down, other = [await paying.waiting() for _ in range(2)]
    entry = LostPayment(event_id=uuid7(), fact="batched", attempt_id=turned_down, grant_id=None, number=None)
    await give(house, restore, RecordLostPayments(payments=(entry,)), SERVICE)
    await give(house, restore, SettleLostPayment(event_id=entry.event_id, outcome="left"), RECONCILER)
    await give(house, restore, AskToClearLostPayments(without_statements=True), RECONCILER)
    await give(house, restore, ClearLostPayments(), APPROVER)
    assert (await make(people, account_id, [turned_down])).json()["code"] == "paid_before_restore"
    await give(house, restore, SettleLostPayment(event_id=entry.event_id, outcome="not_left"), RECONCILER)
    assert (await make(people, account_id, [other])).json()["code"] == "restore_not_cleared"
    await give(house, restore, AskToClearLostPayments(without_statements=True), RECONCILER)
    await give(house, restore, ClearLostPayments(), APPROVER)
    assert (await make(people, account_id, [turned_down])).status_code == 201
    assert (await house.findings()).differences == []
