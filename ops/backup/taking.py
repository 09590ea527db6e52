"""`avrr backup`: a base of all databases with what stands beside them, taken while everything goes on."""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg

from ops.backup.ending import end_former, end_what_is_old
from ops.backup.kept_settings import settings_of
from ops.backup.keys_apart import keep_keys, manifest_key
from ops.backup.login import backup_login
from ops.backup.manifests import write_manifest
from ops.backup.places import House, Run, apart, make_house, private, remember, stamp
from ops.backup.programs import Programs, Said, connection
from ops.database_server import PostgresAddress, connect
from ops.process import refused_by_system
from ops.settings import CannotStart, OpsSettings
from ops.system import administrator

_STATE: Final = ("checkpointer", "witness", "restored")
_LEFT_OUT: Final = ("witness_key", "*.lock", ".*")
_MARKS: Final = "year-*.json"
_UNFINISHED: Final = ".unfinished"
_SPARE_BYTES: Final = 64 * 1024 * 1024

_SERVER: Final = (
    "SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system, clock_timestamp() AS at, "
    "(SELECT sum(pg_database_size(datname))::bigint FROM pg_database WHERE datallowconn) AS bytes, "
    "(SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size') AS segment_bytes"
)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """A base that is whole, and what was ended after it."""

    folder: Path
    bytes: int
    at: datetime
    seconds: float
    ended: int


async def take_backup(
    settings: OpsSettings, into: Path | None, keys: Path | None, keep_days: int | None, say: Say
) -> Taken:
    """Takes a base of the running system, and ends what is older than ``keep_days`` days, of what it was restored from as well.

    The data go below ``into`` (AVRR_BACKUP_DIR), keys and passwords below ``keys`` (AVRR_BACKUP_KEYS_DIR). A base that broke
    off is never taken for one. `CannotStart` where it cannot be taken; then nothing that was there before is other.
    """
    began = datetime.now(UTC)
    backups, apart_from_it = _places(settings, into, keys, say)
    address, programs = await backup_login(settings, administrator(settings))
    house = replace(make_house(settings), keys=apart_from_it)
    remember(settings, house)
    run = house.run_in(backups)
    run.make()
    with _alone(backups / house.id):
        keep_keys(settings, house, apart_from_it)
        try:
            folder, size, at = await _base(settings, house, run, address, programs)
        except OSError as error:
            raise refused_by_system(error, "the backup can't be written") from error
        # Keys that began while the base was taken belong to it as well.
        keep_keys(settings, house, apart_from_it)
        ended = 0
        if keep_days is not None:
            ended = await end_what_is_old(backups / house.id, apart_from_it / house.id, keep_days, programs, at)
            for former in house.former:
                ended += await end_former(backups / former, apart_from_it / former, keep_days, programs, at)
            left = tuple(one for one in house.former if (backups / one).exists() or (apart_from_it / one).exists())
            if left != house.former:
                # The present run may be another by now, of which whoever copies the log left word.
                remember(settings, replace(make_house(settings), former=left))
    return Taken(folder, size, at, (datetime.now(UTC) - began).total_seconds(), ended)


def _places(settings: OpsSettings, into: Path | None, keys: Path | None, say: Say) -> tuple[Path, Path]:
    backups, apart_from_it = into or settings.backup_dir, keys or settings.backup_keys_dir
    if backups is None:
        raise CannotStart("backup_place", "Say where the backup goes: --into FOLDER, or AVRR_BACKUP_DIR.")
    if apart_from_it is None:
        raise CannotStart("keys_place", "Say where the keys go, on another disk: --keys FOLDER, or AVRR_BACKUP_KEYS_DIR.")
    backups, apart_from_it = backups.expanduser().absolute(), apart_from_it.expanduser().absolute()
    if not apart(backups, apart_from_it):
        raise CannotStart("keys_not_apart", "The keys must not be kept with the data that they open: name another folder for them.")
    for one in (backups, apart_from_it):
        if not apart(one, settings.data_folder):
            raise CannotStart("backup_within", f"{one} and the data folder must not be one within the other.")
        private(one)
    if backups.stat().st_dev == apart_from_it.stat().st_dev:
        say("The keys are on the same disk as the data that they open: whoever takes the disk has both.")
    return backups, apart_from_it


@contextlib.contextmanager
def _alone(house: Path) -> Iterator[None]:
    """Lets no other backup of the same data folder begin."""
    descriptor = os.open(house / "backup.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CannotStart("backup_under_way", "Another backup of this system is being taken.") from None
    finally:
        os.close(descriptor)


async def _base(settings: OpsSettings, house: House, run: Run, address: PostgresAddress, programs: Programs) -> tuple[Path, int, datetime]:
    unfinished = run.folder / "base" / _UNFINISHED
    _removed(unfinished)
    try:
        unfinished.mkdir(mode=0o700)
        server = await _asked(administrator(settings))
        _refuse_full_disk(unfinished, server["bytes"] + _SPARE_BYTES)
        # Before the databases: what was signed may never be more than what is restored.
        _copy_state(settings, unfinished / "state")
        copied = await programs.run(
            "pg_basebackup", "--pgdata", str(unfinished / "postgres"), "--wal-method=stream", "--checkpoint=fast", "--no-password",
            "--manifest-checksums=SHA256", "--label=avrr", "--dbname", connection(address, "avrr-backup"), password=address.password,
        )  # fmt: skip
        _well(copied, "PostgreSQL can't be copied")
        at: datetime = (await _asked(administrator(settings)))["at"]
        _well(await programs.run("pg_verifybackup", "--exit-on-error", str(unfinished / "postgres")), "what was copied does not hold")
        write_manifest(unfinished, manifest_key(settings.secrets_folder), _told(settings, house, unfinished, server, at))
        size = sum(path.stat().st_size for path in unfinished.rglob("*") if path.is_file())
        folder = run.folder / "base" / stamp(at)
        unfinished.rename(folder)
        _sync(folder.parent)
        return folder, size, at
    except BaseException:
        _removed(unfinished)
        raise


def _refuse_full_disk(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise CannotStart(
            "disk_full", f"The disk for backups is too full: {needed >> 20} MiB are needed and {free >> 20} are free."
        )


def _told(settings: OpsSettings, house: House, unfinished: Path, server: asyncpg.Record, at: datetime) -> dict[str, object]:
    ranges = json.loads((unfinished / "postgres" / "backup_manifest").read_text())["WAL-Ranges"]
    return {
        "finished_at": at.astimezone(UTC).isoformat(),
        "system": server["system"],
        "timeline": ranges[-1]["Timeline"],
        "start": ranges[0]["Start-LSN"],
        "end": ranges[-1]["End-LSN"],
        "segment_bytes": server["segment_bytes"],
        "postgres": (unfinished / "postgres" / "PG_VERSION").read_text().strip(),
        "embedded": settings.database_url is None,
        "former": list(house.former),
        **settings_of(settings, os.environ).content,
    }


async def _asked(server: PostgresAddress) -> asyncpg.Record:
    try:
        connection = await connect(server)
        try:
            row = await connection.fetchrow(_SERVER)
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotStart("database_lost", f"The database does not answer: {type(error).__name__}") from None
    assert row is not None
    return row


def _copy_state(settings: OpsSettings, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for name in _STATE:
        if (settings.data_folder / name).is_dir():
            shutil.copytree(settings.data_folder / name, folder / name, ignore=_ignored, copy_function=_copied)
    for mark in settings.data_folder.glob(_MARKS):
        _copied(str(mark), str(folder / mark.name))


_ignored = shutil.ignore_patterns(*_LEFT_OUT)


def _copied(source: str, target: str) -> None:
    # What is replaced while it is read is whole all the same; a tile that went meanwhile is read from the log again.
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(source, target)


def _well(said: Said, what: str) -> None:
    if said.full_disk:
        raise CannotStart("disk_full", f"{what}: no space left on the disk for backups")
    if said.code:
        raise CannotStart("backup_failed", f"{what}: {said.reason}")


def _removed(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


