"""Per service, the events that others may rely on; fields are only ever added."""

from shared.contracts import counselling, reintegration, returns
from shared.messages import Event

BY_SERVICE: dict[str, tuple[type[Event], ...]] = {
    "counselling": counselling.EVENTS,
    "returns": returns.EVENTS,
    "reintegration": reintegration.EVENTS,
}

__all__ = ["BY_SERVICE", "counselling", "reintegration", "returns"]
