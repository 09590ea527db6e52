"""What the provider signs: access tokens of persons and of programs (RFC 9068), and ID tokens for the portal."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from ops.identity.clients import Client
from ops.identity.forging import FORGERIES, Genuine
from ops.identity.keys import LIFE_SECONDS, KeyRing, PublicKey
from ops.identity.personas import Persona

ALGORITHM: Final = "ES256"
ACCESS_TOKEN: Final = "at+jwt"  # noqa: S105 -- a media type
ID_TOKEN: Final = "JWT"  # noqa: S105 -- a media type


@dataclass(frozen=True, slots=True)
class SignIn:
    """That a persona signed in: how strongly, and when."""

    persona: Persona
    acr: str
    at: datetime


class Mint:
    """Makes the tokens of one issuer for one audience, each good for 300 seconds."""

    def __init__(self, issuer: str, audience: str, keys: KeyRing, now: Callable[[], datetime]) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._now = now

    def of_person(self, sign_in: SignIn, client: Client) -> str:
        """The access token of somebody who signed in."""
        return _signed(ACCESS_TOKEN, self._of_person(sign_in, client), self._keys.signing)

    def of_machine(self, client: Client) -> str:
        """The access token of a program that acts on its own: nobody signed in, so it says neither how nor when."""
        scope: dict[str, object] = {
            "roles": [client.role] if client.role else [],
            "org": client.organisation,
            "countries": list(client.countries),
            "sites": [],
        }
        return _signed(ACCESS_TOKEN, self._access(client.subject, client) | scope, self._keys.signing)

    def id_token(self, sign_in: SignIn, client: Client, nonce: str) -> str:
        """What tells a client who signed in; by its type and audience no service takes it for an access token."""
        claims = self._common(sign_in.persona.subject, client.id) | _said_of(sign_in, client)
        return _signed(ID_TOKEN, claims | {"nonce": nonce, "name": sign_in.persona.name}, self._keys.signing)

    def forged(self, kind: str, sign_in: SignIn, client: Client) -> str:
        """A token that no service may accept; KeyError if there is no such kind."""
        key = self._keys.signing
        now = int(self._now().timestamp())
        return FORGERIES[kind].make(Genuine(_header(ACCESS_TOKEN, key), self._of_person(sign_in, client), key, now))

    def subject_of(self, id_token: str, client: Client) -> str | None:
        """Whom one of our ID tokens of this client names, even if it has expired; None for anything else."""
        for public in self._keys.published():
            try:
                found = jwt.decode(id_token, _imported(public), algorithms=[ALGORITHM])
            except (JoseError, ValueError, TypeError, RecursionError):
                continue
            if found.header.get("typ") == ID_TOKEN and found.claims.get("aud") == client.id:
                subject = found.claims.get("sub")
                return subject if isinstance(subject, str) else None
        return None

    def _of_person(self, sign_in: SignIn, client: Client) -> dict[str, object]:
        return self._access(sign_in.persona.subject, client) | _said_of(sign_in, client)

    def _access(self, subject: str, client: Client) -> dict[str, object]:
        return self._common(subject, self._audience) | {
            "jti": secrets.token_urlsafe(16),
            "client_id": client.id,
        }

    def _common(self, subject: str, audience: str) -> dict[str, object]:
        issued = int(self._now().timestamp())
        return {
            "iss": self._issuer,
            "sub": subject,
            "aud": audience,
            "iat": issued,
            "exp": issued + LIFE_SECONDS,
        }


def _said_of(sign_in: SignIn, client: Client) -> dict[str, object]:
    persona = sign_in.persona
    return {
        "roles": [role.value for role in (persona.role, persona.also) if role in client.brings],
        "org": persona.organisation,
        "countries": list(persona.countries),
        "sites": list(persona.sites),
        "acr": sign_in.acr,
        "auth_time": int(sign_in.at.timestamp()),
    }


def _header(kind: str, key: ECKey) -> dict[str, object]:
    return {"typ": kind, "alg": ALGORITHM, "kid": key.kid}


def _signed(kind: str, claims: Mapping[str, object], key: ECKey) -> str:
    return jwt.encode(_header(kind, key), dict(claims), key, algorithms=[ALGORITHM])


def _imported(public: PublicKey) -> ECKey:
    return ECKey.import_key(dict(public))
