"""What breaks a system does so by itself: a line that is cut, a clock that is set, a disk that is full."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.chaos.machine_clock import MachineClock
from tests.chaos.network import Network
from tests.chaos.small_disk import small_disk
from tests.integration.bus.house import until
from tests.listening import listening


@asynccontextmanager
async def line_to_an_echo() -> AsyncIterator[tuple[Network, asyncio.StreamReader, asyncio.StreamWriter]]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)

    async with listening(echo) as port, Network().open() as network:
        network.leads_to(f"nats://127.0.0.1:{port}")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(network.url.rpartition(":")[2]))
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        yield network, reader, writer
        writer.transport.abort()


async def test_what_was_sent_by_a_cut_line_comes_when_it_is_mended() -> None:
    async with line_to_an_echo() as (network, reader, writer):
        network.cut()
        writer.write(b"two")
        coming = asyncio.create_task(reader.readexactly(3))
        assert await asyncio.wait({coming}, timeout=0.1) == (set(), {coming})
        network.mend(lost=False)
        assert await coming == b"two"


async def test_what_was_sent_by_a_cut_line_is_lost_with_the_line() -> None:
    async with line_to_an_echo() as (network, reader, writer):
        network.cut()
        writer.write(b"two")
        network.mend(lost=True)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(3)
        await until(lambda: not network.lines)


def test_a_clock_that_is_set_is_set_for_every_program_of_the_machine(tmp_path: Path) -> None:
    mine, another = MachineClock(tmp_path / "clock"), MachineClock(tmp_path / "clock")
    mine.set_ahead(-600)
    late = datetime.now(UTC) - another.now(UTC)
    assert timedelta(seconds=599) < late < timedelta(seconds=601)


@pytest.mark.skipif(os.geteuid() != 0, reason="LEFT OUT: only root may mount a disk, so that nothing here tries one that is full")
def test_a_disk_that_is_full_takes_nothing_until_it_is_emptied(tmp_path: Path) -> None:
    with small_disk(tmp_path / "data") as disk:
        if disk is None:
            pytest.skip("LEFT OUT: this user may not mount a disk, so that nothing here tries one that is full")
        (disk.folder / "logs").mkdir()
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            (disk.folder / "more").write_bytes(bytes(2**20))
        disk.free()
        (disk.folder / "more").write_bytes(bytes(2**20))
