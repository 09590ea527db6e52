"""A return attempt as it stands: whom an intention covers, for whom it goes on, and what its rules are handed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.contracts.counselling import AgeGroup, SessionOutcome, Sex
from shared.contracts.sessions import SessionType

Status = Literal["active", "ended"]

BEGINNINGS: frozenset[str] = frozenset({"active"})
TRANSITIONS: Mapping[str, frozenset[str]] = {"active": frozenset({"ended"}), "ended": frozenset({"active"})}


@dataclass(frozen=True, slots=True)
class Covered:
    """One person whom the intention covers, as on the day it was recorded."""

    person_id: UUID
    sex: Sex
    age_group: AgeGroup
    country_of_origin: str


@dataclass(frozen=True, slots=True)
class Intention:
    """A return attempt; ``active_person_ids`` are those covered persons for whom it has not ended.

    The status is ``ended`` exactly when nobody is active any more. ``split_from`` is the intention whose case was split,
    where this one began by that and nobody expressed it apart.
    """

    status: Status
    session_id: UUID
    principal_id: UUID
    destination_country: str
    counsellor_id: str
    expressed_at: datetime
    persons: tuple[Covered, ...]
    active_person_ids: tuple[UUID, ...]
    split_from: UUID | None = None


@dataclass(frozen=True, slots=True)
class SessionBehind:
    """The session in which the wish was expressed; ``held_at`` is None unless it was held."""

    held_at: datetime | None
    session_type: SessionType
    outcome: SessionOutcome | None
    person_ids: tuple[UUID, ...]
    counsellor_id: str


@dataclass(frozen=True, slots=True)
class PersonToCover:
    """A registered person who is to be covered.

    ``attempt_active``: some intention still counts this person as active. ``expressed_in_session``: some
    intention of this very session, active or ended, covers this person. ``birth_year`` is None for who was erased.
    ``parent_ids`` are those who are or may be the parents of a child of the family.
    """

    person_id: UUID
    sex: Sex
    birth_year: int | None
    country_of_origin: str
    data_consent: bool = False
    family_id: UUID | None = None
    attempt_active: bool = True
    expressed_in_session: bool = True
    parent_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class IntentionFacts:
    """The session, and those of the persons to be covered who are registered.

    ``free`` are, of persons whose attempt is to go on, those who are not erased and have no other active attempt.
    ``other`` is the intention that a command names besides its own.
    """

    session: SessionBehind | None = None
    persons: tuple[PersonToCover, ...] = ()
    free: frozenset[UUID] = frozenset()
    other: Intention | None = None
