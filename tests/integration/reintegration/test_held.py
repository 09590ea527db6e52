"""What somebody who asks is told of a case that they left with others of their family, and came back to."""

from typing import Any
from uuid import UUID

from services.reintegration.domain.case import RecordPersonsJoined, RecordPersonsLeft
from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of

people = people_of


async def held(people: People, person_id: UUID) -> dict[str, Any]:
    answer = await people.protector.get(f"persons/{person_id}/held")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_whoever_went_on_with_a_case_of_their_own_is_told_of_this_one_again_once_they_are_back(
    house: House, people: People
) -> None:
    mother, father = uuid7(), uuid7()
    case_id = await house.case(mother, father, arrived=False)
    await house.react(case_id, RecordPersonsLeft(person_ids=(father,)))
    assert "cases" not in (await held(people, father))["records"]
    await house.react(case_id, RecordPersonsJoined(person_ids=(father,), deciding_ids=(father,)))
    told = await held(people, father)
    assert [row["id"] for row in told["records"]["cases"]] == [str(case_id)]
    assert [event["kind"].split(".")[3] for event in told["history"]] == ["noted", "persons_left", "persons_came"]
