"""The archive of a source's log, and what tests ask of it."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Self

from services.audit import archive
from services.audit.following import Archiver
from shared.bus import Bus
from shared.db import Database, Scope, Sql
from shared.tlog.tree import Frontier, leaf_hash, root_of
from shared.topology import AUDIT
from tests.integration.bus.house import SOURCE, House
from tests.integration.conftest import MakeDatabase, ServiceDatabase

WORKER = Scope("service:audit")
_LEAVES = Sql("SELECT idx, leaf, leaf_hash FROM archive_entries WHERE log = :log ORDER BY idx")
_STOPPED = Sql("SELECT stopped FROM cursor WHERE source = :log")


@dataclass(frozen=True)
class Archiving:
    """A house with an archive in it."""

    house: House
    made: ServiceDatabase
    bus: Bus

    @classmethod
    @contextlib.asynccontextmanager
    async def between(cls, house: House, make_database: MakeDatabase) -> AsyncIterator[Self]:
        async with Bus(
            house.servers.nats.url, AUDIT.name, AUDIT.name, house.servers.nats.passwords[AUDIT.name], hears=(SOURCE.head,)
        ) as bus:
            yield cls(house, await make_database("audit"), bus)

    def archiver(self, database: Database | None = None) -> Archiver:
        return Archiver(SOURCE, database or self.made.worker, self.bus, (0.1, 0.2), redelivered_after=0.2)

    async def leaves(self, database: Database | None = None) -> list[bytes]:
        async with (database or self.made.worker).unit_of_work(WORKER) as unit:
            rows = await unit.rows(_LEAVES, log=SOURCE.name)
        assert [row["idx"] for row in rows] == list(range(len(rows)))
        assert all(leaf_hash(row["leaf"]) == row["leaf_hash"] for row in rows)
        return [bytes(row["leaf"]) for row in rows]

    async def root(self, size: int) -> bytes:
        async with self.made.worker.unit_of_work(WORKER) as unit:
            nodes = await archive.nodes_for(unit, SOURCE.name, size, lambda nodes: root_of(size, nodes))
        return root_of(size, nodes)

    async def stopped(self, database: Database | None = None) -> str | None:
        async with (database or self.made.worker).unit_of_work(WORKER) as unit:
            row = await unit.row(_STOPPED, log=SOURCE.name)
        return None if row is None else row["stopped"]


def root_over(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaves, in the plainest way there is."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf_hash(leaf))
    return frontier.root()
