"""The events of reintegration about return cases, as it took note of them, and when it lets them close."""

from datetime import datetime
from uuid import UUID

from shared.contracts.counselling import Country
from shared.messages import Event


class CaseNoted(Event, kind="avrr.reintegration.case.noted.v1"):
    """Reintegration took note of a return case; ``deciding_ids`` are its adults and principal, none if no adult goes: then all decide."""

    person_ids: tuple[UUID, ...]
    destination_country: Country
    counsellor_id: str
    deciding_ids: tuple[UUID, ...] = ()
    programme: str | None = None


class ProgrammeNoted(Event, kind="avrr.reintegration.case.programme_noted.v1"):
    """Reintegration took note of the funding programme that a case is prepared under."""

    programme: str


class StayNoted(Event, kind="avrr.reintegration.case.stay_noted.v1"):
    """Reintegration took note that a person withdrew and stays: they belong to the case no more, nor does what is planned for them."""

    person_id: UUID


class StayTakenBack(Event, kind="avrr.reintegration.case.stay_taken_back.v1"):
    """Somebody who had withdrawn left all the same, so they belong to the case again."""

    person_id: UUID


class PersonsLeft(Event, kind="avrr.reintegration.case.persons_left.v1"):
    """A family's case was split: these persons go on with another one."""

    person_ids: tuple[UUID, ...]


class PersonsCame(Event, kind="avrr.reintegration.case.persons_came.v1"):
    """A family's case was joined with this one: these persons go on in it; ``deciding_ids`` are the adults among them."""

    person_ids: tuple[UUID, ...]
    deciding_ids: tuple[UUID, ...]


class DecidingNoted(Event, kind="avrr.reintegration.case.deciding_noted.v1"):
    """Whose consent the case goes by changed: its adults and principal, none if there is no adult; then all decide."""

    deciding_ids: tuple[UUID, ...]


class ArrivalNoted(Event, kind="avrr.reintegration.case.arrival_noted.v1"):
    """Reintegration took note that a person arrived; from now on there may be money."""

    person_id: UUID
    arrived_at: datetime


class ArrivalTakenBack(Event, kind="avrr.reintegration.case.arrival_taken_back.v1"):
    """The arrival of this person had been recorded wrongly, so there is no money for them until they have arrived."""

    person_id: UUID


class CaseEndNoted(Event, kind="avrr.reintegration.case.end_noted.v1"):
    """Reintegration took note that the case ended before anybody arrived."""


class CaseUnsealed(Event, kind="avrr.reintegration.case.unsealed.v1"):
    """Returns took the closed case up again, so it takes grants again."""


class CaseSealed(Event, kind="avrr.reintegration.case.sealed.v1"):
    """No grant is live and none can be added; returns may close the case."""


class SealRefused(Event, kind="avrr.reintegration.case.seal_refused.v1"):
    """A grant is still live, so the case cannot close yet."""

    live_grants: int


EVENTS: tuple[type[Event], ...] = (
    CaseNoted, ProgrammeNoted, StayNoted, StayTakenBack, PersonsLeft, PersonsCame, DecidingNoted, ArrivalNoted, ArrivalTakenBack, CaseEndNoted,
    CaseSealed, CaseUnsealed, SealRefused,
)  # fmt: skip
