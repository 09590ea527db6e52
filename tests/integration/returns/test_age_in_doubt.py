"""Of an adult it is noted that they may be a child on its own: what the rules ask then, the database holds as it is."""

from datetime import timedelta

from services.returns.domain.case_application import SignDeclaration
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_preparation import ClearToBoard, ConfirmVoluntariness, MarkReadyToTravel
from services.returns.domain.case_screening import AssessVoluntariness, CloseAlert, RecordVulnerability
from services.returns.domain.case_supervision import RecordGuardian, RecordSupervision
from shared.ids import uuid7
from tests.given import NOON
from tests.integration.returns.mission import ANNA, DEPARTS, EVE, OLEG, PETRA, Mission, best_interests, family


async def test_a_case_that_was_ready_is_so_anew_once_both_are_looked_after_as_children(mission: Mission) -> None:
    attempt = await mission.brought_to("ready_to_travel", *family())
    youth, _ = attempt.ids
    alert, guardian = uuid7(), uuid7()
    note = RecordVulnerability(record_id=alert, person_id=youth, noted_at=NOON, indicators=("unaccompanied",))
    await mission.order(attempt.id, note, ANNA)
    assert (await mission.case(attempt.id)).status == "preparing"
    await mission.order(attempt.id, CloseAlert(alert_id=alert, outcome="referred"), PETRA)
    for one in attempt.ids:
        await mission.order(attempt.id, RecordGuardian(person_id=one, guardian_id=guardian), PETRA)
        answers = AssessVoluntariness(
            record_id=uuid7(), person_id=one, answered_by=guardian, assessed_at=NOON, free=True, informed=True, capable=True,
            company="guardian", interpreter="professional", child_heard="heard", legal_consequences_explained=True,
            alternatives_explained=True,
        )  # fmt: skip
        await mission.order(attempt.id, answers, ANNA)
        await mission.order(attempt.id, best_interests(one, at=NOON), PETRA)
        signs = SignDeclaration(person_id=one, signed_by=guardian, method="signature", language="tur", signed_at=NOON)
        await mission.order(attempt.id, signs, ANNA)
        looked_after = RecordSupervision(
            person_id=one, travels_with="mission_escort", handed_over_by="by_guardian", received_by="to_parent", arranged_at=NOON,
            valid_from=NOON.date(), valid_until=NOON.date() + timedelta(days=30),
        )  # fmt: skip
        await mission.order(attempt.id, looked_after, PETRA)
    await mission.order(attempt.id, MarkReadyToTravel(), OLEG)
    await mission.caught_up()
    for one in attempt.ids:
        await mission.order(attempt.id, ConfirmVoluntariness(person_id=one, confirmed_at=EVE), OLEG, EVE)
    await mission.order(attempt.id, ClearToBoard(), OLEG, EVE)
    await mission.order(attempt.id, RecordDeparture(person_ids=attempt.ids, departed_at=DEPARTS), OLEG, DEPARTS)
    case = await mission.case(attempt.id)
    assert (case.status, case.protection_since) == ("departed", None)
    found = await mission.verified()
    assert found.sound, found.differences
