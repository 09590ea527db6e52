"""How old the copies of a system are, as figures of the alarms' own: whoever copies answers nobody."""

import math
from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge

from ops.alarms.rules import Sample
from ops.backup.status import BackupStatus
from ops.settings import CannotStart


class Copies:
    """The age of the copies, read from files; ``status`` answers None where none are made, and then nothing is told."""

    def __init__(self, job: str, registry: CollectorRegistry, status: Callable[[], BackupStatus | None], now: Callable[[], datetime]) -> None:
        self._job = job
        self._status = status
        self._now = now
        self._gauges = (
            Gauge("avrr_backup_age_seconds", "how much work a loss at this moment would cost; NaN without copies", registry=registry),
            Gauge("avrr_backup_base_age_seconds", "since the last base of the copies was taken; NaN without copies", registry=registry),
        )
        for gauge in self._gauges:
            gauge.set(math.nan)

    def told(self) -> list[Sample]:
        """The figures of this moment; what restores nothing, or cannot be read, is infinitely old."""
        try:
            status = self._status()
        except (CannotStart, OSError):
            ages: tuple[float, float] = (math.inf, math.inf)
        else:
            if status is None:
                return []
            wal, base = status.wal_age(self._now()), status.base_age(self._now())
            ages = (math.inf if wal is None else wal, math.inf if base is None else base)
        names = ("avrr_backup_age_seconds", "avrr_backup_base_age_seconds")
        for gauge, age in zip(self._gauges, ages, strict=True):
            gauge.set(age)
        return [Sample(name, {"job": self._job}, age) for name, age in zip(names, ages, strict=True)]
