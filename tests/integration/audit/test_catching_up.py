"""An archive that is far behind catches up fast; the rate is printed, and asserted only where somebody asks for it."""

import asyncio
import os
import time
from uuid import UUID

import pytest

from tests.integration.audit.archiving import Archiving
from tests.integration.bus.house import NOBODY, until

EVENTS = int(os.environ.get("AVRR_CATCH_UP_EVENTS", "2000"))
LEAST_A_SECOND = float(os.environ.get("AVRR_CATCH_UP_RATE", "0"))


@pytest.mark.timeout(1300)
async def test_an_archive_that_is_far_behind_catches_up(archiving: Archiving) -> None:
    house = archiving.house
    for begin in range(0, EVENTS, 500):
        async with house.source.unit_of_work(NOBODY) as unit:
            unit.append(*(house.leaf(UUID(int=number), number) for number in range(begin, min(begin + 500, EVENTS))))
    relay, archiver = house.relay(), archiving.archiver()
    async with house.running(relay):
        await until(lambda: relay.published == EVENTS, 600)
    began, cpu = time.monotonic(), time.process_time()
    async with house.running(archiver), asyncio.timeout(600):
        await until(lambda: archiver.position == EVENTS - 1, 600)
        seconds = time.monotonic() - began
    rate = EVENTS / seconds
    print(f"{EVENTS} events archived in {seconds:.2f} s: {rate:.0f} a second, {time.process_time() - cpu:.2f} s of CPU here")
    assert rate >= LEAST_A_SECOND
    assert len(await archiving.leaves()) == EVENTS
