"""What the retention policy says of everybody who is kept: who is due since when, and what keeps them all the same."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from ops.retention.policy import OF_PERSONS, Policy

Stands = Literal["due", "asked", "on_hold", "refused"]
_PAGE: Final = 100


class Asks(Protocol):
    """Asks a service in the name of the program that keeps count."""

    async def __call__(self, service: str, path: str, query: Mapping[str, Any]) -> Any:
        """What the service answers, as JSON."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person who is kept without an open case in counselling, and what stands in the way of an erasure.

    ``refused_at`` and ``refused_for`` are when an erasure was last refused, and why.
    """

    id: UUID
    last_contact_at: datetime
    legal_hold: bool
    erasure_asked: bool
    refused_at: datetime | None = None
    refused_for: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """One case of a person: whether it goes on, and otherwise how and when it ended."""

    ending: Literal["open", "without_return", "returned"]
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """A person, or a payee that is none, whose time is over: of which class, since which day, what stands in the way, and why if somebody refused."""

    person_id: UUID
    kept_as: str
    since: date
    due_on: date
    stands: Stands
    refused_for: str | None = None


def due(person: Person, cases: Sequence[Ended], policy: Policy, zone: ZoneInfo, now: datetime) -> Due | None:
    """Whether a person is due on this moment's day in the mission, None while they are not.

    Of several cases the one counts that keeps the person longest; whoever came to talk since is kept from then on.
    """
    if any(case.ending == "open" or case.ended_at is None for case in cases):
        return None
    begun = [("without_case", person.last_contact_at)] if not cases else []
    begun += [(case.ending, max(case.ended_at, person.last_contact_at)) for case in cases if case.ended_at is not None]
    longest = max((policy.classes[kept_as].due(day := _day(at, zone)), kept_as, day) for kept_as, at in begun)
    due_on, kept_as, since = longest
    if due_on > _day(now, zone):
        return None
    stands = _stands(person, due_on, zone)
    return Due(person.id, kept_as, since, due_on, stands, person.refused_for if stands == "refused" else None)


def _stands(person: Person, due_on: date, zone: ZoneInfo) -> Stands:
    if person.legal_hold:
        return "on_hold"
    if person.erasure_asked:
        return "asked"
    # Somebody has decided on it since it was due: it is not asked for each night until they give in. What was refused before
    # was another question.
    if person.refused_at is not None and _day(person.refused_at, zone) >= due_on:
        return "refused"
    return "due"


async def all_due(ask: Asks, policy: Policy, zone: ZoneInfo, now: datetime) -> AsyncIterator[Due]:
    """Everybody who is due, in the order of their ids, then whose receipts are, and then payees that were closed."""
    async for one in _persons_due(ask, policy, zone, now):
        yield one
    async for row in _pages(ask, "reintegration", "/v1/retention/receipts", {"until": str(_day(now, zone))}):
        kept_until = date.fromisoformat(row["kept_until"])
        # That day is the last on which they are kept.
        due_on = policy.classes["receipts"].due(kept_until + timedelta(days=1))
        if due_on <= _day(now, zone):
            yield Due(UUID(row["id"]), "receipts", kept_until, due_on, "due")
    async for row in _pages(ask, "reintegration", "/v1/retention/payees", {"until": str(_day(now, zone))}):
        kept_until = date.fromisoformat(row["kept_until"])
        due_on = policy.classes["payees"].due(kept_until + timedelta(days=1))
        if due_on <= _day(now, zone):
            yield Due(UUID(row["id"]), "payees", kept_until, due_on, "due")


async def _persons_due(ask: Asks, policy: Policy, zone: ZoneInfo, now: datetime) -> AsyncIterator[Due]:
    # Only those are looked at who can be due.
    before = _text(latest_contact(policy, zone, now))
    batch: list[Person] = []

    async def judged() -> list[Due]:
        cases = await _cases_of(ask, batch)
        found = [due(person, cases.get(person.id, ()), policy, zone, now) for person in batch]
        batch.clear()
        return [one for one in found if one is not None]

    async for row in _pages(ask, "counselling", "/v1/retention/persons", {"before": before}):
        last_contact_at = datetime.fromisoformat(row["last_contact_at"])
        refused_at = datetime.fromisoformat(row["refused_at"]) if row["refused_at"] else None
        batch.append(
            Person(UUID(row["id"]), last_contact_at, row["legal_hold"], row["erasure_asked"], refused_at, row["refused_for"])
        )
        if len(batch) == _PAGE:
            for one in await judged():
                yield one
    for one in await judged():
        yield one


async def _pages(ask: Asks, service: str, path: str, query: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
    """The rows of a service's list, page by page."""
    after: str | None = None
    while True:
        found = await ask(service, path, {**query, "after": after, "limit": _PAGE})
        for row in found["items"]:
            yield row
        after = found["next"]
        if after is None:
            return


def latest_contact(policy: Policy, zone: ZoneInfo, now: datetime) -> datetime:
    """The moment before which the last contact must lie for anybody to be due: the shortest period ago, to the day."""
    day = today = _day(now, zone)
    # Months differ in length, so the day is looked for.
    while all(policy.classes[name].due(day) > today for name in OF_PERSONS):
        day -= timedelta(days=1)
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


async def _cases_of(ask: Asks, persons: Sequence[Person]) -> Mapping[UUID, list[Ended]]:
    found: dict[UUID, list[Ended]] = {}
    if persons:
        for row in await ask("returns", "/v1/retention/cases", {"person_id": [str(person.id) for person in persons]}):
            ended_at = row["ended_at"]
            found.setdefault(UUID(row["person_id"]), []).append(
                Ended(row["ending"], datetime.fromisoformat(ended_at) if ended_at else None)
            )
    return found


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
