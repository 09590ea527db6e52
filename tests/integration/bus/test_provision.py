"""Streams and durables are as the topology declares them, whatever somebody did to them."""

from collections.abc import AsyncIterator

import pytest

from ops.provision import consumer_declaration, differences, stream_declaration
from shared.bus import Bus, BusRefused
from shared.topology import COUNSELLING, RETURNS, durable
from tests.integration.bus.house import House

CONSUMER = f"COUNSELLING.{durable(RETURNS, COUNSELLING)}"


@pytest.fixture
async def definitions(house: House) -> AsyncIterator[Bus]:
    async with house.make_bus("provision") as bus:
        await bus.ready()
        yield bus


async def test_what_is_made_is_what_was_declared(house: House, definitions: Bus) -> None:
    assert differences(stream_declaration(COUNSELLING, 1), await _config(definitions, "STREAM.INFO.COUNSELLING")) == []
    declared = consumer_declaration(RETURNS, COUNSELLING)
    assert differences(declared, await _config(definitions, f"CONSUMER.INFO.{CONSUMER}")) == []


async def test_nothing_can_be_taken_out_of_a_stream(house: House, definitions: Bus) -> None:
    config = await _config(definitions, "STREAM.INFO.COUNSELLING")
    assert (config["deny_delete"], config["deny_purge"], config["discard"]) == (True, True, "new")
    with pytest.raises(BusRefused):
        await definitions.api(
            "STREAM.UPDATE.COUNSELLING", stream_declaration(COUNSELLING, 1) | {"deny_purge": False}
        )


async def test_a_setting_that_somebody_changed_is_put_right(house: House, definitions: Bus) -> None:
    declared = consumer_declaration(RETURNS, COUNSELLING)
    changed = {"stream_name": "COUNSELLING", "config": declared | {"ack_wait": 30_000_000_000}}
    await definitions.api(f"CONSUMER.CREATE.{CONSUMER}", changed)
    await definitions.api("STREAM.UPDATE.COUNSELLING", stream_declaration(COUNSELLING, 1) | {"max_msgs": 5})
    await house.provision().ensure()
    assert (await _config(definitions, "STREAM.INFO.COUNSELLING"))["max_msgs"] == -1
    assert (await _config(definitions, f"CONSUMER.INFO.{CONSUMER}"))["ack_wait"] == 5_000_000_000


async def test_a_durable_that_can_not_be_corrected_is_made_anew(house: House, definitions: Bus) -> None:
    await definitions.api(f"CONSUMER.DELETE.{CONSUMER}")
    wrong = consumer_declaration(RETURNS, COUNSELLING) | {"deliver_policy": "new"}
    await definitions.api(f"CONSUMER.CREATE.{CONSUMER}", {"stream_name": "COUNSELLING", "config": wrong})
    await house.provision().ensure()
    assert (await _config(definitions, f"CONSUMER.INFO.{CONSUMER}"))["deliver_policy"] == "all"


async def test_a_stream_that_can_not_be_corrected_is_kept_and_told(house: House, definitions: Bus) -> None:
    await definitions.api("STREAM.DELETE.COUNSELLING")
    wrong = stream_declaration(COUNSELLING, 1) | {"storage": "memory"}
    await definitions.api("STREAM.CREATE.COUNSELLING", wrong)
    provision = house.provision()
    await provision.ensure()
    assert list(provision.alarms) == ["COUNSELLING"]
    assert "storage" in provision.alarms["COUNSELLING"]
    await provision.rebuild("COUNSELLING")
    await provision.ensure()
    assert provision.alarms == {}
    assert (await _config(definitions, "STREAM.INFO.COUNSELLING"))["storage"] == "file"


async def test_a_second_look_changes_nothing(house: House, definitions: Bus) -> None:
    before = await _created(definitions)
    await house.provision().ensure()
    assert await _created(definitions) == before


async def _config(bus: Bus, call: str) -> dict[str, object]:
    config = (await bus.api(call))["config"]
    assert isinstance(config, dict)
    return config


async def _created(bus: Bus) -> list[object]:
    answers = [await bus.api("STREAM.INFO.COUNSELLING"), await bus.api(f"CONSUMER.INFO.{CONSUMER}")]
    return [answer["created"] for answer in answers]
