"""The provider as one app: discovery, published keys, pages for people, endpoints for programs; on loopback only."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ops.identity.clients import (
    CODE_GRANT,
    CREDENTIALS_GRANT,
    DEVICE_GRANT,
    PERSONA_GRANT,
    PORTAL_CLIENT,
    REFRESH_GRANT,
    client_of,
    development_secret,
    secret_of,
)
from ops.identity.device_routes import DeviceRoutes
from ops.identity.devices import Devices
from ops.identity.keys import KeyRing
from ops.identity.personas import ACR_PHISHING_RESISTANT, ACR_PLAIN
from ops.identity.settings import IdentitySettings, is_loopback_address
from ops.identity.sign_in import SignIns
from ops.identity.sign_in_routes import Fault, SignInRoutes, fault_answer
from ops.identity.staff import Staff
from ops.identity.token_routes import Refused, TokenRoutes, refusal_answer
from ops.identity.tokens import ALGORITHM, Mint

_MAX_BODY_BYTES: Final = 2048
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_DEFAULT_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


def create_app(
    settings: IdentitySettings, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> FastAPI:
    """The provider with the keys and the secrets of its folder; UnsafeFile if others could reach these."""
    keys = KeyRing(settings.folder, now)
    # Made at the start, so that whoever reads the folder afterwards finds them there.
    development_secret(settings.folder)
    portal = client_of(PORTAL_CLIENT)
    assert portal is not None
    secret_of(settings.folder, portal)
    mint = Mint(settings.issuer, settings.audience, keys, now)
    staff = Staff(settings.folder, now)
    sign_ins = SignIns(now, staff.stands)
    discovery = _discovery(settings.issuer)

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, max_body_size=_MAX_BODY_BYTES)
    app.add_middleware(_HereOnly, issuer=settings.issuer)
    devices = Devices(now, staff.stands)
    app.include_router(SignInRoutes(settings.issuer, sign_ins, mint, staff, now, devices).router())
    app.include_router(DeviceRoutes(settings.issuer, sign_ins, devices, staff).router())
    app.include_router(TokenRoutes(settings.folder, keys, mint, sign_ins, staff, now, devices).router())

    @app.get("/.well-known/openid-configuration")
    async def configuration() -> JSONResponse:
        return JSONResponse(discovery)

    @app.get("/jwks.json")
    async def published_keys() -> JSONResponse:
        return JSONResponse({"keys": [dict(key) for key in keys.published()]})

    @app.exception_handler(Refused)
    async def refused(_: Request, refusal: Refused) -> Response:
        return refusal_answer(refusal)

    @app.exception_handler(Fault)
    async def fault(_: Request, found: Fault) -> Response:
        return fault_answer(found)

    return app


def _discovery(issuer: str) -> dict[str, str | bool | list[str]]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "device_authorization_endpoint": f"{issuer}/device/authorize",
        "end_session_endpoint": f"{issuer}/end-session",
        "jwks_uri": f"{issuer}/jwks.json",
        "scopes_supported": ["openid"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [CODE_GRANT, REFRESH_GRANT, CREDENTIALS_GRANT, DEVICE_GRANT, PERSONA_GRANT],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
        "acr_values_supported": [ACR_PLAIN, ACR_PHISHING_RESISTANT],
        "prompt_values_supported": ["none", "login"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": [
            "iss", "sub", "aud", "iat", "exp", "nonce", "name", "acr", "auth_time",
            "roles", "org", "countries", "sites",
        ],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }  # fmt: skip


class _HereOnly:
    # The settings already refuse to listen elsewhere; this holds when somebody hands the app to another server. The
    # name it was reached by is compared too: another site's name can be made to mean this machine.
    def __init__(self, app: ASGIApp, issuer: str) -> None:
        self._app = app
        self._host = issuer.removeprefix("http://").encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *_HEADERS]
                if all(name != _DEFAULT_POLICY[0] for name, _ in headers):
                    headers.append(_DEFAULT_POLICY)
                message["headers"] = headers
            await send(message)

        reached_at, _ = scope.get("server") or ("", None)
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if is_loopback_address(reached_at) and hosts == [self._host]:
            await self._app(scope, receive, answer)
        else:
            await Response(status_code=403)(scope, receive, answer)
