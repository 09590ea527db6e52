"""The settings of one service process, read from `AVRR_…` variables; nothing secret has a default."""

from datetime import time
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.bus_settings import BusSettings
from shared.jwks import is_loopback
from shared.sealing import key_from

# As it stands in a Host header, without a port.
HostName = Annotated[str, Field(pattern=r"^([a-z0-9.\-]+|\[[0-9a-f:.]+\])$")]


def _key(value: SecretStr) -> SecretStr:
    key_from(value.get_secret_value())
    return value


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Mission(BaseSettings):
    """What facts and rules need to know of the mission: in which time zone its calendar days are told, and what is usual there.

    On ``office_days`` somebody is at work from ``office_opens`` to ``office_closes``; whoever is shown more than ``many_reads``
    different records on one day is shown many. By these the archive finds exceptions.
    """

    model_config = SettingsConfigDict(env_prefix="AVRR_", extra="ignore", frozen=True)

    mission_time_zone: str = "Europe/Sarajevo"
    # Ours, and not IOM's. Offices work from eight to five; an hour before and two after are nobody's night.
    office_opens: time = time(7)
    office_closes: time = time(19)
    office_days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = ("mon", "tue", "wed", "thu", "fri")
    # Who counsels ten people on a day opens of each the person, the case, the plan and a paper, and comes upon as many others
    # while searching. Eighty different records on one day are more than that.
    many_reads: int = Field(default=80, ge=1, le=100_000)

    @model_validator(mode="after")
    def _offices_are_open(self) -> Self:
        if self.office_opens.tzinfo is not None or self.office_closes.tzinfo is not None:
            raise ValueError("AVRR_OFFICE_OPENS and AVRR_OFFICE_CLOSES are by the mission's clocks, such as 07:00")
        if not self.office_opens < self.office_closes:
            raise ValueError("AVRR_OFFICE_OPENS has to be before AVRR_OFFICE_CLOSES")
        return self


MISSION: Final = Mission()


class Settings(Mission, BusSettings):
    """What a service needs to know about its surroundings; a missing address or secret stops the start."""

    model_config = SettingsConfigDict(env_prefix="AVRR_", extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    allowed_hosts: tuple[HostName, ...] = ("localhost", "127.0.0.1", "[::1]")
    api_docs: bool = False
    requests_in_flight: int = Field(default=200, ge=1, le=10_000)
    request_seconds: int = Field(default=10, ge=1, le=300)
    writes_per_minute: int = Field(default=60, ge=1)
    reads_per_minute: int = Field(default=300, ge=1)
    searches_per_minute: int = Field(default=10, ge=1)
    person_searches_per_day: int = Field(default=200, ge=1)
    disclosures_per_minute: int = Field(default=60, ge=1)
    exports_per_hour: int = Field(default=3, ge=1)
    held_per_hour: int = Field(default=30, ge=1)
    role: Literal["all", "api", "worker"] = "all"
    clock: Literal["real", "replay"] = "real"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    # Where spans are sent: an OpenTelemetry collector that takes OTLP over HTTP, by its address without a path.
    otlp_endpoint: str | None = None

    # For whoever answers, and for whoever works; nobody is given what only the other needs.
    api_database_url: SecretStr | None = None
    worker_database_url: SecretStr | None = None
    # For whoever works: the login that reads every row and changes none, by which the rows are verified all the time.
    verify_database_url: SecretStr | None = None
    pool_size: int = Field(default=8, ge=1, le=100)

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

    # Which authentication counts as phishing-resistant, and for how long it is fresh, where an operation needs one (RFC 9470).
    step_up_acr_values: tuple[str, ...] = ("phr",)
    step_up_max_age_seconds: int = Field(default=300, ge=30, le=300)

    # For a service that asks another before it discloses anything.
    counselling_url: str | None = None
    # For the archive, which asks each for its own log, and whoever signs checkpoints for these.
    returns_url: str | None = None
    reintegration_url: str | None = None
    audit_url: str | None = None
    checkpointer_url: str | None = None
    # By which keys the archive believes checkpoints: lines of C2SP's tlog-policy, of which a comma ends each like a line does,
    # carried there by people. Without them it believes those that it was served first.
    trust_policy: str | None = None
    service_client_id: str | None = None
    service_client_secret: SecretStr | None = None
    service_scope: str | None = None

    # For a service that kept files under one key, until `avrr keys rotate` has wrapped them anew: 32 bytes in base64url.
    files_key: Annotated[SecretStr, AfterValidator(_key)] | None = None

    # For a service that seals values under a key per person: who holds the keys of its epochs, which wrap those. A vault's
    # transit engine by its address (…/v1/transit) and a file with a token for it, or else a folder of this service alone.
    transit_url: str | None = None
    transit_token_file: Path | None = None
    epochs_folder: Path | None = None

    # Where both processes of the service remember how far its log was, outside the database: by it one that starts while
    # neither stream nor checkpointer answer knows whether the database was set back meanwhile. Without it nobody waits to be told.
    memory_folder: Path | None = None

    @property
    def api_login(self) -> str:
        """The address by which requests are answered; ValueError in a process that answers none."""
        return _of_this_role(self.api_database_url)

    @property
    def worker_login(self) -> str:
        """The address by which a worker follows and relays; ValueError in a process that does not work."""
        return _of_this_role(self.worker_database_url)

    @model_validator(mode="after")
    def _role_has_its_login(self) -> Self:
        if self.api_database_url is None and self.role != "worker":
            raise ValueError("whoever answers requests needs AVRR_API_DATABASE_URL")
        if self.worker_database_url is None and self.role != "api":
            raise ValueError("whoever works needs AVRR_WORKER_DATABASE_URL")
        if self.nats_url is None and self.role != "api":
            raise ValueError("whoever works needs AVRR_NATS_URL")
        return self

    @model_validator(mode="after")
    def _transit_is_whole(self) -> Self:
        if self.transit_url is None:
            return self
        if self.transit_token_file is None:
            raise ValueError("AVRR_TRANSIT_URL needs AVRR_TRANSIT_TOKEN_FILE")
        address = urlsplit(self.transit_url)
        if address.scheme != "https" and not (address.scheme == "http" and is_loopback(address.hostname or "")):
            raise ValueError("keys are sent to AVRR_TRANSIT_URL: it has to be https, or a loopback address")
        return self

    @model_validator(mode="after")
    def _replay_stays_on_this_machine(self) -> Self:
        # On the replay clock a caller states what time it is, and with it which deadlines have passed.
        if self.clock == "replay" and not is_loopback(self.host):
            raise ValueError("the replay clock is for a demo on this machine: AVRR_HOST must be a loopback address")
        return self


def _of_this_role(address: SecretStr | None) -> str:
    if address is None:
        raise ValueError("this process has another role")
    return address.get_secret_value()
