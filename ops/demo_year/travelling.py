"""From the approved application to arrival: preparation, the eve of departure, the flight, those who miss it."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from ops.demo_year.people import Household, day_of, moment
from ops.demo_year.script import Journey, hold_session
from services.counselling.domain.consents import EVERY_CATEGORY
from services.counselling.domain.person import GiveConsent
from services.reintegration.domain.plan import RecordOwnPlan
from services.reintegration.domain.plan_lines import PlannedLine
from services.returns.domain.case_application import ApproveCase
from services.returns.domain.case_evidence import RecordExitFormalities, RecordReceptionArranged
from services.returns.domain.case_journey import ConfirmArrival, RecordDeparture
from services.returns.domain.case_other_parent import SettleOtherParent
from services.returns.domain.case_preparation import (
    ClearToBoard,
    ConfirmBooking,
    ConfirmVoluntariness,
    MarkReadyToTravel,
    RecordMissedFlight,
    RecordTravelDocument,
    StartPreparation,
)
from shared.contracts.families import OtherParent
from shared.contracts.returns import ArrivalNeed

# In turn, by what children travel beside one parent.
WITHOUT_A_PARENT: Final[tuple[OtherParent, ...]] = ("consent_at_receiving_office", "consent_notarised", "custody_decision")


def approve(journey: Journey, case_id: UUID, day: int) -> None:
    """Somebody other than the counsellor approves."""
    journey.give(moment(day, 12), "coordinator", case_id, ApproveCase())


def prepare(
    journey: Journey, household: Household, case_id: UUID, plan_id: UUID, lines: tuple[PlannedLine, ...], day: int
) -> None:
    """Programme and office settled, transfer agreed to, own plan made, documents in hand; three days."""
    journey.give(
        moment(day, 8), "operations", case_id,
        StartPreparation(programme="avrr-wb-2023", receiving_country=household.country),
    )  # fmt: skip
    # The usual consent leaves health out; who needs medical help agrees that the office is told of it.
    medical = any(line.category == "medical" for line in lines)
    for number, member in enumerate(household.adults or household.members):
        at = moment(day, 9, number)
        journey.give(
            at, household.counsellor, member.person_id,
            GiveConsent(
                consent="transfer", text_version="2023-01", language=household.language, method="signature",
                given_at=at, recipient_country=household.country, categories=EVERY_CATEGORY if medical else (),
                given_by=None if member.adult else household.speaker_for(member),
            ),
        )  # fmt: skip
    journey.give(
        moment(day + 1, 10), household.counsellor, plan_id,
        RecordOwnPlan(case_id=case_id, person_ids=household.person_ids, lines=lines, method="signed"),
    )  # fmt: skip
    for number, member in enumerate(household.members):
        laissez_passer = journey.dice.random.random() < 0.4
        journey.give(
            moment(day + 2, 10, number), household.counsellor, case_id,
            RecordTravelDocument(
                person_id=member.person_id, document="laissez_passer" if laissez_passer else "passport",
                valid_until=day_of(day + (180 if laissez_passer else 1500)),
            ),
        )  # fmt: skip
    report_the_exit(journey, household, case_id, day)
    settle_other_parent(journey, household, case_id, day)


def settle_other_parent(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """By what each child beside a single adult travels without its other parent: a consent, or a paper on custody."""
    if len(household.adults) != 1:
        return
    for number, member in enumerate(household.members):
        if not member.adult:
            settled_by = WITHOUT_A_PARENT[member.person_id.int % len(WITHOUT_A_PARENT)]
            journey.give(
                moment(day + 2, 12, number), household.counsellor, case_id,
                SettleOtherParent(person_id=member.person_id, settled_by=settled_by, settled_on=day_of(day + 1)),
            )  # fmt: skip


def report_the_exit(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """The Service for Foreigners' Affairs has on record that they leave."""
    at = moment(day + 2, 11)
    journey.give(
        at, "operations", case_id, RecordExitFormalities(person_ids=household.person_ids, recorded_at=at)
    )


def meet_the_receiving_office(journey: Journey, household: Household, day: int) -> None:
    """A virtual session with the office in the country of origin."""
    hold_session(
        journey, household, moment(day, 13), "follow_up", "virtual_country_of_origin", ("reintegration_support",)
    )


def book(journey: Journey, household: Household, case_id: UUID, day: int, departure: int) -> None:
    """Seats to the final destination."""
    departs = moment(departure, 10)
    journey.give(
        moment(day, 14), "operations", case_id,
        ConfirmBooking(
            departs_at=departs, arrives_at=departs + timedelta(hours=journey.dice.between(5, 18)),
            destination_country=household.country, person_ids=household.person_ids,
            # No airline has this code.
            flight=f"ZZ{100 + case_id.int % 900}", needs=_needs_of(household),
        ),
    )  # fmt: skip
    notify_the_receiving_office(journey, case_id, day)


def notify_the_receiving_office(journey: Journey, case_id: UUID, day: int) -> None:
    """The office in the country of origin is told of the booking, and who meets them is arranged."""
    at = moment(day, 15)
    journey.give(at, "operations", case_id, RecordReceptionArranged(arranged_at=at))


def _needs_of(household: Household) -> tuple[ArrivalNeed, ...]:
    if not household.adults:
        return ("handover_in_person", "help_at_airport")
    with_children: tuple[ArrivalNeed, ...] = ("first_nights", "help_at_airport")
    return with_children if len(household.adults) < len(household.members) else ("onward_transport",)


def on_the_eve(
    journey: Journey, household: Household, case_id: UUID, departure: int, ready: int | None = None
) -> None:
    """The checklist is complete, on that day or on another, and on the eve every adult is asked once more."""
    journey.give(
        moment(departure - 1 if ready is None else ready, 13), "operations", case_id, MarkReadyToTravel()
    )
    # For a child on its own its guardian is asked.
    for number, member in enumerate(household.adults or household.members):
        at = moment(departure - 1, 14, number)
        journey.give(
            at, "operations", case_id, ConfirmVoluntariness(person_id=member.person_id, confirmed_at=at)
        )


def miss_the_flight(journey: Journey, case_id: UUID, departure: int) -> None:
    """Nobody came to the airport."""
    journey.give(moment(departure, 10, 30), "operations", case_id, RecordMissedFlight(reason="did_not_appear"))


def depart(journey: Journey, household: Household, case_id: UUID, departure: int) -> None:
    """The gate is checked again, and everybody leaves."""
    journey.give(moment(departure, 7, 30), "operations", case_id, ClearToBoard())
    journey.give(
        moment(departure, 10, 20), "operations", case_id,
        RecordDeparture(person_ids=household.person_ids, departed_at=moment(departure, 10, 5)),
    )  # fmt: skip


def arrive(journey: Journey, household: Household, case_id: UUID, departure: int) -> None:
    """The receiving office confirms each person."""
    office = f"receiving-office-{household.country.lower()}"
    for number, member in enumerate(household.members):
        journey.give(
            moment(departure + 1, 9, number), office, case_id,
            ConfirmArrival(
                person_id=member.person_id, arrived_at=moment(departure + 1, 5),
                known_by=journey.dice.random.choice(("met", "call")),
            ),
        )  # fmt: skip
