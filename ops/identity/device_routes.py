"""The provider's side of a sign-in for who has no browser: a program asks for codes, its person types one here (RFC 8628)."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from ops.identity import pages
from ops.identity.clients import DEVICE_GRANT, client_of
from ops.identity.devices import INTERVAL_SECONDS, LIFE_SECONDS, Devices
from ops.identity.parameters import Unreadable, form_of
from ops.identity.sign_in import Asked, SignIns
from ops.identity.sign_in_routes import page, with_cookie
from ops.identity.staff import Staff
from ops.identity.token_routes import Refused

PATH: Final = "/device"


class DeviceRoutes:
    """Where programs without a browser begin, and the page on which somebody types what they were told."""

    def __init__(self, issuer: str, sign_ins: SignIns, devices: Devices, staff: Staff) -> None:
        self._issuer = issuer
        self._sign_ins = sign_ins
        self._devices = devices
        self._staff = staff

    def router(self) -> APIRouter:
        """The routes, to be included in an app that answers `Refused` by `refusal_answer`."""
        router = APIRouter(default_response_class=HTMLResponse)
        router.add_api_route(f"{PATH}/authorize", self._begin, methods=["POST"], response_model=None)
        router.add_api_route(PATH, self._ask, methods=["GET"])
        router.add_api_route(PATH, self._typed, methods=["POST"])
        return router

    async def _begin(self, request: Request) -> Response:
        try:
            form = await form_of(request)
        except Unreadable:
            raise Refused("invalid_request") from None
        client = client_of(form.get("client_id", ""))
        if client is None or not client.public or "authorization" in request.headers:
            raise Refused("invalid_client", 401)
        if DEVICE_GRANT not in client.grants:
            raise Refused("unauthorized_client")
        begun = self._devices.begin(client)
        return JSONResponse(
            {
                "device_code": begun.device_code, "user_code": begun.user_code, "verification_uri": f"{self._issuer}{PATH}",
                "expires_in": LIFE_SECONDS, "interval": INTERVAL_SECONDS,
            }
        )  # fmt: skip

    async def _ask(self, _: Request) -> Response:
        return page(pages.device_page())

    async def _typed(self, request: Request) -> Response:
        try:
            form = await form_of(request)
        except Unreadable:
            form = {}
        found = self._devices.typed(form.get("user_code", ""))
        if found is None:
            return page(pages.device_page(fault=True), status=400)
        user_code, client = found
        asked = Asked.for_device(client, user_code)
        # Whoever is signed in here chooses anew and touches the key: what is given away is on another machine.
        cookie, browser = self._sign_ins.new_browser()
        waiting = self._sign_ins.wait(asked, browser)
        return with_cookie(page(pages.choose_page(waiting, None, self._staff.added()), asked), cookie)
