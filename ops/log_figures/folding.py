"""Folds entries of a log into the states that a service's rules make of them, as far as a leaf tells."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.decider import Decider
from shared.messages import Envelope, Event
from shared.statistics import Figure, Period

State = TypeVar("State")


class UnknownEvent(Exception):
    """An entry that these rules do not know, so that figures without it would be none: a later version of avrr recorded it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A period as moments: from ``begins`` on and before ``ends``, midnights of the mission's calendar."""

    begins: datetime
    ends: datetime

    @classmethod
    def of(cls, period: Period) -> "Bounds":
        """The first moment of the first day, and the one after the last day."""
        zone = ZoneInfo(period.zone)
        return cls(
            datetime.combine(period.first, time(), zone), datetime.combine(period.last + timedelta(days=1), time(), zone)
        )

    def has(self, at: datetime | None) -> bool:
        """Whether a moment lies in it; none does not."""
        return at is not None and self.begins <= at < self.ends


@dataclass(slots=True)
class Folding(Generic[State]):
    """The states of all aggregates of one kind. Of what is concealed they know nothing, as of persons who were erased."""

    decider: Decider[State, Any]
    states: dict[UUID, State] = field(default_factory=dict)
    _kinds: Mapping[str, type[Event]] = field(init=False)

    def __post_init__(self) -> None:
        self._kinds = {event.kind: event for event in self.decider.events}

    def take(self, envelope: Envelope) -> Event:
        """One more entry, the next of its subject; UnknownEvent if the rules have no such event."""
        if envelope.type not in self._kinds:
            raise UnknownEvent(envelope.type)
        event = self._kinds[envelope.type].model_validate(envelope.data, extra="ignore")
        self.states[envelope.subject] = self.decider.evolve(self.states.get(envelope.subject), event)
        return event


class LogFigures(Protocol):
    """What one service's log says of a year."""

    def take(self, envelope: Envelope) -> None:
        """One more entry, in the order of the log."""
        ...

    def figures(self, period: Period) -> list[Figure]:
        """The service's figures of a period, those that leaves tell, each as its statistics have it."""
        ...

    def concealed(self) -> Mapping[str, str]:
        """The keys of the figures that no leaf tells, each with why."""
        ...


def folded(foldings: Mapping[str, Folding[Any]], envelope: Envelope) -> Event | None:
    """Hands an entry to the folding of its aggregate; None if no figure needs that."""
    folding = foldings.get(envelope.type.split(".")[2])
    return None if folding is None else folding.take(envelope)


def counted(unit: str, values: Mapping[str, int], of: int | None = None) -> Iterable[Figure]:
    """Figures of one unit."""
    return (Figure.model_validate({"key": key, "unit": unit, "value": value, "of": of}) for key, value in values.items())
