"""Visits and cash as callers and the database meet them: two signatures, an order of turns, and a list of what nobody took."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.domain.cash import UNCLAIMED_AFTER, WitnessCash
from services.reintegration.domain.tranches import ConfirmDelivery, ReconcileTranche
from services.reintegration.domain.visits import RecordVisit
from services.reintegration.grant_wiring import GRANT
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.reintegration.office import LENIENT_POLICY, OFFICE, House
from tests.integration.reintegration.test_api import People, turns_of
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_evidence import PHOTO
from tests.unit.reintegration.examples import PAYER, RECONCILER, TODAY

people = people_of
WITNESS = WitnessCash(number=1, identity_document="identity_card", handed_over_on=TODAY)
VISIT = RecordVisit(tranche=1, visited_on=TODAY, mode="in_person", finding="as_agreed")


async def in_cash(house: House, *tranches: str) -> UUID:
    """A grant of which the first tranche is to be handed over in cash."""
    grant_id = await house.approved((await house.line()).request("500.00", *(tranches or ("500.00",))), await house.fund())
    await house.give(GRANT, grant_id, await house.vendors.release(1, method="cash"), PAYER)
    return grant_id


async def test_cash_is_the_offices_turn_until_somebody_saw_it_handed_over_and_then_the_payers(house: House, people: People) -> None:
    grant_id = await in_cash(house)
    path, body = f"grants/{grant_id}/witness-cash", WITNESS.model_dump(mode="json", exclude_none=True)
    assert await turns_of(people.office) == [(str(grant_id), "witness_cash")]
    assert (await turns_of(people.payer), (await house.findings()).differences) == ([], [])
    assert await house.try_to(GRANT, grant_id, house.payment(1), PAYER) == "witness_missing"
    for caller in (people.payer, people.coordinator, people.counsellor):
        assert (await caller.post(path, body)).status_code == 403
    assert (await people.office_abroad.post(path, body)).status_code == 404
    assert (await people.office.post(path, body)).status_code == 200
    assert (await turns_of(people.office), await turns_of(people.payer)) == ([], [(str(grant_id), "confirm_payment")])
    assert (await house.findings()).differences == []
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    (tranche,) = (await people.payer.get(f"grants/{grant_id}")).json()["state"]["tranches"]
    assert {name: tranche["witness"][name] for name in ("handed_over_on", "identity_document", "witnessed_by")} == {
        "handed_over_on": TODAY.isoformat(), "identity_document": "identity_card", "witnessed_by": "staff:office-pk"
    }  # fmt: skip
    assert (await house.findings()).differences == []


async def test_cash_that_nobody_took_is_a_list_until_it_is_handed_over_or_put_back(house: House, people: People) -> None:
    back, taken, late = [await in_cash(house) for _ in range(3)]
    assert (await people.payer.get("unclaimed-cash")).json()["items"] == []
    then = people.payer.at(NOON + UNCLAIMED_AFTER + timedelta(seconds=1))
    await house.give(GRANT, taken, WITNESS, OFFICE)
    items = (await then.get("unclaimed-cash")).json()["items"]
    assert [(one["id"], one["tranche"], one["amount"]) for one in items] == [(str(one), 1, "500.00") for one in (back, late)]
    assert [one["id"] for one in (await then.get("unclaimed-cash", days=15)).json()["items"]] == []
    await house.give(GRANT, back, ReportPaymentFailed(number=1, reason="not_collected", failed_on=TODAY), RECONCILER)
    assert [one["id"] for one in (await then.get("unclaimed-cash")).json()["items"]] == [str(late)]
    assert (await people.office.get("unclaimed-cash")).status_code == 403
    assert (await house.findings()).differences == []


async def test_the_next_tranche_waits_for_what_the_grants_own_version_of_the_policy_asks(house: House, people: People) -> None:
    await house.lenient()
    before = await house.approved((await house.line()).request("500.00", "300.00", "200.00"), await house.fund())
    await house.publish(LENIENT_POLICY.model_copy(update={"next_tranche_needs": ("receipt", "visit"), "reconciling_needs": ("receipt",)}))
    grant_id = await house.approved((await house.line()).request("500.00", "300.00", "200.00"), await house.fund())
    for one in (before, grant_id):
        await house.paid(one, 1)
        await house.give(GRANT, one, ConfirmDelivery(number=1), OFFICE)
    release = await house.vendors.release(2)
    assert await house.try_to(GRANT, before, release, PAYER) == "done"
    order = await house.vendors.release(2)
    assert await house.try_to(GRANT, grant_id, order, PAYER) == "receipts_missing"
    reconcile = ReconcileTranche(number=1)
    assert await house.try_to(GRANT, grant_id, reconcile, RECONCILER) == "receipts_missing"
    receipt = await people.office.put(f"grants/{grant_id}/evidence/{uuid7()}?kind=invoice&tranche=1", PHOTO, "image/jpeg")
    assert receipt.status_code == 200, receipt.text
    for one in (before, grant_id):
        assert await house.try_to(GRANT, one, reconcile, RECONCILER) == "done"
    assert await house.try_to(GRANT, grant_id, order, PAYER) == "visit_missing"
    assert await house.try_to(GRANT, grant_id, VISIT, PAYER) == "four_eyes"
    said = VISIT.model_dump(mode="json")
    assert (await people.payer.post(f"grants/{grant_id}/record-visit", said)).status_code == 403
    assert (await people.office.post(f"grants/{grant_id}/record-visit", {**said, "finding": "differs"})).status_code == 200
    assert await house.try_to(GRANT, grant_id, order, PAYER) == "visit_missing"
    assert (await people.counsellor.post(f"grants/{grant_id}/record-visit", said)).status_code == 200
    shown = (await people.payer.get(f"grants/{grant_id}")).json()["state"]["visits"]
    assert [(one["finding"], one["recorded_by"]) for one in shown] == [
        ("differs", "staff:office-pk"), ("as_agreed", "staff:counsellor"),
    ]  # fmt: skip
    assert await house.try_to(GRANT, grant_id, order, PAYER) == "done"
    assert (await house.findings()).differences == []


async def test_the_database_lets_nobody_pay_who_visited_or_saw_the_cash(house: House) -> None:
    grant_id = await in_cash(house)
    await house.give(GRANT, grant_id, WITNESS, OFFICE)
    await house.give(GRANT, grant_id, house.payment(1), PAYER)
    await house.give(GRANT, grant_id, VISIT, OFFICE)
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    try:
        for change in (
            "visits = jsonb_set(visits, '{0,recorded_by}', to_jsonb(payer_id))",
            "tranches = jsonb_set(tranches, '{0,witness,witnessed_by}', to_jsonb(payer_id))",
        ):
            with pytest.raises(asyncpg.CheckViolationError, match="who_looked_pays_nothing"):
                await owner.execute(f"UPDATE grants SET {change}")
    finally:
        await owner.close()
