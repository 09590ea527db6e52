"""What a request says in its headers of being a repeat and of the version that it is meant for."""

import re
from typing import Final

from fastapi import Request

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


def etag(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"v{version}"'
