"""Which files are taken, how each of them begins, and how long it may be."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

MediaType = Literal["application/pdf", "image/jpeg", "image/png"]
MEDIA_TYPES: Final[tuple[MediaType, ...]] = get_args(MediaType)
EXTENSIONS: Final[Mapping[MediaType, str]] = {
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
}
# By these first bytes a file is known for what it is.
BEGINS: Final[Mapping[MediaType, bytes]] = {
    "application/pdf": b"%PDF-",
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
}
MOST_BYTES: Final = 10 * 1024 * 1024
# What is brought to be read and is no paper of anybody.
LARGEST_BANK_FILE: Final = 10 * 1024 * 1024
LARGEST_SANCTIONS_LIST: Final = 20_000_000
LARGEST_STAFF_LIST: Final = 1_000_000
LARGEST_SURVEY: Final = 500_000
