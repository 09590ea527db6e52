"""Figures that only the database knows: read a few times a minute by cheap statements, never once more for each scrape."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from shared.db import Database, Scope, Sql
from shared.metrics import Answered

# Whoever scrapes more often is told the same figures again.
SAMPLE_SECONDS: Final = 15.0
# A scrape waits no longer for the database than this, in seconds; what it then lacks it has next time.
_PATIENCE: Final = 3.0

log = structlog.get_logger("sampling")


@dataclass(frozen=True, slots=True)
class Measure:
    """One statement and the gauges that its columns are.

    It answers a row for each set of labels, of which there are few and none is anything that somebody typed; ``gauges``
    are the columns with the name and the description of each. It may ask for ``:now`` (UTC), ``:zone`` (the mission's) and
    ``:heads`` (how long each followed log is, as JSON).
    """

    sql: Sql
    gauges: Mapping[str, tuple[str, str]]
    labels: tuple[str, ...] = ()


def queue(rows: str) -> Measure:
    """What waits for somebody: ``rows`` selects ``queue``, ``items`` and ``seconds``, for how long the oldest has waited."""
    return queue_of(Sql(rows))


def queue_of(sql: Sql) -> Measure:
    """The same of a statement that is there already."""
    return Measure(
        sql,
        {
            "items": ("avrr_queue_items", "what waits for somebody"),
            "seconds": ("avrr_queue_age_seconds", "for how long the oldest of it has waited"),
        },
        ("queue",),
    )


KERNEL: Final[tuple[Measure, ...]] = (
    Measure(
        Sql(
            "SELECT (SELECT size FROM log_head) AS size, count(*) AS letters, "
            "count(DISTINCT (source, partitionkey)) AS parked, "
            "coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0) AS oldest FROM dead_letter"
        ),
        {
            "size": ("avrr_log_size", "entries of the log"),
            "letters": ("avrr_dead_letters", "events set aside"),
            "parked": ("avrr_parked_keys", "cases and persons whose events wait behind one that was set aside"),
            "oldest": ("avrr_dead_letter_age_seconds", "for how long the oldest of them has waited"),
        },
    ),
    Measure(
        Sql(
            "SELECT source, last_idx, greatest(coalesce(cast(cast(:heads AS jsonb) ->> source AS bigint), 0) - last_idx - 1, 0) AS lag, "
            "CASE WHEN stopped IS NULL THEN 0 ELSE 1 END AS stopped FROM cursor"
        ),
        {
            "last_idx": ("avrr_cursor", "last index followed"),
            "lag": ("avrr_cursor_lag_events", "entries of another log that are not taken yet, as its relay says its size"),
            "stopped": ("avrr_cursor_stopped", "1 where nothing more of a log is taken"),
        },
        ("source",),
    ),
)


class Sampled:
    """The measures of one process; the figures of before stay where the database does not answer."""

    def __init__(
        self, measures: Sequence[Measure], database: Database, metrics: Answered,
        values: Callable[[], Mapping[str, object]] = dict, elapsed: Callable[[], float] = time.monotonic, login: str = "worker",
    ) -> None:  # fmt: skip
        self._measures = measures
        self._database = database
        self._metrics = metrics
        self._values = values
        self._elapsed = elapsed
        self._began = self._sampled_at = elapsed()
        self._due = self._began
        self._turn = asyncio.Lock()
        metrics.told(
            {"avrr_sample_age_seconds": ("since the figures of the database were last read", lambda: elapsed() - self._sampled_at)},
            login=login,
        )

    async def refresh(self) -> None:
        """Reads every measure again if it is time; returns without a word if that cannot be done now."""
        if self._turn.locked() or self._elapsed() < self._due:
            return
        async with self._turn:
            self._due = self._elapsed() + SAMPLE_SECONDS
            try:
                async with asyncio.timeout(_PATIENCE):
                    found = [(measure, await self._read(measure)) for measure in self._measures]
            except Exception as error:  # noqa: BLE001 -- a scrape is answered also while the database is away
                log.warning("figures_not_read", kind=type(error).__name__)
                return
            self._tell(found)
            self._sampled_at = self._elapsed()

    async def _read(self, measure: Measure) -> list[dict[str, object]]:
        async with self._database.unit_of_work(Scope("health")) as unit:
            return [dict(row) for row in await unit.rows(measure.sql, **self._values())]

    def _tell(self, found: Sequence[tuple[Measure, Sequence[Mapping[str, object]]]]) -> None:
        gauges = {
            name: self._metrics.gauge(name, said, measure.labels)
            for measure, _ in found
            for name, said in measure.gauges.values()
        }
        for name, gauge in gauges.items():
            # What was answered no more is nowhere any more.
            if any(measure.labels for measure, _ in found if name in {one for one, _ in measure.gauges.values()}):
                gauge.clear()
        for measure, rows in found:
            for row in rows:
                labels = {label: str(row[label]) for label in measure.labels}
                for column, (name, _) in measure.gauges.items():
                    gauge = gauges[name]
                    (gauge.labels(**labels) if labels else gauge).set(float(str(row[column])))
