"""One connection of one identity: publishing leaves, and reading what a stream holds."""

import asyncio
import base64
import binascii
import contextlib
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self
from uuid import UUID

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.bus.faults import (
    RECONNECT_SECONDS,
    REQUEST_SECONDS,
    BusDown,
    BusRefused,
    NoResponders,
    SequenceTaken,
    StreamMissing,
    faults,
)
from shared.bus.pull import PULL_BATCH, Deliveries
from shared.bus_settings import BusKeys, BusSettings

# A client that has not come back by itself for so long is replaced by a new one.
GIVEN_UP_SECONDS = 30.0

_NO_MESSAGE = 10037
_NO_STREAM = 10059
_WRONG_SEQUENCE = (10071, 10164)

log = structlog.get_logger("bus")


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a stream holds: sequences ``first`` to ``last``, ``messages`` of them."""

    first: int
    last: int
    messages: int


@dataclass(frozen=True, slots=True)
class Heard:
    """The last that was said on a subject, and the event loop's time at which it came."""

    text: str
    at: float


class Bus:
    """One connection of one identity, kept up for ever; until it stands every call raises `BusDown`.

    Answers come to ``_INBOX_<identity>.>``, so that no identity may listen to another's. With ``keys`` the broker is
    spoken to by TLS alone, from the first byte on, and both sides prove who they are.
    """

    def __init__(
        self,
        url: str,
        identity: str,
        user: str | None = None,
        password: str | None = None,
        *,
        hears: tuple[str, ...] = (),
        keys: BusKeys | None = None,
    ) -> None:
        self._hears = hears
        self._heard: dict[str, Heard] = {}
        self._servers = url.split(",")
        self._identity = identity
        self._user = user
        self._password = password
        self._keys = keys
        self._client: Client | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._pulls: set[Deliveries] = set()
        self._complaint: str | None = None

    @classmethod
    def of(cls, settings: BusSettings, identity: str, *, hears: tuple[str, ...] = ()) -> Self:
        """The connection of a process, by whichever way its settings name."""
        return cls(settings.bus_url, identity, settings.nats_user, settings.bus_password, hears=hears, keys=settings.bus_keys)

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
            # While it connects the client may take a cancellation for one of its own.
            while not keeper.done():
                keeper.cancel()
                await asyncio.wait({keeper}, timeout=1)

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

    async def say(self, subject: str, text: str) -> None:
        """Says something to whoever hears it now; nothing is stored. Raises `BusDown`."""
        client = self._connected_client()
        with faults():
            await client.publish(subject, text.encode())

    def heard(self, subject: str) -> Heard | None:
        """What was last said on one of the subjects that this connection hears."""
        return self._heard.get(subject)

    def deliveries(self, stream: str, durable: str, stop: asyncio.Event, pull: int = PULL_BATCH) -> "Deliveries":
        """The messages of a durable consumer, one after the other, until ``stop`` is set; ``pull`` are asked for at a time."""
        return Deliveries(self._connected_client, self._pulls, f"{stream}.{durable}", stop, pull)

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
            with faults():
                answer = await client.request(subject, payload, timeout=REQUEST_SECONDS, headers=headers)
        except NoResponders:
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
                if self._keys is None:
                    await self._connect(client, closed)
                else:
                    key = self._keys.user_key()
                    client = _KnownByKey(key.public)
                    await self._connect(client, closed, tls=self._keys.context(), sign=key.sign)
                self._client = client
                self._complaint = None
                self._rouse()
                self._up.set()
                await self._watch(client, closed)
            except TimeoutError:
                # The client told before what it was that it tried in vain.
                pass
            except (OSError, ValueError, nats.errors.Error) as error:
                await self._complain(error)
            finally:
                self._up.clear()
                self._client = None
                self._rouse()
                with contextlib.suppress(Exception):
                    await client.close()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _connect(
        self, client: Client, closed: asyncio.Event, *,
        tls: ssl.SSLContext | None = None, sign: Callable[[str], bytes] | None = None,
    ) -> None:  # fmt: skip
        async def on_closed() -> None:
            closed.set()

        async def on_reconnected() -> None:
            self._complaint = None
            self._rouse()

        # A handshake that is cut off leaves the client waiting for what never comes.
        async with asyncio.timeout(GIVEN_UP_SECONDS):
            await client.connect(
                servers=self._servers,
                name=self._identity,
                user=self._user,
                password=self._password,
                tls=tls,
                # Not a word before it, which somebody in between could change.
                tls_handshake_first=tls is not None,
                signature_cb=sign,
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

        async def hear(message: Msg) -> None:
            text = message.data.decode("ascii", errors="replace")
            self._heard[message.subject] = Heard(text, asyncio.get_running_loop().time())

        for subject in self._hears:
            await client.subscribe(subject, cb=hear)

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


class _KnownByKey(Client):
    """A client whose user is a key; by itself the library has this only of seeds that a package of its own reads."""

    def __init__(self, public: str) -> None:
        super().__init__()
        self._public_nkey = public


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
