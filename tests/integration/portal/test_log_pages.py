"""The auditor's pages with the real services behind them: the key is asked for when it was long ago, and leads back."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from services.portal.client import Services
from services.portal.pages import log
from services.portal.pages.frame import NotSignedIn, Turned, not_signed_in, turned
from services.portal.pages.log_selection import SERVICES
from services.portal.settings import PortalSettings
from shared.appending import Leaf
from shared.auth import Tokens, open_tokens
from shared.clock import Clock
from shared.db import Sql
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from shared.settings import Settings
from shared.step_up import StepUp
from tests.given import staff
from tests.integration.any_service import app_of
from tests.integration.conftest import MakeDatabase, ServiceDatabase
from tests.integration.portal.person import People, Portal

CASE = UUID("00000000-0000-7000-8000-000000000001")
LONG_AGO = 301


@dataclass(frozen=True)
class Logs:
    """The three services behind a portal, each with one invented event about a case."""

    databases: dict[str, ServiceDatabase]

    async def add(self, service: str) -> UUID:
        """An event about the case, as it would be if a command had been given."""
        event_id = uuid7()
        kind = f"avrr.{service}.case.invented.v1"
        leaf = json.dumps({"actorid": "staff:anna", "id": str(event_id), "data": {"case_id": str(CASE)}, "type": kind})
        async with self.databases[service].api.unit_of_work(EVERYWHERE.scope(staff("anna"))) as unit:
            unit.append(Leaf(event_id, kind, uuid7(), 1, leaf.encode()))
        return event_id


@pytest.fixture
async def logs(portal: Portal, settings: PortalSettings, make_database: MakeDatabase) -> AsyncIterator[Logs]:
    nowhere = SecretStr("postgresql://nowhere")
    told = Settings(
        oidc_issuer=settings.oidc_issuer, nats_url="nats://127.0.0.1:4222", api_database_url=nowhere,
        worker_database_url=nowhere, allowed_hosts=("127.0.0.1",),
    )  # fmt: skip
    async with open_tokens(told, portal.hands) as tokens:
        found = Logs({service: await make_database(service) for service in SERVICES})
        async with behind(portal, told, tokens, found) as client:
            portal.app.state.services = Services(
                client,
                {**{service: f"http://127.0.0.1:{port}" for port, service in enumerate(SERVICES, 8001)}, "audit": "http://127.0.0.1:8004"},
            )
            portal.app.include_router(log.router)
            portal.app.add_exception_handler(Turned, turned)
            portal.app.add_exception_handler(NotSignedIn, not_signed_in)
            for service in SERVICES:
                await found.add(service)
            yield found


def behind(portal: Portal, told: Settings, tokens: Tokens, found: Logs) -> httpx.AsyncClient:
    step_up = StepUp(present=portal.hands)
    apps = {
        f"http://127.0.0.1:{port}": httpx.ASGITransport(
            app_of(service, told, found.databases[service], tokens, clock=Clock("real"), step_up=step_up)
        )
        for port, service in enumerate(SERVICES, 8001)
    }
    # An archive that has nothing of it yet.
    empty = httpx.MockTransport(lambda _: httpx.Response(404, json={"code": "not_found", "title": "There is nothing here under this reference."}))
    return httpx.AsyncClient(mounts={**apps, "http://127.0.0.1:8004": empty})


@pytest.mark.usefixtures("logs")
async def test_a_download_waits_for_the_key_and_begins_by_itself_on_the_page_that_it_came_from(
    people: People, portal: Portal
) -> None:
    person = people()
    await person.sign_in("auditor")
    portal.hands.forward(LONG_AGO)
    page, leaves = f"/log/chain/{CASE}", f"/log/chain/{CASE}/leaves?format=ndjson"
    # What there is may be seen; what it says may not.
    shown = await person.get(page)
    assert shown.status_code == 200 and shown.text.count("Invented") == len(SERVICES)
    assert "refresh" not in shown.headers
    sent = await person.get(leaves)
    assert sent.headers["location"].startswith(portal.settings.oidc_issuer)
    back = await person.back(await person.at_provider(sent))
    assert back.headers["refresh"] == f"0; url={page}?take=ndjson"
    other = await person.get(f"{page}?take=csv")
    assert other.status_code == 200 and "refresh" not in other.headers
    shown = await person.get(f"{page}?take=ndjson")
    assert shown.headers["refresh"] == f"0; url={leaves}"
    assert "begins by itself" in shown.text
    # Once: a page that is opened again, or a link to it, begins nothing.
    again = await person.get(f"{page}?take=ndjson")
    assert again.status_code == 200 and "refresh" not in again.headers and "begins by itself" not in again.text
    file = await person.get(leaves)
    assert (file.status_code, file.headers["content-type"]) == (200, "application/x-ndjson")
    assert file.headers["content-disposition"] == f'attachment; filename="chain-{CASE}.ndjson"'
    kinds = [json.loads(line)["type"] for line in file.content.splitlines()]
    assert [kind for kind in kinds if "invented" in kind] == [f"avrr.{service}.case.invented.v1" for service in SERVICES]


async def test_one_event_waits_for_the_key_and_is_then_shown_with_the_hash_of_its_leaf(
    people: People, portal: Portal, logs: Logs
) -> None:
    event_id = await logs.add("returns")
    person = people()
    await person.sign_in("auditor")
    portal.hands.forward(LONG_AGO)
    path = f"/log/returns/{event_id}"
    back = await person.back(await person.at_provider(await person.get(path)))
    assert back.headers["refresh"] == f"0; url={path}"
    shown = await person.get(path)
    async with logs.databases["returns"].api.unit_of_work(EVERYWHERE.scope(staff("anna"), log=True)) as unit:
        row = await unit.row(Sql("SELECT leaf FROM event_log WHERE id = :id"), id=event_id)
    assert row is not None
    assert hashlib.sha256(b"\x00" + bytes(row["leaf"])).hexdigest() in shown.text


@pytest.mark.usefixtures("logs")
async def test_a_selection_waits_for_the_key_with_its_filters(people: People, portal: Portal) -> None:
    person = people()
    await person.sign_in("auditor")
    portal.hands.forward(LONG_AGO)
    asked = f"id={CASE}&from=2023-01-01&"
    sent = await person.get(f"/log/export/returns?{asked}format=csv")
    back = await person.back(await person.at_provider(sent))
    assert back.headers["refresh"] == f"0; url=/log?{asked}take=csv&of=returns"
    shown = await person.get(f"/log?{asked}take=csv&of=returns")
    assert shown.headers["refresh"] == f"0; url=/log/export/returns?{asked}format=csv"
    assert "refresh" not in (await person.get(f"/log?{asked}take=csv&of=returns")).headers
    file = await person.get(f"/log/export/returns?{asked}format=csv")
    assert file.text.startswith("service,position,") and "avrr.returns.case.invented.v1" in file.text


@pytest.mark.usefixtures("logs")
async def test_a_link_from_elsewhere_shows_the_page_and_begins_no_download(people: People) -> None:
    person = people()
    path = f"/log/chain/{CASE}?take=ndjson"
    turned_away = await person.get(path, from_elsewhere=True)
    begun = await person.get(turned_away.headers["location"])
    back = await person.back(await person.at_provider(begun, "auditor"))
    assert back.headers["refresh"] == f"0; url={path}"
    for shown in (await person.get(path), await person.get("/log?take=csv&of=returns")):
        assert shown.status_code == 200 and "Invented" in shown.text
        assert "refresh" not in shown.headers and "begins by itself" not in shown.text


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize("persona", ["counsellor-3", "manager"])
async def test_nobody_else_is_sent_for_a_key_or_shown_anything(people: People, persona: str) -> None:
    person = people()
    await person.sign_in(persona)
    for path in ("/log", f"/log/chain/{CASE}", f"/log/chain/{CASE}/leaves?format=csv", f"/log/returns/{CASE}"):
        answer = await person.get(path)
        assert answer.status_code == 403
        assert "Invented" not in answer.text
