"""An account of our own is not closed while the bank has not answered for what it was ordered from it, or a file of it waits."""

from uuid import UUID

from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import brought, imported
from tests.integration.reintegration.test_own_accounts import own_account, registered
from tests.integration.reintegration.test_settlement import debit
from tests.unit.reintegration.bank.answers import Account

people = people_of


async def close(people: People, account_id: UUID) -> str:
    """What becomes of an order to close an account; whoever reads the account is told the same."""
    shown = (await people.reconciler.get(f"own-accounts/{account_id}")).json()
    answer = await people.reconciler.post(f"own-accounts/{account_id}/close", {"reason": "account_closed"})
    code = "done" if answer.status_code == 200 else str(answer.json()["code"])
    allowed = {one["name"]: one["allowed"] for one in shown["actions"]}
    assert allowed["close_own_account"] == (code == "done")
    return code


async def test_it_is_closed_once_all_of_it_is_answered_and_no_file_of_it_waits(house: House, people: People) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    assert await close(people, account_id) == "payments_under_way"
    file_id = await imported(people, Account([debit(attempt_id)], id="MAY-1"))
    assert (await people.reconciler.post(f"bank-files/{file_id}/settle", {})).json()["settled"] == 1
    waiting = await brought(people, Account([], id="MAY-2"))
    assert await close(people, account_id) == "payments_under_way"
    assert (await people.approver.post(f"bank-files/{waiting}/drop", {"reason": "brought_by_mistake"})).status_code == 200
    assert await close(people, account_id) == "done"
    await registered(people)
    assert (await house.findings()).differences == []
