"""Where the services are and with which token they are asked, for commands that work with a running system over HTTP."""

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ops.identity.settings import is_loopback_url
from ops.settings import CannotStart, OpsSettings
from ops.system import Addresses, read_addresses
from shared.topology import AUDIT, SERVICES

# Whoever has a provider of their own says here an access token of theirs, and where the services are if not on this
# machine; the system that runs here has left word of itself.
TOKEN: Final = "AVRR_TOKEN"  # noqa: S105 -- the name of the variable


@dataclass(frozen=True, slots=True)
class Reached:
    """The address of each service, of the archive too where it is known, and a token that they accept."""

    urls: Mapping[str, str]
    token: str


def stated_token() -> str | None:
    """The access token that somebody says in the environment; None where it is empty, as a shell leaves it if none was printed."""
    return os.environ.get(TOKEN) or None


def service_urls(settings: OpsSettings) -> Mapping[str, str]:
    """The address of each service, as the environment says, else as the system on this machine left word; `CannotStart` if neither is there."""
    return _stated() or read_addresses(settings).services


async def reached(settings: OpsSettings, development_token: Callable[[Addresses], Awaitable[str]]) -> Reached:
    """As the environment says, else as the system on this machine left word; `CannotStart` if neither is there."""
    urls, token = _stated(), stated_token()
    if urls is not None:
        if token is None:
            raise _nobody()
        return Reached(urls, token)
    found = read_addresses(settings)
    if token is None and not is_loopback_url(found.issuer):
        raise _nobody()
    return Reached(found.services, token or await development_token(found))


def _stated() -> Mapping[str, str] | None:
    urls = {service.name: os.environ.get(f"AVRR_{service.name.upper()}_URL", "").rstrip("/") for service in (*SERVICES, AUDIT)}
    # Whoever needs the archive besides says so; others, such as the nightly run, are not told where it is.
    return {name: url for name, url in urls.items() if url} if all(urls[service.name] for service in SERVICES) else None


def _nobody() -> CannotStart:
    return CannotStart("no_token", f"Say an access token in {TOKEN}, as ./avrr token prints one: there is no development provider.")
