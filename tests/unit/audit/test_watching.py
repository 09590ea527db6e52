"""What watches the logs goes on whatever it meets, and reads no answer for ever."""

import asyncio
from collections.abc import AsyncIterator

import httpx
from structlog.testing import capture_logs

from services.audit.checking import Checking
from services.audit.checkpoints import Checkpoints
from services.audit.comparing import Comparing
from services.audit.noting import Noting
from services.audit.repeating import repeating
from shared.db import Database
from shared.tlog.notes import MOST_NOTE_BYTES
from shared.tlog.tree import leaf_hash

LOG, URL = "returns", "http://returns.test"
# Of a database that was never opened every use is an error of the program, and no fault of the infrastructure.
CLOSED = Database("postgresql://nowhere.test/none", "closed")


class Endless(httpx.AsyncByteStream):
    """An answer that does not end as long as somebody reads it; the test ends it, so as to be able to fail."""

    def __init__(self) -> None:
        self.pieces = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(2_000):
            self.pieces += 1
            yield b"x" * 1_000 + b"\n"


def telling(body: httpx.AsyncByteStream) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(200, stream=body)))


async def bearer() -> str:
    return "invented"


def comparing(client: httpx.AsyncClient) -> Comparing:
    return Comparing(CLOSED, client, {LOG: URL}, bearer, lambda: None)


async def test_no_more_is_read_of_a_log_than_was_asked_for() -> None:
    body = Endless()
    async with telling(body) as client:
        assert await comparing(client).told(LOG, 0, 3) == [leaf_hash(b"x" * 1_000)] * 3
    assert body.pieces == 4


async def test_no_more_is_read_of_a_checkpoint_than_one_may_be_long() -> None:
    body = Endless()
    async with telling(body) as client:
        assert len(await Checkpoints(CLOSED, client, URL, (LOG,))._told("policy")) == MOST_NOTE_BYTES + 1
    assert body.pieces <= MOST_NOTE_BYTES // 1_000 + 2


async def test_an_error_that_nobody_thought_of_is_told_as_what_keeps_a_log_and_ends_nothing() -> None:
    async with telling(Endless()) as client:
        asking, looking = Checkpoints(CLOSED, client, URL, (LOG,)), comparing(client)
        await asking.ask(LOG)
        await looking.look(LOG)
        assert (asking.logs[LOG].fault, looking.logs[LOG].fault) == ("RuntimeError", "RuntimeError")
        with capture_logs() as said:
            known = Noting(CLOSED, looking, Checking(CLOSED, (LOG,)), asking)
            async with repeating("noting", known.round, 5.0):
                for _ in range(10):
                    await asyncio.sleep(0)
        assert [(line["event"], line["kind"]) for line in said] == [("noting_waits", "RuntimeError")]
