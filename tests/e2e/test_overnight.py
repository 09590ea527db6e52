"""A certificate that runs out overnight while the flight is late, and an arrival that nobody confirms, over HTTP."""

from datetime import datetime, timedelta
from uuid import UUID

from ops.demo_year import granting, script, travelling
from ops.demo_year.people import Household, Member, day_of, moment
from ops.demo_year.script import Journey
from services.returns.domain.case_evidence import (
    FlagForMedical,
    RecordExitFormalities,
    RecordFitToTravel,
    RecordReceptionArranged,
)
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture
from services.returns.domain.case_preparation import (
    ClearToBoard,
    ConfirmBooking,
    ConfirmVoluntariness,
    MarkReadyToTravel,
)
from services.returns.domain.given_fields import PersonAssistance
from shared.ids import uuid7
from tests.e2e.conftest import Mission
from tests.e2e.test_main_line import Line

OFFICE = "receiving-office-tr"
# Departure late in the evening; the certificate does not reach far into the next day.
LEAVES, LANDS = moment(20, 19), moment(20, 22)
CLEARED, IN_THE_MORNING = moment(20, 18), moment(21, 11)


async def prepared(line: Line) -> UUID:
    household, journey = line.household, Journey(line.dice)
    script.register(journey, household, 1)
    case_id = script.express_intention(journey, household, 1)
    await line.go(journey)
    journey = Journey(line.dice)
    script.screen(journey, household, case_id, 2)
    script.apply_for(journey, household, case_id, 3)
    travelling.approve(journey, case_id, 4)
    lines = granting.plan_lines(line.dice, household, {household.principal.person_id: ("business",)})
    travelling.prepare(journey, household, case_id, uuid7(), lines, 5)
    await line.go(journey)
    return case_id


async def book(line: Line, case_id: UUID, leaves: datetime, at: datetime) -> None:
    """A seat with all that belongs to it."""
    person_id = line.household.principal.person_id
    booking = ConfirmBooking(
        departs_at=leaves, arrives_at=leaves + (LANDS - LEAVES), destination_country="TR", person_ids=(person_id,),
        flight="ZZ100", assistance=(PersonAssistance(person_id=person_id, kind="wheelchair"),),
    )  # fmt: skip
    exit_formalities = RecordExitFormalities(person_ids=(person_id,), recorded_at=at)
    for order in (booking, RecordReceptionArranged(arranged_at=at), exit_formalities):
        await line.mission.done("returns", "operations", case_id, order, at)


async def clear(line: Line, case_id: UUID) -> None:
    mission, person_id = line.mission, line.household.principal.person_id
    await book(line, case_id, LEAVES, moment(10, 9))
    await mission.done("returns", "operations", case_id, MarkReadyToTravel(), moment(10, 11))
    confirmed = ConfirmVoluntariness(person_id=person_id, confirmed_at=CLEARED)
    await mission.done("returns", "operations", case_id, confirmed, CLEARED)
    await mission.done("returns", "operations", case_id, ClearToBoard(), CLEARED)


def alone() -> Household:
    return Household((Member(uuid7(), "female", 1960, "principal"),), "TR", "tur", "trc_borici", "counsellor-3", "returned")


async def test_a_certificate_of_fitness_that_runs_out_overnight_takes_the_clearance_away_and_nobody_is_cleared_to_board(
    mission: Mission,
) -> None:
    line = Line(mission, alone(), seed=31)
    person_id = line.household.principal.person_id
    case_id = await prepared(line)
    await mission.done("returns", "counsellor-3", case_id, FlagForMedical(person_id=person_id), moment(9, 8))
    decision = RecordFitToTravel(
        person_id=person_id, outcome="fit_with_conditions", decided_at=moment(9, 9), valid_from=day_of(9),
        valid_until=(LANDS + timedelta(hours=14)).date(), conditions=("wheelchair",),
    )  # fmt: skip
    await mission.done("returns", "medical", case_id, decision, moment(9, 9))
    await clear(line, case_id)
    await mission.caller.day_is_over(CLEARED + timedelta(hours=2))
    assert await line.status(case_id) == "cleared_to_board"
    await mission.caller.day_is_over(IN_THE_MORNING)
    assert await line.status(case_id) == "preparing"
    boarding = await mission.refused("returns", "operations", case_id, ClearToBoard(), IN_THE_MORNING)
    assert boarding == (409, "fitness_not_decided")
    # What the fact says stands beside the log; the leaf names no condition.
    timeline = (await mission.read("returns", "operations", f"/v1/cases/{case_id}/timeline")).json()["items"]
    assert timeline[-1]["type"] == "avrr.returns.case.clearance_lost.v1"
    seen = (await mission.read("returns", "counsellor-3", f"/v1/cases/{case_id}")).json()["state"]
    assert "wheelchair" not in str(seen) and "fit_with_conditions" not in str(seen)

    # Not on the next flight either, though all the rest is arranged anew.
    await book(line, case_id, LEAVES + timedelta(days=1), IN_THE_MORNING)
    for order in (MarkReadyToTravel(), ClearToBoard()):
        assert await mission.refused("returns", "operations", case_id, order, IN_THE_MORNING) == (409, "fitness_not_decided")


async def test_an_arrival_that_nobody_confirms_stands_on_a_list_until_somebody_does(mission: Mission) -> None:
    line = Line(mission, alone(), seed=32)
    person_id = line.household.principal.person_id
    case_id = await prepared(line)
    await clear(line, case_id)
    left = RecordDeparture(person_ids=(person_id,), departed_at=LEAVES)
    await mission.done("returns", "operations", case_id, left, LEAVES + timedelta(minutes=5))

    async def overdue(persona: str) -> bool:
        rows = (await mission.read("returns", persona, "/v1/cases?overdue=true&limit=100")).json()["items"]
        return str(case_id) in [row["id"] for row in rows]

    await mission.caller.day_is_over(LANDS + timedelta(hours=23))
    assert not await overdue("protection")
    await mission.caller.day_is_over(LANDS + timedelta(hours=24))
    assert await overdue("protection") and await overdue("operations")
    arrival = ConfirmArrival(person_id=person_id, arrived_at=LANDS, known_by="call")
    await mission.done("returns", OFFICE, case_id, arrival, LANDS + timedelta(hours=30))
    assert not await overdue("operations")
