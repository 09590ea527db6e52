"""What surrounds every request to the portal: whose pages may ask, bounds, private headers, one log line, a plain page."""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.portal.file_forms import FileForm, file_form
from services.portal.plain import plain_page
from services.portal.settings import PortalSettings
from services.portal.translation import _
from services.portal.wording import REFUSALS
from shared.metrics import Answered
from shared.surroundings import STALL_SECONDS, AnswerCutShort, correlation_of, host_of
from shared.topology import PORTAL
from shared.tracing import correlated

MAX_BODY_BYTES: Final = 2 * 1024 * 1024
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_NEVER_TOO_MANY: Final = "/healthz"
# For whoever runs the system, by the portal's name in the network behind the proxy or on its machine, never through the proxy.
METRICS: Final = "/metrics"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PASSED_ON: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via"})
_SLOWLY: Final = "may_come_slowly"
# The name holds a hash of the content, so that another content has another name.
_HASHED: Final = re.compile(r"/static/(?:[\w-]+/)*[\w.-]+\.[0-9a-f]{8,64}\.[a-z0-9]+", re.ASCII)
_SANDBOX: Final = (b"content-security-policy", b"sandbox")
_FOR_EVER: Final = b"public, max-age=31536000, immutable"
_OURS_TO_SAY: Final = frozenset({b"cache-control", b"content-security-policy", b"referrer-policy", b"x-correlation-id"})

log = structlog.get_logger("http")


@dataclass(frozen=True, slots=True)
class GuardBounds:
    """For which hosts the portal answers, whose pages may send it anything, and how much it takes on at a time."""

    origin: str
    issuer_origin: str
    hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})
    in_flight: int = 200
    seconds: float = 20.0
    # Of these, forms with a file, so that slow ones leave room for everything else.
    uploads_in_flight: int = 32

    @classmethod
    def of(cls, settings: PortalSettings) -> "GuardBounds":
        """The bounds that these settings state."""
        return cls(
            settings.portal_origin, settings.issuer_origin, settings.hosts,
            settings.requests_in_flight, settings.portal_request_seconds,
        )


class Guard:
    """Pure ASGI. Refused with a plain page are requests for another host, beyond those that may be in flight, with a
    body longer than `MAX_BODY_BYTES`, and changes that no page of ours can have asked for. A form with a file may have
    as many bytes as `file_forms` says, and once its page has said `may_come_slowly` its time begins when these are
    there, or after as long as it says. Of such forms only few are in flight at a time.

    Every answer gets headers that let nothing in from elsewhere, an answer that asks for it a sandbox besides; files
    under hashed names may be kept for a year, all else for no time. What nobody caught is a 500 here, and the log says
    where, not what.
    """

    def __init__(self, app: ASGIApp, bounds: GuardBounds, metrics: Answered | None = None) -> None:
        self.app = app
        self.bounds = bounds
        self._metrics = metrics or Answered()
        self.in_flight = 0
        self.uploads_in_flight = 0
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            f"connect-src 'self'; form-action 'self' {bounds.issuer_origin}; frame-ancestors 'none'; base-uri 'none'"
        )
        self._headers: tuple[tuple[bytes, bytes], ...] = (
            (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            # With "no-referrer" a form of ours would come with "Origin: null", and older browsers send nothing else.
            (b"referrer-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        correlation, form = correlation_of(scope), _form(scope)
        scope.setdefault("state", {})["correlation_id"] = correlation
        clock = asyncio.get_running_loop().time
        started = clock()
        most = _most_bytes(form)
        status = length = 0
        dropped = False

        async def bounded() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length > most:
                raise HTTPException(413)
            if form and _SLOWLY in scope["state"] and not deadline.expired():
                deadline.reschedule(min(clock(), started + form.seconds) + self.bounds.seconds)
            return message

        async def answer(message: Message) -> None:
            nonlocal status, dropped
            if length > most and not status:
                # Whatever was made of a body that is not whole, this is what it comes to.
                dropped = True
                await _too_long(scope)(scope, receive, finish)
            elif not dropped:
                await finish(message)

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._headers_of(message, scope["path"], correlation)
            await send(message)

        async def going_on(message: Message) -> None:
            if not deadline.expired():
                deadline.reschedule(clock() + STALL_SECONDS)
            await answer(message)

        try:
            async with asyncio.timeout(self.bounds.seconds) as deadline:
                await self._pass_on(scope, bounded, going_on)
        except Exception as error:
            timed_out = deadline.expired()
            if timed_out:
                log.warning("timed_out", begun=bool(status))
            elif length <= most:
                log.exception("internal_error", kind=type(error).__name__, exc_info=error)
            if status:
                raise AnswerCutShort from None
            await (_too_long(scope) if length > most else _fault(timed_out))(scope, receive, finish)
        finally:
            self._answered(scope, status, clock() - started)

    def _answered(self, scope: Scope, status: int, seconds: float) -> None:
        operation = getattr(scope.get("route"), "name", "none")
        self._metrics.answered(operation, status, seconds)
        log.info(
            "request", operation=operation, method=scope["method"], status=status, ms=round(seconds * 1000, 1),
            correlation_id=scope["state"]["correlation_id"],
        )  # fmt: skip

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if scope["path"] == _NEVER_TOO_MANY:
            await self.app(scope, receive, send)
            return
        uploads = int(_form(scope) is not None)
        self.in_flight += 1
        self.uploads_in_flight += uploads
        try:
            with correlated(scope["state"]["correlation_id"]):
                await self.app(scope, receive, send)
        finally:
            self.in_flight -= 1
            self.uploads_in_flight -= uploads

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["path"] == METRICS:
            inside = _asked_from_inside(scope)
            return None if inside else plain_page(_("There is no such page"), _("Go to the start page and look there."), 404)
        if host_of(scope) not in self.bounds.hosts:
            return plain_page(_("Wrong address"), _("This system does not have this address."), 400)
        if scope["method"] not in _SAFE_METHODS and not self._is_ours(scope):
            return plain_page(_("This was not sent from our own page"), _("Nothing was done. Open the page again and send the form from there."), 403)
        if scope["path"] != _NEVER_TOO_MANY and self.in_flight >= self.bounds.in_flight:
            answer = plain_page(_("Too many people are using the system"), _("Nothing was done. Try again in a minute."), 503)
            answer.headers["Retry-After"] = "2"
            return answer
        if _form(scope) and self.uploads_in_flight >= self.bounds.uploads_in_flight:
            return _too_many_files(scope)
        stated = _only(scope, b"content-length")
        if stated is not None and stated.isdecimal() and int(stated) > _most_bytes(_form(scope)):
            return _too_long(scope)
        return None

    def _is_ours(self, scope: Scope) -> bool:
        if any(name == b"sec-fetch-site" for name, _ in scope["headers"]):
            return _only(scope, b"sec-fetch-site") in ("same-origin", "none")
        # Browsers of before 2023 do not say where a request comes from in any other way.
        return _only(scope, b"origin") == self.bounds.origin

    def _headers_of(self, message: Message, path: str, correlation: str) -> list[tuple[bytes, bytes]]:
        for_ever = message["status"] in (200, 304) and _HASHED.fullmatch(path)
        return [
            *((name, value) for name, value in message.get("headers", ()) if name.lower() not in _OURS_TO_SAY or (name, value) == _SANDBOX),
            *self._headers,
            (b"cache-control", _FOR_EVER if for_ever else b"no-store"),
            (b"x-correlation-id", correlation.encode()),
        ]


def may_come_slowly(request: Request) -> None:
    """Gives a form with a file the time that `file_forms` says from now on; for who is known to be signed in.

    Whoever is not could otherwise hold a place among the requests in flight for all of it, with a byte now and then.
    """
    setattr(request.state, _SLOWLY, True)


def _asked_from_inside(scope: Scope) -> bool:
    passed_on = any(name in _PASSED_ON for name, _ in scope["headers"])
    return not passed_on and host_of(scope) in {PORTAL.name, *_LOOPBACK}


def _only(scope: Scope, name: bytes) -> str | None:
    """The value of a header that stands there once."""
    found = [value for stated, value in scope["headers"] if stated == name]
    return found[0].decode("latin-1") if len(found) == 1 else None


def _form(scope: Scope) -> FileForm | None:
    return file_form(scope["method"], scope["path"])


def _most_bytes(form: FileForm | None) -> int:
    return MAX_BODY_BYTES if form is None else form.body_bytes


def _too_many_files(scope: Scope) -> Response:
    back = (scope["path"], _("Go back and choose the file again"))
    answer = plain_page(_("Several files are being sent"), REFUSALS["too_many_uploads"], 503, back)
    answer.headers["Retry-After"] = "60"
    # The file is not read.
    answer.headers["Connection"] = "close"
    return answer


def _too_long(scope: Scope) -> Response:
    form = _form(scope)
    if form is not None:
        answer = plain_page(
            _("This file is too large"), REFUSALS[form.too_large], 413, (scope["path"], _("Go back and choose another file"))
        )
    else:
        answer = plain_page(_("This is too long"), _("What you sent is too long for this system. Nothing was done."), 413)
    # What is still to come of the body is not read.
    answer.headers["Connection"] = "close"
    return answer


def _fault(timed_out: bool) -> Response:
    if timed_out:
        answer = plain_page(_("This took too long"), _("The system stopped waiting. Look whether it was done before you try again."), 503)
        answer.headers["Retry-After"] = "2"
        return answer
    return plain_page(_("Something went wrong on our side"), _("The fault is recorded. Try again in a minute."), 500)
