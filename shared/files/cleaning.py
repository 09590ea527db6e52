"""What a file is by its own first bytes, and the file without what it tells besides its content."""

import asyncio
import contextlib
import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from shared.files import jpeg, pdf, png
from shared.files.media import BEGINS, MOST_BYTES, MediaType
from shared.files.refusing import SENTENCES, FileRefused

_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
# Each has a whole process and its memory to itself.
_MOST_PDF_AT_A_TIME: Final = 2
_PATIENCE_SECONDS: Final = pdf.MOST_SECONDS + 2.0
_pdf_turn = asyncio.Semaphore(_MOST_PDF_AT_A_TIME)


@dataclass(frozen=True)
class CleanFile:
    """A file as it may be kept: its type by its own bytes, and its content without anything beside it."""

    media_type: MediaType
    content: bytes

    @cached_property
    def sha256(self) -> str:
        """The hash of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


def media_type_of(sent: bytes) -> MediaType:
    """What these bytes are, whatever anybody said; refused if they are none of what is taken."""
    if not sent:
        raise FileRefused("file_empty")
    for media_type, begins in BEGINS.items():
        if sent.startswith(begins):
            return media_type
    if sent[4:8] == b"ftyp" and sent[8:12] in _HEIC_BRANDS:
        raise FileRefused("file_is_heic")
    raise FileRefused("file_type_unknown")


async def cleaned(sent: bytes, said: str) -> CleanFile:
    """The file without what it tells besides its content; ``said`` is the media type that its sender stated.

    Raises `FileRefused` for what is no such file, is none of what is taken, or does more than show something.
    """
    media_type = media_type_of(sent)
    if said.partition(";")[0].strip().lower() != media_type:
        raise FileRefused("file_type_differs")
    if media_type == "application/pdf":
        content = await _pdf(sent)
    else:
        clean: Callable[[bytes], bytes] = jpeg.cleaned_jpeg if media_type == "image/jpeg" else png.cleaned_png
        content = await asyncio.to_thread(clean, sent)
    if len(content) > MOST_BYTES:
        raise FileRefused("pdf_too_long")
    return CleanFile(media_type, content)


async def _pdf(sent: bytes) -> bytes:
    async with _pdf_turn:
        # Of our environment it gets only where its modules are.
        environment = {
            name: value for name, value in os.environ.items() if name in ("PYTHONPATH", "SYSTEMROOT")
        }
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", pdf.__name__,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )  # fmt: skip
        try:
            answer, _ = await asyncio.wait_for(child.communicate(sent), _PATIENCE_SECONDS)
        except TimeoutError:
            raise FileRefused("pdf_too_hard") from None
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await asyncio.shield(child.wait())
    if child.returncode == 0:
        return answer
    code = answer.decode("ascii", "replace") if child.returncode == pdf.REFUSED else "pdf_too_hard"
    raise FileRefused(code if code in SENTENCES else "file_damaged")
