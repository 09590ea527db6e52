"""Who answers and who works as processes of their own, behind a network that can be cut, by a clock that can be set."""

import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ops.children import Child
from ops.settings import PROJECT
from ops.supervisor import Running
from ops.system import service_child
from shared.topology import SERVICES
from tests.chaos.machine_clock import MachineClock
from tests.chaos.network import Network
from tests.hurry import HURRIED

# Nobody here looks at a page, and nobody reads mails.
NOT_NEEDED: Final = frozenset({"portal", "alarms"})


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Apart:
    """How a system's processes are started so that each can be broken alone.

    ``planted`` names for a part the fault that is in it (`tests.chaos.planted`), what is in ``without`` is not started, and
    ``together`` a service answers and works in one process.
    """

    network: Network
    clock: MachineClock
    planted: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = NOT_NEEDED
    together: bool = False
    workers: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What every service is told besides: it reaches the broker through the network."""
        return {"AVRR_NATS_URL": self.network.url}

    def recast(self, running: Running, children: Sequence[Child]) -> Sequence[Child]:
        """The processes of a system with its services apart, but for those that only work."""
        self.network.leads_to(running.nats.url)
        needed = [child for child in children if child.name not in self.without]
        if self.together:
            return [self._tried(child) for child in needed]
        names = {service.name for service in SERVICES}
        others = [child for child in needed if child.name not in names]
        answer = [service_child(running, service, "replay", role="api", environment=self._told) for service in SERVICES]
        return [self._tried(child) for child in (*others, *answer)]

    async def add_workers(self, running: Running) -> None:
        """The others, which need the keys that those who answer have begun."""
        children = []
        for service in () if self.together else SERVICES:
            port = free_port()
            self.workers[service.name] = f"http://127.0.0.1:{port}"
            children.append(service_child(running, service, "replay", role="worker", port=port, environment=self._told))
        await running.add(*map(self._tried, children))

    @property
    def _told(self) -> dict[str, str]:
        return {**HURRIED, **self.environment}

    def _tried(self, child: Child) -> Child:
        python, option, *module = child.argv
        assert (python, option) == (sys.executable, "-m")
        told = {"PYTHONPATH": str(PROJECT), "CHAOS_CLOCK": str(self.clock.path), "CHAOS_PLANTED": self.planted.get(child.name, "")}
        return replace(child, argv=(python, "-m", "tests.chaos.tried", *module), env={**child.env, **told})
