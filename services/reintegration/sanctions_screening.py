"""Payees held against the lists of sanctions: each list is read once and kept ready, so that a name takes some milliseconds."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.reintegration import payee_details
from services.reintegration.domain.alike import MATCHER, Names
from services.reintegration.domain.payee_state import Payee
from services.reintegration.domain.sanctions import Entry
from shared.contracts.sanctions import Hit
from shared.db import Sql, UnitOfWork, Write

# Of each name the version that counts, and beside it the one that waits for a second person: what that adds holds already.
NEWEST: Final = (
    "(SELECT DISTINCT ON (list_name) id, list_name FROM sanctions_lists WHERE counts_since IS NOT NULL "
    "ORDER BY list_name, counts_since DESC, id DESC) UNION ALL "
    "SELECT id, list_name FROM sanctions_lists WHERE counts_since IS NULL AND dropped_at IS NULL"
)
_LISTS = Sql(f"SELECT id, list_name FROM ({NEWEST}) l ORDER BY id")
_ENTRIES = Sql("SELECT entry_id, names FROM sanctions_entries WHERE list_id = :list_id")
_KEEP = Sql(
    "INSERT INTO sanctions_entries (list_id, entry_id, names, born, country) SELECT cast(:list_id AS uuid), e.* FROM "
    "unnest(cast(:entry_ids AS text[]), cast(:names AS text[]), cast(:born AS text[]), cast(:countries AS text[])) e"
)
# Whoever has another account or name than was screened, or was screened before a list that counts now, or by other rules.
DUE = Sql(
    f"WITH newest AS (SELECT ARRAY(SELECT id FROM ({NEWEST}) l ORDER BY id) AS ids) SELECT p.id FROM payees p, newest "
    "WHERE newest.ids <> '{}' AND p.status NOT IN ('closed', 'blocked') AND p.id > :after "
    "AND cast(:now AS timestamptz) IS NOT NULL AND NOT EXISTS (SELECT FROM persons e WHERE e.id = p.person_id) "
    f"AND (NOT newest.ids <@ p.screened_lists OR p.screened_with < {MATCHER} OR p.screened_no IS DISTINCT FROM "
    "coalesce(cast(p.change ->> 'account_no' AS integer), p.confirmed_no, 1)) ORDER BY p.id LIMIT :limit"
)
# A list never changes once it was brought, so that what was made ready of it never grows old.
_MOST_READY: Final = 12
_READY: Final[OrderedDict[UUID, Names]] = OrderedDict()


async def newest_lists(unit: UnitOfWork) -> tuple[UUID, ...]:
    """The lists that payees are held against now, in the order of their ids: of each name what counts and what waits."""
    return tuple(row["id"] for row in await unit.rows(_LISTS))


async def found(unit: UnitOfWork, payee_id: UUID, payee: Payee) -> tuple[tuple[UUID, ...], tuple[Hit, ...]]:
    """The lists that payees are held against now, and their entries that the names of this one are like. `Unsealed` as for a reading.

    An entry that two versions of a list have is found once, in the newer one.
    """
    lists = await unit.rows(_LISTS)
    names = await _names_of(unit, payee_id, payee)
    hits: dict[tuple[str, str], Hit] = {}
    for row in lists:
        ready = await _ready(unit, row["id"])
        alike = {entry_id: how for name in names for entry_id, how in sorted(ready.like(name).items())}
        for entry_id, how in sorted(alike.items()):
            hits[row["list_name"], entry_id] = Hit(list_id=row["id"], list_name=row["list_name"], entry_id=entry_id, how=how)
    return tuple(row["id"] for row in lists), tuple(hits.values())


def kept(list_id: UUID, entries: Sequence[Entry]) -> Sequence[Write]:
    """The write that keeps a list beside the fact that it was brought."""
    values = {
        "list_id": list_id, "entry_ids": [one.entry_id for one in entries], "names": ["\n".join(one.names) for one in entries],
        "born": [one.born for one in entries], "countries": [one.country for one in entries],
    }  # fmt: skip
    return (Write(_KEEP, values, len(entries)),)


async def _names_of(unit: UnitOfWork, payee_id: UUID, payee: Payee) -> list[str]:
    numbers = {payee.confirmed_no or 1, payee.newest_live_no}
    details = [await payee_details.found(unit, unit.keys, payee_id, number) for number in sorted(numbers)]
    return list(dict.fromkeys(one.holder for one in details if one is not None))


async def _ready(unit: UnitOfWork, list_id: UUID) -> Names:
    if list_id not in _READY:
        rows = await unit.rows(_ENTRIES, list_id=list_id)
        pairs = [(row["entry_id"], name) for row in rows for name in row["names"].split("\n")]
        _READY[list_id] = await asyncio.to_thread(Names, pairs)
        while len(_READY) > _MOST_READY:
            _READY.popitem(last=False)
    return _READY[list_id]
