"""Somebody is registered at the page with the real counselling behind it, also where nobody may look who looks the same."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.portal.client import Services
from services.portal.pages import ordering
from services.portal.pages.log_selection import SERVICES
from services.portal.settings import PortalSettings
from shared.auth import open_tokens
from shared.buckets import PEOPLE, Buckets
from shared.clock import Clock
from shared.ids import uuid7
from shared.settings import Settings
from tests.integration.any_service import app_of
from tests.integration.conftest import MakeDatabase
from tests.integration.portal.person import People, Portal

URL = "http://127.0.0.1:8001"


@pytest.fixture
async def counselling(portal: Portal, settings: PortalSettings, make_database: MakeDatabase) -> AsyncIterator[FastAPI]:
    nowhere = SecretStr("postgresql://nowhere")
    told = Settings(
        oidc_issuer=settings.oidc_issuer, nats_url="nats://127.0.0.1:4222", api_database_url=nowhere,
        worker_database_url=nowhere, allowed_hosts=("127.0.0.1",),
    )  # fmt: skip
    async with open_tokens(told, portal.hands) as tokens:
        app = app_of("counselling", told, await make_database("counselling"), tokens, clock=Clock("real"))
        async with httpx.AsyncClient(mounts={URL: httpx.ASGITransport(app)}) as client:
            portal.app.state.services = Services(client, {**dict.fromkeys(SERVICES, "http://127.0.0.1:1"), "counselling": URL})
            portal.app.include_router(ordering.router)
            yield app


async def test_who_may_not_look_who_looks_the_same_is_told_so_and_when_and_registers_all_the_same(
    people: People, counselling: FastAPI
) -> None:
    counsellor = people()
    await counsellor.sign_in("counsellor-3")
    answers = {"sex": "female", "birth_year": "1991", "country_of_origin": "BT", "site": "trc_lipa"}

    async def checked() -> tuple[str, httpx.Response]:
        path = f"/do/counselling/register_person/{uuid7()}"
        return path, await counsellor.post(path, {**answers, "step": "check", "key": str(uuid7()), "version": ""})

    path, shown = await checked()
    assert shown.status_code == 200 and "looks the same" not in shown.text
    assert (await counsellor.post(path, {**answers, "step": "send", "key": str(uuid7()), "version": ""})).status_code == 303
    assert "Is this one of them?" in (await checked())[1].text

    counselling.state.runtime.buckets = buckets = Buckets(PEOPLE, lambda: 0)
    person_id = str((await counsellor.who() or {})["person"])
    while buckets.take(person_id, "person_search") == 0:
        pass
    path, shown = await checked()
    assert shown.status_code == 200
    assert re.search(r"could not be looked who is registered already and looks the same.* in 8 min\.", shown.text)
    assert 'value="send"' in shown.text
    sent = await counsellor.post(path, {**answers, "step": "send", "key": str(uuid7()), "version": ""})
    assert (sent.status_code, sent.headers["location"]) == (303, path.replace("/do/counselling/register_person", "/persons"))
