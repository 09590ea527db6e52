"""What caused an archived event and what it caused, in any log, with each link held against the bytes of both."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Self
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.audit.searching import COLUMNS, SET_APART_LAST, ArchivedEntry, envelope_of, id_of
from shared.db import Sql

MOST_EFFECTS: Final = 100

EFFECTS = Sql(
    f"SELECT {COLUMNS} FROM archive_entries e WHERE e.causationid = :id ORDER BY {SET_APART_LAST} LIMIT {MOST_EFFECTS + 1}"
)
# Of each the one whose hash is named, however many others have its id.
CAUSES = Sql(
    f"SELECT {COLUMNS} FROM unnest(cast(:ids AS uuid[]), cast(:hashes AS bytea[])) AS named(id, hash) "
    "CROSS JOIN LATERAL (SELECT * FROM archive_entries e WHERE e.id = named.id "
    f"ORDER BY e.leaf_hash = named.hash DESC NULLS LAST, {SET_APART_LAST} LIMIT 1) e"
)
_HASH: Final = re.compile("[0-9a-f]{64}")


class CauseLink(BaseModel):
    """What an event names as its cause: by id, and by the hash that its leaf had.

    ``entry`` is the archived event of this id, None if no log has one; ``agrees`` says whether its hash is the one that is
    named, None where there are no two to compare.
    """

    id: UUID
    leaf_hash: str | None
    entry: ArchivedEntry | None
    agrees: bool | None

    @classmethod
    def of(cls, leaf: bytes, cause: asyncpg.Record | None) -> Self | None:
        """The link in these bytes to the archived event that it names; None if they name none."""
        said = envelope_of(leaf)
        named, hashed = id_of(said.get("causationid")), said.get("causeleafhash")
        if named is None:
            return None
        stated = hashed if isinstance(hashed, str) else None
        entry = ArchivedEntry.of(cause) if cause is not None else None
        agrees = _agrees(stated, entry.leaf_hash) if entry is not None else None
        return cls(id=named, leaf_hash=stated, entry=entry, agrees=agrees)


class Effect(BaseModel):
    """An event that names another as its cause, and whether by the hash that the other has; None where it names no hash."""

    entry: ArchivedEntry
    agrees: bool | None


class Links(BaseModel):
    """One event's cause and its effects, as many as are shown at most; ``more`` says that there are further ones."""

    cause: CauseLink | None
    effects: list[Effect]
    more: bool


def effects_of(event_id: UUID, leaf_hash: str, rows: list[asyncpg.Record]) -> list[Effect]:
    """The effects among rows of `EFFECTS`: those whose envelope names the event."""
    found = []
    for row in rows:
        said = envelope_of(bytes(row["leaf"]))
        if id_of(said.get("causationid")) == event_id:
            stated = said.get("causeleafhash")
            found.append(Effect(entry=ArchivedEntry.of(row), agrees=_agrees(stated if isinstance(stated, str) else None, leaf_hash)))
    return found


def causes_named(leaves: Iterable[bytes]) -> Mapping[str, object]:
    """What `CAUSES` is asked for, so that it finds what these events name as their causes."""
    named: dict[tuple[UUID, bytes | None], None] = {}
    for leaf in leaves:
        said = envelope_of(leaf)
        id, hashed = id_of(said.get("causationid")), said.get("causeleafhash")
        if id is not None:
            named[id, bytes.fromhex(hashed) if isinstance(hashed, str) and _HASH.fullmatch(hashed) else None] = None
    return {"ids": [id for id, _ in named], "hashes": [hashed for _, hashed in named]}


def cause_among(leaf: bytes, rows: Iterable[asyncpg.Record]) -> asyncpg.Record | None:
    """The row of the event that these bytes name as their cause: of several with its id the one whose hash they name."""
    said = envelope_of(leaf)
    named, hashed = id_of(said.get("causationid")), said.get("causeleafhash")
    meant = [row for row in rows if row["id"] == named]
    return next((row for row in meant if row["leaf_hash"].hex() == hashed), meant[0] if meant else None)


def _agrees(stated: str | None, held: str) -> bool | None:
    return None if stated is None else stated == held
