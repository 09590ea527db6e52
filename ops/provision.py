"""Keeps the broker's streams and durable consumers as the topology declares them, beside the running services."""

import asyncio
import contextlib
import signal
from collections.abc import Iterable, Mapping

import structlog
from pydantic import Field

from shared.bus import ACK_WAIT, Bus, BusFault, BusRefused, StreamMissing
from shared.bus_settings import BusKeys, BusSettings
from shared.starting import begin
from shared.telemetry import configure_logging
from shared.topology import LOGS, Service, durable

IDENTITY = "provision"
CHECK_SECONDS = 1.0
MAX_MESSAGE_BYTES = 65536
DUPLICATE_WINDOW_SECONDS = 600
# How many events an archive may be handed before it has acknowledged the first of them.
MOST_ARCHIVED = 4096

_NO_CONSUMER = 10014
_NANOSECONDS = 1_000_000_000

log = structlog.get_logger("provision")


def stream_declaration(service: Service, replicas: int) -> dict[str, object]:
    """The stream of a service's log: nothing is ever thrown out of it, and nothing can be taken out."""
    return {
        "name": service.stream,
        "subjects": [service.subjects],
        "storage": "file",
        "retention": "limits",
        "discard": "new",
        "num_replicas": replicas,
        "max_age": 0,
        "max_bytes": -1,
        "max_msgs": -1,
        "max_msgs_per_subject": -1,
        "max_consumers": -1,
        "max_msg_size": MAX_MESSAGE_BYTES,
        "duplicate_window": DUPLICATE_WINDOW_SECONDS * _NANOSECONDS,
        "allow_direct": False,
        "allow_rollup_hdrs": False,
        "deny_delete": True,
        "deny_purge": True,
        "sealed": False,
        "no_ack": False,
    }


def consumer_declaration(follower: Service, source: Service) -> dict[str, object]:
    """The durable by which one service follows another: the whole stream, for ever.

    One event at a time, but for who archives: it takes many and acknowledges them by the last of them.
    """
    return {
        "name": durable(follower, source),
        "durable_name": durable(follower, source),
        "deliver_policy": "all",
        "ack_policy": "all" if follower.archives else "explicit",
        "ack_wait": int(ACK_WAIT * _NANOSECONDS),
        "max_deliver": -1,
        "max_ack_pending": MOST_ARCHIVED if follower.archives else 1,
        "replay_policy": "instant",
        "filter_subject": "",
        "filter_subjects": [],
        # A back-off would silently take the place of ack_wait, a threshold would remove a follower that is down.
        "backoff": [],
        "inactive_threshold": 0,
        "headers_only": False,
        "mem_storage": False,
        "num_replicas": 0,
    }


class Provision:
    """Keeps streams and consumers, as the identity of its own that can neither publish nor read an event; a person who
    repairs one comes as ``identity``.
    """

    def __init__(
        self,
        nats_url: str,
        user: str | None = None,
        password: str | None = None,
        *,
        keys: BusKeys | None = None,
        identity: str = IDENTITY,
        replicas: int = 1,
        services: Iterable[Service] = LOGS,
    ) -> None:
        self.alarms: dict[str, str] = {}
        self._bus = Bus(nats_url, identity, user, password, keys=keys)
        self._replicas = replicas
        self._services = tuple(services)
        self._fault: str | None = None

    async def run(self, stop: asyncio.Event, check_seconds: float = CHECK_SECONDS) -> None:
        """Keeps everything as declared until ``stop`` is set; whatever fails is tried again for ever."""
        async with self._bus:
            while not stop.is_set():
                await self._keep(self._services)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(check_seconds):
                        await stop.wait()

    async def ensure(self, patience: float = 30.0) -> None:
        """Makes everything as declared and returns; TimeoutError if the broker did not let it in that time."""
        async with self._bus, asyncio.timeout(patience):
            await self._made(self._services)

    async def rebuild(self, stream: str, patience: float = 30.0) -> None:
        """Deletes a stream and makes it again, empty; the service's relay fills it from the log.

        The repair of every damaged stream: what was stored can't be corrected. KeyError if no service has such a
        stream, TimeoutError if the broker did not let it.
        """
        service = {service.stream: service for service in self._services}[stream]
        async with self._bus, asyncio.timeout(patience):
            await self._bus.ready()
            with contextlib.suppress(StreamMissing):
                await self._bus.api(f"STREAM.DELETE.{stream}")
            await self._made((service,))
        log.info("stream_rebuilt", stream=stream)

    async def begin_again(self, follower: Service, patience: float = 30.0) -> None:
        """Hands everything to a follower anew, on each stream that it follows; its cursors know what it has taken already.

        For a follower whose cursors were set back. TimeoutError if the broker did not let it.
        """
        async with self._bus, asyncio.timeout(patience):
            await self._bus.ready()
            for source in self._services:
                if source.name in follower.follows:
                    with contextlib.suppress(BusRefused, StreamMissing):
                        await self._bus.api(f"CONSUMER.DELETE.{source.stream}.{durable(follower, source)}")
            await self._made(self._services)

    async def _made(self, services: tuple[Service, ...]) -> None:
        while True:
            if await self._keep(services):
                return
            await asyncio.sleep(0.1)

    async def _keep(self, services: tuple[Service, ...]) -> bool:
        try:
            for service in services:
                await self._keep_stream(service)
        except BusFault as fault:
            kind = f"refused_{fault.code}" if isinstance(fault, BusRefused) else type(fault).__name__
            if kind != self._fault:
                self._fault = kind
                log.warning("provision_waits", reason=kind)
            return False
        self._fault = None
        return True

    async def _keep_stream(self, service: Service) -> None:
        declared = stream_declaration(service, self._replicas)
        stream = service.stream
        try:
            found = _config(await self._bus.api(f"STREAM.INFO.{stream}"))
        except StreamMissing:
            await self._bus.api(f"STREAM.CREATE.{stream}", declared)
            log.info("stream_made", stream=stream)
        else:
            differs = differences(declared, found)
            if differs:
                try:
                    await self._bus.api(f"STREAM.UPDATE.{stream}", declared)
                    log.info("stream_corrected", stream=stream, settings=differs)
                except BusRefused as refused:
                    # Some settings can't be changed any more. Only a person decides to rebuild what is in use.
                    self._alarm(stream, differs, refused.code)
            else:
                self.alarms.pop(stream, None)
        for follower in self._services:
            if service.name in follower.follows:
                await self._keep_consumer(follower, service)

    async def _keep_consumer(self, follower: Service, source: Service) -> None:
        declared = consumer_declaration(follower, source)
        place = f"{source.stream}.{durable(follower, source)}"
        try:
            found = _config(await self._bus.api(f"CONSUMER.INFO.{place}"))
        except BusRefused as refused:
            if refused.code != _NO_CONSUMER:
                raise
            await self._make_consumer(source, place, declared)
            log.info("consumer_made", consumer=place)
            return
        differs = differences(declared, found)
        if not differs:
            return
        try:
            await self._make_consumer(source, place, declared)
        except BusRefused:
            # A durable holds nothing that its follower's cursor does not know better: it may be made anew.
            await self._bus.api(f"CONSUMER.DELETE.{place}")
            await self._make_consumer(source, place, declared)
        log.info("consumer_corrected", consumer=place, settings=differs)

    async def _make_consumer(self, source: Service, place: str, declared: Mapping[str, object]) -> None:
        # Without an action the server makes what is missing and updates what is there.
        await self._bus.api(f"CONSUMER.CREATE.{place}", {"stream_name": source.stream, "config": declared})

    def _alarm(self, stream: str, differs: list[str], code: int) -> None:
        alarm = f"refused_{code}: {', '.join(differs)}"
        if self.alarms.get(stream) != alarm:
            self.alarms[stream] = alarm
            log.error("stream_can_not_be_corrected", stream=stream, settings=differs, code=code)


def differences(declared: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    """The declared settings that are otherwise in what the server answers; it leaves out what is empty or zero."""
    return [name for name, value in declared.items() if (found.get(name) or None) != (value or None)]


def _config(answer: Mapping[str, object]) -> Mapping[str, object]:
    config = answer.get("config")
    return config if isinstance(config, dict) else {}


class ProvisionSettings(BusSettings):
    """Where the broker is and as whom to come, from `AVRR_…` variables."""

    nats_replicas: int = Field(default=1, ge=1, le=5)
    log_level: str = "info"


async def main() -> None:
    """Runs until it is told to end, as a container of its own does."""
    settings = ProvisionSettings()
    configure_logging(settings.log_level)
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    provision = Provision(
        settings.bus_url, settings.nats_user, settings.bus_password, keys=settings.bus_keys, replicas=settings.nats_replicas
    )
    begin()
    await provision.run(stop)


if __name__ == "__main__":
    asyncio.run(main())
