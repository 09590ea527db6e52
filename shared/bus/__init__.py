"""The only part of the services that speaks NATS."""

from shared.bus.connection import Bus, Heard, StreamState
from shared.bus.faults import ACK_WAIT, BusDown, BusFault, BusRefused, SequenceTaken, StreamMissing, Unbound
from shared.bus.pull import Deliveries, Delivery

__all__ = [
    "ACK_WAIT", "Bus", "BusDown", "BusFault", "BusRefused", "Deliveries", "Delivery", "Heard", "SequenceTaken", "StreamMissing",
    "StreamState", "Unbound",
]  # fmt: skip
