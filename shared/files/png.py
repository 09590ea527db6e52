"""A PNG without anything that was written beside the picture; the picture's own bytes stay as they are."""

import struct
import zlib
from typing import Final

from shared.files.media import BEGINS
from shared.files.pictures import MOST_PARTS, orientation_of, refuse_too_large, tiff_with
from shared.files.refusing import FileRefused

MAGIC: Final = BEGINS["image/png"]
_HEADER_BYTES: Final = 13
# What a decoder needs to show the picture in its colours and size. Texts, times, profiles, EXIF, the other pictures of
# an animation and whatever a program has added of its own are not among them.
_KEPT: Final = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs"}
)
_CRITICAL: Final = 0x20


def cleaned_png(sent: bytes) -> bytes:
    """The picture alone, turned as it was; refused if it is damaged or too large."""
    kept: list[bytes] = []
    names: list[bytes] = []
    orientation = 1
    at = len(MAGIC)
    for _ in range(MOST_PARTS):
        name, body, at = _chunk(sent, at)
        if name == b"eXIf":
            orientation = orientation_of(body)
        if name not in _KEPT:
            if not name[0] & _CRITICAL:
                raise FileRefused("file_damaged")
            continue
        if (name == b"IHDR") != (not names):
            raise FileRefused("file_damaged")
        if name == b"IHDR":
            _refuse_odd_header(body)
        names.append(name)
        kept.append(_written(name, body))
        if name == b"IEND":
            break
    else:
        raise FileRefused("file_damaged")
    if b"IDAT" not in names:
        raise FileRefused("file_damaged")
    tiff = tiff_with(orientation)
    if tiff is not None:
        kept.insert(1, _written(b"eXIf", tiff))
    return b"".join((MAGIC, *kept))


def _chunk(sent: bytes, at: int) -> tuple[bytes, bytes, int]:
    length = int.from_bytes(sent[at : at + 4])
    end = at + 12 + length
    if len(sent) < at + 12 or end > len(sent):
        raise FileRefused("file_damaged")
    named = sent[at + 4 : end - 4]
    if zlib.crc32(named) != int.from_bytes(sent[end - 4 : end]):
        raise FileRefused("file_damaged")
    return named[:4], named[4:], end


def _refuse_odd_header(body: bytes) -> None:
    if len(body) != _HEADER_BYTES:
        raise FileRefused("file_damaged")
    refuse_too_large(*struct.unpack_from(">II", body))


def _written(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
