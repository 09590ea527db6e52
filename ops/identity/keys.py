"""The provider's signing keys: announced before they sign, published until the last token they signed has ended."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from ops.identity.private_files import UnsafeFile, kept, replaced
from shared.auth import LEEWAY_SECONDS
from shared.jwks import MAX_KEYS

KEYS_FILE: Final = "signing-keys.json"
AHEAD: Final = 2
# How long a token lives, and with it the key that signed it.
LIFE_SECONDS: Final = 300

PublicKey = Mapping[str, str | list[str]]


class RotatedTooOften(Exception):
    """Another key would make the published set longer than a service reads."""


class KeyRing:
    """The key that signs, those announced to follow it, and the retired ones whose tokens may still live.

    Announce, then sign: a rotation signs with the key that was announced longest, and announces a further one. A
    service that fetches the set knows the next `AHEAD` signing keys too. It fetches again when it meets a key id that
    it does not know, but not within 30 seconds of its last fetch, because anybody can make up a key id; so that up to
    `AHEAD` rotations in 30 seconds go unnoticed whenever its last fetch was, and whoever caused it. A provider that
    signed at once with a new key would have its tokens refused until the pause is over.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._path = folder / KEYS_FILE
        self._now = now
        content = kept(self._path, lambda: _written(_new_key(), [_new_key() for _ in range(AHEAD)], []))
        self._signing, self._announced, self._retired = _read(content)

    @property
    def signing(self) -> ECKey:
        """The private key that signs now."""
        return self._signing

    def published(self) -> list[PublicKey]:
        """The public half of every key that a service should accept, or will soon have to."""
        now = self._now().timestamp()
        alive = [key for key, until in self._retired if now < until]
        return [public_half(key) for key in (self._signing, *self._announced, *alive)]

    def rotate(self, *, retire_now: bool = False) -> None:
        """Signs with the next announced key from now on; RotatedTooOften if too many keys are still in use.

        The old key stays published for as long as its tokens may live, or, if it is no longer to be trusted, is gone
        at once.
        """
        now = self._now().timestamp()
        retired = [(key, until) for key, until in self._retired if now < until]
        if not retire_now:
            retired.append((self._signing, now + LIFE_SECONDS + LEEWAY_SECONDS))
        signing, announced = self._announced[0], [*self._announced[1:], _new_key()]
        if 1 + len(announced) + len(retired) > MAX_KEYS:
            raise RotatedTooOften
        replaced(self._path, _written(signing, announced, retired))
        self._signing, self._announced, self._retired = signing, announced, retired


def public_half(key: ECKey) -> PublicKey:
    """What is published of a key."""
    return {**key.as_dict(private=False)}


def _new_key() -> ECKey:
    # It names itself by its RFC 7638 thumbprint.
    return ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True, auto_kid=True)


def _written(signing: ECKey, announced: list[ECKey], retired: list[tuple[ECKey, float]]) -> bytes:
    content = {
        "signing": signing.as_dict(private=True),
        "announced": [key.as_dict(private=True) for key in announced],
        # Nothing is signed with these again, so their private halves are forgotten.
        "retired": [{"key": key.as_dict(private=False), "until": until} for key, until in retired],
    }
    return json.dumps(content).encode()


def _read(content: bytes) -> tuple[ECKey, list[ECKey], list[tuple[ECKey, float]]]:
    try:
        found = json.loads(content)
        signing = _usable(found["signing"], private=True)
        announced = [_usable(key, private=True) for key in found["announced"]]
        retired = [
            (_usable(entry["key"], private=False), float(entry["until"])) for entry in found["retired"]
        ]
    except (JoseError, ValueError, TypeError, KeyError):
        raise UnsafeFile(KEYS_FILE, "holds no keys") from None
    if len(announced) != AHEAD:
        raise UnsafeFile(KEYS_FILE, "announces too few keys or too many")
    return signing, announced, retired


def _usable(content: dict[str, str | list[str]], *, private: bool) -> ECKey:
    key = ECKey.import_key(content)
    if key.is_private != private or key.curve_name != "P-256" or not key.kid:
        raise UnsafeFile(KEYS_FILE, "holds another kind of key")
    return key
