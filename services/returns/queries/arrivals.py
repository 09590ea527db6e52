"""Who is expected to arrive in the days ahead, and who should have arrived already, in the order of the arrivals."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, Field

from services.returns.domain.case_state import Case, Status
from services.returns.domain.window import PUBLIC_STATES, PublicState, coming
from services.returns.queries.abroad import KNOWN_ABROAD
from services.returns.tables import EXPECTED
from shared.contracts.counselling import Country
from shared.contracts.returns import ArrivalNeed
from shared.db import Sql, UnitOfWork
from shared.ids import UUID_PATTERN
from shared.moments import EPOCH, MICROSECONDS, from_microseconds, in_microseconds

# The moment is compared once more alone, where the index begins: under row security a comparison of rows may come later.
_FURTHER = "c.arrives_at >= :since AND (c.arrives_at, c.id) > (:since, :after_id) AND c.arrives_at <= :until"
# Whoever has left is awaited whatever became of the booking: it may be lost, or be one of others who leave much later. Of
# several who have left a case the first stands for it.
_UNDER_WAY = (
    "travels t JOIN cases c ON c.id = t.case_id WHERE t.arrived_at IS NULL AND t.departed_at >= :since "
    "AND (t.departed_at, t.case_id) > (:since, :after_id) "
    f"AND ({EXPECTED} AND c.arrives_at <= :until) IS NOT TRUE AND NOT EXISTS (SELECT FROM travels e "
    " WHERE e.case_id = t.case_id AND e.arrived_at IS NULL AND (e.departed_at, e.person_id) < (t.departed_at, t.person_id) "
    " OFFSET 0)"
)
ARRIVALS: Final = Sql(
    "SELECT c.id, c.arrives_at FROM ("
    f"(SELECT c.id, c.arrives_at FROM cases c WHERE {EXPECTED} AND {_FURTHER} ORDER BY c.arrives_at, c.id LIMIT :limit) "
    f"UNION ALL (SELECT c.id, t.departed_at FROM {_UNDER_WAY} ORDER BY t.departed_at, t.case_id LIMIT :limit)) c ORDER BY c.arrives_at, c.id LIMIT :limit"
)


def _abroad(besides: str) -> Sql:
    return Sql(
        "SELECT c.id, c.arrives_at FROM unnest(cast(:countries AS text[])) own(country) CROSS JOIN LATERAL "
        "((SELECT c.id, c.arrives_at FROM cases c "
        f" WHERE c.destination_country = ANY (ARRAY[own.country]) AND {EXPECTED} AND {_FURTHER} AND {besides}{KNOWN_ABROAD} "
        " ORDER BY c.destination_country, c.arrives_at, c.id LIMIT :limit) "
        f"UNION ALL (SELECT c.id, t.departed_at FROM {_UNDER_WAY} AND t.destination_country = ANY (ARRAY[own.country]) "
        f" AND {besides}{KNOWN_ABROAD} ORDER BY t.destination_country, t.departed_at, t.case_id LIMIT :limit)"
        ") c ORDER BY c.arrives_at, c.id LIMIT :limit"
    )


ARRIVALS_ABROAD: Final = _abroad("")
# Whom an office may confirm whatever anybody consents to at this moment: `may_confirm_arrival` says it of one case. With an
# offset neither becomes a read of all rows beforehand.
ARRIVALS_TO_CONFIRM: Final = _abroad(
    "EXISTS (SELECT FROM travels t WHERE t.case_id = c.id AND t.arrived_at IS NULL OFFSET 0) "
    "AND EXISTS (SELECT FROM arrival_notices n WHERE n.case_id = c.id OFFSET 0) AND "
)


class ExpectedArrival(BaseModel):
    """A case of which somebody is expected: who comes when with which flight, and what must stand ready.

    Somebody may be under way while there is no booking any more; then ``arrives_at`` is None and ``departs_at`` when they left.
    ``adults`` and ``children`` are all who come, those who have arrived among them; ``arrived`` is how many have.
    """

    id: UUID
    case_ref: str
    status: Status | PublicState
    destination_country: Country
    departs_at: datetime
    arrives_at: datetime | None
    flight: str | None
    needs: tuple[ArrivalNeed, ...]
    adults: int
    children: int
    arrived: int


class ArrivalToConfirm(BaseModel):
    """A case of whose arrival an office was told, by no more than its reference, and who of it left and is awaited."""

    id: UUID
    case_ref: str
    destination_country: Country
    person_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ArrivalPlace:
    """A case's place in the order of arrivals, written ``<arrives_at in microseconds>-<id>``.

    Without a booking that says it, it is placed at the moment at which somebody left, and so among those overdue.
    """

    id: UUID
    arrives_at: datetime

    def __str__(self) -> str:
        return f"{in_microseconds(self.arrives_at)}-{self.id}"


@dataclass(frozen=True, slots=True)
class Abroad:
    """What narrows a list for an office: its countries, since when a notice stands, which consents are over for certain."""

    countries: list[str]
    not_coming_since: datetime
    today: date


async def expected(
    unit: UnitOfWork, until: datetime, after: ArrivalPlace | None, limit: int, abroad: Abroad | None = None,
    *, to_confirm: bool = False,
) -> list[ArrivalPlace]:
    """The cases expected up to a moment, those overdue first; ``abroad`` is what an office may see of them.

    ``to_confirm`` leaves of these the ones whose arrival it was told of and of which somebody is under way.
    """
    after = after or _FIRST
    values = {"since": after.arrives_at, "after_id": after.id, "until": until, "limit": limit}
    if abroad is None:
        rows = await unit.rows(ARRIVALS, **values)
    else:
        rows = await unit.rows(ARRIVALS_TO_CONFIRM if to_confirm else ARRIVALS_ABROAD, **asdict(abroad), **values)
    return [ArrivalPlace(row["id"], row["arrives_at"]) for row in rows]


def is_expected(case: Case) -> bool:
    """Whether the case has a booking, or somebody of it is under way."""
    booked = case.arrives_at is not None and PUBLIC_STATES[case.stretch] != "not_coming"
    return booked or any(person.travel == "departed" for person in case.persons)


def arrival_of(id: UUID, case: Case, status: Status | PublicState) -> ExpectedArrival:
    """The row of a case that `is_expected`; its status is told as its reader may know it.

    The booking of a case that had ended is not that of whoever left all the same.
    """
    awaited = coming(case)
    # As they are recorded: an office abroad is told nothing of a doubt.
    adults = sum(person.recorded_as_adult for person in awaited)
    booked = case if PUBLIC_STATES[case.stretch] != "not_coming" else None
    left_at = min((person.departed_at for person in case.persons if person.travel == "departed" and person.departed_at), default=None)
    departs_at = (booked.departs_at if booked is not None else None) or left_at
    assert departs_at is not None
    return ExpectedArrival(
        id=id, case_ref=case.case_ref, status=status, destination_country=case.destination_country,
        departs_at=departs_at, arrives_at=booked.arrives_at if booked is not None else None,
        flight=booked.flight if booked is not None else None, needs=booked.needs if booked is not None else (),
        adults=adults, children=len(awaited) - adults, arrived=sum(person.travel == "arrived" for person in awaited),
    )


def to_confirm_of(id: UUID, case: Case) -> ArrivalToConfirm:
    """The row of a case of which somebody is under way."""
    awaited = tuple(person.person_id for person in case.persons if person.travel == "departed")
    return ArrivalToConfirm(
        id=id, case_ref=case.case_ref, destination_country=case.destination_country, person_ids=awaited
    )


def place(text: str) -> ArrivalPlace:
    """The place that is written so; the text has the form of `PLACE_PATTERN`."""
    arrives_at, _, id = text.partition("-")
    return ArrivalPlace(UUID(id), from_microseconds(arrives_at))


PLACE_PATTERN: Final = f"^{MICROSECONDS}-{UUID_PATTERN}$"
PlaceText = Annotated[str, Field(pattern=PLACE_PATTERN)]
_FIRST: Final = ArrivalPlace(UUID(int=0), EPOCH)
