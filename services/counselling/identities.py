"""Where it is kept who a person is, sealed: written with the event that says so, read as far as its reader may see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from services.counselling.domain.identity import (
    FIELDS,
    Identity,
    RecordIdentity,
    Shown,
    identity_of,
    shown,
    stated_by,
    texts_of,
)
from services.counselling.queries import COUNSELS
from shared.contracts.access import ReadingPurpose
from shared.contracts.counselling import CorrectionReason, IdentityField
from shared.db import Sql, UnitOfWork, Write
from shared.handling import Handled
from shared.messages import Context
from shared.policy import Reach
from shared.private import PersonKey, PersonKeys, Place, Unsealed, opened, seal
from shared.verify import Check

_TABLE: Final = "identities"
_SEALED: Final = ", ".join(FIELDS)

# The site is the person's, so that row security opens this where the person is registered. Within one statement the
# person is seen as before it.
_KEEP = Sql(
    f"INSERT INTO identities (person_id, version, number, site, recorded_by, recorded_at, stated, reason, {_SEALED}) "
    "SELECT id, cast(:version AS integer), identity_number + 1, site, cast(:recorded_by AS text), "
    "cast(:recorded_at AS timestamptz), cast(:stated AS text[]), cast(:reason AS text), "
    + ", ".join(f"cast(:{field} AS bytea)" for field in FIELDS)
    + " FROM persons WHERE id = :person_id"
)
_VERSIONS = Sql(
    f"SELECT version, number, recorded_by, recorded_at, stated, reason, {_SEALED} FROM identities "
    "WHERE person_id = :person_id ORDER BY version"
)
_READER = Sql(f"SELECT p.site, {COUNSELS} AS counsels FROM persons p WHERE p.id = :person_id")


class IdentityVersion(BaseModel):
    """What one version stated, of whom it was learnt when, and why if it corrected something."""

    number: int
    recorded_by: str
    recorded_at: datetime
    stated: tuple[IdentityField, ...]
    corrected: tuple[IdentityField, ...]
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
            "recorded_at": context.now, "stated": list(stated_by(command)), "reason": command.reason,
        }  # fmt: skip
        return (Write(_KEEP, {**values, **sealed}),)

    return writes


async def reader_of(unit: UnitOfWork, person_id: UUID, actor_id: str) -> Reader | None:
    """How this actor stands to a person; None if there is no such person."""
    row = await unit.row(_READER, person_id=person_id, actor_id=actor_id)
    return Reader(row["site"], row["counsels"]) if row else None


async def found(
    unit: UnitOfWork, keys: PersonKeys, person_id: UUID, how_far: Shown, *, with_versions: bool
) -> IdentityView:
    """Who a person is, shown so far; `Unsealed` if anything of it does not stand where it was sealed."""
    rows = await unit.rows(_VERSIONS, person_id=person_id)
    key = await keys.key_of(unit, person_id) if rows else None
    if rows and key is None:
        raise Unsealed
    latest: dict[IdentityField, str] = {}
    versions: list[IdentityVersion] = []
    for row in rows:
        assert key is not None
        texts = _opened(key, person_id, dict(row))
        corrected = tuple(field for field in texts if field in latest)
        latest |= texts
        versions.append(
            IdentityVersion(
                number=row["number"], recorded_by=row["recorded_by"], recorded_at=row["recorded_at"], stated=row["stated"],
                corrected=corrected, reason=row["reason"], identity=shown(identity_of(texts), how_far),
            )
        )
    return IdentityView(
        person_id=person_id, number=len(versions), shown=how_far,
        known=tuple(field for field in FIELDS if field in latest), identity=shown(identity_of(latest), how_far),
        versions=versions if with_versions else [],
    )  # fmt: skip


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
            "SELECT coalesce(i.person_id, e.subject) FROM identities i FULL JOIN (SELECT subject, aggver, actorid, time, "
            "cast(convert_from(leaf, 'UTF8') AS jsonb) -> 'data' AS data FROM event_log "
            "WHERE type = 'avrr.counselling.person.identity_recorded.v1') e "
            "ON e.subject = i.person_id AND e.aggver = i.version AND cast(e.data ->> 'number' AS integer) = i.number "
            "AND e.data -> 'stated' = to_jsonb(i.stated) AND e.data ->> 'reason' IS NOT DISTINCT FROM i.reason "
            "AND e.actorid = i.recorded_by AND e.time = i.recorded_at "
            "WHERE i.person_id IS NULL OR e.subject IS NULL"
        ),
    ),
    Check(
        "sites of identities",
        Sql(
            "SELECT i.person_id FROM identities i LEFT JOIN persons p ON p.id = i.person_id AND p.site = i.site "
            "WHERE p.id IS NULL"
        ),
    ),
)
