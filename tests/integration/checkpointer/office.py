"""A log in a real database, whoever signs its checkpoints and a witness that sees them; all events are invented."""

import base64
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

import asyncpg
import httpx

from ops.checkpointer.keys import LogKeys
from ops.checkpointer.keys import known as known_keys
from ops.checkpointer.reading import LogReader
from ops.checkpointer.settings import CheckpointerSettings, witnesses_in
from ops.checkpointer.watched_log import House, WatchedLog
from ops.supervisor import Running
from ops.witness.app import create_app
from ops.witness.memory import memory_in
from ops.witness.settings import signer_in
from shared.ids import uuid7
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import COSIGNATURE, Signer
from shared.tlog.tree import Frontier
from tests.integration.conftest import MakeDatabase, ServiceDatabase

HOUSE: Final = "logs.invented.example"
NOW: Final = datetime(2026, 11, 27, 8, tzinfo=UTC)
LOG: Final = "returns"
_WITNESS_URL: Final = "http://witness.invented.example"
OTHER: Final = Signer.of("other.invented.example", COSIGNATURE, bytes([5]) * 32)


@dataclass
class Log:
    """One service's log, and the superuser who changes what nobody may."""

    name: str
    made: ServiceDatabase
    superuser: "asyncpg.Connection[asyncpg.Record]"
    api: "asyncpg.Connection[asyncpg.Record]"

    @classmethod
    async def of(cls, name: str, make_database: MakeDatabase, running: Running) -> Self:
        """An empty log."""
        made = await make_database(name)
        database = made.logins.api.rpartition("/")[2]
        server = running.postgres
        superuser = await asyncpg.connect(server.url_for(database, server.user, server.password))
        return cls(name, made, superuser, await asyncpg.connect(made.logins.api))

    async def close(self) -> None:
        """Gives its connections up."""
        await self.superuser.close()
        await self.api.close()

    async def append(self, count: int, said: str = "") -> None:
        """Events as commands would leave them."""
        ids = [uuid7() for _ in range(count)]
        leaves = [json.dumps({"id": str(one), "said": said, "time": "2026-11-27T08:00:00Z", "actorid": "staff:a"}).encode() for one in ids]
        await self.api.execute(
            "SELECT append_events($1::uuid[], array_fill($2::text, ARRAY[$4::int]), $1::uuid[], array_fill(1, ARRAY[$4::int]), $3::bytea[])",
            ids, f"avrr.{self.name}.case.opened.v1", leaves, count,
        )  # fmt: skip

    async def record(self, *leaves: bytes) -> None:
        """These entries, as their commands would leave them."""
        kinds = [json.loads(leaf)["type"] for leaf in leaves]
        ids = [uuid7() for _ in leaves]
        await self.api.execute(
            "SELECT append_events($1::uuid[], $2::text[], $1::uuid[], array_fill(1, ARRAY[$4::int]), $3::bytea[])",
            ids, kinds, list(leaves), len(leaves),
        )  # fmt: skip

    async def root_at(self, size: int) -> bytes:
        """The root over the first entries in the database."""
        tree = Frontier()
        for row in await self.superuser.fetch("SELECT leaf_hash FROM event_log WHERE idx < $1 ORDER BY idx", size):
            tree.append(row["leaf_hash"])
        return tree.root()

    async def by_hand(self, *statements: str) -> None:
        """What only a superuser can do, past every trigger."""
        await self.superuser.execute("SET session_replication_role = replica")
        for statement in statements:
            await self.superuser.execute(statement)

    async def restore(self, size: int) -> None:
        """The log as a backup from before has it."""
        gone = [f"DELETE FROM {table} WHERE idx >= {size}" for table in ("event_log", "log_mentions")]
        await self.by_hand(*gone, f"UPDATE log_head SET size = {size}")

    async def root(self) -> bytes:
        """What the tree over everything in the database comes to."""
        tree = Frontier()
        for row in await self.superuser.fetch("SELECT leaf_hash FROM event_log ORDER BY idx"):
            tree.append(row["leaf_hash"])
        return tree.root()


@dataclass
class Office:
    """Folders of a checkpointer and of a witness, a clock that stands until it is moved, and a line to the witness."""

    folder: Path
    log: Log
    client: httpx.AsyncClient
    now: datetime = NOW
    reached: bool = True
    posted: list[bytes] = field(default_factory=list)
    # The folder of the witness's key, and lines about witnesses of before.
    witness: str = "witness"
    former: str = ""
    # What a second witness answers, if there is one; the word of either is enough then.
    other: Callable[[httpx.Request], httpx.Response] | None = None

    def settings(self, folder: Path) -> CheckpointerSettings:
        """Those of a checkpointer with its folder there, and always the same keys and witness."""
        witness = f"witness w {self.signer.verifier_key} {_WITNESS_URL},quorum w,{self.former}"
        if self.other is not None:
            witness = witness.replace("quorum w", f"witness o {OTHER.verifier_key} http://{OTHER.name},group g any w o,quorum g")
        keys = LogKeys(self.folder / "keys", HOUSE)
        return CheckpointerSettings(folder, keys, HOUSE, {LOG: self.log.made.logins.checkpoint}, witnesses_in(witness))

    @property
    def signer(self) -> Signer:
        """Who the witness is."""
        return signer_in(self.folder / self.witness, "w.invented.example")

    @asynccontextmanager
    async def started(self, folder: str = "signs") -> AsyncIterator[WatchedLog]:
        """The log as a checkpointer looks at it that has just been started."""
        settings = self.settings(self.folder / folder)
        keys = settings.keys_of_all(self.now.date())
        with memory_in(settings.folder / "signed") as memory:
            house = House(settings.policy(keys), settings.asked(), self.client, memory, lambda: self.now)
            reader = LogReader(settings.urls[LOG])
            yield WatchedLog(LOG, settings.origin(LOG), settings.folder / LOG, reader, keys[LOG], house)
            await reader.close()

    async def backed_up(self) -> None:
        """400 entries are signed and witnessed, and the folder `backup` is the checkpointer's as it was at 300."""
        async with self.started() as watched:
            await self.log.append(300)
            await watched.round()
            shutil.copytree(self.folder / "signs", self.folder / "backup")
            await self.log.append(100)
            await watched.round()

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def told(self, watched: WatchedLog) -> Checkpoint:
        """What is published, checked as an auditor does."""
        assert watched.published is not None
        settings = self.settings(self.folder)
        said = settings.policy(settings.keys_of_all(self.now.date())).checked(watched.published)
        assert said == Checkpoint.of(watched.published)
        return said


@asynccontextmanager
async def opened(folder: Path, log: Log) -> AsyncIterator[Office]:
    """An office whose witness runs here."""
    with memory_in(folder / "witness") as seen:
        office: Office

        async def line(request: httpx.Request) -> httpx.Response:
            if request.url.host == OTHER.name and office.other is not None:
                return office.other(request)
            if not office.reached:
                raise httpx.ConnectError("cut", request=request)
            office.posted.append(request.content)
            settings = office.settings(folder)
            known = [key for keys in settings.keys_of_all(office.now.date()).values() for key in known_keys(keys)]
            app = create_app(seen, office.signer, known, office.now.timestamp)
            return await httpx.ASGITransport(app).handle_async_request(request)

        async with httpx.AsyncClient(transport=httpx.MockTransport(line)) as client:
            office = Office(folder, log, client)
            yield office


def tile_file(office: Office, folder: str = "signs") -> Path:
    """A tile that the checkpointer keeps of the first 256 entries."""
    return office.folder / folder / LOG / "tree" / "tile" / "0" / "000"


def edge_of(office: Office) -> dict[str, bytes]:
    """What the checkpointer keeps of the tiles at the edge, by level."""
    told = json.loads((office.folder / "signs" / LOG / "tree" / "edge").read_bytes())
    return {level: base64.b64decode(hashes) for level, hashes in told["edge"].items()}
