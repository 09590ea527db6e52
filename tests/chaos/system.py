"""A whole system that may be broken, everything that was asked of it, and the search for what went wrong."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import httpx

from ops.checkpoints import checkpointer_url
from ops.demo_year import exchange, granting
from ops.demo_year.calling import Caller
from ops.demo_year.people import Dice, moment
from ops.demo_year.script import Journey
from ops.demo_year.wire import Wire
from ops.settings import CannotStart, OpsSettings
from ops.supervisor import Running
from ops.system import addresses, as_usual, development_secret, make_system
from ops.verification import verify_system
from services.counselling.domain.intention import ExpressIntention
from services.counselling.domain.person import RegisterPerson
from services.reintegration.domain.grant import DraftGrant
from services.reintegration.domain.plan import AgreeFirstPlan, RecordOwnPlan
from services.reintegration.domain.tranches import ConfirmPayment
from shared.bus import Bus
from shared.contracts.families import FamilySplit
from shared.messages import Command
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note
from shared.tlog.tree import Frontier, leaf_hash
from shared.tlog.trust import TrustPolicy
from shared.topology import LOGS, SERVICES, Service
from tests.chaos.apart import Apart
from tests.chaos.checker import Entry, Finding, findings
from tests.chaos.clients import Clients, Forgetful
from tests.chaos.history import History
from tests.hurry import HURRIED

# Timers look every minute; whoever looks takes some seconds.
LOOKS = 3

# One row for each command of these kinds: where it stands, and by what it is known there.
ROWS: tuple[tuple[tuple[type[Command], ...], str, str], ...] = (
    ((RegisterPerson,), "counselling", "SELECT id FROM persons"),
    ((ExpressIntention,), "counselling", "SELECT id FROM intentions"),
    ((ExpressIntention,), "returns", "SELECT id FROM cases"),
    ((ExpressIntention,), "reintegration", "SELECT id FROM cases"),
    ((RecordOwnPlan, AgreeFirstPlan), "reintegration", "SELECT id FROM plans"),
    ((DraftGrant,), "reintegration", "SELECT id FROM grants"),
    ((ConfirmPayment,), "reintegration", "SELECT grant_id FROM payment_references WHERE tranche > 0"),
)


@dataclass(frozen=True)
class System:
    """A running system, the clients who use it, and what they were told so far; ``workers`` tell how far each service has followed."""

    settings: OpsSettings
    running: Running
    client: httpx.AsyncClient
    caller: Caller
    workers: Caller
    history: History
    clients: Clients

    async def leaves(self, service: str) -> list[bytes]:
        """A service's log, read past its API: an auditor's reading would be on record in it."""
        return [bytes(row["leaf"]) for row in await self.ask(service, "SELECT leaf FROM event_log ORDER BY idx")]

    async def logs(self) -> dict[str, list[Entry]]:
        """All logs."""
        return {service.name: [Entry.of(leaf) for leaf in await self.leaves(service.name)] for service in SERVICES}

    async def ask(self, service: str, sql: str) -> list[asyncpg.Record]:
        """What a service's database answers its administrator."""
        server = self.running.postgres
        connection = await asyncpg.connect(server.url_for(service, server.user, server.password))
        try:
            return await connection.fetch(sql)
        finally:
            await connection.close()

    @asynccontextmanager
    async def bus(self, service: Service) -> AsyncIterator[Bus]:
        """The broker as one service may use it."""
        password = self.running.nats.passwords[service.name]
        async with Bus(self.running.nats.url, service.name, service.name, password) as bus:
            await bus.ready()
            yield bus

    async def wrong(self) -> list[str]:
        """Waits until all services have followed all there is; then everything that is not as it must be."""
        return [finding.text for finding in await self.findings()]

    async def findings(self) -> list[Finding]:
        """The same, each with its kind.

        What was read of a log at one moment is held against what streams and archives have at another: where a timer added
        something in between, all is looked at once more. Who did not follow in time, or tried again, is not excused by that.
        """
        for look in range(LOOKS):
            late: list[Finding] = []
            before = await self.sizes()
            try:
                await self.workers.drained()
            except CannotStart as lagging:
                late.append(Finding("lost", lagging.sentence))
            for service in SERVICES:
                late += [Finding("other", text) for text in await self.standing_still(service)]
            found = await self._unlike()
            if late or not found or await self.sizes() == before or look == LOOKS - 1:
                break
        return late + found

    async def sizes(self) -> dict[str, int]:
        """How much each log holds; where it is the same twice, nothing came in between."""
        return {log.name: (await self.ask(log.name, "SELECT size FROM log_head"))[0]["size"] for log in LOGS}

    async def unlike_their_streams(self) -> list[str]:
        """A finding for each service whose stream holds anything else than its log, looked at once more where a timer added something."""
        for _ in range(LOOKS):
            before = await self.sizes()
            await self.workers.drained()
            found = [line for service in SERVICES for line in await self.unlike_its_stream(service)]
            if not found or await self.sizes() == before:
                break
        return found

    async def _unlike(self) -> list[Finding]:
        found = findings(self.history.asked.values(), await self.logs())
        others: list[str] = []
        for service in SERVICES:
            found += await self._gaps(service)
            others += await self.unlike_its_stream(service)
            others += await self.unlike_its_checkpoint(service)
        apart = await self._split_off()
        for commands, service_name, sql in ROWS:
            others += await self._unlike_their_commands(commands, apart if ExpressIntention in commands else [], service_name, sql)
        others += [line async for line, count in verify_system(self.settings, None) if count]
        return found + [Finding("other", text) for text in others]

    async def _gaps(self, service: Service) -> list[Finding]:
        rows = await self.ask(service.name, "SELECT idx, (SELECT size FROM log_head) AS size FROM event_log ORDER BY idx")
        whole = [row["idx"] for row in rows] == list(range(rows[0]["size"] if rows else 0))
        return [] if whole else [Finding("gap", f"{service.name}: its log has a gap, or another length than it says")]

    async def standing_still(self, service: Service) -> list[str]:
        """A finding for each log that a service no longer follows, or of which an event is being tried again."""
        return [
            f"{service.name}: its follower of {row['source']} {'stands still' if row['stopped'] else 'counted tries'}"
            for row in await self.ask(service.name, "SELECT source, stopped FROM cursor WHERE tries > 0 OR stopped <> ''")
        ]

    async def unlike_its_checkpoint(self, service: Service) -> list[str]:
        """A finding where no witness saw a checkpoint of all that a service's log holds, or of anything else."""
        url, size, said = checkpointer_url(self.running), -1, None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(60):
                while said is None or said.size != size:
                    size = len(await self.leaves(service.name))
                    policy, answer = await self.client.get(f"{url}/policy"), await self.client.get(f"{url}/{service.name}/checkpoint")
                    said = TrustPolicy.of(policy.text).checked(Note.of(answer.content)) if answer.is_success else None
                    await asyncio.sleep(0.2)
        tree = Frontier()
        for leaf in (await self.leaves(service.name))[:size]:
            tree.append(leaf_hash(leaf))
        right = Checkpoint(f"{self.settings.logs_origin}/{service.name}", size, tree.root())
        return [] if said == right else [f"{service.name}: its checkpoint says something else than its log, or nothing"]

    async def unlike_its_stream(self, service: Service) -> list[str]:
        """A finding where a service's stream holds anything else than its log."""
        leaves = await self.leaves(service.name)
        async with self.bus(service) as bus:
            state = await bus.stream_state(service.stream)
            stored = [await bus.message(service.stream, idx + 1) for idx in range(state.last)]
        for idx, (one, other) in enumerate(zip(stored, leaves, strict=False)):
            if one != other:
                return [f"{service.name}: at {idx} the stream has another event than the log"]
        return [] if len(stored) == len(leaves) else [f"{service.name}: the stream has {len(stored)} events, the log {len(leaves)}"]

    async def _split_off(self) -> list[UUID]:
        """The cases that began for some of a family without a wish of their own, and by whose ids their attempts go on."""
        told = [json.loads(leaf) for leaf in await self.leaves("returns")]
        return [UUID(leaf["data"]["new_case_id"]) for leaf in told if leaf["type"] == FamilySplit.kind]

    async def _unlike_their_commands(
        self, commands: tuple[type[Command], ...], besides: list[UUID], service: str, sql: str
    ) -> list[str]:
        given: list[UUID] = [
            asked.step.id
            for asked in self.history.asked.values()
            if asked.acknowledged and type(asked.step.order) in commands
        ]
        rows = [row[0] for row in await self.ask(service, sql)]
        if sorted(given + besides) == sorted(UUID(bytes=row.bytes) for row in rows):
            return []
        names = " and ".join(command.__name__ for command in commands)
        split = f" and {len(besides)} split off" if besides else ""
        return [f"{service}: {len(given)} {names} were acknowledged{split}, {sql} answers {len(rows)} rows"]


@asynccontextmanager
async def open_system(settings: OpsSettings, apart: Apart | None = None, history: History | None = None) -> AsyncIterator[System]:
    """A system on the replay clock whose parts come back by themselves when they die; ``apart``, each a process of its own."""
    history = history or History()
    recast = apart.recast if apart is not None else as_usual
    told = {**HURRIED, **(apart.environment if apart is not None else {})}
    async with (
        make_system(settings, clock="replay", restart=True, say=lambda _: None, environment=told, recast=recast) as running,
        httpx.AsyncClient(timeout=15, transport=Wire(), trust_env=False, event_hooks=history.hooks) as client,
    ):
        found = addresses(running, "replay")
        tokens = Forgetful(found.issuer, development_secret(settings))
        services = {name: url for name, url in found.services.items() if apart is None or name not in apart.without}
        caller = Caller(client, services, tokens)
        await caller.learn()
        workers = caller
        if apart is not None:
            await apart.add_workers(running)
            workers = Caller(client, {**services, **apart.workers}, tokens)
        opened = System(settings, running, client, caller, workers, history, Clients(caller, history, tokens.forget))
        # What no year that is played here says again: by which rules, and who has authority.
        once = Journey(Dice(0))
        once.give(moment(0, 7), "manager", granting.POLICY_ID, granting.POLICY)
        granting.authorise(once, 0)
        exchange.record(once, 0)
        await opened.clients.run("once", [once.in_order()])
        yield opened
