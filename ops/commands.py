"""What the commands of `avrr` do with a system: keep it up, replay the year, report."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ops import bank_lines, donor_lines, report
from ops.demo_year.donors import taken
from ops.demo_year.replay import Replayed, replay_present, replay_year
from ops.demo_year.year import build_year
from ops.foreground import run
from ops.identity.client import PersonaTokens
from ops.settings import CannotStart, OpsSettings
from ops.supervisor import Running
from ops.system import Addresses, addresses, development_secret, make_system, read_addresses
from shared.outgoing import Outgoing

_MARK = "year-2023.json"


def stay_up(settings: OpsSettings) -> int:
    """Starts everything with the real clock and stays; the exit code."""
    def greet(running: Running) -> None:
        _invite(Console(), addresses(running, "real"))

    return asyncio.run(run(make_system(settings), greet=greet))


def run_demo(settings: OpsSettings, *, exit_after: bool, json_file: Path | None, seed: int) -> int:
    """Replays 2023 if this data folder does not hold it yet, then reports; 1 if a figure differs, or a line of a donor's or the bank's."""
    console = Console()

    async def work(running: Running) -> int:
        found = addresses(running, "replay")
        tokens = PersonaTokens(found.issuer, development_secret(settings))
        await _replay_once(settings, found, tokens, seed, console)
        equal = await _report(found, tokens, 2023, json_file, console)
        year = build_year(seed)
        lines = await donor_lines.reconcile(found.services["reintegration"], tokens, taken(year))
        console.print(donor_lines.as_table(lines))
        meant, told = bank_lines.sent(year), await bank_lines.standing(found.services["reintegration"], tokens)
        console.print(bank_lines.as_sentence(told, meant))
        if not exit_after:
            _invite(console, found)
            await asyncio.Event().wait()
        reconciled = all(line.reconciles for line in lines) and bank_lines.settled(told, meant)
        return 0 if equal and reconciled else 1

    return asyncio.run(run(make_system(settings, clock="replay"), work))


async def run_report(settings: OpsSettings, year: int, json_file: Path | None) -> int:
    """The figures of a year from the running services; 1 if a published one differs."""
    found = read_addresses(settings)
    tokens = PersonaTokens(found.issuer, development_secret(settings))
    try:
        return 0 if await _report(found, tokens, year, json_file, Console()) else 1
    except httpx.TransportError:
        raise CannotStart("not_running", "The services do not answer: start them with ./avrr up first.") from None


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
    async with Outgoing(timeout=10, trust_env=False) as client:
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
