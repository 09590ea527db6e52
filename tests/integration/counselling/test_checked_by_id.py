"""What is checked with its person: whatever differs is found of the one whose it is, and nothing is read from end to end."""

import pytest

from services.counselling.wiring import WIRING
from shared.db import Scope
from shared.verify import Check
from tests.integration.counselling.desk import Desk
from tests.integration.counselling.test_correcting import corrected
from tests.integration.counselling.test_host_status import stated
from tests.integration.counselling.test_identity import recorded
from tests.integration.explained import read_whole

BY_ID = [one for one in WIRING.checks if one.by_id]
CHANGES = {
    "identities": "UPDATE identities SET recorded_by = 'staff:other' WHERE person_id = '{person_id}'",
    "host statuses": "DELETE FROM host_statuses WHERE person_id = '{person_id}'",
    "corrected birth years": "UPDATE birth_years SET version = 1 WHERE person_id = '{person_id}'",
}


@pytest.mark.parametrize("check", BY_ID, ids=lambda one: str(one.name))
async def test_what_is_checked_with_its_person_reads_by_the_ids_that_are_asked_for(desk: Desk, check: Check) -> None:
    await recorded(desk)
    assert await read_whole(desk.database.verify, check) == []


def test_no_check_reads_the_log_but_by_ids() -> None:
    assert [one.name for one in WIRING.checks if "event_log" in one.sql.text and not one.by_id] == []


@pytest.mark.parametrize(("name", "change"), CHANGES.items())
async def test_what_differs_is_found_of_the_person_whose_it_is_and_of_nobody_else(desk: Desk, name: str, change: str) -> None:
    (check,) = (one for one in BY_ID if one.name == name)
    person_id, other = await recorded(desk), await recorded(desk)
    for one in (person_id, other):
        await stated(desk, one)
        assert (await corrected(desk, one)).status_code == 200
    assert (await desk.verified()).sound
    await desk.by_hand(change.format(person_id=person_id))
    async with desk.database.verify.unit_of_work(Scope("verify")) as unit:
        assert await unit.rows(check.sql, ids=[other]) == []
        assert {row[0] for row in await unit.rows(check.sql, ids=[person_id, other])} == {person_id}
    assert set((await desk.verified()).differences) == {f"{name}: {person_id}"}
