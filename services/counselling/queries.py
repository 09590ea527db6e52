"""What counselling's tables answer: the facts that rules are handed, and lists."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel

from services.counselling.birth_years import all_are_sealed, birth_years_of, tokens_between, with_birth_years
from services.counselling.domain.age import age_group
from services.counselling.domain.attempt import PersonToCover, SessionBehind
from services.counselling.domain.erasure import ErasureStatus
from services.counselling.domain.family import Member, MemberToBe, parents_of
from services.counselling.domain.session import NamedPerson
from shared.contracts.counselling import ConsentKind, DataCategory, ErasureRefused, Sex, Site
from shared.contracts.erasure import ErasureGround, RefusalGround
from shared.db import Sql, UnitOfWork

# Of a person p; a consent stands to the end of its last day.
DATA_CONSENT: Final = "p.data_consent AND coalesce(p.data_expires_on >= cast(:today AS date), true) AS data_consent"
_NAMED = Sql(
    f"SELECT p.id, {DATA_CONSENT}, p.erased_at IS NOT NULL AS erased FROM persons p "
    "WHERE p.id = ANY(cast(:ids AS uuid[]))"
)

_MEMBERS = Sql(
    "SELECT p.id, f.person_id IS NOT NULL AS in_a_family "
    "FROM persons p LEFT JOIN family_members f ON f.person_id = p.id WHERE p.id = ANY(cast(:ids AS uuid[]))"
)

_FREE_TO_GO_ON = Sql(
    "SELECT p.id FROM persons p WHERE p.id = ANY(cast(:ids AS uuid[])) AND p.erased_at IS NULL "
    "AND NOT EXISTS (SELECT FROM active_attempts a WHERE a.person_id = p.id)"
)
# The families are read under lock: whose children they are must not be recorded anew before it is told with the wish.
_BEHIND_AN_INTENTION = Sql(
    "WITH read AS MATERIALIZED (SELECT id, members FROM families WHERE id IN "
    " (SELECT family_id FROM family_members WHERE person_id = ANY(cast(:ids AS uuid[]))) ORDER BY id FOR SHARE) "
    "SELECT (SELECT to_json(s) FROM (SELECT held_at, session_type, outcome, person_ids, counsellor_id "
    " FROM sessions WHERE id = :session_id) s) AS session, "
    "(SELECT coalesce(json_agg(p), '[]'::json) FROM ("
    f" SELECT p.id, p.sex, p.country_of_origin, {DATA_CONSENT}, f.family_id, w.members AS family, "
    "  a.person_id IS NOT NULL AS attempt_active, "
    "  EXISTS (SELECT 1 FROM intentions i WHERE i.session_id = :session_id "
    "   AND i.persons @> jsonb_build_array(jsonb_build_object('person_id', p.id))) AS expressed_in_session "
    " FROM persons p LEFT JOIN family_members f ON f.person_id = p.id LEFT JOIN read w ON w.id = f.family_id "
    " LEFT JOIN active_attempts a ON a.person_id = p.id "
    " WHERE p.id = ANY(cast(:ids AS uuid[]))) p) AS persons"
)

# A consent stands to the end of its last day, which is told in the mission's time zone.
_TODAY = "cast(cast(:now AS timestamptz) AT TIME ZONE cast(:zone AS text) AS date)"
_AGREED = Sql(
    "SELECT id, transfer_categories @> ARRAY['health'] AS health "
    f"FROM persons, (SELECT {_TODAY} AS today) day WHERE id = ANY(cast(:ids AS uuid[])) "
    "AND data_consent AND coalesce(data_expires_on >= today, true) "
    "AND transfer_consent AND coalesce(transfer_expires_on >= today, true) "
    "AND transfer_country = :country AND transfer_categories @> cast(:categories AS text[]) ORDER BY id"
)


_AGREED_TO = Sql(
    f"SELECT p.id FROM persons p, (SELECT {_TODAY} AS today) day WHERE p.id = ANY(cast(:ids AS uuid[])) "
    "AND p.data_consent AND coalesce(p.data_expires_on >= today, true) AND EXISTS ("
    " SELECT FROM jsonb_to_recordset(p.consents) AS c(consent text, recipient_country text, expires_on date, ended text, "
    "  categories jsonb) WHERE c.consent = :consent AND c.ended IS NULL AND c.recipient_country = :country "
    " AND coalesce(c.expires_on >= today, true) AND c.categories @> to_jsonb(cast(:categories AS text[]))) ORDER BY p.id"
)


# Hash by hash and oldest first within each, so that every year walks its own part of an index in the index's order; what the
# index begins with is asked for as a list of one, or the order by id could be had from another index, and everybody would be
# walked. A family is asked for row by row of the page: a join might read all of them beside.
def _found(asked: str, order: str) -> Sql:
    return Sql(
        f"SELECT p.id, p.sex, p.country_of_origin, p.site, {DATA_CONSENT}, p.registered_at, "
        "(SELECT f.family_id FROM family_members f WHERE f.person_id = p.id) AS family_id "
        "FROM (SELECT found.person_id FROM unnest(cast(:tokens AS bytea[])) asked(token) "
        f" CROSS JOIN LATERAL (SELECT person_id FROM birth_years WHERE {asked} AND token = asked.token AND person_id > :after "
        f"  ORDER BY {order}, token, person_id LIMIT :limit) found "
        " ORDER BY found.person_id LIMIT :limit) f CROSS JOIN LATERAL (SELECT * FROM persons WHERE id = f.person_id) p "
        "ORDER BY p.id"
    )


# By whether a sex is named as well.
PERSONS: Final[Mapping[bool, Sql]] = {
    False: _found("country_of_origin = ANY (ARRAY[:country_of_origin])", "country_of_origin"),
    True: _found("sex = ANY (ARRAY[:sex]) AND country_of_origin = :country_of_origin", "sex, country_of_origin"),
}


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
    f"SELECT p.id, p.sex, p.country_of_origin, p.site, {DATA_CONSENT}, p.registered_at, f.family_id "
    "FROM family_members f JOIN persons p ON p.id = f.person_id WHERE f.family_id = :family_id AND p.erased_at IS NULL "
    "ORDER BY p.id"
)


# When there was last contact: of a registration that did not keep its time, the log knows. And it alone knows that an erasure
# was refused, and why.
KEPT = Sql(
    "SELECT id, last_contact_at, legal_hold, erasure_asked, refused.* FROM ("
    "SELECT p.id, p.legal_hold, p.erasure IS NOT NULL AS erasure_asked, greatest("
    " coalesce(p.registered_at, (SELECT e.time FROM event_log e WHERE e.subject = p.id AND e.aggver = 1)), "
    " (SELECT max(s.at) FROM session_persons n JOIN sessions s ON s.id = n.session_id WHERE n.person_id = p.id)"
    ") AS last_contact_at FROM persons p WHERE p.id > :after AND p.erased_at IS NULL "
    "AND NOT EXISTS (SELECT FROM active_attempts a WHERE a.person_id = p.id) OFFSET 0) kept LEFT JOIN LATERAL ("
    "SELECT cast(said ->> 'refused_at' AS timestamptz) AS refused_at, said ->> 'reason' AS refused_for FROM ("
    " SELECT cast(convert_from(e.leaf, 'UTF8') AS jsonb) -> 'data' AS said FROM event_log e "
    f" WHERE e.subject = kept.id AND e.type = '{ErasureRefused.kind}' ORDER BY e.aggver DESC LIMIT 1) event) refused ON true "
    "WHERE last_contact_at < :before ORDER BY id LIMIT :limit"
)
ERASURES = Sql(
    "SELECT id, erasure ->> 'status' AS status, erasure ->> 'ground' AS ground, "
    "cast(erasure ->> 'requested_at' AS timestamptz) AS requested_at, legal_hold, "
    "(SELECT max(cast(c ->> 'kept_until' AS date)) FROM jsonb_array_elements(erasure -> 'confirmed') c "
    " WHERE c ->> 'ended_on' IS NULL) AS kept_until "
    "FROM persons WHERE (erasure ->> 'status') = ANY (ARRAY[:status]) AND id > :after "
    "ORDER BY (erasure ->> 'status'), id LIMIT :limit"
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

    ``data_consent`` is whether their agreement to processing stands on the day of the question. ``registered_at`` is None where that was registered before it was kept.
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


class ErasureRow(BaseModel):
    """A person whose erasure was asked for, by id alone, and how far it is; ``kept_until`` of receipts that are still kept."""

    id: UUID
    status: ErasureStatus
    ground: ErasureGround
    requested_at: datetime
    legal_hold: bool
    kept_until: date | None


class KeptRow(BaseModel):
    """A person who is kept without an open case: when there was last contact, and what stands in the way of an erasure.

    ``refused_at`` is when an erasure was last refused, ``refused_for`` the reason; None if none was.
    """

    id: UUID
    last_contact_at: datetime
    legal_hold: bool
    erasure_asked: bool
    refused_at: datetime | None
    refused_for: RefusalGround | None


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


async def persons(
    unit: UnitOfWork, asked: Mapping[str, object], years: tuple[int, int], after: UUID, limit: int
) -> tuple[list[PersonRow], UUID | None]:
    """At most so many registered persons, oldest first, narrowed by a country, perhaps a sex, and the first and last year of
    birth, and behind whom more follow, None if nobody does: whoever was erased meanwhile is left out and ends no list.

    What is asked also says the day on which it is. `Unsealed` if a year does not stand where it was sealed, and as
    `all_are_sealed`.
    """
    await all_are_sealed(unit)
    tokens = await tokens_between(unit.keys.index, *years)
    rows = await unit.rows(PERSONS["sex" in asked], **asked, tokens=tokens, after=after, limit=limit + 1)
    known = await with_birth_years(unit, [dict(row) for row in rows[:limit]])
    return [PersonRow.model_validate(row) for row in known], rows[limit - 1]["id"] if len(rows) > limit else None


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


async def together(unit: UnitOfWork, family_id: UUID, today: date) -> list[PersonRow]:
    """The members of a family who were not erased, in the order of their ids, as they are on this day."""
    rows = await unit.rows(_TOGETHER, family_id=family_id, today=today)
    return [PersonRow.model_validate(row) for row in await with_birth_years(unit, [dict(row) for row in rows])]


async def named_persons(unit: UnitOfWork, ids: Sequence[UUID], today: date) -> tuple[NamedPerson, ...]:
    """Those of these persons who are registered, with whether their agreement to processing stands on this day."""
    if not ids:
        return ()
    rows = await unit.rows(_NAMED, ids=list(ids), today=today)
    return tuple(NamedPerson(row["id"], row["data_consent"], row["erased"]) for row in rows)


async def agreed_to_transfer(
    unit: UnitOfWork, ids: Sequence[UUID], country: str, categories: Sequence[DataCategory], now: datetime, zone: str
) -> tuple[tuple[UUID, ...], tuple[UUID, ...]]:
    """Those of these persons who agree, now, that the office in this country (ISO 3166-1) is told all of this of them.

    And those among them who agree that their health is told as well.
    """
    rows = await unit.rows(
        _AGREED, ids=list(ids), country=country, categories=list(categories), now=now, zone=zone
    )
    return tuple(row["id"] for row in rows), tuple(row["id"] for row in rows if row["health"])


async def agreed_to(
    unit: UnitOfWork, consent: ConsentKind, ids: Sequence[UUID], country: str, categories: Sequence[DataCategory],
    now: datetime, zone: str,
) -> tuple[tuple[UUID, ...], tuple[UUID, ...]]:
    """As `agreed_to_transfer`, by a consent of another kind; none of these lets anybody be told of somebody's health."""
    rows = await unit.rows(
        _AGREED_TO, consent=consent, ids=list(ids), country=country, categories=list(categories), now=now, zone=zone
    )
    return tuple(row["id"] for row in rows), ()


async def adults(unit: UnitOfWork, ids: Sequence[UUID], today: date) -> tuple[UUID, ...]:
    """Those of these persons who are registered, were not erased and are adults on this day, in the order of their ids."""
    years = await birth_years_of(unit, ids)
    return tuple(sorted(id for id, year in years.items() if age_group(year, today) == "adult"))


async def members_to_be(unit: UnitOfWork, ids: Sequence[UUID]) -> tuple[MemberToBe, ...]:
    """Those of these persons who are registered, with whether they are in a family already."""
    rows = await unit.rows(_MEMBERS, ids=list(ids))
    years = await birth_years_of(unit, [row["id"] for row in rows])
    return tuple(MemberToBe(row["id"], years.get(row["id"]), row["in_a_family"]) for row in rows)


async def free_to_go_on(unit: UnitOfWork, person_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these persons who are not erased and have no active return attempt."""
    return frozenset(row["id"] for row in await unit.rows(_FREE_TO_GO_ON, ids=list(person_ids)))


def _members(family: Sequence[Mapping[str, Any]]) -> tuple[Member, ...]:
    return tuple(Member(UUID(one["person_id"]), one["relation"]) for one in family)


async def behind_an_intention(
    unit: UnitOfWork, session_id: UUID, ids: Sequence[UUID], today: date
) -> tuple[SessionBehind | None, tuple[PersonToCover, ...]]:
    """The session in which a wish was expressed, and the registered persons whom it would cover."""
    row = await unit.row(_BEHIND_AN_INTENTION, session_id=session_id, ids=list(ids), today=today)
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
    covered = json.loads(row["persons"])
    years = await birth_years_of(unit, [UUID(found["id"]) for found in covered])
    persons = tuple(
        PersonToCover(
            person_id=UUID(found["id"]),
            sex=found["sex"],
            birth_year=years.get(UUID(found["id"])),
            country_of_origin=found["country_of_origin"],
            data_consent=found["data_consent"],
            family_id=UUID(found["family_id"]) if found["family_id"] else None,
            attempt_active=found["attempt_active"],
            expressed_in_session=found["expressed_in_session"],
            parent_ids=parents_of(UUID(found["id"]), _members(found["family"] or ())),
        )
        for found in covered
    )
    return session, persons
