"""Where it is kept who a person is, sealed: written with the event that says so, read as far as its reader may see."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.counselling.domain.identity import (
    FIELDS,
    Identity,
    RecordIdentity,
    Shown,
    emptied_by,
    identity_of,
    shown,
    stated_by,
    texts_of,
)
from services.counselling.queries import COUNSELS
from shared.contracts.access import ReadingPurpose
from shared.contracts.counselling import CorrectionReason, IdentityField
from shared.db import Sql, UnitOfWork, Write
from shared.errors import NotFound
from shared.handling import Handled
from shared.messages import Context
from shared.policy import Reach
from shared.private import PersonKey, PersonKeys, Place, Unsealed, opened, seal
from shared.verify import ASKED, LOG_OF_ASKED, Check

_TABLE: Final = "identities"
_SEALED: Final = ", ".join(FIELDS)

# The site is the person's, so that row security opens this where the person is registered. Within one statement the
# person is seen as before it.
_KEEP = Sql(
    f"INSERT INTO identities (person_id, version, number, site, recorded_by, recorded_at, stated, emptied, reason, {_SEALED}) "
    "SELECT id, cast(:version AS integer), identity_number + 1, site, cast(:recorded_by AS text), "
    "cast(:recorded_at AS timestamptz), cast(:stated AS text[]), cast(:emptied AS text[]), cast(:reason AS text), "
    + ", ".join(f"cast(:{field} AS bytea)" for field in FIELDS)
    + " FROM persons WHERE id = :person_id"
)
_VERSIONS = Sql(
    f"SELECT version, number, recorded_by, recorded_at, stated, emptied, reason, {_SEALED} FROM identities "
    "WHERE person_id = :person_id ORDER BY version"
)
_OF_SEVERAL = Sql(
    f"SELECT person_id, version, emptied, {_SEALED} FROM identities WHERE person_id = ANY (cast(:person_ids AS uuid[])) "
    "ORDER BY person_id, version"
)
_CALLED: Final[tuple[IdentityField, ...]] = (
    "family_name", "given_names", "family_name_own_script", "given_names_own_script"
)  # fmt: skip
_NAMES = Sql(
    f"SELECT person_id, version, emptied, {', '.join(_CALLED)} FROM identities WHERE person_id = ANY(ARRAY("
    f" SELECT p.id FROM unnest(cast(:person_ids AS uuid[])) p(id) WHERE {COUNSELS})) ORDER BY person_id, version"
)
_READER = Sql(f"SELECT p.site, {COUNSELS} AS counsels FROM persons p WHERE p.id = :person_id AND p.erased_at IS NULL")


class IdentityVersion(BaseModel):
    """What one version stated or emptied, of whom it was learnt when, and why if it corrected something."""

    number: int
    recorded_by: str
    recorded_at: datetime
    stated: tuple[IdentityField, ...]
    corrected: tuple[IdentityField, ...]
    emptied: tuple[IdentityField, ...]
    reason: CorrectionReason | None
    identity: Identity


class IdentityView(BaseModel):
    """Who a person is as far as this reader is shown it; ``known`` says what is known, also where it is not shown.

    ``number`` is that of the latest version, 0 before there is one. ``versions`` are all of them, oldest first, where
    they were asked for.
    """

    person_id: UUID
    number: int
    shown: Shown
    known: tuple[IdentityField, ...]
    identity: Identity
    versions: list[IdentityVersion]


class Named(BaseModel):
    """How a person is called, in Latin letters and in the own script, as far as that is known."""

    person_id: UUID
    family_name: str | None = None
    given_names: str | None = None
    family_name_own_script: str | None = None
    given_names_own_script: str | None = None

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return (("person_id", self.person_id),)


class Names(BaseModel):
    """How some persons are called; who is not in it is not called here, for whatever reason."""

    items: list[Named]


@dataclass(frozen=True, slots=True)
class Reader:
    """What decides how much somebody is shown: where the person is registered, and whether the reader counsels them."""

    site: str
    counsels: bool

    def may_read(self, reach: Reach) -> bool:
        """Whether any of it is within reach: at the reader's sites, and of everybody whom the reader counsels."""
        return reach.sites is None or self.site in reach.sites or self.counsels

    def sees(self, purpose: ReadingPurpose | None) -> tuple[Shown, ReadingPurpose | None]:
        """How much is shown to this reader for this purpose or for none, and what is put on record as the purpose."""
        if purpose is not None:
            return "all", purpose
        return ("names", "counselling") if self.counsels else ("masked", None)


def kept(person_id: UUID, command: RecordIdentity, context: Context) -> Callable[[PersonKey, Handled], Sequence[Write]]:
    """The write that keeps what a command states, sealed, beside the event that says it was stated."""

    def writes(key: PersonKey, handled: Handled) -> Sequence[Write]:
        texts = texts_of(command)
        sealed: Mapping[str, bytes | None] = {
            field: seal(key, _place(person_id, handled.version, field), texts[field]) if field in texts else None
            for field in FIELDS
        }
        values = {
            "person_id": person_id, "version": handled.version, "recorded_by": context.actor.person_id,
            "recorded_at": context.now, "stated": list(stated_by(command)),
            "emptied": list(emptied_by(command)), "reason": command.reason,
        }  # fmt: skip
        return (Write(_KEEP, {**values, **sealed}),)

    return writes


async def reader_of(unit: UnitOfWork, person_id: UUID, actor_id: str) -> Reader | None:
    """How this actor stands to a person; None if there is no such person, or not any more."""
    row = await unit.row(_READER, person_id=person_id, actor_id=actor_id)
    return Reader(row["site"], row["counsels"]) if row else None


async def names(unit: UnitOfWork, keys: PersonKeys, person_ids: Collection[UUID], actor_id: str) -> list[Named]:
    """How those of these persons are called now whom this actor counsels, by two statements, in the order of their ids.

    Whose erasure is decided between the two is left out. `Unsealed` if a name does not stand where it was sealed.
    """
    latest: dict[UUID, dict[IdentityField, tuple[int, bytes]]] = {}
    for row in await unit.rows(_NAMES, person_ids=list(person_ids), actor_id=actor_id):
        of_person = latest.setdefault(row["person_id"], {})
        for field in _CALLED:
            if field in row["emptied"]:
                of_person.pop(field, None)
            elif row[field] is not None:
                of_person[field] = row["version"], bytes(row[field])
    named = {person_id: fields for person_id, fields in latest.items() if fields}
    sealed_under = await keys.keys_of(unit, named.keys())
    # A key goes in the same statement as what was sealed under it: who has neither was erased since the first statement.
    keyless = named.keys() - sealed_under.keys()
    if keyless and await unit.rows(_NAMES, person_ids=list(keyless), actor_id=actor_id):
        raise Unsealed
    return [
        Named(
            person_id=person_id,
            **{
                field: json.loads(opened(sealed_under[person_id], _place(person_id, version, field), sealed))
                for field, (version, sealed) in fields.items()
            },
        )
        for person_id, fields in named.items()
        if person_id not in keyless
    ]


async def kept_of(
    unit: UnitOfWork, keys: PersonKeys, person_id: UUID, versions: Sql
) -> tuple[list[asyncpg.Record], PersonKey | None]:
    """What the rows of this statement hold sealed of a person, and the key that opens it, None where there are no rows.

    `NotFound` if the person was erased between the two statements, `Unsealed` if the key is gone by anything else.
    """
    rows = await unit.rows(versions, person_id=person_id)
    key = await keys.key_of(unit, person_id) if rows else None
    if rows and key is None:
        # A key goes in the same statement as what was sealed under it.
        raise Unsealed if await unit.rows(versions, person_id=person_id) else NotFound
    return rows, key


async def found(
    unit: UnitOfWork, keys: PersonKeys, person_id: UUID, how_far: Shown, *, with_versions: bool
) -> IdentityView:
    """Who a person is, shown so far; `Unsealed` if anything of it does not stand where it was sealed, else as `kept_of`."""
    rows, key = await kept_of(unit, keys, person_id, _VERSIONS)
    latest: dict[IdentityField, str] = {}
    versions: list[IdentityVersion] = []
    for row in rows:
        assert key is not None
        texts = _opened(key, person_id, dict(row))
        corrected = tuple(field for field in texts if field in latest)
        latest = _after(latest, texts, dict(row))
        versions.append(
            IdentityVersion(
                number=row["number"], recorded_by=row["recorded_by"], recorded_at=row["recorded_at"], stated=row["stated"],
                corrected=corrected, emptied=row["emptied"], reason=row["reason"], identity=shown(identity_of(texts), how_far),
            )
        )
    return IdentityView(
        person_id=person_id, number=len(versions), shown=how_far,
        known=tuple(field for field in FIELDS if field in latest), identity=shown(identity_of(latest), how_far),
        versions=versions if with_versions else [],
    )  # fmt: skip


async def latest(unit: UnitOfWork, keys: PersonKeys, person_ids: Sequence[UUID]) -> dict[UUID, Identity]:
    """Who each of these persons is believed to be now, of those of whom anything is kept; `Unsealed` as above."""
    return {person_id: identity_of(texts) for person_id, texts in (await latest_texts(unit, keys, person_ids)).items()}


async def latest_texts(
    unit: UnitOfWork, keys: PersonKeys, person_ids: Sequence[UUID]
) -> dict[UUID, dict[IdentityField, str]]:
    """The same as the texts that were sealed."""
    rows = await unit.rows(_OF_SEVERAL, person_ids=list(person_ids)) if person_ids else []
    their_keys = await keys.keys_of(unit, {row["person_id"] for row in rows})
    texts: dict[UUID, dict[IdentityField, str]] = {}
    for row in rows:
        person_id = row["person_id"]
        key = their_keys.get(person_id)
        if key is None:
            raise Unsealed
        texts[person_id] = _after(texts.get(person_id, {}), _opened(key, person_id, dict(row)), dict(row))
    return texts


def _after(
    before: Mapping[IdentityField, str], stated: Mapping[IdentityField, str], row: Mapping[str, Any]
) -> dict[IdentityField, str]:
    return {field: text for field, text in {**before, **stated}.items() if field not in row["emptied"]}


def told(key: PersonKey, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """What one row states, for the person themselves; `Unsealed` if it does not stand where it was sealed."""
    stated = {field: json.loads(text) for field, text in _opened(key, UUID(row["person_id"]), row).items()}
    # Whoever has none would otherwise read nothing there.
    return stated | ({"stateless": True} if stated.get("nationalities") == [] else {})


def _opened(key: PersonKey, person_id: UUID, row: Mapping[str, Any]) -> dict[IdentityField, str]:
    return {
        field: opened(key, _place(person_id, row["version"], field), bytes(row[field]))
        for field in FIELDS
        if row[field] is not None
    }


def _place(person_id: UUID, version: int, field: IdentityField) -> Place:
    return Place("counselling", _TABLE, field, person_id, person_id, version)


CHECKS: tuple[Check, ...] = (
    Check(
        "identities",
        Sql(
            "SELECT coalesce(i.person_id, e.subject) FROM (SELECT person_id, version, number, stated, emptied, reason, "
            f"recorded_by, recorded_at FROM identities WHERE person_id = {ASKED}) i FULL JOIN "
            "(SELECT subject, aggver, actorid, time, cast(convert_from(leaf, 'UTF8') AS jsonb) -> 'data' AS data "
            f"FROM {LOG_OF_ASKED} e WHERE type = 'avrr.counselling.person.identity_recorded.v1' "
            f"AND subject NOT IN (SELECT id FROM persons WHERE id = {ASKED} AND erased_at IS NOT NULL)) e "
            "ON e.subject = i.person_id AND e.aggver = i.version AND cast(e.data ->> 'number' AS integer) = i.number "
            "AND e.data -> 'stated' = to_jsonb(i.stated) "
            "AND coalesce(e.data -> 'emptied', '[]'::jsonb) = to_jsonb(i.emptied) AND e.data ->> 'reason' IS NOT DISTINCT FROM i.reason "
            "AND e.actorid = i.recorded_by AND e.time = i.recorded_at "
            "WHERE i.person_id IS NULL OR e.subject IS NULL"
        ),
        by_id=True,
    ),
    # One of nobody is found here, and not by the person.
    Check(
        "sites of identities",
        Sql(
            "SELECT i.person_id FROM identities i LEFT JOIN persons p ON p.id = i.person_id AND p.site = i.site "
            "WHERE p.id IS NULL"
        ),
    ),
)
