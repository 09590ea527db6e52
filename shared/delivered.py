"""What a delivery of a followed log brings, read as the event that it is."""

from dataclasses import dataclass
from typing import Self

from pydantic import ValidationError

from shared.bus import Delivery
from shared.messages import Envelope
from shared.tlog.tree import leaf_hash


@dataclass(frozen=True, slots=True)
class Delivered:
    """One event in its place in its source's log; ``again`` is whether it was delivered before."""

    idx: int
    envelope: Envelope
    leaf: bytes
    hash: bytes
    again: bool

    @classmethod
    def of(cls, delivery: Delivery) -> Self | None:
        """The event of a delivery, or None where that is none."""
        try:
            envelope = Envelope.model_validate_json(delivery.data)
        except ValidationError:
            return None
        return cls(delivery.sequence - 1, envelope, delivery.data, leaf_hash(delivery.data), delivery.num_delivered > 1)
