"""Taking a closed case up again, with what the database knows of its persons."""

import pytest

from services.returns.domain.case_reintegration import RecordCaseSealed, RecordPlanAgreed, RequestClosing
from services.returns.domain.case_reopening import RecordAttemptGoesOn, ReopenCase
from services.returns.domain.person import RecordErasure
from shared.errors import Refusal
from shared.ids import uuid7
from tests.integration.returns.mission import ARRIVES, ZORAN, Attempt, Mission, family, final_report

REOPEN = ReopenCase(reason="contact_regained")


async def closed(mission: Mission) -> Attempt:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await mission.depart(attempt)
    await mission.arrive(attempt)
    await mission.order(attempt.id, RecordPlanAgreed(plan_id=uuid7()))
    await mission.order(attempt.id, final_report(), ZORAN, ARRIVES)
    await mission.order(attempt.id, RequestClosing(reason="lost_contact"), ZORAN, ARRIVES)
    await mission.order(attempt.id, RecordCaseSealed(), at=ARRIVES)
    assert (await mission.case(attempt.id)).status == "closed"
    return attempt


async def refused(mission: Mission, attempt: Attempt) -> str:
    with pytest.raises(Refusal) as refusal:
        await mission.order(attempt.id, REOPEN, ZORAN, ARRIVES)
    return refusal.value.code


async def test_a_closed_case_goes_on_and_is_counted_as_open_until_it_is_closed_again(mission: Mission) -> None:
    attempt = await closed(mission)
    day = ARRIVES.date()
    assert (await mission.figures(day, day))["open_cases"] == 0
    await mission.order(attempt.id, REOPEN, ZORAN, ARRIVES)
    assert (await mission.case(attempt.id)).status == "closed"
    await mission.order(attempt.id, RecordAttemptGoesOn(person_ids=attempt.ids), at=ARRIVES)
    assert (await mission.case(attempt.id)).status == "reintegrating"
    assert (await mission.figures(day, day))["open_cases"] == 1
    await mission.order(attempt.id, final_report(), ZORAN, ARRIVES)
    await mission.order(attempt.id, RequestClosing(reason="completed"), ZORAN, ARRIVES)
    await mission.order(attempt.id, RecordCaseSealed(), at=ARRIVES)
    assert (await mission.case(attempt.id)).closure_reason == "completed"
    assert (await mission.figures(day, day))["open_cases"] == 0
    found = await mission.verified()
    assert found.sound, found.differences


async def test_nobody_is_in_two_open_cases_and_nobody_erased_is_taken_up_again(mission: Mission) -> None:
    attempt, other = await closed(mission), await closed(mission)
    await mission.opened(attempt.persons[0])
    assert await refused(mission, attempt) == "attempt_already_active"
    await mission.note(other.ids[1], RecordErasure())
    assert await refused(mission, other) == "person_erased"
