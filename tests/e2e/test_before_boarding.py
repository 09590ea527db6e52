"""What comes between readiness and boarding: whoever would board is not cleared, and nobody outside learns why."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ops.demo_year.people import day_of, moment
from services.counselling.domain.person import WithdrawConsent
from services.returns.domain.case_holds import LiftHold, PutOnHold
from services.returns.domain.case_preparation import ClearToBoard, RecordTravelDocument
from services.returns.domain.case_screening import CloseAlert, RecordVulnerability
from shared.ids import uuid7
from shared.messages import Command
from tests.e2e.child_alone import COUNSELLOR, ChildAlone
from tests.e2e.conftest import Mission
from tests.e2e.test_main_line import OFFICE

# What an office abroad may see of a case (domain reference 5.4): the journey, of each person what it takes to meet them, and
# what became of its own question whether they departed.
CASE = {
    "case_ref", "status", "destination_country", "persons", "departs_at", "arrives_at", "flight", "needs",
    "departure_asked_at", "departure_confirmed_at",
}  # fmt: skip
PERSON = {"person_id", "sex", "age_group", "travel", "departed_at", "arrived_at"}

Order = tuple[str, UUID, Command]


@dataclass(frozen=True)
class Obstacle:
    """What comes between, by what boarding is refused then, what makes the journey possible again, and who is told."""

    name: str
    comes: Sequence[Order]
    refused_by: str
    goes: Sequence[Order]
    office_is_told: bool = True


def obstacles(child: ChildAlone) -> tuple[Obstacle, ...]:
    case_id, child_id, at = child.case_id, child.child_id, moment(29, 13)
    held, presumed, stopped, papers = uuid7(), uuid7(), uuid7(), uuid7()
    remains = child.best_interests(at, "remain")

    def recorded(noted_at: int, *besides: str) -> RecordVulnerability:
        return RecordVulnerability.model_validate(
            {"record_id": presumed, "person_id": child_id, "noted_at": moment(29, noted_at), "indicators": ("uasc", *besides)}
        )

    def agreed(minute: int) -> Order:
        return "protection", case_id, child.best_interests(moment(29, 13, minute))

    def lifted(hold_id: UUID, by: str = "protection") -> Order:
        return by, case_id, LiftHold(hold_id=hold_id, outcome="resolved")

    def passport(until: int) -> Order:
        return "operations", case_id, RecordTravelDocument(person_id=child_id, document="passport", valid_until=day_of(until))

    def closed(alert_id: UUID) -> Order:
        return "protection", case_id, CloseAlert(alert_id=alert_id, outcome="no_risk_found")

    return (
        Obstacle(
            "its guardian does not agree any more",
            [("protection", case_id, child.best_interests(at, agreed=("child", "family")))], "screening_not_settled",
            [agreed(1)],
        ),
        Obstacle(
            "its guardian takes the consent back", [(COUNSELLOR, child_id, WithdrawConsent(consent="data"))],
            "data_consent_missing",
            [(COUNSELLOR, child_id, child.consent(kind, moment(29, 15))) for kind in ("data", "transfer")],
            office_is_told=False,
        ),
        Obstacle(
            "it is best for it to remain", [("protection", case_id, remains.model_copy(update={"established_at": moment(29, 13, 2)}))],
            "hold_stands", [lifted(remains.record_id), closed(remains.record_id), agreed(3)],
        ),
        Obstacle(
            "protection stops the journey", [("protection", case_id, PutOnHold(hold_id=held, reason="protection"))],
            "hold_stands", [lifted(held)],
        ),
        Obstacle(
            "it may be trafficked", [(COUNSELLOR, case_id, recorded(13, "vot_presumed"))], "hold_stands",
            [lifted(presumed), closed(presumed), ("protection", case_id, recorded(14))],
        ),
        Obstacle(
            "its passport is missing", [(COUNSELLOR, case_id, PutOnHold(hold_id=papers, reason="document"))],
            "hold_stands", [lifted(papers, "coordinator")],
        ),
        Obstacle(
            "somebody calls protection", [(COUNSELLOR, case_id, PutOnHold(hold_id=stopped, reason="protection"))],
            "hold_stands", [lifted(stopped)],
        ),
        Obstacle("its passport ends on the day of departure", [passport(30)], "document_expires_before_arrival", [passport(900)]),
    )


async def test_whatever_comes_between_readiness_and_boarding_stops_the_child_and_the_office_sees_preparation(
    mission: Mission,
) -> None:
    child = ChildAlone(mission, seed=52)
    await child.apply()
    await child.prepare()
    case_id, at = child.case_id, moment(29, 15)

    async def order(orders: Sequence[Order]) -> None:
        for persona, id, given in orders:
            service = type(given).__module__.split(".")[1]
            await mission.done(service, persona, id, given, at)
        await mission.caller.drained()

    seen: list[dict[str, Any]] = []
    for obstacle in obstacles(child):
        if await child.status() == "preparing":
            await child.make_ready(at)
        assert await child.status() == "ready_to_travel", obstacle.name
        assert (await _seen_by_the_office(mission, case_id))["state"]["status"] == "travel_scheduled"
        await order(obstacle.comes)
        refused = await mission.refused("returns", "operations", case_id, ClearToBoard(), at)
        assert refused == (409, obstacle.refused_by), obstacle.name
        if obstacle.office_is_told:
            seen.append(await _seen_by_the_office(mission, case_id))
        else:
            assert (await mission.read("returns", OFFICE, f"/v1/cases/{case_id}")).status_code == 404
        await order(obstacle.goes)
    # Whatever it was, the office is shown the very same: that the journey is prepared.
    assert len(seen) == len(obstacles(child)) - 1
    assert [view for view in seen if view != seen[0]] == []
    _is_all_that_an_office_may_see(seen[0])
    # Once nothing stands between, the same child is cleared: each refusal was about its obstacle and nothing else.
    await child.make_ready(at)
    await mission.done("returns", "operations", case_id, ClearToBoard(), at)

    leaves = await _holds_in_the_log(mission, case_id)
    trafficking, document, protection = leaves
    assert trafficking != document
    assert _without_ids_times_and_hashes(trafficking) == _without_ids_times_and_hashes(document)
    assert _without_ids_times_and_hashes(document) == _without_ids_times_and_hashes(protection)
    assert len({len(leaf) for leaf in leaves}) == 1


def _is_all_that_an_office_may_see(view: dict[str, Any]) -> None:
    assert set(view) == {"id", "version", "state", "actions"}
    assert set(view["state"]) == CASE
    assert view["state"]["status"] == "in_preparation"
    assert [set(person) for person in view["state"]["persons"]] == [PERSON]
    # One who is under way may be met; of what prepares the journey nothing is theirs to do, and no reason is told.
    assert [(one["name"], one["reason"], one["sentence"]) for one in view["actions"]] == [("confirm_arrival", None, None)]


async def _holds_in_the_log(mission: Mission, case_id: UUID) -> list[bytes]:
    """The leaves of the holds that the counsellor placed, byte for byte, the first of them first."""
    chain = await mission.read("returns", "auditor", f"/v1/log/chain/{case_id}")
    assert chain.status_code == 200, chain.text
    placed = [leaf for leaf in chain.content.splitlines() if json.loads(leaf)["type"].endswith(".hold_placed.v1")]
    return [leaf for leaf in placed if json.loads(leaf)["actorrole"] == "counsellor"]


def _without_ids_times_and_hashes(leaf: bytes) -> bytes:
    # How many facts about the case came before is a place in time, too.
    return re.sub(rb'[0-9a-f-]{36}|[0-9-]{10}T[0-9:.]+Z|(?<="reason":")[\w-]{43}|(?<="aggregateversion":)[0-9]+', b"*", leaf)


async def _seen_by_the_office(mission: Mission, case_id: UUID) -> dict[str, Any]:
    answer = await mission.read("returns", OFFICE, f"/v1/cases/{case_id}")
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view
