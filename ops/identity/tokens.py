"""Signs the access tokens of personas (RFC 9068)."""

import secrets
from datetime import datetime
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey

from ops.identity.personas import Persona

LIFE_SECONDS: Final = 300
CLIENT_ID: Final = "avrr-development"


def mint(persona: Persona, key: ECKey, issuer: str, audience: str, now: datetime) -> str:
    """An access token of this persona, signed ES256, good for 300 seconds from `now`, its time of login."""
    issued = int(now.timestamp())
    claims = {
        "iss": issuer,
        "sub": persona.subject,
        "aud": audience,
        "iat": issued,
        "exp": issued + LIFE_SECONDS,
        "jti": secrets.token_urlsafe(16),
        "client_id": CLIENT_ID,
        "roles": [persona.role.value],
        "org": persona.organisation,
        "countries": list(persona.countries),
        "sites": list(persona.sites),
        "acr": persona.acr,
        "auth_time": issued,
    }
    header = {"typ": "at+jwt", "alg": "ES256", "kid": key.kid or key.thumbprint()}
    return jwt.encode(header, claims, key, algorithms=["ES256"])
