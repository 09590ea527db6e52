"""What reintegration knows of a return case: its persons, who arrived, and whether it takes new grants."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.contracts.counselling import Country
from shared.contracts.noted_cases import (
    ArrivalNoted,
    ArrivalTakenBack,
    CaseEndNoted,
    CaseNoted,
    CaseSealed,
    CaseUnsealed,
    DecidingNoted,
    PersonsCame,
    PersonsLeft,
    ProgrammeNoted,
    SealRefused,
    StayNoted,
    StayTakenBack,
)
from shared.decider import Decider, Events, recording
from shared.errors import RuleViolation
from shared.messages import Command, Context, Event
from shared.transitions import moved

CaseStatus = Literal["noted", "arrived", "ended", "sealed"]

BEGINNINGS: frozenset[str] = frozenset({"noted"})
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "noted": frozenset({"arrived", "ended", "sealed"}),
    # Back where the one arrival that there was had been recorded wrongly.
    "arrived": frozenset({"sealed", "noted"}),
    "ended": frozenset({"sealed"}),
    # Returns may take a closed case up again; it is of somebody who has arrived.
    "sealed": frozenset({"arrived"}),
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """One person's arrival as the receiving office confirmed it."""

    person_id: UUID
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """A return case as far as reintegration needs it.

    ``deciding_ids`` are those whose consent the case goes by: adults, and the principal; none where that was not noted yet.
    ``programme`` is the funding programme that it is prepared under; None before that, and for cases of before it was noted.
    ``withdrawn_ids`` are those of whom it was noted that they withdrew, also if they left afterwards.
    """

    person_ids: tuple[UUID, ...]
    destination_country: str
    counsellor_id: str
    arrived: tuple[Arrival, ...] = ()
    status: CaseStatus = "noted"
    deciding_ids: tuple[UUID, ...] = ()
    programme: str | None = None
    withdrawn_ids: tuple[UUID, ...] = ()

    def whose_consent(self) -> frozenset[UUID]:
        """Who must have agreed to the transfer now that somebody has arrived: whoever of those decides has arrived.

        Children are there with the consent of the adults of their case, as in the window of returns.
        """
        deciding = [id for id in self.deciding_ids if id in self.person_ids] or self.person_ids
        return frozenset(id for id in deciding if self.has_arrived(id)) or frozenset(deciding)

    @property
    def may_be_shared(self) -> bool:
        """Whether anybody abroad may hear of it before an arrival: it is approved, for it is prepared, and has not ended."""
        return self.programme is not None and self.status != "ended"

    def has_arrived(self, person_id: UUID) -> bool:
        """Whether this person's arrival is confirmed."""
        return any(arrival.person_id == person_id for arrival in self.arrived)


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """How many grants of this case are live: neither completed, rejected nor cancelled."""

    live_grants: int = 1


class RecordCase(Command):
    """A return case was opened."""

    person_ids: tuple[UUID, ...]
    destination_country: Country
    counsellor_id: str
    deciding_ids: tuple[UUID, ...] = ()
    programme: str | None = None


class RecordProgramme(Command):
    """The funding programme of a case was settled, or another one was."""

    programme: str


class RecordStay(Command):
    """A person of a case withdrew and stays, while it goes on for the others."""

    person_id: UUID


class RecordDeparture(Command):
    """A person left, also if they had withdrawn before."""

    person_id: UUID


class RecordDepartureTakenBack(Command):
    """The departure of a person had been recorded wrongly."""

    person_id: UUID


class RecordPersonsLeft(Command):
    """Some persons of a case go on with one of their own."""

    person_ids: tuple[UUID, ...]


class RecordPersonsJoined(Command):
    """Persons of another case go on in this one; ``deciding_ids`` are the adults among them."""

    person_ids: tuple[UUID, ...]
    deciding_ids: tuple[UUID, ...]


class RecordDeciding(Command):
    """Somebody of the case is a child or an adult after all, and whose consent it goes by follows from that."""

    deciding_ids: tuple[UUID, ...]


class RecordArrival(Command):
    """The receiving office confirmed that a person arrived."""

    person_id: UUID
    arrived_at: datetime


class RecordArrivalTakenBack(Command):
    """The arrival of a person had been recorded wrongly."""

    person_id: UUID


class RecordCaseEnd(Command):
    """The case ended before anybody departed: withdrawn, not eligible, lapsed or not departed."""


class SealCase(Command):
    """Returns wants to close the case and asks that no grant can be added any more."""


class UnsealCase(Command):
    """Returns took the closed case up again."""


def refuse_unless_open(case: Case | None) -> Case:
    """The case, if it takes plans and grants; else ``case_unknown``, ``case_ended`` or ``case_sealed``."""
    if case is None:
        raise RuleViolation("case_unknown", "Reintegration does not know this return case.")
    if case.status == "ended":
        raise RuleViolation(
            "case_ended", "This return case has ended, so there is nothing to plan or to pay in it."
        )
    if case.status == "sealed":
        raise RuleViolation(
            "case_sealed", "This return case is being closed or is closed; it takes no new grant."
        )
    return case


def _record_case(state: Case | None, order: RecordCase, facts: CaseFacts, context: Context) -> Events:
    if state is not None:
        return ()
    return (
        CaseNoted(
            person_ids=order.person_ids,
            destination_country=order.destination_country,
            counsellor_id=order.counsellor_id,
            deciding_ids=order.deciding_ids,
            programme=order.programme,
        ),
    )


def _record_programme(state: Case | None, order: RecordProgramme, _: CaseFacts, __: Context) -> Events:
    if state is None or state.programme == order.programme:
        return ()
    return (ProgrammeNoted(programme=order.programme),)


def _record_stay(state: Case | None, order: RecordStay, _: CaseFacts, __: Context) -> Events:
    if state is None or order.person_id not in state.person_ids or state.has_arrived(order.person_id):
        return ()
    return (StayNoted(person_id=order.person_id),)


def _record_departure(state: Case | None, order: RecordDeparture, _: CaseFacts, __: Context) -> Events:
    if state is None or order.person_id not in state.withdrawn_ids or order.person_id in state.person_ids:
        return ()
    return (StayTakenBack(person_id=order.person_id),)


def _record_departure_taken_back(
    state: Case | None, order: RecordDepartureTakenBack, facts: CaseFacts, context: Context
) -> Events:
    # Whoever withdrew and did not leave after all stays; everybody else is expected to leave still.
    if state is None or order.person_id not in state.withdrawn_ids:
        return ()
    return _record_stay(state, RecordStay(person_id=order.person_id), facts, context)


def _record_persons_left(state: Case | None, order: RecordPersonsLeft, _: CaseFacts, __: Context) -> Events:
    if state is None:
        return ()
    left = tuple(id for id in order.person_ids if id in state.person_ids)
    return (PersonsLeft(person_ids=left),) if left else ()


def _record_persons_joined(state: Case | None, order: RecordPersonsJoined, _: CaseFacts, __: Context) -> Events:
    if state is None:
        return ()
    came = tuple(id for id in order.person_ids if id not in state.person_ids)
    if not came:
        return ()
    return (PersonsCame(person_ids=came, deciding_ids=tuple(id for id in order.deciding_ids if id in came)),)


def _record_deciding(state: Case | None, order: RecordDeciding, _: CaseFacts, __: Context) -> Events:
    if state is None or state.deciding_ids == order.deciding_ids:
        return ()
    return (DecidingNoted(deciding_ids=order.deciding_ids),)


def _record_arrival(state: Case | None, order: RecordArrival, facts: CaseFacts, context: Context) -> Events:
    # An arrival opens the way to money, so one of somebody whom the case does not hold opens nothing here.
    if state is None or order.person_id not in state.person_ids or state.has_arrived(order.person_id):
        return ()
    return (ArrivalNoted(person_id=order.person_id, arrived_at=order.arrived_at),)


def _record_arrival_taken_back(
    state: Case | None, order: RecordArrivalTakenBack, facts: CaseFacts, context: Context
) -> Events:
    if state is None or not state.has_arrived(order.person_id):
        return ()
    return (ArrivalTakenBack(person_id=order.person_id),)


def _record_case_end(state: Case | None, order: RecordCaseEnd, facts: CaseFacts, context: Context) -> Events:
    # Who has arrived has departed: such a case is closed by sealing, which looks at its grants, and by
    # nothing else.
    if state is None or state.status != "noted":
        return ()
    return (CaseEndNoted(),)


def _seal(state: Case | None, order: SealCase, facts: CaseFacts, context: Context) -> Events:
    if state is None or state.status == "sealed":
        return ()
    if facts.live_grants > 0:
        return (SealRefused(live_grants=facts.live_grants),)
    return (CaseSealed(),)


def _unseal(state: Case | None, order: UnsealCase, facts: CaseFacts, context: Context) -> Events:
    if state is None or state.status != "sealed" or not state.arrived:
        return ()
    return (CaseUnsealed(),)


def evolve(state: Case | None, event: Event) -> Case:
    """The case after one of its events; TypeError for an event that is not one of its own."""
    if isinstance(event, CaseNoted):
        return Case(
            event.person_ids, event.destination_country, event.counsellor_id, deciding_ids=event.deciding_ids,
            programme=event.programme,
        )
    if state is None:
        raise TypeError(f"a case cannot begin with {type(event).__name__}")
    match event:
        case ArrivalNoted():
            arrived = (*state.arrived, Arrival(event.person_id, event.arrived_at))
            if state.status == "noted":
                return replace(state, arrived=arrived, status=moved(TRANSITIONS, state.status, "arrived"))
            return replace(state, arrived=arrived)
        case ArrivalTakenBack():
            arrived = tuple(arrival for arrival in state.arrived if arrival.person_id != event.person_id)
            if state.status == "arrived" and not arrived:
                return replace(state, arrived=arrived, status=moved(TRANSITIONS, state.status, "noted"))
            return replace(state, arrived=arrived)
        case ProgrammeNoted():
            return replace(state, programme=event.programme)
        case StayNoted():
            # Whether they decide is kept, for they may leave all the same.
            withdrawn = tuple(dict.fromkeys((*state.withdrawn_ids, event.person_id)))
            return replace(state, person_ids=tuple(id for id in state.person_ids if id != event.person_id), withdrawn_ids=withdrawn)
        case StayTakenBack():
            return replace(state, person_ids=(*state.person_ids, event.person_id))
        case PersonsLeft():
            return replace(
                state, person_ids=tuple(id for id in state.person_ids if id not in event.person_ids),
                deciding_ids=tuple(id for id in state.deciding_ids if id not in event.person_ids),
            )
        case PersonsCame():
            # Of a case of which it was never noted who decides, everybody does.
            deciding = (*state.deciding_ids, *event.deciding_ids) if state.deciding_ids else ()
            return replace(state, person_ids=(*state.person_ids, *event.person_ids), deciding_ids=deciding)
        case DecidingNoted():
            return replace(state, deciding_ids=event.deciding_ids)
        case CaseEndNoted():
            return replace(state, status=moved(TRANSITIONS, state.status, "ended"))
        case CaseSealed():
            return replace(state, status=moved(TRANSITIONS, state.status, "sealed"))
        case CaseUnsealed():
            return replace(state, status=moved(TRANSITIONS, state.status, "arrived"))
        case SealRefused():
            return state
        case _:
            raise TypeError(f"{type(event).__name__} is not an event of a case")


CASE: Decider[Case, CaseFacts] = Decider(
    rules=(
        recording(RecordCase, "Take note of a return case", _record_case),
        recording(RecordProgramme, "Take note of the funding programme", _record_programme),
        recording(RecordStay, "Take note of who withdrew and stays", _record_stay),
        recording(RecordDeparture, "Take note of who left all the same", _record_departure),
        recording(RecordDepartureTakenBack, "Take note that a departure was recorded wrongly", _record_departure_taken_back),
        recording(RecordPersonsLeft, "Take note of who goes on in another case", _record_persons_left),
        recording(RecordPersonsJoined, "Take note of who goes on in this case", _record_persons_joined),
        recording(RecordDeciding, "Take note of whose consent the case goes by", _record_deciding),
        recording(RecordArrival, "Take note of an arrival", _record_arrival),
        recording(RecordArrivalTakenBack, "Take note that an arrival was recorded wrongly", _record_arrival_taken_back),
        recording(RecordCaseEnd, "Take note of the case's end", _record_case_end),
        recording(SealCase, "Seal the case", _seal),
        recording(UnsealCase, "Take grants again", _unseal),
    ),
    evolve=evolve,
    events=(
        CaseNoted, ProgrammeNoted, StayNoted, StayTakenBack, PersonsLeft, PersonsCame, DecidingNoted, ArrivalNoted,
        ArrivalTakenBack, CaseEndNoted, CaseSealed, CaseUnsealed, SealRefused,
    ),
)
