"""Reads what a browser or a client sends: forms and queries whose parameters stand there once."""

from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

_MAX_FIELDS: Final = 24
_FORM: Final = "application/x-www-form-urlencoded"


class Unreadable(Exception):
    """Not a form, not ASCII, or a parameter that stands there twice (RFC 6749 section 3.2)."""


def query_of(request: Request) -> dict[str, str]:
    """The parameters of the address."""
    return _once(request.scope["query_string"])


async def form_of(request: Request) -> dict[str, str]:
    """The parameters of the body."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Unreadable
    return _once(await request.body())


def _once(encoded: bytes) -> dict[str, str]:
    if not encoded:
        return {}
    try:
        fields = parse_qsl(
            encoded.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MAX_FIELDS
        )
    except ValueError:
        raise Unreadable from None
    if len(dict(fields)) != len(fields):
        raise Unreadable
    return dict(fields)
