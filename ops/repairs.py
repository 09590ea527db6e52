"""What the commands of `avrr` do with what may have gone wrong in a system: verify it, repair its streams and followers."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module

from rich.console import Console

from ops.keys import epochs_of
from ops.operating import clock_of, operator_provision
from ops.settings import CannotStart, OpsSettings
from ops.system import worker_url
from ops.verification import verify_system
from shared import dead_letters
from shared.clock import Clock
from shared.db import Database, Scope, Sql
from shared.errors import NotFound
from shared.private import PersonKeys
from shared.reacting import reacting
from shared.topology import BY_NAME, LOGS
from shared.wiring import Wiring

_PLACE = Sql("SELECT last_idx, last_hash FROM cursor WHERE source = :source")
_TRUE_HASH = Sql("SELECT leaf_hash FROM event_log WHERE idx = :idx")


async def run_verify(settings: OpsSettings, service: str | None) -> int:
    """Compares logs, rows, limits, streams and what services know of each other; 1 if anything differs."""
    console = Console()
    differences = 0
    async for line, wrong in verify_system(settings, service):
        console.print(line, markup=False, highlight=False)
        differences += wrong
    return 1 if differences else 0


async def rebuild_stream(settings: OpsSettings, stream: str) -> None:
    """Deletes a stream, so that provisioning makes it again and the relay refills it from the log."""
    if stream.lower() not in BY_NAME:
        raise CannotStart("unknown_stream", f"There is no such stream; there are {', '.join(s.stream for s in LOGS)}.")
    async with operator_provision(settings) as provision:
        await provision.rebuild(stream.upper())


async def step_back(settings: OpsSettings, service: str, source: str, entries: int = 1) -> str:
    """Sets a follower that took foreign events back to the last true one; rebuild the source's stream first.

    ``entries`` is how many of them it took. `CannotStart` (``cursor_true``) where what it took last is the source's own: it goes on
    by itself once the stream was rebuilt, and set back it would take true events twice.
    """
    if source not in BY_NAME[service].follows:
        raise CannotStart("not_followed", f"{service} follows {', '.join(BY_NAME[service].follows)}.")
    if BY_NAME[service].archives:
        raise CannotStart("archive_keeps", f"{service} takes back nothing that it archived; a rebuilt stream is compared with it.")
    async with _worker_database(settings, service) as database, _worker_database(settings, source) as origin:
        async with database.unit_of_work(Scope("operator")) as unit:
            place = await unit.row(_PLACE, source=source)
        taken = -1 if place is None else int(place["last_idx"])
        if place is None or taken < 0:
            raise CannotStart("nothing_taken", f"{service} has not taken any event of {source} yet.")
        if not 0 < entries <= taken + 1:
            raise CannotStart("not_as_many", f"{service} took {taken + 1} events of {source}: that many at most can be foreign.")
        last = taken - entries
        async with origin.unit_of_work(Scope("operator")) as unit:
            own, true = await unit.row(_TRUE_HASH, idx=taken), await unit.row(_TRUE_HASH, idx=last)
        if own is not None and own["leaf_hash"] == place["last_hash"]:
            raise CannotStart(
                "cursor_true",
                f"What {service} took last of {source}, event {taken}, is {source}'s own: there is nothing to set back. After "
                f"./avrr bus rebuild {BY_NAME[source].stream} it goes on by itself.",
            )
        await dead_letters.step_back(database, source, last, bytes(true["leaf_hash"]) if true is not None else b"")
    return f"{service} goes on after event {last} of {source}; correct by command what the foreign event had led to"


async def waiting(settings: OpsSettings, service: str) -> list[str]:
    """One line for each event that waits in a service's dead letters."""
    async with _worker_database(settings, service) as database:
        return [
            f"{letter.source} {letter.idx} {letter.partitionkey} {letter.reason} {letter.at:%Y-%m-%d %H:%M}"
            for letter in await dead_letters.dead_letters(database)
        ]


async def replay_dead_letter(settings: OpsSettings, service: str, source: str, index: int) -> str:
    """Applies a waiting event and the later ones of its key."""
    wiring: Wiring = import_module(f"services.{service}.wiring").WIRING
    apply = reacting(
        service, wiring.heard, wiring.reactions, wiring.by_name, Clock(clock_of(settings)), wiring.concerning
    )
    async with _worker_database(settings, service) as database:
        with _one_line_if_missing():
            replayed = await dead_letters.replay(database, source, index, apply)
    if replayed.failed is not None:
        return f"{len(replayed.applied)} applied; {source} {replayed.failed} failed again: {replayed.reason}"
    return f"{len(replayed.applied)} applied"


async def discard_dead_letter(settings: OpsSettings, service: str, source: str, index: int) -> str:
    """Drops a waiting event."""
    async with _worker_database(settings, service) as database:
        with _one_line_if_missing():
            await dead_letters.discard(database, source, index)
    return "discarded"


@contextmanager
def _one_line_if_missing() -> Iterator[None]:
    try:
        yield
    except NotFound:
        raise CannotStart("no_such_dead_letter", "There is no dead letter of that source and index.") from None


@asynccontextmanager
async def _worker_database(settings: OpsSettings, service: str) -> AsyncIterator[Database]:
    database = Database(worker_url(settings, BY_NAME[service]), "avrr-repair", 2)
    await database.open()
    try:
        async with epochs_of(settings, BY_NAME[service]) as (epochs, index):
            database.keys = PersonKeys(service, epochs, index)
            yield database
    finally:
        await database.close()
