"""The settings of a portal process, read from `AVRR_…` variables; nothing secret has a default."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.jwks import is_confidential, is_loopback
from shared.sealing import key_from
from shared.settings import HostName

_ORIGIN = re.compile(r"https?://([a-z0-9.\-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?")


def _origin(value: str) -> str:
    # A `__Host-` cookie needs a place that browsers trust: https, or this very machine.
    if not _ORIGIN.fullmatch(value) or not is_confidential(value):
        raise ValueError("an origin is https://name, or http:// on this machine, in small letters and without a path")
    return value


def _key(value: SecretStr) -> SecretStr:
    key_of(value)
    return value


def key_of(value: SecretStr) -> bytes:
    """The 32 bytes of a key in base64url; ValueError for anything else."""
    return key_from(value.get_secret_value())


class PortalSettings(BaseSettings):
    """What the portal needs to know about its surroundings; a missing address or secret stops the start."""

    model_config = SettingsConfigDict(
        env_prefix="AVRR_", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    allowed_hosts: tuple[HostName, ...] = ("localhost", "127.0.0.1", "[::1]")
    requests_in_flight: int = Field(default=200, ge=1, le=10_000)
    # A page asks the services several things one after the other, and each of them may take its time.
    portal_request_seconds: int = Field(default=20, ge=1, le=300)
    clock: Literal["real", "replay"] = "real"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    mission_time_zone: str = "Europe/Sarajevo"
    otlp_endpoint: str | None = None

    portal_database_url: SecretStr
    pool_size: int = Field(default=8, ge=1, le=100)

    counselling_url: str
    returns_url: str
    reintegration_url: str
    audit_url: str

    oidc_issuer: str
    oidc_jwks_url: str | None = None
    oidc_algorithms: tuple[str, ...] = ("ES256", "Ed25519")
    oidc_person_claim: str = "sub"
    oidc_name_claim: str = "name"
    oidc_roles_claim: str = "roles"
    oidc_organisation_claim: str = "org"
    oidc_countries_claim: str = "countries"
    oidc_sites_claim: str = "sites"

    portal_client_id: str = "avrr-portal"
    portal_client_secret: SecretStr
    portal_scope: str = "openid"
    portal_session_key: Annotated[SecretStr, AfterValidator(_key)]
    portal_origin: Annotated[str, AfterValidator(_origin)]
    # CSV with the columns id and name: how the mission's staff are called on pages, which no service knows.
    staff_list: Path | None = None

    @property
    def session_key(self) -> bytes:
        """By which everything that the portal keeps is sealed."""
        return key_of(self.portal_session_key)

    @property
    def issuer_origin(self) -> str:
        """The origin of the identity provider, where signing in and out goes on."""
        parts = urlsplit(self.oidc_issuer)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def hosts(self) -> frozenset[str]:
        """For which hosts the portal answers: its own, of course, and those that are allowed besides."""
        found = _ORIGIN.fullmatch(self.portal_origin)
        assert found is not None
        return frozenset({*self.allowed_hosts, found[1]})

    @property
    def callback(self) -> str:
        """Where the provider sends people back to, exactly as it is registered there."""
        return f"{self.portal_origin}/signed-in"

    @model_validator(mode="after")
    def _replay_stays_on_this_machine(self) -> Self:
        if self.clock == "replay" and not is_loopback(self.host):
            raise ValueError(
                "the replay clock is for a demo on this machine: AVRR_HOST must be a loopback address"
            )
        return self
