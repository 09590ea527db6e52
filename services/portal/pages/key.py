"""How a page sends its reader to touch the security key (RFC 9470) and what it learns from the service's demand."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from fastapi import Response

from services.portal import sign_in
from services.portal.client import Answer
from services.portal.pages.frame import Page

_ACR_VALUES: Final = re.compile(r'acr_values="([^"]*)"')
_NEEDED: Final = "insufficient_user_authentication"
# Kept like a form for its person and page, and given back once: a form in which nothing was typed.
_NO_FIELDS: Final[Mapping[str, Sequence[str]]] = {}


def key_needed(answer: Answer) -> bool:
    """Whether a service wants a stronger or fresher sign-in before it answers."""
    return answer.code == _NEEDED


def acr_values_of(answer: Answer) -> str:
    """Which sign-in would be strong enough, as the service says."""
    found = _ACR_VALUES.search(answer.headers.get("www-authenticate", ""))
    return found[1] if found else ""


async def to_the_key(page: Page, answer: Answer, back: str, *, goes_on: bool = False) -> Response:
    """To the provider, and from there back to a page of ours; whether it then goes on by itself `goes_on` tells it once."""
    return await sign_in.step_up(page.request, page.session, back, _NO_FIELDS if goes_on else None, acr_values_of(answer))


async def goes_on(page: Page) -> bool:
    """Whether this person was sent to the key from what this page leads to, and comes back for the first time.

    Without this a link from anywhere would do the same.
    """
    return await sign_in.kept_form(page.request, page.session, page.path) is not None
