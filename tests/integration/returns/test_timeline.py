"""The timeline of a case over HTTP: what happened, when and by whom, for staff within reach of the case, and no more."""

import json
from datetime import timedelta

from services.returns.domain.case_withdrawal import WithdrawCase
from services.returns.queries import timeline
from shared.ids import uuid7
from shared.policy import EVERYWHERE, Reach
from tests.integration.returns.api import AUDITOR, FINANCE, Api, in_json, problem
from tests.integration.returns.mission import (
    ANKARA,
    ANNA,
    ARRIVES,
    BERIN,
    DEPARTS,
    OLEG,
    PETRA,
    ZORAN,
    Mission,
    family,
)


async def test_a_timeline_tells_what_happened_in_its_order(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("cleared_to_board")
    await mission.depart(attempt)
    await mission.arrive(attempt, ARRIVES + timedelta(hours=1))
    answer = await api.get(f"cases/{attempt.id}/timeline", ZORAN)
    items = answer.json()["items"]
    assert [item["type"].split(".")[3] for item in items] == [
        "opened", "screening_started", "declaration_signed", "application_submitted", "approved",
        "preparation_started", "travel_document_recorded", "evidence_recorded", "own_plan_noted", "booking_confirmed",
        "reception_arranged", "ready_to_travel",
        "voluntariness_confirmed", "cleared_to_board", "person_departed", "departed", "person_arrived", "arrived",
    ]  # fmt: skip
    assert set(items[0]) == {"type", "time", "happened", "person_id", "actorrole", "actorid", "by_system"}
    assert [item["by_system"] for item in items] == [item["actorrole"] == "service" for item in items]
    assert [item["by_system"] for item in items].count(True) == 2
    departed, arrived = items[14], items[16]
    assert (departed["happened"], departed["person_id"]) == (in_json(DEPARTS), str(attempt.ids[0]))
    assert (departed["actorrole"], departed["actorid"]) == ("operations", OLEG.person_id)
    assert (arrived["happened"], arrived["actorid"]) == (in_json(ARRIVES + timedelta(hours=1)), ANKARA.person_id)
    assert items[9]["happened"] is None


async def test_operations_do_not_see_when_somebody_was_screened(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("approved", *family())
    found = (await api.get(f"cases/{attempt.id}/timeline", OLEG)).json()["items"]
    assert [item["type"].split(".")[3] for item in found] == [
        "opened", "declaration_signed", "declaration_signed", "application_submitted", "approved",
    ]  # fmt: skip


async def test_when_screening_was_recorded_is_shown_to_the_counsellor_of_the_case_and_to_no_other(
    mission: Mission, api: Api
) -> None:
    attempt = await mission.brought_to("applied")
    for reader, sees in ((ANNA, True), (PETRA, True), (BERIN, False), (ZORAN, False), (OLEG, False)):
        answer = await api.get(f"cases/{attempt.id}/timeline", reader)
        assert answer.status_code == 200
        assert ("screening_recorded" in answer.text) is sees


async def test_a_concealed_reason_is_in_no_timeline(mission: Mission, api: Api) -> None:
    attempt = await mission.opened()
    await mission.order(attempt.id, WithdrawCase(reason="health"), ANNA)
    answer = await api.get(f"cases/{attempt.id}/timeline", ANNA)
    async with mission.owner() as connection:
        leaf = json.loads(await connection.fetchval("SELECT leaf FROM event_log WHERE type LIKE '%case.withdrawn.v1'"))
    assert answer.json()["items"][-1]["type"] == "avrr.returns.case.withdrawn.v1"
    assert "health" not in answer.text
    assert leaf["data"]["reason"] not in answer.text


async def test_only_those_who_prepare_a_case_see_its_timeline_and_looking_is_on_record(
    mission: Mission, api: Api
) -> None:
    attempt = await mission.brought_to("approved")
    for reader in (ANKARA, FINANCE, AUDITOR):
        assert problem(await api.get(f"cases/{attempt.id}/timeline", reader)) == (403, "not_permitted")
    assert problem(await api.get(f"cases/{uuid7()}/timeline", ANNA)) == (404, "not_found")
    assert (await api.get(f"cases/{attempt.id}/timeline", ANNA)).status_code == 200
    async with mission.owner() as connection:
        looked = await connection.fetch("SELECT about FROM accesses WHERE operation = 'read_timeline' AND outcome = 'read'")
    assert [row["about"] for row in looked] == [[attempt.id]]


async def test_whose_scope_does_not_hold_the_case_finds_no_fact_of_it(mission: Mission) -> None:
    attempt = await mission.opened()
    for reach, found in ((EVERYWHERE, 1), (Reach(frozenset({"TR"})), 1), (Reach(frozenset({"IQ"})), None)):
        scope = reach.scope(ANNA, log=True)
        async with mission.database.api.unit_of_work(scope) as unit:
            told = await timeline.timeline(unit, attempt.id, ANNA)
        assert (None if told is None else len(told.items)) == found


async def test_a_timeline_is_one_statement_that_walks_an_index(mission: Mission) -> None:
    attempt = await mission.opened()
    async with mission.owner() as connection:
        await connection.execute(
            "INSERT INTO event_log SELECT n, gen_random_uuid(), 'x', gen_random_uuid(), 1, '', '' "
            "FROM generate_series(100, 20000) n"
        )
        await connection.execute("ANALYZE event_log, cases")
        plan = await connection.fetch("EXPLAIN " + timeline._FACTS.text, attempt.id)
    assert "uq_event_log_subject_aggver" in str(plan)
    before = mission.database.api.counts.statements
    async with mission.database.api.unit_of_work(EVERYWHERE.scope(ANNA, log=True)) as unit:
        await timeline.timeline(unit, attempt.id, ANNA)
    # Begin with the scope, the question, commit.
    assert mission.database.api.counts.statements - before == 3
