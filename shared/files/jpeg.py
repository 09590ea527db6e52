"""A JPEG without anything that was written beside the picture; the picture's own bytes stay as they are.

Kept are the segments that a decoder needs. Everything else goes: EXIF with place, time and camera, its small copy of
the picture, comments, colour profiles, and whatever follows the end, where telephones put a second picture or a film.
"""

import re
import struct
from typing import Final

from shared.files.media import BEGINS
from shared.files.pictures import EXIF, MOST_PARTS, orientation_of, refuse_too_large, tiff_with
from shared.files.refusing import FileRefused

MAGIC: Final = BEGINS["image/jpeg"]
_SOI: Final = b"\xff\xd8"
_EOI: Final = b"\xff\xd9"
_SCAN: Final = 0xDA
_JFIF: Final = 0xE0
_EXIF: Final = 0xE1
_ADOBE: Final = 0xEE
_COMMENT: Final = 0xFE
_APPLICATION: Final = range(0xE0, 0xF0)
# C4 and CC are tables, and C8 is reserved; the others are the ways in which a frame can be coded.
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
# Huffman and arithmetic tables, quantization tables, the restart interval.
_TABLES: Final = frozenset({0xC4, 0xCC, 0xDB, 0xDD})
_PLAIN_JFIF: Final = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
# Inside a scan FF is followed by 00, by the number of a restart, or by the marker that ends it.
# What fills up before that marker stays in the scan: to look for it as well would take a square of the time that a run
# of FF is long.
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_FILLING: Final = re.compile(rb"\xff+")


def cleaned_jpeg(sent: bytes) -> bytes:
    """The picture alone, turned as it was; refused if it is damaged or too large."""
    head, kept = [_SOI], list[bytes]()
    if not sent.startswith(_SOI):
        raise FileRefused("file_damaged")
    orientation, frames, scans = 1, 0, 0
    at = len(_SOI)
    for _ in range(MOST_PARTS):
        marker, at = _marker(sent, at)
        if marker == _EOI[1]:
            break
        body, at = _segment(sent, at)
        if marker in _APPLICATION:
            if marker == _EXIF and body.startswith(EXIF):
                orientation = orientation_of(body[len(EXIF) :])
            elif marker == _ADOBE and body.startswith(b"Adobe"):
                # These two say how the colours are meant; a picture keeps what it has of them, and gets no other.
                kept.append(_written(marker, body[:12]))
            elif marker == _JFIF and body.startswith(b"JFIF\x00"):
                head = [_SOI, _PLAIN_JFIF]
        elif marker in _FRAMES:
            frames += 1
            _refuse_odd_frame(body, frames)
            kept.append(_written(marker, body))
        elif marker == _SCAN:
            scans += 1
            end = _end_of_scan(sent, at)
            kept += [_written(marker, body), sent[at:end]]
            at = end
        elif marker in _TABLES:
            kept.append(_written(marker, body))
        elif marker != _COMMENT:
            raise FileRefused("file_damaged")
    else:
        raise FileRefused("file_damaged")
    if not frames or not scans:
        raise FileRefused("file_damaged")
    tiff = tiff_with(orientation)
    if tiff is not None:
        head.append(_written(_EXIF, EXIF + tiff))
    return b"".join((*head, *kept, _EOI))


def _marker(sent: bytes, at: int) -> tuple[int, int]:
    filling = _FILLING.match(sent, at)
    if filling is None or filling.end() >= len(sent):
        raise FileRefused("file_damaged")
    return sent[filling.end()], filling.end() + 1


def _segment(sent: bytes, at: int) -> tuple[bytes, int]:
    length = int.from_bytes(sent[at : at + 2])
    if length < 2 or at + length > len(sent):
        raise FileRefused("file_damaged")
    return sent[at + 2 : at + length], at + length


def _end_of_scan(sent: bytes, at: int) -> int:
    found = _NEXT_MARKER.search(sent, at)
    if found is None:
        raise FileRefused("file_damaged")
    return found.start()


def _refuse_odd_frame(body: bytes, frames: int) -> None:
    if frames > 1 or len(body) < 6:
        raise FileRefused("file_damaged")
    height, width = struct.unpack_from(">HH", body, 1)
    refuse_too_large(width, height)


def _written(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
