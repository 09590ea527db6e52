"""What can be decided from outside about a start, read from `AVRR_…` variables, and how one is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import NoDecode, SettingsConfigDict

from shared.bus_settings import BusSettings

PROJECT = Path(__file__).resolve().parent.parent

# Above it the kernel hands out ports for outgoing connections, and a free one may be taken a moment later.
HIGHEST_PORT = 32767


class CannotStart(Exception):
    """A start that has to be refused: a stable code, and the one line that says what to do about it."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def _ports(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    return {name.strip(): port.strip() for name, _, port in pairs}


class OpsSettings(BusSettings):
    """The surroundings of one running system; what is left out is provided by avrr itself.

    `ports` are to be used as they are (`AVRR_PORTS=postgres=15999,returns=9002`): unlike the usual ones they
    are never exchanged for free ones. `logs_origin` is what the names of all logs begin with, in checkpoints and exports;
    `witnesses` are others than the one of ours, as `ops.checkpointer.settings` reads them, or former ones alone. Where a `backup_dir` is named
    everything that is written is copied there as it is written; `backup_keys_dir` is where the keys go, apart from it.
    Whoever operates a system in containers names its parts: broker and keys for it, provider, `checkpointer_url`. At a provider
    of the mission's own people are signed in for the command line by `command_line_client_id`, which has no secret, and
    `retention_client_id` with its secret asks each night whose time is over.
    """

    model_config = SettingsConfigDict(env_prefix="AVRR_", extra="ignore", frozen=True)

    data: Path = PROJECT / ".avrr"
    database_url: SecretStr | None = None
    pg_bin: Path | None = None
    oidc_issuer: str | None = None
    oidc_jwks_url: str | None = None
    checkpointer_url: str | None = None
    command_line_client_id: str = "avrr-command-line"
    command_line_scope: str = "openid"
    step_up_acr_values: tuple[str, ...] = ("phr",)
    retention_client_id: str = "service-retention"
    retention_client_secret: SecretStr | None = None
    service_scope: str | None = None
    logs_origin: str = "avrr.localhost"
    witnesses: str | None = None
    backup_dir: Path | None = None
    backup_keys_dir: Path | None = None
    ports: Annotated[
        Mapping[str, Annotated[int, Field(ge=1, le=HIGHEST_PORT)]], NoDecode, BeforeValidator(_ports)
    ] = Field(default_factory=dict)

    @property
    def data_folder(self) -> Path:
        """Where everything of this system lives, as an absolute path."""
        return self.data.expanduser().absolute()

    @property
    def secrets_folder(self) -> Path:
        """Generated passwords and keys."""
        return self.data_folder / "secrets"

    @property
    def witness_is_ours(self) -> bool:
        """Whether the witness of ours sees the checkpoints: no other is named, but former ones perhaps."""
        lines = (self.witnesses or "").replace(",", "\n").split("\n")
        return all(line.strip().startswith("#") for line in lines if line.strip())

    @property
    def logs_folder(self) -> Path:
        """What servers and quiet services print."""
        return self.data_folder / "logs"


def read_settings() -> OpsSettings:
    """The settings of this start; `CannotStart` names a wrong variable without repeating its value."""
    try:
        return OpsSettings()
    except ValidationError as error:
        faults = error.errors(include_input=False)
        # What does not fit together has no one name.
        names = sorted({f"AVRR_{str(fault['loc'][0]).upper()}" if fault["loc"] else "AVRR_NATS_…" for fault in faults})
        raise CannotStart("settings", f"{', '.join(names)} can't be understood") from None
