"""Open items on their page, with the real reintegration behind it and without a script."""

import re

from tests.integration.portal.person import People, Person
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paying import Paying


async def at(person: Person, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_each_number_of_the_table_leads_to_a_list_of_as_many_items_and_each_item_to_its_grant(people: People, house: House) -> None:
    payer, manager = people(), people()
    await payer.sign_in("finance-payer")
    assert "None." in await at(payer, "/open-items")
    paying = Paying(house)
    for currency, method in (("EUR", "bank_file"), ("EUR", "bank_file"), ("TND", "cash")):
        await paying.waiting(currency, method=method)
    page = await at(payer, "/open-items")
    # Once by its age and once among all.
    numbers = re.findall(r'<td class="number"><a href="([^"]+)">(\d+)</a><br><span class="note"><bdi>([^<]+)</bdi></span>', page)
    assert [(how_many, total) for _, how_many, total in numbers] == [
        ("2", "2,501.00 EUR"), ("2", "2,501.00 EUR"), ("1", "3,187.125 TND"), ("1", "3,187.125 TND"),
    ]  # fmt: skip
    assert "released, in no batch for the bank" in page and "cash, not handed over" in page
    for address, how_many, _ in numbers:
        listed = await at(payer, address.replace("&amp;", "&"))
        assert len(re.findall(r'<th scope="row"><a href="/grants/', listed)) == int(how_many)
    assert "1,250.50 EUR" in await at(payer, "/open-items/waits_for_batch")
    # Who opens no grant reads the numbers and the lists all the same.
    await manager.sign_in("manager")
    listed = await at(manager, "/open-items/waits_for_batch?age=over-90")
    assert listed.count('<th scope="row">') == 2 and '<a href="/grants/' not in listed
    assert (await manager.get("/open-items/nothing")).status_code == 404
