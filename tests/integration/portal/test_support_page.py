"""Support on the way on the page of a case with the real returns behind it: planned, given, and shown to who may know."""

import re
from uuid import UUID

from shared.ids import uuid7
from tests.integration.portal.person import People, Person
from tests.integration.portal.returns import Returns

SECTION = '<h2 id="support">'


async def at(person: Person, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def plan(person: Person, case_id: UUID, person_id: UUID, need: str) -> str:
    """What somebody needs, typed into the form; the answer is its id."""
    form = f"/do/returns/plan_support/{case_id}"
    support_id = str(re.findall(r'name="support_id" value="([^"]+)"', await at(person, form))[0])
    answers = {
        "support_id": support_id, "person_id": str(person_id), "need": need, "needed_from": "2023-05-03", "key": str(uuid7()),
        "version": "",
    }  # fmt: skip
    sent = await person.post(form, {**answers, "step": "send"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"/cases/{case_id}"), sent.text
    return support_id


async def test_support_is_planned_and_given_on_the_page_and_what_tells_of_health_is_shown_to_who_cares(
    people: People, returns: Returns
) -> None:
    attempt = await returns.mission.brought_to("preparing")
    page, person_id = f"/cases/{attempt.id}", attempt.ids[0]
    protection, operations = people(), people()
    await protection.sign_in("protection")
    await operations.sign_in("operations")
    assert "None yet." in (await at(operations, page)).partition(SECTION)[2]
    pills = await plan(protection, attempt.id, person_id, "medication")
    bed = await plan(operations, attempt.id, person_id, "nights_before_departure")
    refused = await operations.post(
        f"/do/returns/plan_support/{attempt.id}",
        {"support_id": str(uuid7()), "person_id": str(person_id), "need": "medical_aid", "needed_from": "2023-05-03",
         "key": str(uuid7()), "version": "", "step": "send"},
    )  # fmt: skip
    assert refused.status_code == 409 and "Medical and psychosocial support is recorded by" in refused.text

    give = f"/do/returns/give_support/{attempt.id}"
    told, seen = await at(protection, page), await at(operations, page)
    assert f"{give}?support={pills}" in told and f"{give}?support={bed}" in told
    assert f"{give}?support={bed}" in seen and pills not in seen and "medication" not in seen
    offered = await at(operations, f"{give}?support={bed}")
    assert f'value="{bed}"' in offered and pills not in offered
    answers = {
        "support_id": bed, "provider": "hostel_lipa", "given_from": "2023-05-03", "given_until": "2023-05-04",
        "cost.amount": "70.00", "cost.currency": "BAM", "budget_line": "AVRR-3.4", "outcome": "need_met",
        "key": str(uuid7()), "version": "",
    }  # fmt: skip
    checked = await operations.post(give, {**answers, "step": "check"})
    assert "hostel_lipa" in checked.text and "70.00" in checked.text
    sent = await operations.post(give, {**answers, "step": "send"})
    assert (sent.status_code, sent.headers["location"]) == (303, page), sent.text
    seen = await at(operations, page)
    assert "hostel_lipa" in seen and "70.00 BAM" in seen and f"{give}?support={bed}" not in seen
    cancel = f"/do/returns/cancel_support/{attempt.id}"
    sent = await protection.post(
        cancel, {"support_id": pills, "reason": "declined", "key": str(uuid7()), "version": "", "step": "send"}
    )
    assert (sent.status_code, sent.headers["location"]) == (303, page)
    assert "cancelled" in (await at(protection, page)).partition(SECTION)[2]
