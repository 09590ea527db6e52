"""Two payees of one account: of whoever stated it, finds that right and confirms it for either of them, each is another person."""

from functools import partial

from services.reintegration import payable_queries
from shared.handling import transact
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from tests.given import NOON
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_own_accounts import colleague
from tests.integration.reintegration.test_payees import CHANGED, active, code, registered, vendor
from tests.unit.reintegration.examples import CHIEF, RECONCILER

people = people_of


async def test_whoever_stated_an_account_finds_it_right_on_neither_side_and_who_did_is_known_to_both(
    house: House, people: People
) -> None:
    first = await registered(people)
    assert (await colleague(people).post(f"payees/{first}/confirm", {})).status_code == 200
    second = uuid7()
    assert (await people.reconciler.post(f"payees/{second}", vendor(vendor_code="V-2"))).status_code == 201
    for payee_id, other in ((second, first), (first, second)):
        accept = {"with_ids": [str(other)], "reason": "same_business"}
        assert await code(await people.reconciler.post(f"payees/{payee_id}/accept-shared-account", accept)) == "four_eyes"
    assert await code(await people.chief.post(f"payees/{second}/confirm", {})) == "account_shared"
    accept = {"with_ids": [str(second)], "reason": "same_business"}
    assert (await people.chief.post(f"payees/{first}/accept-shared-account", accept)).status_code == 200
    for payee_id in (first, second):
        known = await transact(house.made.api, EVERYWHERE.scope(RECONCILER), partial(payable_queries.payable, payee_id=payee_id))
        assert known.sharers == {CHIEF.person_id}
    assert (await house.findings()).differences == []


async def test_of_whoever_finds_an_account_right_and_whoever_confirms_it_for_either_payee_each_is_another(
    house: House, people: People
) -> None:
    first, second = await active(people), await registered(people, vendor_code="V-2")
    for payee_id, other in ((second, first), (first, second)):
        accept = {"with_ids": [str(other)], "reason": "same_business"}
        assert await code(await people.reconciler.post(f"payees/{payee_id}/accept-shared-account", accept)) == "four_eyes"
        shown = (await people.reconciler.get(f"payees/{payee_id}")).json()
        assert "accept_shared_account" not in {one["name"] for one in shown["actions"] if one["allowed"]}
    # Said on the other one's page, it is a part in this one all the same.
    accept = {"with_ids": [str(second)], "reason": "same_business"}
    assert (await people.chief.post(f"payees/{first}/accept-shared-account", accept)).status_code == 200
    assert await code(await people.chief.post(f"payees/{second}/confirm", {})) == "four_eyes"
    assert (await people.reconciler.post(f"payees/{second}/confirm", {})).status_code == 200
    for payee_id in (first, second):
        assert (await people.office.post(f"payees/{payee_id}/change-account", CHANGED)).status_code == 200
    # Of the account of before they had parts, of this one none yet.
    accept = {"with_ids": [str(first)], "reason": "same_business"}
    assert (await people.reconciler.post(f"payees/{second}/accept-shared-account", accept)).status_code == 200
    called = {"account_no": 2, "called_at": NOON.isoformat()}
    for payee_id in (first, second):
        assert await code(await people.reconciler.post(f"payees/{payee_id}/confirm-call-back", called)) == "four_eyes"
        assert (await people.chief.post(f"payees/{payee_id}/confirm-call-back", called)).status_code == 200
    assert (await house.findings()).differences == []
