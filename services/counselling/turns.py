"""What is read at somebody's turn: whether they can be erased, and whom others rely on as a guardian.

Whoever erases a person waits for all who rely on them, and these for whoever erases (`shared/erasing.py`): the later of two
sees the other's truth.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from services.counselling.birth_years import birth_years_of
from services.counselling.domain.consents import Guardian
from services.counselling.domain.erasure import PersonFacts
from services.counselling.domain.family import Member, MemberToBe, guardian_among, wards_of
from services.counselling.queries import members_to_be
from services.counselling.tables import PERSONAL_TABLES
from shared.contracts.erasure import Deleted
from shared.db import Sql, UnitOfWork
from shared.erasing import SHARE_TURN

# The family of somebody, each member with whether a case of theirs is open. A guardian need not be of
# the reader's countries. Who was erased is nobody's guardian any more, and keeps no parent from deciding.
_FAMILY: Final = (
    "(SELECT jsonb_agg(one || jsonb_build_object("
    " 'attempt_active', EXISTS (SELECT FROM active_attempts a WHERE a.person_id = p.id))) "
    " FROM family_members own JOIN families f ON f.id = own.family_id CROSS JOIN LATERAL jsonb_array_elements(f.members) one "
    " LEFT JOIN persons p ON p.id = cast(one ->> 'person_id' AS uuid) "
    " WHERE own.person_id = :person_id AND p.erased_at IS NULL) AS family"
)
_TAKE_TURNS = Sql(
    "SELECT pg_advisory_xact_lock(7041, turn.number) FROM (SELECT DISTINCT mod(hashtext(cast(whose.id AS text)), 256) AS number "
    "FROM unnest(cast(:ids AS uuid[])) whose(id) ORDER BY 1) turn"
)
_SHARE_TURNS = Sql(
    "SELECT pg_advisory_xact_lock_shared(7041, turn.number) FROM (SELECT DISTINCT mod(hashtext(cast(whose.id AS text)), 256) "
    "AS number FROM unnest(cast(:ids AS uuid[])) whose(id) ORDER BY 1) turn"
)
# For whom somebody stands up in a return case, each with whether that is open; where it was not said which, any case of theirs.
_IN_CASES: Final = (
    "(SELECT jsonb_agg(jsonb_build_object('person_id', ward.id, 'attempt_active', "
    " EXISTS (SELECT FROM active_attempts a WHERE a.person_id = ward.id "
    "  AND a.intention_id = coalesce(ward.case_guardian_of, a.intention_id))) ORDER BY ward.id) "
    " FROM persons ward WHERE ward.case_guardian_id = :person_id) AS in_cases"
)
_STANDING = Sql(
    f"SELECT EXISTS (SELECT FROM active_attempts WHERE person_id = :person_id) AS attempt_active, {_FAMILY}, {_IN_CASES}"
)
_HELD: Final = ", ".join(
    f"'{table.name}', (SELECT count(*) FROM {table.name} WHERE person_id = :person_id)" for table in PERSONAL_TABLES
)
_WHAT_IS_HELD = Sql(
    f"SELECT json_build_object('person_keys', (SELECT count(*) FROM person_keys WHERE person_id = :person_id), {_HELD})::text AS held"
)
_GUARDIAN = Sql(f"SELECT {_FAMILY} FROM persons WHERE id = :guardian_id AND erased_at IS NULL")

_REGISTERED = Sql("SELECT FROM persons WHERE id = :person_id AND erased_at IS NULL")


@dataclass(frozen=True, slots=True)
class _Relative(Member):
    """A member of somebody's family with whether a case of theirs is open."""

    attempt_active: bool = False


@dataclass(frozen=True, slots=True)
class _Ward:
    """A child for whom somebody stands up in its return case, with whether that is open."""

    person_id: UUID
    attempt_active: bool


@dataclass(frozen=True, slots=True)
class _Standing:
    """Whether a case of somebody is open, the children who rely on them, and whether one of these has an open case."""

    attempt_active: bool
    wards: tuple[UUID, ...]
    ward_going: bool


_FAMILY_READ: TypeAdapter[tuple[_Relative, ...]] = TypeAdapter(tuple[_Relative, ...])
_WARDS_READ: TypeAdapter[tuple[_Ward, ...]] = TypeAdapter(tuple[_Ward, ...])


async def attempt_active(unit: UnitOfWork, person_id: UUID, today: date) -> bool:
    """Whether a return attempt of this person has not ended, or one of a child for whom they may agree today or stand up in it."""
    standing = await _standing(unit, person_id, today)
    return standing.attempt_active or standing.ward_going


async def behind_an_erasure(unit: UnitOfWork, person_id: UUID, today: date) -> PersonFacts:
    """What an approval reads, at the person's turn: nothing about them begins between this and the end of the transaction.

    Nor does a case of a child for whom they may agree today, or stand up in its case.
    """
    # For whom they decide, only who has their turn knows for certain: a statement sees what was so before it waited.
    for _ in range(2):
        wards = (await _standing(unit, person_id, today)).wards
        await unit.rows(_TAKE_TURNS, ids=[person_id, *wards])
    active = await attempt_active(unit, person_id, today)
    row = await unit.row(_WHAT_IS_HELD, person_id=person_id)
    assert row is not None
    held = tuple(Deleted(what=what, count=count) for what, count in json.loads(row["held"]).items())
    return PersonFacts(active, held)


async def _standing(unit: UnitOfWork, person_id: UUID, today: date) -> _Standing:
    row = await unit.row(_STANDING, person_id=person_id)
    assert row is not None
    family = _FAMILY_READ.validate_json(row["family"] or "[]")
    years = await birth_years_of(unit, [one.person_id for one in family])
    wards = wards_of(family, person_id, {one.person_id: years.get(one.person_id) for one in family}, today)
    in_cases = _WARDS_READ.validate_json(row["in_cases"] or "[]")
    going = any(one.attempt_active for one in family if one.person_id in wards)
    going = going or any(one.attempt_active for one in in_cases)
    return _Standing(row["attempt_active"], (*wards, *(one.person_id for one in in_cases)), going)


async def may_agree(unit: UnitOfWork, child_id: UUID, today: date) -> tuple[UUID, ...]:
    """Who may agree for this child today, in the order of their family: whoever is named as its guardian, else its parents.

    Nobody's turn is taken: what is read here is offered, and decided on when somebody is said to have agreed.
    """
    row = await unit.row(_STANDING, person_id=child_id)
    assert row is not None
    family = _FAMILY_READ.validate_json(row["family"] or "[]")
    years = await birth_years_of(unit, [one.person_id for one in family])
    return tuple(
        one.person_id
        for one in family
        if one.person_id in years and guardian_among(family, child_id, one.person_id, years[one.person_id]).may_agree(today)
    )


async def guardian(unit: UnitOfWork, person_id: UUID, guardian_id: UUID) -> Guardian | None:
    """What is known of whoever is said to have agreed for a child; None for somebody who is not registered.

    Nobody erases them between this and the end of the transaction.
    """
    await unit.row(SHARE_TURN, person_id=guardian_id)
    row = await unit.row(_GUARDIAN, person_id=person_id, guardian_id=guardian_id)
    year = (await birth_years_of(unit, [guardian_id])).get(guardian_id)
    if row is None or year is None:
        return None
    return guardian_among(_FAMILY_READ.validate_json(row["family"] or "[]"), person_id, guardian_id, year)


async def is_registered(unit: UnitOfWork, person_id: UUID) -> bool:
    """Whether somebody is registered and was not erased; nobody erases them between this and the end of the transaction."""
    await unit.row(SHARE_TURN, person_id=person_id)
    return await unit.row(_REGISTERED, person_id=person_id) is not None


async def share_turns(unit: UnitOfWork, person_ids: Sequence[UUID]) -> None:
    """Nobody erases these persons, or corrects their year of birth, between this and the end of the transaction."""
    await unit.rows(_SHARE_TURNS, ids=list(person_ids))


async def guardian_to_be(unit: UnitOfWork, guardian_id: UUID, wards: Sequence[UUID]) -> tuple[MemberToBe, ...]:
    """As `members_to_be`; nobody erases the guardian between this and the end of the transaction."""
    await unit.row(SHARE_TURN, person_id=guardian_id)
    return await members_to_be(unit, [guardian_id, *wards])
