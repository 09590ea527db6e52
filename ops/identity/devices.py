"""Who waits without a browser for somebody's sign-in in a browser elsewhere (RFC 8628); in memory."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from ops.identity.clients import Client
from ops.identity.sign_in import Unacceptable
from ops.identity.tokens import SignIn

LIFE_SECONDS: Final = 600
# Both ends are on one machine.
INTERVAL_SECONDS: Final = 1
SLOWER_SECONDS: Final = 5

_MOST: Final = 1000
# RFC 8628 section 6.1: no vowels, so that no word comes of it, and nothing that looks like something else.
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
_HALF: Final = 4


@dataclass(frozen=True, slots=True)
class Begun:
    """What a program is told: the code that it keeps to itself, and the one that its person types elsewhere."""

    device_code: str
    user_code: str


@dataclass(slots=True, eq=False)
class _Device:
    client: Client
    user_code: str
    until: float
    interval: int
    may_ask_at: float
    stands: Literal["waits", "denied"] | SignIn = "waits"


class Devices:
    """The programs of one provider that wait, each for ten minutes; ``stands`` says whether a sign-in of before still counts."""

    def __init__(self, now: Callable[[], datetime], stands: Callable[[SignIn], bool]) -> None:
        self._now = now
        self._stands = stands
        self._devices: dict[str, _Device] = {}

    def begin(self, client: Client) -> Begun:
        """Lets a program wait for somebody."""
        while len(self._devices) >= _MOST:
            del self._devices[next(iter(self._devices))]
        device_code, now = secrets.token_urlsafe(32), self._now().timestamp()
        letters = "".join(secrets.choice(_LETTERS) for _ in range(2 * _HALF))
        user_code = f"{letters[:_HALF]}-{letters[_HALF:]}"
        self._devices[device_code] = _Device(client, user_code, now + LIFE_SECONDS, INTERVAL_SECONDS, now)
        return Begun(device_code, user_code)

    def typed(self, text: str) -> tuple[str, Client] | None:
        """The code that somebody typed, as it was told, and who waits for it; None if nobody does. Case and dash are not looked at."""
        letters = "".join(letter for letter in text.upper() if letter in _LETTERS)
        found = self._waiting(f"{letters[:_HALF]}-{letters[_HALF:]}")
        return (found.user_code, found.client) if found is not None else None

    def decide(self, user_code: str, decided: Literal["denied"] | SignIn) -> bool:
        """Gives the program that waits the sign-in, or tells it that there is none; whether it still waited."""
        found = self._waiting(user_code)
        if found is not None:
            found.stands = decided
        return found is not None

    def collect(self, device_code: str, client: Client) -> SignIn:
        """The sign-in that a program waited for, once; Unacceptable with the code of RFC 8628 section 3.5 as long as there is none."""
        found, now = self._devices.get(device_code), self._now().timestamp()
        if found is None or found.client.id != client.id:
            raise Unacceptable("invalid_grant")
        if now >= found.until:
            raise Unacceptable("expired_token")
        if now < found.may_ask_at:
            found.interval += SLOWER_SECONDS
            found.may_ask_at = now + found.interval
            raise Unacceptable("slow_down")
        if found.stands == "waits":
            found.may_ask_at = now + found.interval
            raise Unacceptable("authorization_pending")
        del self._devices[device_code]
        if not isinstance(found.stands, SignIn) or not self._stands(found.stands):
            raise Unacceptable("access_denied")
        return found.stands

    def _waiting(self, user_code: str) -> _Device | None:
        now = self._now().timestamp()
        return next(
            (one for one in self._devices.values() if one.user_code == user_code and one.stands == "waits" and now < one.until), None
        )
