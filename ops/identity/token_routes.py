"""The provider's side that programs ask: tokens for a code or a refresh token, for a program, for a persona; new keys.

The grant `urn:avrr:persona` is ours and exists in development only: it names a persona where a real provider lets a
person prove who they are. It is no standard grant, and nothing like it runs in production.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from ops.identity.clients import (
    CODE_GRANT,
    CREDENTIALS_GRANT,
    DEVELOPMENT_CLIENT,
    DEVICE_GRANT,
    PERSONA_GRANT,
    REFRESH_GRANT,
    Client,
    client_of,
    secret_of,
)
from ops.identity.devices import Devices
from ops.identity.forging import FORGERIES
from ops.identity.keys import LIFE_SECONDS, KeyRing, RotatedTooOften
from ops.identity.parameters import Unreadable, form_of
from ops.identity.personas import ACR_PHISHING_RESISTANT, ACR_PLAIN, UnknownPersona
from ops.identity.refreshing import Chains
from ops.identity.sign_in import SignIns, Unacceptable
from ops.identity.staff import Staff
from ops.identity.tokens import Mint, SignIn

_UNAUTHORISED: Final = 401
_CONFLICT: Final = 409
_OLDEST_SIGN_IN: Final = 86_400
_GRANTS: Final = frozenset({CODE_GRANT, REFRESH_GRANT, CREDENTIALS_GRANT, DEVICE_GRANT, PERSONA_GRANT})


class Refused(Exception):
    """What a program is told; `error` is its OAuth code."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


class TokenRoutes:
    """The endpoints of one provider that need a client's secret, or the name of one that has none."""

    def __init__(
        self, folder: Path, keys: KeyRing, mint: Mint, sign_ins: SignIns, staff: Staff, now: Callable[[], datetime],
        devices: Devices,
    ) -> None:  # fmt: skip
        self._folder = folder
        self._keys = keys
        self._mint = mint
        self._sign_ins = sign_ins
        self._staff = staff
        self._devices = devices
        self._chains = Chains(now, sign_ins.stands)
        self._now = now

    def router(self) -> APIRouter:
        """The routes, to be included in an app that answers `Refused` by `refusal_answer`."""
        router = APIRouter()
        router.add_api_route("/token", self._token, methods=["POST"], response_model=None)
        router.add_api_route("/development/rotate", self._rotate, methods=["POST"], response_model=None)
        return router

    async def _token(self, request: Request) -> Response:
        client, form = await self._asked(request)
        grant = form.get("grant_type")
        if grant is None:
            raise Refused("invalid_request")
        if grant not in _GRANTS:
            raise Refused("unsupported_grant_type")
        if grant not in client.grants:
            raise Refused("unauthorized_client")
        answer: dict[str, str | int] = {"token_type": "Bearer", "expires_in": LIFE_SECONDS}
        if grant == CREDENTIALS_GRANT:
            answer["access_token"] = self._mint.of_machine(client)
        elif grant == CODE_GRANT:
            answer |= self._for_code(client, form)
        elif grant == REFRESH_GRANT:
            answer |= self._for_refresh(client, form)
        elif grant == DEVICE_GRANT:
            answer["access_token"] = self._for_device(client, form)
        else:
            answer["access_token"] = self._for_persona(client, form)
        return JSONResponse(answer)

    def _for_code(self, client: Client, form: Mapping[str, str]) -> dict[str, str]:
        if form.get("client_id", client.id) != client.id:
            raise Refused("invalid_request")
        try:
            code, redirect_uri, verifier = form["code"], form["redirect_uri"], form["code_verifier"]
        except KeyError:
            raise Refused("invalid_request") from None
        try:
            coded = self._sign_ins.redeem(code, client, redirect_uri, verifier)
        except Unacceptable as refusal:
            raise Refused(refusal.error) from None
        going_on = {"refresh_token": self._chains.begin(coded, client)} if REFRESH_GRANT in client.grants else {}
        return going_on | {
            "access_token": self._mint.of_person(coded.sign_in, client),
            "id_token": self._mint.id_token(coded.sign_in, client, coded.asked.nonce),
            "scope": "openid",
        }

    def _for_refresh(self, client: Client, form: Mapping[str, str]) -> dict[str, str]:
        if form.get("client_id", client.id) != client.id or "refresh_token" not in form:
            raise Refused("invalid_request")
        try:
            sign_in, following = self._chains.use(form["refresh_token"], client)
        except Unacceptable as refusal:
            raise Refused(refusal.error) from None
        return {
            "access_token": self._mint.of_person(sign_in, client), "refresh_token": following, "scope": "openid"
        }

    def _for_device(self, client: Client, form: Mapping[str, str]) -> str:
        if "device_code" not in form:
            raise Refused("invalid_request")
        try:
            return self._mint.of_person(self._devices.collect(form["device_code"], client), client)
        except Unacceptable as refusal:
            raise Refused(refusal.error) from None

    def _for_persona(self, client: Client, form: Mapping[str, str]) -> str:
        try:
            chosen = self._staff.persona(form["persona"])
        except KeyError:
            raise Refused("invalid_request") from None
        except UnknownPersona:
            raise Refused("invalid_grant") from None
        acr, age = form.get("acr", chosen.acr), form.get("auth_age", "0")
        if acr not in {ACR_PLAIN, ACR_PHISHING_RESISTANT}:
            raise Refused("invalid_request")
        if not (age.isascii() and age.isdecimal() and len(age) < 6 and int(age) <= _OLDEST_SIGN_IN):
            raise Refused("invalid_request")
        sign_in = SignIn(chosen, acr, self._now() - timedelta(seconds=int(age)))
        forge = form.get("forge")
        if forge is None:
            return self._mint.of_person(sign_in, client)
        if forge not in FORGERIES:
            raise Refused("invalid_request")
        return self._mint.forged(forge, sign_in, client)

    async def _rotate(self, request: Request) -> Response:
        if self._client(request).id != DEVELOPMENT_CLIENT:
            raise Refused("unauthorized_client")
        retire = (await _form(request)).get("retire", "later") if await request.body() else "later"
        if retire not in {"now", "later"}:
            raise Refused("invalid_request")
        try:
            self._keys.rotate(retire_now=retire == "now")
        except RotatedTooOften:
            raise Refused("rotated_too_often", _CONFLICT) from None
        return JSONResponse({"kid": self._keys.signing.kid})

    async def _asked(self, request: Request) -> tuple[Client, Mapping[str, str]]:
        if "authorization" in request.headers:
            return self._client(request), await _form(request)
        # RFC 6749 section 3.2.1: who has no secret says its name, and nobody else comes without one.
        try:
            form = await form_of(request)
        except Unreadable:
            raise Refused("invalid_client", _UNAUTHORISED) from None
        client = client_of(form.get("client_id", ""))
        if client is None or not client.public:
            raise Refused("invalid_client", _UNAUTHORISED)
        return client, form

    def _client(self, request: Request) -> Client:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        try:
            name, _, secret = base64.b64decode(credentials, validate=True).partition(b":")
            client = client_of(name.decode("ascii"))
        except (binascii.Error, ValueError):
            raise Refused("invalid_client", _UNAUTHORISED) from None
        # Derived or read only for a name that exists, so that nobody makes us write files by guessing names.
        if client is None or client.public or scheme.lower() != "basic":
            raise Refused("invalid_client", _UNAUTHORISED)
        if not hmac.compare_digest(secret, secret_of(self._folder, client).encode()):
            raise Refused("invalid_client", _UNAUTHORISED)
        return client


def refusal_answer(refusal: Refused) -> Response:
    """The error as RFC 6749 section 5.2 has it."""
    challenge = {"WWW-Authenticate": 'Basic realm="avrr-development"'} if refusal.status == _UNAUTHORISED else {}
    return JSONResponse({"error": refusal.error}, refusal.status, headers=challenge)


async def _form(request: Request) -> dict[str, str]:
    try:
        return await form_of(request)
    except Unreadable:
        raise Refused("invalid_request") from None
