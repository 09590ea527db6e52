"""What can stand between us and the broker, and how long we wait for it."""

import contextlib
from collections.abc import Iterator

import nats.errors

ACK_WAIT = 5.0
"""Seconds after which the broker delivers again what was not acknowledged."""

REQUEST_SECONDS = 2.0
RECONNECT_SECONDS = 0.5
HEARTBEAT_SECONDS = 1.0
NANOSECONDS = 1_000_000_000


class BusFault(Exception):
    """Something stands between us and the broker; nothing of it is the message's fault."""


class BusDown(BusFault):
    """The broker can't be reached, or gave no answer in time; what was asked may have been done or not."""


class BusRefused(BusFault):
    """The broker answered with an error; ``code`` is JetStream's own number for it."""

    def __init__(self, code: int) -> None:
        super().__init__(f"refused by the broker with {code}")
        self.code = code


class StreamMissing(BusFault):
    """There is no such stream now; it is made again by the provisioning beside us."""


class SequenceTaken(BusFault):
    """The stream's end is not where the message belongs: it is stored already, or somebody else has written."""


class Unbound(BusFault):
    """The broker ended our standing request, or fell silent."""


class NoResponders(BusFault):
    """Nobody listens to the subject of a request."""


@contextlib.contextmanager
def faults() -> Iterator[None]:
    """Turns what nats-py raises inside the block into our own faults."""
    try:
        yield
    except nats.errors.NoRespondersError:
        raise NoResponders from None
    except (nats.errors.Error, OSError, TimeoutError):
        raise BusDown from None
