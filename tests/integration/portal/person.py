"""Somebody with a browser in front of the portal: it keeps cookies as browsers do, and goes to the provider and back."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookies import Morsel, SimpleCookie
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from services.portal import sign_in
from services.portal.guard import Guard, GuardBounds
from services.portal.provider import ProviderAway
from services.portal.sessions import COOKIE, Sessions, open_sessions
from services.portal.settings import PortalSettings
from services.portal.staff import StaffNames
from services.portal.static_files import StaticFiles
from shared.certificates import trusted
from tests.unit.ops.identity_provider import Hands

ORIGIN = "http://127.0.0.1:8000"
FORM = "/cases/42/withdraw"


@dataclass(frozen=True)
class Portal:
    """A running portal with three pages: who is asking, a form, and a form that needs a strong sign-in."""

    app: FastAPI
    sessions: Sessions
    settings: PortalSettings
    hands: Hands


@asynccontextmanager
async def running_portal(settings: PortalSettings, hands: Hands) -> AsyncIterator[Portal]:
    app = FastAPI()
    app.state.static = StaticFiles.load()
    app.state.staff = StaffNames(settings.staff_list)
    app.include_router(sign_in.router)
    app.add_exception_handler(ProviderAway, sign_in.provider_away)
    app.add_middleware(Guard, bounds=GuardBounds.of(settings))

    @app.get("/who")
    async def who(request: Request) -> Response:
        session = await sessions.of(request)
        if session is None:
            return JSONResponse(None)
        said = {
            "person": session.person_id, "name": session.name, "roles": sorted(session.roles), "acr": session.acr,
            "organisation": session.organisation, "countries": sorted(session.countries), "sites": sorted(session.sites),
            "auth_time": session.auth_time.isoformat(), "token": session.access_token, "flash": session.flash,
        }  # fmt: skip
        return JSONResponse(said)

    @app.get(FORM)
    async def form(request: Request) -> Response:
        session = await sessions.of(request)
        assert session is not None
        return JSONResponse(await sign_in.kept_form(request, session, FORM))

    @app.post(FORM)
    async def sent(request: Request) -> Response:
        session = await sessions.of(request)
        fields = parse_qs((await request.body()).decode())
        if session is None:
            return await sign_in.keep_form(request, FORM, fields)
        if session.acr != "phr":
            return await sign_in.step_up(request, session, FORM, fields, "phr")
        return JSONResponse(fields)

    async with open_sessions(settings, hands) as sessions:
        app.state.sessions = sessions
        yield Portal(app, sessions, settings, hands)


class Person:
    """One browser and who sits in front of it."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.cookies: dict[str, Morsel[str]] = {}
        self.pages = httpx.AsyncClient(transport=httpx.ASGITransport(portal.app), base_url=ORIGIN)
        self.provider = httpx.AsyncClient(base_url=portal.settings.oidc_issuer, verify=trusted(), trust_env=False)

    @property
    def secret(self) -> str:
        """What the session's cookie holds."""
        return self.cookies[COOKIE].value

    async def get(self, path: str, *, from_elsewhere: bool = False) -> httpx.Response:
        """Opens a page; one that another site led to is opened without Strict cookies."""
        return await self._asked("GET", path, from_elsewhere, {})

    async def post(self, path: str, fields: Mapping[str, str] | None = None) -> httpx.Response:
        """Sends a form of the portal's own."""
        headers = {"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
        return await self._asked("POST", path, False, headers, urlencode(fields or {}).encode())

    async def bring(self, path: str, fields: Mapping[str, str], content: bytes) -> httpx.Response:
        """Sends a form of the portal's own with a file."""
        parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: application/octet-stream\r\n\r\n'
        headers = {"sec-fetch-site": "same-origin", "content-type": "multipart/form-data; boundary=x"}
        return await self._asked("POST", path, False, headers, b"".join((*parts, head, content, b"\r\n--x--\r\n")))

    async def who(self) -> dict[str, object] | None:
        """Who the portal takes this for."""
        answer = await self.get("/who")
        assert answer.status_code == 200, answer.text
        found: dict[str, object] | None = answer.json()
        return found

    async def token(self) -> str:
        found = await self.who()
        assert found is not None
        return str(found["token"])

    async def sign_in(self, persona: str, return_to: str = "/who") -> httpx.Response:
        """The whole way; the answer to the callback."""
        begun = await self.get(f"/sign-in?{urlencode({'return_to': return_to})}")
        return await self.back(await self.at_provider(begun, persona))

    async def at_provider(self, sent: httpx.Response, persona: str = "", **changes: str) -> str:
        """Does at the provider what a redirect sent the browser there for; the address that leads back."""
        assert sent.status_code == 303, sent.text
        target = urlsplit(sent.headers["location"])
        query = {**dict(parse_qsl(target.query)), **changes}
        answer = await self.provider.get(f"{target.path}?{urlencode(query)}")
        if 'action="/sign-in"' in answer.text:
            answer = await self._form("/sign-in", answer, persona=persona)
        if 'action="/second-factor"' in answer.text:
            answer = await self._form("/second-factor", answer)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    async def turns_back(self, sent: httpx.Response) -> str:
        target = urlsplit(sent.headers["location"])
        answer = await self._form("/give-up", await self.provider.get(f"{target.path}?{target.query}"))
        return str(answer.headers["location"])

    async def back(self, address: str, **changes: str | None) -> httpx.Response:
        """Comes back from the provider, with some of what it says changed or, if None, left out."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{ORIGIN}/signed-in"
        said = {**dict(parse_qsl(parts.query)), **changes}
        query = urlencode({name: value for name, value in said.items() if value is not None})
        return await self.get(f"/signed-in?{query}", from_elsewhere=True)

    async def close(self) -> None:
        await self.pages.aclose()
        await self.provider.aclose()

    async def _form(self, action: str, page: httpx.Response, **fields: str) -> httpx.Response:
        found = re.search(r'name="waiting" value="([^"]+)"', page.text)
        assert found is not None
        return await self.provider.post(action, data={"waiting": found[1], **fields})

    async def _asked(
        self, method: str, path: str, from_elsewhere: bool, headers: dict[str, str], body: bytes = b""
    ) -> httpx.Response:
        sent = [
            f"{name}={cookie.value}"
            for name, cookie in self.cookies.items()
            if not (from_elsewhere and cookie["samesite"] == "strict")
        ]
        if sent:
            headers["cookie"] = "; ".join(sent)
        answer = await self.pages.request(method, path, headers=headers, content=body)
        for line in answer.headers.get_list("set-cookie"):
            for name, cookie in SimpleCookie(line).items():
                assert cookie["secure"] and cookie["httponly"] and cookie["path"] == "/" and not cookie["domain"]
                if cookie["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = cookie
        return answer


People = Callable[[], Person]
