"""What time takes away is found by whoever looks next, however long nobody looked, and only once."""

import asyncio
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from services.returns.domain.case_evidence import (
    FlagForMedical,
    RecordExitFormalities,
    RecordFitToTravel,
    RecordReceptionArranged,
)
from services.returns.domain.case_journey import ConfirmArrival
from services.returns.domain.case_preparation import (
    ClearToBoard,
    ConfirmBooking,
    ConfirmVoluntariness,
    MarkReadyToTravel,
    RecordTravelDocument,
)
from services.returns.domain.person import RecordConsent
from services.returns.wiring import WIRING
from shared.clock import Clock
from shared.db import Database
from shared.errors import RuleViolation
from shared.timers import Looked, keeping_time, look
from tests.given import NOON, staff
from tests.integration.returns.api import Api
from tests.integration.returns.mission import (
    ANKARA,
    ANNA,
    ARRIVES,
    DEPARTS,
    EVE,
    OLEG,
    Attempt,
    Mission,
    family,
)

SELMA = staff("selma", "medical")
ADMINISTRATOR = staff("ivo", "administrator")
# A flight late in the evening, and a certificate that does not reach far into the next day.
LEAVES, LANDS = DEPARTS + timedelta(hours=8), DEPARTS + timedelta(hours=11)
LAST_DAY = (LANDS + timedelta(hours=14)).date()
CLEARED = LEAVES - timedelta(hours=2)
IN_THE_MORNING = CLEARED + timedelta(hours=18)


async def look_at(mission: Mission, now: datetime, login: Database | None = None, batch: int = 100) -> Looked:
    return await look(login or mission.database.worker, "returns", WIRING.by_name, WIRING.timers, now, batch)


async def told(mission: Mission, id: UUID, fact: str) -> int:
    async with mission.owner() as connection:
        found = await connection.fetchval(
            "SELECT count(*) FROM event_log WHERE subject = $1 AND type = $2", id, f"avrr.returns.case.{fact}.v1"
        )
    assert isinstance(found, int)
    return found


async def cleared(mission: Mission, last_day: date = LAST_DAY) -> Attempt:
    """A case cleared to board, of somebody whose certificate ends on that day."""
    attempt = await mission.brought_to("preparing")
    person_id = attempt.ids[0]
    await mission.order(attempt.id, FlagForMedical(person_id=person_id), ANNA)
    decision = RecordFitToTravel(
        person_id=person_id, outcome="fit", decided_at=NOON, valid_from=NOON.date(), valid_until=last_day
    )
    await mission.order(attempt.id, decision, SELMA)
    await mission.make_ready(attempt, LEAVES, LANDS)
    await mission.caught_up()
    await mission.order(attempt.id, ConfirmVoluntariness(person_id=person_id, confirmed_at=CLEARED), OLEG, CLEARED)
    await mission.order(attempt.id, ClearToBoard(), OLEG, CLEARED)
    return attempt


async def test_a_certificate_that_ran_out_while_no_worker_ran_takes_the_clearance_away_at_the_next_start(
    mission: Mission,
) -> None:
    attempt = await cleared(mission)
    worker = mission.database.worker
    # The service runs in the evening, is away when the day is over, and starts in the morning.
    async with keeping_time(worker, "returns", WIRING.by_name, WIRING.timers, Clock("real", lambda: CLEARED)):
        assert (await look_at(mission, CLEARED)).due == 0
    assert (await mission.case(attempt.id)).status == "cleared_to_board"
    grew = asyncio.Event()
    worker.on_append = grew.set
    async with keeping_time(worker, "returns", WIRING.by_name, WIRING.timers, Clock("real", lambda: IN_THE_MORNING)):
        await asyncio.wait_for(grew.wait(), 30)
    case = await mission.case(attempt.id)
    assert (case.status, case.holds_until) == ("preparing", None)
    assert case.clearance_lapsed_at is not None and case.clearance_lapsed_at < IN_THE_MORNING
    with pytest.raises(RuleViolation, match="fitness_not_decided"):
        await mission.order(attempt.id, ClearToBoard(), OLEG, IN_THE_MORNING)
    # On a new flight it is the certificate that is missing.
    later = ConfirmBooking(
        departs_at=LEAVES + timedelta(days=2), arrives_at=LANDS + timedelta(days=2), destination_country="TR",
        person_ids=attempt.ids,
    )  # fmt: skip
    await mission.order(attempt.id, later, OLEG, IN_THE_MORNING)
    await mission.order(attempt.id, RecordReceptionArranged(arranged_at=IN_THE_MORNING), OLEG, IN_THE_MORNING)
    exit_reported = RecordExitFormalities(person_ids=attempt.ids, recorded_at=IN_THE_MORNING)
    await mission.order(attempt.id, exit_reported, OLEG, IN_THE_MORNING)
    with pytest.raises(RuleViolation, match="fitness_not_decided"):
        await mission.order(attempt.id, MarkReadyToTravel(), OLEG, IN_THE_MORNING)
    assert (await mission.verified()).sound


async def test_boarding_is_refused_also_before_anybody_looked(mission: Mission) -> None:
    attempt = await mission.brought_to("ready_to_travel")
    document = RecordTravelDocument(
        person_id=attempt.ids[0], document="passport", valid_until=(ARRIVES + timedelta(hours=14)).date()
    )
    await mission.order(attempt.id, document, OLEG)
    await mission.confirm(attempt)
    await mission.caught_up()
    two_days_late = DEPARTS + timedelta(days=2)
    with pytest.raises(RuleViolation):
        await mission.order(attempt.id, ClearToBoard(), OLEG, two_days_late)
    assert await look_at(mission, two_days_late) == Looked(1, 1)
    assert (await mission.case(attempt.id)).status == "preparing"


async def test_several_who_look_at_once_take_a_clearance_away_once(mission: Mission) -> None:
    attempts = [await cleared(mission) for _ in range(3)]
    logins = (mission.database.worker, mission.database.worker, mission.database.api)
    looked = await asyncio.gather(*(look_at(mission, IN_THE_MORNING, login, batch=2) for login in logins))
    assert sum(one.changed for one in looked) == 3
    assert [await told(mission, attempt.id, "clearance_lost") for attempt in attempts] == [1, 1, 1]
    assert await look_at(mission, IN_THE_MORNING) == Looked(0, 0)


async def test_a_consent_that_was_taken_back_takes_the_readiness_away_without_anybody_asking(mission: Mission) -> None:
    attempt, other = await mission.brought_to("ready_to_travel"), await mission.brought_to("ready_to_travel")
    await mission.note(attempt.ids[0], RecordConsent(consent="data", active=False))
    # Until it is certain that the latest consents are known here, one that was renewed may not have been heard of.
    assert await look_at(mission, NOON) == Looked(1, 0)
    await mission.caught_up()
    assert await look_at(mission, NOON) == Looked(1, 1)
    assert [(await mission.case(one.id)).status for one in (attempt, other)] == ["preparing", "ready_to_travel"]


async def test_an_arrival_that_nobody_confirms_is_listed_until_somebody_does(mission: Mission, api: Api) -> None:
    attempt = await mission.brought_to("cleared_to_board", *family())
    await mission.depart(attempt)
    due = ARRIVES + timedelta(hours=6)
    assert await look_at(mission, due - timedelta(seconds=1)) == Looked(0, 0)
    assert await look_at(mission, due) == Looked(1, 1)
    assert await look_at(mission, due + timedelta(days=3)) == Looked(0, 0)
    assert await told(mission, attempt.id, "arrival_overdue") == 1
    listed = await api.get("cases", OLEG, due, overdue="true")
    assert [row["id"] for row in listed.json()["items"]] == [str(attempt.id)]
    for person_id in attempt.ids:
        arrival = ConfirmArrival(person_id=person_id, arrived_at=ARRIVES, known_by="call")
        await mission.order(attempt.id, arrival, ANKARA, due)
    assert (await api.get("cases", OLEG, due, overdue="true")).json()["items"] == []
    assert (await mission.verified()).sound


async def test_overdue_arrivals_are_a_list_of_their_own_and_none_for_an_office(mission: Mission, api: Api) -> None:
    assert (await api.get("cases", OLEG, overdue="true", status="departed")).status_code == 422
    assert (await api.get("cases", ANKARA, overdue="true")).status_code == 422
    del mission


async def test_a_replayed_day_is_said_to_be_over(mission: Mission, api: Api) -> None:
    attempt = await cleared(mission)
    found = await api.post("looks-at-the-clock", {}, ADMINISTRATOR, IN_THE_MORNING)
    assert found.json() == {"due": 1, "changed": 1}
    assert (await mission.case(attempt.id)).status == "preparing"
    assert (await api.post("looks-at-the-clock", {}, OLEG)).status_code == 403


async def test_on_a_replayed_clock_nothing_is_looked_for_by_itself(mission: Mission) -> None:
    attempt = await cleared(mission)
    async with keeping_time(
        mission.database.worker, "returns", WIRING.by_name, WIRING.timers, Clock("replay", lambda: IN_THE_MORNING)
    ):
        await mission.order(attempt.id, RecordReceptionArranged(arranged_at=EVE), OLEG, CLEARED)
    assert (await mission.case(attempt.id)).status == "cleared_to_board"


async def test_a_counsellor_sees_that_a_decision_is_asked_for_and_not_what_it_says(mission: Mission, api: Api) -> None:
    attempt = await cleared(mission)
    for reader, seen in ((ANNA, None), (SELMA, "fit"), (OLEG, "fit")):
        evidence = (await api.get(f"cases/{attempt.id}", reader)).json()["state"]["persons"][0]["evidence"]
        assert [one["outcome"] for one in evidence if one["kind"].startswith("fitness")][-1] == seen
