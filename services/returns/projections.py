"""What else changes: with a case who of it travelled, with what an office was told whether it waits for somebody."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from uuid import UUID

from services.returns.domain.case_state import Case
from services.returns.domain.window import ARRIVAL_AHEAD
from shared.access import Access
from shared.contracts.access import StatusAsked
from shared.db import Sql, Write
from shared.messages import Event

_NOTE = Sql(
    "INSERT INTO travels (case_id, person_id, destination_country, sex, age_group, departed_at, arrived_at, own_plan) "
    "SELECT cast(:case_id AS uuid), t.person_id, cast(:country AS text), t.sex, t.age_group, t.departed_at, "
    "t.arrived_at, t.own_plan FROM unnest(cast(:person_ids AS uuid[]), cast(:sexes AS text[]), "
    "cast(:age_groups AS text[]), cast(:departed AS timestamptz[]), cast(:arrived AS timestamptz[]), "
    "cast(:own_plans AS boolean[])) AS t(person_id, sex, age_group, departed_at, arrived_at, own_plan) "
    "ON CONFLICT (case_id, person_id) DO UPDATE SET age_group = excluded.age_group, departed_at = excluded.departed_at, "
    "arrived_at = excluded.arrived_at, own_plan = excluded.own_plan"
)
_FORGET = Sql("DELETE FROM travels WHERE case_id = :case_id AND person_id = ANY(cast(:person_ids AS uuid[]))")


_TELL = Sql(
    "INSERT INTO arrival_notices (case_id, country, told_at) SELECT n.case_id, n.country, cast(:at AS timestamptz) "
    "FROM unnest(cast(:case_ids AS uuid[]), cast(:countries AS text[])) AS n(case_id, country) "
    # Also where nothing is changed the row is under lock to the end, so that rows and log say the same came last.
    "ORDER BY n.case_id ON CONFLICT (case_id) DO UPDATE SET not_coming_at = NULL WHERE arrival_notices.not_coming_at IS NOT NULL"
)
_TELL_NOT_COMING = Sql(
    "UPDATE arrival_notices SET not_coming_at = coalesce(not_coming_at, :at) WHERE case_id = ANY(cast(:case_ids AS uuid[]))"
)


@dataclass(frozen=True, slots=True)
class _Travel:
    person_id: UUID
    sex: str
    age_group: str
    departed_at: datetime
    arrived_at: datetime | None
    own_plan: bool


def travels(
    case_id: UUID, before: Case | None, after: Case, events: tuple[Event, ...]
) -> Sequence[Write]:
    """A row for each person who left; it goes again if it turns out that nobody left after all."""
    del events
    known = _gone(before) if before is not None else {}
    now = _gone(after)
    noted = [travel for person_id, travel in now.items() if known.get(person_id) != travel]
    forgotten = [person_id for person_id in known if person_id not in now]
    writes: list[Write] = []
    if noted:
        columns = [list(column) for column in zip(*map(astuple, noted), strict=True)]
        names = ("person_ids", "sexes", "age_groups", "departed", "arrived", "own_plans")
        values = dict(zip(names, columns, strict=True))
        values_of_case = {"case_id": case_id, "country": after.destination_country}
        writes.append(Write(_NOTE, {**values_of_case, **values}, len(noted)))
    if forgotten:
        writes.append(Write(_FORGET, {"case_id": case_id, "person_ids": forgotten}, len(forgotten)))
    return writes


def arrival_notices(
    access_id: UUID, before: Access | None, after: Access, events: tuple[Event, ...]
) -> Sequence[Write]:
    """An office that was told of an arrival is owed a notice if nobody comes, and one anew whenever it was told anew."""
    del access_id, before, after
    writes: list[Write] = []
    for event in events:
        if not isinstance(event, StatusAsked):
            continue
        ahead = [told for told in event.told if told.status in ARRIVAL_AHEAD]
        if ahead:
            values = {"case_ids": [told.case_id for told in ahead], "countries": [told.country for told in ahead]}
            writes.append(Write(_TELL, {**values, "at": event.asked_at}, None))
        not_coming = [told.case_id for told in event.told if told.status == "not_coming"]
        if not_coming:
            writes.append(Write(_TELL_NOT_COMING, {"case_ids": not_coming, "at": event.asked_at}, None))
    return writes


def _gone(case: Case) -> dict[UUID, _Travel]:
    return {
        person.person_id: _Travel(
            person.person_id, person.sex, person.age_group, person.departed_at, person.arrived_at,
            person.own_plan_id is not None,
        )
        for person in case.persons
        if person.departed_at is not None
    }
