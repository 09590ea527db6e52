"""The final report on the page of a case with the real returns behind it: written by form, read by who cares, then it closes."""

import re

from services.returns.domain.case_reintegration import RecordPlanAgreed
from shared.ids import uuid7
from tests.integration.portal.person import People, Person
from tests.integration.portal.returns import Returns

ANSWERS = {
    "final_meeting": "held_in_person", "met_on": "2023-05-02", "contributed_to": "income", "plan_outcome": "partly_reached",
    "partner_feedback": "positive", "follow_up": "done", "version": "",
}  # fmt: skip


async def at(person: Person, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_final_report_is_written_on_its_page_and_the_case_can_be_closed_then(people: People, returns: Returns) -> None:
    attempt = await returns.coming()
    await returns.mission.depart(attempt)
    await returns.mission.arrive(attempt)
    await returns.mission.order(attempt.id, RecordPlanAgreed(plan_id=uuid7()))
    page, form = f"/cases/{attempt.id}", f"/do/returns/write_final_report/{attempt.id}"
    coordinator, protection, operations = people(), people(), people()
    for person, persona in ((coordinator, "coordinator"), (protection, "protection"), (operations, "operations")):
        await person.sign_in(persona)
    closing = f"/do/returns/request_closing/{attempt.id}"
    refused = await coordinator.post(closing, {"reason": "completed", "key": str(uuid7()), "version": "", "step": "send"})
    assert refused.status_code == 409 and "There is no final report on this case yet." in refused.text
    report_id = str(re.findall(r'name="report_id" value="([^"]+)"', await at(coordinator, form))[0])
    answers = {**ANSWERS, "report_id": report_id, "key": str(uuid7())}
    missing = await coordinator.post(form, {**answers, "plan_outcome": "", "step": "send"})
    assert missing.status_code == 422
    sent = await coordinator.post(form, {**answers, "step": "send"})
    assert (sent.status_code, sent.headers["location"]) == (303, page), sent.text
    assert "partly reached" in await at(protection, page)
    told = await at(operations, page)
    assert "<h2>Final report</h2>" in told and "partly reached" not in told
    sent = await coordinator.post(closing, {"reason": "completed", "key": str(uuid7()), "version": "", "step": "send"})
    assert (sent.status_code, sent.headers["location"]) == (303, page)


async def test_the_office_that_received_somebody_writes_the_report_by_the_same_form(people: People, returns: Returns) -> None:
    attempt = await returns.coming()
    await returns.mission.depart(attempt)
    await returns.mission.arrive(attempt)
    await returns.mission.order(attempt.id, RecordPlanAgreed(plan_id=uuid7()))
    office, form = people(), f"/do/returns/write_final_report/{attempt.id}"
    await office.sign_in("receiving-office-tr")
    report_id = str(re.findall(r'name="report_id" value="([^"]+)"', await at(office, form))[0])
    sent = await office.post(form, {**ANSWERS, "report_id": report_id, "key": str(uuid7()), "step": "send"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"/cases/{attempt.id}"), sent.text
    report = (await returns.mission.case(attempt.id)).final_report
    assert report is not None and report.findings is not None
    assert report.findings.contributed_to == ("income",)
