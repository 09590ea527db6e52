"""What was paid and not received on a real database: a row that nobody changes, a list, and grants that agree with both."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from services.reintegration.domain.stops import OpenRecovery
from services.reintegration.domain.tranches import ConfirmDelivery, ReconcileTranche
from services.reintegration.grant_wiring import GRANT
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.examples import RECONCILER, eur

people = people_of
Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def owner(house: House) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(house.made.logins.migrate)
    await connection.execute("SET ROLE reintegration_owner")
    yield connection
    await connection.close()


async def test_less_than_was_paid_is_reconciled_once_it_is_explained_and_asked_back(
    house: House, people: People, owner: Owner
) -> None:
    grant_id = await house.approved((await house.line()).request("500.00"), await house.fund())
    await house.paid(grant_id, 1)
    more = {"number": 1, "received": {"amount": "500.01", "currency": "EUR"}}
    assert (await people.office.post(f"grants/{grant_id}/confirm-delivery", more)).json()["code"] == "received_more_than_paid"
    less = {"number": 1, "received": {"amount": "440.00", "currency": "EUR"}}
    assert (await people.office.post(f"grants/{grant_id}/confirm-delivery", less)).status_code == 200
    reconcile = f"grants/{grant_id}/reconcile-tranche"
    assert (await people.reconciler.post(reconcile, {"number": 1})).json()["code"] == "difference_unexplained"
    unspent = {"number": 1, "difference_reason": "unspent"}
    assert (await people.reconciler.post(reconcile, unspent)).json()["code"] == "recovery_not_opened"
    await house.give(GRANT, grant_id, OpenRecovery(reason="used_otherwise", money=eur("60.00")), RECONCILER)
    assert (await house.findings()).differences == []
    assert (await people.reconciler.post(reconcile, unspent)).status_code == 200
    (row,) = (await people.reconciler.get("differences")).json()["items"]
    assert (row["grant_id"], row["tranche"], row["amount"], row["currency"], row["reason"], row["reconciled_by"]) == (
        str(grant_id), 1, "60.00", "EUR", "unspent", RECONCILER.person_id
    )  # fmt: skip
    assert (await people.office.get("differences")).status_code == 403
    (tranche,) = (await people.payer.get(f"grants/{grant_id}")).json()["state"]["tranches"]
    assert (tranche["received"], tranche["difference"], tranche["difference_reason"]) == ("440.00", "60.00", "unspent")
    assert (await house.findings()).differences == []
    # What a row says and its grant does not is found, and so is a grant that says it alone.
    await owner.execute("UPDATE reconciliation_differences SET amount = 61")
    assert (await house.findings()).differences == [
        f"differences of reconciliations: {grant_id}", f"reconciled in three ways: {grant_id}"
    ]  # fmt: skip
    await owner.execute("DELETE FROM reconciliation_differences")
    assert (await house.findings()).differences == [f"differences of reconciliations: {grant_id}"]


async def test_the_list_goes_on_within_one_grant(house: House, people: People) -> None:
    grant_id = await house.approved((await house.line()).request("1500.00", "500.00", "1000.00"), await house.fund())
    for number, received in ((1, "499.00"), (2, "999.00")):
        await house.paid(grant_id, number)
        await house.give(GRANT, grant_id, ConfirmDelivery(number=number, received=eur(received)), OFFICE)
        await house.give(GRANT, grant_id, ReconcileTranche(number=number, difference_reason="bank_charge"), RECONCILER)
    first = (await people.reconciler.get("differences", limit=1)).json()
    second = (await people.reconciler.get("differences", limit=1, after=first["next"])).json()
    assert [one["tranche"] for one in (*first["items"], *second["items"])] == [1, 2]
    assert second["next"] is None
    assert (await house.findings()).differences == []


@pytest.mark.parametrize(
    ("change", "held_by"),
    [("amount = 0", "something_differs"), ("reason = 'lost'", "reason_is_known"), ("tranche = 7", "of_a_tranche")],
    ids=["nothing", "another_reason", "no_tranche"],
)
async def test_no_row_says_what_the_core_does_not(house: House, owner: Owner, change: str, held_by: str) -> None:
    grant_id = await house.approved((await house.line()).request("500.00"), await house.fund())
    await house.paid(grant_id, 1)
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1, received=eur("499.00")), OFFICE)
    await house.give(GRANT, grant_id, ReconcileTranche(number=1, difference_reason="rounding"), RECONCILER)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await owner.execute(f"UPDATE reconciliation_differences SET {change}")
    assert refused.value.constraint_name == f"ck_reconciliation_differences_{held_by}"
