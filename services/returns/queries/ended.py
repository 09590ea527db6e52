"""Which cases of somebody have ended when, for whoever keeps count of how long they are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel

from services.returns.domain.case_state import TERMINAL, Status
from shared.contracts.families import CaseSplitOff, FamilyJoined
from shared.contracts.returns import (
    CaseClosed,
    CaseDeclaredIneligible,
    CaseLapsed,
    CaseNotDeparted,
    CaseOpened,
    CaseWithdrawn,
    PersonWithdrew,
)
from shared.db import Sql, UnitOfWork

_BEGINNINGS: Final = (CaseOpened, CaseSplitOff, FamilyJoined)
_ENDINGS: Final = (CaseClosed, CaseDeclaredIneligible, CaseLapsed, CaseNotDeparted, CaseWithdrawn)
_KINDS: Final = ", ".join(f"'{event.kind}'" for event in _ENDINGS)
_OPENING: Final = ", ".join(f"'{event.kind}'" for event in _BEGINNINGS)

# A case is found by the event with which it began for somebody, which names them; an array's elements are in no index here.
# Of whoever goes on in another case only that one is theirs.
_CASES = Sql(
    "SELECT asked.id AS person_id, c.id AS case_id, c.status, "
    "EXISTS (SELECT FROM jsonb_array_elements(c.persons) one "
    " WHERE one ->> 'person_id' = cast(asked.id AS text) AND one ->> 'travel' = 'withdrawn') AS withdrew, "
    "(SELECT max(e.time) FROM event_log e WHERE e.subject = c.id AND (e.type IN (" + _KINDS + ") "
    f" OR (e.type = '{PersonWithdrew.kind}' AND EXISTS (SELECT FROM log_mentions m WHERE m.about = asked.id AND m.idx = e.idx)))"
    ") AS ended_at "
    "FROM unnest(cast(:person_ids AS uuid[])) asked(id) CROSS JOIN LATERAL ("
    " SELECT DISTINCT e.subject FROM log_mentions m JOIN event_log e ON e.idx = m.idx "
    f" WHERE m.about = asked.id AND e.type IN ({_OPENING})) opened "
    "JOIN cases c ON c.id = opened.subject AND EXISTS (SELECT FROM jsonb_array_elements(c.persons) one "
    " WHERE one ->> 'person_id' = cast(asked.id AS text) AND (c.status <> 'joined' OR one ->> 'travel' = 'withdrawn')) "
    "ORDER BY asked.id, c.id"
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
        EndedCase(
            person_id=row["person_id"], case_id=row["case_id"], ending=(ending := _ending(row["status"], withdrew=row["withdrew"])),
            ended_at=None if ending == "open" else row["ended_at"],
        )
        for row in await unit.rows(_CASES, person_ids=list(person_ids))
    ]


def _ending(status: Status, *, withdrew: bool) -> Ending:
    if withdrew:
        return "without_return"
    if status not in TERMINAL:
        return "open"
    return "returned" if status == "closed" else "without_return"
