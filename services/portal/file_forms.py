"""Forms with a file: how long the file of each may be, how much is read, and what whoever brings a longer one is told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.files.media import (
    LARGEST_BANK_FILE,
    LARGEST_SANCTIONS_LIST,
    LARGEST_STAFF_LIST,
    LARGEST_SURVEY,
    MOST_BYTES,
)

_MEBIBYTE: Final = 1024 * 1024
# What is longer than a file may be is read as well, and not kept: whoever chose too large a one is told so on the page,
# and not by a connection that breaks.
_BEYOND: Final = 8 * _MEBIBYTE
# From somebody who is signed in a file comes as slowly as their line lets it: the longest paper at 400 kbit/s.
UPLOAD_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class FileForm:
    """What a form with a file may bring; ``too_large`` is the refusal of a longer file, which states the bound."""

    most_bytes: int
    too_large: str

    @property
    def body_bytes(self) -> int:
        """How much is read of the whole form, in whole mebibytes."""
        return -(-(self.most_bytes + _BEYOND) // _MEBIBYTE) * _MEBIBYTE

    @property
    def seconds(self) -> float:
        """How long it may take to come."""
        return UPLOAD_SECONDS * max(1.0, self.most_bytes / MOST_BYTES)


# By the path of the page that takes it, as its route says it.
FILE_FORMS: Final[Mapping[str, FileForm]] = {
    "/grants/{grant_id}/evidence": FileForm(MOST_BYTES, "file_too_large"),
    "/persons/{person_id}/consents/{consent_id}": FileForm(MOST_BYTES, "file_too_large"),
    "/bank-files": FileForm(LARGEST_BANK_FILE, "bank_file_too_large"),
    "/bank-files/{file_id}/confirm": FileForm(LARGEST_BANK_FILE, "bank_file_too_large"),
    "/bring/accounts-of-staff": FileForm(LARGEST_STAFF_LIST, "staff_list_too_large"),
    "/bring/sanctions": FileForm(LARGEST_SANCTIONS_LIST, "sanctions_list_too_large"),
    "/bring/survey": FileForm(LARGEST_SURVEY, "survey_too_large"),
}
# What a connection has to take, and a proxy in front.
MAX_UPLOAD_BYTES: Final = max(form.body_bytes for form in FILE_FORMS.values())
_AT: Final = tuple((re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), form) for path, form in FILE_FORMS.items())


def file_form(method: str, path: str) -> FileForm | None:
    """The form with a file that is sent to this path; None where none is."""
    return next((form for at, form in _AT if at.fullmatch(path)), None) if method == "POST" else None
