"""`avrr restore`: a new data folder that holds what a system held at a moment, out of a base and the log that follows it."""

import asyncio
import shlex
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from ops.after_restore.marking import mark
from ops.backup.choosing import Source, choose
from ops.backup.kept_settings import ORIGIN, KeptSettings
from ops.backup.keys_apart import put_back
from ops.backup.manifests import sync_tree
from ops.backup.newest import newest_in
from ops.backup.places import make_house_after
from ops.database_server import connect
from ops.embedded.postgres import Binaries, EmbeddedPostgres
from ops.ports import Reservations, next_free
from ops.process import Process, Processes, refused_by_system
from ops.secrets import Secrets
from ops.settings import CannotStart, OpsSettings
from shared.topology import LOGS

_FIRST_PORT: Final = 16432
_SECONDS_BETWEEN_LOOKS: Final = 0.2
_STOP_SECONDS: Final = 600.0
_RECOVERED: Final = "SELECT NOT pg_is_in_recovery() AS done, pg_last_xact_replay_timestamp() AS last"
# What a former data folder knows of a future that the restored databases do not have.
_REMEMBERS: Final = ("nats", "checkpointer", "witness")
# In which folder are the lists of what earlier restores lost, one for each.
_LISTS: Final = "restored"

Say = Callable[[str], None]
HeldToBy = Literal["named", "copies", "former"]


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: the base's time and settings, the last that was committed, until when the copy was whole, and how long it took.

    ``held_to`` is the moment that it is held to, by ``held_to_by``: the one that was named, else the newest that anything tells of.
    """

    base_at: datetime
    settings: KeptSettings
    last: datetime | None
    complete_until: datetime | None
    held_to: datetime
    held_to_by: HeldToBy
    checked_seconds: float
    copied_seconds: float
    recovered_seconds: float

    @property
    def until(self) -> datetime:
        """The last that was restored; the base, where nothing was committed behind it."""
        return self.last or self.base_at

    @property
    def rpo_seconds(self) -> float:
        """Between the last that was restored and the moment that it is held to: as much work at most is lost."""
        return max(0.0, (self.held_to - self.until).total_seconds())

    @property
    def rto_seconds(self) -> float:
        """From the beginning of the restore to a folder that can be started."""
        return self.checked_seconds + self.copied_seconds + self.recovered_seconds


async def restore(
    settings: OpsSettings, backups: Path, keys: Path, into: Path, moment: datetime | None, former: Path | None, say: Say
) -> Restored:
    """Makes the data folder ``into`` as the system was at ``moment``, or at the end of its copied log.

    Everything is checked before anything is made, and the folder gets its name when all of it is there. The services that are
    started on it take nothing until two persons accept what was lost (`ops.after_restore`). The broker's store
    is not restored: it is filled again from the log. From ``former``, a stopped data folder, are taken the store of its broker,
    what its checkpointer and witness remember and what earlier restores had lost, which know what the restored databases do not. `CannotStart` says what is in
    the way, and then ``into`` is as before.
    """
    began = time.monotonic()
    into = into.expanduser().absolute()
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise CannotStart("folder_not_empty", f"{into} is there already and holds something: name a new folder.")
    source = await choose(settings, backups.expanduser().absolute(), keys.expanduser().absolute(), moment)
    if not source.base.embedded:
        raise CannotStart(
            "restore_elsewhere",
            f"{source.base.folder} was taken of a server of its own and goes back to one: docs/operations.md, A server of its own.",
        )
    _refuse_another_origin(settings, source)
    checked = time.monotonic()
    say(f"Checked: base of {source.base.finished_at:%Y-%m-%d %H:%M:%S} UTC, {len(source.segments)} segments of log")
    for run in source.passed_over if moment is None else ():
        say(f"Passed over: {run.folder} was copied after a gap, has no base, and restores nothing. What was done since the gap is lost.")
    if former is None:
        since = f"copies have the lists of {len(source.lists)} of them" if source.lists else "no copy has any of it"
        say(f"What earlier restores lost is not taken from a former data folder (--former): {since}")
    unfinished = into.with_name(f"{into.name}.restoring")
    try:
        if unfinished.exists():
            shutil.rmtree(unfinished)
        _copy(source, unfinished, former)
        copied = time.monotonic()
        last = await _recover(settings, source, unfinished)
        make_house_after(settings.model_copy(update={"data": unfinished}), (source.house.name, *source.base.former))
        shutil.rmtree(unfinished / "wal")
        shutil.rmtree(unfinished / "logs", ignore_errors=True)
        sync_tree(unfinished)
        if into.is_dir():
            into.rmdir()
        unfinished.rename(into)
    except BaseException as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if isinstance(error, OSError):
            raise refused_by_system(error, "the data folder can't be made") from error
        raise
    return Restored(
        source.base.finished_at, source.base.settings, last, source.complete_until, *_held_to(source, moment, former), checked - began, copied - checked,
        time.monotonic() - copied,
    )  # fmt: skip


def _refuse_another_origin(settings: OpsSettings, source: Source) -> None:
    """`CannotStart` where the logs would go on under other names, of which nobody could tell that they were set back."""
    was = source.base.settings.kept.get(ORIGIN, settings.logs_origin)
    if was != settings.logs_origin:
        raise CannotStart(
            "another_origin", f"The logs in these copies are signed as {was}/…, and {ORIGIN} says {settings.logs_origin}: set it to {was}."
        )


def _held_to(source: Source, moment: datetime | None, former: Path | None) -> tuple[datetime, HeldToBy]:
    if moment is not None:
        return moment, "named"
    written = newest_in(former) if former is not None else None
    return (written, "former") if written is not None and written > source.newest else (source.newest, "copies")


def _copy(source: Source, data: Path, former: Path | None) -> None:
    needed = sum(path.stat().st_size for path in (*source.base.folder.rglob("*"), *source.segments.values()) if path.is_file())
    data.mkdir(mode=0o700, parents=True)
    free = shutil.disk_usage(data).free
    if free < needed:
        raise CannotStart("disk_full", f"{data.parent} needs {needed >> 20} MiB of free space and has {free >> 20}.")
    shutil.copytree(source.base.server_files, data / "postgres")
    (data / "postgres").chmod(0o700)
    (data / "postgres" / "recovery.signal").touch(mode=0o600)
    for path in (source.base.folder / "state").iterdir():
        _put(path, data / path.name)
    _put_lists(source.lists, data / _LISTS)
    put_back(list(source.keys), data)
    if former is not None:
        for name in _REMEMBERS:
            if (former / name).is_dir():
                shutil.rmtree(data / name, ignore_errors=True)
                _put(former / name, data / name)
        if (former / _LISTS).is_dir():
            _put_lists({path.name: path for path in (former / _LISTS).iterdir() if path.is_dir()}, data / _LISTS)
    (data / "wal").mkdir(mode=0o700)
    for name, path in source.segments.items():
        shutil.copyfile(path, data / "wal" / name)


def _put_lists(lists: Mapping[str, Path], target: Path) -> None:
    """Each of these lists in place of the same one of before; whatever else is there stays."""
    for name, folder in lists.items():
        target.mkdir(mode=0o700, exist_ok=True)
        shutil.rmtree(target / name, ignore_errors=True)
        _put(folder, target / name)


def _put(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, target)
        target.chmod(0o700)
    else:
        shutil.copy2(path, target)


async def _recover(settings: OpsSettings, source: Source, data: Path) -> datetime | None:
    """Lets PostgreSQL apply the log, and says when the last of it was committed."""
    wal = shlex.quote(str(data / "wal")).replace("%", "%%")
    besides = {
        "restore_command": f"cp {wal}/%f %p",
        "recovery_target_timeline": "current",
        "recovery_target_action": "promote",
        "hot_standby": "on",
    }
    if source.target is not None:
        besides["recovery_target_time"] = source.target.astimezone(UTC).isoformat(timespec="microseconds")
    ports = Reservations()
    server = EmbeddedPostgres(
        data / "postgres", password=Secrets(data / "secrets").password("postgres_admin"),
        port=next_free(_FIRST_PORT, take=ports.take), processes=Processes(data / "logs", lambda _: None), binaries=Binaries(source.programs.folder, source.base.postgres),
        besides=besides,
    )  # fmt: skip
    try:
        process = await server.start()
        try:
            last = await _recovered(server, process)
            await _mark(server, data)
        finally:
            await process.stop(server.stop_signal, grace=_STOP_SECONDS)
    finally:
        ports.close()
    expected = source.last.at if source.last is not None else None
    # What was rolled back counts as the last as well, and may be later.
    if expected is not None and (last is None or last < expected):
        raise CannotStart(
            "restore_incomplete",
            f"PostgreSQL stopped at {last} and the log goes to {expected}: nothing was put in place. Try an earlier time.",
        )
    return last


async def _mark(server: EmbeddedPostgres, data: Path) -> None:
    """Leaves word in each database: its service takes nothing until two persons accept what was lost."""
    secrets = Secrets(data / "secrets")
    logins = {service.name: f"{service.name}_worker" for service in LOGS}
    await mark({name: server.address.url_for(name, role, secrets.password(role)) for name, role in logins.items()})


async def _recovered(server: EmbeddedPostgres, process: Process) -> datetime | None:
    connection = await connect(server.address)
    try:
        while True:
            row = await connection.fetchrow(_RECOVERED)
            assert row is not None
            if row["done"]:
                last: datetime | None = row["last"]
                return last
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
            if process.returncode is not None:
                raise CannotStart("restore_failed", "PostgreSQL ended while it applied the log.")
    finally:
        await connection.close()


