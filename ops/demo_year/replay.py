"""Sends the invented year through the services' public APIs: day by day, many clients at once, on the replay clock."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx

from ops.demo_year.script import Step
from ops.demo_year.year import build_year
from ops.identity.client import PersonaTokens
from ops.settings import CannotStart
from shared.endpoints import Form, Readiness
from shared.topology import SERVICES

CLIENTS = 20
DRAIN_SECONDS = 60.0
RETRY_SECONDS = 30.0

Route = tuple[str, str]
Numbered = tuple[int, Step]


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many commands were given, and how long that took in seconds of real time."""

    commands: int
    seconds: float


async def replay_year(
    services: Mapping[str, str], tokens: PersonaTokens, seed: int, progress: Callable[[int, int], None]
) -> Replayed:
    """Replays the year of a seed; run again after an interruption it goes on without doing anything twice.

    ``progress`` is told how many commands were answered, of how many. Raises `CannotStart` with one line if a
    command is refused or the services do not keep up.
    """
    days: dict[int, list[list[Numbered]]] = defaultdict(list)
    total = 0
    for journey in build_year(seed):
        by_day: dict[int, list[Numbered]] = defaultdict(list)
        for step in journey:
            by_day[step.at.timetuple().tm_yday].append((total, step))
            total += 1
        for day, steps in by_day.items():
            days[day].append(steps)
    began = time.monotonic()
    limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with httpx.AsyncClient(timeout=30, limits=limits, trust_env=False) as client:
        sender = _Sender(client, services, tokens, await _routes(client, services, tokens), seed)
        for day in sorted(days):
            await sender.send(days[day], lambda: progress(sender.answered, total))
            await _drained(client, services)
    return Replayed(total, time.monotonic() - began)


class _Sender:
    def __init__(
        self, client: httpx.AsyncClient, services: Mapping[str, str], tokens: PersonaTokens,
        routes: Mapping[tuple[str, str], Route], seed: int,
    ) -> None:
        self.answered = 0
        self._client = client
        self._services = services
        self._tokens = tokens
        self._routes = routes
        self._seed = seed

    async def send(self, journeys: Sequence[Sequence[Numbered]], progress: Callable[[], None]) -> None:
        """All journeys' steps of one day: those of one journey in order, the journeys beside each other."""
        waiting = list(reversed(journeys))

        async def work() -> None:
            while waiting:
                for number, step in waiting.pop():
                    await self._give(number, step)
                    self.answered += 1
                    progress()

        async with asyncio.TaskGroup() as group:
            for _ in range(min(CLIENTS, len(waiting))):
                group.create_task(work())

    async def _give(self, number: int, step: Step) -> None:
        command = type(step.order).__name__
        method, path = self._routes[step.service, command]
        url = self._services[step.service] + _with_id(path, str(step.id))
        headers = {
            "Authorization": f"Bearer {await self._tokens.token(step.persona)}",
            "Idempotency-Key": f"demo-{self._seed}-{number}",
            "Avrr-Now": step.at.isoformat(),
            "Content-Type": "application/json",
        }
        answer = await self._ask(method, url, step.order.model_dump_json().encode(), headers)
        if not answer.is_success:
            code = answer.json().get("code", "unknown") if "json" in answer.headers.get("content-type", "") else "none"
            raise CannotStart(
                "replay_refused", f"{step.service} refused {command} on {step.at:%d %B}: {answer.status_code} {code}."
            )

    async def _ask(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        until = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                answer = await self._client.request(method, url, content=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
            if time.monotonic() > until:
                raise CannotStart("replay_stalled", "A service did not answer for 30 seconds; the replay stops.")
            await asyncio.sleep(0.2)


def _with_id(path: str, id: str) -> str:
    before, _, rest = path.partition("{")
    return before + id + rest.partition("}")[2]


async def _routes(
    client: httpx.AsyncClient, services: Mapping[str, str], tokens: PersonaTokens
) -> dict[tuple[str, str], Route]:
    """Where each command goes, as the services' own forms say: by service and name of the command."""
    found: dict[tuple[str, str], Route] = {}
    for name, url in services.items():
        answer = await client.get(
            f"{url}/v1/forms", headers={"Authorization": f"Bearer {await tokens.token('counsellor')}"}
        )
        answer.raise_for_status()
        for item in answer.json():
            form = Form.model_validate(item)
            found[name, str(form.body["title"])] = (form.method, form.path)
    return found


async def _drained(client: httpx.AsyncClient, services: Mapping[str, str]) -> None:
    """Returns when every service has followed all there is; twice in a row, since a reaction may make more."""
    until = time.monotonic() + DRAIN_SECONDS
    before: tuple[int, ...] | None = None
    while True:
        found = await asyncio.gather(*(_readiness(client, url) for url in services.values()))
        known = dict(zip(services, found, strict=True))
        lagging = [
            f"{service.name} behind {source}"
            for service in SERVICES
            for source in service.follows
            if known[service.name].cursors.get(source, -1) + 1 < known[source].log_size
        ]
        sizes = tuple(readiness.log_size for readiness in found)
        if not lagging and sizes == before:
            return
        before = sizes if not lagging else None
        if time.monotonic() > until:
            raise CannotStart("replay_stalled", f"The bus does not drain: {', '.join(lagging)}.")
        await asyncio.sleep(0.002)


async def _readiness(client: httpx.AsyncClient, url: str) -> Readiness:
    answer = await client.get(f"{url}/readyz")
    return Readiness.model_validate_json(answer.content)
