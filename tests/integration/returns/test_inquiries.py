"""What an office abroad sees before an approval: a family assessment that it is asked for, under a consent of its own."""

from datetime import timedelta
from uuid import UUID

from services.counselling.domain.person import GiveConsent, RegisterPerson, WithdrawConsent
from services.returns.domain.case_inquiry import AskForFamilyAssessment
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.returns.api import BAGHDAD, EARLIER, Api, Register, problem
from tests.integration.returns.mission import ANKARA, ANNA, PETRA, Attempt, Mission, somebody

GONE = (404, "not_found")
ANSWER = {
    "assessed_on": "2023-05-01", "family_found": True, "ready_to_receive": True, "family_agrees": True, "housing": "enough",
    "livelihood": "enough", "school": "good", "medical_care": "not_known",
}


async def agree(register: Register, child: UUID, consent: str = "family_assessment", country: str = "TR") -> None:
    await register._give(
        child,
        RegisterPerson(sex="female", birth_year=1990, country_of_origin="TR", site="trc_lipa"),
        GiveConsent(consent="data", text_version="v1", language="tur", method="signature", given_at=EARLIER),
        GiveConsent.model_validate({
            "consent": consent, "text_version": "v1", "language": "tur", "method": "signature", "given_at": EARLIER,
            "recipient_country": country,
        }),
    )  # fmt: skip


async def asked(mission: Mission) -> tuple[Attempt, UUID]:
    """A mother and a child in screening, about whose family the office abroad is asked."""
    attempt = await mission.brought_to("screening", somebody("female"), somebody("male", "child"))
    inquiry_id = uuid7()
    await mission.order(attempt.id, AskForFamilyAssessment(inquiry_id=inquiry_id, person_id=attempt.ids[1]), PETRA)
    return attempt, inquiry_id


async def test_an_office_sees_what_it_is_asked_and_nothing_else_and_answers(mission: Mission, api: Api, register: Register) -> None:
    attempt, inquiry_id = await asked(mission)
    child = attempt.ids[1]
    await agree(register, child)
    page = await api.get("family-assessments", ANKARA)
    assert page.status_code == 200, page.text
    (row,) = page.json()["items"]
    assert row == {
        "inquiry_id": str(inquiry_id), "case_id": str(attempt.id), "person_id": str(child), "sex": "male", "age_group": "child",
        "country_of_origin": "TR", "asked_at": NOON.isoformat().replace("+00:00", "Z"), "answered": False,
    }  # fmt: skip
    # Nothing else of the case is there for it.
    assert problem(await api.get(f"cases/{attempt.id}", ANKARA)) == GONE
    assert (await api.get("cases", ANKARA)).json()["items"] == []
    assert (await api.get("arrivals", ANKARA)).json()["items"] == []
    reference = (await mission.case(attempt.id)).case_ref
    assert problem(await api.get(f"status/{reference}", ANKARA, purpose="reception")) == GONE
    # Nor for the office of another country.
    assert (await api.get("family-assessments", BAGHDAD)).json()["items"] == []
    path, body = f"cases/{attempt.id}/answer-family-assessment", {"inquiry_id": str(inquiry_id), **ANSWER}
    assert problem(await api.post(path, body, BAGHDAD)) == GONE
    assert problem(await api.post(path, {**body, "inquiry_id": str(uuid7())}, ANKARA)) == GONE
    answer = await api.post(path, body, ANKARA)
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == '"v1"'
    assert [row["answered"] for row in (await api.get("family-assessments", ANKARA)).json()["items"]] == [True]
    seen = (await api.get(f"cases/{attempt.id}", PETRA)).json()["state"]["screening"]
    assert next(one for one in seen if one["person_id"] == str(child))["family_assessment"]["answer"]["school"] == "good"
    assert problem(await api.get("family-assessments", ANNA)) == (403, "not_permitted")
    found = await mission.verified()
    assert found.sound, found.differences


async def test_without_that_very_consent_there_is_nothing_and_once_it_is_taken_back_nothing_again(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt, inquiry_id = await asked(mission)
    child = attempt.ids[1]
    path, body = f"cases/{attempt.id}/answer-family-assessment", {"inquiry_id": str(inquiry_id), **ANSWER}
    assert (await api.get("family-assessments", ANKARA)).json()["items"] == []
    assert problem(await api.post(path, body, ANKARA)) == GONE
    # To be told of an arrival is something else.
    await agree(register, child, "transfer")
    assert (await api.get("family-assessments", ANKARA)).json()["items"] == []
    given = GiveConsent(
        consent="family_assessment", text_version="v1", language="tur", method="signature", given_at=EARLIER + timedelta(days=1),
        recipient_country="TR",
    )
    await register._give(child, given)
    assert len((await api.get("family-assessments", ANKARA)).json()["items"]) == 1
    await register._give(child, WithdrawConsent(consent="family_assessment"))
    assert (await api.get("family-assessments", ANKARA)).json()["items"] == []
    assert problem(await api.post(path, body, ANKARA)) == GONE
    unknown = await api.post(f"cases/{uuid7()}/answer-family-assessment", body, ANKARA)
    gone = await api.post(path, body, ANKARA)
    assert (gone.status_code, gone.json()) == (unknown.status_code, unknown.json())
    assert gone.headers.keys() == unknown.headers.keys()


async def test_every_page_holds_what_it_should(mission: Mission, api: Api, register: Register) -> None:
    children = []
    for number in range(4):
        attempt, _ = await asked(mission)
        children.append(str(attempt.ids[1]))
        if number != 1:
            await agree(register, attempt.ids[1])
    found, after = [], None
    while True:
        page = (await api.get("family-assessments", ANKARA, limit="1", **({"after": after} if after else {}))).json()
        found += [row["person_id"] for row in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(found) == sorted(children[:1] + children[2:])


async def test_a_no_stops_the_case_and_the_office_is_told_the_same(mission: Mission, api: Api, register: Register) -> None:
    attempt, inquiry_id = await asked(mission)
    await agree(register, attempt.ids[1])
    body = {"inquiry_id": str(inquiry_id), **ANSWER, "ready_to_receive": False}
    answer = await api.post(f"cases/{attempt.id}/answer-family-assessment", body, ANKARA)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"v1"')
    assert answer.json() == {"id": str(attempt.id), "version": 1, "repeated": False}
    case = await mission.case(attempt.id)
    assert case.status == "on_hold"
    assert [alert.causes for alert in case.screening_of(attempt.ids[1]).alerts] == [("family_not_ready",)]
    assert [row["answered"] for row in (await api.get("family-assessments", ANKARA)).json()["items"]] == [True]
    found = await mission.verified()
    assert found.sound, found.differences


async def test_an_answer_that_was_given_is_confirmed_again_after_the_consent_was_taken_back(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt, inquiry_id = await asked(mission)
    await agree(register, attempt.ids[1])
    path, body, key = f"cases/{attempt.id}/answer-family-assessment", {"inquiry_id": str(inquiry_id), **ANSWER}, str(uuid7())
    given = await api.post(path, body, ANKARA, key=key)
    assert given.status_code == 200, given.text
    await register._give(attempt.ids[1], WithdrawConsent(consent="family_assessment"))
    again = await api.post(path, body, ANKARA, key=key)
    assert (again.status_code, again.json()) == (200, {**given.json(), "repeated": True})
    assert again.headers["ETag"] == given.headers["ETag"]
    assert problem(await api.post(path, {**body, "school": "enough"}, ANKARA, key=key)) == (409, "idempotency_key_reused")
    # Neither another order nor somebody else's under the same key.
    assert problem(await api.post(path, body, ANKARA)) == GONE
    assert problem(await api.post(path, body, BAGHDAD, key=key)) == GONE
