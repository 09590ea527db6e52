"""Gives commands to the running services as any client would: over HTTP, each once, on the replay clock."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import httpx

from ops.demo_year.script import Direct, Request
from ops.identity.client import PersonaTokens
from ops.settings import CannotStart
from shared.endpoints import Form, Readiness
from shared.messages import Command
from shared.topology import SERVICES

DRAIN_SECONDS = 60.0
RETRY_SECONDS = 60.0
_PAUSE = 0.2
_KEEPS_TIME = ("returns", "reintegration")


class Caller:
    """A client of all services at once; where each command goes is what the services' own forms say."""

    def __init__(self, client: httpx.AsyncClient, services: Mapping[str, str], tokens: PersonaTokens) -> None:
        self._client = client
        self._services = services
        self._tokens = tokens
        self._routes: dict[tuple[str, str], tuple[str, str]] = {}

    async def learn(self) -> None:
        """Reads the forms of every service."""
        for name, url in self._services.items():
            answer = await self._client.get(f"{url}/v1/forms", headers=await self._as("counsellor"))
            answer.raise_for_status()
            for item in answer.json():
                form = Form.model_validate(item)
                self._routes[name, str(form.body["title"])] = (form.method, form.path)

    async def give(
        self, service: str, persona: str, id: UUID, order: Command, at: datetime | None, key: str
    ) -> httpx.Response:
        """One command; asked again under the same key while the service is away, for a minute at most."""
        asked = self._request(service, id, order)
        headers = await self._as(persona) | {"Idempotency-Key": key, "Content-Type": asked.content_type}
        if at is not None:
            headers["Avrr-Now"] = at.isoformat()
        url = self._services[service] + asked.path
        answer = await self._patiently(asked.method, url, asked.body, headers)
        if answer.status_code == httpx.codes.PRECONDITION_REQUIRED:
            # As whoever decides on it does, it is looked at first.
            looking = {name: value for name, value in headers.items() if name not in ("Idempotency-Key", "Content-Type")}
            shown = await self._patiently("GET", url.rpartition("/")[0], None, looking)
            if not shown.is_success:
                return shown
            headers["If-Match"] = shown.headers["ETag"]
            answer = await self._patiently(asked.method, url, asked.body, headers)
        return answer

    def _request(self, service: str, id: UUID, order: Command) -> Request:
        if isinstance(order, Direct):
            return order.request(id)
        return Request(*self.place(service, id, order), order.model_dump_json().encode())

    def place(self, service: str, id: UUID, order: Command) -> tuple[str, str]:
        """By which method and at which path an order is given, where its body is what it says."""
        method, path = self._routes[service, type(order).__name__]
        before, _, rest = path.partition("{")
        return method, before + str(id) + rest.partition("}")[2]

    async def read(self, service: str, persona: str, path: str) -> httpx.Response:
        """One question."""
        return await self._patiently("GET", self._services[service] + path, None, await self._as(persona))

    async def day_is_over(self, at: datetime) -> None:
        """What time alone brings about by then is looked for, as services on the real clock do by themselves."""
        headers = await self._as("administrator") | {"Avrr-Now": at.isoformat()}
        for service in _KEEPS_TIME:
            answer = await self._patiently("POST", f"{self._services[service]}/v1/looks-at-the-clock", None, headers)
            answer.raise_for_status()

    async def drained(self, within: float = DRAIN_SECONDS, pause: float = 0.003) -> None:
        """Returns when every service has followed all there is, and all that this led to; looks again after each pause.

        One look in which nobody lags is enough. A service says at one moment how long its log is and how far it has
        followed, and moves on in the same transaction in which it reacts: whoever has followed all that it was seen to
        have, had its own reactions in its log by then, which others were in turn seen to have followed.

        Raises `CannotStart` naming who lags if that takes longer than so many seconds.
        """
        until = time.monotonic() + within
        while True:
            found = await asyncio.gather(*(self._readiness(url) for url in self._services.values()))
            known = dict(zip(self._services, found, strict=True))
            lagging = [
                f"{service.name} behind {source}"
                for service in SERVICES
                for source in service.follows
                if known[service.name].cursors.get(source, -1) + 1 < (known[source].log_size or 0)
            ]
            if not lagging:
                return
            if time.monotonic() > until:
                raise CannotStart("bus_lags", f"The bus does not drain: {', '.join(lagging)}.")
            await asyncio.sleep(pause)

    async def _as(self, persona: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {await self._tokens.token(persona)}"}

    async def _patiently(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        until = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                answer = await self._client.request(method, url, content=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
            if time.monotonic() > until:
                raise CannotStart("no_answer", "A service did not answer for a minute.")
            await asyncio.sleep(_PAUSE)

    async def _readiness(self, url: str) -> Readiness:
        return Readiness.model_validate_json((await self._patiently("GET", f"{url}/readyz", None, {})).content)
