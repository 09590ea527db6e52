"""Cases of which somebody says that a departure or an arrival was recorded wrongly, the longest open first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, Field

from services.returns.domain.case_state import Case, Status
from services.returns.tables import DOUBTED
from shared.contracts.corrections import Correctable
from shared.contracts.counselling import Country
from shared.db import Sql, UnitOfWork
from shared.ids import UUID_PATTERN
from shared.moments import EPOCH, MICROSECONDS, from_microseconds, in_microseconds

# The moment is compared once more alone, where the index begins: under row security a comparison of rows may come later.
OPEN: Final = Sql(
    f"SELECT id, correction_since FROM cases WHERE {DOUBTED} AND correction_since >= :since "
    "AND (correction_since, id) > (:since, :after_id) ORDER BY correction_since, id LIMIT :limit"
)


class OpenCorrection(BaseModel):
    """What is said to be wrong of one person's journey, by whom and since when.

    ``is_own`` is whether the reader said so, for a colleague to decide; ``withdrew_at`` when the person had withdrawn, where
    that is why.
    """

    person_id: UUID
    of: Correctable
    asked_by: str
    asked_at: datetime
    withdrew_at: datetime | None
    is_own: bool


class DoubtedCase(BaseModel):
    """A case with everything of it that somebody has to decide on, and since when the first of it waits."""

    id: UUID
    case_ref: str
    status: Status
    destination_country: Country
    since: datetime
    corrections: list[OpenCorrection]


@dataclass(frozen=True, slots=True)
class DoubtedPlace:
    """A case's place in the list, written ``<since in microseconds>-<id>``."""

    id: UUID
    since: datetime

    def __str__(self) -> str:
        return f"{in_microseconds(self.since)}-{self.id}"


async def doubted(unit: UnitOfWork, after: DoubtedPlace | None, limit: int) -> list[DoubtedPlace]:
    """The cases of which something waits to be decided, up to so many after a place."""
    after = after or _FIRST
    rows = await unit.rows(OPEN, since=after.since, after_id=after.id, limit=limit)
    return [DoubtedPlace(row["id"], row["correction_since"]) for row in rows]


def row_of(id: UUID, case: Case, reader_id: str) -> DoubtedCase | None:
    """The row of a case as this reader is shown it; None if nothing of it waits."""
    if case.correction_since is None:
        return None
    return DoubtedCase(
        id=id, case_ref=case.case_ref, status=case.status, destination_country=case.destination_country,
        since=case.correction_since,
        corrections=[
            OpenCorrection(
                person_id=person.person_id, of=person.correction.of, asked_by=person.correction.asked_by,
                asked_at=person.correction.asked_at, withdrew_at=person.correction.withdrew_at,
                is_own=person.correction.asked_by == reader_id,
            )
            for person in case.persons
            if person.correction is not None
        ],
    )  # fmt: skip


def place(text: str) -> DoubtedPlace:
    """The place that is written so; the text has the form of `DoubtedPlaceText`."""
    since, _, id = text.partition("-")
    return DoubtedPlace(UUID(id), from_microseconds(since))


DoubtedPlaceText = Annotated[str, Field(pattern=f"^{MICROSECONDS}-{UUID_PATTERN}$")]
_FIRST: Final = DoubtedPlace(UUID(int=0), EPOCH)
