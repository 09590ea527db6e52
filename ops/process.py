"""Child processes that never outlive this one, and where their output goes."""

import asyncio
import contextlib
import ctypes
import errno
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ops.settings import CannotStart

PR_SET_PDEATHSIG = 1
TAIL_LINES = 12
KEPT_LINES = 200
LOG_KEPT_BYTES = 16 * 1024 * 1024

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Process:
    """One direct child in a session of its own, so that Ctrl-C in a terminal reaches only the supervisor."""

    def __init__(
        self, name: str, running: asyncio.subprocess.Process, log: Path | None, log_start: int = 0
    ) -> None:
        self.name = name
        self._running = running
        self._log = log
        self._log_start = log_start
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._echo: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The process id, which of a server is also that of its first process."""
        return self._running.pid

    @property
    def returncode(self) -> int | None:
        """How it ended (negative: by that signal), or None while it runs."""
        return self._running.returncode

    async def wait(self) -> int:
        """Waits for its end, and until its last output has been passed on."""
        code = await self._running.wait()
        if self._echo is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._echo), timeout=1)
        return code

    async def stop(self, how: signal.Signals = signal.SIGTERM, grace: float = 10.0) -> int:
        """Asks it to end, and kills it when `grace` seconds were not enough."""
        self._send(how)
        try:
            return await asyncio.wait_for(self.wait(), timeout=grace)
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        """Ends it and whatever it started in its session, without asking."""
        self.kill_now()
        return await self.wait()

    def kill_now(self) -> None:
        """The same without waiting for the end."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._send(signal.SIGKILL)

    def tail(self, count: int = TAIL_LINES) -> list[str]:
        """Its last lines, for the message that says why it ended."""
        lines = list(self._lines) if self._log is None else _last_lines(self._log, self._log_start)
        return lines[-count:]

    def _send(self, how: signal.Signals) -> None:
        if self.returncode is None:
            # asyncio's own way looks first whether the child has ended, and so takes the exit code from its watcher.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, how)

    def pass_on(self, say: Callable[[str], None]) -> None:
        """Hands each line of output to `say`, with the name in front."""
        self._echo = asyncio.create_task(self._pass_on(say), name=f"output of {self.name}")

    async def _pass_on(self, say: Callable[[str], None]) -> None:
        output = self._running.stdout
        rest = b""
        while output is not None and (chunk := await output.read(65536)):
            *whole, rest = (rest + chunk).split(b"\n")
            # A line without an end must not grow for ever.
            if len(rest) > 65536:
                whole, rest = [*whole, rest], b""
            for line in whole:
                self._say(line, say)
        if rest:
            self._say(rest, say)

    def _say(self, line: bytes, say: Callable[[str], None]) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        self._lines.append(text)
        say(f"{self.name:<14}| {text}")


class Processes:
    """Starts children and remembers those that still run."""

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        self.logs = logs
        self._say = say
        self._started: list[Process] = []

    async def spawn(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        death_signal: signal.Signals = signal.SIGKILL,
        to_file: bool = True,
        cwd: Path | None = None,
    ) -> Process:
        """Starts a direct child; on Linux the kernel sends it `death_signal` when this process dies.

        The kernel watches the thread that starts the child, so call this from one that lives as long as the
        process does. Output goes to `<logs>/<name>.log`, or line by line to the reader handed in.
        """
        self._started = [process for process in self._started if process.returncode is None]
        log = self.logs / f"{name}.log" if to_file else None
        output = _open_log(log) if log else asyncio.subprocess.PIPE
        log_start = os.fstat(output).st_size if log else 0
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *argv,
                env=dict(env),
                cwd=cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
                preexec_fn=_dies_with_parent(death_signal, os.getpid()),
            )
        )
        try:
            # A start that is half done can't be called off: it is finished, and then ended.
            running = await asyncio.shield(starting)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):
                await Process(name, await starting, None).kill()
            raise
        except OSError as error:
            raise refused_by_system(error, f"{name} can't be started") from error
        finally:
            if log:
                os.close(output)
        process = Process(name, running, log, log_start)
        self._started.append(process)
        if log is None:
            process.pass_on(self._say)
        return process

    def kill_all(self) -> None:
        """Kills every child at once, for whoever presses Ctrl-C a second time."""
        for process in self._started:
            process.kill_now()


def inherited_environment() -> dict[str, str]:
    """What children get from this process: everything but avrr's own variables, which may hold secrets.

    What Python compiles for one of them is kept for all: without, each start of each service would compile a thousand files.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("AVRR_") and name != "PYTHONDONTWRITEBYTECODE"}


def refused_by_system(error: OSError, what: str) -> CannotStart:
    """The refusal for an error of the operating system; full disk and missing rights have codes."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CannotStart("disk_full", f"{what}: no space left on the disk{where}")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return CannotStart("permission", f"{what}: {error.strerror}{where}")
    return CannotStart("system", f"{what}: {error.strerror or type(error).__name__}{where}")


def _last_lines(path: Path, start: int) -> list[str]:
    # What stands before `start` was said by an earlier process.
    try:
        with path.open("rb") as file:
            file.seek(max(start, file.seek(0, os.SEEK_END) - 65536))
            return file.read().decode("utf-8", "replace").splitlines()[-KEPT_LINES:]
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    """Whether any process has this id now."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def wait_until_gone(pid: int, program: str, seconds: float) -> bool:
    """Waits for the end of a process that an earlier, killed supervisor left; false when it is still there.

    A process that does not carry the program's name is another one with a used-again id, and counts as gone.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while _runs(pid, program):
        if loop.time() > until:
            return False
        await asyncio.sleep(0.05)
    return True


def _runs(pid: int, program: str) -> bool:
    if sys.platform == "linux":
        try:
            state = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False
        name, _, rest = state.partition("(")[2].rpartition(")")
        return name == program[:15] and rest.split()[0] != "Z"
    return is_alive(pid)


def _open_log(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_KEPT_BYTES:
            path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _dies_with_parent(how: signal.Signals, parent: int) -> Callable[[], None]:
    def before_exec() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(how), 0, 0, 0)
            # The parent may have died before the kernel was told.
            if os.getppid() != parent:
                os._exit(1)

    return before_exec
