"""What lists, the status window and the export of a log take among few and among many cases, beside the bare query."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from ops.bench.figures import Figure, median
from ops.bench.ground import Ground
from ops.demo_year.script import Step
from ops.settings import CannotStart
from services.returns.domain.case_journey import ConfirmArrival
from shared.countries import ALPHA_2
from shared.topology import RETURNS

TIMES: Final = 60
# A list of a million is held to this multiple of what it takes among a thousand, an export to this part of COPY.
MOST_GROWTH: Final = 2.0
LEAST_OF_COPY: Final = 0.5
_COPIED: Final = (
    "INSERT INTO cases SELECT (jsonb_populate_record(c, jsonb_build_object("
    "'id', lpad(to_hex(n / 65536), 8, '0') || '-' || lpad(to_hex(n % 65536), 4, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0'), "
    # What is sealed is sealed for one row alone: a copy has nothing of it.
    "'persons', '[]'::jsonb, 'screening', '[]'::jsonb, 'holds', '[]'::jsonb, 'supports', '[]'::jsonb, 'grants', '[]'::jsonb, "
    "'case_ref', overlay(upper(lpad(to_hex(n), 8, '0')) placing '-' from 5 for 0) || '-000', 'principal_id', gen_random_uuid(), "
    "'destination_country', CASE WHEN n % 10 = 0 THEN c.destination_country ELSE ($2::text[])[1 + n % cardinality($2::text[])] END))).* "
    "FROM cases c, generate_series($3::integer, $4::integer) n WHERE c.id = $1"
)
_LEAVES: Final = (
    "INSERT INTO event_log (idx, id, type, subject, aggver, leaf, leaf_hash) "
    "SELECT (SELECT size FROM log_head) + n, made.id, e.type, made.subject, 1, made.leaf, sha256('\\x00'::bytea || made.leaf) "
    "FROM event_log e, generate_series(0, $2::integer - 1) n, "
    "LATERAL (SELECT gen_random_uuid() AS id, gen_random_uuid() AS subject OFFSET 0 * n) ids, "
    "LATERAL (SELECT ids.id, ids.subject, convert_to(replace(replace(convert_from(e.leaf, 'UTF8'), e.id::text, ids.id::text), "
    "e.subject::text, ids.subject::text), 'UTF8') AS leaf) made WHERE e.idx = $1"
)
_AT_A_TIME: Final = 50_000


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
    for size in sizes:
        for begin in range(filled, size, _AT_A_TIME):
            await _copy(connection, case_id, others, begin, min(begin + _AT_A_TIME, size) - 1)
        filled = size
        await connection.execute("ANALYZE cases", timeout=600)
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
    for begin in range(0, events, _AT_A_TIME):
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(_LEAVES, idx, min(_AT_A_TIME, events - begin), timeout=600)
            await connection.execute("UPDATE log_head SET size = (SELECT max(idx) + 1 FROM event_log)")
    size = await connection.fetchval("SELECT size FROM log_head")
    await _followed(ground)
    copied, streamed = [], []
    for _ in range(3):
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


async def _copy(connection: "asyncpg.Connection[asyncpg.Record]", id: UUID, others: list[str], first: int, last: int) -> None:
    async with connection.transaction():
        # Past the triggers: nobody ordered these, and the log has no event of them.
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(_COPIED, id, others, first, last, timeout=600)


async def _asked(ground: Ground, service: str, persona: str, path: str, at: datetime | None) -> None:
    answer = await ground.client.get(ground.addresses.services[service] + path, headers=await ground.headers(persona, at))
    if not answer.is_success:
        raise CannotStart("bench_refused", f"{path.partition('?')[0]} was answered with {answer.status_code}.")


async def _streamed(ground: Ground) -> int:
    url = f"{ground.addresses.services['counselling']}/v1/events"
    lines = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.split(":")[2].partition("/")[0]))
    bearer = (await ground.headers("auditor"))["Authorization"]
    writer.write(f"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {bearer}\r\nConnection: close\r\n\r\n".encode())
    while part := await reader.read(1 << 18):
        lines += part.count(b"}\n")
    writer.close()
    return lines


async def _followed(ground: Ground) -> None:
    """Waits until all followers have stepped past what was put into the log."""
    for _ in range(60):
        try:
            return await ground.caller.drained()
        except CannotStart:
            continue
    raise CannotStart("bus_lags", "The log that was filled is not followed within an hour.")


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
