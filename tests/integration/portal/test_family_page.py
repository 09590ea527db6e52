"""The page of a family with the real returns behind it: what is missing of whom, who provides it, and how they part."""

import html
import re
from uuid import UUID

from services.returns.domain.case_screening import RecordVulnerability
from shared.contracts.counselling import AttemptMayMove
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.portal.person import People, Person
from tests.integration.portal.returns import Returns
from tests.integration.returns.mission import ANNA, family, somebody
from tests.integration.returns.test_families import answered


async def at(person: Person, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_family_parts_on_its_page_and_each_case_leads_to_the_other(people: People, returns: Returns) -> None:
    attempt = await returns.mission.brought_to("preparing", somebody("female"), somebody("male", "child"), somebody("male"))
    father = attempt.ids[2]
    page = f"/cases/{attempt.id}/family"
    protection = people()
    await protection.sign_in("protection")
    assert f'href="{page}"' in await at(protection, f"/cases/{attempt.id}")
    seen = await at(protection, page)
    assert "Travel document" in seen
    assert "done by: counsellor" in seen
    assert "Booking for exactly those who travel" in seen.partition("Missing for all of them")[2]

    form = f"/do/returns/split_family/{attempt.id}"
    asked = await at(protection, form)
    new_case_id = re.findall(r'name="new_case_id" value="([^"]+)"', asked)[0]
    answers = {
        "new_case_id": new_case_id, "person_ids": str(father), "principal_id": str(father), "key": str(uuid7()), "version": "",
    }  # fmt: skip
    alone = {**answers, "person_ids": str(attempt.ids[1]), "principal_id": str(attempt.ids[1])}
    refused = await protection.post(form, {**alone, "step": "send"})
    assert refused.status_code == 409
    assert "without an adult" in refused.text
    sent = await protection.post(form, {**answers, "key": str(uuid7()), "step": "send"})
    assert (sent.status_code, sent.headers["location"]) == (303, page), sent.text
    assert "It was asked to split or join this case" in await at(protection, page)

    may = AttemptMayMove(to_id=UUID(new_case_id), person_ids=(father,), principal_id=father)
    await answered(returns.mission, attempt.id, may)
    seen = await at(protection, page)
    assert f'href="/cases/{new_case_id}/family"' in seen
    assert "it was split off from this case" in seen
    other = await at(protection, f"/cases/{new_case_id}/family")
    assert f'href="{page}"' in other
    assert "this case was split off from it" in other
    assert str(attempt.id) in await at(protection, f"/do/returns/join_family/{new_case_id}")


async def test_by_what_a_child_goes_beside_one_parent_is_recorded_from_what_is_missing_of_it(people: People, returns: Returns) -> None:
    attempt = await returns.mission.brought_to("preparing", *family())
    child = attempt.ids[1]
    page, form = f"/cases/{attempt.id}/family", f"/do/returns/settle_other_parent/{attempt.id}"
    counsellor = people()
    await counsellor.sign_in("counsellor-1")
    seen = await at(counsellor, page)
    assert "Consent of the parent who does not travel" in html.unescape(seen)
    assert f'href="{form}?person={child}"' in seen
    # Nothing of it is offered beside an adult.
    assert f"person={attempt.ids[0]}" not in seen
    asked = await at(counsellor, f"{form}?person={child}")
    assert "death certificate" in asked
    answers = {"person_id": str(child), "settled_by": "consent_notarised", "settled_on": "2023-04-20", "version": ""}
    decided = await counsellor.post(form, {**answers, "settled_by": "protection_decision", "key": str(uuid7()), "step": "send"})
    assert decided.status_code == 409
    assert "Only protection records" in decided.text
    sent = await counsellor.post(form, {**answers, "key": str(uuid7()), "step": "send"})
    assert (sent.status_code, sent.headers["location"]) == (303, page), sent.text
    assert "Consent of the parent who does not travel" not in html.unescape(await at(counsellor, page))
    known = (await returns.mission.case(attempt.id)).person(child)
    assert known is not None
    assert [one.conditions for one in known.evidence] == [("consent_notarised",)]


async def test_of_whom_it_is_in_doubt_whether_they_are_a_child_the_same_is_offered_to_who_is_shown_that(
    people: People, returns: Returns
) -> None:
    attempt = await returns.mission.brought_to("preparing", somebody("female"), somebody("male"))
    grown, youth = attempt.ids
    note = RecordVulnerability(record_id=uuid7(), person_id=youth, noted_at=NOON, indicators=("separated",))
    await returns.mission.order(attempt.id, note, ANNA)
    protection, coordinator = people(), people()
    await protection.sign_in("protection")
    await coordinator.sign_in("coordinator")
    form = f"/do/returns/settle_other_parent/{attempt.id}?person="
    seen = await at(protection, f"/cases/{attempt.id}/family")
    assert f'href="{form}{youth}"' in seen
    assert f'href="{form}{grown}"' not in seen
    assert form not in await at(coordinator, f"/cases/{attempt.id}/family")
    # Nobody who may be a child answers for another.
    asked = await at(protection, f"/do/returns/assess_voluntariness/{attempt.id}?person={youth}")
    answers = asked.partition('name="answered_by"')[2].partition("</select>")[0]
    assert str(grown) in answers
    assert str(youth) not in answers
