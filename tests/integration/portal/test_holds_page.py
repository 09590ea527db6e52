"""A case's page with the real returns behind it: a hold is placed and lifted there, and says why to those who may know."""

import re

from shared.ids import uuid7
from tests.integration.portal.person import People, Person
from tests.integration.portal.returns import Returns

NOT_TOLD = "reason not told to you"


async def at(person: Person, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_hold_is_placed_on_the_page_of_a_case_shown_to_others_without_its_reason_and_lifted_by_who_may(
    people: People, returns: Returns
) -> None:
    attempt = await returns.mission.brought_to("ready_to_travel")
    page, form = f"/cases/{attempt.id}", f"/do/returns/put_on_hold/{attempt.id}"
    protection, operations = people(), people()
    await protection.sign_in("protection")
    assert form in await at(protection, page)
    hold_id = re.findall(r'name="hold_id" value="([^"]+)"', await at(protection, form))[0]
    answers = {"hold_id": hold_id, "reason": "protection", "key": str(uuid7()), "version": ""}
    # Before it is sent it is shown once more, and is the same hold.
    checked = await protection.post(form, {**answers, "step": "check"})
    assert hold_id in checked.text
    sent = await protection.post(form, {**answers, "step": "send"})
    assert (sent.status_code, sent.headers["location"]) == (303, page)
    assert (await returns.mission.case(attempt.id)).status == "on_hold"

    lift = f"/do/returns/lift_hold/{attempt.id}?hold={hold_id}"
    await operations.sign_in("operations")
    seen = await at(operations, page)
    assert "on hold" in seen and NOT_TOLD in seen and lift not in seen
    told = await at(protection, page)
    assert NOT_TOLD not in told and lift in told
    offered = await at(protection, lift)
    assert re.search(rf'value="{hold_id}" checked> <label for="hold_id-1">protection, ', offered)
    sent = await protection.post(
        lift, {"hold_id": hold_id, "outcome": "unfounded", "key": str(uuid7()), "version": "", "step": "send"}
    )
    assert (sent.status_code, sent.headers["location"]) == (303, page)
    assert (await returns.mission.case(attempt.id)).status == "preparing"
    assert NOT_TOLD not in await at(operations, page)
