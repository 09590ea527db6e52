"""What an office abroad is asked before it knows of anything else: family assessments, the longest asked first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, Field

from services.returns.tables import INQUIRED
from shared.contracts.counselling import AgeGroup, Country, Sex
from shared.db import Sql, UnitOfWork
from shared.ids import UUID_PATTERN
from shared.moments import EPOCH, MICROSECONDS, from_microseconds, in_microseconds

ASKED: Final = Sql(
    "SELECT c.id, c.inquired_since FROM unnest(cast(:countries AS text[])) own(country) CROSS JOIN LATERAL "
    f"(SELECT id, inquired_since FROM cases WHERE destination_country = ANY (ARRAY[own.country]) AND {INQUIRED} "
    " AND inquired_since >= :since AND (inquired_since, id) > (:since, :after_id) "
    " ORDER BY destination_country, inquired_since, id LIMIT :limit) c ORDER BY c.inquired_since, c.id LIMIT :limit"
)


class AskedAssessment(BaseModel):
    """One family assessment that an office is asked for: under which id, about whom, and whether it has answered."""

    inquiry_id: UUID
    case_id: UUID
    person_id: UUID
    sex: Sex
    age_group: AgeGroup
    country_of_origin: Country
    asked_at: datetime
    answered: bool


@dataclass(frozen=True, slots=True)
class InquiryPlace:
    """A case's place in the list, written ``<since in microseconds>-<id>``."""

    id: UUID
    since: datetime

    def __str__(self) -> str:
        return f"{in_microseconds(self.since)}-{self.id}"


async def asked(
    unit: UnitOfWork, countries: Sequence[str], after: InquiryPlace | None, limit: int
) -> list[InquiryPlace]:
    """The cases of these countries about which an office is asked something, up to so many after a place."""
    after = after or _FIRST
    values = {"countries": list(countries), "since": after.since, "after_id": after.id, "limit": limit}
    return [InquiryPlace(row["id"], row["inquired_since"]) for row in await unit.rows(ASKED, **values)]


def place(text: str) -> InquiryPlace:
    """The place that is written so; the text has the form of `InquiryPlaceText`."""
    since, _, id = text.partition("-")
    return InquiryPlace(UUID(id), from_microseconds(since))


InquiryPlaceText = Annotated[str, Field(pattern=f"^{MICROSECONDS}-{UUID_PATTERN}$")]
_FIRST: Final = InquiryPlace(UUID(int=0), EPOCH)
