"""What a request says in its headers of being a repeat and of the version that it is meant for."""

import hashlib
import re
from typing import Final

from fastapi import Request
from pydantic import TypeAdapter

from shared.errors import RuleViolation

_KEY: Final = re.compile(r"^[\x21-\x7e]{8,128}$")


def idempotency_key(request: Request) -> str:
    """The ``Idempotency-Key`` that every change of state needs; raises `RuleViolation`."""
    key = request.headers.get("idempotency-key")
    if key is None:
        raise RuleViolation("idempotency_key_required", "Send an Idempotency-Key, so that a repeat does no harm.")
    if not _KEY.match(key):
        raise RuleViolation("idempotency_key_unreadable", "An Idempotency-Key has 8 to 128 printable characters.")
    return key


def expected_version(request: Request) -> int | None:
    """The version that ``If-Match`` names, None without one; raises `RuleViolation`."""
    stated = request.headers.get("if-match")
    if stated is None:
        return None
    found = re.fullmatch(r'"v(\d{1,9})"', stated)
    if found is None:
        raise RuleViolation("if_match_unreadable", "If-Match takes the ETag of the version that you read.")
    return int(found[1])


def refuse_without_version(request: Request) -> None:
    """For a command that takes the place of what its sender was shown: raises `RuleViolation` without ``If-Match``."""
    if request.headers.get("if-match") is None:
        raise RuleViolation(
            "if_match_required", "Send If-Match with the ETag of what you read, so that nothing is replaced unseen."
        )


def version_shown(shown: object) -> int:
    """What stands for the version towards a reader to whom not everything is told; ``shown`` is all that is.

    It changes when what is shown does, and else not: by a version that is counted, a reader would count what is hidden.
    """
    told = TypeAdapter[object](type(shown)).dump_json(shown)
    return int.from_bytes(hashlib.sha256(told).digest()) % 999_999_999 + 1


def etag(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"v{version}"'
