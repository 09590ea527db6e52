"""What the broker says: whether it answers, holds every stream and durable as declared, and has our time."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from ops.doctor.databases import skew
from ops.doctor.findings import Finding, well, wrong
from ops.embedded.nats import OPERATOR
from ops.operating import without_login
from ops.provision import consumer_declaration, differences, stream_declaration
from shared.bus import Bus, BusFault, BusRefused, StreamMissing
from shared.bus_settings import BusSettings
from shared.topology import BY_NAME, LOGS, durable

_PATIENCE: Final = 5.0
_REBUILD: Final = "./avrr bus rebuild {stream}: it is made anew and filled from the log. Provisioning makes what is only missing by itself."


async def broker(settings: BusSettings, present: Callable[[], datetime]) -> list[Finding]:
    """What is wrong with the broker, asked by the identity of whoever looks after it."""
    try:
        async with Bus.of(settings, OPERATOR) as bus:
            async with asyncio.timeout(_PATIENCE):
                await bus.ready()
            found = [finding for service in LOGS for finding in await _of(bus, service.name, present)]
    except (BusFault, OSError, TimeoutError):
        return [
            wrong("broker", f"The broker at {without_login(settings.bus_url)} cannot be reached, or refuses our login.",
                  "Start NATS. Nothing is lost meanwhile: the services go on, and their streams are filled from their logs.")
        ]  # fmt: skip
    return found or [well("broker", f"The broker holds {len(LOGS)} streams and their durables as they are declared.")]


async def _of(bus: Bus, name: str, present: Callable[[], datetime]) -> list[Finding]:
    service = BY_NAME[name]
    try:
        before = present()
        told = await bus.api(f"STREAM.INFO.{service.stream}")
    except StreamMissing:
        return [wrong("streams", f"The broker has no stream {service.stream}.", "Look whether provision runs: it makes the stream, and the relay fills it from the log.")]
    found = []
    declared = stream_declaration(service, 1) | {"num_replicas": _config(told).get("num_replicas")}
    differs = differences(declared, _config(told))
    if differs:
        found.append(wrong("streams", f"The stream {service.stream} is not as declared: {', '.join(differs)}.", _REBUILD.format(stream=service.stream)))
    for follower in LOGS:
        if name in follower.follows:
            found += await _durable(bus, follower.name, name)
    apart = _apart(told.get("ts"), before, present())
    return found + (skew("broker", "the broker", apart) if name == LOGS[0].name else [])


async def _durable(bus: Bus, follower: str, source: str) -> list[Finding]:
    wanted = consumer_declaration(BY_NAME[follower], BY_NAME[source])
    stream = BY_NAME[source].stream
    try:
        told = await bus.api(f"CONSUMER.INFO.{stream}.{durable(BY_NAME[follower], BY_NAME[source])}")
    except BusRefused:
        return [wrong("streams", f"{follower} has no durable on {stream}.", "Look whether provision runs: it makes it, and the cursor knows where to go on.")]
    differs = differences(wanted, _config(told))
    if not differs:
        return []
    return [wrong("streams", f"The durable of {follower} on {stream} is not as declared: {', '.join(differs)}.", "Look whether provision runs, and who changed it.")]


def _config(told: Mapping[str, Any]) -> Mapping[str, Any]:
    config = told.get("config")
    return config if isinstance(config, dict) else {}


def _apart(told: object, before: datetime, after: datetime) -> timedelta:
    try:
        at = datetime.fromisoformat(str(told))
    except (TypeError, ValueError):
        return timedelta()
    return max(before - at, at - after, timedelta())
