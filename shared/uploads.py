"""Routes that take a file instead of a form: which command they give, and how long a body they read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from shared.messages import Command

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])

# A file comes as slowly as its sender's line lets it, and no slower than this.
UPLOAD_SECONDS: Final = 120.0
# Each is held whole while it is looked at.
UPLOADS_AT_A_TIME: Final = 4
_MARK: Final = "__avrr_upload__"


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
