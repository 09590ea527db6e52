"""What the doctor says of a real broker, broken in the ways that it names."""

from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from ops.doctor.broker import broker
from ops.doctor.findings import Finding
from ops.embedded.nats import OPERATOR, PROVISION
from shared.bus_settings import BusSettings
from shared.topology import AUDIT, LOGS, RETURNS, durable
from tests.integration.bus.house import House


def present() -> datetime:
    return datetime.now(UTC)


async def told_of(house: House, ahead: timedelta = timedelta()) -> list[Finding]:
    return await broker(as_operator(house, house.servers.nats.passwords[OPERATOR]), lambda: present() + ahead)


def as_operator(house: House, password: str) -> BusSettings:
    return BusSettings(nats_url=house.servers.nats.url, nats_user=OPERATOR, nats_password=SecretStr(password))


async def test_a_broker_says_what_is_missing(house: House) -> None:
    assert [one.level for one in await told_of(house)] == ["well"]
    await house.wipe_broker()
    assert [one.sentence for one in await told_of(house)] == [f"The broker has no stream {service.stream}." for service in LOGS]
    await house.provision().ensure()
    async with house.make_bus(PROVISION) as bus:
        await bus.ready()
        await bus.api(f"CONSUMER.DELETE.{RETURNS.stream}.{durable(AUDIT, RETURNS)}")
    (found,) = await told_of(house)
    assert (found.level, found.sentence) == ("wrong", "audit has no durable on RETURNS.")


async def test_a_stream_that_is_not_as_declared_is_told_with_what_differs(house: House) -> None:
    await house.provision().ensure()
    async with house.make_bus(PROVISION) as bus:
        await bus.ready()
        await bus.api(f"STREAM.DELETE.{RETURNS.stream}")
        await bus.api(f"STREAM.CREATE.{RETURNS.stream}", {"name": RETURNS.stream, "subjects": [RETURNS.subjects], "storage": "memory"})
    found = await told_of(house)
    assert found[0].sentence.startswith("The stream RETURNS is not as declared: ")
    assert "storage" in found[0].sentence
    assert "deny_delete" in found[0].sentence
    assert "./avrr bus rebuild RETURNS" in found[0].do


async def test_a_broker_whose_clock_is_apart_or_that_is_away_is_told(house: House) -> None:
    await house.provision().ensure()
    (found,) = await told_of(house, timedelta(minutes=2, milliseconds=450))
    assert (found.level, "120 s apart" in found.sentence) == ("wrong", True)
    (refused,) = await broker(as_operator(house, "another"), present)
    assert refused.sentence.endswith("cannot be reached, or refuses our login.")
    assert "another" not in refused.sentence + refused.do
