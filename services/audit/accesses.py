"""Who looked at whom and who was refused what, over all logs: out of the access events that every service records."""

from functools import cache
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.audit.searching import (
    COLUMNS,
    MENTIONED,
    ArchivedEntry,
    envelope_of,
    id_of,
    newest_first,
    older,
)
from shared.contracts.access import (
    AccessRefused,
    EntriesRead,
    ExportTaken,
    RecordRead,
    RefusalsCounted,
    StatusAsked,
    VoucherOpened,
)
from shared.db import Sql
from shared.topology import LOGS

_NAMES: Final = tuple(service.name for service in LOGS)
# What tells that somebody was shown something, and what that they were not.
READ_KINDS: Final = [
    kind.kind_in(name) for kind in (RecordRead, StatusAsked, ExportTaken, VoucherOpened, EntriesRead) for name in _NAMES
]
REFUSED_KINDS: Final = [AccessRefused.kind_in(name) for name in _NAMES]

_COUNTED: Final = [RefusalsCounted.kind_in(name) for name in _NAMES]
REPEATS = Sql(
    f"SELECT {COLUMNS} FROM archive_entries e WHERE e.subject = ANY (cast(:subjects AS uuid[])) AND e.type = ANY (cast(:kinds AS text[]))"
)

_FILTERS: Final = {"actor": "e.actorid = :actor", "code": "e.reason = :code"}


class Reading(BaseModel):
    """Somebody was shown something: by which operation, about what, what for, and what a search came upon."""

    entry: ArchivedEntry
    operation: str
    about: UUID | None
    shown: list[UUID]
    purpose: str | None

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        """The reading that this row's bytes tell of."""
        said = _said(row)
        told = [one.get("case_id") for one in _list(said.get("told")) if isinstance(one, dict)]
        # An opened voucher names the grant and the sample by which it was opened.
        named = (*_list(said.get("shown")), *told, said.get("grant_id"), said.get("sample_id"))
        shown = [id for one in named if (id := id_of(one)) is not None]
        return cls(
            entry=ArchivedEntry.of(row), operation=_text(said.get("operation")), about=id_of(said.get("about")), shown=shown,
            purpose=_text(said.get("purpose")) or None,
        )  # fmt: skip


class RefusedAccess(BaseModel):
    """Somebody was refused: what they asked for, about what, by which code, and how often they tried again in that minute."""

    entry: ArchivedEntry
    operation: str
    about: UUID | None
    code: str
    repeats: int

    @classmethod
    def of(cls, row: asyncpg.Record, counted: asyncpg.Record | None) -> Self:
        """The refusal that this row's bytes tell of, with the event that counts its repeats if there is one."""
        said, repeats = _said(row), _said(counted).get("repeats") if counted is not None else None
        return cls(
            entry=ArchivedEntry.of(row), operation=_text(said.get("operation")), about=id_of(said.get("about")),
            code=_text(said.get("code")), repeats=repeats if isinstance(repeats, int) else 0,
        )  # fmt: skip


@cache
def accesses(names: frozenset[str]) -> Sql:
    """The statement that finds accesses of some kinds, newest first, narrowed by ``about``, ``actor`` and ``code``."""
    narrowed = "".join(f" AND {condition}" for name, condition in _FILTERS.items() if name in names)
    if "about" in names:
        return Sql(
            f"SELECT {COLUMNS} FROM {MENTIONED} WHERE m.about = ANY (ARRAY[cast(:about AS uuid)]) AND m.access "
            f"AND {older('m')} AND m.type = ANY (cast(:kinds AS text[])) AND e.type = m.type{narrowed} "
            f"ORDER BY m.about DESC, {newest_first('m')} LIMIT :limit"
        )
    if "code" in names and "actor" not in names:
        return Sql(
            f"SELECT {COLUMNS} FROM archive_entries e WHERE e.reason = ANY (ARRAY[cast(:code AS text)]) "
            f"AND {older('e')} AND e.type = ANY (cast(:kinds AS text[])) "
            f"ORDER BY e.reason DESC, {newest_first('e')} LIMIT :limit"
        )
    # Of each kind as many as are shown, so that whichever they are of, an index is walked that far and no further.
    return Sql(
        f"SELECT e.* FROM unnest(cast(:kinds AS text[])) k(kind) CROSS JOIN LATERAL (SELECT {COLUMNS} FROM archive_entries e "
        f"WHERE e.type = k.kind{narrowed} AND {older('e')} ORDER BY {newest_first('e')} LIMIT :limit) e "
        f"ORDER BY {newest_first('e')} LIMIT :limit"
    )


def refused(rows: list[asyncpg.Record], counted: list[asyncpg.Record]) -> list[RefusedAccess]:
    """The refusals of these rows, each with its repeats among the rows of `REPEATS`."""
    again = {row["subject"]: row for row in counted}
    return [RefusedAccess.of(row, again.get(row["subject"])) for row in rows]


def repeats_of(rows: list[asyncpg.Record]) -> dict[str, Any]:
    """The values of `REPEATS` for these refusals."""
    return {"subjects": [row["subject"] for row in rows], "kinds": _COUNTED}


def _said(row: asyncpg.Record) -> dict[str, Any]:
    data = envelope_of(bytes(row["leaf"])).get("data")
    return data if isinstance(data, dict) else {}


# What an archived event says was checked where it was recorded; an auditor is shown it also where somebody wrote otherwise.
def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
