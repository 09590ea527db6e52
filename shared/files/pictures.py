"""What JPEG and PNG have in common: bounds of pixels and parts, and the one thing about a photo that is kept, which way is up."""

import struct
from typing import Final

from shared.files.refusing import FileRefused

# A reader's machine unfolds a picture to three or four bytes a pixel; no telephone needs more for a page of paper.
MOST_PIXELS: Final = 80_000_000
MOST_A_SIDE: Final = 16_384
# Each segment or chunk is work however little it holds; the longest file that is taken needs a few thousand of them.
MOST_PARTS: Final = 20_000
EXIF: Final = b"Exif\x00\x00"
_ORIENTATION: Final = 0x0112
_SHORT: Final = 3
_ENTRY_BYTES: Final = 12
_MOST_ENTRIES: Final = 500
_UPRIGHT: Final = 1
_KNOWN: Final = range(1, 9)


def refuse_too_large(width: int, height: int) -> None:
    """Refused unless a picture of this size has some pixels and not too many."""
    if width < 1 or height < 1:
        raise FileRefused("file_damaged")
    if max(width, height) > MOST_A_SIDE or width * height > MOST_PIXELS:
        raise FileRefused("picture_too_large")


def orientation_of(tiff: bytes) -> int:
    """Which way is up by the TIFF structure inside EXIF: 1 to 8; 1, upright, where that cannot be read."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None:
        return _UPRIGHT
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, start)
        for number in range(min(entries, _MOST_ENTRIES)):
            tag, kind, count, value = struct.unpack_from(
                f"{order}HHIH", tiff, start + 2 + number * _ENTRY_BYTES
            )
            if (tag, kind, count) == (_ORIENTATION, _SHORT, 1):
                return value if value in _KNOWN else _UPRIGHT
    except struct.error:
        return _UPRIGHT
    return _UPRIGHT


def tiff_with(orientation: int) -> bytes | None:
    """A TIFF structure that says which way is up and nothing else; None for a picture that is upright anyway."""
    if orientation == _UPRIGHT:
        return None
    return b"MM\x00*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, _SHORT, 1, orientation, 0, 0)
