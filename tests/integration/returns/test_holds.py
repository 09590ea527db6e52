"""Holds as they are kept, published and shown: alike for every reason to whoever may not know it, and held by the database."""

import asyncio
import json
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

import asyncpg
import pytest

from services.returns.domain.case_holds import LiftHold, PutOnHold, RecordTransitInterrupted
from services.returns.domain.case_preparation import ClearToBoard
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_reintegration import RecordGrantStage, RecordPlanAgreed
from services.returns.domain.case_withdrawal import WithdrawCase
from services.returns.domain.person import RecordErasure
from services.returns.wiring import WIRING
from shared.actors import Actor
from shared.contracts.returns import HoldReason
from shared.errors import Refusal
from shared.handling import transact
from shared.held import Held
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from tests.given import staff
from tests.integration.returns.api import Api, Register, problem
from tests.integration.returns.mission import (
    ANKARA,
    ANNA,
    ARRIVES,
    DEPARTS,
    EVE,
    OLEG,
    PETRA,
    ZORAN,
    Attempt,
    Mission,
    Stretch,
    family,
)

REASONS: tuple[HoldReason, ...] = get_args(HoldReason)


async def held(mission: Mission, attempt: Attempt, reason: HoldReason, by: Actor = PETRA) -> UUID:
    hold_id = uuid7()
    await mission.order(attempt.id, PutOnHold(hold_id=hold_id, reason=reason), by)
    return hold_id


async def leaves(mission: Mission, case_id: UUID, kind: str) -> list[bytes]:
    async with mission.owner() as connection:
        rows = await connection.fetch("SELECT leaf FROM event_log WHERE subject = $1 AND type LIKE $2 ORDER BY idx", case_id, kind)
    return [bytes(row["leaf"]) for row in rows]


def blind(leaf: bytes) -> tuple[int, dict[str, Any]]:
    """How long a leaf is, and what is left of it without ids, times and hashes."""
    told = json.loads(leaf)
    data = {name: len(value) for name, value in told.pop("data").items()}
    ids = ("id", "subject", "partitionkey", "time", "correlationid")
    assert set(ids) < set(told)
    return len(leaf), {**{name: value for name, value in told.items() if name not in ids}, "data": data}


async def test_the_leaves_of_holds_for_different_reasons_differ_in_ids_times_and_hashes_alone(mission: Mission) -> None:
    placed, lifted = [], []
    for reason in REASONS:
        attempt = await mission.brought_to("preparing")
        hold_id = await held(mission, attempt, reason, PETRA)
        (leaf,) = await leaves(mission, attempt.id, "%.hold_placed.v1")
        assert json.loads(leaf)["data"]["placed_by"] == PETRA.person_id
        for code in (*REASONS, "resolved"):
            assert code.encode() not in leaf.replace(b'"protection"', b"", 1)
        placed.append(leaf)
        both = staff("both", "protection", "coordinator")
        await mission.order(attempt.id, LiftHold(hold_id=hold_id, outcome="resolved"), both)
        lifted += await leaves(mission, attempt.id, "%.hold_lifted.v1")
    for found in (placed, lifted):
        assert len(found) == len(REASONS)
        assert all(blind(leaf) == blind(found[0]) for leaf in found)
    assert (await mission.verified()).sound


async def test_staff_see_that_a_case_is_on_hold_and_those_who_may_see_why(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("preparing")
    protected, lacking = await held(mission, attempt, "protection"), await held(mission, attempt, "document", ANNA)

    async def seen(by: Actor) -> list[tuple[str | None, str | None]]:
        state = (await api.get(f"cases/{attempt.id}", by)).json()["state"]
        assert state["status"] == "on_hold"
        assert [hold["hold_id"] for hold in state["holds"]] == [str(protected), str(lacking)]
        return [(hold["reason"], hold["placed_by"]) for hold in state["holds"]]

    nothing, document = (None, None), ("document", ANNA.person_id)
    assert await seen(PETRA) == [("protection", PETRA.person_id), document]
    assert await seen(ZORAN) == [nothing, document]
    assert await seen(ANNA) == [nothing, document]
    assert await seen(OLEG) == [nothing, nothing]
    for by, kinds in ((PETRA, 2), (ZORAN, 2), (ANNA, 0), (OLEG, 0)):
        timeline = (await api.get(f"cases/{attempt.id}/timeline", by)).json()["items"]
        assert sum("hold" in entry["type"] for entry in timeline) == kinds
    for by, who in ((PETRA, [PETRA.person_id, ANNA.person_id]), (ZORAN, [None, None])):
        timeline = (await api.get(f"cases/{attempt.id}/timeline", by)).json()["items"]
        entries = [entry for entry in timeline if "hold" in entry["type"]]
        assert [entry["actorid"] for entry in entries] == who
        assert [entry["actorrole"] is None for entry in entries] == [entry["actorid"] is None for entry in entries]
    gates = [(await api.get(f"cases/{attempt.id}/departure-gate", by)).json()["conditions"][0] for by in (PETRA, OLEG)]
    assert gates[0] == gates[1]
    assert (gates[0]["code"], gates[0]["met"], gates[0]["provider"]) == ("hold_stands", False, "coordinator")


async def test_each_hold_is_lifted_over_the_api_by_those_who_may(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("ready_to_travel")
    hold = {"hold_id": str(uuid7()), "reason": "protection"}
    lift = {"hold_id": hold["hold_id"], "outcome": "unfounded"}
    assert (await api.post(f"cases/{attempt.id}/put-on-hold", hold, ANNA)).status_code == 200
    assert problem(await api.post(f"cases/{attempt.id}/lift-hold", lift, ANNA)) == (403, "not_permitted")
    for by in (ZORAN, OLEG):
        assert problem(await api.post(f"cases/{attempt.id}/lift-hold", lift, by)) == (409, "hold_of_others")
        action = {one["name"]: one for one in (await api.get(f"cases/{attempt.id}", by)).json()["actions"]}["lift_hold"]
        assert (action["allowed"], action["reason"]) == (False, "hold_of_others")
    assert (await api.post(f"cases/{attempt.id}/lift-hold", lift, PETRA)).status_code == 200
    assert (await mission.case(attempt.id)).status == "preparing"


async def test_a_protection_hold_between_readiness_and_boarding_keeps_everybody_here(mission: Mission) -> None:
    attempt = await mission.brought_to("ready_to_travel", *family())
    await mission.confirm(attempt)
    hold_id = await held(mission, attempt, "protection")
    await mission.caught_up()
    with pytest.raises(Refusal) as refused:
        await mission.order(attempt.id, ClearToBoard(), OLEG, EVE)
    assert refused.value.code == "hold_stands"
    await mission.order(attempt.id, LiftHold(hold_id=hold_id, outcome="unfounded"), PETRA, EVE)
    with pytest.raises(Refusal) as refused:
        await mission.order(attempt.id, ClearToBoard(), OLEG, EVE)
    assert refused.value.code == "wrong_status"


async def test_an_office_is_answered_alike_whatever_a_case_is_held_for(
    mission: Mission, api: Api, register: Register
) -> None:
    answers = []
    for reason in REASONS:
        attempt = await mission.brought_to("ready_to_travel", *family())
        await register.agree(attempt)
        await held(mission, attempt, reason)
        view = await api.get(f"cases/{attempt.id}", ANKARA)
        asked = await api.get(f"status/{case_ref(attempt.id)}", ANKARA, purpose="reception")
        order = await api.post(f"cases/{attempt.id}/start-monitoring", {}, ANKARA)
        assert problem(order) == (409, "not_possible_now")
        state = view.json()["state"]
        assert (asked.json()["status"], state["status"]) == ("in_preparation", "in_preparation")
        told = {name: value for name, value in state.items() if name not in ("case_ref", "persons")}
        # What stands for the version is a number for what is shown, in which ids differ from case to case.
        length = len(view.content) - len(str(view.json()["version"]))
        answers.append((length, told, view.json()["actions"], len(asked.content)))
    assert [answer == answers[0] for answer in answers] == [True] * len(REASONS)
    rows = (await api.get("cases", ANKARA, status="in_preparation")).json()["items"]
    assert len(rows) == len(REASONS)
    assert (await api.get("cases", ANKARA, status="travel_scheduled")).json()["items"] == []
    expected = (await api.get("arrivals", ANKARA)).json()["items"]
    assert [row["status"] for row in expected] == ["in_preparation"] * len(REASONS)


async def test_no_hold_is_counted_in_what_an_office_reads_after_the_arrival(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await register.agree(attempt)
    await mission.depart(attempt)
    await mission.arrive(attempt)
    await mission.order(attempt.id, RecordPlanAgreed(plan_id=uuid7()))
    before = await api.get(f"cases/{attempt.id}", ANKARA, ARRIVES)
    assert "start_monitoring" in {action["name"] for action in before.json()["actions"]}
    hold_id = await held(mission, attempt, "protection")
    during = await api.get(f"cases/{attempt.id}", ANKARA, ARRIVES)
    await mission.order(attempt.id, LiftHold(hold_id=hold_id, outcome="unfounded"), PETRA, EVE)
    lifted = await api.get(f"cases/{attempt.id}", ANKARA, ARRIVES)
    assert before.content == during.content == lifted.content
    assert before.headers["ETag"] == during.headers["ETag"] == lifted.headers["ETag"]
    path, etag = f"cases/{attempt.id}/start-monitoring", before.headers["ETag"]
    assert problem(await api.post(path, {}, ANKARA, ARRIVES, '"v1"')) == (412, "stale")
    done = await api.post(path, {}, ANKARA, ARRIVES, etag)
    assert done.status_code == 200
    assert done.headers["ETag"] == (await api.get(f"cases/{attempt.id}", ANKARA, ARRIVES)).headers["ETag"]


async def test_an_office_that_agrees_a_plan_and_starts_monitoring_meets_no_hold(
    mission: Mission, api: Api, register: Register
) -> None:
    free, stopped = await mission.brought_to("cleared_to_board", *family()), await mission.brought_to("cleared_to_board", *family())
    for attempt in (free, stopped):
        await register.agree(attempt)
        await mission.depart(attempt)
        await mission.arrive(attempt)
    hold_id = await held(mission, stopped, "protection")

    async def seen(attempt: Attempt) -> tuple[object, ...]:
        view = (await api.get(f"cases/{attempt.id}", ANKARA, ARRIVES)).json()
        asked = (await api.get(f"status/{case_ref(attempt.id)}", ANKARA, ARRIVES, purpose="reintegration")).json()["status"]
        listed = (await api.get("cases", ANKARA, ARRIVES, status=asked)).json()["items"]
        there = str(attempt.id) in {row["id"] for row in listed}
        return view["state"]["status"], asked, there, [action["name"] for action in view["actions"]]

    async def both() -> tuple[object, ...]:
        found = [await seen(attempt) for attempt in (free, stopped)]
        assert found[0] == found[1]
        return found[1]

    assert (await both())[:3] == ("arrived", "arrived", True)
    for attempt in (free, stopped):
        await mission.order(attempt.id, RecordPlanAgreed(plan_id=uuid7()))
    plan_agreed = await both()
    assert plan_agreed[:3] == ("reintegration_ongoing", "reintegration_ongoing", True)
    assert isinstance(plan_agreed[3], list) and "start_monitoring" in plan_agreed[3]
    for attempt in (free, stopped):
        started = await api.post(f"cases/{attempt.id}/start-monitoring", {}, ANKARA, ARRIVES)
        assert started.status_code == 200, started.text
        again = await api.post(f"cases/{attempt.id}/start-monitoring", {}, ANKARA, ARRIVES)
        assert problem(again) == (409, "not_possible_now")
    await both()
    case = await mission.case(stopped.id)
    assert (case.status, case.stretch) == ("on_hold", "monitoring")
    await mission.order(stopped.id, LiftHold(hold_id=hold_id, outcome="unfounded"), PETRA, EVE)
    assert (await mission.case(stopped.id)).status == "monitoring"
    found = await mission.verified()
    assert found.sound, found.differences


async def test_a_held_case_follows_its_last_arrival_and_its_grants_in_the_database_too(mission: Mission) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await mission.depart(attempt)
    await held(mission, attempt, "legal", ZORAN)
    grant_id = uuid7()
    await mission.order(attempt.id, RecordPlanAgreed(plan_id=uuid7()))
    await mission.order(attempt.id, RecordGrantStage(grant_id=grant_id, stage="requested"))
    await mission.arrive(attempt)
    stretches = [(await mission.case(attempt.id)).stretch]
    for stage in ("approved", "disbursed", "ended"):
        await mission.order(attempt.id, RecordGrantStage(grant_id=grant_id, stage=stage))
        stretches.append((await mission.case(attempt.id)).stretch)
    assert stretches == ["reintegrating", "grant_approved", "grant_disbursed", "monitoring"]
    assert (await mission.case(attempt.id)).status == "on_hold"
    found = await mission.verified()
    assert found.sound, found.differences


async def test_whoever_is_stopped_on_the_way_is_still_awaited_and_met(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await register.agree(attempt)
    await mission.depart(attempt)
    stopped_at = DEPARTS + timedelta(hours=2)
    interrupted = RecordTransitInterrupted(hold_id=uuid7(), person_ids=attempt.ids, interrupted_at=stopped_at)
    await mission.order(attempt.id, interrupted, OLEG, stopped_at)
    assert (await mission.case(attempt.id)).status == "on_hold"
    (row,) = (await api.get("arrivals", ANKARA, stopped_at)).json()["items"]
    assert (row["id"], row["status"]) == (str(attempt.id), "departed")
    for person_id in attempt.ids:
        arrival = {"person_id": str(person_id), "arrived_at": ARRIVES.isoformat(), "known_by": "met"}
        assert (await api.post(f"cases/{attempt.id}/confirm-arrival", arrival, ANKARA, ARRIVES)).status_code == 200
    assert (await mission.case(attempt.id)).status == "arrived"
    assert (await mission.verified()).sound


async def test_with_the_last_of_its_persons_goes_why_a_case_was_on_hold(mission: Mission) -> None:
    attempt = await mission.brought_to("approved", *family())
    await held(mission, attempt, "protection")
    lifted = await held(mission, attempt, "medical")
    await mission.order(attempt.id, LiftHold(hold_id=lifted, outcome="resolved"), PETRA)
    first, second = attempt.ids
    await mission.note(first, RecordErasure())
    assert [hold.reason for hold in (await mission.case(attempt.id)).holds] == ["protection", None]
    await mission.note(second, RecordErasure())
    case = await mission.case(attempt.id)
    assert (case.status, [hold.reason for hold in case.holds]) == ("on_hold", [None, None])
    found = await mission.verified()
    assert found.sound, found.differences
    # Nothing stops a withdrawal, whatever else is gone.
    await mission.order(attempt.id, WithdrawCase(), ANNA)
    assert (await mission.case(attempt.id)).status == "withdrawn"


STANDING = """'[{"hold_id": "018a5c00-0000-7000-8000-000000000031", "lifted_at": null}]'"""
OVER = """'[{"hold_id": "018a5c00-0000-7000-8000-000000000031", "lifted_at": "2023-05-02T10:15:00Z"}]'"""


@pytest.mark.parametrize(
    ("stretch", "change", "error"),
    [
        ("applied", f"status = 'on_hold', status_before_hold = 'approved', approved_by = 'staff:x', holds = {STANDING}", "AV003"),
        ("screening", f"status = 'on_hold', status_before_hold = 'preparing', holds = {STANDING}", "AV003"),
        ("approved", f"status = 'on_hold', status_before_hold = 'approved', approved_by = NULL, holds = {STANDING}",
         "ck_cases_approved_by_somebody"),
        ("approved", f"status = 'on_hold', holds = {STANDING}", "ck_cases_held_from_somewhere"),
        ("approved", "status_before_hold = 'approved'", "ck_cases_held_from_somewhere"),
        ("approved", "status = 'on_hold', status_before_hold = 'approved'", "ck_cases_on_hold_while_one_stands"),
        ("approved", f"status = 'on_hold', status_before_hold = 'approved', holds = {OVER}", "ck_cases_on_hold_while_one_stands"),
        ("approved", f"holds = {STANDING}", "ck_cases_on_hold_while_one_stands"),
        ("ready_to_travel", f"status = 'on_hold', status_before_hold = 'ready_to_travel', holds = {STANDING}",
         "ck_cases_held_from_somewhere"),
    ],
)  # fmt: skip
async def test_the_database_holds_a_case_where_it_was(mission: Mission, stretch: Stretch, change: str, error: str) -> None:
    attempt = await mission.brought_to(stretch)
    async with mission.owner() as connection:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute(f"UPDATE cases SET {change} WHERE id = $1", attempt.id)
    named = getattr(refused.value, "constraint_name", None) or refused.value.sqlstate
    assert named == error


@pytest.mark.parametrize("status", ["approved", "ready_to_travel", "cleared_to_board", "closed"])
async def test_no_hold_is_a_way_past_approval_or_the_gate(mission: Mission, status: str) -> None:
    attempt = await mission.brought_to("applied")
    await held(mission, attempt, "legal")
    async with mission.owner() as connection:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute(
                "UPDATE cases SET status = $2, status_before_hold = NULL, approved_by = 'staff:x', "
                f"holds = {OVER} WHERE id = $1", attempt.id, status,
            )  # fmt: skip
    assert refused.value.sqlstate == "AV003"


async def held_about(mission: Mission, person_id: UUID) -> Held:
    return await transact(
        mission.database.api, EVERYWHERE.scope(ZORAN, log=True), lambda unit: WIRING.teller.held(unit, person_id, None)
    )


async def test_whoever_asks_what_is_held_about_them_is_told_of_a_hold_and_neither_why_nor_by_which_role(mission: Mission) -> None:
    answers = []
    placed: tuple[tuple[HoldReason, Actor], ...] = (("protection", PETRA), ("document", ANNA))
    for reason, by in placed:
        attempt = await mission.brought_to("approved", *family())
        await held(mission, attempt, reason, by)
        told = await held_about(mission, attempt.ids[0])
        (record,) = told.records["cases"]
        assert (record["status"], "holds" in record) == ("on_hold", False)
        (happened,) = [one for one in told.history if one.kind.endswith("hold_placed.v1")]
        assert happened.said["reason"] not in REASONS
        answers.append((happened.roles, happened.said["placed_by"]))
    assert answers == [((), "staff"), ((), "staff")]


async def test_when_a_case_is_put_on_hold_and_cleared_at_the_same_moment_nobody_of_it_boards(mission: Mission) -> None:
    for _ in range(5):
        attempt = await mission.brought_to("ready_to_travel")
        await mission.confirm(attempt)
        await mission.caught_up()
        hold = mission.order(attempt.id, PutOnHold(hold_id=uuid7(), reason="protection"), PETRA, EVE)
        clear = mission.order(attempt.id, ClearToBoard(), OLEG, EVE)
        answers = await asyncio.gather(hold, clear, return_exceptions=True)
        assert not isinstance(answers[0], BaseException)
        case = await mission.case(attempt.id)
        assert (case.status, case.stretch) == ("on_hold", "preparing")
        if isinstance(answers[1], Refusal):
            assert answers[1].code == "hold_stands"
