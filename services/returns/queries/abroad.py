"""What a receiving office may see of cases, and which cases those are."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel

from services.returns.domain.case_state import Case, Travel
from services.returns.domain.window import (
    PUBLIC_STATES,
    Notice,
    PublicState,
    coming,
    state_abroad,
    statuses_of,
)
from services.returns.queries import AFTER, listed_in
from services.returns.tables import STRETCH
from shared.contracts.access import StatusReason
from shared.contracts.counselling import AgeGroup, Country, Sex
from shared.contracts.returns import ArrivalNeed
from shared.db import Sql, UnitOfWork

# Only who agreed as far as is known here: whoever is listed is asked about again before anything is told. Country by
# country, so that each walks its own index; an office has one or a few. With an offset a subquery is asked for each case
# at hand and cannot become a read of its whole table beforehand.
_NOBODY_COMES = f"c.status IN ({listed_in(statuses_of('not_coming'))})"
_SOMEBODY_GONE = "EXISTS (SELECT FROM travels t WHERE t.case_id = c.id OFFSET 0)"
_ASKED_ABOUT = f"(p.travel <> 'withdrawn' OR ({_NOBODY_COMES} AND NOT {_SOMEBODY_GONE}))"
KNOWN_ABROAD = (
    f"(c.approved_by IS NOT NULL OR {_SOMEBODY_GONE}) "
    "AND NOT EXISTS (SELECT FROM jsonb_to_recordset(c.persons) AS p(person_id uuid, age_group text, travel text) "
    " LEFT JOIN persons k ON k.id = p.person_id "
    " WHERE (p.age_group = 'adult' OR p.person_id = c.principal_id OR NOT EXISTS "
    "  (SELECT FROM jsonb_to_recordset(c.persons) AS a(age_group text, travel text) WHERE a.age_group = 'adult' "
    f"  AND {_ASKED_ABOUT.replace('p.travel', 'a.travel')})) "
    f" AND {_ASKED_ABOUT} "
    " AND (k.transfer_consent AND k.transfer_country = c.destination_country "
    "  AND coalesce(k.transfer_expires_on >= cast(:today AS date), true)) IS NOT TRUE) "
    f"AND ({_NOBODY_COMES} IS NOT TRUE OR EXISTS (SELECT FROM arrival_notices n "
    " WHERE n.case_id = c.id AND coalesce(n.not_coming_at > :not_coming_since, true) OFFSET 0) "
    f" OR {_SOMEBODY_GONE})"
)


def _listing_abroad(filters: Sequence[str]) -> Sql:
    given = "".join(f"{_FILTERS_ABROAD[name]} AND " for name in filters)
    return Sql(
        "SELECT c.id FROM unnest(cast(:countries AS text[])) own(country) CROSS JOIN LATERAL (SELECT c.id FROM cases c "
        f" WHERE c.destination_country = ANY (ARRAY[own.country]) AND {given}{KNOWN_ABROAD} AND c.{AFTER} "
        " ORDER BY c.destination_country, c.id LIMIT :limit) c ORDER BY c.id LIMIT :limit"
    )


_FILTERS_ABROAD: Final[Mapping[str, str]] = {
    # Of a case that had ended before somebody left, as far as they are (`state_abroad`).
    "statuses": f"CASE WHEN {_NOBODY_COMES} AND {_SOMEBODY_GONE} THEN CASE WHEN EXISTS "
    "(SELECT FROM travels t WHERE t.case_id = c.id AND t.arrived_at IS NULL OFFSET 0) THEN 'departed' ELSE 'arrived' END "
    f"ELSE {STRETCH} END = ANY(cast(:statuses AS text[]))",
}
_LISTINGS_ABROAD: Final[Mapping[frozenset[str], Sql]] = {
    frozenset(filters): _listing_abroad(filters)
    for how_many in range(len(_FILTERS_ABROAD) + 1)
    for filters in combinations(_FILTERS_ABROAD, how_many)
}
_LOOKED_UP = Sql("SELECT reason, case_id FROM status_lookup(:case_ref)")
_NOTICES = Sql(
    "SELECT case_id, told_at, not_coming_at FROM arrival_notices WHERE case_id = ANY(cast(:case_ids AS uuid[]))"
)


class CaseRowForReceivingOffice(BaseModel):
    """One case in a receiving office's list; who comes and when is told as far as the case itself tells it."""

    id: UUID
    case_ref: str
    status: PublicState
    destination_country: Country
    persons: int | None
    departs_at: datetime | None


class CaseStatus(BaseModel):
    """Where a case stands, as coarsely as it may be told outside the mission."""

    case_ref: str
    status: PublicState
    destination_country: Country


class Traveller(BaseModel):
    """One person whom a receiving office expects or has received."""

    person_id: UUID
    sex: Sex
    age_group: AgeGroup
    travel: Travel
    departed_at: datetime | None
    arrived_at: datetime | None


class CaseForReceivingOffice(BaseModel):
    """What a receiving office needs of a case to expect and meet its persons; nothing of screening or declarations.

    ``departure_asked_at`` is since when it waits to hear whether those under way departed at all,
    ``departure_confirmed_at`` when the mission last answered that they did; both stand while somebody is under way.
    """

    case_ref: str
    status: PublicState
    destination_country: Country
    persons: tuple[Traveller, ...]
    departs_at: datetime | None
    arrives_at: datetime | None
    flight: str | None
    needs: tuple[ArrivalNeed, ...]
    departure_asked_at: datetime | None
    departure_confirmed_at: datetime | None


def cases_abroad(filters: Collection[str]) -> Sql:
    """The ids of the cases that an office may list, in its countries, under these filters: ``statuses`` or none."""
    return _LISTINGS_ABROAD[frozenset(filters)]


async def looked_up(unit: UnitOfWork, case_ref: str) -> tuple[StatusReason | Literal["visible"], UUID | None]:
    """Whether an office's reader may see the case of a reference, or the true reason why not; past row security."""
    row = await unit.row(_LOOKED_UP, case_ref=case_ref)
    assert row is not None
    return row["reason"], row["case_id"]


async def notices(unit: UnitOfWork, case_ids: Collection[UUID]) -> dict[UUID, Notice]:
    """What offices were told of the arrivals of these cases."""
    rows = await unit.rows(_NOTICES, case_ids=list(case_ids))
    return {row["case_id"]: Notice(row["told_at"], row["not_coming_at"]) for row in rows}


def for_receiving_office(case: Case) -> CaseForReceivingOffice:
    """A case as its receiving office sees it; whoever withdrew is not their concern.

    Of a case that has ended before anybody arrived there is nothing to see but that: who would have come, and when,
    would tell how it ended.
    """
    status = state_abroad(case)
    if status == "not_coming":
        return CaseForReceivingOffice(
            case_ref=case.case_ref, status=status, destination_country=case.destination_country, persons=(),
            departs_at=None, arrives_at=None, flight=None, needs=(), departure_asked_at=None, departure_confirmed_at=None,
        )
    # Whoever left after the case had ended hardly took the seat that was booked before.
    booked = PUBLIC_STATES[case.stretch] != "not_coming"
    return CaseForReceivingOffice(
        case_ref=case.case_ref,
        status=status,
        destination_country=case.destination_country,
        persons=tuple(
            Traveller(
                person_id=person.person_id, sex=person.sex, age_group=person.age_group, travel=person.travel,
                departed_at=person.departed_at, arrived_at=person.arrived_at,
            )
            for person in coming(case)
        ),
        departs_at=case.departs_at if booked else None,
        arrives_at=case.arrives_at if booked else None,
        flight=case.flight if booked else None,
        needs=case.needs if booked else (),
        departure_asked_at=case.departure_asked_at,
        departure_confirmed_at=case.departure_confirmed_at,
    )


def row_for_receiving_office(id: UUID, case: Case) -> CaseRowForReceivingOffice:
    """The same case in a list: no more than `for_receiving_office` tells, persons as their number."""
    seen = for_receiving_office(case)
    return CaseRowForReceivingOffice(
        id=id, case_ref=seen.case_ref, status=seen.status, destination_country=seen.destination_country,
        persons=None if seen.status == "not_coming" else len(seen.persons), departs_at=seen.departs_at,
    )
