"""The provider's HTTP side: discovery, published key, and tokens for whoever holds the development secret.

The one grant, `urn:avrr:persona`, is ours and exists in development only: it names a persona where a real
provider lets a person prove who they are. It is no standard grant, and nothing like it runs in production.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse
from joserfc.jwk import ECKey
from starlette.types import ASGIApp, Receive, Scope, Send

from ops.identity.keys import client_secret, signing_key
from ops.identity.personas import UnknownPersona, persona
from ops.identity.settings import IdentitySettings, is_loopback_address
from ops.identity.tokens import CLIENT_ID, LIFE_SECONDS, mint

PERSONA_GRANT: Final = "urn:avrr:persona"

_MAX_BODY_BYTES: Final = 2048
_UNAUTHORISED: Final = 401
_MAX_FIELDS: Final = 8
_FORM: Final = "application/x-www-form-urlencoded"


class _Refused(Exception):
    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


def create_app(
    settings: IdentitySettings, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> FastAPI:
    """The provider with the key and the secret of its folder; UnsafeFile if others could reach these."""
    key, secret = signing_key(settings.folder), client_secret(settings.folder)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, max_body_size=_MAX_BODY_BYTES)
    app.add_middleware(_LoopbackOnly)
    discovery, key_set = _discovery(settings.issuer), _key_set(key)

    @app.get("/.well-known/openid-configuration")
    async def configuration() -> JSONResponse:
        return JSONResponse(discovery)

    @app.get("/jwks.json")
    async def published_keys() -> JSONResponse:
        return JSONResponse(key_set)

    @app.post("/token")
    async def token(request: Request, authorization: Annotated[str, Header()] = "") -> JSONResponse:
        if not _is_client(authorization, secret):
            raise _Refused("invalid_client", _UNAUTHORISED)
        form = _form(request.headers.get("content-type", ""), await request.body())
        grant, name = form.get("grant_type"), form.get("persona")
        if grant is not None and grant != PERSONA_GRANT:
            raise _Refused("unsupported_grant_type")
        if grant is None or name is None:
            raise _Refused("invalid_request")
        try:
            minted = mint(persona(name), key, settings.issuer, settings.audience, now())
        except UnknownPersona:
            raise _Refused("invalid_grant") from None
        answer = {"access_token": minted, "token_type": "Bearer", "expires_in": LIFE_SECONDS}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    @app.exception_handler(_Refused)
    async def refused(_: Request, refusal: _Refused) -> Response:
        headers = {"Cache-Control": "no-store"}
        if refusal.status == _UNAUTHORISED:
            headers["WWW-Authenticate"] = 'Basic realm="avrr-development"'
        return JSONResponse({"error": refusal.error}, refusal.status, headers=headers)

    return app


def _discovery(issuer: str) -> dict[str, str | list[str]]:
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks.json",
        "token_endpoint": f"{issuer}/token",
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "grant_types_supported": [PERSONA_GRANT],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }


def _key_set(key: ECKey) -> dict[str, list[dict[str, str | list[str]]]]:
    return {"keys": [{**key.as_dict(private=False)}]}


def _is_client(authorization: str, secret: str) -> bool:
    scheme, _, credentials = authorization.partition(" ")
    try:
        presented = base64.b64decode(credentials, validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(presented, f"{CLIENT_ID}:{secret}".encode())


def _form(content_type: str, body: bytes) -> dict[str, str]:
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise _Refused("invalid_request")
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MAX_FIELDS
        )
    except ValueError:
        raise _Refused("invalid_request") from None
    # RFC 6749 section 3.2: no parameter may stand there twice.
    if len(dict(fields)) != len(fields):
        raise _Refused("invalid_request")
    return dict(fields)


class _LoopbackOnly:
    # The settings already refuse to bind elsewhere; this holds when somebody hands the app to another server.
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            reached_at, _ = scope.get("server") or ("", None)
            if not is_loopback_address(reached_at):
                await Response(status_code=403)(scope, receive, send)
                return
        await self._app(scope, receive, send)
