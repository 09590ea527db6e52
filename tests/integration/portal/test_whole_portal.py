"""The portal as its process runs it: what it answers while a part of it is away, and what it does by itself."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from services.portal.app import create_app
from services.portal.client import open_services
from services.portal.sessions import COOKIE, IDLE, PORTAL, Sessions
from services.portal.settings import PortalSettings
from shared.ids import uuid7
from tests.integration.portal.person import ORIGIN, Person, Portal

OURS = {"sec-fetch-site": "same-origin"}


@pytest.fixture
async def whole(portal: Portal, settings: PortalSettings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with open_services(settings) as services:
        app.state.sessions, app.state.services = portal.sessions, services
        yield app


@pytest.fixture
async def browser(whole: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(whole), base_url=ORIGIN) as client:
        yield client


@asynccontextmanager
async def _all_connections(sessions: Sessions) -> AsyncIterator[None]:
    """Meanwhile no connection to the database is free."""
    async with AsyncExitStack() as held:
        for _ in range(sessions.settings.pool_size):
            await held.enter_async_context(sessions.database.unit_of_work(PORTAL))
        sessions.database.queue_seconds = 0.01
        yield


async def test_without_a_free_connection_people_are_told_to_wait(whole: FastAPI, browser: httpx.AsyncClient) -> None:
    sessions: Sessions = whole.state.sessions
    somebody = {**OURS, "cookie": f"{COOKIE}={'A' * 43}"}
    async with _all_connections(sessions):
        looked, sent = await browser.get("/cases", headers=somebody), await browser.post("/persons", headers=somebody)
    assert (looked.status_code, sent.status_code) == (503, 503)
    assert looked.headers["retry-after"] == sent.headers["retry-after"] == "2"
    assert "Nothing was done." in looked.text
    assert "Look before you send it again." in sent.text


async def test_after_a_sign_in_that_came_between_what_is_held_is_looked_at_again_and_no_file_begins(whole: FastAPI, portal: Portal) -> None:
    person = Person(replace(portal, app=whole))
    await person.sign_in("data-protection")
    sessions: Sessions = whole.state.sessions
    await sessions.forms.keep("staff:data-protection", "/access-requests/file", {"person_id": ["nobody"], "format": ["json"]})
    for said in ("Write the whole id of the person", "Id of the person"):
        answer = await person.get("/access-requests/file")
        assert "content-disposition" not in answer.headers
        assert said in answer.text
    await person.close()


async def test_what_a_script_asks_for_after_the_session_ended_leads_the_whole_page_to_the_sign_in(whole: FastAPI, portal: Portal) -> None:
    person = Person(replace(portal, app=whole))
    await person.sign_in("counsellor-3")
    portal.hands.forward(IDLE.total_seconds())
    by_script = {**OURS, "hx-request": "true", "cookie": f"{COOKIE}={person.secret}"}
    looked = await person.pages.get("/cases?after=x", headers=by_script)
    assert (looked.status_code, looked.headers["hx-refresh"], looked.text) == (200, "true", "")
    sent = await person.pages.post("/persons", headers=by_script, data={"birth_year": "1970", "after": "x"})
    assert (sent.status_code, sent.headers["hx-redirect"], sent.text) == (200, "/sign-in?return_to=%2Fpersons", "")
    sessions: Sessions = whole.state.sessions
    assert await sessions.forms.take("staff:counsellor-3", "/persons") == {"birth_year": ["1970"], "after": ["x"]}
    # Nor can a script go to the provider, whom the policy for scripts does not know.
    begun = await person.pages.get("/sign-in", headers={"hx-request": "true"})
    assert (begun.status_code, begun.headers["hx-redirect"].startswith(portal.settings.oidc_issuer)) == (200, True)
    await person.close()


async def test_while_a_service_is_away_what_was_typed_is_kept_on_its_page(whole: FastAPI, portal: Portal) -> None:
    person = Person(replace(portal, app=whole))
    await person.sign_in("finance-reconciler")
    sessions: Sessions = whole.state.sessions
    order, copy = f"/do/returns/withdraw_case/{uuid7()}", f"/bank-files/{uuid7()}/confirm"
    for sent, back in (
        (await person.post(order, {"reason": "changed their mind"}), order),
        (await person.bring(copy, {"reason": "changed their mind"}, b"<xml>"), f"{copy}?again=file"),
    ):
        assert (sent.status_code, "is kept for an hour" in sent.text, f'href="{back}"' in sent.text) == (503, True, True), sent.text
        assert await sessions.forms.take("staff:finance-reconciler", back) == {"reason": ["changed their mind"]}
    looked = await person.get(order)
    assert (looked.status_code, "kept" in looked.text) == (503, False)
    await person.close()
