"""`./avrr audit`: what the logs prove to somebody who does not trust us."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ops.settings import read_settings

audit = typer.Typer(no_args_is_help=True, help="What the logs prove to somebody who does not trust us.")


@audit.command("export")
def audit_export(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="the first day that the tables tell of")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="the last one")],
    out: Annotated[Path, typer.Option(help="a new folder, or one in which an export was cut off or is to be brought up to date")],
    log: Annotated[list[str] | None, typer.Option(help="one log, may be said several times; all by default")] = None,
    case: Annotated[list[str] | None, typer.Option(help="a case or person whose events get proofs of their own; may be said several times")] = None,
    staff: Annotated[Path | None, typer.Option(envvar="AVRR_STAFF_LIST", help="the names of the mission's staff: CSV with the columns id and name")] = None,
    policy: Annotated[Path | None, typer.Option(help="the trusted keys, as people gave them; the checkpointer's own by default")] = None,
) -> None:
    """Takes logs home whole, with tables of a period, proofs and what checks them; begun again after a break it goes on."""
    from ops.audit.taking import export_from_here

    asyncio.run(export_from_here(read_settings(), out, (first.date(), last.date()), log or [], case or [], typer.echo, staff, policy))


@audit.command("verify")
def audit_verify(
    folder: Annotated[Path, typer.Argument(help="the export")],
    policy: Annotated[Path | None, typer.Option(help="the trusted keys, as they were given apart from the export")] = None,
    since: Annotated[Path | None, typer.Option(help="an export that was kept from before")] = None,
) -> None:
    """Checks an export of the logs, offline, as the files in the export do; says each finding in a sentence."""
    from ops.audit import who_acted
    from ops.audit.verify_audit import main as check

    named = {"--policy": policy, "--since": since}
    found = check([str(folder), *(word for name, path in named.items() if path is not None for word in (name, str(path)))], typer.echo)
    # Exports of before have no such tables; that one is missing of those that have, the check above says.
    said: list[str] = []
    if not found and (folder / who_acted.TABLES[0]).exists() and who_acted.main([str(folder)], said.append):
        typer.echo("\n".join(said))
        sys.exit(1)
    sys.exit(found)


@audit.command("checkpoints")
def audit_checkpoints(
    policy: Annotated[Path | None, typer.Option(help="the trusted keys, as they were given apart from the system")] = None,
) -> None:
    """Shows the latest checkpoint of each log and which witness saw it; 1 if one is missing, late, refused, another log's or not to be trusted."""
    from ops.checkpoints import latest

    lines, well = asyncio.run(latest(_checkpointer(), policy, lambda: datetime.now(UTC)))
    for line in lines:
        typer.echo(line)
    sys.exit(0 if well else 1)


@audit.command("findings")
def audit_findings() -> None:
    """Shows every open finding of the archive, and who explained and accepted it; 1 if one rings that nobody accepted."""
    from ops.audit.open_findings import from_here

    lines, ringing = asyncio.run(from_here(read_settings()))
    for line in lines or ["The archive has no open finding."]:
        typer.echo(line)
    sys.exit(1 if ringing else 0)


@audit.command("policy")
def audit_policy() -> None:
    """Prints the keys by which checkpoints and exports are checked, for auditors, who are given them apart from any export.

    Before them, as comments, stands the SHA-256 of each program that comes with an export.
    """
    from ops.audit.export import programs
    from ops.checkpoints import trusted_keys

    keys = asyncio.run(trusted_keys(_checkpointer()))
    typer.echo("".join(f"# {hashed}  {name}\n" for name, hashed in programs().items()) + keys, nl=False)


@audit.command("export-key")
def audit_export_key() -> None:
    """Prints the key by which exports that are made on this machine are checked, for the checkpointer's AVRR_EXPORT_KEYS; makes it if there is none."""
    from ops.checkpoints import export_signer

    typer.echo(str(export_signer(read_settings()).verifier_key))


@audit.command("rotate-keys")
def audit_rotate_keys() -> None:
    """Gives each log a new key, which signs beside the former one for thirty days from the next start on; prints the new ones."""
    from ops.checkpoints import rotate_log_keys

    for line in rotate_log_keys(read_settings()):
        typer.echo(line)


def _checkpointer() -> str:
    from ops.operating import checkpointer_of

    return checkpointer_of(read_settings())
