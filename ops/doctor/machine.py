"""What the machine itself says: room on the disk, who may read what is private, how long the proxy's certificate counts."""

import asyncio
import os
import shutil
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509

from ops.doctor.findings import Finding, warning, well, wrong
from ops.settings import OpsSettings

_GIB: Final = 1 << 30
# Below the first it has to be looked after, below the second PostgreSQL and NATS may stop at any moment.
ROOM: Final = 5 * _GIB
LEAST_ROOM: Final = 1 * _GIB
RENEW_BEFORE: Final = timedelta(days=14)
_OTHERS: Final = 0o077


def disk(folder: Path, room: int = ROOM, least: int = LEAST_ROOM) -> Finding:
    """How much room is left where a system's data are, in bytes; a folder that is not there yet counts as its parent."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    told = f"{free / _GIB:.1f} GiB are free on the disk of {folder}."
    if free < least:
        return wrong("disk", told, "Make room at once: with a full disk database and broker stop. Old logs and copies first.")
    if free < room:
        return warning("disk", told, "Make room, or give the disk more, before database and broker stop.")
    return well("disk", told)


def private_files(settings: OpsSettings) -> list[Finding]:
    """Whether the data folder and every secret in it are closed to others."""
    folder = settings.data_folder
    if not folder.is_dir():
        return [well("files", f"There is no data folder {folder}: nothing was started here.")]
    found = []
    if folder.stat().st_mode & _OTHERS:
        found.append(wrong("files", f"The data folder {folder} is open to other users of this machine.", f"chmod 700 {folder}"))
    found += [
        wrong(
            "files", f"The secret {path} can be read by other users of this machine.",
            f"chmod {'700' if path.is_dir() else '600'} {path}, find out who may have read it, and replace it.",
        )
        for path in sorted(_open_to_others(settings.secrets_folder))
    ]  # fmt: skip
    return found or [well("files", "Data folder and secrets are closed to others.")]


def _open_to_others(folder: Path) -> Iterator[Path]:
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            one = Path(path) / name
            if not one.is_symlink() and one.stat().st_mode & _OTHERS:
                yield one


async def certificate(origin: str | None, now: datetime) -> list[Finding]:
    """How long the certificate counts that people meet at the portal's https address; nothing where there is none."""
    parts = urlsplit(origin or "")
    if parts.scheme != "https" or parts.hostname is None:
        return []
    # Whether it can be trusted is for browsers; here even one that has expired is to be read.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(5):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or 443, ssl=context)
    except (OSError, TimeoutError):
        return [wrong("certificate", f"Nobody answers by TLS at {origin}.", "Look after the proxy in front of the portal.")]
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    ends = x509.load_der_x509_certificate(found).not_valid_after_utc
    told = f"The certificate of {origin} counts until {ends:%Y-%m-%d %H:%M} UTC."
    if ends <= now:
        return [wrong("certificate", f"The certificate of {origin} has expired.", "Renew it now: nobody's browser opens the portal.")]
    if ends - now < RENEW_BEFORE:
        return [warning("certificate", told, "Renew it, and find out why that did not happen by itself.")]
    return [well("certificate", told)]


def present() -> datetime:
    """Now, in UTC, by this machine's clock."""
    return datetime.now(UTC)
