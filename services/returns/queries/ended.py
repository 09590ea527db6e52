"""Which cases of somebody have ended when, for whoever keeps count of how long they are kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel

from services.returns.domain.case_state import TERMINAL, Status, Travel
from shared.contracts.families import CaseSplitOff, FamilyJoined
from shared.contracts.returns import (
    CaseClosed,
    CaseDeclaredIneligible,
    CaseLapsed,
    CaseNotDeparted,
    CaseOpened,
    CaseWithdrawn,
    PersonDeparted,
    PersonWithdrew,
)
from shared.db import Sql, UnitOfWork

_BEGINNINGS: Final = (CaseOpened, CaseSplitOff, FamilyJoined)
_ENDINGS: Final = (CaseClosed, CaseDeclaredIneligible, CaseLapsed, CaseNotDeparted, CaseWithdrawn)
_KINDS: Final = ", ".join(f"'{event.kind}'" for event in _ENDINGS)
_OPENING: Final = ", ".join(f"'{event.kind}'" for event in _BEGINNINGS)

# A case is found by the event with which it began for somebody, which names them; an array's elements are in no index here.
# Of whoever goes on in another case only that one is theirs. Whoever withdrew alone has ended then, whatever becomes of the others,
# and whoever withdrew and left all the same is counted where that was recorded, though the others joined another case.
_CASES = Sql(
    "SELECT asked.id AS person_id, c.id AS case_id, c.status, theirs.one ->> 'travel' AS travel, "
    "cast(theirs.one ->> 'arrived_at' AS timestamptz) AS arrived_at, "
    "(SELECT max(e.time) FROM log_mentions m JOIN event_log e ON e.idx = m.idx "
    f" WHERE m.about = asked.id AND e.subject = c.id AND e.type = '{PersonWithdrew.kind}') AS withdrew_at, "
    "(SELECT max(e.time) FROM log_mentions m JOIN event_log e ON e.idx = m.idx "
    f" WHERE m.about = asked.id AND e.subject = c.id AND e.type = '{PersonDeparted.kind}') AS left_at, "
    f"(SELECT max(e.time) FROM event_log e WHERE e.subject = c.id AND e.type IN ({_KINDS})) AS ended_at "
    "FROM unnest(cast(:person_ids AS uuid[])) asked(id) CROSS JOIN LATERAL ("
    " SELECT DISTINCT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx "
    f" WHERE m.about = asked.id AND e.type IN ({_OPENING})) opened "
    "JOIN cases c ON c.id = opened.subject CROSS JOIN LATERAL jsonb_array_elements(c.persons) theirs(one) "
    "WHERE theirs.one ->> 'person_id' = cast(asked.id AS text) "
    "AND (c.status <> 'joined' OR theirs.one ->> 'travel' <> 'expected') ORDER BY asked.id, c.id"
)
Ending = Literal["open", "without_return", "returned"]


class EndedCase(BaseModel):
    """One case of one person: whether it goes on, and otherwise how it ended for them and when."""

    person_id: UUID
    case_id: UUID
    ending: Ending
    ended_at: datetime | None


async def cases_of(unit: UnitOfWork, person_ids: Sequence[UUID]) -> list[EndedCase]:
    """Every case of each of these persons; the transaction has to be one that may read the log."""
    return [
        EndedCase(person_id=row["person_id"], case_id=row["case_id"], ending=ending, ended_at=ended_at)
        for row in await unit.rows(_CASES, person_ids=list(person_ids))
        for ending, ended_at in (_ended(dict(row)),)
    ]


def _ended(row: Mapping[str, Any]) -> tuple[Ending, datetime | None]:
    status: Status = row["status"]
    travel: Travel = row["travel"]
    ended_at: datetime | None = row["ended_at"]
    arrived_at: datetime | None = row["arrived_at"]
    if travel == "withdrawn":
        return "without_return", row["withdrew_at"] or ended_at
    if status not in TERMINAL:
        return "open", None
    if status == "closed" and not (travel == "departed" and _left_since(row["left_at"], ended_at)):
        # It is closed without waiting for whoever is not met, and counts as any other.
        return "returned", _later(ended_at, arrived_at)
    # Whoever left although it had ended is waited for, and returned once they arrived.
    if travel == "departed":
        return "open", None
    return ("returned", _later(ended_at, arrived_at)) if travel == "arrived" else ("without_return", ended_at)


def _left_since(left_at: datetime | None, ended_at: datetime | None) -> bool:
    return left_at is not None and ended_at is not None and left_at > ended_at


def _later(ended_at: datetime | None, arrived_at: datetime | None) -> datetime | None:
    # A case that was joined with another has not ended for whoever goes on, so that it has no ending for whoever left.
    return max((at for at in (ended_at, arrived_at) if at is not None), default=None)
