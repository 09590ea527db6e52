"""Who is expected to arrive in the days ahead, and who should have arrived already, in the order of the arrivals."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, Field

from services.returns.domain.case_state import Case, Status
from services.returns.domain.window import PublicState
from services.returns.queries import KNOWN_ABROAD
from services.returns.tables import EXPECTED
from shared.contracts.counselling import Country
from shared.contracts.returns import ArrivalNeed
from shared.db import Sql, UnitOfWork
from shared.ids import UUID_PATTERN
from shared.moments import EPOCH, MICROSECONDS, from_microseconds, in_microseconds

# The moment is compared once more alone, where the index begins: under row security a comparison of rows may come later.
_FURTHER = "c.arrives_at >= :since AND (c.arrives_at, c.id) > (:since, :after_id) AND c.arrives_at <= :until"
ARRIVALS: Final = Sql(
    f"SELECT c.id, c.arrives_at FROM cases c WHERE c.{EXPECTED} AND {_FURTHER} ORDER BY c.arrives_at, c.id LIMIT :limit"
)
ARRIVALS_ABROAD: Final = Sql(
    "SELECT c.id, c.arrives_at FROM unnest(cast(:countries AS text[])) own(country) CROSS JOIN LATERAL "
    "(SELECT c.id, c.arrives_at FROM cases c "
    f" WHERE c.destination_country = ANY (ARRAY[own.country]) AND c.{EXPECTED} AND {_FURTHER} AND {KNOWN_ABROAD} "
    " ORDER BY c.destination_country, c.arrives_at, c.id LIMIT :limit) c ORDER BY c.arrives_at, c.id LIMIT :limit"
)


class ExpectedArrival(BaseModel):
    """A case with a booking of which somebody has not arrived: who comes when with which flight, and what must stand ready.

    ``adults`` and ``children`` are all who come, those who have arrived among them; ``arrived`` is how many have.
    """

    id: UUID
    case_ref: str
    status: Status | PublicState
    destination_country: Country
    departs_at: datetime
    arrives_at: datetime
    flight: str | None
    needs: tuple[ArrivalNeed, ...]
    adults: int
    children: int
    arrived: int


@dataclass(frozen=True, slots=True)
class ArrivalPlace:
    """A case's place in the order of arrivals, written ``<arrives_at in microseconds>-<id>``."""

    id: UUID
    arrives_at: datetime

    def __str__(self) -> str:
        return f"{in_microseconds(self.arrives_at)}-{self.id}"


async def expected(
    unit: UnitOfWork, until: datetime, after: ArrivalPlace | None, limit: int, abroad: tuple[list[str], datetime] | None = None
) -> list[ArrivalPlace]:
    """The cases expected up to a moment, those overdue first; ``abroad`` is an office's countries and since when a notice stands."""
    after = after or _FIRST
    values = {"since": after.arrives_at, "after_id": after.id, "until": until, "limit": limit}
    if abroad is None:
        rows = await unit.rows(ARRIVALS, **values)
    else:
        rows = await unit.rows(ARRIVALS_ABROAD, countries=abroad[0], not_coming_since=abroad[1], **values)
    return [ArrivalPlace(row["id"], row["arrives_at"]) for row in rows]


def arrival_of(id: UUID, case: Case, status: Status | PublicState) -> ExpectedArrival:
    """The row of a case that has a booking; its status is told as its reader may know it."""
    coming = [person for person in case.persons if person.travel != "withdrawn"]
    adults = sum(person.is_adult for person in coming)
    assert case.departs_at is not None and case.arrives_at is not None
    return ExpectedArrival(
        id=id, case_ref=case.case_ref, status=status, destination_country=case.destination_country,
        departs_at=case.departs_at, arrives_at=case.arrives_at, flight=case.flight, needs=case.needs, adults=adults,
        children=len(coming) - adults, arrived=sum(person.travel == "arrived" for person in coming),
    )


def place(text: str) -> ArrivalPlace:
    """The place that is written so; the text has the form of `PLACE_PATTERN`."""
    arrives_at, _, id = text.partition("-")
    return ArrivalPlace(UUID(id), from_microseconds(arrives_at))


PLACE_PATTERN: Final = f"^{MICROSECONDS}-{UUID_PATTERN}$"
PlaceText = Annotated[str, Field(pattern=PLACE_PATTERN)]
_FIRST: Final = ArrivalPlace(UUID(int=0), EPOCH)
