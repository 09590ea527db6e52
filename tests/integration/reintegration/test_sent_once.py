"""What may have left is not ordered once more: not by the file that was taken, not in another batch, not after one person's word."""

from uuid import UUID

from tests.integration.reintegration.office import House
from tests.integration.reintegration.paid_by_bank import released_by_bank, sent
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.integration.reintegration.test_bank_files import reported
from tests.integration.reintegration.test_batches import second_payer, take, taken
from tests.integration.reintegration.test_own_accounts import own_account
from tests.integration.reintegration.test_settlement import rejections
from tests.unit.reintegration.bank.answers import Block, Told, pain002

people = people_of


async def refused(people: People, batch_id: UUID) -> tuple[str, str]:
    """What refuses to take a file again, and to read it."""
    taken_again = (await take(people.payer, batch_id)).json()["code"]
    return taken_again, (await people.payer.get(f"payment-batches/{batch_id}/file")).json()["code"]


async def drop(people: People, batch_id: UUID) -> list[str]:
    """How two persons fare who drop a batch that was taken."""
    asked = await people.payer.post(f"payment-batches/{batch_id}/drop", {"reason": "never_sent"})
    if asked.status_code != 200:
        return [asked.json()["code"]]
    confirmed = await people.chief.post(f"payment-batches/{batch_id}/confirm-drop", {})
    return ["asked", "dropped" if confirmed.status_code == 200 else confirmed.json()["code"]]


async def test_a_file_that_the_bank_had_is_not_taken_to_it_once_more(house: House, people: People) -> None:
    account_id, fund_id = await own_account(people), await house.fund()
    one, other, third = [(await released_by_bank(house, fund_id))[1] for _ in range(3)]
    first, second = await sent(people, account_id, [one, other]), await sent(people, account_id, [third])
    await taken(second_payer(people), first)
    report = await reported(people, rejections(first, one))
    assert (await people.reconciler.post(f"bank-files/{report}/settle", {})).json()["settled"] == 1
    await reported(people, pain002(second.hex, Told("ACSP"), [Block(f"{second.hex}001", Told("ACSP"), [])], id="ODGOVOR-2"))
    for batch_id in (first, second):
        assert await refused(people, batch_id) == ("bank_had_it", "bank_had_it")
    assert (await house.findings()).differences == []


async def test_what_is_said_of_a_file_that_was_dropped_keeps_nobody_from_taking_a_lost_one_again(
    house: House, people: People
) -> None:
    account_id = await own_account(people)
    _, attempt_id = await released_by_bank(house, await house.fund())
    dropped = await sent(people, account_id, [attempt_id])
    assert await drop(people, dropped) == ["asked", "dropped"]
    batch_id = await sent(people, account_id, [attempt_id])
    await reported(people, rejections(dropped, attempt_id))
    assert (await refused(people, batch_id))[0] != "bank_had_it"
