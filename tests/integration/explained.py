"""What a check by id reads, as the database means to go about it: by the ids that it is asked for, or something from end to end."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.db import Database, Scope, Sql
from shared.ids import uuid7
from shared.verify import Check

# By an id or by a place in the log; by a kind of events alone a log of millions is read for one aggregate.
_BY_ID = re.compile(r"\b(?:\w*id|subject|about|idx)\)? = ")


async def read_whole(database: Database, check: Check) -> list[str]:
    """The tables that a check would read from end to end for one id, if there is any other way for the database at all."""
    assert check.by_id, check.name
    explained = Sql("SELECT 1")
    explained.text, explained._names = f"EXPLAIN (FORMAT JSON) {check.sql.text}", check.sql._names
    async with database.unit_of_work(Scope("verify")) as unit:
        await unit.rows(Sql("SELECT set_config('enable_seqscan', 'off', true)"))
        (row,) = await unit.rows(explained, ids=[uuid7()])
    (plan,) = json.loads(row[0])
    return sorted({f"{one.get('Relation Name') or one['Index Name']}: {said}" for one in _nodes(plan["Plan"]) if (said := _whole(one))})


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for one in node.get("Plans", ()):
        yield from _nodes(one)


def _whole(node: Mapping[str, Any]) -> str | None:
    """How a node reads more than what it is asked for, None where it does not, or reads nothing itself."""
    if node["Node Type"] == "Seq Scan":
        return "all of it"
    if node["Node Type"] not in ("Index Scan", "Index Only Scan", "Bitmap Index Scan"):
        return None
    condition = node.get("Index Cond", "all of it")
    return None if _BY_ID.search(condition) else condition
