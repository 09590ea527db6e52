"""Where the broker is and as whom a process comes to it, read from `AVRR_NATS_…` variables."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.nkeys import UserKey


@dataclass(frozen=True, slots=True)
class BusKeys:
    """The files by which broker and user know each other: two factors of the user's, and whose word counts for the broker.

    They are read at each connection, so that what was renewed counts without another start.
    """

    ca_file: Path
    certificate_file: Path
    key_file: Path
    seed_file: Path

    def context(self) -> ssl.SSLContext:
        """TLS 1.3 and nothing older, towards a broker that the mission's own authority vouches for; OSError without the files."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context

    def user_key(self) -> UserKey:
        """The user's nkey; OSError without its file, ValueError if that holds something else."""
        return UserKey.from_seed(self.seed_file.read_text(encoding="ascii"))


class BusSettings(BaseSettings):
    """The broker's address with a password (on this machine) or with keys, which need TLS and are needed for it."""

    model_config = SettingsConfigDict(env_prefix="AVRR_", extra="ignore", frozen=True)

    nats_url: str | None = None
    nats_user: str | None = None
    nats_password: SecretStr | None = None
    nats_ca_file: Path | None = None
    nats_certificate_file: Path | None = None
    nats_key_file: Path | None = None
    nats_seed_file: Path | None = None

    @property
    def bus_keys(self) -> BusKeys | None:
        """The files, if this process comes by keys."""
        files = (self.nats_ca_file, self.nats_certificate_file, self.nats_key_file, self.nats_seed_file)
        whole = [file for file in files if file is not None]
        return BusKeys(*whole) if len(whole) == len(files) else None

    @property
    def bus_url(self) -> str:
        """The broker's address; ValueError in a process that does not speak to it."""
        if self.nats_url is None:
            raise ValueError("whoever works needs AVRR_NATS_URL")
        return self.nats_url

    @property
    def bus_password(self) -> str | None:
        """The password, if this process comes by one."""
        return self.nats_password.get_secret_value() if self.nats_password else None

    @model_validator(mode="after")
    def _by_keys_or_by_password(self) -> Self:
        files = (self.nats_ca_file, self.nats_certificate_file, self.nats_key_file, self.nats_seed_file)
        if any(files) and not all(files):
            raise ValueError("AVRR_NATS_CA_FILE, _CERTIFICATE_FILE, _KEY_FILE and _SEED_FILE are given together or not at all")
        encrypted = all(server.startswith("tls://") for server in (self.nats_url or "").split(","))
        if any(files) and (self.nats_user or self.nats_password or not encrypted):
            raise ValueError("with AVRR_NATS_SEED_FILE there is neither user nor password, and AVRR_NATS_URL begins with tls://")
        return self
