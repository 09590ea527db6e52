"""A NATS server of our own: who may publish and read what, and the configuration that says so."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops.ports import LOOPBACK
from ops.process import (
    KEPT_LINES,
    Process,
    Processes,
    inherited_environment,
    refused_by_system,
    wait_until_gone,
)
from ops.readiness import http_status
from ops.settings import CannotStart
from shared.topology import BY_NAME, LOGS, Service, durable

PROVISION = "provision"
OPERATOR = "operator"
OLDEST_VERSION = (2, 12)
READY_SECONDS = 60.0
MAX_PAYLOAD = 65536
PID_FILE = "nats.pid"


@dataclass(frozen=True, slots=True)
class Permissions:
    """The subjects one user may publish to and subscribe to; everything else is refused."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def inbox(user: str) -> str:
    """The prefix under which a user gets its answers; clients must be told, or they hear nothing."""
    return f"_INBOX_{user}"


def permissions(service: Service) -> Permissions:
    """What one service needs: its own subjects and stream, and the next message of those it follows."""
    publish = [
        service.subjects,
        service.head,
        f"$JS.API.STREAM.INFO.{service.stream}",
        f"$JS.API.STREAM.MSG.GET.{service.stream}",
    ]
    for source in (BY_NAME[name] for name in service.follows):
        consumer = f"{source.stream}.{durable(service, source)}"
        publish += [
            f"$JS.API.CONSUMER.INFO.{consumer}",
            f"$JS.API.CONSUMER.MSG.NEXT.{consumer}",
            # Servers put domain and account into the subject, older ones don't.
            f"$JS.ACK.{consumer}.>",
            f"$JS.ACK.*.*.{consumer}.>",
        ]
    heads = (BY_NAME[name].head for name in service.follows)
    return Permissions(tuple(publish), (f"{inbox(service.name)}.>", *heads))


def provision_permissions() -> Permissions:
    """What the keeper of streams and consumers needs: their definitions, never an event."""
    return Permissions(
        (
            "$JS.API.STREAM.CREATE.*",
            "$JS.API.STREAM.UPDATE.*",
            "$JS.API.STREAM.INFO.*",
            "$JS.API.STREAM.DELETE.*",
            "$JS.API.STREAM.NAMES",
            "$JS.API.CONSUMER.CREATE.>",
            "$JS.API.CONSUMER.DURABLE.CREATE.>",
            "$JS.API.CONSUMER.INFO.>",
            "$JS.API.CONSUMER.DELETE.>",
            "$JS.API.CONSUMER.NAMES.*",
        ),
        (f"{inbox(PROVISION)}.>",),
    )


def operator_permissions(services: Iterable[Service] = LOGS) -> Permissions:
    """What the commands need by which people look at streams and repair them: to read what is stored, and to make the streams
    of the logs and their durables anew. They publish no event, take none from a follower, and reach no stream besides.
    """
    known = {service.name: service for service in services}
    publish: list[str] = []
    for source in known.values():
        publish += [f"$JS.API.STREAM.{act}.{source.stream}" for act in ("INFO", "MSG.GET", "CREATE", "UPDATE", "DELETE")]
        durables = [durable(follower, source) for follower in known.values() if source.name in follower.follows]
        publish += [f"$JS.API.CONSUMER.{act}.{source.stream}.{one}" for one in durables for act in ("INFO", "CREATE", "DELETE")]
    return Permissions(tuple(publish), (f"{inbox(OPERATOR)}.>",))


def all_permissions(services: Iterable[Service] = LOGS) -> dict[str, Permissions]:
    """The whole table, user by user."""
    known = tuple(services)
    table = {service.name: permissions(service) for service in known}
    table[PROVISION] = provision_permissions()
    table[OPERATOR] = operator_permissions(known)
    return table


def configuration(
    *,
    port: int,
    monitor_port: int,
    store: Path,
    pid_file: Path,
    passwords: Mapping[str, str],
    table: Mapping[str, Permissions],
) -> dict[str, object]:
    """The server's configuration, which may be written as JSON; every user of the table needs a password."""
    users = [
        {
            "user": name,
            "password": passwords[name],
            "permissions": {
                "publish": {"allow": list(allowed.publish)},
                "subscribe": {"allow": list(allowed.subscribe)},
            },
        }
        for name, allowed in table.items()
    ]
    return {
        "server_name": "avrr",
        "listen": f"{LOOPBACK}:{port}",
        "http": f"{LOOPBACK}:{monitor_port}",
        "pid_file": str(pid_file),
        "max_payload": MAX_PAYLOAD,
        "max_connections": 200,
        "ping_interval": "20s",
        "ping_max": 2,
        "write_deadline": "5s",
        # The default forgets two minutes of acknowledged messages when the power fails.
        "jetstream": {"store_dir": str(store), "sync_interval": "always"},
        "accounts": {"SYS": {}, "AVRR": {"jetstream": "enabled", "users": users}},
        "system_account": "SYS",
    }


@dataclass(frozen=True, slots=True)
class NatsAddress:
    """Where the broker is reached, and the password of each user; passwords are not shown when printed."""

    url: str
    passwords: Mapping[str, str] = field(repr=False)
    monitor_url: str | None = None


def find_server() -> Path:
    """The `nats-server` of the wheel in this environment, or one on the path that is new enough."""
    own = Path(sysconfig.get_path("scripts")) / "nats-server"
    if os.access(own, os.X_OK):
        return own
    found = shutil.which("nats-server")
    if found is None:
        raise CannotStart(
            "no_nats",
            "no nats-server found; install avrr with its demo extra, or name a server in AVRR_NATS_URL",
        )
    answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False, timeout=30)
    version = re.search(r"v(\d+)\.(\d+)", answer.stdout + answer.stderr)
    if version is None or (int(version[1]), int(version[2])) < OLDEST_VERSION:
        raise CannotStart("nats_too_old", f"nats-server 2.12 or newer is needed; {found} is older")
    return Path(found)


class EmbeddedNats:
    """One NATS server with JetStream in `folder`; `start` may be called again after its process has ended."""

    name = "nats"
    stop_signal = signal.SIGTERM

    def __init__(
        self,
        folder: Path,
        *,
        passwords: Mapping[str, str],
        port: int,
        monitor_port: int,
        processes: Processes,
        table: Mapping[str, Permissions] | None = None,
        server: Path | None = None,
    ) -> None:
        self.folder = folder
        self.address = NatsAddress(
            f"nats://{LOOPBACK}:{port}", passwords, f"http://{LOOPBACK}:{monitor_port}"
        )
        self._port = port
        self._monitor_port = monitor_port
        self._processes = processes
        self._table = table if table is not None else all_permissions()
        self._server = server or find_server()
        self._pid_file = folder / PID_FILE

    async def start(self) -> Process:
        """Writes the configuration, starts the server and returns when JetStream is healthy."""
        await wait_for_leftover(self.folder)
        try:
            file = self._write_configuration()
        except OSError as error:
            raise refused_by_system(error, "the broker's folder can't be written") from error
        process = await self._processes.spawn(
            self.name,
            [str(self._server), "-c", str(file)],
            inherited_environment(),
            death_signal=signal.SIGTERM,
        )
        try:
            await self._healthy(process)
        except BaseException:
            await process.kill()
            raise
        return process

    def _write_configuration(self) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self.folder / "nats.conf"
        content = configuration(
            port=self._port,
            monitor_port=self._monitor_port,
            store=self.folder / "store",
            pid_file=self._pid_file,
            passwords=self.address.passwords,
            table=self._table,
        )
        unfinished = self.folder / "nats.conf.unfinished"
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as target:
            json.dump(content, target, indent=2)
        unfinished.replace(file)
        return file

    async def _healthy(self, process: Process) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + READY_SECONDS
        while process.returncode is None:
            if await http_status(f"{self.address.monitor_url}/healthz") == 200:
                return
            if loop.time() > until:
                raise CannotStart("nats_slow", f"the broker was not healthy after {READY_SECONDS:.0f} s")
            await asyncio.sleep(0.02)
        text = "\n".join(process.tail(KEPT_LINES))
        if "address already in use" in text:
            raise CannotStart(
                "port_taken", f"the broker did not start: port {self._port} or {self._monitor_port} is taken"
            )
        if "no space left" in text:
            raise CannotStart("disk_full", "the broker did not start: no space left on the disk")
        telling = [line for line in text.splitlines() if "[FTL]" in line or "nats-server:" in line]
        raise CannotStart(
            "nats_failed", f"the broker did not start: {telling[-1] if telling else 'no reason given'}"
        )


async def wait_for_leftover(folder: Path) -> None:
    """Waits for the server that an earlier, killed supervisor left: two on one store would ruin it."""
    try:
        pid = int((folder / PID_FILE).read_text())
    except (OSError, ValueError):
        return
    if not await wait_until_gone(pid, "nats-server", 20):
        raise CannotStart("nats_running", f"a nats-server (process {pid}) still uses {folder}")


def host_and_port(url: str) -> str:
    """The first server of a NATS URL without login and scheme, `host:port`."""
    place = re.sub(r"^\w+://", "", url.split(",", 1)[0]).rpartition("@")[2].rstrip("/")
    return place if re.search(r":\d+$", place) else f"{place}:4222"


async def check_server(url: str) -> None:
    """Makes sure that a broker somebody else runs greets us; `CannotStart` when not."""
    place = host_and_port(url)
    host, _, port = place.rpartition(":")
    greeting = b""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            greeting = await reader.readline()
            writer.close()
            await writer.wait_closed()
    if not greeting.startswith(b"INFO "):
        raise CannotStart("nats_unreachable", f"no NATS server answers at {place} (AVRR_NATS_URL)")
