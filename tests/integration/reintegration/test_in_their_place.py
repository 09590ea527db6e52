"""Where every reconciler had part in the bank's file the chief of mission reconciles what it paid, and nothing else."""

from uuid import UUID

from services.reintegration.domain.tranches import ConfirmDelivery
from services.reintegration.grant_wiring import GRANT
from tests.integration.reintegration.office import OFFICE, House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import confirm, put
from tests.integration.reintegration.test_own_accounts import colleague, own_account
from tests.integration.reintegration.test_settlement import debit
from tests.unit.reintegration.bank.answers import Account, camt053

people = people_of


async def reconcile(caller: Caller, grant_id: UUID, step: str) -> str:
    answer = await caller.post(f"grants/{grant_id}/{step}", {"number": 1})
    return "done" if answer.status_code == 200 else str(answer.json()["code"])


async def test_the_chief_of_mission_reconciles_what_a_file_paid_that_both_reconcilers_had_part_in(house: House, people: People) -> None:
    account_id = await own_account(people)
    grant_id, attempt_id = await released_by_bank(house, await house.fund())
    await sent(people, account_id, [attempt_id])
    content = camt053(Account([debit(attempt_id)], id="MAY-1"))
    answer = await put(people.reconciler, content)
    assert answer.status_code == 201, answer.text
    file_id = UUID(answer.json()["id"])
    assert (await confirm(people, file_id, content, by=colleague(people))).status_code == 200
    assert (await people.reconciler.post(f"bank-files/{file_id}/settle", {})).json()["settled"] == 1
    await house.give(GRANT, grant_id, ConfirmDelivery(number=1), OFFICE)
    for reconciler in (people.reconciler, colleague(people)):
        assert await reconcile(reconciler, grant_id, "reconcile-tranche") == "four_eyes"
        assert await reconcile(reconciler, grant_id, "reconcile-in-their-place") == "not_permitted"
    assert await reconcile(people.chief, grant_id, "reconcile-tranche") == "not_permitted"
    shown = (await people.chief.get(f"grants/{grant_id}")).json()
    assert {one["name"]: one["allowed"] for one in shown["actions"]}["reconcile_in_their_place"] is True
    assert await reconcile(people.chief, grant_id, "reconcile-in-their-place") == "done"
    assert (await house.grant(grant_id)).tranches[0].reconciled_by == "staff:chief"
    assert (await house.findings()).differences == []
