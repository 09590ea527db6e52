"""`./avrr backup` and `./avrr restore`: copies of everything, and a system made of them again."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from ops.settings import CannotStart, read_settings

_HELD_TO: Final = {
    "named": "the moment named", "copies": "the newest that the copies tell of", "former": "when the former data folder was last written",
}  # fmt: skip


def backup(
    into: Annotated[Path | None, typer.Option(help="where the copies are kept; AVRR_BACKUP_DIR by default, or where the last start had it")] = None,
    keys: Annotated[Path | None, typer.Option(help="where the keys are kept, apart from them; AVRR_BACKUP_KEYS_DIR by default, or where the last start had it")] = None,
    keep: Annotated[int | None, typer.Option(help="ends what is older than this many days, 30 at most; never the last base")] = None,
) -> None:
    """Takes a base of the running system: databases, sealed files, what was signed, settings, and the keys apart from it."""
    from ops.backup.kept_settings import as_it_is_copied
    from ops.backup.taking import take_backup

    taken = asyncio.run(take_backup(as_it_is_copied(read_settings()), into, keys, keep, typer.echo))
    typer.echo(f"{taken.bytes >> 20} MiB in {taken.seconds:.1f} s, of {_shown(taken.at)}: {taken.folder}")
    if taken.ended:
        typer.echo(f"{taken.ended} older bases were ended, and the log that only they needed.")


def restore(
    source: Annotated[Path, typer.Option("--from", help="where the copies are kept")],
    keys: Annotated[Path, typer.Option(help="where the keys are kept")],
    into: Annotated[Path, typer.Option(help="the new data folder")],
    to: Annotated[str | None, typer.Option(help="the moment to go back to, e.g. 2026-11-27T14:05:00+01:00, in UTC if no zone is named; the end of the log by default")] = None,
    former: Annotated[Path | None, typer.Option(help="the stopped data folder of before: its broker, checkpointer and witness know what was lost")] = None,
) -> None:
    """Makes a new data folder as the system was at a moment, after everything in the copies was checked; overwrites nothing."""
    from ops.backup.restoring import restore as restored

    done = asyncio.run(restored(read_settings(), source, keys, into, _moment(to), former, typer.echo))
    for line in done.settings.lines:
        typer.echo(line)
    typer.echo(
        f"Start it with AVRR_DATA={into.expanduser().absolute()} ./avrr up. It takes nothing until two persons accept what was "
        "lost: ./avrr restored list, ./avrr restored accept."
    )
    typer.echo(
        f"RPO {done.rpo_seconds:.1f} s: lost is at most what was committed between {_shown(done.until)}, the last restored, and "
        f"{_shown(done.held_to)}, {_HELD_TO[done.held_to_by]}; the copy is complete until {_shown(done.complete_until)}."
    )
    typer.echo(
        f"RTO {done.rto_seconds:.1f} s: checked in {done.checked_seconds:.1f} s, copied in {done.copied_seconds:.1f} s, "
        f"recovered in {done.recovered_seconds:.1f} s."
    )


def _moment(written: str | None) -> datetime | None:
    if written is None:
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise CannotStart("time_wrong", "--to is a moment like 2026-11-27T14:05:00+01:00.") from None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)


def _shown(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC" if moment is not None else "nothing"
