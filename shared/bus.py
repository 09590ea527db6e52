"""The only module that speaks NATS: publishing leaves, reading a stream's state, and the standing pull."""

import asyncio
import base64
import binascii
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self
from uuid import UUID

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

ACK_WAIT = 5.0
"""Seconds after which the broker delivers again what was not acknowledged."""

REQUEST_SECONDS = 2.0
RECONNECT_SECONDS = 0.5
# A client that has not come back by itself for so long is replaced by a new one.
GIVEN_UP_SECONDS = 30.0
HEARTBEAT_SECONDS = 1.0
PULL_SECONDS = 30.0
PULL_BATCH = 100

_NO_MESSAGE = 10037
_NO_STREAM = 10059
_WRONG_SEQUENCE = (10071, 10164)
_NANOSECONDS = 1_000_000_000

log = structlog.get_logger("bus")


class BusFault(Exception):
    """Something stands between us and the broker; nothing of it is the message's fault."""


class BusDown(BusFault):
    """The broker can't be reached, or gave no answer in time; what was asked may have been done or not."""


class BusRefused(BusFault):
    """The broker answered with an error; ``code`` is JetStream's own number for it."""

    def __init__(self, code: int) -> None:
        super().__init__(f"refused by the broker with {code}")
        self.code = code


class StreamMissing(BusFault):
    """There is no such stream now; it is made again by the provisioning beside us."""


class SequenceTaken(BusFault):
    """The stream's end is not where the message belongs: it is stored already, or somebody else has written."""


class Unbound(BusFault):
    """The broker ended our standing request, or fell silent."""


class _NoResponders(BusFault):
    """Nobody listens to the subject of a request."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a stream holds: sequences ``first`` to ``last``, ``messages`` of them."""

    first: int
    last: int
    messages: int


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
        with _faults():
            await self._message.ack()

    async def nak(self, delay: float) -> None:
        """Given back, to be delivered again after so many seconds. Raises `BusDown`."""
        with _faults():
            await self._message.nak(delay)

    async def in_progress(self) -> None:
        """Still being worked on: the time for the acknowledgement starts anew. Raises `BusDown`."""
        with _faults():
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


class Bus:
    """One connection of one identity, kept up for ever; until it stands every call raises `BusDown`.

    Answers come to ``_INBOX_<identity>.>``, so that no identity may listen to another's.
    """

    def __init__(self, url: str, identity: str, user: str | None = None, password: str | None = None) -> None:
        self._servers = url.split(",")
        self._identity = identity
        self._user = user
        self._password = password
        self._client: Client | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._pulls: set[Deliveries] = set()
        self._complaint: str | None = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def start(self) -> None:
        """Begins to connect in the background, so that a service may start before its broker."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name=f"bus of {self._identity}")

    async def close(self) -> None:
        """Ends the connection."""
        if self._keeper is not None:
            keeper, self._keeper = self._keeper, None
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    @property
    def connected(self) -> bool:
        """Whether the broker can be reached now."""
        return self._client is not None and self._client.is_connected

    async def ready(self) -> None:
        """Returns once the connection stands for the first time, or again after it had to be replaced."""
        await self._up.wait()

    async def publish(self, subject: str, leaf: bytes, *, event_id: UUID, after: int) -> int:
        """Stores one leaf behind sequence ``after`` and returns its own; synced to disk when this returns.

        Raises `SequenceTaken` if the stream ends elsewhere, `StreamMissing`, `BusRefused` or `BusDown`.
        """
        headers = {"Nats-Msg-Id": str(event_id), "Nats-Expected-Last-Sequence": str(after)}
        answer = await self._request(subject, leaf, headers)
        return _integer(answer, "seq")

    async def stream_state(self, stream: str) -> StreamState:
        """What the stream holds now, as its leader says. Raises `StreamMissing`, `BusRefused` or `BusDown`."""
        state = _part(await self.api(f"STREAM.INFO.{stream}"), "state")
        return StreamState(_integer(state, "first_seq"), _integer(state, "last_seq"), _integer(state, "messages"))

    async def message(self, stream: str, sequence: int) -> bytes | None:
        """The bytes stored under a sequence, None if there are none."""
        try:
            answer = await self.api(f"STREAM.MSG.GET.{stream}", {"seq": sequence})
        except BusRefused as refused:
            if refused.code == _NO_MESSAGE:
                return None
            raise
        data = _part(answer, "message").get("data", "")
        try:
            return base64.b64decode(data, validate=True) if isinstance(data, str) else None
        except binascii.Error:
            return None

    async def api(self, call: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
        """One call of the JetStream API, e.g. ``STREAM.INFO.RETURNS``; raises as `stream_state` does."""
        return await self._request(f"$JS.API.{call}", b"" if body is None else json.dumps(body).encode())

    async def outstanding(self, stream: str, durable: str) -> int:
        """How many messages of the stream this durable has not acknowledged. Raises as `stream_state`."""
        answer = await self.api(f"CONSUMER.INFO.{stream}.{durable}")
        return _integer(answer, "num_pending") + _integer(answer, "num_ack_pending")

    def deliveries(self, stream: str, durable: str, stop: asyncio.Event) -> "Deliveries":
        """The messages of a durable consumer, one after the other, until ``stop`` is set."""
        return Deliveries(self._connected_client, self._pulls, f"{stream}.{durable}", stop)

    def _connected_client(self) -> Client:
        client = self._client
        # What is published while the client reconnects would be kept and sent later, when nobody waits for it.
        if client is None or not client.is_connected:
            raise BusDown
        return client

    async def _request(
        self, subject: str, payload: bytes, headers: dict[str, str] | None = None
    ) -> dict[str, object]:
        client = self._connected_client()
        try:
            with _faults():
                answer = await client.request(subject, payload, timeout=REQUEST_SECONDS, headers=headers)
        except _NoResponders:
            # A stream answers for its own subjects, the server for its API.
            raise (BusDown if subject.startswith("$JS.API.") else StreamMissing) from None
        try:
            found: object = json.loads(answer.data)
        except ValueError:
            raise BusDown from None
        if not isinstance(found, dict):
            raise BusDown
        error = found.get("error")
        if isinstance(error, dict):
            code = _integer(error, "err_code")
            if code in _WRONG_SEQUENCE:
                raise SequenceTaken
            if code == _NO_STREAM:
                raise StreamMissing
            raise BusRefused(code)
        return found

    async def _keep(self) -> None:
        while True:
            client = Client()
            closed = asyncio.Event()
            try:
                await self._connect(client, closed)
                self._client = client
                self._complaint = None
                self._rouse()
                self._up.set()
                await self._watch(client, closed)
            except (OSError, TimeoutError, nats.errors.Error) as error:
                await self._complain(error)
            finally:
                self._up.clear()
                self._client = None
                self._rouse()
                with contextlib.suppress(Exception):
                    await client.close()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _connect(self, client: Client, closed: asyncio.Event) -> None:
        async def on_closed() -> None:
            closed.set()

        async def on_reconnected() -> None:
            self._complaint = None
            self._rouse()

        await client.connect(
            servers=self._servers,
            name=self._identity,
            user=self._user,
            password=self._password,
            inbox_prefix=f"_INBOX_{self._identity}",
            error_cb=self._complain,
            closed_cb=on_closed,
            reconnected_cb=on_reconnected,
            max_reconnect_attempts=-1,
            reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type]
            connect_timeout=2,
            ping_interval=10,
            max_outstanding_pings=2,
        )

    async def _watch(self, client: Client, closed: asyncio.Event) -> None:
        # The client closes for good on some of the server's errors (a changed password, say) and its reconnecting
        # may die of an error it did not expect: then a new one is made.
        loop = asyncio.get_running_loop()
        seen = loop.time()
        while not (closed.is_set() or client.is_closed or loop.time() - seen > GIVEN_UP_SECONDS):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await closed.wait()
            if client.is_connected:
                seen = loop.time()

    async def _complain(self, error: Exception) -> None:
        text = str(error)
        # The client's own words name subjects and addresses, never what a message holds.
        complaint = text[:200] if text.startswith("nats: ") else type(error).__name__
        if complaint != self._complaint:
            self._complaint = complaint
            log.warning("bus_trouble", identity=self._identity, reason=complaint)

    def _rouse(self) -> None:
        for pull in self._pulls:
            pull.rouse()


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
    ) -> None:
        self.heartbeats = 0
        self._connected = connected
        self._together = together
        self._name = name
        self._stop = stop
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._client: Client | None = None
        self._subscription: Subscription | None = None
        self._inbox = ""
        self._asked = 0
        self._fault: str | None = None

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

    async def _next(self) -> Delivery | None:
        client = self._connected()
        if self._subscription is None or self._client is not client:
            await self._bind(client)
        if self._asked <= PULL_BATCH // 2:
            await self._ask(client)
        try:
            message = self._arrived.get_nowait()
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
            "batch": PULL_BATCH,
            "expires": int(PULL_SECONDS * _NANOSECONDS),
            "idle_heartbeat": int(HEARTBEAT_SECONDS * _NANOSECONDS),
        }
        await client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._name}", json.dumps(request).encode(), reply=self._inbox
        )
        self._asked += PULL_BATCH

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


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except nats.errors.NoRespondersError:
        raise _NoResponders from None
    except (nats.errors.Error, OSError, TimeoutError):
        raise BusDown from None


def _part(answer: Mapping[str, object], name: str) -> dict[str, object]:
    part = answer.get(name)
    if not isinstance(part, dict):
        raise BusDown
    return part


def _integer(answer: Mapping[str, object], name: str) -> int:
    number = answer.get(name)
    if not isinstance(number, int):
        raise BusDown
    return number
