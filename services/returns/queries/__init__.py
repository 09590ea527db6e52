"""What returns' tables answer: the facts that a case's rules are handed, lists, figures."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from itertools import combinations
from typing import Final
from uuid import UUID

from pydantic import BaseModel

from services.returns.domain.case_state import CaseFacts, KnownPerson, Status
from services.returns.domain.gate import Condition
from services.returns.queries.durations import durations
from services.returns.queries.standing import standing
from services.returns.queries.support import support_figures
from services.returns.tables import DEPARTURE_ASKED, OPEN, OVERDUE, READY, REPORTED, STRETCH
from shared.contracts.counselling import Country
from shared.contracts.families import CaseJoined, CaseSplitOff
from shared.contracts.returns import (
    ApplicationSubmitted,
    CaseApproved,
    CaseClosed,
    CaseDeclaredIneligible,
    CaseLapsed,
    CaseNotDeparted,
    CaseOpened,
    CaseReopened,
    CaseWithdrawn,
    FlightMissed,
    PersonWithdrew,
)
from shared.db import Sql, UnitOfWork
from shared.messages import Event
from shared.statistics import Figure, Period

# A consent stands to the end of its last day, which is told in the mission's time zone.
_TODAY = "cast(cast(:now AS timestamptz) AT TIME ZONE cast(:zone AS text) AS date)"
# How long ago everything was known is measured by the database's own clock, whatever clock the domain runs on. A source
# counts as caught up only while it is not stopped and no event that names the case, its persons or who stands up for them
# waits as a dead letter, whatever its key is.
_CASE_FACTS = Sql(
    "SELECT (SELECT coalesce(json_agg(p), '[]'::json) FROM "
    " (SELECT id, erased_at IS NOT NULL AS erased, counselled_at, heard_alone_in <> '{}' AS heard_alone, data_expires_on, "
    f" data_consent AND coalesce(data_expires_on >= {_TODAY}, true) AS data_consent "
    " FROM persons WHERE id = ANY(cast(:person_ids AS uuid[]))) p) AS persons, "
    "(SELECT CASE WHEN count(c.caught_up_at) = cardinality(cast(:sources AS text[])) "
    " THEN clock_timestamp() - min(c.caught_up_at) END "
    " FROM cursor c WHERE c.source = ANY(cast(:sources AS text[])) AND c.stopped IS NULL "
    " AND NOT letter_about(c.source, cast(:about AS uuid[]))) AS caught_up_ago"
)

# Open cases are few; which persons they hold is in no index.
_AGAINST_REOPENING = Sql(
    "SELECT EXISTS (SELECT FROM persons WHERE id = ANY(cast(:person_ids AS uuid[])) AND erased_at IS NOT NULL) AS erased, "
    f"EXISTS (SELECT FROM cases c CROSS JOIN LATERAL jsonb_to_recordset(c.persons) AS p(person_id uuid, travel text) "
    f" WHERE c.id <> :case_id AND c.{OPEN} AND p.travel <> 'withdrawn' "
    " AND p.person_id = ANY(cast(:person_ids AS uuid[])) "
    " AND coalesce(c.expressed_at <= cast(:begun_by AS timestamptz), true)) AS elsewhere"
)

# What is over by time, or rests on a consent or a session alone that stands no longer; who deals with them looks at each again.
# Who may be a child after all is said by screening, which is sealed. A case is ready only with a declaration for each who travels:
# whoever counts as an adult has signed it in person, and for whoever may be a child somebody else has.
DUE_CLEARANCES: Final = Sql(
    f"SELECT c.id FROM cases c WHERE c.{READY} AND c.id > :after AND (c.holds_until <= :now OR EXISTS "
    "(SELECT FROM jsonb_to_recordset(c.persons) AS p(person_id uuid, age_group text, travel text) "
    " LEFT JOIN persons k ON k.id = p.person_id "
    " WHERE p.travel = 'expected' AND (p.age_group = 'adult' AND (k.heard_alone_in <> '{}') IS NOT TRUE "
    " OR (p.age_group = 'adult' OR p.person_id = c.principal_id OR NOT jsonb_path_exists("
    """  c.persons, '$[*] ? (@.travel == "expected" && @.age_group == "adult" && @.declared_by == @.person_id)')) """
    f" AND (k.data_consent AND coalesce(k.data_expires_on >= {_TODAY}, true)) IS NOT TRUE))) ORDER BY c.id LIMIT :limit"
)
DUE_ARRIVALS: Final = Sql("SELECT id FROM cases WHERE arrival_due_at <= :now AND id > :after ORDER BY id LIMIT :limit")

AFTER: Final = "id > coalesce(cast(:after AS uuid), cast('00000000-0000-0000-0000-000000000000' AS uuid))"


def listed_in(values: Sequence[str]) -> str:
    """Codes as a statement lists them."""
    return ", ".join(f"'{value}'" for value in values)


_FILTERS = ("case_ref", "destination_country", "status", "counsellor_id", "open", "overdue", "departure_asked")
# What is itself a condition and takes no value.
_CONDITIONS: Final = {"open": OPEN, "overdue": OVERDUE, "departure_asked": DEPARTURE_ASKED}
# Lists of their own, that go with no other filter.
_ALONE: Final = frozenset({"overdue", "departure_asked"})

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
        if name not in _CONDITIONS
    )
    only = "".join(f"{condition} AND " for name, condition in _CONDITIONS.items() if name in filters)
    order = f"{walked}, id" if walked else "id"
    return Sql(
        "SELECT id, case_ref, status, destination_country, counsellor_id, principal_id, "
        f"{_GOING} AS persons, departs_at, expressed_at "
        f"FROM cases WHERE {given}{only}{AFTER} ORDER BY {order} LIMIT :limit"
    )


# A statement for each combination of filters: one with optional filters would be planned without their indexes.
_LISTINGS: Final[Mapping[frozenset[str], Sql]] = {
    frozenset(filters): _listing(filters)
    for how_many in range(len(_FILTERS) + 1)
    for filters in combinations(_FILTERS, how_many)
    if not {"open", "status"} <= set(filters) and (_ALONE.isdisjoint(filters) or len(filters) == 1)
}


ENDINGS: Final = (CaseDeclaredIneligible, CaseWithdrawn, CaseLapsed, CaseNotDeparted, CaseClosed, CaseJoined)


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
    # Whatever has become of them since the period.
    f"begun AS (SELECT {STRETCH} AS stretch, count(*) AS cases FROM recorded r JOIN period ON at >= begins AND at < ends "
    f" JOIN cases c ON c.id = r.subject WHERE {_is(CaseOpened, CaseSplitOff)} GROUP BY stretch), "
    "by_stretch AS (SELECT cast(coalesce(sum(cases), 0) AS bigint) AS begun_cases, "
    "  coalesce(json_object_agg(stretch, cases), '{}'::json) AS by_stretch FROM begun), "
    f"standing AS (SELECT count(*) FILTER (WHERE {_is(CaseOpened, CaseSplitOff)}) "
    f" + count(*) FILTER (WHERE {_is(CaseReopened)}) "
    f" - count(*) FILTER (WHERE {_is(*ENDINGS)}) AS open_cases FROM recorded, period WHERE at < ends) "
    "SELECT (SELECT count(*) FROM departed) AS departures, returned.*, by_country, noted.*, by_stretch.*, open_cases "
    "FROM returned, by_country, noted, by_stretch, standing"
)


class CaseRow(BaseModel):
    """One case in a list; ``persons`` is how many go."""

    id: UUID
    case_ref: str
    status: Status
    destination_country: Country
    counsellor_id: str
    principal_id: UUID
    persons: int
    departs_at: datetime | None
    expressed_at: datetime


class DepartureGate(BaseModel):
    """The departure checklist of a case, in the order in which a refusal names what is missing.

    ``boarding`` says whether it holds the last confirmations, which can be given once the rest is complete.
    It has no lines once nobody of the case waits for departure.
    """

    case_id: UUID
    status: Status
    boarding: bool
    open: bool
    conditions: tuple[Condition, ...]


async def case_facts(
    unit: UnitOfWork, person_ids: Sequence[UUID], about: Sequence[UUID], sources: Sequence[str], now: datetime, zone: str
) -> CaseFacts:
    """What the persons' records say, and since when, seen from ``now``, everything from these sources is known ``about`` ids.

    A consent whose last day in ``zone`` is over counts as none.
    """
    row = await unit.row(
        _CASE_FACTS, person_ids=list(person_ids), about=list(about), sources=list(sources), now=now, zone=zone
    )
    assert row is not None
    persons = tuple(
        KnownPerson(
            person_id=UUID(found["id"]),
            counselled_at=datetime.fromisoformat(found["counselled_at"]) if found["counselled_at"] else None,
            data_consent=found["data_consent"],
            heard_alone=found["heard_alone"],
            erased=found["erased"],
            data_expires_on=date.fromisoformat(found["data_expires_on"]) if found["data_expires_on"] else None,
        )
        for found in json.loads(row["persons"])
    )
    ago = row["caught_up_ago"]
    return CaseFacts(persons, None if ago is None else now - ago)


async def against_reopening(
    unit: UnitOfWork, case_id: UUID, person_ids: Sequence[UUID], begun_by: datetime | None = None
) -> tuple[bool, bool]:
    """Whether one of these persons was erased, and whether one goes with another open case; with ``begun_by`` one from before."""
    row = await unit.row(_AGAINST_REOPENING, case_id=case_id, person_ids=list(person_ids), begun_by=begun_by)
    assert row is not None
    return row["erased"], row["elsewhere"]


def cases(filters: Collection[str]) -> Sql:
    """The list of cases under some of ``case_ref``, ``status``, ``destination_country``, ``counsellor_id``, ``open``.

    ``open`` takes no value, and does not go with ``status``, which says as much by itself; ``overdue``, those whose
    arrival nobody confirmed in time, and ``departure_asked``, those of which an office asks whether they departed, go with none.
    """
    return _LISTINGS[frozenset(filters)]


async def figures(unit: UnitOfWork, period: Period) -> list[Figure]:
    """Returns' part of the report. A return is a person who departed in the period and whose arrival was confirmed.

    Child is who was one when the intention was recorded, counselled who was heard individually before departure.
    ``missed_flights`` counts cases that missed at least one. Persons and cases of an ending are named apart.
    ``begun_cases`` are those that began in the period, for a wish or by a split, ``cases_…`` how they stand now, where told.
    """
    row = await unit.row(FIGURES, first=period.first, last=period.last, zone=period.zone)
    assert row is not None
    returns: int = row["returns"]
    by_country: dict[str, int] = json.loads(row["by_country"])
    by_stretch: dict[Status, int] = json.loads(row["by_stretch"])
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
        *await durations(unit, period),
        *await support_figures(unit, period),
        *(
            Figure(key=key, unit="persons", value=row[key])
            for key in ("withdrawn_persons", "ineligible_persons", "lapsed_persons")
        ),
        *(
            Figure(key=key, unit="cases", value=row[key])
            for key in (
                "applications", "approvals", "withdrawn_cases", "ineligible_cases", "lapsed_cases", "missed_flights",
                "open_cases", "begun_cases",
            )
        ),
        *standing(by_stretch, row["begun_cases"], period),
    ]
