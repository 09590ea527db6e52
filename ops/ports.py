"""Which TCP ports the parts of one system listen on: the usual ones, or free ones when those are taken."""

import socket
import sys
from collections.abc import Callable, Collection, Mapping

from ops.settings import HIGHEST_PORT, CannotStart

LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        # Servers set it too: connections of an earlier run that are still closing don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


class Reservations:
    """Ports of one system, which other starts of avrr on this machine leave alone until `close`.

    Between the choice of a port and the start of the server that uses it lies a second or two. The reservation is
    a name in the kernel, not a file: it goes with the process. Other systems than Linux lack such names.
    """

    def __init__(self) -> None:
        self._names: list[socket.socket] = []

    def take(self, port: int) -> bool:
        """Reserves a port that is free and not reserved; false when it is not to be had."""
        if not is_free(port):
            return False
        if sys.platform == "linux":
            name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                name.bind(f"\0avrr-port-{port}")
            except OSError:
                name.close()
                return False
            self._names.append(name)
        return True

    def close(self) -> None:
        """Gives all of them up."""
        while self._names:
            self._names.pop().close()


def next_free(port: int, taken: Collection[int] = (), take: Callable[[int], bool] = is_free) -> int:
    """The first free port from `port` up, below those the kernel gives away; `CannotStart` if none."""
    for candidate in range(port, HIGHEST_PORT + 1):
        if candidate not in taken and take(candidate):
            return candidate
    raise CannotStart("port_taken", f"no free port between {port} and {HIGHEST_PORT}")


def choose(
    usual: Mapping[str, int], wanted: Mapping[str, int], take: Callable[[int], bool] = is_free
) -> dict[str, int]:
    """A port for each name: as `wanted` says or `CannotStart`, otherwise the usual or the next free one."""
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        if name in usual:
            if port in chosen.values() or not take(port):
                raise CannotStart(
                    "port_taken", f"port {port} for {name} is taken; name another in AVRR_PORTS"
                )
            chosen[name] = port
    # A port that is somebody's usual one is not given to another as a replacement.
    reserved = set(usual.values()) | set(chosen.values())
    for name, port in usual.items():
        if name not in chosen:
            chosen[name] = next_free(port, (reserved - {port}) | set(chosen.values()), take)
    return chosen
