"""Which characters a font has a picture of, as its table ``cmap`` says (OpenType 1.9, formats 4 and 12)."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_UNICODE: Final = ((3, 10), (0, 4), (0, 6), (3, 1), (0, 3))


def covered(font: Path) -> frozenset[int]:
    """The code points of a TrueType file that is one of our own; ValueError if it does not say."""
    data = font.read_bytes()
    (tables,) = struct.unpack_from(">H", data, 4)
    for number in range(tables):
        tag, _, offset, _ = struct.unpack_from(">4sIII", data, 12 + 16 * number)
        if tag == b"cmap":
            return _in_cmap(data, offset)
    raise ValueError("the font has no cmap")


def _in_cmap(data: bytes, at: int) -> frozenset[int]:
    (tables,) = struct.unpack_from(">H", data, at + 2)
    found = [struct.unpack_from(">HHI", data, at + 4 + 8 * number) for number in range(tables)]
    offsets = {(platform, encoding): at + offset for platform, encoding, offset in found}
    for key in _UNICODE:
        if key in offsets:
            (format,) = struct.unpack_from(">H", data, offsets[key])
            if format == 12:
                return frozenset(_of_groups(data, offsets[key]))
            if format == 4:
                return frozenset(_of_segments(data, offsets[key]))
    raise ValueError("the font's cmap has none of the formats that are read here")


def _of_groups(data: bytes, at: int) -> Iterator[int]:
    (groups,) = struct.unpack_from(">I", data, at + 12)
    for number in range(groups):
        first, last, _ = struct.unpack_from(">III", data, at + 16 + 12 * number)
        yield from range(first, last + 1)


def _of_segments(data: bytes, at: int) -> Iterator[int]:
    (doubled,) = struct.unpack_from(">H", data, at + 6)
    count = doubled // 2
    ends = struct.unpack_from(f">{count}H", data, at + 14)
    starts = struct.unpack_from(f">{count}H", data, at + 16 + doubled)
    for first, last in zip(starts, ends, strict=True):
        if first != 0xFFFF:
            yield from range(first, last + 1)
