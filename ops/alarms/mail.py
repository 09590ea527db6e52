"""Mails about alarms: what they say, and how they leave, by TLS or from this very machine alone."""

import smtplib
import ssl
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

from ops.alarms.judging import Said
from ops.settings import CannotStart
from shared.jwks import is_loopback

_PORTS: Final = {"smtp": 587, "smtps": 465}
_PATIENCE: Final = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server: smtps speaks TLS from the first byte, smtp by STARTTLS, without which nothing leaves this machine."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    def __repr__(self) -> str:
        return f"Server({self.scheme}://{self.host}:{self.port})"


def server_of(url: str, password: str | None) -> Server:
    """Reads ``smtp://user@host:port`` or ``smtps://…``; `CannotStart` for anything else, or with a password in it.

    So for a user or a password that cannot be said by SMTP as it is spoken here, which is in ASCII.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _PORTS or not parts.hostname or parts.password is not None or (parts.username and password is None):
        raise CannotStart(
            "alert_smtp_url",
            "AVRR_ALERT_SMTP_URL must be smtp://user@host:port or smtps://…, the password in AVRR_ALERT_SMTP_PASSWORD_FILE",
        )
    user = unquote(parts.username) if parts.username else None
    if user is None:
        return Server(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], None, password)
    for name, said in (("AVRR_ALERT_SMTP_URL's user", user), ("what AVRR_ALERT_SMTP_PASSWORD_FILE holds", password or "")):
        if not (said and said.isascii() and said.isprintable()):
            raise CannotStart("alert_login", f"{name} must be printable ASCII: another one cannot be said to a mail server")
    return Server(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], user, password)


def written(said: Sequence[Said], sender: str, to: Sequence[str]) -> EmailMessage:
    """One mail about all that is to be said now: what is wrong, where, since when, what to do; names and codes of ours alone."""
    counted = {what: sum(one.what == what for one in said) for what in ("began", "still stands", "has ended")}
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, ", ".join(to)
    mail["Subject"] = "avrr: " + ", ".join(f"{count} {what}" for what, count in counted.items() if count)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n\n".join(_told(one) for one in said) + "\n")
    return mail


def _told(one: Said) -> str:
    lines = [f"{one.rule.name} {one.what}: {one.rule.what}", f"Where: {one.place}", f"Since: {one.since:%Y-%m-%d %H:%M} UTC"]
    if one.what != "has ended":
        lines += [f"What to do: {one.rule.do}", f"More: {one.rule.runbook}"]
    return "\n".join(lines)


def send(server: Server, mail: EmailMessage, context: ssl.SSLContext | None = None) -> Collection[str]:
    """Hands a mail to the server and returns once it has taken it, with those of its recipients for whom it did not.

    Any exception says that it took it for nobody: the way to it, its certificate, its answer, or what cannot be said to it.
    """
    trust = context or ssl.create_default_context()
    if server.scheme == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_PATIENCE, context=trust)
    else:
        client = smtplib.SMTP(server.host, server.port, timeout=_PATIENCE)
    with client:
        if server.scheme == "smtp":
            client.ehlo()
            # On this machine nobody else listens; elsewhere a server without TLS is an error.
            if client.has_extn("starttls") or not is_loopback(server.host):
                client.starttls(context=trust)
        if server.user is not None and server.password is not None:
            client.login(server.user, server.password)
        return client.send_message(mail).keys()
