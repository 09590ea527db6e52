"""Where the parts of a running system are for whoever operates it: as `AVRR_…` variables say, else as the last start here left word."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from pydantic import SecretStr

from ops.embedded.nats import OPERATOR
from ops.provision import Provision
from ops.secrets import Secrets
from ops.settings import CannotStart, OpsSettings
from ops.system import ClockMode, read_addresses
from shared.bus import Bus
from shared.bus_settings import BusSettings

_PATIENCE: Final = 5.0


class BrokerAway(CannotStart):
    """The broker cannot be reached, does not know us, or does not do in time what it is asked."""

    def __init__(self, url: str) -> None:
        super().__init__(
            "broker_away",
            f"The broker at {without_login(url)} cannot be reached, refuses our login, or does not do in time what it is asked. "
            "Start it, or look at AVRR_NATS_URL and the keys or the password for it.",
        )


def broker_settings(settings: OpsSettings) -> BusSettings:
    """By which address and as whom an operator comes to the broker; `CannotStart` where nothing says it."""
    if settings.nats_url is not None and (settings.bus_keys or settings.nats_user or "@" in settings.nats_url):
        return settings
    password = Secrets(settings.secrets_folder).password(f"nats_{OPERATOR}")
    url = settings.nats_url or read_addresses(settings).nats
    return BusSettings(nats_url=url, nats_user=OPERATOR, nats_password=SecretStr(password))


def knows_broker(settings: OpsSettings) -> bool:
    """Whether an operator has a login for the broker here; to ask for a password that is not there would make it."""
    own = settings.nats_url is not None and (settings.bus_keys or settings.nats_user or "@" in settings.nats_url)
    return bool(own) or (settings.secrets_folder / f"nats_{OPERATOR}").exists()


@contextlib.asynccontextmanager
async def operator_bus(settings: OpsSettings) -> AsyncIterator[Bus]:
    """The operator's connection, which stands when the block begins; `BrokerAway` where it does not within five seconds."""
    found = broker_settings(settings)
    async with Bus.of(found, OPERATOR) as bus:
        try:
            async with asyncio.timeout(_PATIENCE):
                await bus.ready()
        except TimeoutError:
            raise BrokerAway(found.bus_url) from None
        yield bus


@contextlib.asynccontextmanager
async def operator_provision(settings: OpsSettings) -> AsyncIterator[Provision]:
    """Makes streams anew as the operator; `BrokerAway` where the broker does not let it in time."""
    found = broker_settings(settings)
    try:
        yield Provision(found.bus_url, found.nats_user, found.bus_password, keys=found.bus_keys, identity=OPERATOR)
    except TimeoutError:
        raise BrokerAway(found.bus_url) from None


def issuer_of(settings: OpsSettings) -> str:
    """Whose access tokens count; `CannotStart` where nothing says it."""
    return settings.oidc_issuer or read_addresses(settings).issuer


def checkpointer_of(settings: OpsSettings) -> str:
    """Where signed checkpoints are told; `CannotStart` where nothing says it."""
    return settings.checkpointer_url or read_addresses(settings).checkpointer


def clock_of(settings: OpsSettings) -> ClockMode:
    """By which clock the system lives; only one that was started here may replay a year."""
    try:
        return read_addresses(settings).clock
    except CannotStart:
        return "real"


def without_login(url: str) -> str:
    """An address of the broker for people: no password stands in it."""
    return ",".join(one.rpartition("@")[2] for one in url.split(","))
