"""Screening as it is kept, published and shown: alike whatever was found to whoever may not know it, and on protection's board."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from services.returns.domain.case_holds import LiftHold
from services.returns.domain.case_preparation import ClearToBoard
from services.returns.domain.case_screening import (
    AssessTraffickingRisk,
    CloseAlert,
    RecordFearOfReturn,
    RecordVulnerability,
)
from services.returns.domain.case_timers import CheckClearance
from services.returns.domain.case_withdrawal import WithdrawCase
from services.returns.domain.person import RecordErasure
from services.returns.domain.screening_lines import CODES
from services.returns.wiring import WIRING
from shared.actors import Actor
from shared.contracts.returns import Indicator
from shared.errors import Refusal
from shared.ids import uuid7
from shared.messages import Command
from shared.timers import look
from tests.given import NOON, staff
from tests.integration.returns.api import Api, Register, problem
from tests.integration.returns.mission import (
    ANKARA,
    ANNA,
    EVE,
    OLEG,
    PETRA,
    RETURNS,
    ZORAN,
    Attempt,
    Mission,
    best_interests,
    family,
    somebody,
)
from tests.integration.returns.test_holds import blind, held_about, leaves

DOCTOR = staff("doctor", "medical")
BERIN = staff("berin", "counsellor")
HOUR = timedelta(hours=1)


def note(person_id: UUID, *indicators: Indicator, later: timedelta = HOUR) -> RecordVulnerability:
    return RecordVulnerability(record_id=uuid7(), person_id=person_id, noted_at=NOON + later, indicators=indicators)


def fear(person_id: UUID, fears: bool = True) -> RecordFearOfReturn:
    return RecordFearOfReturn(record_id=uuid7(), person_id=person_id, asked_at=NOON + HOUR, fears_return=fears)


async def recorded(mission: Mission, attempt: Attempt, order: Command, by: Actor = ANNA) -> None:
    await mission.order(attempt.id, order, by, NOON + 2 * HOUR)


async def test_the_leaves_of_all_parts_differ_in_ids_times_and_hashes_alone(mission: Mission) -> None:
    attempt = await mission.brought_to("applied", *family())
    mother, child = attempt.ids
    await recorded(mission, attempt, note(mother, "vot_presumed"), PETRA)
    risk = AssessTraffickingRisk(record_id=uuid7(), person_id=mother, assessed_at=NOON + HOUR, risk="acceptable")
    await recorded(mission, attempt, risk, PETRA)
    await recorded(mission, attempt, fear(child), PETRA)
    (alert, *_) = (await mission.case(attempt.id)).screening_of(child).alerts
    await recorded(mission, attempt, CloseAlert(alert_id=alert.alert_id, outcome="referred"), PETRA)
    found = await leaves(mission, attempt.id, "%.screening_recorded.v1")
    assert len(found) == 11
    codes = (b"voluntariness", b"vot_presumed", b"acceptable", b"fear", b"best_interests", b"referred", b"alert_id", b"determination")
    # A digest is 43 letters, among which any word of four may stand.
    said = [re.sub(rb'"[A-Za-z0-9_-]{43}"', b'""', leaf) for leaf in found]
    assert not any(code in leaf for code in codes for leaf in said)
    # Who recorded it stands in every leaf; apart from that they are of one length and one form.
    for by, how_many in ((PETRA, 5), (ANNA, 6)):
        theirs = [blind(leaf)[1] for leaf in found if by.person_id.encode() in leaf]
        assert len({one.pop("aggregateversion") for one in theirs}) == how_many
        assert all(one == theirs[0] for one in theirs)
    assert (await mission.verified()).sound


async def test_who_may_see_what_screening_found_and_who_sees_that_it_is_not_settled(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("preparing", *family())
    mother = attempt.ids[0]
    await recorded(mission, attempt, note(mother, "gbv", "medical"))

    async def seen(by: Actor) -> tuple[list[list[str]], str | None]:
        state = (await api.get(f"cases/{attempt.id}", by)).json()["state"]
        noted = [one["vulnerability"]["indicators"] for one in state["screening"] if one["person_id"] == str(mother)]
        return noted, state["protection_since"]

    assert (await seen(PETRA))[0] == [["gbv", "medical"]] and (await seen(PETRA))[1] is not None
    assert await seen(ANNA) == ([["gbv", "medical"]], None)
    assert await seen(DOCTOR) == ([["medical"]], None)
    for by in (BERIN, ZORAN, OLEG):
        assert await seen(by) == ([], None)
        lines = (await api.get(f"cases/{attempt.id}/departure-gate", by)).json()["conditions"]
        unmet = [line["code"] for line in lines if not line["met"] and line["person_id"] is None]
        assert "screening_not_settled" in unmet and "protection_alert_open" not in unmet
        # Of an adult who has applied no other line can be unmet than one that tells what was found.
        assert not [line for line in lines if line["code"] == "screening_not_settled" and line["person_id"] is not None]
    for by in (PETRA, ANNA):
        lines = (await api.get(f"cases/{attempt.id}/departure-gate", by)).json()["conditions"]
        assert [line["met"] for line in lines if line["code"] == "protection_alert_open"] == [False, True]


async def test_protection_finds_who_waits_longest_first_and_nobody_else_finds_the_board(mission: Mission, api: Api) -> None:
    attempts = [await mission.brought_to("screening", *family()) for _ in range(3)]
    for number, attempt in enumerate(reversed(attempts)):
        await recorded(mission, attempt, note(attempt.ids[0], "gbv", later=timedelta(minutes=number)))
    await recorded(mission, attempts[0], fear(attempts[0].ids[1]))
    quiet = await mission.brought_to("screening")
    await recorded(mission, quiet, note(quiet.ids[0], "elderly"))

    rows, after = [], None
    while True:
        page = await api.get("protection-board", PETRA, limit="1", **({"after": after} if after else {}))
        rows += page.json()["items"]
        after = page.json()["next"]
        if after is None:
            break
    assert [row["id"] for row in rows] == [str(attempt.id) for attempt in reversed(attempts)]
    assert [[cause for alert in row["alerts"] for cause in alert["causes"]] for row in rows] == [
        ["gbv"], ["gbv"], ["gbv", "fears_return"],
    ]  # fmt: skip
    assert [len(row["holds"]) for row in rows] == [0, 0, 1]
    for by in (ANNA, ZORAN, OLEG, DOCTOR, ANKARA, staff("lejla", "finance_approver")):
        assert problem(await api.get("protection-board", by)) == (403, "not_permitted")
    async with mission.owner() as connection:
        looks = await connection.fetch("SELECT about FROM accesses WHERE operation = 'read_protection_board' AND outcome = 'read'")
    # That somebody stands on the board is not told to whoever asks who looked at them.
    assert len(looks) >= 3 and all(list(row["about"]) == [] for row in looks)

    # Protection deals with the first: the alert is closed, and the case is on the board no more.
    alert = rows[0]["alerts"][0]
    body = {"alert_id": alert["alert_id"], "outcome": "support_arranged"}
    path = f"cases/{rows[0]['id']}/close-alert"
    assert problem(await api.post(path, body, ANNA)) == (403, "not_permitted")
    assert (await api.post(path, body, PETRA)).status_code == 200
    left = (await api.get("protection-board", PETRA)).json()["items"]
    assert [row["id"] for row in left] == [row["id"] for row in rows[1:]]


@pytest.mark.parametrize("change", ["remain", "fear", "alone"])
async def test_what_is_found_between_readiness_and_boarding_keeps_everybody_here(
    mission: Mission, api: Api, register: Register, change: str
) -> None:
    attempt = await mission.brought_to("ready_to_travel", *family())
    await register.agree(attempt)
    await mission.confirm(attempt)
    await mission.caught_up()
    mother, child = attempt.ids
    before = await api.get(f"cases/{attempt.id}", ANKARA)
    order = {
        "remain": best_interests(child, "remain", NOON + HOUR), "fear": fear(mother),
        "alone": mission.findings(attempt, mother)[0].model_copy(update={"company": "family", "assessed_at": NOON + HOUR}),
    }[change]  # fmt: skip
    await mission.order(attempt.id, order, PETRA, EVE)
    with pytest.raises(Refusal) as refused:
        await mission.order(attempt.id, ClearToBoard(), OLEG, EVE)
    holds = change in ("remain", "fear")
    assert refused.value.code == ("hold_stands" if holds else "screening_not_settled")
    case = await mission.case(attempt.id)
    assert (case.stretch, case.holds_until) == ("preparing", None)
    if holds:
        await mission.order(attempt.id, LiftHold(hold_id=order.record_id, outcome="unfounded"), PETRA, EVE)  # type: ignore[attr-defined]
    ready = await api.post(f"cases/{attempt.id}/mark-ready-to-travel", {}, OLEG, EVE)
    assert problem(ready) == (409, "screening_not_settled")
    shown = (await api.get(f"cases/{attempt.id}", ANKARA)).json()["state"]
    assert (before.json()["state"]["status"], shown["status"]) == ("travel_scheduled", "in_preparation")
    assert "screening" not in shown and "protection_since" not in shown
    assert (await mission.verified()).sound


async def test_before_the_departure_nothing_of_screening_is_counted_in_what_an_office_reads(
    mission: Mission, api: Api, register: Register
) -> None:
    attempt = await mission.brought_to("approved", *family())
    await register.agree(attempt)
    before = await api.get(f"cases/{attempt.id}", ANKARA)
    await recorded(mission, attempt, note(attempt.ids[0], "vot_identified"))
    after = await api.get(f"cases/{attempt.id}", ANKARA)
    assert before.status_code == 200
    assert (before.content, before.headers["ETag"]) == (after.content, after.headers["ETag"])


async def test_what_screening_found_goes_with_the_person_and_so_does_their_alert(mission: Mission) -> None:
    attempt = await mission.brought_to("applied", *family())
    mother, child = attempt.ids
    await recorded(mission, attempt, note(mother, "gbv"))
    await recorded(mission, attempt, fear(child))
    await mission.order(attempt.id, WithdrawCase(), ANNA, NOON + 3 * HOUR)
    case = await mission.case(attempt.id)
    assert {one.person_id: len(one.alerts) for one in case.screening} == {mother: 1, child: 1}

    async def disclosed() -> int:
        async with mission.owner() as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM disclosure d JOIN event_log e ON e.id = d.event_id "
                    "WHERE e.type = 'avrr.returns.case.screening_recorded.v1'"
                )
            )

    assert await disclosed() == 3 * (4 + 5)
    await mission.note(mother, RecordErasure())
    assert await disclosed() == 3 * 5
    case = await mission.case(attempt.id)
    assert [one.person_id for one in case.screening] == [child] and case.protection_since == NOON + HOUR
    assert (await mission.verified()).sound
    await mission.note(child, RecordErasure())
    case = await mission.case(attempt.id)
    assert (case.screening, case.protection_since, await disclosed()) == ((), None, 0)
    found = await mission.verified()
    assert found.sound, found.differences


async def test_whoever_asks_what_is_held_about_them_is_not_told_what_screening_found(mission: Mission) -> None:
    attempt = await mission.brought_to("approved", *family())
    await recorded(mission, attempt, note(attempt.ids[0], "vot_presumed"))
    told = await held_about(mission, attempt.ids[0])
    (record,) = told.records["cases"]
    assert "screening" not in record and "protection_since" not in record
    happened = [one for one in told.history if one.kind.endswith("screening_recorded.v1")]
    assert len(happened) == 4
    assert all(one.roles == () and "vot_presumed" not in str(one.said) for one in happened)


async def test_a_husband_who_asks_what_is_held_about_him_is_not_told_why_the_clearance_was_lost(mission: Mission) -> None:
    attempt = await mission.brought_to("ready_to_travel", somebody("female"), somebody("male"))
    wife, husband = attempt.ids
    await recorded(mission, attempt, note(wife, "gbv"), PETRA)
    told = await held_about(mission, husband)
    (lost,) = [one for one in told.history if one.kind.endswith("clearance_lost.v1")]
    assert lost.roles == () and not any(code in str(lost.said) for code in CODES)


async def test_whoever_was_ready_before_screening_was_asked_part_by_part_is_found_by_the_next_look(mission: Mission) -> None:
    attempt = await mission.brought_to("ready_to_travel", *family())
    async with mission.owner() as connection:
        # As the revision leaves it.
        await connection.execute("UPDATE cases SET screening = '[]', holds_until = 'epoch' WHERE id = $1", attempt.id)
    with pytest.raises(Refusal):
        await mission.order(attempt.id, ClearToBoard(), OLEG, EVE)
    await look(mission.database.worker, "returns", WIRING.by_name, WIRING.timers, NOON)
    assert (await mission.case(attempt.id)).status == "preparing"
    assert not (await mission.order(attempt.id, CheckClearance(), RETURNS)).changed
