"""A system of its own to measure: empty but for what money needs, on the clock of the demo, without bounds on how fast one asks."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg
import httpx

from ops.demo_year.calling import Caller
from ops.demo_year.script import Step
from ops.demo_year.wire import Wire
from ops.demo_year.year import build_year_by_hand
from ops.identity.client import PersonaTokens
from ops.settings import CannotStart, OpsSettings
from ops.supervisor import Running
from ops.system import ALLOWANCES, Addresses, addresses, development_secret, make_system, service_child
from shared.messages import Command
from shared.outgoing import Outgoing
from shared.topology import Service

UNBOUND: Final = dict.fromkeys(ALLOWANCES, "100000000")
SEED: Final = 20_230


@dataclass(frozen=True)
class Ground:
    """A running system and somebody who asks it."""

    running: Running
    addresses: Addresses
    client: httpx.AsyncClient
    wire: Wire
    caller: Caller
    tokens: PersonaTokens
    journeys: list[list[Step]]
    """Those of an invented year, whose first, which is over, has opened the funds."""

    async def done(self, step: Step) -> None:
        """Gives an order; `CannotStart` if it is refused."""
        await self.give(step.service, step.persona, step.id, step.order, step.at, f"bench-step-{next(_KEYS)}")

    async def give(self, service: str, persona: str, id: UUID, order: Command, at: datetime, key: str) -> None:
        """The same of an order with a key of the caller's."""
        answer = await self.caller.give(service, persona, id, order, at, key)
        if not answer.is_success:
            raise CannotStart("bench_refused", f"{type(order).__name__} was answered with {answer.status_code} {answer.json().get('code', '')}.")

    async def settled(self) -> None:
        """Returns when everybody has followed everything, and takes little of the machine until then."""
        await self.caller.drained(within=900, pause=0.25)

    def cpu_seconds(self, name: str) -> float:
        """How long a part of the system has had a processor since it began."""
        pid = self.running.pid(name)
        said = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(said[11]) + int(said[12])) / os.sysconf("SC_CLK_TCK")

    async def answers_only(self, service: Service) -> None:
        """The service goes on to answer and does nothing else: what nobody ordered would be found by it, row for row."""
        await self.running.stop(service.name)
        port = self.running.ports[service.name]
        await self.running.add(service_child(self.running, service, "replay", role="api", port=port, environment=UNBOUND))

    async def administrator(self, service: str) -> "asyncpg.Connection[asyncpg.Record]":
        """A service's database, past its rules: for floors, and for rows that nobody ordered."""
        server = self.running.postgres
        return await asyncpg.connect(server.url_for(service, server.user, server.password))

    async def headers(self, persona: str, at: datetime | None = None) -> dict[str, str]:
        """Who asks, and when that is."""
        found = {"Authorization": f"Bearer {await self.tokens.token(persona)}"}
        return found if at is None else found | {"Avrr-Now": at.isoformat()}


_KEYS = count()


@asynccontextmanager
async def ground(folder: Path) -> AsyncIterator[Ground]:
    """The system in a new folder, ready; it ends with the block."""
    settings = OpsSettings(data=folder)
    system = make_system(settings, clock="replay", say=lambda _: None, environment=UNBOUND)
    wire = Wire()
    async with system as running, Outgoing(timeout=60, transport=wire, trust_env=False) as client:
        found = addresses(running, "replay")
        tokens = PersonaTokens(found.issuer, development_secret(settings), client=client)
        caller = Caller(client, found.services, tokens)
        await caller.learn()
        opening, *journeys = build_year_by_hand(SEED)
        made = Ground(running, found, client, wire, caller, tokens, journeys)
        for step in opening:
            await made.done(step)
        yield made
