"""The one source of the domain's time: the real clock, or in the demo's replay the time a request states."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from shared.errors import RuleViolation

REPLAY_HEADER = "avrr-now"


def real_time() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Hands out ``now``. In replay mode a request may state it and a reaction takes its cause's time."""

    mode: Literal["real", "replay"] = "real"
    present: Callable[[], datetime] = real_time

    def for_request(self, stated: str | None) -> datetime:
        """The time of a request; a stated time is refused unless the clock is in replay mode."""
        if stated is None:
            return self.present()
        if self.mode != "replay":
            raise RuleViolation("clock_not_replaying", "This system runs on the real clock.")
        try:
            now = datetime.fromisoformat(stated)
            if now.tzinfo is not None:
                return now.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise RuleViolation("time_unreadable", "Avrr-Now must be an RFC 3339 time with an offset.")

    def for_reaction(self, cause: datetime) -> datetime:
        """The time of a reaction to a fact that was recorded at ``cause``."""
        return cause if self.mode == "replay" else self.present()
