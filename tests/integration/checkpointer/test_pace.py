"""How large a log may be and how fast it may grow: measured by flags, and at a small size found right."""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from ops.checkpointer.settings import LOG_NAMES, log_url_variable
from ops.supervisor import Running
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note
from tests.integration.checkpointer.office import LOG, Log
from tests.integration.checkpointer.processes import checkpointer, witness
from tests.integration.conftest import MakeDatabase

# What a run by flag may come to, and a small one on a busy machine need not.
MOST_SECONDS = 5.0
MOST_MEGABYTES = 150
PER_SECOND = 50
_SEARCHED = ("time_idx", "type_time_idx", "subject_time_idx", "actorid_time_idx", "actorid_type_time_idx")
# From so many seconds or events on a run is one that measures.
_MEASURES_SECONDS = 30
_MEASURES_EVENTS = 500_000


async def covered(client: httpx.AsyncClient, port: int) -> Checkpoint | None:
    """What the log is said to hold at the moment."""
    try:
        answer = await client.get(f"http://127.0.0.1:{port}/{LOG}/checkpoint")
    except httpx.TransportError:
        return None
    return Checkpoint.of(Note.of(answer.content)) if answer.status_code == 200 else None


async def until(client: httpx.AsyncClient, port: int, size: int) -> Checkpoint:
    """The checkpoint that covers so many entries."""
    async with asyncio.timeout(300):
        while True:
            said = await covered(client, port)
            if said is not None and said.size >= size:
                return said
            await asyncio.sleep(0.02)


def megabytes(pid: int) -> float:
    """The most memory that a process ever had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


@pytest.mark.timeout(1800)
async def test_a_log_of_any_size_is_read_and_signed_in_little_memory(
    make_database: MakeDatabase, servers: Running, tmp_path: Path, request: pytest.FixtureRequest, tell: Callable[[str], None], one_port: int,
) -> None:  # fmt: skip
    events = request.config.getoption("--checkpoint-events")
    logs = {name: await Log.of(name, make_database, servers) for name in LOG_NAMES}
    urls = {log_url_variable(name): log.made.logins.checkpoint for name, log in logs.items()}
    await logs[LOG].by_hand(
        # Nothing is searched for here, and to fill these takes most of the time.
        *(f"DROP INDEX ix_event_log_{columns}" for columns in _SEARCHED),
        "ALTER TABLE event_log ALTER time DROP EXPRESSION, ALTER actorid DROP EXPRESSION",
        "INSERT INTO event_log (idx, id, type, subject, aggver, leaf, leaf_hash, time, actorid) "
        "SELECT i, gen_random_uuid(), 't', gen_random_uuid(), 1, 'leaf', sha256(int8send(i)), now(), 'a' "
        f"FROM generate_series(0, {events} - 1) i",
        f"UPDATE log_head SET size = {events}", "VACUUM ANALYZE event_log",
    )  # fmt: skip
    async with witness(tmp_path, time.time) as url, httpx.AsyncClient(trust_env=False) as client:
        for start in ("first", "second"):
            began = time.monotonic()
            async with checkpointer(tmp_path, urls, url, one_port) as process:
                if start == "second":
                    await logs[LOG].by_hand(
                        "INSERT INTO event_log (idx, id, type, subject, aggver, leaf, leaf_hash, time, actorid) "
                        f"VALUES ({events}, gen_random_uuid(), 't', gen_random_uuid(), 1, 'leaf', sha256('more'), now(), 'a')"
                    )  # fmt: skip
                said = await until(client, one_port, events + (start == "second"))
                seconds, most = time.monotonic() - began, megabytes(process.pid)
                tell(f"checkpoints: {events} events, {start} start: signed after {seconds:.1f} s, {most:.0f} MB")
                assert said.root == await logs[LOG].root()
                if events >= _MEASURES_EVENTS:
                    await asyncio.sleep(20)
                    tell(f"checkpoints: after 20 s more {megabytes(process.pid):.0f} MB")
                assert megabytes(process.pid) < MOST_MEGABYTES
    for log in logs.values():
        await log.close()


@pytest.mark.timeout(1800)
async def test_each_event_is_covered_by_a_checkpoint_that_a_witness_saw(
    make_database: MakeDatabase, servers: Running, tmp_path: Path, request: pytest.FixtureRequest, tell: Callable[[str], None], one_port: int,
) -> None:  # fmt: skip
    seconds = request.config.getoption("--checkpoint-seconds")
    logs = {name: await Log.of(name, make_database, servers) for name in LOG_NAMES}
    urls = {log_url_variable(name): log.made.logins.checkpoint for name, log in logs.items()}
    recorded, ages = dict[int, float](), list[float]()
    loop = asyncio.get_running_loop()

    async def append() -> None:
        began = loop.time()
        for number in range(seconds * PER_SECOND):
            await asyncio.sleep(max(0.0, began + number / PER_SECOND - loop.time()))
            await logs[LOG].append(1)
            recorded[number + 1] = loop.time()

    async with witness(tmp_path, time.time) as url, httpx.AsyncClient(trust_env=False) as client, checkpointer(tmp_path, urls, url, one_port):
        await until(client, one_port, 0)
        appending = asyncio.create_task(append())
        while len(ages) < seconds * PER_SECOND:
            said = await covered(client, one_port)
            now = loop.time()
            ages += [now - recorded[size] for size in range(len(ages) + 1, said.size + 1) if size in recorded] if said else []
            await asyncio.sleep(0.02)
        await appending
        assert said is not None
        assert said.root == await logs[LOG].root()
    ages.sort()
    p99 = ages[int(len(ages) * 0.99)]
    tell(f"checkpoints: {len(ages)} events at {len(ages) / (recorded[len(ages)] - recorded[1]):.0f} a second, covered after {ages[len(ages) // 2]:.2f} s (median), {p99:.2f} s (p99)")
    if seconds >= _MEASURES_SECONDS:
        assert p99 < MOST_SECONDS
    for log in logs.values():
        await log.close()
