"""Copies the write-ahead log as it is written, for as long as it runs, and notes until when the copy is complete.

The server keeps back what was not copied yet, up to its `max_slot_wal_keep_size`: a full disk for backups makes a gap in
them, after which another run begins, and never stops the server.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg

from ops.backup.login import backup_login
from ops.backup.notes import Note, write_note
from ops.backup.places import House, Run, begin_another_run, make_house
from ops.backup.programs import Programs, connection, environment
from ops.backup.wal import lsn_of
from ops.children import Child
from ops.database_server import PostgresAddress, connect
from ops.process import Process, Processes
from ops.settings import CannotStart, OpsSettings, read_settings
from shared.starting import begin

_SERVER: Final = "AVRR_WAL_SERVER"
_APPLICATION: Final = "avrr-wal"
_PAUSES: Final = (0.5, 1.0, 2.0, 5.0)
_SECONDS_BETWEEN_LOOKS: Final = 1.0
_REMEMBERED_LOOKS: Final = 600
_PAGE_BYTES: Final = 8192
_SEGMENTS_NOT_OF_THIS_SIZE: Final = "*.partial"

_SLOT: Final = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1"
_UNBOUNDED: Final = "SELECT setting = '-1' FROM pg_settings WHERE name = 'max_slot_wal_keep_size'"
_SEGMENT_BYTES: Final = "SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'"
# What is copied to the disk moves the slot on. (Of its own walsender such a login is told nothing.)
_LOOK: Final = (
    "SELECT clock_timestamp() AS at, pg_current_wal_flush_lsn()::text AS written, "
    "(SELECT restart_lsn::text FROM pg_replication_slots WHERE slot_name = $1 AND active) AS copied"
)

Say = Callable[[str], None]


async def keeper_child(settings: OpsSettings, administrator: PostgresAddress) -> Child:
    """The process that copies the log, for a supervisor that starts it again whenever it ends; `CannotStart` if none can."""
    address, programs = await backup_login(settings, administrator)
    told = {
        "AVRR_DATA": str(settings.data_folder), "AVRR_BACKUP_DIR": str(settings.backup_dir), "AVRR_PG_BIN": str(programs.folder),
        _SERVER: address.url,
    }  # fmt: skip
    return Child("wal", (sys.executable, "-m", "ops.backup.keeper"), told, vital=False)


@dataclass(frozen=True, slots=True)
class _Look:
    """At this moment the server's log was written up to here."""

    at: datetime
    written: int


class Keeper:
    """Copies one server's log into the runs of one data folder."""

    def __init__(self, settings: OpsSettings, backups: Path, address: PostgresAddress, programs: Programs, say: Say) -> None:
        self._settings = settings
        self._backups = backups
        self._address = address
        self._programs = programs
        self._say = say
        self._said = ""
        self._processes = Processes(settings.logs_folder, say)

    async def keep(self) -> None:
        """Goes on until it is cancelled; what stands against it is said once, and tried again."""
        tries = 0
        while True:
            started = asyncio.get_running_loop().time()
            try:
                self._tell(await self._until_it_ends())
            except CannotStart as refusal:
                self._tell(refusal.sentence)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self._tell(f"the write-ahead log is not copied: {type(error).__name__}")
            if asyncio.get_running_loop().time() - started > 2 * _PAUSES[-1]:
                tries = 0
            await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1

    def _tell(self, sentence: str) -> None:
        if sentence != self._said:
            self._said = sentence
            self._say(sentence)

    async def _until_it_ends(self) -> str:
        server = await connect(self._address)
        try:
            run, slot = await self._place(server)
            remove_unfinished(run.wal, await server.fetchval(_SEGMENT_BYTES))
            process = await self._received(run, slot)
            try:
                await self._note(server, run, slot, process)
            finally:
                await process.stop(signal.SIGTERM)
            return self._why(process)
        finally:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await server.close(timeout=2)

    def _why(self, process: Process) -> str:
        lines = [line for line in process.tail() if "error" in line]
        full = any("No space left" in line for line in lines)
        reason = "the disk for backups is full" if full else (lines or ["pg_receivewal ended"])[-1]
        return f"the write-ahead log is not copied: {reason}"

    async def _place(self, server: "asyncpg.Connection[asyncpg.Record]") -> tuple[Run, str]:
        """The run to write to, with the server keeping back what it needs; another one where there is a gap."""
        house = make_house(self._settings)
        found = await server.fetchrow(_SLOT, house.slot)
        lost = found is not None and found["wal_status"] == "lost"
        if lost:
            await server.execute("SELECT pg_drop_replication_slot($1)", house.slot)
        if lost or found is None:
            house = await self._begin(server, house)
        run = house.run_in(self._backups)
        run.make()
        return run, house.slot

    async def _begin(self, server: "asyncpg.Connection[asyncpg.Record]", house: House) -> House:
        if await server.fetchval(_UNBOUNDED):
            raise CannotStart(
                "wal_unbounded",
                "The server would keep back its log without end while it can't be copied: set its max_slot_wal_keep_size.",
            )
        written = house.run_in(self._backups).wal
        if written.is_dir() and any(written.iterdir()):
            house = begin_another_run(self._settings)
            self._say(
                "The write-ahead log was not copied for too long and has a gap. Take a new base now: ./avrr backup"
            )
        await server.execute("SELECT pg_create_physical_replication_slot($1, true)", house.slot)
        return house

    async def _received(self, run: Run, slot: str) -> Process:
        command = [
            self._programs.path("pg_receivewal"), "--directory", str(run.wal), "--slot", slot, "--synchronous", "--no-loop",
            "--no-password", "--status-interval=1", "--dbname", connection(self._address, _APPLICATION),
        ]  # fmt: skip
        return await self._processes.spawn(
            "wal-copy", command, environment(self._address.password), death_signal=signal.SIGTERM
        )

    async def _note(self, server: "asyncpg.Connection[asyncpg.Record]", run: Run, slot: str, process: Process) -> None:
        looks: deque[_Look] = deque(maxlen=_REMEMBERED_LOOKS)
        while process.returncode is None:
            row = await server.fetchrow(_LOOK, slot)
            assert row is not None
            looks.append(_Look(row["at"], lsn_of(row["written"])))
            if row["copied"] is not None:
                self._tell("the write-ahead log is copied")
                covered = [look for look in looks if look.written <= lsn_of(row["copied"])]
                # At the end of a page a record may just have begun, and then does not read to there.
                ends = [look.written for look in covered if look.written % _PAGE_BYTES]
                if ends:
                    # A full disk takes this note as little as it takes the log; an old note claims less than there is.
                    with contextlib.suppress(OSError):
                        write_note(run.note, Note(covered[-1].at.astimezone(UTC), ends[-1]))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(process.wait()), _SECONDS_BETWEEN_LOOKS)


def remove_unfinished(wal: Path, segment_bytes: int) -> None:
    """Removes a segment that was never made whole because the disk was full: pg_receivewal would refuse to go on with it."""
    for path in wal.glob(_SEGMENTS_NOT_OF_THIS_SIZE):
        if path.stat().st_size not in (0, segment_bytes):
            path.unlink()


async def main(environ: Mapping[str, str]) -> int:
    """Copies until it is told to end."""
    settings = read_settings()
    if settings.backup_dir is None or _SERVER not in environ or settings.pg_bin is None:
        raise CannotStart("wal_settings", f"the copying of the log needs AVRR_BACKUP_DIR, AVRR_PG_BIN and {_SERVER}")

    def say(line: str) -> None:
        print(line, flush=True)

    address = PostgresAddress.from_url(environ[_SERVER])
    keeper = Keeper(settings, settings.backup_dir.expanduser().absolute(), address, Programs(settings.pg_bin), say)
    working = asyncio.create_task(keeper.keep())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, working.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await working
    return 0


if __name__ == "__main__":
    begin()
    try:
        sys.exit(asyncio.run(main(os.environ)))
    except CannotStart as refusal:
        print(f"avrr: {refusal.sentence}", file=sys.stderr)
        sys.exit(1)
