"""What is checked with its case or person: whatever differs is found of the one whose it is, and nothing is read from end to end."""

import pytest

from services.returns.domain.case_withdrawal import WithdrawCase
from services.returns.domain.person import RecordErasure
from services.returns.wiring import WIRING
from shared.db import Scope
from shared.verify import Check
from tests.integration.conftest import MakeDatabase
from tests.integration.explained import read_whole
from tests.integration.returns.mission import ANNA, Mission, family

BY_ID = [one for one in WIRING.checks if one.by_id]


@pytest.mark.parametrize("check", BY_ID, ids=lambda one: str(one.name))
async def test_what_is_checked_with_its_aggregate_reads_by_the_ids_that_are_asked_for(make_database: MakeDatabase, check: Check) -> None:
    mission = Mission(await make_database("returns"))
    await mission.opened(*family())
    assert await read_whole(mission.database.verify, check) == []


def test_no_check_reads_the_log_but_by_ids() -> None:
    assert [one.name for one in WIRING.checks if "event_log" in one.sql.text and not one.by_id] == []


async def test_why_a_case_ended_is_found_of_the_case_of_which_all_were_erased_and_of_no_other(make_database: MakeDatabase) -> None:
    mission = Mission(await make_database("returns"))
    (check,) = (one for one in BY_ID if one.name == "reasons about erased persons")
    attempt, other = await mission.opened(*family()), await mission.opened(*family())
    for one in (attempt, other):
        await mission.order(one.id, WithdrawCase(reason="health"), ANNA)
    for person_id in (*attempt.ids, other.ids[0]):
        await mission.note(person_id, RecordErasure())
    assert (await mission.verified()).sound
    async with mission.owner() as connection:
        await connection.execute(
            "INSERT INTO disclosure (event_id, path, salt, value) SELECT id, 'reason', '', '' FROM event_log "
            "WHERE subject = $1 AND type = 'avrr.returns.case.withdrawn.v1'", attempt.id,
        )  # fmt: skip
    async with mission.database.verify.unit_of_work(Scope("verify")) as unit:
        assert await unit.rows(check.sql, ids=[other.id]) == []
        assert [row[0] for row in await unit.rows(check.sql, ids=[attempt.id, other.id])] == [attempt.id]
    found = [one for one in (await mission.verified()).differences if one.startswith("reasons")]
    assert found == [f"reasons about erased persons: {attempt.id}"]
