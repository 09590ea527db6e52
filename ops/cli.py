"""The `avrr` command: run the system, replay the demo year, report, verify, repair, test."""

import asyncio
import gc
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from ops.after_restore.commands import restored
from ops.audit.commands import audit
from ops.backup.commands import backup, restore
from ops.doctor.commands import doctor
from ops.identity.commands import staff
from ops.settings import CannotStart, read_settings

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
    help="Case management for Assisted Voluntary Return and Reintegration.",
)
bus = typer.Typer(no_args_is_help=True, help="The event streams.")
dead_letters = typer.Typer(no_args_is_help=True, help="Events that could not be applied and wait for a decision.")
retention = typer.Typer(no_args_is_help=True, help="How long what is kept about people is kept.")
keys = typer.Typer(no_args_is_help=True, help="The keys that open what is sealed of persons.")
app.command("backup")(backup)
app.command("restore")(restore)
app.add_typer(audit, name="audit")
app.add_typer(staff, name="staff")
app.command()(doctor)
app.add_typer(restored, name="restored")
app.add_typer(bus, name="bus")
app.add_typer(keys, name="keys")
app.add_typer(retention, name="retention")
app.add_typer(dead_letters, name="dead-letters")

T = TypeVar("T")
INTERRUPTED = 130

ServiceName = Annotated[str, typer.Option("--service", help="counselling, returns or reintegration")]


def main() -> None:
    """Runs one command; whatever cannot start ends with one line and a code that is not zero."""
    try:
        app()
    except CannotStart as refusal:
        typer.echo(f"avrr: {refusal.sentence}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        # At its end Python would look through everything for what may go.
        gc.freeze()


@app.command()
def up() -> None:
    """Starts everything with the real clock and stays until Ctrl-C."""
    from ops.commands import stay_up

    sys.exit(stay_up(read_settings()))


@app.command()
def demo(
    exit_after: Annotated[bool, typer.Option("--exit", help="end after the report")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the comparison to this file")] = None,
    seed: Annotated[int, typer.Option(help="another seed makes other people and the same figures")] = 2023,
) -> None:
    """Replays the year 2023, prints the mission's figures beside the published ones and stays open."""
    from ops.commands import run_demo

    sys.exit(run_demo(read_settings(), exit_after=exit_after, json_file=json_file, seed=seed))


@app.command()
def report(
    year: Annotated[int, typer.Option()] = 2023,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    from_export: Annotated[Path | None, typer.Option(help="an export of the logs, out of which the figures are made; no service is asked")] = None,
    policy: Annotated[Path | None, typer.Option(help="with an export: the trusted keys, as they were given apart from it")] = None,
) -> None:
    """Asks the running services, or an export of the logs, for a year's figures; for 2023 beside the published ones."""
    if from_export is not None:
        from ops.log_figures.report import print_report

        sys.exit(print_report(from_export, year, policy, json_file))
    from ops.commands import run_report

    sys.exit(_run(run_report(read_settings(), year, json_file)))


@app.command()
def token(
    persona: Annotated[str | None, typer.Option(help="of the development provider's, e.g. finance-approver, receiving-office-tr; counsellor by default")] = None,
    client: Annotated[str | None, typer.Option(help="a machine client of the development provider's instead, e.g. office-tn")] = None,
) -> None:
    """Prints an access token: at AVRR_OIDC_ISSUER of whoever types the code on their own computer, else of a persona or a machine client."""
    from ops.device_sign_in import token_by_device
    from ops.identity.client import client_token, request_token
    from ops.identity.clients import client_of, secret_of
    from ops.system import development_secret, identity_folder, read_addresses

    settings = read_settings()
    if settings.oidc_issuer is not None:
        if persona is not None or client is not None:
            raise CannotStart("persona_elsewhere", "Personas and their programs are the development provider's: at AVRR_OIDC_ISSUER people sign in themselves, by ./avrr token alone.")
        typer.echo(_run(token_by_device(settings, lambda line: typer.echo(line, err=True))))
        return
    issuer = read_addresses(settings).issuer
    if client is None:
        typer.echo(_run(request_token(issuer, persona or "counsellor", development_secret(settings))))
        return
    known = client_of(client)
    if known is None:
        raise CannotStart("unknown_client", "There is no such machine client.")
    typer.echo(_run(client_token(issuer, client, secret_of(identity_folder(settings), known))))


@app.command()
def verify(service: Annotated[str | None, typer.Option(help="one service; all by default")] = None) -> None:
    """Folds each log and compares it with the rows, the limits and the stream; says what differs."""
    from ops.repairs import run_verify

    sys.exit(_run(run_verify(read_settings(), service)))


@app.command("recount-surveys")
def recount_surveys() -> None:
    """Counts again what every survey scores, out of the answers that are kept; says which scores are others."""
    from ops.survey_recount import recount_surveys as recounted

    lines, code = _run(recounted(read_settings()))
    for line in lines:
        typer.echo(line)
    sys.exit(code)


@app.command()
def policy(
    service: Annotated[str | None, typer.Option(help="one service; all by default")] = None,
    markdown: Annotated[bool, typer.Option(help="as the page in docs/")] = False,
) -> None:
    """Prints who may do what."""
    from ops.policy_table import lines, page
    from shared.topology import BY_NAME

    if markdown:
        typer.echo(page(), nl=False)
        return
    for name in (_known(service),) if service else BY_NAME:
        for line in lines(name):
            typer.echo(line)


@app.command("case-states")
def case_states() -> None:
    """Prints the picture of the states of a return case, drawn from the table of its transitions (SVG)."""
    from ops.case_states import picture

    typer.echo(picture(), nl=False)


@app.command()
def contracts() -> None:
    """Writes schemas, pages and the AsyncAPI document of all events into docs/events; 1 if a change is no addition."""
    from ops.contracts.writing import write_contracts

    sys.exit(write_contracts(typer.echo))


@app.command("access-request")
def access_request(
    person: Annotated[str, typer.Argument(help="the person's id")],
    out: Annotated[Path, typer.Option(help="the folder for both files, made if it is not there; - writes them as a tar archive to standard output")],
    language: Annotated[str | None, typer.Option(help="eng, bos, fra, ara, fas, pus or urd; the person's own by default")] = None,
) -> None:
    """Collects all that is held about a person, and who read it, as JSON and as a document in their language."""
    from ops.access_request import pour_out, take_home

    if str(out) == "-":
        _run(pour_out(read_settings(), person, language, sys.stdout.buffer))
        return
    for path in _run(take_home(read_settings(), person, language, out)):
        typer.echo(path)


@app.command()
def lock() -> None:
    """Makes the hashed locks in requirements/ anew from pyproject.toml."""
    from ops.locks import make_locks

    sys.exit(make_locks())


@app.command()
def screenshots(
    out: Annotated[Path | None, typer.Option(help="the folder for the pictures; screenshots in the data folder by default")] = None,
    tour: Annotated[bool, typer.Option(help="only those that docs/tour.md shows, as they stand on a screen")] = False,
) -> None:
    """Takes a picture of every page of the running portal: narrow, wide, and from right to left."""
    from ops.screenshots import ON_TOUR, PAGES, TOUR, Look, take_screenshots
    from ops.system import read_addresses

    settings = read_settings()
    folder = out or settings.data_folder / "screenshots"
    portal, pages, look = read_addresses(settings).portal, TOUR if tour else PAGES, ON_TOUR if tour else Look()
    faults = _run(take_screenshots(portal, folder, pages, typer.echo, look))
    for fault in faults:
        typer.echo(f"avrr: {fault}", err=True)
    typer.echo(f"The pictures are in {folder}.")
    sys.exit(1 if faults else 0)


@app.command()
def bench(
    parts: Annotated[list[str] | None, typer.Argument(help="command, profile, propagation, growth, export, footprint, soak, or pages of the running portal; the first six by default")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="writes the figures to this file too")] = None,
    page_file: Annotated[Path | None, typer.Option("--page", help="writes them as a page of the documentation")] = None,
    cases: Annotated[list[int] | None, typer.Option(min=1, max=10_000_000, help="among how many cases lists are asked for; 1000, 100000 and 1000000 by default")] = None,
    events: Annotated[int, typer.Option(min=1_000, max=1_000_000, help="how many events are exported")] = 200_000,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="for how long commands are given")] = 20,
    minutes: Annotated[float, typer.Option(min=0.1, max=600, help="for how long the soak lasts")] = 20,
    times: Annotated[int, typer.Option(min=1, max=10_000, help="how often each page is asked for")] = 40,
) -> None:
    """Measures a system of its own beside floors of the same run, or pages of the running portal; 1 if a bound is not kept."""
    from ops.bench.asked import bench_asked

    sys.exit(_run(bench_asked(parts or [], json_file, page_file, cases or [1_000, 100_000, 1_000_000], events, seconds, minutes, times)))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Runs every check: ruff, mypy, import contracts, migrations, tests. Further arguments go to pytest."""
    from ops.gates import run_gates

    sys.exit(run_gates(context.args))


@app.command()
def mutation(
    modules: Annotated[list[str] | None, typer.Argument(help="e.g. gate case_state; all that are named in pyproject.toml by default")] = None,
    folder: Annotated[Path | None, typer.Option(help="a new folder in which everything stays, for mutmut show")] = None,
) -> None:
    """Changes the rules of returns, of money and of its approval in one place at a time; 1 if their tests notice too few of the changes (docs/mutation.md)."""
    from ops.mutation import run_mutations

    sys.exit(run_mutations(modules or [], folder))


@app.command()
def chaos(
    commands: Annotated[int, typer.Option(min=500, max=1_000_000, help="how many commands are given meanwhile, at least")] = 20_000,
    kills: Annotated[int, typer.Option(min=1, max=10_000, help="how often a process is killed; the other faults come with them")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="decides who asks for what, and what breaks when")] = 2023,
    quick: Annotated[bool, typer.Option("--quick", help="2,000 commands and 15 kills, as in ./avrr test")] = False,
) -> None:
    """Kills, wipes, cuts off, fills up and sets the clock of a system of its own while commands flow; 1 if anything is lost or done twice (docs/chaos.md)."""
    from ops.chaos import QUICK_COMMANDS, QUICK_KILLS, run_chaos

    sys.exit(run_chaos(QUICK_COMMANDS, QUICK_KILLS, seed) if quick else run_chaos(commands, kills, seed))


@bus.command("rebuild")
def rebuild(stream: Annotated[str, typer.Argument(help="e.g. RETURNS")]) -> None:
    """Deletes a damaged stream; provisioning makes it again and the relay refills it from the log."""
    from ops.repairs import rebuild_stream

    _run(rebuild_stream(read_settings(), stream))


@bus.command("step-back")
def step_back(
    service: ServiceName, source: Annotated[str, typer.Option()],
    entries: Annotated[int, typer.Option(help="how many foreign events it took, one after the other")] = 1,
) -> None:  # fmt: skip
    """After a foreign event was taken and the source's stream rebuilt: lets a follower that says `other` take the true one."""
    from ops.repairs import step_back as set_back

    typer.echo(_run(set_back(read_settings(), _known(service), _known(source), entries)))


@retention.command("report")
def retention_report() -> None:
    """Says who is due, since when, and what keeps them all the same, by ids alone; changes nothing."""
    _retention(run=False)


@retention.command("run")
def retention_run() -> None:
    """Asks for the erasure of whoever is due, on which a person decides, and ends kept receipts; a second run does no more."""
    _retention(run=True)


@retention.command("policy")
def retention_policy(markdown: Annotated[bool, typer.Option(help="as the page in docs/")] = False) -> None:
    """Prints how long what is kept, and what happens then."""
    from ops.retention.policy import page, read_policy

    policy = read_policy()
    if markdown:
        typer.echo(page(policy), nl=False)
        return
    for one in policy.classes.values():
        typer.echo(f"{one.name:18} {one.how_long:12} {one.then:16} {one.what}")


@keys.command("show")
def show_keys() -> None:
    """Says which epoch of each service is current and how many keys of persons each epoch wraps."""
    from ops.keys import show_keys as shown

    for line in _run(shown(read_settings())):
        typer.echo(line)


@keys.command("rotate")
def rotate_keys() -> None:
    """Ends the present epochs: older copies of the databases open nothing more of who was erased."""
    from ops.keys import rotate_keys as rotated

    _run(rotated(read_settings(), typer.echo))


@dead_letters.command("list")
def list_dead_letters(service: ServiceName) -> None:
    """Shows what waits, oldest first: source, index, key and reason."""
    from ops.repairs import waiting

    for line in _run(waiting(read_settings(), _known(service))):
        typer.echo(line)


@dead_letters.command("replay")
def replay(service: ServiceName, source: Annotated[str, typer.Option()], index: Annotated[int, typer.Option()]) -> None:
    """Applies a waiting event and, in order, the later ones of its key."""
    from ops.repairs import replay_dead_letter

    typer.echo(_run(replay_dead_letter(read_settings(), _known(service), source, index)))


@dead_letters.command("discard")
def discard(service: ServiceName, source: Annotated[str, typer.Option()], index: Annotated[int, typer.Option()]) -> None:
    """Drops a waiting event for good; the log keeps it."""
    from ops.repairs import discard_dead_letter

    typer.echo(_run(discard_dead_letter(read_settings(), _known(service), source, index)))


def _retention(*, run: bool) -> None:
    from ops.retention.nightly import lines, nightly, present

    async def work() -> list[str]:
        async with nightly(read_settings()) as found:
            return lines(await (found.run if run else found.report)(present()), found.policy)

    for line in _run(work()):
        typer.echo(line)


def _known(service: str) -> str:
    from shared.topology import BY_NAME

    if service not in BY_NAME:
        raise CannotStart("unknown_service", f"There is no such service; there are {', '.join(BY_NAME)}.")
    return service


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


