"""Brings the checkpointer what was signed of a log before, out of the archive or an export, where it does not know that any more."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from ops.after_restore import sources
from ops.after_restore.showing import show
from ops.operating import checkpointer_of
from ops.settings import CannotStart, OpsSettings
from shared.consumer import FAULTS
from shared.db import Database, Sql
from shared.outgoing import Outgoing
from shared.tlog.breaks import Break
from shared.tlog.refusals import LogRefused
from shared.topology import AUDIT, Service

# A log of a million entries is read anew for each thing that is brought in less than this.
_SECONDS: Final = 60.0
_BREAKS: Final = Sql("SELECT proof FROM archive_breaks WHERE log = :log ORDER BY generation")
_CHECKPOINT: Final = Sql(
    "SELECT note FROM archive_checkpoints WHERE log = :log AND agrees AND size <= :kept ORDER BY size DESC LIMIT 1"
)
_ALL: Final = 2**62
_KEPT: Final = Sql("SELECT kept FROM restored ORDER BY id DESC LIMIT 1")


async def bring(settings: OpsSettings, service: Service, export: Path | None, say: Callable[[str], None]) -> bool:
    """Brings all that is there of a log, the oldest first, and shows again what two persons accepted; whether the log is signed then.

    The archive is asked where no ``export`` is named. What the checkpointer does not need, or what is of another history, it does
    not take: nothing counts but signatures, witnesses and the log itself.
    """
    breaks, last = in_export(export / service.name) if export is not None else await in_archive(settings, service)
    url = f"{checkpointer_of(settings).rstrip('/')}/{service.name}/signed"
    async with Outgoing(timeout=_SECONDS, trust_env=False, follow_redirects=False) as client:
        try:
            for line in await brought(client, url, breaks, last):
                say(f"{service.name}: {line}")
        except httpx.HTTPError:
            raise CannotStart("not_running", "The checkpointer does not answer: start it with ./avrr up first.") from None
    return await show(settings, service, say)


async def brought(client: httpx.AsyncClient, url: str, breaks: Sequence[bytes], last: bytes | None) -> Sequence[str]:
    """A line for each thing that was brought to this address, that it was taken, or by which code it was not.

    First how the log goes on, break by break; then the last checkpoint that is there, and for a name under which that is of too
    many entries the one that the name began with.
    """
    try:
        firsts = [(f"first checkpoint of {proof.origin}", str(proof.begun.note).encode()) for proof in map(Break.of, breaks)]
    except LogRefused as refusal:
        raise CannotStart(refusal.code, f"What was signed before cannot be read: {refusal}") from None
    found = [(f"break {generation}", written) for generation, written in enumerate(breaks, 2)]
    found += [("last checkpoint", last)] if last is not None else []
    lines = []
    for what, written in (*found, *firsts):
        answer = await client.post(url, content=written)
        lines.append(f"{what}: " + ("taken" if answer.status_code == HTTPStatus.OK else f"not taken, {_code(answer)}"))
    return lines or ["nothing is there that was signed before"]


def in_export(folder: Path) -> tuple[Sequence[bytes], bytes | None]:
    """The breaks that an export has of a log in this folder, the oldest first, and its checkpoint."""
    breaks: list[bytes] = []
    while (path := folder / "breaks" / str(len(breaks) + 2)).is_file():
        breaks.append(path.read_bytes())
    return breaks, (folder / "checkpoint").read_bytes() if (folder / "checkpoint").is_file() else None


async def in_archive(settings: OpsSettings, service: Service) -> tuple[Sequence[bytes], bytes | None]:
    """The breaks that the archive has of a log, the oldest first, and its last checkpoint of no more than was kept of the log."""
    try:
        async with sources.database_of(settings, service) as database, database.unit_of_work(sources.SCOPE) as unit:
            row = await unit.row(_KEPT)
        async with sources.database_of(settings, AUDIT) as database:
            return await archived_of(database, service.name, _ALL if row is None else row["kept"])
    except FAULTS:
        raise CannotStart("archive_away", "The archive's database does not answer; an export has the same: --from.") from None


async def archived_of(archive: Database, log: str, kept: int) -> tuple[Sequence[bytes], bytes | None]:
    """The breaks that stand in the archive's database, the oldest first, and the last checkpoint of no more than so many entries."""
    async with archive.unit_of_work(sources.SCOPE, snapshot=True) as unit:
        breaks = [bytes(one["proof"]) for one in await unit.rows(_BREAKS, log=log)]
        last = await unit.row(_CHECKPOINT, log=log, kept=kept)
    return breaks, last["note"].encode() if last is not None else None


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, LookupError, TypeError):
        return str(answer.status_code)
