"""Which files are taken, and how long each may be."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

MediaType = Literal["application/pdf", "image/jpeg", "image/png"]
MEDIA_TYPES: Final[tuple[MediaType, ...]] = get_args(MediaType)
EXTENSIONS: Final[Mapping[MediaType, str]] = {
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
}
MOST_BYTES: Final = 10 * 1024 * 1024
