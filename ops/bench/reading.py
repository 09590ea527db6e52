"""What lists, the status window and the export of a log take among few and among many cases, beside the bare query."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import httpx

from ops.bench.figures import Figure, median
from ops.bench.ground import Ground
from ops.demo_year.script import Step
from ops.settings import CannotStart
from services.returns.domain.case_journey import ConfirmArrival
from shared.countries import ALPHA_2
from shared.topology import COUNSELLING, RETURNS

TIMES: Final = 60
ROUNDS: Final = 5
# A list of a million is held to this multiple of what it takes among a thousand, an export to this part of COPY.
MOST_GROWTH: Final = 2.0
LEAST_OF_COPY: Final = 0.5
# What of a copied case is its own. What is sealed is sealed for one row alone: a copy has nothing of it.
_OWN: Final = {
    "id": "(lpad(to_hex(n / 65536), 8, '0') || '-' || lpad(to_hex(n % 65536), 4, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid",
    **dict.fromkeys(("persons", "screening", "holds", "supports", "grants"), "'[]'::jsonb"),
    "case_ref": "overlay(upper(lpad(to_hex(n), 8, '0')) placing '-' from 5 for 0) || '-000'",
    "principal_id": "gen_random_uuid()",
    "destination_country": "CASE WHEN n % 10 = 0 THEN c.destination_country ELSE ($2::text[])[1 + n % cardinality($2::text[])] END",
}
_COLUMNS: Final = "SELECT attname FROM pg_attribute WHERE attrelid = 'cases'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
_LEAVES: Final = (
    "INSERT INTO event_log (idx, id, type, subject, aggver, leaf, leaf_hash) "
    "SELECT (SELECT size FROM log_head) + n, made.id, e.type, made.subject, 1, made.leaf, sha256('\\x00'::bytea || made.leaf) "
    "FROM event_log e, generate_series(0, $2::integer - 1) n, "
    "LATERAL (SELECT gen_random_uuid() AS id, gen_random_uuid() AS subject OFFSET 0 * n) ids, "
    "LATERAL (SELECT ids.id, ids.subject, convert_to(replace(replace(convert_from(e.leaf, 'UTF8'), e.id::text, ids.id::text), "
    "e.subject::text, ids.subject::text), 'UTF8') AS leaf) made WHERE e.idx = $1"
)
_AT_A_TIME: Final = 50_000
_FOLLOWERS: Final = ("returns", "reintegration", "audit", "checkpointer", "witness", "provision", "portal")


async def growth(ground: Ground, sizes: list[int]) -> list[Figure]:
    """Lists and the window at each number of cases; a tenth of them is of the country whose office asks."""
    base = await _a_case(ground)
    connection = await ground.administrator("returns")
    case_id, country = base.id, await connection.fetchval("SELECT destination_country FROM cases WHERE id = $1", base.id)
    reference = await connection.fetchval("SELECT case_ref FROM cases WHERE id = $1", case_id)
    office, at = f"receiving-office-{country.lower()}", base.at + timedelta(hours=1)
    others = sorted(ALPHA_2 - {country})[:23]
    asked = {
        "list of all": ("coordinator", "/v1/cases?limit=50"),
        "list of a counsellor's own": ("counsellor-1", "/v1/cases?mine=true&limit=50"),
        "list of one country": ("coordinator", f"/v1/cases?destination_country={country}&limit=50"),
        "list of an office, restricted to its country": (office, "/v1/cases?limit=50"),
        "status window": (office, f"/v1/status/{reference}?purpose=reception"),
    }
    bare = "SELECT id, case_ref, status, destination_country, counsellor_id FROM cases WHERE destination_country = $1 ORDER BY id LIMIT 51"
    found: list[Figure] = []
    first: dict[str, float] = {}
    filled = 0
    await ground.answers_only(RETURNS)
    copied = await _copying(connection)
    for size in sizes:
        for begin in range(filled, size, _AT_A_TIME):
            await _written(connection, copied, case_id, others, begin, min(begin + _AT_A_TIME, size) - 1)
        filled = size
        # As autovacuum leaves a table that has grown so.
        await connection.execute("VACUUM (ANALYZE) cases", timeout=600)
        floor = median(await _times(lambda: connection.fetch(bare, country), TIMES))
        for name, (persona, path) in asked.items():
            taken = median(await _times(lambda persona=persona, path=path: _asked(ground, "returns", persona, path, at), TIMES))  # type: ignore[misc]
            begun = first.setdefault(name, taken)
            most = MOST_GROWTH if size == sizes[-1] and len(sizes) > 1 else None
            found.append(Figure("growth", f"{name}, {size:,} cases, p50", taken, "ms", begun, most=most, what_floor=f"the same among {sizes[0]:,} cases"))
        found.append(Figure("growth", f"bare query of one country, {size:,} cases, p50", floor, "ms"))
    await connection.close()
    return found


async def export(ground: Ground, events: int) -> list[Figure]:
    """`GET /v1/events` of a whole log, as an auditor takes it, beside COPY of the same leaves to the same client."""
    connection = await ground.administrator("counselling")
    # A search is on record, and nobody makes anything of it.
    await _asked(ground, "counselling", "counsellor-1", "/v1/persons?country_of_origin=PK&birth_year=1990", None)
    idx = await connection.fetchval("SELECT idx FROM event_log WHERE aggver = 1 AND type LIKE '%.access.%' ORDER BY idx DESC LIMIT 1")
    # Nobody follows what nobody did: the service answers, its database is there, and everything else of the system rests.
    await ground.answers_only(COUNSELLING)
    for name in _FOLLOWERS:
        await ground.running.stop(name)
    for begin in range(0, events, _AT_A_TIME):
        await _written(connection, _LEAVES, idx, min(_AT_A_TIME, events - begin))
        await connection.execute("UPDATE log_head SET size = (SELECT max(idx) + 1 FROM event_log)")
    await connection.execute("VACUUM (ANALYZE) event_log", timeout=600)
    size = await connection.fetchval("SELECT size FROM log_head")
    copied, streamed = [], []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        await connection.copy_from_query("SELECT convert_from(leaf, 'UTF8') FROM event_log ORDER BY idx", output=_nowhere, timeout=600)
        copied.append(size / (time.perf_counter() - begun))
        begun = time.perf_counter()
        lines = await _streamed(ground)
        streamed.append(size / (time.perf_counter() - begun))
        if lines < size:
            raise CannotStart("bench_cut_short", f"The log was answered with {lines} events in place of {size}.")
    await connection.close()
    what = "COPY of the same leaves in order to the same process"
    return [Figure("export", f"GET /v1/events, {size:,} events", median(streamed), "events/s", median(copied), least=LEAST_OF_COPY, what_floor=what)]


async def _a_case(ground: Ground) -> Step:
    """A case of whom an office expects the arrival: one journey of the year up to there."""
    for journey in ground.journeys:
        place = next((number for number, step in enumerate(journey) if isinstance(step.order, ConfirmArrival)), None)
        if place is not None:
            for step in journey[:place]:
                await ground.done(step)
                await ground.caller.drained()
            return journey[place]
    raise AssertionError("a year has arrivals")


async def _copying(connection: "asyncpg.Connection[asyncpg.Record]") -> str:
    """The statement that copies one case many times; its columns are read from the catalogue."""
    names = [row["attname"] for row in await connection.fetch(_COLUMNS)]
    values = ", ".join(_OWN.get(name, f'c."{name}"') for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO cases ({listed}) SELECT {values} FROM cases c, generate_series($3::integer, $4::integer) n WHERE c.id = $1"


async def _written(connection: "asyncpg.Connection[asyncpg.Record]", statement: str, *values: object) -> None:
    async with connection.transaction():
        # Past the triggers: nobody ordered these, and the log has no event of them.
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(statement, *values, timeout=600)


async def _asked(ground: Ground, service: str, persona: str, path: str, at: datetime | None) -> None:
    answer = await ground.client.get(ground.addresses.services[service] + path, headers=await ground.headers(persona, at))
    if not answer.is_success:
        raise CannotStart("bench_refused", f"{path.partition('?')[0]} was answered with {answer.status_code}.")


async def _streamed(ground: Ground) -> int:
    """How many lines a whole log was answered with."""
    address = httpx.URL(ground.addresses.services["counselling"])
    bearer = (await ground.headers("auditor"))["Authorization"]
    loop = asyncio.get_running_loop()
    transport, counting = await loop.create_connection(_Counting, address.host, address.port or 80)
    transport.write(f"GET /v1/events HTTP/1.1\r\nHost: {address.host}\r\nAuthorization: {bearer}\r\nConnection: close\r\n\r\n".encode())
    await counting.ended
    return counting.lines


class _Counting(asyncio.Protocol):
    """Counts the lines of an answer and keeps nothing of it, as COPY's do."""

    def __init__(self) -> None:
        self.lines = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._last = b""

    def data_received(self, data: bytes) -> None:
        """Every leaf ends with a brace, and no frame of the answer does."""
        self.lines += data.count(b"}\n") + (self._last == b"}" and data[:1] == b"\n")
        self._last = data[-1:]

    def connection_lost(self, exc: Exception | None) -> None:
        """The answer has ended."""
        self.ended.set_result(None)


async def _nowhere(_: bytes) -> None:
    """Takes what is copied and keeps nothing."""


async def _times(work: Callable[[], Awaitable[object]], times: int) -> list[float]:
    await work()
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        found.append((time.perf_counter() - begun) * 1000)
    return found
