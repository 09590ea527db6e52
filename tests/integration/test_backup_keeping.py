"""Copies of a server on real PostgreSQL: the log is copied as it is written, nothing stops the server, old copies end."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from ops.backup.keeper import Keeper
from ops.backup.keys_apart import copy_keys, sets_in
from ops.backup.login import backup_login
from ops.backup.places import Run, house_of, make_house_after, moment_of, stamp
from ops.backup.restoring import restore
from ops.backup.status import backup_status
from ops.backup.taking import take_backup
from ops.backup.wal import segments_in
from ops.embedded.postgres import EmbeddedPostgres, find_binaries
from ops.ports import Reservations, next_free
from ops.process import Processes
from ops.secrets import Secrets
from ops.settings import PROJECT, CannotStart, OpsSettings

pytestmark = pytest.mark.timeout(300)
DAYS = 7


@dataclass(frozen=True)
class Kept:
    """A server with a place for its copies, and what the copying said."""

    settings: OpsSettings
    server: EmbeddedPostgres
    said: list[str]

    @property
    def run(self) -> Run:
        house = house_of(self.settings)
        assert house is not None
        assert self.settings.backup_dir is not None
        return house.run_in(self.settings.backup_dir)

    async def sql(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.server.address.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def now(self) -> datetime:
        connection = await asyncpg.connect(self.server.address.url)
        try:
            now: datetime = await connection.fetchval("SELECT clock_timestamp()")
            return now
        finally:
            await connection.close()

    async def ends_segments(self, count: int) -> None:
        for number in range(count):
            await self.sql(f"CREATE TABLE IF NOT EXISTS written_{number} ()", "SELECT pg_switch_wal()")
        await self.sql("CHECKPOINT")

    @asynccontextmanager
    async def copying(self) -> AsyncIterator[None]:
        address, programs = await backup_login(self.settings, self.server.address)
        assert self.settings.backup_dir is not None
        working = asyncio.create_task(Keeper(self.settings, self.settings.backup_dir, address, programs, self.said.append).keep())
        try:
            yield
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working

    async def until_copied(self) -> None:
        now = await self.now()
        async with asyncio.timeout(60):
            while True:
                status = backup_status(self.settings)
                if status is not None and status.wal_complete_until is not None and status.wal_complete_until > now:
                    return
                await asyncio.sleep(0.05)

    async def until_said(self, words: str) -> None:
        async with asyncio.timeout(60):
            while True:
                if any(words in line for line in self.said):
                    return
                await asyncio.sleep(0.05)

    async def backup(self, days: int | None = None) -> Path:
        return (await take_backup(self.settings, None, None, days, self.said.append)).folder


@asynccontextmanager
async def served(folder: Path, **besides: str) -> AsyncIterator[Kept]:
    ports = Reservations()
    data = folder / "data"
    server = EmbeddedPostgres(
        data / "postgres", password=Secrets(data / "secrets").password("postgres_admin"), port=next_free(17432, take=ports.take),
        processes=Processes(data / "logs", lambda _: None), binaries=find_binaries(), besides=besides,
    )  # fmt: skip
    process = await server.start()
    try:
        settings = OpsSettings.model_validate(
            {"data": data, "database_url": server.address.url, "backup_dir": folder / "backups", "backup_keys_dir": folder / "keys"}
        )
        yield Kept(settings, server, [])
    finally:
        await process.stop(server.stop_signal)
        ports.close()


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    async with served(tmp_path, max_slot_wal_keep_size="16MB") as found:
        yield found


def aged(folder: Path, days: int) -> Path:
    """The same copy as if it had been taken so many days ago."""
    return folder.rename(folder.with_name(stamp(moment_of(folder.name) - timedelta(days=days))))


async def test_what_is_committed_is_in_the_copy_at_once_and_the_copys_login_reads_no_table(kept: Kept) -> None:
    await kept.sql("CREATE TABLE secret (of_nobody text)")
    async with kept.copying():
        await kept.until_copied()
        address, _ = await backup_login(kept.settings, kept.server.address)
        connection = await asyncpg.connect(address.url)
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("SELECT * FROM secret")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("CREATE ROLE another")
        finally:
            await connection.close()
    assert segments_in(kept.run.wal)
    assert (kept.run.folder.stat().st_mode & 0o777, kept.run.folder.parent.stat().st_mode & 0o777) == (0o700, 0o700)


async def test_a_copying_that_was_ended_goes_on_where_it_was(kept: Kept) -> None:
    async with kept.copying():
        await kept.until_copied()
    await kept.sql("CREATE TABLE meanwhile ()")
    async with kept.copying():
        await kept.until_copied()
    assert kept.run.number == 1


async def test_after_a_gap_another_run_begins_and_the_server_never_stopped(kept: Kept) -> None:
    async with kept.copying():
        await kept.until_copied()
    first = kept.run
    await kept.backup()
    # Nobody copies, and the server may keep back a segment: it goes on, and throws away what is more.
    await kept.ends_segments(5)
    async with kept.copying():
        await kept.until_said("has a gap")
        await kept.until_copied()
    assert (first.number, kept.run.number) == (1, 2)
    status = backup_status(kept.settings)
    assert status is not None
    # The new run restores nothing before it has a base of its own.
    assert (status.base_at, len(first.bases())) == (None, 1)
    await kept.backup()
    status = backup_status(kept.settings)
    assert status is not None
    assert status.base_at is not None


async def test_a_server_that_would_keep_its_log_without_end_is_not_copied(tmp_path: Path) -> None:
    async with served(tmp_path, max_slot_wal_keep_size="-1") as kept, kept.copying():
        await kept.until_said("max_slot_wal_keep_size")
        assert segments_in(kept.run.wal) == {} if house_of(kept.settings) else True


async def test_old_copies_end_with_the_log_and_the_keys_that_only_they_needed(tmp_path: Path) -> None:
    # The server keeps back more than this writes: however slow the copying is, it has no gap and begins no other run.
    async with served(tmp_path, max_slot_wal_keep_size="1GB") as kept, kept.copying():
        await kept.until_copied()
        old = aged(await kept.backup(), DAYS + 2)
        house = house_of(kept.settings)
        assert house is not None
        assert house.keys is not None
        sets = house.keys / house.id
        first_keys = aged(sets_in(sets)[-1], DAYS + 2)
        Secrets(kept.settings.secrets_folder).password("changed")
        copy_keys(kept.settings)
        followed = aged(sets_in(sets)[-1], DAYS + 1)
        await kept.ends_segments(2)
        young = aged(await kept.backup(), DAYS - 1)
        await kept.until_copied()
        before = segments_in(kept.run.wal)
        last = await kept.backup(DAYS)
        after = segments_in(kept.run.wal)
    assert kept.run.number == 1
    assert (old.exists(), young.exists(), last.exists()) == (False, True, True)
    needed = min(segments_in(young / "postgres" / "pg_wal"))
    assert (min(before) < needed, min(after)) == (True, needed)
    # What was followed by others longer ago is gone, and what is in force stays however old it is.
    assert (first_keys.exists(), followed.exists()) == (False, True)


async def test_the_last_base_stays_however_old_it_is(kept: Kept) -> None:
    only = aged(await kept.backup(), 400)
    with pytest.raises(CannotStart) as refused:
        await kept.backup(31)
    assert refused.value.code == "keep_days"
    shutil.rmtree(kept.run.bases()[-1])
    assert only.exists()


async def test_copies_of_what_it_was_restored_from_end_by_the_same_days_and_are_forgotten(kept: Kept, tmp_path: Path) -> None:
    first = await kept.backup()
    former = house_of(kept.settings)
    assert former is not None
    assert former.keys is not None
    # As a restored data folder remembers it, which takes copies under an id of its own.
    make_house_after(kept.settings, (former.id,))
    aged(first, DAYS - 1)
    await kept.backup(DAYS)
    found = house_of(kept.settings)
    assert found is not None
    assert (found.former, kept.run.folder.parent.name == former.id) == ((former.id,), False)
    (base,) = Run(tmp_path / "backups" / former.id / "run-1").bases()
    aged(base, 2)
    await kept.backup(DAYS)
    found = house_of(kept.settings)
    assert found is not None
    assert (found.former, found.keys) == ((), former.keys)
    assert not [place for place in (tmp_path / "backups", former.keys) if (place / former.id).exists()]


async def test_keys_are_not_kept_where_the_data_are(kept: Kept, tmp_path: Path) -> None:
    for into, keys, code in (
        (tmp_path / "b", tmp_path / "b" / "keys", "keys_not_apart"), (tmp_path / "b" / "in", tmp_path / "b", "keys_not_apart"),
        (kept.settings.data_folder / "backups", tmp_path / "keys", "backup_within"),
    ):  # fmt: skip
        with pytest.raises(CannotStart) as refused:
            await take_backup(kept.settings, into, keys, None, kept.said.append)
        assert refused.value.code == code
    base = await kept.backup()
    secret = Secrets(kept.settings.secrets_folder).key("backup_manifest")
    assert all(secret not in path.read_bytes() for path in base.rglob("*") if path.is_file())
    house = house_of(kept.settings)
    assert house is not None
    assert house.keys is not None
    files = [path for path in (house.keys / house.id).rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


async def test_a_base_of_a_server_of_its_own_goes_back_to_one(kept: Kept, tmp_path: Path) -> None:
    await kept.backup()
    with pytest.raises(CannotStart) as refused:
        await restore(OpsSettings(), tmp_path / "backups", tmp_path / "keys", tmp_path / "new", None, None, kept.said.append)
    assert (refused.value.code, (tmp_path / "new").exists()) == ("restore_elsewhere", False)


def mounted(place: Path, mebibytes: int) -> list[str]:
    """What runs a program that sees a small disk of its own there; nobody else sees it."""
    # Its own arguments are the program.
    small = f'mount -t tmpfs -o size={mebibytes}m none "{place}" && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", small, "sh"]
    if subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system lets nobody have a disk of their own")
    return command


@pytest.fixture
def greedy(tmp_path: Path) -> Path:
    """PostgreSQL's programs, of which the one that copies a base leaves no room on its disk before it begins."""
    folder = tmp_path / "bin"
    folder.mkdir()
    real = find_binaries().folder
    for program in real.iterdir():
        (folder / program.name).symlink_to(program)
    (folder / "pg_basebackup").unlink()
    (folder / "pg_basebackup").write_text(
        f'#!/bin/sh\nhead -c 85000000 /dev/zero > "{tmp_path}/backups/filler"\nexec "{real}/pg_basebackup" "$@"\n'
    )
    (folder / "pg_basebackup").chmod(0o755)
    return folder


async def test_a_disk_that_fills_up_while_a_base_is_taken_is_named_and_leaves_nothing_that_passes_for_one(
    kept: Kept, greedy: Path, tmp_path: Path
) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    assert kept.settings.database_url is not None
    environment = {
        **os.environ, "AVRR_DATA": str(kept.settings.data_folder), "AVRR_DATABASE_URL": kept.settings.database_url.get_secret_value(),
        "AVRR_PG_BIN": str(greedy),
    }  # fmt: skip
    avrr = f'"{sys.executable}" -c "from ops.cli import main; main()" backup --into "{backups}" --keys "{tmp_path}/keys"'
    process = await asyncio.create_subprocess_exec(
        *mounted(backups, 100), "sh", "-c", f'{avrr}; code=$?; find "{backups}" -path "*/base/*"; exit $code', cwd=PROJECT,
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    lines = output.decode().strip().splitlines()
    assert process.returncode == 1, lines
    assert "no space left on the disk" in lines[-1]
    # The server has noticed nothing, and the next base is taken.
    await kept.sql("CREATE TABLE after_it ()")
    assert (await kept.backup()).is_dir()
    assert datetime.now(UTC) - moment_of(kept.run.bases()[-1].name) < timedelta(minutes=5)
