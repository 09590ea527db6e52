"""An access request by the command line: what all services hold about a person, as data and as their document."""

import os
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from ops.identity.client import PersonaTokens
from ops.process import refused_by_system
from ops.reaching import reached
from ops.settings import CannotStart, OpsSettings
from ops.system import development_secret
from services.portal.client import Answer, Service
from services.portal.told.catalogue import LANGUAGES, language_for
from services.portal.told.collecting import ARCHIVE, NotTold, collect
from services.portal.told.document import as_pdf
from shared.ids import uuid7
from shared.outgoing import Outgoing

# Of whom the development provider gives a token, where nobody says one.
PERSONA: Final = "data-protection"
_ZONE: Final = "AVRR_MISSION_TIME_ZONE"


async def take_home(settings: OpsSettings, person: str, language: str | None, folder: Path) -> list[Path]:
    """Writes both files, readable by their owner alone, and answers where they are; `CannotStart` says why not."""
    return written(await held_about(settings, person, language), folder)


async def pour_out(settings: OpsSettings, person: str, language: str | None, into: BinaryIO) -> None:
    """Writes both files into a stream, as one tar archive, and nothing onto a disk; `CannotStart` as above, and if that is a screen."""
    if into.isatty():
        raise CannotStart("out_is_screen", "What is held about somebody is shown on no screen: lead it into a file, > held.tar.")
    files = await held_about(settings, person, language)
    try:
        with tarfile.open(fileobj=into, mode="w|") as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode, entry.mtime = len(content), 0o600, int(datetime.now(UTC).timestamp())
                archive.addfile(entry, BytesIO(content))
        into.flush()
    except OSError as error:
        raise refused_by_system(error, "What is held can't be written") from None


async def held_about(settings: OpsSettings, person: str, language: str | None) -> dict[str, bytes]:
    """Both files by their names, the data and the document; `CannotStart` says why not."""
    try:
        person_id = UUID(person)
    except ValueError:
        raise CannotStart("unreadable", "Name the person by the id under which they are registered.") from None
    if language not in (None, *LANGUAGES):
        raise CannotStart("unknown_language", f"The document can be had in {', '.join(LANGUAGES)}.")
    services = await reached(
        settings, lambda found: PersonaTokens(found.issuer, development_secret(settings)).token(PERSONA)
    )
    if ARCHIVE not in services.urls:
        raise CannotStart("archive_unknown", "Say in AVRR_AUDIT_URL where the archive is, which tells who looked for the person there.")
    async with Outgoing(timeout=30, trust_env=False) as client:

        async def ask(service: Service, path: str, correlation_id: str) -> Answer:
            headers = {"Authorization": f"Bearer {services.token}", "X-Correlation-Id": correlation_id}
            answer = await client.get(services.urls[service] + path, headers=headers)
            return Answer(answer.status_code, answer.json(), None, answer.headers)

        try:
            collected = await collect(ask, person_id, datetime.now(UTC), str(uuid7()))
        except NotTold as refused:
            raise CannotStart(refused.answer.code, f"{refused.service}: {refused.answer.sentence}") from None
        except httpx.TransportError:
            raise CannotStart("not_running", "The services do not answer: start them with ./avrr up first.") from None
    if collected.nothing:
        raise CannotStart("nothing_held", "Nothing is held about anybody under this id.")
    language = language or language_for(collected.spoken)
    zone = ZoneInfo(os.environ.get(_ZONE, "Europe/Sarajevo"))
    return {
        f"held-{person_id}.json": collected.as_json().encode(),
        f"held-{person_id}-{language}.pdf": as_pdf(collected, language, zone),
    }


def written(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Writes these files into a folder, which is made if it is not there, and answers where they are; `CannotStart` says why not."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [_written(folder / name, content) for name, content in files.items()]
    except OSError as error:
        raise refused_by_system(error, "What is held can't be written") from None


def _written(path: Path, content: bytes) -> Path:
    # Made anew, so that nobody who could open an older file of this name reads this one.
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return path
