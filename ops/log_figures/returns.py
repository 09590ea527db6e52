"""Returns' figures out of its log: who returned, how long it took, what became of cases, and support on the way."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import floor
from statistics import median
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from ops.log_figures.folding import Bounds, Folding, counted, folded
from services.returns.domain.case import CASE
from services.returns.domain.case_state import Case, CasePerson, Status
from services.returns.domain.person import PERSON, Person
from services.returns.domain.support import KINDS
from services.returns.queries import ENDINGS
from services.returns.queries.standing import standing
from services.returns.tables import REPORTED
from shared.contracts.families import CaseSplitOff
from shared.contracts.returns import (
    ApplicationSubmitted,
    CaseApproved,
    CaseDeclaredIneligible,
    CaseLapsed,
    CaseOpened,
    CaseReopened,
    CaseWithdrawn,
    FlightMissed,
    PersonWithdrew,
)
from shared.messages import Envelope, Event
from shared.statistics import FEWEST, Figure, Period

_BEGINNINGS: Final = (CaseOpened, CaseSplitOff)
_WHY: Final = "Which kind of support it was stands in no leaf, for it may tell of health."


@dataclass(frozen=True, slots=True)
class _Recorded:
    at: datetime
    case_id: UUID
    event: Event


@dataclass(frozen=True, slots=True)
class _Gone:
    case_id: UUID
    case: Case
    person: CasePerson
    departed_at: datetime


@dataclass(slots=True)
class ReturnsFigures:
    """What returns' own statistics count (`services/returns/queries`), counted by its log."""

    _cases: Folding[Case] = field(default_factory=lambda: Folding(CASE))
    _persons: Folding[Person] = field(default_factory=lambda: Folding(PERSON))
    _recorded: list[_Recorded] = field(default_factory=list)

    def take(self, envelope: Envelope) -> None:
        """One more entry of returns' log."""
        event = folded({"case": self._cases, "person": self._persons}, envelope)
        if isinstance(event, REPORTED):
            self._recorded.append(_Recorded(envelope.time, envelope.subject, event))

    def figures(self, period: Period) -> list[Figure]:
        """All of returns' figures but for the kinds of support."""
        within = Bounds.of(period)
        departed = [one for one in self._gone() if within.has(one.departed_at)]
        returned = [one for one in departed if one.person.arrived_at is not None]
        return [
            *self._of_the_returned(returned, len(departed)),
            *_waiting(returned, ZoneInfo(period.zone)),
            *self._supports(period),
            *self._of_cases(within, period),
        ]

    def concealed(self) -> Mapping[str, str]:
        """The kinds of support on the way."""
        return {f"supports_{kind}": _WHY for kind in KINDS}

    def _gone(self) -> Iterator[_Gone]:
        for case_id, case in self._cases.states.items():
            for person in case.persons:
                if person.departed_at is not None:
                    yield _Gone(case_id, case, person, person.departed_at)

    def _of_the_returned(self, returned: list[_Gone], departures: int) -> Iterator[Figure]:
        returns = len(returned)
        countries = Counter(one.case.destination_country for one in returned)
        yield from counted("persons", {"departures": departures})
        yield from counted("persons", {"returns": returns}, of=departures)
        yield from counted("cases", {"returned_cases": len({one.case_id for one in returned})})
        yield from counted("countries", {"countries": len(countries)})
        yield from counted("persons", {
            "female": sum(one.person.sex == "female" for one in returned),
            "male": sum(one.person.sex == "male" for one in returned),
            "children": sum(one.person.age_group == "child" for one in returned),
            "counselled": sum(self._was_heard(one) for one in returned),
            "own_plans": sum(one.person.own_plan_id is not None for one in returned),
            **{f"returns_{country}": value for country, value in countries.items()},
        }, of=returns)  # fmt: skip

    def _was_heard(self, one: _Gone) -> bool:
        person = self._persons.states.get(one.person.person_id)
        return person is not None and person.counselled_at is not None and person.counselled_at <= one.departed_at

    def _supports(self, period: Period) -> Iterator[Figure]:
        given = [
            support for case in self._cases.states.values() for support in case.supports
            if support.status == "given" and support.given_from is not None and period.first <= support.given_from <= period.last
        ]  # fmt: skip
        yield from counted("supports", {"supports": len(given)})
        yield from counted("persons", {"persons_supported": len({support.person_id for support in given})})

    def _of_cases(self, within: Bounds, period: Period) -> Iterator[Figure]:
        of_period = [one for one in self._recorded if within.has(one.at)]
        before_end = Counter(type(one.event) for one in self._recorded if one.at < within.ends)
        kinds = Counter(type(one.event) for one in of_period)
        begun: Counter[Status] = Counter(
            self._cases.states[one.case_id].stretch for one in of_period if isinstance(one.event, _BEGINNINGS)
        )
        yield from counted("persons", {
            "withdrawn_persons": kinds[PersonWithdrew] + _persons(of_period, CaseWithdrawn),
            "ineligible_persons": _persons(of_period, CaseDeclaredIneligible),
            "lapsed_persons": _persons(of_period, CaseLapsed),
        })  # fmt: skip
        yield from counted("cases", {
            "applications": kinds[ApplicationSubmitted], "approvals": kinds[CaseApproved],
            "withdrawn_cases": kinds[CaseWithdrawn], "ineligible_cases": kinds[CaseDeclaredIneligible],
            "lapsed_cases": kinds[CaseLapsed],
            "missed_flights": len({one.case_id for one in of_period if isinstance(one.event, FlightMissed)}),
            "open_cases": sum(before_end[kind] for kind in (*_BEGINNINGS, CaseReopened)) - sum(before_end[kind] for kind in ENDINGS),
            "begun_cases": begun.total(),
        })  # fmt: skip
        yield from standing(begun, begun.total(), period)


def _persons(recorded: list[_Recorded], kind: type[CaseWithdrawn | CaseDeclaredIneligible | CaseLapsed]) -> int:
    return sum(len(one.event.person_ids) for one in recorded if isinstance(one.event, kind))


def _waiting(returned: list[_Gone], zone: ZoneInfo) -> Iterator[Figure]:
    days: dict[str, list[int]] = defaultdict(list)
    for one in returned:
        waited = one.departed_at.astimezone(zone).date() - one.case.expressed_at.astimezone(zone).date()
        for key in ("days_to_departure", f"days_to_departure_{one.case.destination_country}"):
            days[key].append(waited.days)
    # Half a day between the two in the middle is counted as a whole one.
    yield from counted("days", {key: floor(median(each) + 0.5) for key, each in days.items() if len(each) >= FEWEST})
