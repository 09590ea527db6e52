"""What every page has: who reads it, the services to ask, and a page for each way in which asking can end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from services.portal import sign_in
from services.portal.client import Answer, Form, Service, ServiceAway, Services
from services.portal.fields import Posted
from services.portal.plain import plain_page
from services.portal.sessions import Session
from services.portal.translation import _
from services.portal.words import render

# What was typed beside a file, and the page of it; in the state of a request.
BROUGHT: Final = "brought"


class NotSignedIn(Exception):
    """Nobody is signed in, so there is no page to show yet."""


class Turned(Exception):
    """The page ends in another answer than the one that was asked for."""

    def __init__(self, answer: Response) -> None:
        super().__init__("turned")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Page:
    """One request of somebody who is signed in."""

    request: Request
    session: Session
    services: Services

    @property
    def path(self) -> str:
        """Where this page is, with its query."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    async def answer(self, service: Service, path: str, /, **query: str | int | None) -> Answer:
        """What a service answers, a problem too; without any answer the page becomes one that says so."""
        try:
            return await self.services.ask(self.session, service, path, **query)
        except ServiceAway:
            raise await self._away() from None

    async def search(self, service: Service, path: str, body: Mapping[str, Any]) -> Answer:
        """As `answer`, for a question that stands in no address."""
        try:
            return await self.services.search(self.session, service, path, body)
        except ServiceAway:
            raise await self._away() from None

    async def answer_under(self, service: Service, path: str, correlation_id: str) -> Answer:
        """As `answer`, for one of several questions that belong together."""
        try:
            return await self.services.ask_under(self.session, service, path, correlation_id)
        except ServiceAway:
            raise await self._away() from None

    async def form(self, service: Service, name: str) -> Form | None:
        """How a command is given; without any answer the page becomes one that says so."""
        try:
            return await self.services.form(self.session, service, name)
        except ServiceAway:
            raise await self._away() from None

    async def ask(self, service: Service, path: str, /, **query: str | int | None) -> Answer:
        """What a service answers; anything but an answer becomes a page that says so."""
        answer = await self.answer(service, path, **query)
        if answer.ok:
            return answer
        raise Turned(self.fault(answer.status, answer.code, answer.sentence))

    async def if_for(self, offered: bool, service: Service, path: str, /, **query: str | int | None) -> Any:
        """What a service answers, where this part of the page is for its reader at all; otherwise None."""
        return (await self.ask(service, path, **query)).body if offered else None

    async def try_asking(self, service: Service, path: str, /, **query: str | int | Sequence[str] | None) -> Any:
        """What a service answers, or None where it does not show it; for what a page is good enough without."""
        answer = await self.try_answer(service, path, **query)
        return answer.body if answer is not None and answer.ok else None

    async def try_answer(self, service: Service, path: str, /, **query: str | int | Sequence[str] | None) -> Answer | None:
        """As `answer`, or None without any answer."""
        try:
            return await self.services.ask(self.session, service, path, **query)
        except ServiceAway:
            return None

    def moment(self, value: str) -> str:
        """A moment by the mission's clocks, as text for a choice."""
        zone = ZoneInfo(sign_in.sessions_of(self.request).settings.mission_time_zone)
        return f"{datetime.fromisoformat(value).astimezone(zone):%-d %b %Y, %H:%M}"

    async def show(self, template: str, status: int = 200, /, **context: Any) -> HTMLResponse:
        """A page for this reader; what was to be told them once is told on it."""
        flash = self.session.flash
        if flash is not None:
            await sign_in.sessions_of(self.request).tell(self.session, None)
        return render(self.request, template, status, session=self.session, flash=flash, **context)

    async def done(self, sentence: str, path: str) -> Response:
        """Leads on to another page that says what was done."""
        await sign_in.sessions_of(self.request).tell(self.session, sentence)
        return RedirectResponse(path, status_code=303)

    def fault(self, status: int, code: str, sentence: str, back: str = "") -> HTMLResponse:
        """A page in place of one that cannot be shown; what was typed can be found again at ``back``."""
        return render(self.request, "fault.html", status, session=self.session, code=code, sentence=sentence, back=back)

    async def _away(self) -> Turned:
        """The page that says that a service is away; what was typed comes back on its own page."""
        if self.request.method == "POST":
            path, fields = await self._typed()
            if fields and await sign_in.sessions_of(self.request).forms.keep(self.session.person_id, path, fields):
                sentence = _("A part of the system does not answer now. What you typed is kept for an hour. Go back to it in a minute.")
                return Turned(self.fault(503, "away", sentence, path))
        return Turned(self.fault(503, "away", _("A part of the system does not answer now. Try again in a minute.")))

    async def _typed(self) -> tuple[str, Posted]:
        """What was sent with this request, and the page of it."""
        # A form with a file is read once, as it comes.
        brought: tuple[str, Posted] | None = getattr(self.request.state, BROUGHT, None)
        if brought is not None:
            return brought
        form = await self.request.form()
        return self.path, {name: [str(value) for value in form.getlist(name)] for name in form}

    def has(self, *roles: str) -> bool:
        """Whether the reader has one of these roles; for what is offered, never for what is allowed."""
        return bool(self.session.roles & set(roles))


async def page(request: Request) -> Page:
    """The page of a request by somebody who is signed in; raises `NotSignedIn`."""
    session = await sign_in.sessions_of(request).of(request)
    if session is None:
        raise NotSignedIn
    return Page(request, session, request.app.state.services)


Reading = Annotated[Page, Depends(page)]


async def not_signed_in(request: Request, error: Exception) -> Response:
    """To the sign-in, and from there back; what was typed into a form comes back with it."""
    del error
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method == "POST":
        form = await request.form()
        fields = {name: [str(value) for value in form.getlist(name)] for name in form}
        return await sign_in.keep_form(request, path, fields)
    if sign_in.asks_for_a_part(request):
        # The page itself is what one comes back to.
        return Response(headers={"HX-Refresh": "true"})
    return RedirectResponse(sign_in.sign_in_path(path), status_code=303)


async def no_such_page(request: Request, error: Exception) -> Response:
    """For an address that leads nowhere, or that holds what cannot be one of ours."""
    del request
    status = error.status_code if isinstance(error, HTTPException) else 404
    return plain_page(_("There is no such page"), _("Go to the start page and look there."), status)


async def busy(request: Request, error: Exception) -> Response:
    """For a request for which no connection to the database became free in time."""
    del error
    sentence = _("Nothing was done. Try again in a minute.")
    if request.method == "POST":
        # One is needed again after a service did what was sent.
        sentence = _("Nobody can say whether this was done. Look before you send it again.")
    answer = plain_page(_("Too many people are using the system"), sentence, 503)
    answer.headers["Retry-After"] = "2"
    return answer


async def turned(request: Request, error: Exception) -> Response:
    """The answer that a page turned to."""
    del request
    assert isinstance(error, Turned)
    return error.answer
