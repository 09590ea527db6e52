"""Access tokens of any kind for the tests: with any header, any claims, and a genuine signature of any key."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from pydantic import SecretStr

from shared.auth import Tokens
from shared.jwks import KeySetRefused, VerificationKey, usable_keys
from shared.settings import Settings

ISSUER = "https://identity.example"
NOW = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
SECOND = int(NOW.timestamp())

KEY = ECKey.generate_key("P-256", {"kid": "one"})
P384 = ECKey.generate_key("P-384", {"kid": "p384"})
ED25519 = OKPKey.generate_key("Ed25519", {"kid": "ed"})
ED448 = OKPKey.generate_key("Ed448", {"kid": "ed448"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
STRANGER = ECKey.generate_key("P-256", {"kid": "one"})

GOOD_HEADER: Mapping[str, object] = {"alg": "ES256", "kid": "one", "typ": "at+jwt"}
GOOD_CLAIMS: Mapping[str, object] = {
    "iss": ISSUER,
    "sub": "staff:finance-approver",
    "aud": "avrr",
    "iat": SECOND,
    "exp": SECOND + 300,
    "roles": ["finance_approver"],
    "org": "iom_ba",
    "countries": ["BA", "TN"],
    "sites": ["trc_lipa"],
    "acr": "phr",
    "auth_time": SECOND - 60,
}


class KeysAtHand:
    """A set of public keys that a test can change, as a provider would between two fetches."""

    def __init__(
        self, *keys: ECKey | OKPKey | RSAKey, algorithms: tuple[str, ...] = ("ES256", "Ed25519")
    ) -> None:
        self.algorithms = frozenset(algorithms)
        self.lookups = 0
        self.publish(*keys)

    def publish(self, *keys: ECKey | OKPKey | RSAKey) -> None:
        document = {"keys": [key.as_dict(private=False) for key in keys]}
        self.keys = usable_keys(document, self.algorithms)

    async def key(self, kid: str) -> VerificationKey | None:
        self.lookups += 1
        return self.keys.get(kid)


class NoKeys:
    async def key(self, kid: str) -> VerificationKey | None:
        raise KeySetRefused(f"nothing is known about {len(kid)} characters")


def settings(**changes: str | tuple[str, ...] | int) -> Settings:
    given = {"oidc_issuer": ISSUER, "nats_url": "nats://127.0.0.1:4222", **changes}
    unused = SecretStr("postgresql://nowhere")
    return Settings.model_validate({**given, "api_database_url": unused, "worker_database_url": unused})


def segment(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(
    header: object, claims: object, key: ECKey | OKPKey | RSAKey = KEY, algorithm: str = "ES256"
) -> str:
    """A token with any header and any payload and a genuine signature of this key."""
    content = f"{segment(header)}.{segment(claims)}"
    signature = JWSRegistry.algorithms[algorithm].sign(content.encode(), key)
    return f"{content}.{segment(signature)}"


def header(**changes: object) -> dict[str, object]:
    return {**GOOD_HEADER, **changes}


def claims(**changes: object) -> dict[str, object]:
    return {**GOOD_CLAIMS, **changes}


def without(given: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in given.items() if key != name}


def tokens(
    keys: KeysAtHand | NoKeys | None = None, now: Callable[[], datetime] = lambda: NOW, **changes: str
) -> Tokens:
    return Tokens(settings(**changes), keys or KeysAtHand(KEY), now)


GOOD = signed(GOOD_HEADER, GOOD_CLAIMS)
