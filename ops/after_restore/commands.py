"""`./avrr restored`: what was lost when a database was set back, and two persons who accept it."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, cast, get_args
from uuid import UUID

import typer

from ops.settings import CannotStart, OpsSettings, read_settings

restored = typer.Typer(no_args_is_help=True, help="What follows a restore: what was lost, and who accepts it.")


@restored.command("list")
def list_lost(
    out: Annotated[Path | None, typer.Option(help="writes the lists of all services to this file too, as JSON")] = None,
) -> None:
    """Says what each database that was set back has lost, as far as stream and archive know it; ids, types and times alone."""
    from ops.after_restore.accepting import listed
    from ops.process import refused_by_system

    losses = asyncio.run(listed(read_settings(), typer.echo))
    if out is not None:
        try:
            out.write_text(json.dumps([one.content for one in losses], indent=1) + "\n")
        except OSError as error:
            raise refused_by_system(error, "The lists can't be written") from None
    if not losses:
        typer.echo("No database waits for people: nothing was set back.")


@restored.command("bring")
def bring_lists(
    source: Annotated[Path, typer.Option("--from", help="where the copies are kept")],
    keys: Annotated[Path, typer.Option(help="where the keys are kept")],
) -> None:
    """Brings what earlier restores lost out of the newest copies that hold into this data folder, where ./avrr restore did not make it."""
    from ops.backup.lists import bring

    bring(read_settings(), source, keys, typer.echo)


@restored.command("mark")
def mark_restored(
    service: Annotated[list[str], typer.Option(help="the service whose database was set back; may be said several times")],
    known: Annotated[int, typer.Option(min=0, help="how many entries its log had, if somebody knows")] = 0,
) -> None:
    """Leaves word that a database was set back, by whatever means, so that its service takes nothing until two persons accept it, also where two accepted a restore that was not over yet."""
    from functools import partial

    from ops.after_restore.marking import mark
    from ops.after_restore.sources import kept_of_stream
    from ops.system import worker_url
    from shared.topology import BY_NAME

    unknown = [name for name in service if name not in BY_NAME]
    if unknown:
        raise CannotStart("unknown_service", f"There is no such service; there are {', '.join(BY_NAME)}.")
    settings = read_settings()
    urls = {name: worker_url(settings, BY_NAME[name]) for name in service}
    found = asyncio.run(mark(urls, dict.fromkeys(service, known), partial(kept_of_stream, settings)))
    for name, waits in found.items():
        typer.echo(f"{name}: waits for two persons, with {waits.kept} entries kept of {waits.known} that are known of")


@restored.command("accept")
def accept_restored(
    by: Annotated[str | None, typer.Option(help="of the development provider's: chief-of-mission, data-protection or auditor; else their token in AVRR_TOKEN")] = None,
    reason: Annotated[str | None, typer.Option(help="by the first of two: hardware_failure, data_damaged, wrong_change, attack or exercise")] = None,
) -> None:
    """Accepts the lists as they are now, as the first of two persons or the second; then erasures are done again, and orders taken."""
    from ops.after_restore.accepting import accept
    from shared.contracts.restores import RestoreReason

    settings = read_settings()
    if reason is not None and reason not in get_args(RestoreReason):
        raise CannotStart("unknown_reason", f"The reason is one of {', '.join(get_args(RestoreReason))}.")

    async def work() -> bool:
        return await accept(settings, await _token(settings, by), cast("RestoreReason | None", reason), typer.echo)

    sys.exit(0 if asyncio.run(work()) else 3)


@restored.command("show")
def show_accepted() -> None:
    """Shows the checkpointer anew what was accepted of each log, where it did not answer then; 1 if it does not sign one of them."""
    from ops.after_restore.showing import show_again

    sys.exit(0 if asyncio.run(show_again(read_settings(), typer.echo)) else 1)


@restored.command("signed")
def bring_signed(
    service: Annotated[str, typer.Option(help="the service whose log it is")],
    export: Annotated[Path | None, typer.Option("--from", help="an export in which it is; else the archive is asked")] = None,
) -> None:
    """Brings the checkpointer what was signed of a log before, where it does not know that any more; 1 if it does not sign it then."""
    from ops.after_restore.signed_before import bring
    from shared.topology import BY_NAME

    if service not in BY_NAME:
        raise CannotStart("unknown_service", f"There is no such service; there are {', '.join(BY_NAME)}.")
    sys.exit(0 if asyncio.run(bring(read_settings(), BY_NAME[service], export, typer.echo)) else 1)


@restored.command("unsigned")
def never_signed(service: Annotated[str, typer.Option(help="the service whose log it is")]) -> None:
    """Says that nothing was ever signed of a log, where the checkpointer does not know under which name (generation_unknown)."""
    from ops.checkpointer.marks import note_unsigned
    from ops.checkpointer.settings import LOG_NAMES

    folder = read_settings().data_folder / "checkpointer"
    if service not in LOG_NAMES or not folder.is_dir():
        raise CannotStart(
            "no_checkpointer_here", f"The checkpointer's folder is not here, or has no such log; there are {', '.join(LOG_NAMES)}. "
            "In its container: python -m ops.checkpointer unsigned LOG.",
        )  # fmt: skip
    note_unsigned(folder / service)
    typer.echo(f"{service}: counts as never signed before two persons accepted that its database was set back")


@restored.command("payments")
def list_lost_payments() -> None:
    """Says which payments a restore lost that finance has not cleared, and which it cleared as left, by ids alone; until it has, nothing is paid.

    With them which stops were lost, how many entries nobody knows, and what the bank's files know of it.
    """
    from ops.after_restore.payments import say_waiting

    asyncio.run(say_waiting(read_settings(), typer.echo))


@restored.command("settle")
def settle_lost_payment(
    event: Annotated[UUID, typer.Option(help="the lost entry, as ./avrr restored payments names it")],
    outcome: Annotated[str, typer.Option(help="left or not_left, as bank, cash desk or office say")],
    by: Annotated[str | None, typer.Option(help="of the development provider's: finance-reconciler or finance-approver; else their token in AVRR_TOKEN")] = None,
) -> None:
    """States whether the money of a lost payment left; what was cleared already is corrected so, and is cleared anew."""
    from ops.after_restore.payments import settle
    from shared.contracts.lost_payments import MoneyOutcome

    settings = read_settings()
    if outcome not in get_args(MoneyOutcome):
        raise CannotStart("unknown_outcome", f"The outcome is one of {', '.join(get_args(MoneyOutcome))}.")

    async def work() -> None:
        await settle(settings, await _token(settings, by), event, cast("MoneyOutcome", outcome))

    asyncio.run(work())


@restored.command("clear-payments")
def clear_lost_payments(
    by: Annotated[str | None, typer.Option(help="of the development provider's: finance-reconciler, then finance-approver; else their token in AVRR_TOKEN")] = None,
    without_statements: Annotated[bool, typer.Option("--without-statements", help="by the reconciler: the statements of the lost days that are still missing cannot be had")] = False,
) -> None:
    """States as a reconciler that all lost payments are known, then agrees as an approver; from then on money may be ordered."""
    from ops.after_restore.payments import clear

    settings = read_settings()

    async def work() -> None:
        await clear(settings, await _token(settings, by), typer.echo, without_statements=without_statements)

    asyncio.run(work())


async def _token(settings: OpsSettings, by: str | None) -> str:
    from ops.identity.client import request_token
    from ops.identity.settings import is_loopback_url
    from ops.operating import issuer_of
    from ops.reaching import TOKEN, stated_token
    from ops.system import development_secret

    if by is not None:
        issuer = issuer_of(settings)
        if settings.oidc_issuer is not None or not is_loopback_url(issuer):
            raise CannotStart("persona_elsewhere", f"--by names the development provider's: say an access token of theirs in {TOKEN}, as ./avrr token prints one.")
        return await request_token(issuer, by, development_secret(settings))
    token = stated_token()
    if token is None:
        raise CannotStart("token_missing", f"Say who gives this order: --by, or an access token of theirs in {TOKEN}, as ./avrr token prints one.")
    return token
