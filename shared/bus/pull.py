"""The standing pull: another service's stream, one delivery after the other."""

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from shared.bus.faults import (
    ACK_WAIT,
    HEARTBEAT_SECONDS,
    NANOSECONDS,
    RECONNECT_SECONDS,
    BusFault,
    Unbound,
    faults,
)

PULL_SECONDS = 30.0
PULL_BATCH = 100

log = structlog.get_logger("bus")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message of a stream, ours until it is acknowledged or given back; ``pending`` more wait behind it."""

    data: bytes
    sequence: int
    num_delivered: int
    pending: int
    _message: Msg

    async def ack(self) -> None:
        """Done; if the word is lost the message comes again. Raises `BusDown`."""
        with faults():
            await self._message.ack()

    async def nak(self, delay: float) -> None:
        """Given back, to be delivered again after so many seconds. Raises `BusDown`."""
        with faults():
            await self._message.nak(delay)

    async def in_progress(self) -> None:
        """Still being worked on: the time for the acknowledgement starts anew. Raises `BusDown`."""
        with faults():
            await self._message.in_progress()

    @contextlib.contextmanager
    def held(self, every: float = ACK_WAIT * 0.4) -> Iterator[None]:
        """Says `in_progress` for as long as the block runs, so that slow work is not delivered twice."""
        loop = asyncio.get_running_loop()
        saying: set[asyncio.Task[None]] = set()
        timer: asyncio.TimerHandle

        async def say() -> None:
            with contextlib.suppress(BusFault):
                await self.in_progress()

        def again() -> None:
            nonlocal timer
            task = loop.create_task(say())
            saying.add(task)
            task.add_done_callback(saying.discard)
            timer = loop.call_later(every, again)

        timer = loop.call_later(every, again)
        try:
            yield
        finally:
            timer.cancel()


class Deliveries:
    """A standing pull: a request for many messages that is renewed before it is used up.

    A message is never held back after an idle gap, as a `fetch` of several does it. Whatever happens to broker,
    stream or durable, it binds again by itself; its ``heartbeats`` tell a quiet broker from a dead one.
    """

    def __init__(
        self,
        connected: Callable[[], Client],
        together: "set[Deliveries]",
        name: str,
        stop: asyncio.Event,
        pull: int = PULL_BATCH,
    ) -> None:
        self.heartbeats = 0
        self._pull = pull
        self._connected = connected
        self._together = together
        self._name = name
        self._stop = stop
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
        # Taken out of the queue to look whether it is one more delivery, and it was none.
        self._put_back: list[Msg | None] = []
        self._client: Client | None = None
        self._subscription: Subscription | None = None
        self._inbox = ""
        self._asked = 0
        self._fault: str | None = None

    @property
    def arrived(self) -> int:
        """How many messages of the broker lie ready."""
        return self._arrived.qsize()

    def rouse(self) -> None:
        """To be called when the connection is new, lost or closed: nobody may owe us an answer any more."""
        self._asked = 0
        self._arrived.put_nowait(None)

    async def __aiter__(self) -> AsyncGenerator[Delivery, None]:
        ending = asyncio.create_task(self._stop.wait())
        ending.add_done_callback(lambda _: self._arrived.put_nowait(None))
        self._together.add(self)
        try:
            while not self._stop.is_set():
                try:
                    delivery = await self._next()
                except (BusFault, OSError, TimeoutError, nats.errors.Error) as error:
                    await self._rest(type(error).__name__ if not isinstance(error, Unbound) else str(error))
                    continue
                if delivery is not None:
                    yield delivery
        finally:
            self._together.discard(self)
            ending.cancel()
            await self._unbind()

    async def batches(self, most: int, apart: float = 0.0) -> AsyncGenerator[tuple[Delivery, ...], None]:
        """The same, as many at a time as have arrived, at most so many; nothing waits for a batch to be full.

        What comes after a pause is handed on at once. While no whole batch is there or behind what is, the next is handed on no
        sooner than ``apart`` seconds after the one before it: of a flow one takes what each message would have cost by itself.
        """
        following = -math.inf
        async with contextlib.aclosing(aiter(self)) as coming:
            async for first in coming:
                if self.arrived + first.pending + 1 < most:
                    await self._stopped_until(following)
                batch = [first]
                while len(batch) < most and (more := self._at_hand()) is not None:
                    batch.append(more)
                following = asyncio.get_running_loop().time() + apart
                yield tuple(batch)

    async def _stopped_until(self, moment: float) -> None:
        if moment > asyncio.get_running_loop().time():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(moment):
                    await self._stop.wait()

    def _at_hand(self) -> Delivery | None:
        """One more delivery, if that is what has arrived next."""
        if self._put_back or self._arrived.empty():
            return None
        message = self._arrived.get_nowait()
        if message is None or not message.reply:
            self._put_back.append(message)
            return None
        return self._delivered(message)

    async def _next(self) -> Delivery | None:
        client = self._connected()
        if self._subscription is None or self._client is not client:
            await self._bind(client)
        if self._asked <= self._pull // 2:
            await self._ask(client)
        try:
            message = self._put_back.pop() if self._put_back else self._arrived.get_nowait()
        except asyncio.QueueEmpty:
            try:
                async with asyncio.timeout(3 * HEARTBEAT_SECONDS):
                    message = await self._arrived.get()
            except TimeoutError:
                raise Unbound("silent") from None
        if message is None:
            return None
        # Only JetStream's deliveries have an address for the acknowledgement; a status has none.
        if not message.reply:
            self._take_status(message.headers or {})
            return None
        return self._delivered(message)

    def _delivered(self, message: Msg) -> Delivery:
        self._asked -= 1
        self._fault = None
        metadata = message.metadata
        return Delivery(
            message.data, metadata.sequence.stream, metadata.num_delivered, metadata.num_pending, message
        )

    def _take_status(self, headers: Mapping[str, str]) -> None:
        status, description = headers.get("Status", ""), headers.get("Description", "")
        if status == "100":
            self.heartbeats += 1
            self._fault = None
        elif status == "408" or (status == "409" and description.lower().startswith("batch completed")):
            left = headers.get("Nats-Pending-Messages", "")
            self._asked = max(self._asked - int(left), 0) if left.isdigit() else 0
        else:
            raise Unbound(f"{status} {description}".strip()[:100].lower())

    async def _bind(self, client: Client) -> None:
        await self._unbind()

        async def arrive(message: Msg) -> None:
            self._arrived.put_nowait(message)

        self._client = client
        self._inbox = client.new_inbox()
        self._subscription = await client.subscribe(self._inbox, cb=arrive)
        self._asked = 0

    async def _ask(self, client: Client) -> None:
        request = {
            "batch": self._pull,
            "expires": int(PULL_SECONDS * NANOSECONDS),
            "idle_heartbeat": int(HEARTBEAT_SECONDS * NANOSECONDS),
        }
        await client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._name}", json.dumps(request).encode(), reply=self._inbox
        )
        self._asked += self._pull

    async def _rest(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            log.warning("pull_unbound", consumer=self._name, reason=fault)
        await self._unbind()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RECONNECT_SECONDS):
                await self._stop.wait()

    async def _unbind(self) -> None:
        # What has arrived already stays in the queue: unsubscribing loses only what is still on its way, and the
        # broker delivers that again.
        if self._subscription is not None:
            subscription, self._subscription = self._subscription, None
            with contextlib.suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()
