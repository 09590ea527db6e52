"""What the commands of `avrr` do with a system: keep it up, replay the year, report, verify, repair."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ops import report
from ops.demo_year.replay import Replayed, replay_present, replay_year
from ops.embedded.nats import PROVISION
from ops.foreground import run
from ops.identity.client import PersonaTokens
from ops.provision import Provision
from ops.secrets import Secrets
from ops.settings import CannotStart, OpsSettings
from ops.supervisor import Running
from ops.system import Addresses, addresses, development_secret, make_system, read_addresses, worker_url
from ops.verification import verify_system
from shared import dead_letters
from shared.clock import Clock
from shared.db import Database, Scope, Sql
from shared.errors import NotFound
from shared.reacting import reacting
from shared.topology import BY_NAME, SERVICES
from shared.wiring import Wiring

_MARK = "year-2023.json"
_PLACE = Sql("SELECT last_idx FROM cursor WHERE source = :source")
_TRUE_HASH = Sql("SELECT leaf_hash FROM event_log WHERE idx = :idx")


def stay_up(settings: OpsSettings) -> int:
    """Starts everything with the real clock and stays; the exit code."""
    def greet(running: Running) -> None:
        _invite(Console(), addresses(running, "real"))

    return asyncio.run(run(make_system(settings), greet=greet))


def run_demo(settings: OpsSettings, *, exit_after: bool, json_file: Path | None, seed: int) -> int:
    """Replays 2023 if this data folder does not hold it yet, then reports; 1 if any figure differs."""
    console = Console()

    async def work(running: Running) -> int:
        found = addresses(running, "replay")
        tokens = PersonaTokens(found.issuer, development_secret(settings))
        await _replay_once(settings, found, tokens, seed, console)
        equal = await _report(found, tokens, 2023, json_file, console)
        if not exit_after:
            _invite(console, found)
            await asyncio.Event().wait()
        return 0 if equal else 1

    return asyncio.run(run(make_system(settings, clock="replay"), work))


async def run_report(settings: OpsSettings, year: int, json_file: Path | None) -> int:
    """The figures of a year from the running services; 1 if a published one differs."""
    found = read_addresses(settings)
    tokens = PersonaTokens(found.issuer, development_secret(settings))
    try:
        return 0 if await _report(found, tokens, year, json_file, Console()) else 1
    except httpx.TransportError:
        raise CannotStart("not_running", "The services do not answer: start them with ./avrr up first.") from None


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
        raise CannotStart("unknown_stream", f"There is no such stream; there are {', '.join(s.stream for s in SERVICES)}.")
    password = Secrets(settings.secrets_folder).password(f"nats_{PROVISION}")
    await Provision(settings.nats_url or read_addresses(settings).nats, PROVISION, password).rebuild(stream.upper())


async def step_back(settings: OpsSettings, service: str, source: str) -> str:
    """Sets a follower that took a foreign event back to the last true one; rebuild the source's stream first."""
    if source not in BY_NAME[service].follows:
        raise CannotStart("not_followed", f"{service} follows {', '.join(BY_NAME[service].follows)}.")
    async with _worker_database(settings, service) as database, _worker_database(settings, source) as origin:
        async with database.unit_of_work(Scope("operator")) as unit:
            place = await unit.row(_PLACE, source=source)
        if place is None or place["last_idx"] < 0:
            raise CannotStart("nothing_taken", f"{service} has not taken any event of {source} yet.")
        last = place["last_idx"] - 1
        async with origin.unit_of_work(Scope("operator")) as unit:
            true = await unit.row(_TRUE_HASH, idx=last)
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
        service, wiring.heard, wiring.reactions, wiring.by_name, Clock(read_addresses(settings).clock)
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
        yield database
    finally:
        await database.close()


async def _replay_once(
    settings: OpsSettings, found: Addresses, tokens: PersonaTokens, seed: int, console: Console
) -> None:
    mark = settings.data_folder / _MARK
    if mark.exists():
        there = json.loads(mark.read_text())["seed"]
        if there != seed:
            raise CannotStart(
                "another_year", f"This data folder holds the year of seed {there}; name another one in AVRR_DATA."
            )
        console.print("The year 2023 is there already; only the report is made.")
        return
    before = await _counts(found)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as bar:
        task = bar.add_task("replaying 2023", total=None)
        replayed = await replay_year(
            found.services, tokens, seed, lambda done, total: bar.update(task, completed=done, total=total)
        )
        after = await _counts(found)
        task = bar.add_task("replaying the last weeks", total=None)
        await replay_present(
            found.services, tokens, seed, datetime.now(UTC), lambda done, total: bar.update(task, completed=done, total=total)
        )
    mark.write_text(json.dumps({"seed": seed}))
    _say_speed(console, replayed, after - before)


def _say_speed(console: Console, replayed: Replayed, statements: float) -> None:
    rate = replayed.commands / replayed.seconds if replayed.seconds else 0.0
    per_command = statements / replayed.commands if replayed.commands else 0.0
    console.print(
        f"{replayed.commands} commands in {replayed.seconds:.1f} s: {rate:.0f} commands a second, "
        f"{per_command:.1f} SQL statements a command"
    )


async def _counts(found: Addresses) -> float:
    total = 0.0
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        for url in found.services.values():
            answer = await client.get(f"{url}/metrics")
            for line in answer.text.splitlines():
                if line.startswith('avrr_sql_statements{login="api"}'):
                    total += float(line.rpartition(" ")[2])
    return total


async def _report(
    found: Addresses, tokens: PersonaTokens, year: int, json_file: Path | None, console: Console
) -> bool:
    rows = await report.compute(found.services, tokens, year)
    console.print(report.as_table(rows, year))
    if json_file is not None:
        json_file.write_text(json.dumps([row.as_json() for row in rows], indent=1, ensure_ascii=False) + "\n")
    return all(row.equal for row in rows)


def _invite(console: Console, found: Addresses) -> None:
    console.print(f"The portal is ready: {found.portal}")
    for name, url in found.services.items():
        console.print(f"{name:14} {url}")
    console.print("A token: ./avrr token --persona counsellor-1. Ctrl-C ends everything.")
