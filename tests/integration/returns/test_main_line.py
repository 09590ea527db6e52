"""A case on a real database from the wish to return to its end: what is kept, and that it can be verified."""

from datetime import timedelta

import pytest

from services.returns.domain.case_application import ApproveCase, RecordIntention
from services.returns.domain.case_journey import RecordNotDeparted
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_reintegration import (
    RecordCaseSealed,
    RecordGrantStage,
    RecordPlanAgreed,
    RequestClosing,
    StartMonitoring,
)
from services.returns.domain.case_withdrawal import RecordContactTried, WithdrawCase
from shared.errors import RuleViolation
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.returns.mission import (
    ANKARA,
    ANNA,
    ARRIVES,
    MIRA,
    ZORAN,
    Mission,
    family,
    final_report,
    somebody,
)


async def test_a_family_goes_from_the_wish_to_return_to_the_closed_case(mission: Mission) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await mission.depart(attempt)
    await mission.arrive(attempt)
    await mission.order(attempt.id, RecordPlanAgreed(plan_id=uuid7()), at=ARRIVES)
    await mission.order(attempt.id, StartMonitoring(), ANKARA, ARRIVES)
    await mission.order(attempt.id, final_report(), ZORAN, ARRIVES)
    await mission.order(attempt.id, RequestClosing(reason="completed"), ZORAN, ARRIVES)
    await mission.order(attempt.id, RecordCaseSealed(), at=ARRIVES)
    case = await mission.case(attempt.id)
    assert (case.status, [person.travel for person in case.persons]) == ("closed", ["arrived", "arrived"])
    findings = await mission.verified()
    assert (findings.differences, findings.rows) == ([], 3)


async def test_one_command_that_states_several_facts_may_pass_over_a_status(mission: Mission) -> None:
    attempt = await mission.brought_to("cleared_to_board")
    await mission.depart(attempt)
    grant_id = uuid7()
    await mission.order(attempt.id, RecordPlanAgreed(plan_id=uuid7()))
    await mission.order(attempt.id, RecordGrantStage(grant_id=grant_id, stage="approved"))
    await mission.arrive(attempt)
    assert (await mission.case(attempt.id)).status == "grant_approved"
    assert (await mission.verified()).sound


async def test_times_of_tries_are_kept_as_they_were_given(mission: Mission) -> None:
    attempt = await mission.opened()
    tried = (NOON + timedelta(hours=1), NOON + timedelta(days=1, microseconds=5))
    for tried_at in tried:
        await mission.order(attempt.id, RecordContactTried(tried_at=tried_at), ANNA, tried_at)
    assert (await mission.case(attempt.id)).contact_tried_at == tried
    assert (await mission.verified()).sound


async def test_whoever_did_not_depart_after_all_has_not_travelled(mission: Mission) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await mission.depart(attempt)
    async with mission.owner() as connection:
        assert await connection.fetchval("SELECT count(*) FROM travels") == 2
        await mission.order(attempt.id, RecordNotDeparted(), MIRA, ARRIVES + timedelta(days=31))
        assert await connection.fetchval("SELECT count(*) FROM travels") == 0
    assert (await mission.verified()).sound


async def test_a_command_takes_five_statements_and_four_without_facts(mission: Mission) -> None:
    attempt = await mission.brought_to("applied")
    counts = mission.database.api.counts
    before = counts.statements
    await mission.order(attempt.id, ApproveCase(), ZORAN)
    assert counts.statements - before == 5
    person, case_id = somebody(), uuid7()
    intention = RecordIntention(
        case_ref=case_ref(case_id), principal_id=person.person_id, persons=(person,), destination_country="TR",
        counsellor_id=ANNA.person_id, expressed_at=NOON,
    )  # fmt: skip
    counts = mission.database.worker.counts
    before = counts.statements
    await mission.order(case_id, intention)
    assert counts.statements - before == 4


async def test_two_cases_cannot_have_one_reference(mission: Mission) -> None:
    first = await mission.opened()
    person = somebody()
    same = RecordIntention(
        case_ref=case_ref(first.id), principal_id=person.person_id, persons=(person,), destination_country="TR",
        counsellor_id=ANNA.person_id, expressed_at=NOON,
    )  # fmt: skip
    with pytest.raises(RuleViolation, match="case_ref_taken"):
        await mission.order(uuid7(), same)


async def test_the_reason_for_a_withdrawal_does_not_stand_in_the_log(mission: Mission) -> None:
    attempt = await mission.brought_to("screening")
    await mission.order(attempt.id, WithdrawCase(reason="health"), ANNA)
    async with mission.owner() as connection:
        leaves = await connection.fetch("SELECT leaf FROM event_log")
    assert b"health" not in b"".join(row["leaf"] for row in leaves)
    assert (await mission.verified()).sound


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE cases SET programme = 'another'", "case"),
        ("UPDATE persons SET data_consent = false", "person"),
        ("UPDATE travels SET own_plan = false", "travels"),
        ("UPDATE travels SET arrived_at = NULL", "travels"),
        ("UPDATE travels SET departed_at = departed_at - interval '1 year'", "travels"),
        ("DELETE FROM travels", "travels"),
        ("UPDATE travels SET case_id = gen_random_uuid()", "travels"),
    ],
)
async def test_a_row_that_somebody_changed_by_hand_is_found(mission: Mission, change: str, found: str) -> None:
    attempt = await mission.brought_to("cleared_to_board")
    await mission.depart(attempt)
    await mission.arrive(attempt)
    assert (await mission.verified()).sound
    async with mission.owner() as connection:
        await connection.execute(change)
    differences = (await mission.verified()).differences
    assert differences
    assert all(difference.startswith(found) for difference in differences)
