"""The page of open corrections with the real returns behind it: who may decide finds each with its forms, who asked does not."""

from services.returns.domain.case_corrections import AskForCorrection
from services.returns.domain.case_journey import RecordDeparture
from tests.integration.portal.person import People, Person
from tests.integration.portal.returns import Returns
from tests.integration.returns.mission import DEPARTS, OLEG


async def at(person: Person, path: str) -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_colleague_finds_what_waits_and_the_form_by_which_it_is_decided(people: People, returns: Returns) -> None:
    mission = returns.mission
    attempt = await mission.brought_to("preparing")
    coordinator = people()
    await coordinator.sign_in("coordinator")
    assert "Nothing waits." in await at(coordinator, "/corrections")
    await mission.order(attempt.id, RecordDeparture(person_ids=attempt.ids, departed_at=DEPARTS), OLEG, DEPARTS)
    await mission.order(attempt.id, AskForCorrection(person_id=attempt.ids[0], of="departure"), OLEG, DEPARTS)
    seen = await at(coordinator, "/corrections")
    assert f"/do/returns/correct_departure/{attempt.id}?person={attempt.ids[0]}" in seen
    assert f"/do/returns/reject_correction/{attempt.id}?person={attempt.ids[0]}" in seen
    assert 'href="/corrections"' in seen
    assert str(attempt.ids[0]) in await at(coordinator, f"/do/returns/correct_departure/{attempt.id}?person={attempt.ids[0]}")
