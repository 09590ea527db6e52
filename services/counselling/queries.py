"""What counselling's tables answer: the facts that rules are handed, lists, and the figures of the annual report."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel

from services.counselling.domain.family import MemberToBe
from services.counselling.domain.intention import PersonToCover, SessionBehind
from services.counselling.domain.session import NamedPerson
from shared.contracts.counselling import Sex, Site
from shared.db import Sql, UnitOfWork
from shared.statistics import Figure, Period

_NAMED = Sql("SELECT id, data_consent FROM persons WHERE id = ANY(cast(:ids AS uuid[]))")

_MEMBERS = Sql(
    "SELECT p.id, p.birth_year, f.person_id IS NOT NULL AS in_a_family "
    "FROM persons p LEFT JOIN family_members f ON f.person_id = p.id WHERE p.id = ANY(cast(:ids AS uuid[]))"
)

_BEHIND_AN_INTENTION = Sql(
    "SELECT (SELECT to_json(s) FROM (SELECT held_at, session_type, outcome, person_ids, counsellor_id "
    " FROM sessions WHERE id = :session_id) s) AS session, "
    "(SELECT coalesce(json_agg(p), '[]'::json) FROM ("
    " SELECT p.id, p.sex, p.birth_year, p.country_of_origin, p.data_consent, f.family_id, "
    "  a.person_id IS NOT NULL AS attempt_active, "
    "  EXISTS (SELECT 1 FROM intentions i WHERE i.session_id = :session_id "
    "   AND i.persons @> jsonb_build_array(jsonb_build_object('person_id', p.id))) AS expressed_in_session "
    " FROM persons p LEFT JOIN family_members f ON f.person_id = p.id LEFT JOIN active_attempts a ON a.person_id = p.id "
    " WHERE p.id = ANY(cast(:ids AS uuid[]))) p) AS persons"
)

_FIGURES = Sql(
    "WITH period AS (SELECT cast(:first AS date)::timestamp AT TIME ZONE cast(:zone AS text) AS begins, "
    " (cast(:last AS date) + 1)::timestamp AT TIME ZONE cast(:zone AS text) AS ends), "
    # Site by site first, so that the sums and the parts come from one walk along the index by time.
    "held AS (SELECT site, count(*) AS sessions, count(*) FILTER (WHERE modality = 'virtual_country_of_origin') AS virtual "
    " FROM sessions, period WHERE session_type = 'individual' AND status = 'held' "
    " AND held_at >= begins AND held_at < ends GROUP BY site), "
    "grouped AS (SELECT site, count(*) AS group_sessions, sum(participants) AS participants "
    " FROM group_sessions, period WHERE held_at >= begins AND held_at < ends GROUP BY site), "
    "reached AS (SELECT coalesce(sum(contacts), 0) AS contacts, count(DISTINCT location) AS locations "
    " FROM outreach, period WHERE held_at >= begins AND held_at < ends), "
    "wished AS (SELECT count(DISTINCT person ->> 'person_id') AS persons, count(DISTINCT i.id) AS intentions "
    " FROM intentions i CROSS JOIN LATERAL jsonb_array_elements(i.persons) person, period "
    " WHERE expressed_at >= begins AND expressed_at < ends) "
    "SELECT (SELECT cast(coalesce(sum(sessions), 0) AS bigint) FROM held) AS sessions, "
    "(SELECT cast(coalesce(sum(virtual), 0) AS bigint) FROM held) AS virtual, "
    "(SELECT coalesce(json_object_agg(site, sessions), '{}'::json) FROM held) AS sessions_at, "
    "(SELECT cast(coalesce(sum(group_sessions), 0) AS bigint) FROM grouped) AS group_sessions, "
    "(SELECT cast(coalesce(sum(participants), 0) AS bigint) FROM grouped) AS participants, "
    "(SELECT coalesce(json_object_agg(site, group_sessions), '{}'::json) FROM grouped) AS group_sessions_at, "
    "contacts, locations, persons, intentions FROM reached, wished"
)

_AGREED = Sql(
    "SELECT id FROM persons WHERE id = ANY(cast(:ids AS uuid[])) AND data_consent AND transfer_consent "
    "AND transfer_country = :country ORDER BY id"
)


# Year by year and oldest first within each, so that every year walks its own part of an index in the index's order;
# the country is a list of one, or the order by id could be had from the primary key and everybody would be walked.
# A family is asked for row by row of the page: a join might read all of them beside.
def _found(narrowed: str, order: str) -> Sql:
    return Sql(
        "SELECT p.id, p.sex, p.birth_year, p.country_of_origin, p.site, p.data_consent, p.registered_at, "
        "(SELECT f.family_id FROM family_members f WHERE f.person_id = p.id) AS family_id "
        "FROM (SELECT found.* FROM generate_series(cast(:birth_year AS int) - cast(:birth_year_within AS int), "
        "  cast(:birth_year AS int) + cast(:birth_year_within AS int)) asked(birth_year) "
        " CROSS JOIN LATERAL (SELECT * FROM persons WHERE country_of_origin = ANY (ARRAY[:country_of_origin]) "
        f"  AND birth_year = asked.birth_year AND {narrowed}id > :after "
        f"  ORDER BY country_of_origin, birth_year, {order}id LIMIT :limit) found ORDER BY found.id LIMIT :limit) p "
        "ORDER BY p.id"
    )


_FOUND: Final[Mapping[bool, Sql]] = {False: _found("", ""), True: _found("sex = :sex AND ", "sex, ")}


# Who counsels a person p: whoever holds, or is about to hold, a session with them, or heard the wish that has not ended.
COUNSELS: Final = (
    "(EXISTS (SELECT 1 FROM session_persons n JOIN sessions s ON s.id = n.session_id WHERE n.person_id = p.id "
    " AND n.counsellor_id = :actor_id AND s.status <> 'not_held') "
    "OR EXISTS (SELECT 1 FROM active_attempts a JOIN intentions i ON i.id = a.intention_id WHERE a.person_id = p.id "
    " AND i.counsellor_id = :actor_id))"
)
_BELONGING = Sql(
    "SELECT (SELECT family_id FROM family_members WHERE person_id = p.id) AS family_id, "
    f"(SELECT intention_id FROM active_attempts WHERE person_id = p.id) AS intention_id, {COUNSELS} AS counsels "
    "FROM (SELECT cast(:person_id AS uuid) AS id) p"
)
_TOGETHER = Sql(
    "SELECT p.id, p.sex, p.birth_year, p.country_of_origin, p.site, p.data_consent, p.registered_at, f.family_id "
    "FROM family_members f JOIN persons p ON p.id = f.person_id WHERE f.family_id = :family_id ORDER BY p.id"
)


# The caller's own walk an index in its order, by a list of one for the same reason as above. Somebody's sessions are few
# and are all read; which of them the caller may know of, row security says once more.
def _sessions(whose: str, order: str) -> Sql:
    return Sql(
        "SELECT s.id, s.status, s.session_type, s.modality, s.site, s.language, s.held_at, s.scheduled_for, s.outcome "
        f"FROM {whose} AND {order} LIMIT :limit"
    )


_OWN = "sessions s WHERE s.counsellor_id = ANY (ARRAY[:counsellor_id])"
_WITH_A_PERSON = (
    "session_persons p JOIN sessions s ON s.id = p.session_id WHERE p.person_id = :person_id "
    "AND (s.site = ANY(cast(:sites AS text[])) OR s.counsellor_id = :counsellor_id)"
)
# A session that is not there any more, or not within reach, is no place to go on from: the list begins anew.
_EARLIER = (
    "(s.at, s.id) < ((SELECT coalesce(max(l.at), 'infinity') FROM sessions l WHERE l.id = :after), cast(:after AS uuid))"
)
_SESSIONS: Final[Mapping[tuple[bool, bool], Sql]] = {
    (False, False): _sessions(_OWN, "s.id > :after ORDER BY s.counsellor_id, s.id"),
    (False, True): _sessions(_OWN, f"{_EARLIER} ORDER BY s.counsellor_id DESC, s.at DESC, s.id DESC"),
    (True, False): _sessions(_WITH_A_PERSON, "p.session_id > :after ORDER BY p.session_id"),
    (True, True): _sessions(_WITH_A_PERSON, f"{_EARLIER} ORDER BY s.at DESC, s.id DESC"),
}


class PersonRow(BaseModel):
    """A registered person as whoever is about to register somebody needs to see them, of whatever site.

    ``registered_at`` is None where that was registered before it was kept.
    """

    id: UUID
    sex: Sex
    birth_year: int
    country_of_origin: str
    site: Site
    data_consent: bool
    family_id: UUID | None
    registered_at: datetime | None


class Belonging(BaseModel):
    """Where a person belongs: their family, and the wish to return that has not ended, whose id is its case's id.

    ``counsels`` is whether whoever asks counsels the person.
    """

    family_id: UUID | None
    intention_id: UUID | None
    counsels: bool


class SessionRow(BaseModel):
    """One session in a list."""

    id: UUID
    status: Literal["scheduled", "held", "not_held"]
    session_type: str
    modality: str
    site: str
    language: str
    held_at: datetime | None
    scheduled_for: datetime | None
    outcome: str | None


def persons(asked: Mapping[str, object]) -> Sql:
    """The list of registered persons narrowed by this: a country, a year and how far around it, perhaps a sex."""
    return _FOUND["sex" in asked]


def sessions(*, with_person: bool, newest: bool) -> Sql:
    """The list of the caller's own sessions, or of those with one person within the caller's reach.

    Oldest first it begins behind `FIRST`, the newest first before `LAST`.
    """
    return _SESSIONS[with_person, newest]


async def belonging(unit: UnitOfWork, person_id: UUID, actor_id: str) -> Belonging:
    """A person's family and the wish to return that has not ended, None for each that there is not."""
    row = await unit.row(_BELONGING, person_id=person_id, actor_id=actor_id)
    assert row is not None
    return Belonging.model_validate(dict(row))


async def together(unit: UnitOfWork, family_id: UUID) -> list[PersonRow]:
    """The members of a family, in the order of their ids."""
    return [PersonRow.model_validate(dict(row)) for row in await unit.rows(_TOGETHER, family_id=family_id)]


async def named_persons(unit: UnitOfWork, ids: Sequence[UUID]) -> tuple[NamedPerson, ...]:
    """Those of these persons who are registered, with whether they agreed to processing."""
    if not ids:
        return ()
    return tuple(NamedPerson(row["id"], row["data_consent"]) for row in await unit.rows(_NAMED, ids=list(ids)))


async def agreed_to_transfer(unit: UnitOfWork, ids: Sequence[UUID], country: str) -> tuple[UUID, ...]:
    """Those of these persons who agree, now, that the office in this country (ISO 3166-1) is told of them."""
    return tuple(row["id"] for row in await unit.rows(_AGREED, ids=list(ids), country=country))


async def members_to_be(unit: UnitOfWork, ids: Sequence[UUID]) -> tuple[MemberToBe, ...]:
    """Those of these persons who are registered, with whether they are in a family already."""
    rows = await unit.rows(_MEMBERS, ids=list(ids))
    return tuple(MemberToBe(row["id"], row["birth_year"], row["in_a_family"]) for row in rows)


async def behind_an_intention(
    unit: UnitOfWork, session_id: UUID, ids: Sequence[UUID]
) -> tuple[SessionBehind | None, tuple[PersonToCover, ...]]:
    """The session in which a wish was expressed, and the registered persons whom it would cover."""
    row = await unit.row(_BEHIND_AN_INTENTION, session_id=session_id, ids=list(ids))
    assert row is not None
    session = None
    if row["session"] is not None:
        found = json.loads(row["session"])
        session = SessionBehind(
            held_at=datetime.fromisoformat(found["held_at"]) if found["held_at"] else None,
            session_type=found["session_type"],
            outcome=found["outcome"],
            person_ids=tuple(UUID(id) for id in found["person_ids"]),
            counsellor_id=found["counsellor_id"],
        )
    persons = tuple(
        PersonToCover(
            person_id=UUID(found["id"]),
            sex=found["sex"],
            birth_year=found["birth_year"],
            country_of_origin=found["country_of_origin"],
            data_consent=found["data_consent"],
            family_id=UUID(found["family_id"]) if found["family_id"] else None,
            attempt_active=found["attempt_active"],
            expressed_in_session=found["expressed_in_session"],
        )
        for found in json.loads(row["persons"])
    )
    return session, persons


async def figures(unit: UnitOfWork, period: Period) -> list[Figure]:
    """Counselling's part of the report. A counselling session is a held individual one; groups and outreach apart.

    ``sessions_at_…`` and ``group_sessions_at_…`` name each site at which there was one.
    """
    row = await unit.row(_FIGURES, first=period.first, last=period.last, zone=period.zone)
    assert row is not None
    return [
        Figure(key="sessions", unit="sessions", value=row["sessions"]),
        Figure(key="virtual_sessions", unit="sessions", value=row["virtual"], of=row["sessions"]),
        Figure(key="group_sessions", unit="sessions", value=row["group_sessions"]),
        Figure(key="group_participants", unit="contacts", value=row["participants"]),
        Figure(key="outreach_contacts", unit="contacts", value=row["contacts"]),
        Figure(key="outreach_locations", unit="locations", value=row["locations"]),
        Figure(key="intentions", unit="persons", value=row["persons"]),
        Figure(key="intention_records", unit="cases", value=row["intentions"]),
        *(
            Figure(key=f"{of}_at_{site}", unit="sessions", value=value, of=row[of])
            for of in ("sessions", "group_sessions")
            for site, value in sorted(json.loads(row[f"{of}_at"]).items())
        ),
    ]

