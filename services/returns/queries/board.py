"""Who waits for protection: cases with an open alert or a hold of protection's, the longest waiting first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, Field

from services.returns.domain.case_state import Case, Status
from services.returns.domain.screening import AlertCause
from services.returns.tables import PROTECTED
from shared.contracts.counselling import Country
from shared.db import Sql, UnitOfWork
from shared.ids import UUID_PATTERN
from shared.moments import EPOCH, MICROSECONDS, from_microseconds, in_microseconds

# The moment is compared once more alone, where the index begins: under row security a comparison of rows may come later.
WAITING: Final = Sql(
    f"SELECT id, protection_since FROM cases WHERE {PROTECTED} AND protection_since >= :since "
    "AND (protection_since, id) > (:since, :after_id) ORDER BY protection_since, id LIMIT :limit"
)


class OpenAlert(BaseModel):
    """One alert: about whom, since when, and which rules asked for it."""

    alert_id: UUID
    person_id: UUID
    raised_at: datetime
    causes: tuple[AlertCause, ...]


class ProtectionHold(BaseModel):
    """One hold that stands for protection, and since when."""

    hold_id: UUID
    placed_at: datetime


class WaitsForProtection(BaseModel):
    """A case that protection has to look at: since when, for which alerts, and by which holds it stands still."""

    id: UUID
    case_ref: str
    status: Status
    destination_country: Country
    since: datetime
    alerts: list[OpenAlert]
    holds: list[ProtectionHold]


@dataclass(frozen=True, slots=True)
class BoardPlace:
    """A case's place on the board, written ``<since in microseconds>-<id>``."""

    id: UUID
    since: datetime

    def __str__(self) -> str:
        return f"{in_microseconds(self.since)}-{self.id}"


async def waiting(unit: UnitOfWork, after: BoardPlace | None, limit: int) -> list[BoardPlace]:
    """The cases that wait for protection, up to so many after a place."""
    after = after or _FIRST
    rows = await unit.rows(WAITING, since=after.since, after_id=after.id, limit=limit)
    return [BoardPlace(row["id"], row["protection_since"]) for row in rows]


def row_of(id: UUID, case: Case) -> WaitsForProtection | None:
    """The row of a case; None if nothing of it waits for protection."""
    if case.protection_since is None:
        return None
    return WaitsForProtection(
        id=id, case_ref=case.case_ref, status=case.status, destination_country=case.destination_country,
        since=case.protection_since,
        alerts=[
            OpenAlert(alert_id=alert.alert_id, person_id=one.person_id, raised_at=alert.raised_at, causes=alert.causes)
            for one in case.screening
            for alert in one.alerts
        ],
        holds=[
            ProtectionHold(hold_id=hold.hold_id, placed_at=hold.placed_at)
            for hold in case.holds
            if hold.stands and hold.reason == "protection"
        ],
    )  # fmt: skip


def place(text: str) -> BoardPlace:
    """The place that is written so; the text has the form of `BoardPlaceText`."""
    since, _, id = text.partition("-")
    return BoardPlace(UUID(id), from_microseconds(since))


BoardPlaceText = Annotated[str, Field(pattern=f"^{MICROSECONDS}-{UUID_PATTERN}$")]
_FIRST: Final = BoardPlace(UUID(int=0), EPOCH)
