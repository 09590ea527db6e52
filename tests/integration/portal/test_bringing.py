"""Lists and surveys are brought and decided on from pages, with the real reintegration behind them and without a script."""

import re

import httpx

from shared.ids import uuid7
from tests.integration.portal.person import People, Person
from tests.integration.portal.test_survey_pages import at
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_sanctions import LIST
from tests.integration.reintegration.test_surveys import shipped_file

STAFF = b"iban,account_number,bank_country\nPK36 SCBL 0000 0011 2345 6702,,\n,12345678,IQ\n"


async def signed_in(people: People, persona: str) -> Person:
    person = people()
    await person.sign_in(persona)
    return person


async def touched(person: Person, sent: httpx.Response) -> bool:
    """Whether the key was needed first; then it was touched, and what was sent has to be sent again."""
    if not sent.headers.get("location", "").startswith("http"):
        return False
    assert (await person.back(await person.at_provider(sent))).status_code in (200, 303)
    return True


async def bring(person: Person, path: str, fields: dict[str, str], content: bytes) -> httpx.Response:
    sent = await person.bring(path, fields, content)
    return await person.bring(path, fields, content) if await touched(person, sent) else sent


async def test_one_brings_accounts_of_staff_on_a_page_and_another_puts_them_in_force(people: People, house: House) -> None:
    administrator, manager = await signed_in(people, "administrator"), await signed_in(people, "manager")
    assert "/bring/accounts-of-staff" in await at(administrator, "/staff-accounts")
    form = await at(administrator, "/bring/accounts-of-staff")
    id = re.findall(r'name="id" value="([^"]+)"', form)[0]
    missing = await bring(administrator, "/bring/accounts-of-staff", {"id": id, "list_version": " "}, STAFF)
    assert (missing.status_code, "A name or a version is missing." in missing.text) == (422, True)
    wrong = await bring(administrator, "/bring/accounts-of-staff", {"id": id, "list_version": "1"}, STAFF.replace(b"PK36", b"PK37"))
    assert (wrong.status_code, "can&#39;t be read: 2." in wrong.text, "SCBL" in wrong.text) == (409, True, False), wrong.text
    sent = await bring(administrator, "/bring/accounts-of-staff", {"id": id, "list_version": "2026-11"}, STAFF)
    assert (sent.status_code, sent.headers["location"]) == (303, "/staff-accounts"), sent.text

    listed = await at(manager, "/staff-accounts")
    assert "waits for a second person" in listed and "/bring/" not in listed
    page = await at(manager, f"/staff-accounts/{id}")
    assert re.search(r"New in it</dt><dd>2</dd>", page)
    order = f"/do/reintegration/confirm_staff_accounts/{id}"
    assert f'href="{order}"' in page
    assert "2026-11" in await at(manager, order)
    answer = {"key": str(uuid7()), "version": "", "step": "send"}
    done = await manager.post(order, answer)
    if await touched(manager, done):
        done = await manager.post(order, answer)
    assert done.status_code == 303, done.text
    assert "counts" in await at(manager, "/staff-accounts")


async def test_a_list_of_sanctions_is_brought_and_waits_for_the_chief_of_mission(people: People, house: House) -> None:
    reconciler, chief = await signed_in(people, "finance-reconciler"), await signed_in(people, "chief-of-mission")
    fields = {"id": str(uuid7()), "list_name": "UN", "list_version": "2026-11-26"}
    sent = await bring(reconciler, "/bring/sanctions", fields, LIST.encode())
    assert (sent.status_code, sent.headers["location"]) == (303, "/sanctions-lists"), sent.text
    assert "UN" in await at(chief, "/sanctions-lists")
    assert f"/do/reintegration/confirm_sanctions_list/{fields['id']}" in await at(chief, f"/sanctions-lists/{fields['id']}")
    own = await at(reconciler, f"/sanctions-lists/{fields['id']}")
    assert f'href="/do/reintegration/confirm_sanctions_list/{fields["id"]}"' not in own


async def test_a_manager_brings_a_survey_whole_or_not_at_all_and_nobody_else_does(people: People, house: House) -> None:
    manager, coordinator = await signed_in(people, "manager"), await signed_in(people, "coordinator")
    content = shipped_file("satisfaction_demo").replace('code = "satisfaction_demo"', 'code = "wellbeing"', 1)
    assert (await bring(manager, "/bring/survey", {"id": str(uuid7())}, b"nothing of the kind")).status_code == 409
    sent = await bring(manager, "/bring/survey", {"id": str(uuid7())}, content.encode())
    assert (sent.status_code, sent.headers["location"]) == (303, "/survey-rounds"), sent.text
    assert "wellbeing" in await at(manager, "/survey-rounds")
    assert (await coordinator.get("/bring/survey")).status_code == 403
    refused = await bring(coordinator, "/bring/survey", {"id": str(uuid7())}, content.encode())
    assert refused.status_code == 403
    assert (await manager.get("/bring/anything")).status_code in (404, 422)
