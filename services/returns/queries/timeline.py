"""What happened to one case, as its staff read it: of each fact what it was, when and by whom, and nothing else of it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from services.returns.domain.case_timeline import shown_to
from services.returns.domain.screening_lines import is_shown_screening_of
from shared.actors import Actor, Role
from shared.db import Sql, UnitOfWork

# A case has some dozens of facts; of one that has more the latest matter.
MOST_ENTRIES: Final = 500

# The case is part of the question, so that row security decides on its facts as well: whoever does not see it finds none.
_FACTS = Sql(
    "SELECT e.leaf, c.counsellor_id FROM cases c JOIN event_log e ON e.subject = c.id WHERE c.id = :case_id "
    f"ORDER BY e.aggver DESC LIMIT {MOST_ENTRIES}"
)


class TimelineEntry(BaseModel):
    """One fact of a case: ``time`` is when it was recorded, ``happened`` when it took place, if that was stated.

    ``person_id`` is whom it concerns if that is one person; ``by_system`` is a fact that followed from another service's.
    Where its reader is not told who it was, ``actorrole`` and ``actorid`` are None.
    """

    type: str
    time: datetime
    happened: datetime | None
    person_id: UUID | None
    actorrole: str | None
    actorid: str | None
    by_system: bool


class Timeline(BaseModel):
    """What happened to a case, oldest first; of more than 500 facts the latest."""

    items: list[TimelineEntry]


async def timeline(unit: UnitOfWork, case_id: UUID, reader: Actor) -> Timeline | None:
    """The facts of a case that its reader may see; None if no case is within reach. The unit must read the log."""
    rows = await unit.rows(_FACTS, case_id=case_id)
    if not rows:
        return None
    screening = is_shown_screening_of(rows[0]["counsellor_id"], reader)
    leaves = (json.loads(row["leaf"]) for row in reversed(rows))
    entries = [entry for leaf in leaves if (entry := _entry(leaf, reader, screening=screening)) is not None]
    return Timeline(items=entries)


def _entry(leaf: Mapping[str, Any], reader: Actor, *, screening: bool) -> TimelineEntry | None:
    shown = shown_to(reader.roles, leaf["type"], screening=screening)
    if shown is None:
        return None
    data = leaf["data"]
    told = leaf["actorid"] == reader.person_id or not shown.actor_to.isdisjoint(reader.roles)
    return TimelineEntry(
        type=leaf["type"], time=leaf["time"], happened=data.get(shown.happened) if shown.happened else None,
        person_id=data.get("person_id"), actorrole=leaf["actorrole"] if told else None,
        actorid=leaf["actorid"] if told else None,
        by_system=Role.SERVICE in leaf["actorrole"].split(","),
    )
