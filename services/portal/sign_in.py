"""Signing in and out as a backend for the frontend: code with PKCE, tokens that stay here, a cookie that says nothing."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from posixpath import normpath
from typing import Final
from urllib.parse import unquote, urlencode

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.portal.provider import Demand, GrantRefused, Identity, IdTokenRefused, Issued, ProviderAway
from services.portal.sessions import COOKIE, LONGEST, Session, Sessions, hashed, id_hash_of
from services.portal.waiting import PENDING, PendingSignIn
from services.portal.words import render

SIGNING_IN_COOKIE: Final = "__Host-avrr-signing-in"
START: Final = "/"

_LONGEST_PATH: Final = 1000
# A path and a query of ours, in the characters that need no quoting wherever it may stand; never "//", another host.
_OURS: Final = re.compile(r"/(?![/\\])[A-Za-z0-9._~!$*+,:@%&=/?-]*")
_NOT_BACK_TO: Final = ("/sign-in", "/signed-in", "/sign-out", "/signed-out")
# What is taken home is asked for on a page: a link from elsewhere, which has to sign in, leads there and begins nothing.
_ASKED_FOR_ON: Final = tuple(
    (re.compile(file), page)
    for file, page in (
        (r"/log/export/.*", "/log"),
        (r"(/log/chain/[^/]+)/leaves", r"\1"),
        (r"(/archive/events/[^/]+)/(?:tlog-proof|leaf)", r"\1"),
        (r"/integrity/(?:policy|keys|[^/]+/checkpoint|[^/]+/breaks/[^/]+)", "/integrity"),
        (r"(/exports/[^/]+)/file", r"\1"),
        (r"(/payment-batches/[^/]+)/file", r"\1"),
        (r"(/grants/[^/]+/evidence)/[^/]+", r"\1"),
        (r"(/voucher-samples/[^/]+)/grants/[^/]+/vouchers/[^/]+", r"\1/vouchers"),
    )
)
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")

router = APIRouter()
log = structlog.get_logger("sign_in")


def sessions_of(request: Request) -> Sessions:
    """The sessions that the running portal opened, in ``app.state.sessions``."""
    found: Sessions = request.app.state.sessions
    return found


def return_path(text: str) -> str:
    """This path if it is one of our pages', of a file's the page on which it is asked for, otherwise the start page's."""
    page, asked, query = text.partition("?")
    if len(text) > _LONGEST_PATH or not _OURS.fullmatch(text) or page in _NOT_BACK_TO:
        return START
    # As a browser and the server together understand it.
    understood = normpath(unquote(page))
    for file, its_page in _ASKED_FOR_ON:
        if found := file.fullmatch(understood):
            led = found.expand(its_page) + asked + query
            return led if _OURS.fullmatch(led) else START
    return text


def sign_in_path(return_to: str) -> str:
    """Where somebody signs in who then goes on to a page of ours."""
    return f"/sign-in?{urlencode({'return_to': return_path(return_to)})}"


async def keep_form(request: Request, path: str, fields: Mapping[str, Sequence[str]]) -> Response:
    """The answer to a form whose sender is no longer signed in: to the sign-in, with what was typed kept.

    It is kept for the page at ``path`` and for the same person, if the cookie still says who that was.
    """
    sessions = sessions_of(request)
    person_id = await sessions.whose(request)
    if person_id is not None:
        await sessions.forms.keep(person_id, path, fields)
    return led(request, sign_in_path(path))


def led(request: Request, target: str) -> Response:
    """Leads the whole page to this address: what asks for a part of a page would take another in its place, or nothing."""
    if asks_for_a_part(request):
        return Response(headers={"HX-Redirect": target})
    return RedirectResponse(target, status_code=303)


def asks_for_a_part(request: Request) -> bool:
    """Whether a script of a page asks, for more rows of it for instance, and not the browser for a whole page."""
    return request.headers.get("hx-request") == "true"


async def kept_form(request: Request, session: Session, path: str) -> dict[str, list[str]] | None:
    """What this person had typed on the page at this path before they had to sign in; it is given once."""
    return await sessions_of(request).forms.take(session.person_id, path)


async def step_up(
    request: Request, session: Session, path: str, fields: Mapping[str, Sequence[str]] | None, acr_values: str,
    max_age: int = 0,
) -> Response:  # fmt: skip
    """The answer where a stronger or fresher sign-in is needed (RFC 9470): to the provider, with a form kept if one was sent.

    ``max_age`` 0 asks for a new sign-in whatever there was.
    """
    if fields is not None:
        await sessions_of(request).forms.keep(session.person_id, path, fields)
    return await _to_provider(request, path, session.person_id, acr_values, max_age)


async def provider_away(request: Request, error: Exception) -> Response:
    """The page for `ProviderAway`, to be installed as its exception handler."""
    assert isinstance(error, ProviderAway)
    log.warning("provider_away", code=error.code)
    answer = _page(request, "away", 503)
    answer.headers["Retry-After"] = "5"
    return answer


@router.get("/sign-in", include_in_schema=False)
async def sign_in(request: Request) -> Response:
    """Sends a browser to the provider, or back if somebody is signed in already."""
    return_to = return_path(request.query_params.get("return_to", START))
    if await sessions_of(request).of(request) is not None:
        return RedirectResponse(return_to, status_code=303)
    return await _to_provider(request, return_to)


@router.get("/signed-in", include_in_schema=False)
async def signed_in(request: Request) -> Response:
    """Where the provider sends a browser back to: a new session, or a page that says why there is none."""
    sessions = sessions_of(request)
    given = request.query_params
    if any(len(given.getlist(name)) > 1 for name in given):
        return _refused(request, "parameter_repeated")
    pending = await sessions.pending.finish(given.get("state", ""))
    secret = request.cookies.get(SIGNING_IN_COOKIE, "")
    if pending is None or not hmac.compare_digest(pending.browser, hashed(secret).hex()):
        return _refused(request, "not_pending")
    if not await sessions.provider.is_the_answering_issuer(given.get("iss")):
        return _refused(request, "issuer_wrong")
    if "error" in given:
        return _turned_back(request, pending)
    try:
        identity, issued = await _signed_in(sessions, pending, given.get("code", ""))
    except GrantRefused:
        return _refused(request, "code_refused")
    except IdTokenRefused as refused:
        return _refused(request, f"id_token_{refused.code}")
    replaced = bytes.fromhex(pending.replaces) if pending.replaces is not None else None
    cookie = await sessions.begin(identity, issued, replaced)
    # Somebody else's page is nothing that another person meant to open.
    same = pending.person_id in (None, identity.person_id)
    return_to = pending.return_to if same else START
    # A browser that came from another site does not send a Strict cookie along a redirect; from a page of ours it does.
    answer = _page(request, "signed_in", path=return_to)
    answer.headers["Refresh"] = f"0; url={return_to}"
    answer.set_cookie(COOKIE, cookie, path="/", secure=True, httponly=True, samesite="strict")
    return answer


@router.post("/sign-out", include_in_schema=False)
async def sign_out(request: Request) -> Response:
    """Ends the session here, whatever happens then, and at the provider."""
    sessions = sessions_of(request)
    id_token = await sessions.end(request)
    target = "/signed-out"
    if id_token is not None:
        try:
            target = await sessions.provider.end_session_url(id_token)
        except ProviderAway as away:
            log.warning("provider_away", code=away.code)
    answer = RedirectResponse(target, status_code=303)
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


@router.get("/signed-out", include_in_schema=False)
async def signed_out(request: Request) -> Response:
    """The end of a session, without anything in it."""
    return _page(request, "signed_out")


async def _to_provider(
    request: Request, return_to: str, person_id: str | None = None, acr_values: str = "",
    max_age: int = int(LONGEST.total_seconds()),
) -> Response:  # fmt: skip
    sessions = sessions_of(request)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    demand = Demand(secrets.token_urlsafe(32), max_age, sessions.now(), acr_values)
    target = await sessions.provider.authorize_url(state, challenge, demand)
    # One secret for all sign-ins of a browser, so that two tabs do not take the other's way back from each other.
    browser = request.cookies.get(SIGNING_IN_COOKIE, "")
    if not _SECRET.fullmatch(browser):
        browser = secrets.token_urlsafe(32)
    present = id_hash_of(request)
    await sessions.pending.begin(
        state,
        PendingSignIn(
            verifier=verifier, nonce=demand.nonce, max_age=max_age, asked_at=demand.asked_at,
            return_to=return_path(return_to), browser=hashed(browser).hex(),
            replaces=present.hex() if present is not None else None, person_id=person_id,
        ),
    )  # fmt: skip
    answer = led(request, target)
    answer.set_cookie(
        SIGNING_IN_COOKIE, browser, max_age=int(PENDING / timedelta(seconds=1)), path="/", secure=True, httponly=True,
        samesite="lax",
    )
    return answer


async def _signed_in(sessions: Sessions, pending: PendingSignIn, code: str) -> tuple[Identity, Issued]:
    issued = await sessions.provider.redeemed(code, pending.verifier)
    if issued.id_token is None:
        raise IdTokenRefused("missing")
    demand = Demand(pending.nonce, pending.max_age, pending.asked_at)
    return await sessions.provider.identified(issued.id_token, demand), issued


def _refused(request: Request, code: str) -> Response:
    log.warning("sign_in_refused", code=code)
    return _page(request, "over", 400)


def _turned_back(request: Request, pending: PendingSignIn) -> Response:
    if pending.person_id is None:
        return _page(request, "turned_back", 403)
    return _page(request, "not_done", 403, path=pending.return_to)


def _page(request: Request, said: str, status: int = 200, path: str = START) -> Response:
    return render(request, "sign_in.html", status, said=said, path=path)
