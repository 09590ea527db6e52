"""Who may send a file slowly: whoever is signed in, and one file at a time."""

import asyncio
from collections.abc import AsyncIterator
from http.cookies import Morsel

import httpx
import pytest
from starlette.types import Message

from services.portal.client import Services
from services.portal.pages import evidence
from services.portal.pages.frame import NotSignedIn, Turned, not_signed_in, turned
from services.portal.pages.log_selection import SERVICES
from services.portal.sessions import COOKIE
from services.portal.upload import Places
from shared.ids import uuid7
from tests.integration.portal.person import People, Portal

PATH = f"/grants/{uuid7()}/evidence"


@pytest.fixture
async def pages(portal: Portal) -> AsyncIterator[Portal]:
    """The portal with the page, and no service behind it: what it would show comes after what is told here."""
    async with httpx.AsyncClient() as client:
        portal.app.state.services = Services(client, dict.fromkeys(SERVICES, "http://127.0.0.1:1"))
        portal.app.state.places = Places()
        portal.app.include_router(evidence.router)
        portal.app.add_exception_handler(Turned, turned)
        portal.app.add_exception_handler(NotSignedIn, not_signed_in)
        yield portal


class Sending:
    """A form on its way whose first bytes have come."""

    def __init__(self, portal: Portal, cookie: str) -> None:
        self.reads, self._ends = asyncio.Event(), asyncio.Event()
        self._state: dict[str, object] = {}
        headers = {"host": "127.0.0.1", "sec-fetch-site": "same-origin", "content-type": "multipart/form-data; boundary=x"}
        scope = {
            "type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode(), "query_string": b"", "root_path": "",
            "scheme": "http", "http_version": "1.1", "server": ("127.0.0.1", 8000), "client": None, "state": self._state,
            "headers": [(name.encode(), value.encode()) for name, value in {**headers, "cookie": cookie}.items()],
        }  # fmt: skip
        self._task = asyncio.ensure_future(portal.app(scope, self._receive, self._send))

    async def may_come_slowly(self) -> bool:
        """What the page has said of it by the time that it is read."""
        await self.reads.wait()
        return "may_come_slowly" in self._state

    async def end(self) -> None:
        self._ends.set()
        await self._task

    async def _receive(self) -> Message:
        self.reads.set()
        await self._ends.wait()
        return {"type": "http.request", "body": b"--x--\r\n", "more_body": False}

    async def _send(self, message: Message) -> None:
        pass


def named(cookie: Morsel[str]) -> str:
    return f"{COOKIE}={cookie.value}"


async def test_a_file_may_come_slowly_from_who_is_signed_in_and_from_nobody_else(pages: Portal, people: People) -> None:
    person = people()
    await person.sign_in("counsellor-3")
    for cookie, expected in ((named(person.cookies[COOKIE]), True), (f"{COOKIE}={'A' * 43}", False), ("", False)):
        sending = Sending(pages, cookie)
        assert await sending.may_come_slowly() is expected
        await sending.end()


async def test_of_one_person_one_file_at_a_time_in_however_many_browsers(pages: Portal, people: People) -> None:
    here, there, other = people(), people(), people()
    for person, persona in ((here, "counsellor-3"), (there, "counsellor-3"), (other, "counsellor-4")):
        await person.sign_in(persona)
    sent = [Sending(pages, named(person.cookies[COOKIE])) for person in (here, other)]
    assert [await sending.may_come_slowly() for sending in sent] == [True, True]
    second = Sending(pages, named(there.cookies[COOKIE]))
    assert not await second.may_come_slowly()
    for sending in (second, *sent):
        await sending.end()
    later = Sending(pages, named(there.cookies[COOKIE]))
    assert await later.may_come_slowly()
    await later.end()
