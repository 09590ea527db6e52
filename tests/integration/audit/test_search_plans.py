"""Every search of the archive walks an index: of a large archive it reads about as many rows as it shows."""

import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.audit import accesses, chains, exception_queries, linking, searching
from services.audit.exceptions import RULES
from services.audit.searching import NEWEST, Asked, Place
from shared.db import Sql
from tests.integration.conftest import MakeDatabase

ENTRIES = int(os.environ.get("AVRR_ARCHIVED_ENTRIES", "20000"))
SHOWN = 51
MIDDLE = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=ENTRIES // 2)
# A search by one thing reads what it shows; one by several drops what the others leave out, and ours have plenty of all.
MOST_READ = 40 * SHOWN
# Of twelve kinds as many as are shown are read, and once more to put them in order.
READ_FOR_KINDS = 12 * 4 * SHOWN
# Two thousand are named by turns. Of what names one of them, as many may be looked at as there are.
OF_ONE_ID = MOST_READ + 6 * ENTRIES // 2000
CASE, ACTOR, KIND, REASON = UUID(int=7), "staff:7", "avrr.returns.case.opened.v1", "no_show"
FILTERS: dict[str, Any] = {"about": CASE, "log": "returns", "kind": KIND, "subject": CASE, "case": CASE, "actor": ACTOR, "reason": REASON}

_FILL = """
INSERT INTO archive_entries (log, idx, id, type, subject, partitionkey, actorid, time, reason, leaf, leaf_hash)
SELECT (ARRAY['counselling', 'returns', 'reintegration', 'audit'])[1 + n % 4], n / 4, gen_random_uuid(),
  CASE WHEN n % 5 = 0 THEN 'avrr.returns.case.opened.v1' WHEN n % 97 = 1 THEN 'avrr.returns.access.refused.v1'
    WHEN n % 10 = 1 THEN 'avrr.' || (ARRAY['counselling', 'returns', 'reintegration', 'audit'])[1 + n % 4] || '.access.record_read.v1' ELSE 'avrr.returns.case.kind_' || n % 40 || '.v1' END,
  lpad(to_hex(n % 2000), 32, '0')::uuid, lpad(to_hex(n % 2000), 32, '0')::uuid, 'staff:' || n % 200,
  timestamptz '2026-01-01' + n * interval '1 second', CASE WHEN n % 97 = 1 THEN 'not_permitted' WHEN n % 3 = 0 THEN 'no_show' END,
  convert_to('{"n":' || n || ',"subject":"' || lpad(to_hex(n % 2000), 32, '0')::uuid || '"}', 'UTF8'), sha256(convert_to(n::text, 'UTF8'))
FROM generate_series($1::integer, $2::integer - 1) n
"""
# So many are put in by one statement: millions by one alone would come to its time limit.
_AT_A_TIME = 250_000
_FIND = """
INSERT INTO archive_exceptions (rules, kind, log, idx, id, time, subject, partitionkey, actorid, beside, number, day)
SELECT $1::integer, (ARRAY['same_day', 'out_of_hours', 'edited_after_approval', 'many_reads', 'by_deputy'])[1 + idx % 5], log, idx, id, time,
  subject, partitionkey, actorid, ARRAY[id], NULL, time::date
FROM archive_entries WHERE idx % 10 < 5
"""


@pytest.fixture(scope="module")
async def filled(same_database: MakeDatabase) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    made = await same_database("audit")
    connection = await asyncpg.connect(made.logins.migrate)
    await connection.execute("SET ROLE audit_owner")
    for begin in range(0, ENTRIES, _AT_A_TIME):
        await connection.execute(_FILL, begin, min(begin + _AT_A_TIME, ENTRIES), timeout=1800)
    for rules in (RULES - 1, RULES):
        await connection.execute(_FIND, rules, timeout=1800)
    await connection.execute("ANALYZE archive_entries, archive_mentions, archive_exceptions", timeout=1800)
    await connection.close()
    asking = await asyncpg.connect(made.logins.api)
    await asking.execute("SELECT set_config('app.log', 'on', false)")
    yield asking
    await asking.close()


SEVERAL = [("about", "kind"), ("about", "log"), ("log", "kind"), ("log", "reason"), ("case", "actor"), ("actor", "kind")]


@pytest.mark.parametrize("names", [(), *((name,) for name in FILTERS), *SEVERAL], ids=lambda names: "-".join(names) or "all")
@pytest.mark.parametrize("after", [NEWEST, Place(MIDDLE, "returns", ENTRIES // 8)], ids=["first", "later"])
async def test_a_search_reads_about_what_it_shows(
    filled: "asyncpg.Connection[asyncpg.Record]", names: tuple[str, ...], after: Place
) -> None:
    asked = Asked(**{name: FILTERS[name] for name in names})
    statement = searching.search(frozenset(names))
    most = OF_ONE_ID if {"about", "case"} & {*names} else MOST_READ
    plan = await reads_few(filled, "-".join(names) or "all", statement, searching.values_of(asked, after, SHOWN), most)
    if "about" in names:
        # What names one id, and of which kind in which log, is told by an index: no entry is read but what is shown.
        assert entries_read(plan) == plan["Actual Rows"]


async def test_a_chain_and_its_causes_read_about_what_they_show(filled: "asyncpg.Connection[asyncpg.Record]") -> None:
    at = {"after": MIDDLE, "after_log": "returns", "after_index": ENTRIES // 8}
    await reads_few(filled, "chain", chains.CHAIN, {"about": CASE, "limit": SHOWN, **at})
    ids = [row["id"] for row in await filled.fetch("SELECT id FROM archive_entries ORDER BY time LIMIT 50")]
    await reads_few(filled, "causes", linking.CAUSES, {"ids": ids, "hashes": [None] * len(ids)})


BY_WHOM = [(), ("actor",), ("about",), ("about", "actor")]
ACCESSES = [
    *(("readings", names) for names in BY_WHOM), *(("refusals", names) for names in (*BY_WHOM, ("code",), ("code", "actor"))),
]  # fmt: skip


@pytest.mark.parametrize(("what", "names"), ACCESSES, ids=lambda part: part if isinstance(part, str) else "-".join(part) or "all")
async def test_a_search_of_accesses_reads_about_what_it_shows(
    filled: "asyncpg.Connection[asyncpg.Record]", what: str, names: tuple[str, ...]
) -> None:
    kinds = accesses.READ_KINDS if what == "readings" else accesses.REFUSED_KINDS
    stated = {"actor": "staff:11", "about": UUID(int=11), "code": "not_permitted"}
    asked = Asked(**{name: stated[name] for name in names if name != "code"})  # type: ignore[arg-type]
    values = {**searching.values_of(asked, NEWEST, SHOWN), "code": stated["code"], "kinds": kinds}
    most = OF_ONE_ID if "about" in names else READ_FOR_KINDS
    plan = await reads_few(filled, "-".join((what, *names)), accesses.accesses(frozenset(names)), values, most)
    if names == ("about",):
        assert entries_read(plan) == plan["Actual Rows"]


@pytest.mark.parametrize("names", [(), ("kind",), ("actor",), ("case",), ("case", "kind"), ("actor", "kind")], ids=lambda names: "-".join(names) or "all")
async def test_a_search_of_exceptions_reads_about_what_it_shows(
    filled: "asyncpg.Connection[asyncpg.Record]", names: tuple[str, ...]
) -> None:
    stated: dict[str, Any] = {"kind": "same_day", "actor": "staff:20", "case": UUID(int=20)}
    asked = exception_queries.AskedFor(**{name: stated[name] for name in names})
    values = exception_queries.values_of(asked, None, SHOWN)
    await reads_few(filled, "-".join(("exceptions", *names)), exception_queries.search(frozenset(names)), values)


async def reads_few(connection: "asyncpg.Connection[asyncpg.Record]", name: str, statement: Sql, values: dict[str, Any], most: int = MOST_READ) -> dict[str, Any]:
    (row,) = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.text}", *statement.arguments(values))
    plan = json.loads(row[0])[0]
    print(f"{name}: {plan['Execution Time']:.2f} ms")
    assert "Seq Scan" not in kinds(plan["Plan"])
    assert read(plan["Plan"]) <= most
    found: dict[str, Any] = plan["Plan"]
    return found


def kinds(node: dict[str, Any]) -> list[str]:
    return [node["Node Type"], *chain.from_iterable(kinds(part) for part in node.get("Plans", ()))]


def read(node: dict[str, Any]) -> int:
    mine = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return int(mine) + sum(read(part) for part in node.get("Plans", ()))


def entries_read(node: dict[str, Any]) -> int:
    mine = node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
    return int(mine if node.get("Relation Name") == "archive_entries" else 0) + sum(entries_read(part) for part in node.get("Plans", ()))
