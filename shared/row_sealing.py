"""What the rows of a service keep sealed, sealed anew under its newest key: the last a former key is needed for."""

import json
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

import asyncpg

from shared.aggregate import AnyAggregate
from shared.db import Database, Scope, Sql, UnitOfWork, Write
from shared.handling import opened_fingerprint, sealed_fingerprint
from shared.ledger import opened_disclosure, rows_of, sealed_disclosure
from shared.row_keys import Opening, RowKey
from shared.sealing import Unsealed

_MOST: Final = 500
_NOBODY: Final = UUID(int=0)

_DISCLOSURES = Sql(
    "SELECT event_id, path, salt, value FROM disclosure WHERE (event_id, path) > (:event_id, :path) "
    f"ORDER BY event_id, path LIMIT {_MOST} FOR UPDATE"
)
_DISCLOSE_ANEW = Sql(
    "UPDATE disclosure d SET salt = '', value = anew.value FROM unnest(cast(:event_ids AS uuid[]), cast(:paths AS text[]), "
    "cast(:values AS text[])) anew(event_id, path, value) WHERE d.event_id = anew.event_id AND d.path = anew.path"
)
_ANSWERS = Sql(
    "SELECT actor_id, key, fingerprint FROM idempotency WHERE (actor_id, key) > (:actor_id, :key) "
    f"ORDER BY actor_id, key LIMIT {_MOST} FOR UPDATE"
)
_ANSWER_ANEW = Sql(
    "UPDATE idempotency i SET fingerprint = anew.fingerprint FROM unnest(cast(:actor_ids AS text[]), cast(:keys AS text[]), "
    "cast(:fingerprints AS bytea[])) anew(actor_id, key, fingerprint) WHERE i.actor_id = anew.actor_id AND i.key = anew.key"
)


async def seal_anew(database: Database, scope: Scope, service: str, aggregates: Sequence[AnyAggregate]) -> int:
    """Seals whatever is not sealed under the newest key, or not at all, and says how many rows that was.

    ``database`` is that of the service's owner, who sees and may change every row; a version is not touched. Harmless when
    repeated or broken off. `Unsealed` if something does not stand where it was sealed, but for what was asked under a key of answers.
    """
    total = 0
    for aggregate in aggregates:
        if aggregate.sealed:
            sweep = _Rows(aggregate)
            total += await _swept(database, scope, sweep.part)
    total += await _swept(database, scope, _Disclosures(service).part)
    return total + await _swept(database, scope, _Answers(service).part)


async def _swept(database: Database, scope: Scope, part: Callable[[UnitOfWork], Awaitable[tuple[int, bool]]]) -> int:
    total, more = 0, True
    while more:
        sealed, more = await database.attempt(scope, part)
        total += sealed
    return total


class _Rows:
    """The rows of one aggregate, in the order of their ids."""

    def __init__(self, aggregate: AnyAggregate) -> None:
        self._rows = rows_of(aggregate)
        table, names = aggregate.table.name, [part.column for part in aggregate.sealed]
        self._after = _NOBODY
        self._found = Sql(
            f"SELECT t.id, to_jsonb(t)::text AS body FROM {table} t WHERE t.id > :after ORDER BY t.id LIMIT {_MOST} FOR UPDATE"
        )
        columns = ", ".join(f"{name} = kept.{name}" for name in names)
        self._anew = Sql(
            f"UPDATE {table} t SET {columns} FROM unnest(cast(:ids AS uuid[]), cast(:rows AS text[])) anew(id, body) "
            f"CROSS JOIN LATERAL jsonb_populate_record(NULL\\:\\:{table}, cast(anew.body AS jsonb)) kept WHERE t.id = anew.id"
        )

    async def part(self, unit: UnitOfWork) -> tuple[int, bool]:
        """Seals the next rows; says how many it changed and whether there may be more."""
        key = await unit.keys.rows.newest(unit)
        rows = await unit.rows(self._found, after=self._after)
        opening = await unit.keys.rows.opening(unit, [row["body"] for row in rows])
        kept = {row["id"]: body for row in rows if (body := self._sealed(row, key, opening)) is not None}
        if kept:
            unit.write(Write(self._anew, {"ids": list(kept), "rows": list(kept.values())}, len(kept)))
            await unit.flush()
        self._after = rows[-1]["id"] if rows else self._after
        return len(kept), len(rows) == _MOST

    def _sealed(self, row: asyncpg.Record, key: RowKey, opening: Opening) -> str | None:
        parts, body = self._rows.parts, json.loads(row["body"], parse_float=Decimal)
        if parts.are_under(key, body):
            return None
        told = parts.open(opening, row["id"], body["version"], body)
        return json.dumps(parts.seal(key, row["id"], body["version"], told), default=str)


class _Disclosures:
    """What is concealed beside the log, in the order of its events."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._after = (_NOBODY, "")

    async def part(self, unit: UnitOfWork) -> tuple[int, bool]:
        """As `_Rows.part`."""
        key = await unit.keys.rows.newest(unit)
        rows = await unit.rows(_DISCLOSURES, event_id=self._after[0], path=self._after[1])
        opening = await unit.keys.rows.opening(unit, [row["value"] for row in rows])
        stale = [row for row in rows if not key.sealed(row["value"])]
        if stale:
            told = [
                opened_disclosure(self._service, opening, row["event_id"], row["path"], row["value"], row["salt"])
                for row in stale
            ]
            values = {
                "event_ids": [row["event_id"] for row in stale], "paths": [row["path"] for row in stale],
                "values": [
                    sealed_disclosure(self._service, key, row["event_id"], one) for row, one in zip(stale, told, strict=True)
                ],
            }  # fmt: skip
            unit.write(Write(_DISCLOSE_ANEW, values, len(stale)))
            await unit.flush()
        if rows:
            self._after = (rows[-1]["event_id"], rows[-1]["path"])
        return len(stale), len(rows) == _MOST


class _Answers:
    """What was asked under the keys of answers, in the order of who asked."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._after = ("", "")

    async def part(self, unit: UnitOfWork) -> tuple[int, bool]:
        """As `_Rows.part`."""
        key = await unit.keys.rows.newest(unit)
        rows = await unit.rows(_ANSWERS, actor_id=self._after[0], key=self._after[1])
        stale = [row for row in rows if not key.sealed(bytes(row["fingerprint"]).decode("ascii", "ignore"))]
        if stale:
            sealed = []
            for row in stale:
                asked = (row["actor_id"], row["key"])
                try:
                    bare = await opened_fingerprint(unit, self._service, *asked, bytes(row["fingerprint"]))
                except Unsealed:
                    # Nobody can tell what was asked; the key stays taken, and no repeat of anything is told by it.
                    bare = b""
                sealed.append(sealed_fingerprint(self._service, key, *asked, bare))
            values = {
                "actor_ids": [row["actor_id"] for row in stale], "keys": [row["key"] for row in stale],
                "fingerprints": sealed,
            }  # fmt: skip
            unit.write(Write(_ANSWER_ANEW, values, len(stale)))
            await unit.flush()
        if rows:
            self._after = (rows[-1]["actor_id"], rows[-1]["key"])
        return len(stale), len(rows) == _MOST
