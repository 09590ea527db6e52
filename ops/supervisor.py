"""Starts the servers and services of one system, watches them, and leaves nothing behind when it ends."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

from ops.children import Child, Ended, Part, Program
from ops.data_folder import DataFolder
from ops.database_server import PostgresAddress, check_server
from ops.embedded import nats, postgres
from ops.embedded.nats import EmbeddedNats, NatsAddress
from ops.embedded.postgres import EmbeddedPostgres
from ops.ports import Reservations, choose
from ops.process import Process, Processes, refused_by_system
from ops.secrets import Secrets
from ops.settings import CannotStart, OpsSettings
from shared.topology import LOGS, Service

BACK_OFF = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
# Whoever ran this long was not failing at its start: the next failure begins with the shortest pause again.
STEADY_SECONDS = 10.0

# In the order in which they are stopped.
SERVERS = ("nats", "postgres")

T = TypeVar("T")


class _Watched:
    """A part and its present process; whoever changes it holds the lock."""

    def __init__(self, part: Part, *, vital: bool = True) -> None:
        self.part = part
        self.vital = vital
        self.lock = asyncio.Lock()
        self.process: Process | None = None
        self.wanted = False
        self.up = asyncio.Event()
        self.watcher: asyncio.Task[None] | None = None


Prepare = Callable[["Running"], Awaitable[Sequence[Child]]]


class Running:
    """One running system, for `async with`: inside servers and children are ready, afterwards they are gone.

    `prepare` is called when both servers answer: it makes databases and streams and names the children to
    start. With `restart` whatever ends unasked is started again after a growing pause; otherwise it
    completes `failure`.
    Services get their usual ports from the topology, `other_ports` are those of further children.
    """

    def __init__(
        self,
        settings: OpsSettings,
        *,
        prepare: Prepare | None = None,
        services: Iterable[Service] = LOGS,
        other_ports: Mapping[str, int] | None = None,
        quiet: bool = False,
        restart: bool = False,
        say: Callable[[str], None] = print,
    ) -> None:
        self.settings = settings
        self.secrets = Secrets(settings.secrets_folder)
        self.ports: Mapping[str, int] = {}
        self.stopping = False
        self._services = tuple(services)
        self._prepare = prepare
        self._other_ports = {"identity": 8010} if other_ports is None else dict(other_ports)
        self._quiet = quiet
        self._restart = restart
        self._say = say
        self._processes = Processes(settings.logs_folder, say)
        self._watched: dict[str, _Watched] = {}
        self._children: list[str] = []
        self._open = contextlib.ExitStack()
        self._reservations = Reservations()
        self._failure: asyncio.Future[Ended] | None = None
        self._postgres: PostgresAddress | None = None
        self._nats: NatsAddress | None = None

    @property
    def postgres(self) -> PostgresAddress:
        """Where PostgreSQL is reached as its administrator."""
        return _known(self._postgres)

    @property
    def nats(self) -> NatsAddress:
        """Where the broker is reached, and the password of each of its users."""
        return _known(self._nats)

    @property
    def failure(self) -> "asyncio.Future[Ended]":
        """Completed with what ended unasked; wait for it beside your own work, and then leave the block."""
        return _known(self._failure)

    async def __aenter__(self) -> Self:
        self._failure = asyncio.get_running_loop().create_future()
        self._open.enter_context(DataFolder(self.settings.data_folder))
        self._open.callback(self._reservations.close)
        try:
            await self._start_servers()
            children = await self._prepare(self) if self._prepare is not None else ()
            await self.add(*children)
        except OSError as error:
            await self._stop_everything()
            raise refused_by_system(error, "the system can't be started") from error
        except BaseException:
            await self._stop_everything()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stop_everything()

    async def add(self, *children: Child) -> None:
        """Starts further children in parallel and returns when all are ready."""
        for child in children:
            if child.name in self._watched:
                raise ValueError(f"{child.name} is there already")
            self._watched[child.name] = _Watched(Program(child, self._processes, self._quiet), vital=child.vital)
            self._children.append(child.name)
        await _in_parallel(self.start(child.name) for child in children)
        for child in children:
            if child.ready_url is not None:
                self._say(f"{child.name} at {child.ready_url.rpartition('/')[0]}")

    async def start(self, name: str) -> None:
        """Starts a part that does not run, and returns when it is ready."""
        watched = self._of(name)
        async with watched.lock:
            watched.wanted = True
            if watched.process is None or watched.process.returncode is not None:
                await self._launch(watched)

    async def stop(self, name: str) -> None:
        """Lets a part end in good order; it stays down until `start`."""
        watched = self._of(name)
        watched.wanted = False
        async with watched.lock:
            watched.up.clear()
            process, watched.process = watched.process, None
            if process is not None:
                await process.stop(watched.part.stop_signal)

    async def kill(self, name: str, *, for_good: bool = False) -> None:
        """Kills a part as a crash would; with `restart` it comes back by itself, otherwise, or `for_good`, it stays down until `start`."""
        watched = self._of(name)
        watched.up.clear()
        process = watched.process
        if for_good or (watched.vital and not self._restart):
            watched.wanted = False
            watched.process = None
        if process is not None:
            await process.kill()

    async def restart(self, name: str) -> None:
        """Stops a part in good order and starts it again."""
        await self.stop(name)
        await self.start(name)

    async def ready(self, name: str) -> None:
        """Waits until a part that is being started again is ready."""
        await self._of(name).up.wait()

    def pid(self, name: str) -> int | None:
        """The process id of a part, None when it is down."""
        process = self._of(name).process
        return process.pid if process is not None and process.returncode is None else None

    def kill_everything(self) -> None:
        """Ends all processes at once, in no order, for whoever presses Ctrl-C a second time."""
        self.stopping = True
        self._processes.kill_all()

    def _of(self, name: str) -> _Watched:
        if name not in self._watched:
            raise KeyError(f"{name} is not run by this supervisor")
        return self._watched[name]

    async def _start_servers(self) -> None:
        data = self.settings.data_folder
        # Servers of a killed predecessor give their ports back only when they have ended.
        await _in_parallel(
            [postgres.wait_for_leftover(data / "postgres"), nats.wait_for_leftover(data / "nats")]
        )
        for attempt in range(3):
            self._reservations.close()
            self.ports = choose(self._usual_ports(), self.settings.ports, self._reservations.take)
            try:
                await _in_parallel([self._start_postgres(), self._start_nats()])
                break
            except CannotStart as refusal:
                # Somebody may have been faster since we looked; a port that was named is refused by `choose`.
                if refusal.code != "port_taken" or attempt == 2:
                    raise
                await self._stop_servers()
        self._say(f"PostgreSQL at {self.postgres.host}:{self.postgres.port}")
        self._say(f"NATS at {nats.host_and_port(self.nats.url)}")

    def _usual_ports(self) -> dict[str, int]:
        usual = {service.name: service.port for service in self._services} | self._other_ports
        if self.settings.database_url is None:
            usual["postgres"] = 15432
        if self.settings.nats_url is None:
            usual |= {"nats": 14222, "nats_monitor": 18222}
        return usual

    async def _start_postgres(self) -> None:
        if self.settings.database_url is not None:
            self._postgres = PostgresAddress.from_url(self.settings.database_url.get_secret_value())
            await check_server(self._postgres)
            return
        server = EmbeddedPostgres(
            self.settings.data_folder / "postgres",
            password=self.secrets.password("postgres_admin"),
            port=self.ports["postgres"],
            processes=self._processes,
            binaries=postgres.find_binaries(self.settings.pg_bin),
        )
        self._postgres = server.address
        self._watched[server.name] = _Watched(server)
        await self.start(server.name)

    async def _start_nats(self) -> None:
        table = nats.all_permissions(self._services)
        passwords = {user: self.secrets.password(f"nats_{user}") for user in table}
        if self.settings.nats_url is not None:
            # An address that carries a login is one for everybody; otherwise the broker knows our users.
            one_login = "@" in self.settings.nats_url
            self._nats = NatsAddress(self.settings.nats_url, {} if one_login else passwords)
            await nats.check_server(self._nats.url)
            return
        server = EmbeddedNats(
            self.settings.data_folder / "nats",
            passwords=passwords,
            port=self.ports["nats"],
            monitor_port=self.ports["nats_monitor"],
            processes=self._processes,
            table=table,
        )
        self._nats = server.address
        self._watched[server.name] = _Watched(server)
        await self.start(server.name)

    async def _launch(self, watched: _Watched) -> None:
        watched.process = await watched.part.start()
        watched.up.set()
        watched.watcher = asyncio.create_task(
            self._watch(watched, watched.process), name=f"watcher of {watched.part.name}"
        )

    async def _watch(self, watched: _Watched, process: Process | None) -> None:
        loop = asyncio.get_running_loop()
        tries = 0
        while process is not None:
            started = loop.time()
            code = await process.wait()
            if loop.time() - started > STEADY_SECONDS:
                tries = 0
            if not self._should_run(watched, process):
                return
            watched.up.clear()
            ended = Ended(watched.part.name, code, process.tail())
            if watched.vital and not self._restart:
                if not self.failure.done():
                    self.failure.set_result(ended)
                return
            self._say(f"{ended}; it is started again")
            process, tries = await self._revive(watched, process, tries)

    async def _revive(self, watched: _Watched, dead: Process, tries: int) -> tuple[Process | None, int]:
        while True:
            await asyncio.sleep(BACK_OFF[min(tries, len(BACK_OFF) - 1)])
            tries += 1
            async with watched.lock:
                if not self._should_run(watched, dead):
                    return None, tries
                try:
                    watched.process = await watched.part.start()
                except (CannotStart, Ended) as error:
                    self._say(f"{error}; it is tried again")
                    continue
                watched.up.set()
                return watched.process, tries

    def _should_run(self, watched: _Watched, process: Process) -> bool:
        # Whoever stopped or replaced the process has taken it out first.
        return watched.wanted and watched.process is process and not self.stopping

    async def _stop_everything(self) -> None:
        self.stopping = True
        try:
            watchers = [watched.watcher for watched in self._watched.values() if watched.watcher is not None]
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
            # The database last: services finish what they are doing, the broker has nobody left to serve.
            await asyncio.gather(*(self.stop(name) for name in self._children))
            await self._stop_servers()
        finally:
            self._processes.kill_all()
            self._open.close()

    async def _stop_servers(self) -> None:
        for name in SERVERS:
            if name in self._watched:
                await self.stop(name)


def _known(value: T | None) -> T:
    if value is None:
        raise RuntimeError("known only while the system runs")
    return value


async def _in_parallel(coroutines: Iterable[Coroutine[object, object, None]]) -> None:
    # The first failure ends the others and is raised as it is, not wrapped in a group.
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
