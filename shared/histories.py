"""What happened to one aggregate, as its log says it, with what that conceals put back: for whoever is shown former versions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.aggregate import AnyAggregate
from shared.db import Sql, UnitOfWork
from shared.ledger import opened_disclosure
from shared.messages import Event

_OF_KINDS = Sql(
    "SELECT id, aggver, type, leaf FROM event_log WHERE subject = :subject AND aggver < :before "
    "AND type = ANY (cast(:types AS text[])) ORDER BY aggver DESC LIMIT :limit"
)
_NTH = Sql(
    "SELECT aggver FROM event_log WHERE subject = :subject AND type = ANY (cast(:types AS text[])) "
    "ORDER BY aggver OFFSET :number LIMIT 1"
)
_CONCEALED = Sql("SELECT event_id, path, value FROM concealed_in(cast(:events AS uuid[]))")
# Above every version that an aggregate comes to.
NEWEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact with the aggregate's version that it made and when it was recorded."""

    version: int
    recorded_at: datetime
    event: Event


async def made_by(
    unit: UnitOfWork, aggregate: AnyAggregate, id: UUID, kinds: Sequence[type[Event]], number: int
) -> int:
    """The aggregate's version that the fact of these kinds made which is the ``number``-th, 1 the first; `NEWEST` if there is none.

    For whoever is told how many such facts there were and not how many there were of others; as `history` otherwise.
    """
    types = [kind.kind_in(aggregate.service) for kind in kinds]
    row = await unit.row(_NTH, subject=id, types=types, number=number - 1)
    return int(row["aggver"]) if row is not None else NEWEST


async def history(
    unit: UnitOfWork, aggregate: AnyAggregate, id: UUID, kinds: Sequence[type[Event]], before: int, limit: int
) -> list[Entry]:
    """The facts of these kinds about one aggregate before one of its versions, newest first; what was erased stays concealed.

    The transaction has to be one that may read the log, and the caller answers for who may know of the aggregate. That
    values are those that were concealed `verify` proves.
    """
    types = {kind.kind_in(aggregate.service): kind for kind in kinds}
    rows = await unit.rows(_OF_KINDS, subject=id, types=list(types), before=before, limit=limit)
    concealed = await unit.rows(_CONCEALED, events=[row["id"] for row in rows])
    opening = await unit.keys.rows.opening(unit, [row["value"] for row in concealed])
    values: dict[UUID, dict[str, str]] = {}
    for row in concealed:
        told = opened_disclosure(aggregate.service, opening, row["event_id"], row["path"], row["value"])
        values.setdefault(row["event_id"], {})[told.path] = told.value
    entries = []
    for row in rows:
        leaf = json.loads(bytes(row["leaf"]))
        data = _put_back(leaf["data"], values.get(row["id"], {}), "")
        entries.append(
            Entry(row["aggver"], datetime.fromisoformat(leaf["time"]), types[row["type"]].model_validate(data))
        )
    return entries


async def concealed_at(unit: UnitOfWork, path: str, events: Sequence[UUID]) -> dict[UUID, str]:
    """What each of these events conceals at this place; of one that conceals nothing there, or whose person was erased, none.

    As `history`, also in whom the transaction and the caller answer for.
    """
    rows = [row for row in await unit.rows(_CONCEALED, events=list(events)) if row["path"] == path]
    opening = await unit.keys.rows.opening(unit, [row["value"] for row in rows])
    service = unit.keys.service
    return {row["event_id"]: opened_disclosure(service, opening, row["event_id"], path, row["value"]).value for row in rows}


def _put_back(said: Any, values: Mapping[str, str], path: str) -> Any:
    if path in values:
        return {"value": values[path]}
    if isinstance(said, dict):
        return {name: _put_back(value, values, f"{path}.{name}" if path else name) for name, value in said.items()}
    if isinstance(said, list):
        return [_put_back(value, values, f"{path}.{place}") for place, value in enumerate(said)]
    return said
