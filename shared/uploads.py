"""Routes that take a file instead of a form, or hand one out: which command they give, and how files travel."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi.responses import StreamingResponse

from shared.files.media import EXTENSIONS, MEDIA_TYPES, MediaType
from shared.messages import Command

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])

# A file comes as slowly as its sender's line lets it, and no slower than this.
UPLOAD_SECONDS: Final = 120.0
# Each is held whole while it is looked at.
UPLOADS_AT_A_TIME: Final = 4
_MARK: Final = "__avrr_upload__"
_A_FILE: Final = {"schema": {"type": "string", "format": "binary"}}
# How the document of the API describes a body that is a file, and an answer that is one.
FILE_SENT: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": dict.fromkeys(MEDIA_TYPES, _A_FILE)}
}
FILE_HANDED_OUT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": dict.fromkeys(MEDIA_TYPES, _A_FILE), "description": "The file as it is kept."}
}


@dataclass(frozen=True, slots=True)
class Upload:
    """What a route does with a file: the command that it gives, and the most bytes that it reads."""

    command: type[Command]
    most_bytes: int


def takes_file(command: type[Command], most_bytes: int) -> Callable[[Endpoint], Endpoint]:
    """Marks a route's function as one that makes this command out of a file of so many bytes at most."""

    def marked(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _MARK, Upload(command, most_bytes))
        return endpoint

    return marked


def upload_of(route: object) -> Upload | None:
    """What a route does with a file; None for one that takes none, and where no route was found."""
    found = getattr(getattr(route, "endpoint", None), _MARK, None)
    return found if isinstance(found, Upload) else None


def handed_out(pieces: AsyncIterator[bytes], media_type: MediaType, size: int, name: str) -> StreamingResponse:
    """A kept file on its way to be saved, under a name of ours, never to be shown in place; ``size`` is in bytes."""
    return StreamingResponse(
        pieces,
        media_type=media_type,
        headers={
            "Content-Length": str(size),
            "Content-Disposition": f'attachment; filename="{name}.{EXTENSIONS[media_type]}"',
            # Beside the policy that every answer has; whoever opens it in a browser all the same opens no page.
            "Content-Security-Policy": "sandbox",
        },
    )
