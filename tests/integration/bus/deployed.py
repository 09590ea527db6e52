"""The broker as it is deployed: its very configuration, by TLS and nkeys, on a port of its own."""

import contextlib
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from ops.bus_keys import CA_FILE, CERTIFICATE_FILE, KEY_FILE, SEED_FILE, SERVER
from ops.embedded.nats import find_server
from ops.embedded.nats_conf import KEYS, MONITOR_PORT, PORT
from ops.ports import Reservations, next_free
from ops.settings import PROJECT
from shared.bus_settings import BusKeys

CONFIGURATION = PROJECT / "deploy" / "nats" / "nats.conf"


@dataclass(frozen=True)
class Broker:
    """A running broker, and the folder with everybody's keys."""

    port: int
    keys: Path

    @property
    def url(self) -> str:
        return f"tls://localhost:{self.port}"

    def of(self, user: str) -> BusKeys:
        folder = self.keys / user
        return BusKeys(folder / CA_FILE, folder / CERTIFICATE_FILE, folder / KEY_FILE, folder / SEED_FILE)


@contextlib.contextmanager
def deployed_broker(folder: Path, keys: Path) -> Iterator[Broker]:
    """The broker by its very configuration, with the keys that `ops.bus_keys` made, on ports and a disk of its own."""
    reservations = Reservations()
    port = next_free(18_600, take=reservations.take)
    monitor = next_free(port + 1, take=reservations.take)
    place = folder / KEYS.name
    shutil.copytree(keys / SERVER, place)
    text = CONFIGURATION.read_text().replace(f"{KEYS}/", f"{place}/").replace('"/data"', f'"{folder / "data"}"')
    text = text.replace(f"0.0.0.0:{PORT}", f"127.0.0.1:{port}").replace(f"127.0.0.1:{MONITOR_PORT}", f"127.0.0.1:{monitor}")
    file = folder / CONFIGURATION.name
    file.write_text(text)
    with (folder / "log").open("wb") as log, subprocess.Popen([find_server(), "-c", file], stdout=log, stderr=log) as process:
        try:
            for _ in range(300):
                with contextlib.suppress(URLError, ConnectionError), urllib.request.urlopen(f"http://127.0.0.1:{monitor}/healthz"):
                    break
                assert process.poll() is None, (folder / "log").read_text()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.1)
            yield Broker(port, keys)
        finally:
            process.terminate()
            reservations.close()
