"""What the alarms need to know, from `AVRR_…` variables."""

from email.utils import getaddresses
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from ops.alarms.mail import Server, server_of
from ops.alarms.rules import RULES
from ops.settings import CannotStart

DEFAULT_PORT = 8007


class AlarmSettings(BaseSettings):
    """Whom to ask (``watched``), by which rules, and to whom mails go by which server; ``alarms_folder`` keeps what was told."""

    model_config = SettingsConfigDict(env_prefix="AVRR_", extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=DEFAULT_PORT, ge=1, le=65535)
    log_level: str = "info"
    watched: str
    alert_rules: Path = RULES
    alert_smtp_url: str
    alert_smtp_password_file: Path | None = None
    alert_from: str
    alert_to: str
    alarms_folder: Path

    @property
    def server(self) -> Server:
        """The mail server; `CannotStart` where its address or its password's file cannot be understood."""
        try:
            password = self.alert_smtp_password_file.read_text("utf-8").strip() if self.alert_smtp_password_file else None
        except (OSError, UnicodeDecodeError):
            raise CannotStart("alert_password", "AVRR_ALERT_SMTP_PASSWORD_FILE cannot be read") from None
        return server_of(self.alert_smtp_url, password)

    @property
    def recipients(self) -> list[str]:
        """To whom mails go, each by the bare address; `CannotStart` where nobody is named, or one cannot be understood."""
        found = [address for _, address in getaddresses([self.alert_to])]
        if not found or not all("@" in address and address.isascii() and address.isprintable() for address in found):
            raise CannotStart("alert_to", "AVRR_ALERT_TO must name addresses, with commas between")
        return list(dict.fromkeys(found))
