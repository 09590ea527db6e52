"""Figures of the database: told to whoever scrapes, read no more often than it needs, and no reason to fail."""

from importlib import import_module
from uuid import UUID

import pytest

from shared.db import Scope, Sql, Write
from shared.ids import uuid7
from shared.metrics import Answered
from shared.sampling import KERNEL, SAMPLE_SECONDS, Measure, Sampled
from shared.topology import LOGS, Service
from shared.wiring import Wiring
from tests.given import NOON
from tests.integration.conftest import MakeDatabase, ServiceDatabase

_SET_ASIDE = Sql(
    "INSERT INTO dead_letter (source, idx, partitionkey, leaf, reason) VALUES ('returns', :idx, :key, '', 'invented')"
)
_FOLLOWED = Sql("INSERT INTO cursor (source, last_idx, stopped) VALUES (:source, :last_idx, :stopped)")


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def figure(metrics: Answered, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def values() -> dict[str, object]:
    return {"now": NOON, "zone": "Europe/Sarajevo", "heads": '{"returns": 12}'}


async def set_aside(database: ServiceDatabase, idx: int, key: UUID) -> None:
    async with database.worker.unit_of_work(Scope("service:test")) as unit:
        unit.write(Write(_SET_ASIDE, {"idx": idx, "key": key}))


@pytest.mark.parametrize("service", LOGS, ids=lambda service: service.name)
async def test_every_measure_of_a_service_is_read_by_the_login_that_reads_all_and_changes_nothing(make_database: MakeDatabase, service: Service) -> None:
    name = service.name
    wiring: Wiring = import_module(f"services.{name}.wiring").WIRING
    database, metrics = await make_database(name), Answered()
    await Sampled(KERNEL, database.worker, metrics, values).refresh()
    await Sampled(wiring.measures, database.verify, metrics, values, login="verify").refresh()
    assert figure(metrics, "avrr_log_size") == 0
    for measure in wiring.measures:
        for gauge, _ in measure.gauges.values():
            assert gauge in {family.name for family in metrics.registry.collect()}


async def test_what_was_set_aside_and_how_far_others_are_followed_is_told(make_database: MakeDatabase) -> None:
    database, metrics, key = await make_database("counselling"), Answered(), uuid7()
    for idx, about in ((3, key), (5, key), (7, uuid7())):
        await set_aside(database, idx, about)
    async with database.worker.unit_of_work(Scope("service:test")) as unit:
        for source, last_idx, stopped in (("returns", 8, None), ("reintegration", 4, "gap")):
            unit.write(Write(_FOLLOWED, {"source": source, "last_idx": last_idx, "stopped": stopped}))
    await Sampled(KERNEL, database.worker, metrics, values).refresh()
    assert (figure(metrics, "avrr_dead_letters"), figure(metrics, "avrr_parked_keys")) == (3, 2)
    assert (figure(metrics, "avrr_dead_letter_age_seconds") or 0) > 0
    assert (figure(metrics, "avrr_cursor", source="returns"), figure(metrics, "avrr_cursor_lag_events", source="returns")) == (8, 3)
    assert figure(metrics, "avrr_cursor_lag_events", source="reintegration") == 0
    assert [figure(metrics, "avrr_cursor_stopped", source=source) for source in ("returns", "reintegration")] == [0, 1]


async def test_whoever_scrapes_often_is_told_the_same_until_it_is_time(make_database: MakeDatabase) -> None:
    database, metrics, hand = await make_database("counselling"), Answered(), Hand()
    sampled = Sampled(KERNEL, database.worker, metrics, values, hand)
    await sampled.refresh()
    asked = database.worker.counts.statements
    await set_aside(database, 1, uuid7())
    own = database.worker.counts.statements
    assert own > asked
    hand.seconds = SAMPLE_SECONDS - 1
    await sampled.refresh()
    assert (database.worker.counts.statements, figure(metrics, "avrr_dead_letters")) == (own, 0)
    hand.seconds = SAMPLE_SECONDS
    await sampled.refresh()
    assert figure(metrics, "avrr_dead_letters") == 1


async def test_what_waits_no_more_is_told_no_more(make_database: MakeDatabase) -> None:
    database, metrics, hand = await make_database("counselling"), Answered(), Hand()
    waiting = Measure(
        Sql("SELECT reason AS queue, count(*) AS items FROM dead_letter GROUP BY reason"),
        {"items": ("avrr_queue_items", "invented")}, ("queue",),
    )  # fmt: skip
    sampled = Sampled((waiting,), database.worker, metrics, values, hand)
    await set_aside(database, 1, uuid7())
    await sampled.refresh()
    assert figure(metrics, "avrr_queue_items", queue="invented") == 1
    async with database.worker.unit_of_work(Scope("service:test")) as unit:
        unit.write(Write(Sql("DELETE FROM dead_letter"), {}))
    hand.seconds += SAMPLE_SECONDS
    await sampled.refresh()
    assert figure(metrics, "avrr_queue_items", queue="invented") is None


async def test_a_scrape_is_answered_while_the_database_is_away_and_tells_how_old_its_figures_are(make_database: MakeDatabase) -> None:
    database, metrics, hand = await make_database("counselling"), Answered(), Hand()
    sampled = Sampled(KERNEL, database.worker, metrics, values, hand)
    await sampled.refresh()
    await database.worker.close()
    hand.seconds = 40.0
    await sampled.refresh()
    assert (figure(metrics, "avrr_log_size"), figure(metrics, "avrr_sample_age_seconds", login="worker")) == (0, 40)
