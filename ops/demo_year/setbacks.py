"""What comes in between: holds and what came of them, a clearance that is lost, a journey that was recorded wrongly."""

from collections.abc import Callable, Mapping
from typing import Final, Literal
from uuid import UUID

from ops.demo_year import travelling
from ops.demo_year.people import Household, day_of, moment
from ops.demo_year.quotas import Outcome
from ops.demo_year.script import Journey, record_of
from services.returns.domain.case_corrections import (
    AskForCorrection,
    CorrectArrival,
    CorrectDeparture,
    RejectCorrection,
)
from services.returns.domain.case_evidence import FlagForMedical, RecordFitToTravel
from services.returns.domain.case_holds import LiftHold, PutOnHold
from services.returns.domain.case_preparation import ConfirmVoluntariness, MarkReadyToTravel
from services.returns.domain.case_screening import (
    AssessTraffickingRisk,
    CloseAlert,
    RecordFearOfReturn,
    RecordVulnerability,
)
from shared.contracts.returns import HoldOutcome, HoldReason, TraffickingRisk

Setback = Literal[
    "fitness_doubted", "document_doubted", "risk_acceptable", "clearance_lost", "departure_misrecorded",
    "arrival_misrecorded", "arrival_doubted", "fears_return", "risk_unacceptable", "legal_hold", "protection_hold",
    "security_hold",
]  # fmt: skip
# Each befalls one person who goes alone, in this order, of those who return and of those who do not.
OF_RETURNERS: Final[tuple[Setback, ...]] = (
    "fitness_doubted", "document_doubted", "risk_acceptable", "clearance_lost", "departure_misrecorded",
    "arrival_misrecorded", "arrival_doubted",
)  # fmt: skip
OF_OTHERS: Final[Mapping[Outcome, tuple[Setback, ...]]] = {
    # With some of them the hold stands when they withdraw, or when the year ends.
    "withdrawn": ("fears_return", "risk_unacceptable", "legal_hold", "document_doubted", "protection_hold"),
    "open": ("legal_hold", "security_hold"),
}

_HOLD, _NOTED, _RISK, _FEAR = range(32, 36)


def _id_of(household: Household, what: int) -> UUID:
    return record_of(household.principal.person_id, what)


def _place(journey: Journey, household: Household, case_id: UUID, day: int, by: str, reason: HoldReason) -> None:
    placed = PutOnHold(hold_id=_id_of(household, _HOLD), reason=reason)
    journey.give(moment(day, 10), by, case_id, placed)


def _lift(
    journey: Journey, household: Household, case_id: UUID, day: int, by: str, outcome: HoldOutcome, what: int = _HOLD
) -> None:
    journey.give(moment(day, 16), by, case_id, LiftHold(hold_id=_id_of(household, what), outcome=outcome))


def _close_alert(journey: Journey, household: Household, case_id: UUID, day: int, what: int, *, referred: bool) -> None:
    closing = CloseAlert(alert_id=_id_of(household, what), outcome="referred" if referred else "support_arranged")
    journey.give(moment(day, 15), "protection", case_id, closing)


def _fitness_doubted(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """Operations stop until a doctor has decided."""
    person_id = household.principal.person_id
    journey.give(moment(day, 9), household.counsellor, case_id, FlagForMedical(person_id=person_id))
    _place(journey, household, case_id, day, "operations", "medical")
    _decide_fit(journey, case_id, person_id, day + 1, 11)
    _lift(journey, household, case_id, day + 1, "operations", "resolved")


def _decide_fit(journey: Journey, case_id: UUID, person_id: UUID, day: int, hour: int) -> None:
    at = moment(day, hour)
    fit = RecordFitToTravel(
        person_id=person_id, outcome="fit", decided_at=at, valid_from=day_of(day), valid_until=day_of(day + 60)
    )
    journey.give(at, "medical", case_id, fit)


def _document_doubted(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """The counsellor stops until the coordinator has asked the consular post."""
    _place(journey, household, case_id, day, household.counsellor, "document")
    _lift(journey, household, case_id, day + 2, "coordinator", "resolved")


def _perhaps_trafficked(
    journey: Journey, household: Household, case_id: UUID, day: int, risk: TraffickingRisk
) -> None:
    """What the counsellor notes holds the case by itself, until protection has assessed the risk; and on, if it is too high."""
    noted_at, assessed_at = moment(day, 10), moment(day + 1, 10)
    person_id = household.principal.person_id
    noted = RecordVulnerability(
        record_id=_id_of(household, _NOTED), person_id=person_id, noted_at=noted_at, indicators=("vot_presumed",)
    )
    journey.give(noted_at, household.counsellor, case_id, noted)
    assessed = AssessTraffickingRisk(
        record_id=_id_of(household, _RISK), person_id=person_id, assessed_at=assessed_at, risk=risk
    )
    journey.give(assessed_at, "protection", case_id, assessed)
    _close_alert(journey, household, case_id, day + 1, _NOTED, referred=risk == "unacceptable")
    if risk == "unacceptable":
        _close_alert(journey, household, case_id, day + 1, _RISK, referred=True)
    else:
        _lift(journey, household, case_id, day + 1, "protection", "resolved", _NOTED)


def _risk_acceptable(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    _perhaps_trafficked(journey, household, case_id, day, "acceptable")


def _risk_unacceptable(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    _perhaps_trafficked(journey, household, case_id, day, "unacceptable")


def _fears_return(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """Asked again somebody says that they fear to return; protection refers them, and the hold stands."""
    asked_at = moment(day, 10)
    said = RecordFearOfReturn(
        record_id=_id_of(household, _FEAR), person_id=household.principal.person_id, asked_at=asked_at, fears_return=True
    )
    journey.give(asked_at, household.counsellor, case_id, said)
    _close_alert(journey, household, case_id, day + 2, _FEAR, referred=True)


def _legal_hold(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """Proceedings have to end first; they have not yet."""
    _place(journey, household, case_id, day, "coordinator", "legal")


def _protection_hold(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """The counsellor is worried, and protection finds no ground for it."""
    _place(journey, household, case_id, day, household.counsellor, "protection")
    _lift(journey, household, case_id, day + 2, "protection", "unfounded")


def _security_hold(journey: Journey, household: Household, case_id: UUID, day: int) -> None:
    """Where they would go it is not safe at present."""
    _place(journey, household, case_id, day, "operations", "security")


_BEFORE_BOOKING: Final[Mapping[Setback, Callable[[Journey, Household, UUID, int], None]]] = {
    "fitness_doubted": _fitness_doubted,
    "document_doubted": _document_doubted,
    "risk_acceptable": _risk_acceptable,
    "risk_unacceptable": _risk_unacceptable,
    "fears_return": _fears_return,
    "legal_hold": _legal_hold,
    "protection_hold": _protection_hold,
    "security_hold": _security_hold,
}


def before_booking(journey: Journey, household: Household, case_id: UUID, setback: Setback | None, day: int) -> None:
    """What stops a case for up to three days from this one, or for good, if its setback is of that kind."""
    stopped = _BEFORE_BOOKING.get(setback) if setback is not None else None
    if stopped is not None:
        stopped(journey, household, case_id, day)


def on_the_eve(journey: Journey, household: Household, case_id: UUID, departure: int) -> None:
    """Somebody who was ready feels unwell, so that the readiness is lost; a doctor comes the same evening."""
    person_id = household.principal.person_id
    journey.give(moment(departure - 1, 16), "operations", case_id, FlagForMedical(person_id=person_id))
    _decide_fit(journey, case_id, person_id, departure - 1, 18)
    journey.give(moment(departure - 1, 19), "operations", case_id, MarkReadyToTravel())
    at = moment(departure - 1, 20)
    journey.give(at, "operations", case_id, ConfirmVoluntariness(person_id=person_id, confirmed_at=at))


def misrecord_departure(journey: Journey, household: Household, case_id: UUID, departure: int) -> None:
    """A departure is recorded though nobody came to the airport; who recorded it says so, and the coordinator decides."""
    person_id = household.principal.person_id
    travelling.depart(journey, household, case_id, departure)
    asked = AskForCorrection(person_id=person_id, of="departure")
    journey.give(moment(departure, 15), "operations", case_id, asked)
    journey.give(moment(departure, 17), "coordinator", case_id, CorrectDeparture(person_id=person_id))


def after_arrival(
    journey: Journey, household: Household, case_id: UUID, setback: Setback | None, departure: int
) -> None:
    """An arrival that was confirmed is doubted: wrongly, or rightly, and then it is confirmed two days later."""
    person_id = household.principal.person_id
    if setback not in ("arrival_misrecorded", "arrival_doubted"):
        return
    asked = AskForCorrection(person_id=person_id, of="arrival")
    journey.give(moment(departure + 1, 12), "coordinator", case_id, asked)
    at = moment(departure + 1, 15)
    if setback == "arrival_doubted":
        journey.give(at, "coordinator-2", case_id, RejectCorrection(person_id=person_id))
        return
    journey.give(at, "operations", case_id, CorrectArrival(person_id=person_id))
    travelling.arrive(journey, household, case_id, departure + 2)


__all__ = ["OF_OTHERS", "OF_RETURNERS", "Setback", "after_arrival", "before_booking", "misrecord_departure", "on_the_eve"]
