"""A service's database and whoever remembers more of its log than it does: stream, archive, checkpoint and followers."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import httpx

from ops.keys import epochs_of
from ops.operating import BrokerAway, checkpointer_of, operator_bus
from ops.settings import OpsSettings
from ops.system import api_url, worker_url
from shared.bus import BusFault, StreamMissing
from shared.consumer import FAULTS
from shared.countries import ALPHA_2
from shared.db import Database, Scope, Sql
from shared.outgoing import Outgoing
from shared.policy import ALL_SITES
from shared.private import PersonKeys
from shared.set_back import Word, entry_of, told_by_stream
from shared.tlog.checkpoints import Checkpoint
from shared.tlog.notes import Note
from shared.tlog.refusals import LogRefused
from shared.topology import AUDIT, BY_NAME, LOGS, Service

SCOPE: Final = Scope("operator", ALPHA_2, ALL_SITES, log=True)
_ARCHIVED = Sql(
    "SELECT idx, leaf FROM archive_entries WHERE log = :log AND idx >= :first ORDER BY idx LIMIT 1000"
)
_CURSOR = Sql("SELECT last_idx FROM cursor WHERE source = :source")


@dataclass(frozen=True, slots=True)
class Known:
    """What somebody outside remembers of a log from an index on; ``size`` is how many entries they know of in all."""

    size: int
    leaves: Mapping[int, bytes]


@contextlib.asynccontextmanager
async def database_of(settings: OpsSettings, service: Service, *, as_api: bool = False) -> AsyncIterator[Database]:
    """A service's database by its worker's login, or its API's, with the keys that open what is sealed there."""
    database = Database((api_url if as_api else worker_url)(settings, service), "avrr-restored", 2)
    await database.open()
    try:
        async with epochs_of(settings, service) as (epochs, index):
            database.keys = PersonKeys(service.name, epochs, index)
            yield database
    finally:
        await database.close()


async def in_stream(settings: OpsSettings, service: Service, first: int) -> Known | None:
    """What the service's stream holds from an index on; None where it cannot be read."""
    try:
        async with operator_bus(settings) as bus:
            state = await bus.stream_state(service.stream)
            leaves: dict[int, bytes] = {}
            for idx in range(max(first, state.first - 1), state.last):
                leaf = await bus.message(service.stream, idx + 1)
                if leaf is not None:
                    leaves[idx] = leaf
            return Known(state.last, leaves)
    except StreamMissing:
        return Known(0, {})
    except (BusFault, BrokerAway):
        return None


async def kept_of_stream(settings: OpsSettings, database: Database, service: Service) -> Word:
    """What the service's stream says of how much of it the log in this database kept; nothing where it cannot be read."""
    try:
        async with operator_bus(settings) as bus:
            return await told_by_stream(bus, service, partial(entry_of, database, service))
    except (BusFault, BrokerAway):
        return Word(said=False)


async def in_archive(settings: OpsSettings, service: Service, first: int) -> Known | None:
    """What the archive holds of the log from an index on; None where its database does not answer."""
    leaves: dict[int, bytes] = {}
    try:
        async with database_of(settings, AUDIT) as database, database.unit_of_work(SCOPE, snapshot=True) as unit:
            cursor = await unit.row(_CURSOR, source=service.name)
            at = first
            while rows := await unit.rows(_ARCHIVED, log=service.name, first=at):
                leaves |= {row["idx"]: bytes(row["leaf"]) for row in rows}
                at = rows[-1]["idx"] + 1
    except FAULTS:
        return None
    held = (cursor["last_idx"] if cursor is not None else -1) + 1
    return Known(max(held, at if leaves else 0), leaves)


async def signed(settings: OpsSettings, service: Service) -> int | None:
    """How many entries of the log the latest published checkpoint covers; None where there is none to be had."""
    url = checkpointer_of(settings).rstrip("/")
    try:
        async with Outgoing(timeout=3, trust_env=False, follow_redirects=False) as client:
            answer = await client.get(f"{url}/{service.name}/checkpoint")
        return Checkpoint.of(Note.of(answer.content)).size if answer.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, LogRefused, ValueError):
        return None


async def followed(settings: OpsSettings, service: Service) -> Mapping[str, int]:
    """How many entries each service that follows this one has taken of its log."""
    taken: dict[str, int] = {}
    for follower in LOGS:
        if service.name not in follower.follows:
            continue
        with contextlib.suppress(*FAULTS):
            async with database_of(settings, follower) as database:
                row = await database.alone(_CURSOR, source=service.name)
                taken[follower.name] = (row["last_idx"] if row is not None else -1) + 1
    return taken


def followers_of(service: Service) -> Sequence[Service]:
    """Who follows a service, by reactions or as the archive."""
    return [BY_NAME[one.name] for one in LOGS if service.name in one.follows]
