"""Per service, the events that others may rely on, and those of access that every service has; fields are only added."""

from shared.contracts import access, audit, counselling, reintegration, restores, returns
from shared.messages import Event

BY_SERVICE: dict[str, tuple[type[Event], ...]] = {
    "counselling": counselling.EVENTS,
    "returns": returns.EVENTS,
    "reintegration": reintegration.EVENTS,
    "audit": audit.EVENTS,
}

# What means the same wherever it happens.
OF_EVERY_SERVICE: tuple[type[Event], ...] = (*access.EVENTS, *restores.EVENTS)

__all__ = ["BY_SERVICE", "OF_EVERY_SERVICE", "access", "audit", "counselling", "reintegration", "restores", "returns"]
