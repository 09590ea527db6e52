"""The figures of one process, under names that alert rules know."""

import math
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# How many codes of refusals are told apart; all codes are ours, and there are fewer.
MOST_CODES: Final = 400
_OTHER: Final = "other"
# The error that is nobody's but ours, and what is answered to whoever has no right to ask, or tries what there may be.
OUR_ERROR: Final = "internal_error"
TURNED_AWAY: Final = frozenset({"not_permitted", "not_found", "not_authenticated"})
LATELY_SECONDS: Final = 600
_PIECE_SECONDS: Final = 15
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


class Lately:
    """How often something happened within the last ten minutes, by a clock that only goes on; kept in pieces of fifteen seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._pieces: dict[int, int] = {}

    def happened(self) -> None:
        """It happened once more."""
        piece = self._oldest_gone()
        self._pieces[piece] = self._pieces.get(piece, 0) + 1

    def times(self) -> float:
        """How often that was."""
        self._oldest_gone()
        return float(sum(self._pieces.values()))

    def _oldest_gone(self) -> int:
        piece = int(self._now() // _PIECE_SECONDS)
        self._pieces = {at: times for at, times in self._pieces.items() if at > piece - LATELY_SECONDS // _PIECE_SECONDS}
        return piece


class Answered:
    """What a process answered, how long that took, and which refusals were among it; labels are names of ours alone.

    ``now`` is a clock that only goes on, by which the last ten minutes are counted.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
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
        self._errors, self._turned_away = Lately(now), Lately(now)
        # Counted here, so that who sends mails needs no memory of its own (docs/decisions/0151).
        self.told({
            "avrr_internal_errors_lately": ("answers with an error of our own within ten minutes", self._errors.times),
            "avrr_turned_away_lately": ("refusals within ten minutes of who has no right, or asks for what is not there", self._turned_away.times),
        })  # fmt: skip

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """Counts one answer; status 0 is a request that got none."""
        self.requests.labels(operation, str(status)).inc()
        self.seconds.labels(operation).observe(seconds)

    def refused(self, code: str) -> None:
        """Counts one refusal by its stable code."""
        if code == OUR_ERROR:
            self._errors.happened()
        elif code in TURNED_AWAY:
            self._turned_away.happened()
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

    def __init__(self, service: str, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(now)
        self.statements = Gauge("avrr_sql_statements", "statements sent", ["login"], registry=self.registry)
        self.transactions = Gauge("avrr_transactions", "transactions begun", ["login"], registry=self.registry)
        self.program_reads = Counter(
            "avrr_log_program_reads", "times that the archive's program was told of the log", registry=self.registry
        )
        self.service = service
