"""How long after its answer a command has its effect in the next service, beside the sum of what has to happen in between."""

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg

from ops.bench.figures import Figure, median, percentile
from ops.bench.ground import Ground
from ops.bench.same_writes import same_writes
from services.counselling.domain.intention import ExpressIntention
from shared.bus import Bus
from shared.topology import COUNSELLING

_OPENED: Final = "SELECT at FROM event_log WHERE subject = $1 AND aggver = 1"
_FLOOR: Final = (
    "what has to happen, each measured alone: the log is read, three times there and back to the broker (publish, deliver, acknowledge), "
    "a write of 8 kB that the disk confirms, the next service's rows and event by one statement"
)
# A flow that leaves every process time: how long one takes, and not how many wait.
_APART_SECONDS: Final = 0.05


async def propagation(ground: Ground, times: int, folder: Path) -> list[Figure]:
    """From the 201 of `ExpressIntention` in counselling to the moment at which the case is written in returns, just before its commit.

    Both are read from the clock of one machine. A second figure adds the request itself.
    """
    sent: list[tuple[UUID, float, float]] = []
    for journey in ground.journeys:
        place = next((number for number, step in enumerate(journey) if isinstance(step.order, ExpressIntention)), None)
        if place is None or len(sent) == times:
            continue
        for step in journey[:place]:
            await ground.done(step)
        begun = time.time()
        await ground.done(journey[place])
        sent.append((journey[place].id, begun, time.time()))
        await asyncio.sleep(_APART_SECONDS)
    await ground.settled()
    connection = await ground.administrator("returns")
    after, whole = [], []
    for id, begun, answered in sent:
        at: datetime = await connection.fetchval(_OPENED, id)
        moment = at.astimezone(UTC).timestamp()
        # The effect may be there before the client has read its answer.
        after.append(max(0.0, moment - answered) * 1000)
        whole.append((moment - begun) * 1000)
    floor = await _sum_of_the_hops(ground, connection, sent[0][0], folder)
    await connection.close()
    return [
        Figure("propagation", "201 to the next service's event, p50", median(after), "ms", floor, what_floor=_FLOOR),
        Figure("propagation", "201 to the next service's event, p99", percentile(after, 99), "ms", floor, what_floor=_FLOOR),
        Figure("propagation", "request to the next service's event, p50", median(whole), "ms"),
    ]


async def _sum_of_the_hops(ground: Ground, connection: "asyncpg.Connection[asyncpg.Record]", case_id: UUID, folder: Path) -> float:
    writes = await same_writes(connection, case_id, "")
    # References that nobody may take for a case's own; nothing else is measured in this system any more.
    await connection.execute("ALTER TABLE cases DROP CONSTRAINT ck_cases_case_ref_form")
    reads, commits = [], []
    for _ in range(50):
        begun = time.perf_counter()
        await connection.fetch("SELECT leaf FROM event_log ORDER BY idx DESC LIMIT 1")
        reads.append(time.perf_counter() - begun)
        values = writes.anew()
        begun = time.perf_counter()
        await connection.fetchrow(writes.text, *values)
        commits.append(time.perf_counter() - begun)
    trips = await _there_and_back(ground)
    return (median(reads) + 3 * median(trips) + median(_confirmed(folder)) + median(commits)) * 1000


async def _there_and_back(ground: Ground) -> list[float]:
    """To the broker and back: a question that it answers out of its memory."""
    nats, found = ground.running.nats, []
    async with Bus(nats.url, COUNSELLING.name, COUNSELLING.name, nats.passwords.get(COUNSELLING.name)) as bus:
        await bus.ready()
        for _ in range(50):
            begun = time.perf_counter()
            await bus.stream_state(COUNSELLING.stream)
            found.append(time.perf_counter() - begun)
    return found


def _confirmed(folder: Path) -> list[float]:
    found = []
    with (folder / "confirmed").open("wb", buffering=0) as file:
        for _ in range(50):
            begun = time.perf_counter()
            file.write(b"\0" * 8192)
            os.fdatasync(file.fileno())
            found.append(time.perf_counter() - begun)
    return found


