"""The provider's side that people see: authorization with code and PKCE, the sign-in itself, and its end."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from ops.identity import pages
from ops.identity.clients import Client, client_of
from ops.identity.devices import Devices
from ops.identity.parameters import Unreadable, form_of, query_of
from ops.identity.personas import ABROAD, SECOND, Persona, UnknownPersona, dashed
from ops.identity.sign_in import BROWSER_SECONDS, Asked, Browser, SignIns, Unacceptable, Waiting
from ops.identity.staff import Staff
from ops.identity.tokens import Mint

COOKIE: Final = "avrr_development_sign_in"

_UNKNOWN_APPLICATION: Final = "The application that sent you here is not known, or may not have people sent back there."
_UNREADABLE: Final = "The address that brought you here cannot be read."
_OVER: Final = "This sign-in is finished, too old, or was begun in another browser. Start again from the application."


class Fault(Exception):
    """What cannot go on, and must not be sent on to any address either; a sentence of ours for the person."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class SignInRoutes:
    """The pages of one provider."""

    def __init__(
        self, issuer: str, sign_ins: SignIns, mint: Mint, staff: Staff, now: Callable[[], datetime], devices: Devices
    ) -> None:
        self._issuer = issuer
        self._sign_ins = sign_ins
        self._mint = mint
        self._staff = staff
        self._now = now
        self._devices = devices

    def router(self) -> APIRouter:
        """The routes, to be included in an app that answers `Fault` by `fault_answer`."""
        router = APIRouter(default_response_class=HTMLResponse)
        router.add_api_route("/authorize", self._authorize, methods=["GET"])
        router.add_api_route("/sign-in", self._sign_in, methods=["POST"])
        router.add_api_route("/second-factor", self._second_factor, methods=["POST"])
        router.add_api_route("/give-up", self._give_up, methods=["POST"])
        router.add_api_route("/end-session", self._end_session, methods=["GET"])
        router.add_api_route("/end-session", self._sign_out, methods=["POST"])
        return router

    async def _authorize(self, request: Request) -> Response:
        given = _query(request)
        client = client_of(given.get("client_id", ""))
        redirect_uri = given.get("redirect_uri", "")
        # Until both are known to belong together, whoever made this link must not choose where the person goes.
        if client is None or not client.may_redirect(redirect_uri):
            raise Fault(_UNKNOWN_APPLICATION)
        try:
            asked = Asked.of(client, redirect_uri, given)
        except Unacceptable as refusal:
            return self._sent_back(redirect_uri, {"error": refusal.error, "state": given.get("state", "")})
        cookie = request.cookies.get(COOKIE, "")
        browser = self._sign_ins.browser(cookie)
        if browser is None:
            cookie, browser = self._sign_ins.new_browser()
        return with_cookie(self._next(asked, browser), cookie)

    def _next(self, asked: Asked, browser: Browser) -> Response:
        present = browser.present
        step = asked.next_step(present, self._now())
        if step == "done":
            return self._finished(asked, browser, self._sign_ins.code(asked, browser))
        if asked.prompt == "none":
            return self._refused(asked, "login_required" if step == "choose" else "interaction_required")
        known = present.persona if present is not None else None
        chosen = known if step == "touch" else None
        waiting = self._sign_ins.wait(asked, browser, chosen)
        if chosen is not None:
            return page(pages.touch_page(waiting, chosen, enrols=not self._staff.has_key(chosen)), asked)
        return page(pages.choose_page(waiting, known, self._staff.added()), asked)

    async def _sign_in(self, request: Request) -> Response:
        name, form, waiting = await self._returned(request)
        try:
            chosen = self._staff.persona(_name_of(form))
        except UnknownPersona:
            present = waiting.browser.present
            known = present.persona if present is not None else None
            return page(pages.choose_page(name, known, self._staff.added(), fault=True), waiting.asked, 400)
        if waiting.asked.needs_key(chosen):
            waiting.chosen = chosen
            return page(pages.touch_page(name, chosen, enrols=not self._staff.has_key(chosen)), waiting.asked)
        return self._signed_in(request, name, waiting, chosen, touched=False)

    async def _second_factor(self, request: Request) -> Response:
        name, _, waiting = await self._returned(request)
        if waiting.chosen is None:
            raise Fault(_OVER)
        try:
            # They may have been suspended since they were chosen.
            self._staff.persona(waiting.chosen.name)
        except UnknownPersona:
            raise Fault(_OVER) from None
        self._staff.enrolled(waiting.chosen)
        return self._signed_in(request, name, waiting, waiting.chosen, touched=True)

    async def _give_up(self, request: Request) -> Response:
        name, _, waiting = await self._returned(request)
        self._sign_ins.give_up(name)
        # RFC 9470: whoever was already chosen turned back from the stronger sign-in, and nothing else.
        stronger = waiting.chosen is not None and waiting.asked.strong
        return self._refused(waiting.asked, "unmet_authentication_requirements" if stronger else "access_denied")

    async def _end_session(self, request: Request) -> Response:
        given = _query(request)
        cookie = request.cookies.get(COOKIE, "")
        browser = self._sign_ins.browser(cookie)
        client = client_of(given.get("client_id", ""))
        hint = given.get("id_token_hint")
        present = browser.present if browser is not None else None
        subject = self._mint.subject_of(hint, client) if hint is not None and client is not None else None
        # Without such a proof any page could sign people out by a link: they are asked.
        if present is not None and subject != present.persona.subject:
            return page(pages.sign_out_page())
        self._sign_ins.sign_out(cookie)
        return _without_cookie(self._after_sign_out(client, subject, given))

    def _after_sign_out(self, client: Client | None, subject: str | None, given: Mapping[str, str]) -> Response:
        target = given.get("post_logout_redirect_uri", "")
        if client is None or subject is None or not client.may_redirect_signed_out(target):
            return page(pages.signed_out_page())
        state = {"state": given["state"]} if "state" in given else {}
        return _redirected(f"{target}?{urlencode(state)}" if state else target)

    async def _sign_out(self, request: Request) -> Response:
        # The cookie is not sent along when another site makes a browser post here.
        self._sign_ins.sign_out(request.cookies.get(COOKIE, ""))
        return _without_cookie(page(pages.signed_out_page()))

    async def _returned(self, request: Request) -> tuple[str, dict[str, str], Waiting]:
        try:
            form = await form_of(request)
        except Unreadable:
            raise Fault(_UNREADABLE) from None
        name = form.get("waiting", "")
        waiting = self._sign_ins.waiting(name, self._sign_ins.browser(request.cookies.get(COOKIE, "")))
        if waiting is None:
            raise Fault(_OVER)
        return name, form, waiting

    def _signed_in(
        self, request: Request, name: str, waiting: Waiting, chosen: Persona, *, touched: bool
    ) -> Response:
        cookie, code = self._sign_ins.signed_in(name, chosen, request.cookies.get(COOKIE, ""), touched=touched)
        return with_cookie(self._finished(waiting.asked, waiting.browser, code), cookie)

    def _finished(self, asked: Asked, browser: Browser, code: str) -> Response:
        if asked.device is not None:
            assert browser.present is not None
            if not self._devices.decide(asked.device, browser.present):
                raise Fault(_OVER)
            return page(pages.device_done_page(browser.present.persona))
        return self._sent_back(asked.redirect_uri, {"code": code, "state": asked.state})

    def _refused(self, asked: Asked, error: str) -> Response:
        if asked.device is not None:
            self._devices.decide(asked.device, "denied")
            return page(pages.device_denied_page())
        return self._sent_back(asked.redirect_uri, {"error": error, "state": asked.state})

    def _sent_back(self, redirect_uri: str, said: dict[str, str]) -> Response:
        # RFC 9207: the client learns who answers, so that no other provider's answer passes for ours.
        present = {name: value for name, value in said.items() if value}
        return _redirected(f"{redirect_uri}?{urlencode({**present, 'iss': self._issuer})}")


def fault_answer(fault: Fault) -> Response:
    """The page for what cannot go on; it leads nowhere and repeats nothing."""
    return page(pages.fault_page(fault.sentence), status=400)


def _query(request: Request) -> dict[str, str]:
    try:
        return query_of(request)
    except Unreadable:
        raise Fault(_UNREADABLE) from None


def _name_of(form: Mapping[str, str]) -> str:
    kinds = {dashed(role) for role in ABROAD}
    if form.get("kind") in kinds:
        second = SECOND if form.get("second") else ""
        return f"{form['kind']}-{form.get('country', '').strip().lower()}{second}"
    return form.get("persona", "")


def page(content: str, asked: Asked | None = None, status: int = 200) -> Response:
    """A page under a policy of its own; its forms may lead to where the request came from."""
    # A browser applies `form-action` to the redirect that answers a form, too.
    parts = urlsplit(asked.redirect_uri) if asked is not None and asked.redirect_uri else None
    back = f" {parts.scheme}://{parts.netloc}" if parts is not None else ""
    policy = (
        f"default-src 'none'; style-src '{pages.STYLE_HASH}'; form-action 'self'{back}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return HTMLResponse(content, status, headers={"Content-Security-Policy": policy})


def _redirected(target: str) -> Response:
    return RedirectResponse(target, status_code=303)


def with_cookie(response: Response, cookie: str) -> Response:
    """The same answer, by which the browser is known from now on."""
    # Not Secure: this provider speaks plain HTTP, and only on this machine.
    response.set_cookie(COOKIE, cookie, max_age=BROWSER_SECONDS, path="/", httponly=True, samesite="lax")
    return response


def _without_cookie(response: Response) -> Response:
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response
