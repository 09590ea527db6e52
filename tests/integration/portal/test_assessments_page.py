"""A family assessment on the pages with the real returns behind them: asked, found by the office, answered, and read."""

import re

from services.returns.domain.case_inquiry import AskForFamilyAssessment
from shared.ids import uuid7
from tests.integration.portal.person import People, Person
from tests.integration.portal.returns import Returns
from tests.integration.returns.mission import PETRA, somebody


async def at(person: Person, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_an_office_finds_what_it_is_asked_and_answers_and_protection_reads_it(people: People, returns: Returns) -> None:
    mission = returns.mission
    attempt = await mission.brought_to("screening", somebody("female"), somebody("male", "child"))
    child = attempt.ids[1]
    office, protection = people(), people()
    await office.sign_in("receiving-office-tr")
    await protection.sign_in("protection")
    assert "Nothing is asked of you." in await at(office, "/family-assessments")
    screening = f"/cases/{attempt.id}/screening/{child}"
    form = f"/do/returns/ask_for_family_assessment/{attempt.id}"
    inquiry_id = re.findall(r'name="inquiry_id" value="([^"]+)"', await at(protection, f"{form}?person={child}"))[0]
    sent = await protection.post(
        form, {"inquiry_id": inquiry_id, "person_id": str(child), "key": str(uuid7()), "version": "", "step": "send"}
    )
    assert sent.status_code == 303, sent.text

    seen = await at(office, "/family-assessments")
    answer = f"/do/returns/answer_family_assessment/{attempt.id}?inquiry={inquiry_id}"
    assert answer.replace("&", "&amp;") in seen
    assert attempt.ids[0].hex not in seen.replace("-", "")
    asked = await at(office, answer)
    assert str(attempt.ids[0]) not in asked
    assert (await mission.case(attempt.id)).case_ref not in asked
    answers = {
        "inquiry_id": inquiry_id, "assessed_on": "2023-05-01", "family_found": "yes", "ready_to_receive": "yes",
        "family_agrees": "yes", "housing": "enough", "livelihood": "not_enough", "school": "good", "medical_care": "not_known",
        "key": str(uuid7()), "version": "",
    }  # fmt: skip
    returns.register.taken_back.add(child)
    assert (await office.post(answer, {**answers, "key": str(uuid7()), "step": "send"})).status_code == 404
    assert "Nothing is asked of you." in await at(office, "/family-assessments")
    returns.register.taken_back.clear()
    sent = await office.post(answer, {**answers, "step": "send"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/family-assessments"), sent.text
    assert "answered" in await at(office, "/family-assessments")
    read = await at(protection, screening)
    assert "Answer of the office abroad" in read
    assert "not enough" in read


async def test_what_is_asked_is_shown_beside_screening(people: People, returns: Returns) -> None:
    attempt = await returns.mission.brought_to("screening", somebody("female"), somebody("male", "child"))
    asked = AskForFamilyAssessment(inquiry_id=uuid7(), person_id=attempt.ids[1])
    await returns.mission.order(attempt.id, asked, PETRA)
    protection = people()
    await protection.sign_in("protection")
    assert "Family assessment, asked of the office abroad" in await at(protection, f"/cases/{attempt.id}/screening/{attempt.ids[1]}")
