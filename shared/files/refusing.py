"""The ways in which a file is not taken, each with a stable code and a sentence that says what to do instead."""

from collections.abc import Mapping
from typing import Final

from shared.errors import RuleViolation

SENTENCES: Final[Mapping[str, str]] = {
    "file_empty": "The file is empty. Choose it again.",
    "file_type_unknown": "Only PDF, JPEG and PNG files are taken. Save or photograph it as one of these.",
    "file_is_heic": (
        "This is a HEIC photo, which many of those who must read it cannot open. Send it as JPEG: on an iPhone choose "
        "“Most compatible” under Settings, Camera, Formats, or share the photo as JPEG."
    ),
    "file_type_differs": "The file is of another type than was said. Choose it again.",
    "file_damaged": "The file is damaged or incomplete. Make it again and send the new one.",
    "picture_too_large": "The picture has too many pixels. Send it in a smaller size.",
    "pdf_locked": "This PDF is locked with a password. Save it without one and send that.",
    "pdf_active": (
        "This PDF holds a program, a form that sends data, or another file inside. Print it to a new PDF and send that."
    ),
    "pdf_picture_unknown": (
        "This PDF holds a picture of a kind that cannot be checked. Print it to a new PDF and send that."
    ),
    "pdf_too_long": "This PDF has too many pages or parts. Send the pages that matter.",
    "pdf_too_hard": "This PDF takes too long to check. Print it to a new PDF and send that.",
}


class FileRefused(RuleViolation):
    """A file is not taken, for one of the reasons in `SENTENCES`."""

    def __init__(self, code: str) -> None:
        super().__init__(code, SENTENCES[code])
