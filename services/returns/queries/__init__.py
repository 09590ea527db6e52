"""What returns' tables answer: the facts that a case's rules are handed, lists, what a receiving office may see."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel

from services.returns.domain.case_state import Case, CaseFacts, KnownPerson, Status, Travel
from services.returns.domain.gate import Condition
from services.returns.domain.window import PUBLIC_STATES, Notice, PublicState, statuses_of
from services.returns.tables import OPEN, REPORTED
from shared.contracts.access import StatusReason
from shared.contracts.counselling import AgeGroup, Country, Sex
from shared.contracts.returns import (
    ApplicationSubmitted,
    ArrivalNeed,
    CaseApproved,
    CaseClosed,
    CaseDeclaredIneligible,
    CaseLapsed,
    CaseNotDeparted,
    CaseOpened,
    CaseWithdrawn,
    FlightMissed,
    PersonWithdrew,
)
from shared.db import Sql, UnitOfWork
from shared.messages import Event
from shared.statistics import Figure, Period

# How long ago everything was known is measured by the database's own clock, whatever clock the domain runs on. A source
# counts as caught up only while it is not stopped and no event about this case or its persons waits as a dead letter.
_CASE_FACTS = Sql(
    "SELECT (SELECT coalesce(json_agg(p), '[]'::json) FROM "
    " (SELECT id, counselled_at, data_consent FROM persons WHERE id = ANY(cast(:person_ids AS uuid[]))) p) AS persons, "
    "(SELECT CASE WHEN count(c.caught_up_at) = cardinality(cast(:sources AS text[])) "
    " THEN clock_timestamp() - min(c.caught_up_at) END "
    " FROM cursor c WHERE c.source = ANY(cast(:sources AS text[])) AND c.stopped IS NULL "
    " AND NOT EXISTS (SELECT FROM dead_letter d WHERE d.source = c.source "
    "  AND (d.partitionkey = :case_id OR d.partitionkey = ANY(cast(:person_ids AS uuid[]))))) AS caught_up_ago"
)

_AFTER = "id > coalesce(cast(:after AS uuid), cast('00000000-0000-0000-0000-000000000000' AS uuid))"


def _in(values: Sequence[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_FILTERS = ("case_ref", "destination_country", "status", "counsellor_id", "open")

# How many go: whoever withdrew does not. A case that nobody travels with any more counts nobody.
_GOING = """jsonb_array_length(jsonb_path_query_array(persons, '$[*] ? (@.travel != "withdrawn")'))"""


# What is walked is a list of one and named in the order: were it a plain equality, the order by id could be had from the
# primary key as well, and for a rare status or a small country the whole table would be walked. A counsellor's own cases
# are few enough to be looked at one by one for a country; open ones have indexes that hold no others.
def _listing(filters: Sequence[str]) -> Sql:
    columns = [name for name in ("counsellor_id", "destination_country", "status") if name in filters]
    walked = "" if "case_ref" in filters else next(iter(columns), "")
    given = "".join(
        f"{name} = ANY (ARRAY[:{name}]) AND " if name == walked else f"{name} = :{name} AND "
        for name in filters
        if name != "open"
    )
    only_open = f"{OPEN} AND " if "open" in filters else ""
    order = f"{walked}, id" if walked else "id"
    return Sql(
        f"SELECT id, case_ref, status, destination_country, counsellor_id, {_GOING} AS persons, departs_at, expressed_at "
        f"FROM cases WHERE {given}{only_open}{_AFTER} ORDER BY {order} LIMIT :limit"
    )


# A statement for each combination of filters: one with optional filters would be planned without their indexes.
_LISTINGS: Final[Mapping[frozenset[str], Sql]] = {
    frozenset(filters): _listing(filters)
    for how_many in range(len(_FILTERS) + 1)
    for filters in combinations(_FILTERS, how_many)
    if not {"open", "status"} <= set(filters)
}


# Only who agreed as far as is known here: whoever is listed is asked about again before anything is told. Country by
# country, so that each walks its own index; an office has one or a few. With an offset a subquery is asked for each case
# at hand and cannot become a read of its whole table beforehand.
KNOWN_ABROAD = (
    "(c.approved_by IS NOT NULL OR EXISTS (SELECT FROM travels t WHERE t.case_id = c.id OFFSET 0)) "
    "AND NOT EXISTS (SELECT FROM jsonb_to_recordset(c.persons) AS p(person_id uuid, age_group text, travel text) "
    " LEFT JOIN persons k ON k.id = p.person_id "
    " WHERE (p.age_group = 'adult' OR p.person_id = c.principal_id) "
    f" AND (p.travel <> 'withdrawn' OR c.status IN ({_in(statuses_of('not_coming'))})) "
    " AND (k.transfer_consent AND k.transfer_country = c.destination_country) IS NOT TRUE) "
    f"AND (c.status NOT IN ({_in(statuses_of('not_coming'))}) OR EXISTS (SELECT FROM arrival_notices n "
    " WHERE n.case_id = c.id AND coalesce(n.not_coming_at > :not_coming_since, true) OFFSET 0))"
)


def _listing_abroad(filters: Sequence[str]) -> Sql:
    given = "".join(f"c.{_FILTERS_ABROAD[name]} AND " for name in filters)
    return Sql(
        "SELECT c.id FROM unnest(cast(:countries AS text[])) own(country) CROSS JOIN LATERAL (SELECT c.id FROM cases c "
        f" WHERE c.destination_country = ANY (ARRAY[own.country]) AND {given}{KNOWN_ABROAD} AND c.{_AFTER} "
        " ORDER BY c.destination_country, c.id LIMIT :limit) c ORDER BY c.id LIMIT :limit"
    )


_FILTERS_ABROAD: Final[Mapping[str, str]] = {
    "statuses": "status = ANY(cast(:statuses AS text[]))",
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

_ENDINGS: Final = (CaseDeclaredIneligible, CaseWithdrawn, CaseLapsed, CaseNotDeparted, CaseClosed)


def _is(*events: type[Event]) -> str:
    kinds = ", ".join(f"'{event.kind}'" for event in events)
    return f"type IN ({kinds})"


# Returns are counted by the day of departure, with the arrival confirmed, whenever that was; the rest by the time at
# which it was recorded. `recorded` walks an index that holds no other facts than these.
FIGURES = Sql(
    "WITH period AS (SELECT cast(:first AS date)::timestamp AT TIME ZONE cast(:zone AS text) AS begins, "
    " (cast(:last AS date) + 1)::timestamp AT TIME ZONE cast(:zone AS text) AS ends), "
    "departed AS (SELECT t.case_id, t.destination_country, t.sex, t.age_group, t.own_plan, "
    "  t.arrived_at IS NOT NULL AS arrived, p.counselled_at <= t.departed_at AS counselled "
    " FROM period JOIN travels t ON t.departed_at >= begins AND t.departed_at < ends "
    " LEFT JOIN persons p ON p.id = t.person_id), "
    "returned AS (SELECT count(*) AS returns, count(DISTINCT case_id) AS returned_cases, "
    "  count(DISTINCT destination_country) AS countries, count(*) FILTER (WHERE sex = 'female') AS female, "
    "  count(*) FILTER (WHERE sex = 'male') AS male, count(*) FILTER (WHERE age_group = 'child') AS children, "
    "  count(*) FILTER (WHERE counselled) AS counselled, count(*) FILTER (WHERE own_plan) AS own_plans "
    " FROM departed WHERE arrived), "
    "by_country AS (SELECT coalesce(json_object_agg(destination_country, returns), '{}'::json) AS by_country FROM "
    " (SELECT destination_country, count(*) AS returns FROM departed WHERE arrived GROUP BY destination_country) c), "
    "recorded AS (SELECT type, subject, cast(leaf ->> 'time' AS timestamptz) AS at, "
    "  jsonb_array_length(leaf -> 'data' -> 'person_ids') AS persons FROM "
    f" (SELECT type, subject, cast(convert_from(leaf, 'UTF8') AS jsonb) AS leaf FROM event_log WHERE {_is(*REPORTED)}) l), "
    f"noted AS (SELECT count(*) FILTER (WHERE {_is(ApplicationSubmitted)}) AS applications, "
    f"  count(*) FILTER (WHERE {_is(CaseApproved)}) AS approvals, "
    f"  count(*) FILTER (WHERE {_is(CaseWithdrawn)}) AS withdrawn_cases, "
    f"  count(*) FILTER (WHERE {_is(PersonWithdrew)}) "
    f"   + coalesce(sum(persons) FILTER (WHERE {_is(CaseWithdrawn)}), 0) AS withdrawn_persons, "
    f"  count(*) FILTER (WHERE {_is(CaseDeclaredIneligible)}) AS ineligible_cases, "
    f"  coalesce(sum(persons) FILTER (WHERE {_is(CaseDeclaredIneligible)}), 0) AS ineligible_persons, "
    f"  count(*) FILTER (WHERE {_is(CaseLapsed)}) AS lapsed_cases, "
    f"  coalesce(sum(persons) FILTER (WHERE {_is(CaseLapsed)}), 0) AS lapsed_persons, "
    f"  count(DISTINCT subject) FILTER (WHERE {_is(FlightMissed)}) AS missed_flights "
    " FROM recorded, period WHERE at >= begins AND at < ends), "
    f"standing AS (SELECT count(*) FILTER (WHERE {_is(CaseOpened)}) "
    f" - count(*) FILTER (WHERE {_is(*_ENDINGS)}) AS open_cases FROM recorded, period WHERE at < ends) "
    "SELECT (SELECT count(*) FROM departed) AS departures, returned.*, by_country, noted.*, open_cases "
    "FROM returned, by_country, noted, standing"
)


class CaseRow(BaseModel):
    """One case in a list; ``persons`` is how many go."""

    id: UUID
    case_ref: str
    status: Status
    destination_country: Country
    counsellor_id: str
    persons: int
    departs_at: datetime | None
    expressed_at: datetime


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
    """What a receiving office needs of a case to expect and meet its persons; nothing of screening or declarations."""

    case_ref: str
    status: PublicState
    destination_country: Country
    persons: tuple[Traveller, ...]
    departs_at: datetime | None
    arrives_at: datetime | None
    flight: str | None
    needs: tuple[ArrivalNeed, ...]


class DepartureGate(BaseModel):
    """The departure checklist of a case, in the order in which a refusal names what is missing.

    ``boarding`` says whether it holds each adult's last confirmation, which can be given once the rest is complete.
    It has no lines once nobody of the case waits for departure.
    """

    case_id: UUID
    status: Status
    boarding: bool
    open: bool
    conditions: tuple[Condition, ...]


async def case_facts(
    unit: UnitOfWork, case_id: UUID, person_ids: Sequence[UUID], sources: Sequence[str], now: datetime
) -> CaseFacts:
    """What the persons' records say, and since when, seen from ``now``, everything from these sources is known."""
    row = await unit.row(_CASE_FACTS, case_id=case_id, person_ids=list(person_ids), sources=list(sources))
    assert row is not None
    persons = tuple(
        KnownPerson(
            person_id=UUID(found["id"]),
            counselled_at=datetime.fromisoformat(found["counselled_at"]) if found["counselled_at"] else None,
            data_consent=found["data_consent"],
        )
        for found in json.loads(row["persons"])
    )
    ago = row["caught_up_ago"]
    return CaseFacts(persons, None if ago is None else now - ago)


def cases(filters: Collection[str]) -> Sql:
    """The list of cases under some of ``case_ref``, ``status``, ``destination_country``, ``counsellor_id``, ``open``.

    ``open`` takes no value, and does not go with ``status``, which says as much by itself.
    """
    return _LISTINGS[frozenset(filters)]


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
    status = PUBLIC_STATES[case.status]
    if status == "not_coming":
        return CaseForReceivingOffice(
            case_ref=case.case_ref, status=status, destination_country=case.destination_country, persons=(),
            departs_at=None, arrives_at=None, flight=None, needs=(),
        )
    return CaseForReceivingOffice(
        case_ref=case.case_ref,
        status=status,
        destination_country=case.destination_country,
        persons=tuple(
            Traveller(
                person_id=person.person_id, sex=person.sex, age_group=person.age_group, travel=person.travel,
                departed_at=person.departed_at, arrived_at=person.arrived_at,
            )
            for person in case.persons
            if person.travel != "withdrawn"
        ),
        departs_at=case.departs_at,
        arrives_at=case.arrives_at,
        flight=case.flight,
        needs=case.needs,
    )


def row_for_receiving_office(id: UUID, case: Case) -> CaseRowForReceivingOffice:
    """The same case in a list: no more than `for_receiving_office` tells, persons as their number."""
    seen = for_receiving_office(case)
    return CaseRowForReceivingOffice(
        id=id, case_ref=seen.case_ref, status=seen.status, destination_country=seen.destination_country,
        persons=None if seen.status == "not_coming" else len(seen.persons), departs_at=seen.departs_at,
    )


async def figures(unit: UnitOfWork, period: Period) -> list[Figure]:
    """Returns' part of the report. A return is a person who departed in the period and whose arrival was confirmed.

    Child is who was one when the intention was recorded, counselled who was heard individually before departure.
    ``missed_flights`` counts cases that missed at least one. Persons and cases of an ending are named apart.
    """
    row = await unit.row(FIGURES, first=period.first, last=period.last, zone=period.zone)
    assert row is not None
    returns: int = row["returns"]
    by_country: dict[str, int] = json.loads(row["by_country"])
    return [
        Figure(key="returns", unit="persons", value=returns, of=row["departures"]),
        Figure(key="returned_cases", unit="cases", value=row["returned_cases"]),
        Figure(key="countries", unit="countries", value=row["countries"]),
        *(
            Figure(key=key, unit="persons", value=row[key], of=returns)
            for key in ("female", "male", "children", "counselled", "own_plans")
        ),
        *(
            Figure(key=f"returns_{country}", unit="persons", value=value, of=returns)
            for country, value in sorted(by_country.items())
        ),
        Figure(key="departures", unit="persons", value=row["departures"]),
        *(
            Figure(key=key, unit="persons", value=row[key])
            for key in ("withdrawn_persons", "ineligible_persons", "lapsed_persons")
        ),
        *(
            Figure(key=key, unit="cases", value=row[key])
            for key in (
                "applications", "approvals", "withdrawn_cases", "ineligible_cases", "lapsed_cases", "missed_flights",
                "open_cases",
            )
        ),
    ]
