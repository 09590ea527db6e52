"""A service's worker relays and follows while it runs, and tells how far it is."""

import asyncio

from pydantic import SecretStr

from shared.metrics import Metrics
from shared.settings import Settings
from shared.worker import Worker
from tests.integration.bus.house import FOLLOWER, House, until


async def test_a_worker_follows_its_sources_and_tells_how_far(house: House) -> None:
    url = SecretStr(house.follower_url)
    settings = Settings(
        api_database_url=url, worker_database_url=url, nats_url=house.servers.nats.url, nats_user=FOLLOWER.name,
        nats_password=SecretStr(house.servers.nats.passwords[FOLLOWER.name]), oidc_issuer="http://127.0.0.1:1",
    )  # fmt: skip
    worker = Worker(FOLLOWER, settings, house.follower, asyncio.Event(), house.apply)
    metrics = Metrics(FOLLOWER.name)
    worker.measured(metrics)
    # Before the relay begins, or it says first how few there are.
    await house.happen(5)
    async with house.running(house.relay()), worker.running():
        await until(lambda: house.took_effect(5))
        await until(lambda: worker.consumers["counselling"].caught_up is not None)
        await until(lambda: worker.relay.last_ok is not None)
        status = worker.status()
        assert worker.heads()["counselling"] == 5
        told = {
            name: metrics.registry.get_sample_value(name)
            for name in ("avrr_bus_away", "avrr_relay_active", "avrr_relay_alarm", "avrr_relay_lag_events", "avrr_relay_lag_seconds")
        }
        behind = metrics.registry.get_sample_value("avrr_cursor_caught_up_age_seconds", {"source": "counselling"})
    assert told == {
        "avrr_bus_away": 0, "avrr_relay_active": 1, "avrr_relay_alarm": 0, "avrr_relay_lag_events": 0, "avrr_relay_lag_seconds": 0,
    }  # fmt: skip
    assert behind is not None and behind >= 0
    sources = status["sources"]
    assert isinstance(sources, dict)
    assert sources["counselling"]["position"] == 4
    assert sources["counselling"]["stopped"] is None
    assert sources["reintegration"]["position"] == -1
    relay = status["relay"]
    assert isinstance(relay, dict)
    assert (relay["active"], relay["lag"], relay["alarm"]) == (True, 0, None)
    assert status["connected"] is True
    assert not worker.bus.connected
