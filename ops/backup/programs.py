"""PostgreSQL's own programs for copies, run with a password that no list of processes shows."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ops.database_server import PostgresAddress
from ops.process import inherited_environment, refused_by_system
from ops.settings import CannotStart

NEEDED: Final = ("pg_basebackup", "pg_receivewal", "pg_verifybackup", "pg_waldump", "pg_archivecleanup")
_LINES: Final = 50


@dataclass(frozen=True, slots=True)
class Said:
    """How a program ended, and the last lines that it said."""

    code: int
    lines: tuple[str, ...] = field(repr=False)

    @property
    def full_disk(self) -> bool:
        """Whether the disk was full."""
        return any("No space left on device" in line or "Disk quota exceeded" in line for line in self.lines)

    @property
    def reason(self) -> str:
        """The line that tells most."""
        telling = [line for line in self.lines if "error:" in line or "FATAL" in line]
        return (telling or list(self.lines) or ["no reason given"])[0].strip()


@dataclass(frozen=True, slots=True)
class Programs:
    """The folder of one PostgreSQL's programs."""

    folder: Path

    def path(self, name: str) -> str:
        """The program of that name; `CannotStart` if it is not there."""
        found = self.folder / name
        if not os.access(found, os.X_OK):
            raise CannotStart("no_backup_programs", f"{self.folder} has no {name}; it comes with PostgreSQL's client programs")
        return str(found)

    async def run(self, name: str, *arguments: str, password: str | None = None) -> Said:
        """Runs it to its end."""
        lines: list[str] = []
        async with self.started(name, *arguments, password=password) as process:
            assert process.stdout is not None
            async for line in process.stdout:
                lines = [*lines[-_LINES:], line.decode("utf-8", "replace").rstrip()]
            code = await process.wait()
        return Said(code, tuple(lines))

    @contextlib.asynccontextmanager
    async def started(
        self, name: str, *arguments: str, password: str | None = None
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Runs it while the block does, which reads what it says; whatever happens, it is gone afterwards."""
        try:
            process = await asyncio.create_subprocess_exec(
                self.path(name), *arguments, env=environment(password), stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, umask=0o077,
            )  # fmt: skip
        except OSError as error:
            raise refused_by_system(error, f"{name} can't be started") from error
        try:
            yield process
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGKILL)
                await process.wait()


def environment(password: str | None) -> dict[str, str]:
    """What one of these programs is told; times are in UTC and sentences in English, since they are read here."""
    told = {"LC_ALL": "C", "TZ": "UTC", "PGTZ": "UTC", "PGCONNECT_TIMEOUT": "10"}
    if password is not None:
        told["PGPASSWORD"] = password
    return {**inherited_environment(), **told}


def connection(server: PostgresAddress, application: str) -> str:
    """The server's URL for these programs, without the password."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    options = f"&{server.options}" if server.options else ""
    login = quote(server.user, safe="")
    return f"postgresql://{login}@{host}:{server.port}/{quote(server.database, safe='')}?application_name={application}{options}"
