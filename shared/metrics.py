"""The figures of one process, under names that alert rules know."""

import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# How many codes of refusals are told apart; all codes are ours, and there are fewer.
MOST_CODES: Final = 400
_OTHER: Final = "other"
FREE_BYTES: Final = "avrr_disk_free_bytes"
FREE_SHARE: Final = "avrr_disk_free_share"


def room_on(folder: Path) -> tuple[float, float]:
    """How many bytes are free on the disk of a folder, and which share of it that is; both NaN where nobody can tell."""
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return math.nan, math.nan
    # Of what anybody may use: some of a disk is often held back.
    usable = found.used + found.free
    return found.free, found.free / usable if usable else math.nan


class Answered:
    """What a process answered, how long that took, and which refusals were among it; labels are names of ours alone."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "avrr_requests", "answered requests", ["operation", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "avrr_request_seconds", "time to answer", ["operation"], registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self._refusals = Counter("avrr_refusals", "answers that are problems", ["code"], registry=self.registry)
        self._codes: set[str] = set()
        self._gauges: dict[str, Gauge] = {}

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """Counts one answer; status 0 is a request that got none."""
        self.requests.labels(operation, str(status)).inc()
        self.seconds.labels(operation).observe(seconds)

    def refused(self, code: str) -> None:
        """Counts one refusal by its stable code."""
        if code not in self._codes and len(self._codes) >= MOST_CODES:
            code = _OTHER
        self._codes.add(code)
        self._refusals.labels(code).inc()

    def told(self, figures: Mapping[str, tuple[str, Callable[[], float]]], **labels: str) -> None:
        """Gauges that are asked for their value at each scrape, by name; the same name again with other labels is one gauge."""
        for name, (said, figure) in figures.items():
            gauge = self.gauge(name, said, tuple(labels))
            (gauge.labels(**labels) if labels else gauge).set_function(figure)

    def room(self, disk: str, folder: Path) -> None:
        """Tells how much room is left where a folder is, looked at anew at each scrape."""
        self.told({
            FREE_BYTES: ("bytes that are free on a disk", lambda: room_on(folder)[0]),
            FREE_SHARE: ("which share of a disk is free", lambda: room_on(folder)[1]),
        }, disk=disk)  # fmt: skip

    def gauge(self, name: str, said: str, labels: tuple[str, ...] = ()) -> Gauge:
        """The gauge of this name, made when it is first asked for."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, said, labels, registry=self.registry)
        return self._gauges[name]


class Metrics(Answered):
    """The figures of one process of a service."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.statements = Gauge("avrr_sql_statements", "statements sent", ["login"], registry=self.registry)
        self.transactions = Gauge("avrr_transactions", "transactions begun", ["login"], registry=self.registry)
        self.program_reads = Counter(
            "avrr_log_program_reads", "times that the archive's program was told of the log", registry=self.registry
        )
        self.service = service
