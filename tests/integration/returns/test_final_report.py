"""The final report with the database: an office abroad writes it, no case closes without one, and it goes with the persons."""

import asyncpg
import pytest

from services.returns.domain.case_reintegration import RecordCaseSealed, RecordPlanAgreed, RequestClosing
from services.returns.domain.person import RecordErasure
from shared.errors import Refusal
from shared.ids import uuid7
from tests.integration.returns.api import Api, Register, problem
from tests.integration.returns.mission import (
    ANKARA,
    ANNA,
    ARRIVES,
    OLEG,
    ZORAN,
    Attempt,
    Mission,
    family,
    final_report,
)

CLOSE = RequestClosing(reason="completed")


async def reintegrating(mission: Mission) -> Attempt:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await mission.depart(attempt)
    await mission.arrive(attempt)
    await mission.order(attempt.id, RecordPlanAgreed(plan_id=uuid7()))
    return attempt


async def test_an_office_that_may_know_of_the_case_writes_the_report_and_is_shown_nothing_more(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await reintegrating(mission)
    body = final_report().model_dump(mode="json")
    assert (await api.post(f"cases/{attempt.id}/write-final-report", body, ANKARA, ARRIVES)).status_code == 404
    await register.agree(attempt)
    before = (await api.get(f"cases/{attempt.id}", ANKARA, ARRIVES)).json()
    assert "write_final_report" in {action["name"] for action in before["actions"]}
    assert (await api.post(f"cases/{attempt.id}/write-final-report", body, ANKARA, ARRIVES)).status_code == 200
    assert problem(await api.post(f"cases/{attempt.id}/write-final-report", body, OLEG, ARRIVES)) == (403, "not_permitted")
    assert (await api.get(f"cases/{attempt.id}", ANKARA, ARRIVES)).json()["state"] == before["state"]
    for reader, told in ((ANNA, True), (ZORAN, True), (OLEG, False)):
        report = (await api.get(f"cases/{attempt.id}", reader, ARRIVES)).json()["state"]["final_report"]
        assert report["written_by"] == ANKARA.person_id
        assert (report["findings"] is not None) is told


async def test_no_case_closes_without_a_report_and_the_database_holds_it_too(mission: Mission) -> None:
    attempt = await reintegrating(mission)
    with pytest.raises(Refusal) as refused:
        await mission.order(attempt.id, CLOSE, ZORAN, ARRIVES)
    assert refused.value.code == "final_report_missing"
    async with mission.owner() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="closed_with_a_report"):
            await connection.execute(
                "UPDATE cases SET status = 'closing', closure_reason = 'completed' WHERE id = $1", attempt.id
            )
    await mission.order(attempt.id, final_report(), ZORAN, ARRIVES)
    await mission.order(attempt.id, CLOSE, ZORAN, ARRIVES)
    await mission.order(attempt.id, RecordCaseSealed(), at=ARRIVES)
    assert (await mission.case(attempt.id)).status == "closed"


async def test_what_a_report_says_goes_with_the_last_of_the_persons(mission: Mission) -> None:
    attempt, other = await reintegrating(mission), await reintegrating(mission)
    for one in (attempt, other):
        await mission.order(one.id, final_report(), ZORAN, ARRIVES)
        await mission.order(one.id, CLOSE, ZORAN, ARRIVES)
        await mission.order(one.id, RecordCaseSealed(), at=ARRIVES)

    async def told(of: Attempt) -> tuple[bool, int]:
        report = (await mission.case(of.id)).final_report
        assert report is not None and report.written_by == ZORAN.person_id
        async with mission.owner() as connection:
            beside = await connection.fetchval(
                "SELECT count(*) FROM disclosure d JOIN event_log e ON e.id = d.event_id "
                "WHERE e.subject = $1 AND e.type LIKE '%final_report_written%'", of.id,
            )  # fmt: skip
        return report.findings is not None, int(beside)

    first, second = attempt.ids
    await mission.note(first, RecordErasure())
    assert await told(attempt) == (True, 1)
    await mission.note(second, RecordErasure())
    assert (await told(attempt), await told(other)) == ((False, 0), (True, 1))
    found = await mission.verified()
    assert found.sound, found.differences
