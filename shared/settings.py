"""The settings of one service process, read from `AVRR_…` variables; nothing secret has a default."""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.jwks import is_loopback


class Settings(BaseSettings):
    """What a service needs to know about its surroundings; a missing address or secret stops the start."""

    model_config = SettingsConfigDict(env_prefix="AVRR_", extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    role: Literal["all", "api", "worker"] = "all"
    clock: Literal["real", "replay"] = "real"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    api_database_url: SecretStr
    worker_database_url: SecretStr
    pool_size: int = Field(default=8, ge=1, le=100)

    nats_url: str
    nats_user: str | None = None
    nats_password: SecretStr | None = None

    oidc_issuer: str
    oidc_jwks_url: str | None = None
    oidc_audience: str = "avrr"
    oidc_algorithms: tuple[str, ...] = ("ES256", "Ed25519")
    oidc_token_type: str = "at+jwt"  # noqa: S105 -- the media type of RFC 9068
    oidc_person_claim: str = "sub"
    oidc_roles_claim: str = "roles"
    oidc_organisation_claim: str = "org"
    oidc_countries_claim: str = "countries"
    oidc_sites_claim: str = "sites"
    oidc_max_token_seconds: int = 600

    mission_time_zone: str = "Europe/Sarajevo"

    @model_validator(mode="after")
    def _replay_stays_on_this_machine(self) -> Self:
        # On the replay clock a caller states what time it is, and with it which deadlines have passed.
        if self.clock == "replay" and not is_loopback(self.host):
            raise ValueError("the replay clock is for a demo on this machine: AVRR_HOST must be a loopback address")
        return self
