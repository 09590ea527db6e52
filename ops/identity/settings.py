"""Where the development provider listens and keeps its key; refuses every place but this machine."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

SWITCH: Final = "AVRR_DEVELOPMENT_IDENTITY"
DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8005
DEFAULT_AUDIENCE: Final = "avrr"

_LAST_PORT: Final = 65535


class IdentityRefused(Exception):
    """The development provider may not run like this: it gives anybody who holds its secret any role."""


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """How one development provider runs; IdentityRefused for an address that is not a loopback literal."""

    folder: Path
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    issuer: str = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
    audience: str = DEFAULT_AUDIENCE

    def __post_init__(self) -> None:
        if not is_loopback_address(self.host):
            raise IdentityRefused("AVRR_IDENTITY_HOST must be a loopback address such as 127.0.0.1")
        if not 0 < self.port <= _LAST_PORT:
            raise IdentityRefused("AVRR_IDENTITY_PORT must be a port number")
        if not is_loopback_url(self.issuer):
            raise IdentityRefused(
                "AVRR_IDENTITY_ISSUER must be an http address on a loopback address, no path"
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings in these variables; IdentityRefused unless AVRR_DEVELOPMENT_IDENTITY is exactly 1."""
        if environment.get(SWITCH) != "1":
            raise IdentityRefused(f"the development identity provider runs only with {SWITCH}=1")
        folder = environment.get("AVRR_IDENTITY_FOLDER")
        if not folder:
            raise IdentityRefused("AVRR_IDENTITY_FOLDER must name the folder of the key and the secret")
        host = environment.get("AVRR_IDENTITY_HOST", DEFAULT_HOST)
        port = environment.get("AVRR_IDENTITY_PORT", str(DEFAULT_PORT))
        if not port.isdecimal():
            raise IdentityRefused("AVRR_IDENTITY_PORT must be a port number")
        shown = f"[{host}]" if ":" in host else host
        return cls(
            folder=Path(folder),
            host=host,
            port=int(port),
            issuer=environment.get("AVRR_IDENTITY_ISSUER", f"http://{shown}:{port}"),
            audience=environment.get("AVRR_OIDC_AUDIENCE", DEFAULT_AUDIENCE),
        )


def is_loopback_address(host: str) -> bool:
    """Whether this is a loopback literal; a name, even localhost, may be made to mean another machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Whether this is a plain http origin on a loopback literal."""
    try:
        parts = urlsplit(url)
        return (
            url == f"http://{parts.netloc}" and "@" not in url and is_loopback_address(parts.hostname or "")
        )
    except ValueError:
        return False
