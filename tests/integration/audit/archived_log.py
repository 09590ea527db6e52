"""A service with a log, an archive of it, and both APIs as they are asked."""

import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

import asyncpg
import httpx
import rfc8785

from services.audit import archive, checkpoints
from services.audit.archive import Entry
from services.audit.comparing import Comparing
from shared.actors import Actor
from shared.appending import Leaf
from shared.auth import Tokens
from shared.db import Scope, Sql
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import COSIGNATURE, ED25519, Note, Signer
from shared.tlog.tree import Frontier, leaf_hash
from shared.tlog.trust import Group, TrustPolicy
from tests.integration.any_service import app_of
from tests.integration.conftest import MakeDatabase, ServiceDatabase
from tests.integration.returns.api import AUDITOR, SETTINGS, Keys, token

LOG = "counselling"
URL, AUDIT_URL = "http://counselling.test", "http://audit.test"
WORKER = Scope("service:audit")
PROGRAM = Actor("client:service-audit", frozenset({"archive"}), "avrr", frozenset(), frozenset(), "", None)
NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
_LEAVES = Sql("SELECT idx, leaf FROM event_log ORDER BY idx")
_VERSIONS = itertools.count(1)

OF_LOG = Signer.of(f"logs.example/{LOG}", ED25519, bytes([1]) * 32)
OF_WITNESS = Signer.of("witness.example", COSIGNATURE, bytes([2]) * 32)
POLICY = TrustPolicy((OF_LOG.verifier_key,), {"w": OF_WITNESS.verifier_key}, {"g": Group(1, ("w",))}, "g")


@dataclass
class ArchivedLog:
    """What is between one log and its archive, moved by hand."""

    source: ServiceDatabase
    made: ServiceDatabase
    client: httpx.AsyncClient
    comparing: Comparing
    superuser: "asyncpg.Connection[asyncpg.Record]"
    url_for: Callable[[str], str]

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, make_database: MakeDatabase, url_for: Callable[[str], str]) -> AsyncIterator[Self]:
        source, made = await make_database(LOG), await make_database("audit")
        settings = SETTINGS.model_copy(update={"allowed_hosts": ("counselling.test", "audit.test")})
        tokens = Tokens(SETTINGS, Keys(), lambda: datetime.now(UTC))
        apps = {URL: app_of(LOG, settings, source, tokens), AUDIT_URL: app_of("audit", settings, made, tokens)}
        mounts = {url: httpx.ASGITransport(app=app) for url, app in apps.items()}
        superuser = await asyncpg.connect(url_for(source.logins.api.rpartition("/")[2]))

        async def bearer() -> str:
            return token(PROGRAM)

        async with httpx.AsyncClient(mounts=mounts) as client:
            yield cls(source, made, client, Comparing(made.worker, client, {LOG: URL}, bearer, lambda: None), superuser, url_for)
        await superuser.close()

    async def happen(
        self, count: int = 1, kind: str = "session.held", by: str = "staff:anna", case: UUID | None = None,
        cause: bytes | None = None, correlation: str | None = None, at: datetime | None = None, role: str = "counsellor",
        subject: UUID | None = None, **data: object
    ) -> list[UUID]:
        """That many events enter the log, a minute between each and the next, or all at one moment."""
        made = []
        for _ in range(count):
            version = next(_VERSIONS)
            event_id, of, type = uuid7(), subject or case or uuid7(), f"avrr.{LOG}.{kind}.v1"
            when = at or NOON + timedelta(minutes=version)
            envelope = {
                "specversion": "1.0", "id": str(event_id), "source": f"urn:avrr:{LOG}", "type": type,
                "subject": str(of), "partitionkey": str(case or of), "time": when.isoformat().replace("+00:00", "Z"),
                "dataschema": f"urn:avrr:schema:{type}", "aggregateversion": version, "actorid": by, "actorrole": role,
                "actororg": "iom-bih", "actorcountry": "", "actoracr": "phr", "correlationid": correlation or str(uuid7()), "data": data,
            }  # fmt: skip
            if cause is not None:
                envelope |= {"causationid": json.loads(cause)["id"], "causeleafhash": leaf_hash(cause).hex()}
            async with self.source.api.unit_of_work(EVERYWHERE.scope(AUDITOR)) as unit:
                unit.append(Leaf(event_id, type, of, version, rfc8785.dumps(envelope)))  # type: ignore[arg-type]
            made.append(event_id)
        return made

    async def leaves(self) -> list[bytes]:
        async with self.source.worker.unit_of_work(EVERYWHERE.scope(AUDITOR, log=True)) as unit:
            return [bytes(row["leaf"]) for row in await unit.rows(_LEAVES)]

    async def archive(self) -> int:
        """Everything that the log holds is archived; says how much that is."""
        leaves = await self.leaves()
        entries = [entry for entry in map(Entry.of, range(len(leaves)), leaves) if entry is not None]
        await self.made.worker.attempt(WORKER, lambda unit: archive.take(unit, LOG, entries, None))
        return len(leaves)

    async def change(self, statement: str, *values: object) -> None:
        """What only a superuser can do to a log."""
        await self.superuser.execute("ALTER TABLE event_log DISABLE TRIGGER ALL")
        await self.superuser.execute(statement, *values)
        await self.superuser.execute("ALTER TABLE event_log ENABLE TRIGGER ALL")

    @contextlib.asynccontextmanager
    async def beside_the_archive(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        """What only a superuser can do to the archive: past every right and every trigger."""
        connection = await asyncpg.connect(self.url_for(self.made.logins.api.rpartition("/")[2]))
        await connection.execute("SET session_replication_role = replica")
        try:
            yield connection
        finally:
            await connection.close()

    async def differences(self) -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(self.made.logins.verify)
        rows = await connection.fetch(
            "SELECT kind, first_idx, last_idx FROM archive_differences WHERE gone_at IS NULL ORDER BY 2, 1"
        )
        await connection.close()
        return [tuple(row.values()) for row in rows]

    async def sightings(self) -> dict[tuple[object, object], int]:
        """How often each finding was found that nothing clears, by its kind and its first entry."""
        connection = await asyncpg.connect(self.made.logins.verify)
        rows = await connection.fetch(
            "SELECT kind, first_idx, count(*) AS times FROM archive_differences d JOIN archive_sightings s ON s.finding_id = d.id GROUP BY 1, 2"
        )
        await connection.close()
        return {(row["kind"], row["first_idx"]): row["times"] for row in rows}

    async def signed(self, size: int, other: bytes = b"", at: int = 1) -> str:
        """The checkpoint of the log's first entries, or of others."""
        tree = Frontier()
        for leaf in (await self.leaves())[:size]:
            tree.append(leaf_hash(leaf + other))
        text = Checkpoint(OF_LOG.name, size, tree.root()).text
        return str(Note(text, (OF_LOG.sign(text), OF_WITNESS.sign(text, at))))

    async def told(self, note: str, policy: TrustPolicy = POLICY) -> checkpoints.Asked:
        """The archive asks a checkpointer that answers like this."""

        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, text=str(policy) if request.url.path == "/policy" else note)

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            asking = checkpoints.Checkpoints(self.made.worker, client, "http://checkpointer.test", (LOG,))
            await asking.ask(LOG)
        return asking.logs[LOG]

    async def get(self, path: str, by: Actor = AUDITOR, url: str = AUDIT_URL, **query: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(by)}", "Avrr-Now": NOON.isoformat()}
        return await self.client.get(f"{url}{path}", params={name: str(value) for name, value in query.items()}, headers=headers)
