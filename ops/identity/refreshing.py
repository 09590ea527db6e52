"""Refresh tokens: how a client keeps a sign-in going without its person, in chains in which each token counts once."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ops.identity.clients import Client
from ops.identity.sign_in import Browser, Coded, Unacceptable
from ops.identity.tokens import SignIn

IDLE_SECONDS: Final = 15 * 60
LONGEST_SECONDS: Final = 8 * 3600

_MOST: Final = 50_000


@dataclass(slots=True, eq=False)
class _Chain:
    """All tokens that follow from one code; `newest` is the only one that counts."""

    client_id: str
    browser: Browser
    sign_in: SignIn
    ends: float
    newest: str = ""
    good_until: float = 0.0


class Chains:
    """The refresh tokens of one provider process, which end with it.

    Each use gives the next one. A token that was used before ends its chain, as nobody can tell then who else has one
    (RFC 9700 section 4.14), and so does 15 minutes without any use, 8 hours, and the end of the person's sign-in or
    somebody else's in its place, and that they were suspended. How strongly and when the person signed in stays what it was.
    """

    def __init__(self, now: Callable[[], datetime], stands: Callable[[SignIn], bool]) -> None:
        self._now = now
        self._stands = stands
        self._chains: dict[str, _Chain] = {}

    def begin(self, coded: Coded, client: Client) -> str:
        """The first token of a sign-in."""
        now = self._now().timestamp()
        return self._next(_Chain(client.id, coded.browser, coded.sign_in, now + LONGEST_SECONDS))

    def use(self, token: str, client: Client) -> tuple[SignIn, str]:
        """The sign-in that goes on, and the next token; Unacceptable unless this is the newest one of a living chain."""
        chain = self._chains.get(token)
        if chain is None:
            raise Unacceptable("invalid_grant")
        now = self._now().timestamp()
        present = chain.browser.present
        alive = (
            secrets.compare_digest(token, chain.newest)
            and chain.client_id == client.id
            and now < chain.good_until
            and present is not None
            and present.persona == chain.sign_in.persona
            and self._stands(chain.sign_in)
        )
        if not alive:
            chain.newest = ""
            raise Unacceptable("invalid_grant")
        return chain.sign_in, self._next(chain)

    def _next(self, chain: _Chain) -> str:
        while len(self._chains) >= _MOST:
            del self._chains[next(iter(self._chains))]
        chain.newest = secrets.token_urlsafe(32)
        chain.good_until = min(self._now().timestamp() + IDLE_SECONDS, chain.ends)
        self._chains[chain.newest] = chain
        return chain.newest
