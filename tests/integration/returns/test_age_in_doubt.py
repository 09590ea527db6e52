"""Of an adult it is noted that they may be a child on its own: what the rules ask then, the database holds as it is."""

from datetime import timedelta
from uuid import UUID

from services.returns import queries
from services.returns.domain.case_application import SignDeclaration
from services.returns.domain.case_journey import RecordDeparture
from services.returns.domain.case_preparation import ClearToBoard, ConfirmVoluntariness, MarkReadyToTravel
from services.returns.domain.case_screening import AssessVoluntariness, CloseAlert, RecordVulnerability
from services.returns.domain.case_supervision import RecordGuardian, RecordSupervision
from services.returns.domain.person import RecordConsent
from services.returns.wiring import WIRING
from shared.ids import uuid7
from shared.timers import Looked, look
from tests.given import NOON
from tests.integration.returns.mission import (
    ANNA,
    DEPARTS,
    EVE,
    OLEG,
    PETRA,
    Attempt,
    Mission,
    best_interests,
    family,
)


async def ready_anew(mission: Mission) -> Attempt:
    """A case whose only adult may be a child, ready once more since both are looked after as children."""
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
    return attempt


async def test_where_nobody_counts_as_an_adult_the_consent_of_each_is_looked_for(mission: Mission) -> None:
    attempt = await ready_anew(mission)
    beside_an_adult = await mission.brought_to("ready_to_travel", *family())
    for one in (attempt, beside_an_adult):
        await mission.note(one.ids[1], RecordConsent(consent="data", active=False))
    await mission.caught_up()
    assert await look(mission.database.worker, "returns", WIRING.by_name, WIRING.timers, EVE) == Looked(due=1, changed=1)
    assert (await mission.case(attempt.id)).status == "preparing"
    assert (await mission.case(beside_an_adult.id)).status == "ready_to_travel"


async def test_whoever_an_adult_signed_for_who_has_left_counts_as_no_adult_though_nobody_is_their_guardian(mission: Mission) -> None:
    attempt = await ready_anew(mission)
    await mission.note(attempt.ids[1], RecordConsent(consent="data", active=False))
    due = {"now": NOON, "zone": "Europe/Sarajevo", "after": UUID(int=0), "limit": 51}
    async with mission.owner() as connection:
        # As another adult signed, and as each did in person.
        for signed, found in (("'{}'", [attempt.id]), ("jsonb_build_object('declared_by', p -> 'person_id')", [])):
            await connection.execute(
                f"UPDATE cases SET persons = (SELECT jsonb_agg(p || '{{\"guardian_id\": null}}' || {signed}) FROM jsonb_array_elements(persons) p)"
            )
            rows = await connection.fetch(queries.DUE_CLEARANCES.text, *queries.DUE_CLEARANCES.arguments(due))
            assert [row["id"] for row in rows] == found


async def test_a_case_that_was_ready_is_so_anew_once_both_are_looked_after_as_children(mission: Mission) -> None:
    attempt = await ready_anew(mission)
    await mission.caught_up()
    for one in attempt.ids:
        await mission.order(attempt.id, ConfirmVoluntariness(person_id=one, confirmed_at=EVE), OLEG, EVE)
    await mission.order(attempt.id, ClearToBoard(), OLEG, EVE)
    await mission.order(attempt.id, RecordDeparture(person_ids=attempt.ids, departed_at=DEPARTS), OLEG, DEPARTS)
    case = await mission.case(attempt.id)
    assert (case.status, case.protection_since) == ("departed", None)
    found = await mission.verified()
    assert found.sound, found.differences
