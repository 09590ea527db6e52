"""What somebody who asks is told of a case that is not theirs any more, or never was: nothing of the journey of the others."""

import json
from datetime import date, timedelta
from uuid import UUID

from services.returns.domain.case_corrections import AskForCorrection, CorrectDeparture
from services.returns.domain.case_other_parent import SettleOtherParent
from services.returns.domain.case_ref import case_ref
from services.returns.domain.case_reintegration import RecordPlanAgreed
from services.returns.domain.case_supervision import RecordGuardian
from services.returns.domain.case_withdrawal import WithdrawPerson
from services.returns.wiring import WIRING
from shared.handling import transact
from shared.held import Held
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from tests.integration.returns.mission import (
    ANNA,
    ARRIVES,
    DEPARTS,
    OLEG,
    PETRA,
    ZORAN,
    Mission,
    best_interests,
    family,
    final_report,
    somebody,
)


async def held(mission: Mission, person_id: UUID) -> Held:
    return await transact(
        mission.database.api, EVERYWHERE.scope(ANNA, log=True),
        lambda unit: WIRING.teller.held(unit, person_id, mission.database.person_keys),
    )


def kinds(told: Held) -> list[str]:
    return [event.kind.split(".")[3] for event in told.history]


async def test_a_guardian_is_told_that_they_are_one_and_nothing_of_the_childs_journey(mission: Mission) -> None:
    attempt = await mission.brought_to("approved", somebody("female"), somebody("male", "child"), somebody("male"))
    child, former, guardian = attempt.ids[1], uuid7(), uuid7()
    await mission.order(attempt.id, RecordGuardian(person_id=child, guardian_id=former), PETRA)
    await mission.order(attempt.id, RecordGuardian(person_id=child, guardian_id=guardian), PETRA)
    await mission.prepare(attempt)
    for one in (former, guardian):
        told = await held(mission, one)
        assert told.records == {}
        (event,) = told.history
        assert event.kind == "avrr.returns.case.guardian_noted.v1"
        assert event.said == {"guardian_id": str(one)}
        text = told.model_dump_json()
        assert not [known for known in (str(attempt.id), case_ref(attempt.id), "TR") if f'"{known}"' in text]
    assert "approved" in kinds(await held(mission, attempt.ids[0]))


async def test_whoever_withdrew_is_told_of_the_journey_up_to_there_and_not_when_the_others_fly(mission: Mission) -> None:
    attempt = await mission.brought_to("approved", somebody("female"), somebody("male", "child"), somebody("male"))
    father = attempt.ids[2]
    await mission.order(attempt.id, WithdrawPerson(person_id=father), ANNA)
    await mission.order(attempt.id, best_interests(attempt.ids[1]), PETRA)
    staying = type(attempt)(attempt.id, attempt.persons[:2])
    await mission.prepare(staying)
    await mission.make_ready(staying)
    told = await held(mission, father)
    assert kinds(told)[-1] == "person_withdrew"
    assert "cases" not in told.records
    day = DEPARTS.date().isoformat()
    assert day not in json.dumps([event.said for event in told.history])
    mother = await held(mission, attempt.ids[0])
    assert [row["id"] for row in mother.records["cases"]] == [str(attempt.id)]
    assert day in json.dumps(mother.records["cases"])


async def test_by_what_a_child_goes_without_a_parent_is_told_to_nobody_who_asks_for_the_child(mission: Mission) -> None:
    attempt = await mission.brought_to("preparing", *family())
    child = attempt.ids[1]
    order = SettleOtherParent(person_id=child, settled_by="protection_decision", settled_on=date(2022, 11, 17))
    await mission.order(attempt.id, order, PETRA)
    told = await held(mission, child)
    text = told.model_dump_json()
    assert "protection_decision" not in text and "2022-11-17" not in text
    (event,) = (event for event in told.history if event.said.get("evidence_kind") == "other_parent")
    assert event.roles == () and event.said.keys() == {"person_id", "evidence_kind", "established_at", "country"}
    assert event.said["country"] == ""
    (row,) = told.records["cases"]
    assert '"kind": "other_parent"' in json.dumps(row["persons"])


async def test_the_report_at_the_end_tells_nobody_of_the_others(mission: Mission) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await mission.depart(attempt)
    await mission.arrive(attempt)
    await mission.order(attempt.id, RecordPlanAgreed(plan_id=uuid7()))
    await mission.order(attempt.id, final_report(), ZORAN, ARRIVES)
    told = await held(mission, attempt.ids[0])
    assert "final_report" not in told.records["cases"][0]
    (written,) = [event for event in told.history if event.kind.endswith("final_report_written.v1")]
    assert "health" not in json.dumps(written.said)


async def test_whoever_left_after_all_is_told_of_their_own_journey_until_it_turns_out_that_they_did_not(mission: Mission) -> None:
    attempt = await mission.brought_to("preparing", somebody("female"), somebody("male"))
    father = attempt.ids[1]
    await mission.order(attempt.id, WithdrawPerson(person_id=father), ANNA)
    await mission.depart(attempt)
    left = await held(mission, father)
    assert [row["id"] for row in left.records["cases"]] == [str(attempt.id)]
    assert "person_departed" in kinds(left)
    later = DEPARTS + timedelta(hours=1)
    await mission.order(attempt.id, AskForCorrection(person_id=father, of="departure"), OLEG, later)
    await mission.order(attempt.id, CorrectDeparture(person_id=father), ZORAN, later)
    stayed = await held(mission, father)
    assert "cases" not in stayed.records
    assert DEPARTS.date().isoformat() not in json.dumps([event.said for event in stayed.history])
